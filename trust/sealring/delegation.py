"""What a delegation lets its holders sign: all that a statement names lies within it (SPEC AU-3 to AU-5).

A holder can't widen it: not the roles, not the packages, models and kinds, and not by naming in passing what he
could not sign by itself. A delegation signs no delegation, so there is one level.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from msgspec import UNSET

from sealring.errors import RuledError
from sealring.names import covers
from sealring.statement import (
    Common,
    Delegation,
    Model,
    Release,
    RevisionStatement,
    Revocations,
    SerialStatement,
    Stack,
    Store,
)

ROLE_OF = {
    "model": "model",
    "release": "release",
    "revision": "revision",
    "revocations": "revocations",
    "serial": "serial",
    "stack": "release",
    "store": "store",
}
"""The role that signs each type; `root`, `brand` and `delegation` have none, so nobody is delegated them."""


@dataclass(eq=False)
class NotDelegated(RuledError):
    """A delegation's holders signed what was never given to them (SPEC AU-3 to AU-5)."""

    what: str
    delegation: str
    found: str
    needed: str
    by: str = "AU-3"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: {self.found} found, {self.delegation} covers {self.needed}"

    def hint(self) -> str:
        return "let the brand's own keys sign it, or issue the delegation again so that it covers this"


@dataclass(frozen=True)
class Named:
    """All that a statement names: packages, models, kinds, and names that must be the delegation's own."""

    packages: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)


def check_covered(delegation: Delegation, statement: Common) -> None:
    """Raise `NotDelegated` unless holders of this delegation may sign the statement."""
    role = ROLE_OF.get(statement.type)
    if role not in delegation.roles:
        raise NotDelegated(
            statement.title, delegation.title, f"a {statement.type}", f"the roles {', '.join(delegation.roles)}"
        )
    # AU-5: the last word on a product is the brand's and the root's, not a publisher's.
    if isinstance(statement, Release) and statement.final is not UNSET:
        raise NotDelegated(statement.title, delegation.title, "a final release", "no end of life", "AU-5")
    if isinstance(statement, Revocations) and statement.issuer != delegation.delegation:
        needed = f"its own list, {delegation.subject}"
        raise NotDelegated(statement.title, delegation.title, f"issuer {statement.issuer}", needed, "AU-5")
    check_scope(delegation, statement)


def check_scope(delegation: Delegation, statement: Common) -> None:
    """Raise `NotDelegated` unless all that the statement names lies within the delegation, whatever its roles."""
    named = named_by(statement)
    for what, names, patterns in (
        ("package", named.packages, delegation.packages),
        ("model", named.models, delegation.models),
    ):
        for name in names:
            if not any(covers(pattern, name) for pattern in patterns):
                raise NotDelegated(
                    statement.title, delegation.title, f"{what} {name}", ", ".join(patterns) or f"no {what}"
                )
    for kind in named.kinds:
        if kind not in delegation.kinds:
            raise NotDelegated(statement.title, delegation.title, f"kind {kind}", ", ".join(delegation.kinds))
    for name in named.own:
        # AU-4: or a publisher who may run a store could sign a newer address for the brand's main one.
        if name != delegation.subject and not name.startswith(f"{delegation.subject}-"):
            needed = f"names that are or begin with {delegation.subject}-"
            raise NotDelegated(statement.title, delegation.title, name, needed, "AU-4")


def named_by(statement: Common) -> Named:
    """All that the statement names beside its authority, itself included."""
    match statement:
        case RevisionStatement():
            requires = statement.requires if isinstance(statement.requires, list) else []
            return Named([statement.name, *(r.package for r in requires)], kinds=[statement.kind])
        case Release():
            return Named([statement.name])
        case Stack():
            return Named([p.package for p in statement.parts], own=[statement.subject])
        case Model():
            packages, kinds = [w.package for w in statement.packages], [w.kind for w in statement.packages]
            return Named(packages, [statement.name], list(kinds))
        case Store():
            return Named(statement.packages, own=[statement.name])
        case SerialStatement():
            return Named(models=[f"{statement.authority}/{statement.model}"])
        case Revocations():
            return _named_in_lines(statement)
    return Named(own=[statement.title])  # what no role signs lies within no delegation


def _named_in_lines(statement: Revocations) -> Named:
    """What the lines name by subject; a line that names an id is judged where it meets a statement (SPEC RK-4)."""
    named = Named()
    for line in statement.revoked:
        kind, _, subject = line.what.partition(" ")
        if not subject:
            continue
        name = "/".join(subject.split("/")[:2])
        if kind in ("revision", "release"):
            named.packages.append(name)
        elif kind in ("model", "serial"):
            named.models.append(name)
        else:
            # A store or a stack by its name; of a delegation or a brand it is never the delegation's own.
            named.own.append(name if kind in ("store", "stack") else line.what)
    return named
