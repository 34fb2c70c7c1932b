"""The views of a store's models, computed from its heads (SPEC VW-1, VW-2).

A view lists the heads of everything that a model's devices need to go from what they hold to what they run.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from msgspec import UNSET

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import Subjects, View, make_view
from sealring.names import ROOT, covers
from sealring.statement import Common, Delegation, Model, Release, Stack
from sealring_server.held import FORMAT, Held

Heads: TypeAlias = dict[tuple[str, str], Head]
"""The head of each (type, subject)."""
SHOWN = ("root", "brand", "model", "store", "release", "revision", "stack", "delegation", "revocations")


@dataclass(frozen=True)
class Says:
    """What the heads say that leads on to other heads."""

    releases: Mapping[str, Release] = field(default_factory=dict)
    stacks: Mapping[str, Stack] = field(default_factory=dict)
    delegations: Mapping[str, list[Delegation]] = field(default_factory=dict)
    """Those of each brand."""


def compute_views(held: Held) -> list[View]:
    """The view of every model, from the heads of one state."""
    heads = {(kind, subject): head for kind in SHOWN for subject, head in held.heads(kind)}
    releases = {one.subject: one for one in held.bodies("release") if isinstance(one, Release)}
    stacks = {one.subject: one for one in held.bodies("stack") if isinstance(one, Stack)}
    says = Says(releases, stacks, _by_brand(held.bodies("delegation")))
    root = bytes.fromhex(held.root_id)
    return [view_of(root, model, heads, says) for model in held.bodies("model") if isinstance(model, Model)]


def view_of(root: bytes, model: Model, heads: Heads, says: Says) -> View:
    """The view of one model: of what it names, everything that has a head."""
    wanted = [about for about in _needed(model, says) if about in heads]
    newest = max((about for about in heads if about[0] == "root"), key=lambda about: int(about[1]))
    rows: dict[Subjects, Head] = {(kind, FORMAT, subject): heads[kind, subject] for kind, subject in [newest, *wanted]}
    return make_view(root, model.name, rows)


def _needed(model: Model, says: Says) -> Iterator[tuple[str, str]]:
    """(type, subject) of each statement that the model's devices need, but the root."""
    yield "model", model.name
    for store in model.stores:
        yield "store", store
    yield "revocations", f"{ROOT}/{ROOT}"
    for brand in sorted({model.authority, *(w.package.partition("/")[0] for w in model.packages)}):
        yield "brand", brand
        yield "revocations", f"{brand}/{brand}"
        for delegation in says.delegations.get(brand, ()):
            if _concerns(delegation, model):
                yield "delegation", delegation.subject
                yield "revocations", delegation.subject  # the list whose issuer it is
    yield from _software(model, says)


def _software(model: Model, says: Says) -> Iterator[tuple[str, str]]:
    for wanted in model.packages:
        subject = f"{wanted.package}/{wanted.channel}"
        yield "release", subject
        release = says.releases.get(subject)
        target = release.target(model.architecture) if release is not None else None
        if target is not None:
            yield "revision", f"{wanted.package}/{target.revision}/{model.architecture}"
            if target.previous is not UNSET:
                yield "revision", f"{wanted.package}/{target.previous}/{model.architecture}"
    if isinstance(model.stack, str):
        yield "stack", model.stack
        stack = says.stacks.get(model.stack)
        for part in stack.parts if stack is not None else ():
            if part.architecture == model.architecture:
                yield "revision", f"{part.package}/{part.revision}/{part.architecture}"


def _concerns(delegation: Delegation, model: Model) -> bool:
    """VW-2: whether the delegation's patterns cover the model or one of its packages."""
    return any(covers(pattern, model.name) for pattern in delegation.models) or any(
        covers(pattern, wanted.package) for pattern in delegation.packages for wanted in model.packages
    )


def _by_brand(found: Iterable[Common]) -> dict[str, list[Delegation]]:
    by_brand: dict[str, list[Delegation]] = {}
    for one in found:
        if isinstance(one, Delegation):
            by_brand.setdefault(one.authority, []).append(one)
    return by_brand
