"""Who could have shipped what on a date: the key sets that counted then, by own keys and by delegation (SPEC AU-2).

The world of then is made of what had been issued then; what is known today adds which of it is no longer to be
believed, since when (`since` of a revocation's line).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sealring.authentic import Authentic
from sealring.doctor.hindsight import Hindsight
from sealring.doctor.signers import Signers
from sealring.doctor.world import World
from sealring.errors import TrustError
from sealring.moment import Moment, check_time
from sealring.names import covers, spell
from sealring.statement import Brand, Common, Delegation, Model

State = Literal["could", "suspect", "revoked", "ended"]
OWN_ROLES = ("model", "release", "revision", "revocations", "serial", "store", "delegation")
OF_PACKAGES = frozenset({"release", "revision"})
OF_MODELS = frozenset({"model", "serial"})


@dataclass(frozen=True)
class Scope:
    """What is asked about; empty means everything. `of_model` adds what the models followed and asked then."""

    packages: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()

    @property
    def is_all(self) -> bool:
        """Whether nothing was left out."""
        return not self.packages and not self.models

    def of_model(self, then: World) -> "Scope":
        """With the packages that these models followed then, and their stores."""
        more, stores = list[str](), list[str]()
        for name in self.models:
            found = then.held.get(("model", name))
            if found is not None and isinstance(found.statement, Model):
                more += [wanted.package for wanted in found.statement.packages]
                stores += found.statement.stores
        return Scope(tuple(sorted({*self.packages, *more})), self.models, tuple(sorted(set(stores))))

    @property
    def brands(self) -> frozenset[str]:
        """The brands whose word it is."""
        return frozenset(name.partition("/")[0] for name in (*self.packages, *self.models))


@dataclass(frozen=True)
class Power:
    """One key set that could have signed one role over some names.

    Args:
        role: a delegation's role, `delegation`, `anything`, `root` or `brand`.
        over: full names or patterns.
        kinds: the kinds of image that it may build; empty where that is not bounded.
        until: when it would have ended.
        state: `could`; `suspect` since a date that became known later; `revoked` or `ended` then already.
    """

    role: str
    over: tuple[str, ...]
    signers: Signers
    kinds: tuple[str, ...]
    until: datetime
    state: State
    words: str = ""


def powers(then: World, later: Hindsight, at: datetime, scope: Scope) -> tuple[Power, ...]:
    """All key sets that could have signed on that date, and those that just could not."""
    scope, found = scope.of_model(then), list(_of_root(then, later, at))
    for name, brand in sorted(then.chain.brands.items()):
        if scope.is_all or name in scope.brands:
            found += _of_brand(then, later, at, brand, scope)
    return tuple(found)


def _of_root(then: World, later: Hindsight, at: datetime) -> Iterator[Power]:
    said = then.chain.root.statement
    state, words = _standing(then.chain.root, then, later, at)
    root = Signers(f"root {said.sequence}, role root", said.roles.root)
    yield Power("root", ("everything, by new keys for a brand",), root, (), said.expires, state, words)
    role = Signers(f"root {said.sequence}, role brand", said.roles.brand)
    yield Power("brand", ("new brands; none that devices knew",), role, (), said.expires, state, words)


def _of_brand(then: World, later: Hindsight, at: datetime, brand: Authentic[Brand], scope: Scope) -> Iterator[Power]:
    said = brand.statement
    state, words = _standing(brand, then, later, at)
    own = Signers(f"brand {said.brand}", said.keys)
    # EL-1 apart: the last word on a product is the root's too.
    every = [f"{said.brand}/*"]
    for role, over in _asked(OWN_ROLES, every, every, every, scope):
        yield Power(role, over, own, (), said.expires, state, words)
    for subject, one in sorted(then.held.items()):
        given = one.statement
        if subject[0] == "delegation" and isinstance(given, Delegation) and given.authority == said.brand:
            yield from _of_delegation(then, later, at, given, one, scope, (state, words))


def _of_delegation(
    then: World,
    later: Hindsight,
    at: datetime,
    said: Delegation,
    one: Authentic[Common],
    scope: Scope,
    above: tuple[State, str],
) -> Iterator[Power]:
    state, words = _standing(one, then, later, at)
    if above[0] in ("revoked", "ended") and state == "could":
        state, words = above
    by = Signers(said.title, said.keys)
    # AU-4: a store that a delegation signs bears its name.
    stores = [s for s in scope.stores if s == said.subject or s.startswith(f"{said.subject}-")]
    for role, over in _asked(tuple(said.roles), said.packages, said.models, stores, scope):
        kinds = tuple(said.kinds) if role in ("revision", "model", "release") else ()
        yield Power(role, over, by, kinds, said.expires, state, words)


def _asked(
    roles: Iterable[str], packages: list[str], models: list[str], stores: list[str], scope: Scope
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The roles that the question is about, each with the names that this set covers of them."""
    for role in roles:
        if scope.is_all:
            over = tuple(models if role in ("model", "serial") else packages)
            yield role, over
            continue
        if role in OF_PACKAGES:
            covered = [name for name in scope.packages if any(covers(p, name) for p in packages)]
        elif role in OF_MODELS:
            covered = [name for name in scope.models if any(covers(p, name) for p in models)]
        elif role == "store":
            covered = [name for name in scope.stores if any(covers(p, name) for p in stores)]
        else:
            continue
        if covered:
            yield role, tuple(covered)


def _standing(one: Authentic[Common], then: World, later: Hindsight, at: datetime) -> tuple[State, str]:
    """Whether an authority's word counted then, and whether it is still believed of then."""
    line = then.chain.revocations.strongest(one.statement, one.envelope.id)
    if line is not None:
        return "revoked", f"taken back by {line.issuer} since {spell(line.line.since)}: {line.line.why}"
    try:
        check_time(one.statement, Moment(at))
    except TrustError as err:
        return "ended", str(err)
    known = later.taken_back(one.statement, one.envelope.id, at)
    return ("suspect", known) if known else ("could", "")
