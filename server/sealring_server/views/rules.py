"""What the view of a model lists (SPEC VW-2), said once: for the store's own updates and for those who check them."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeAlias

from msgspec import UNSET

from sealring.names import ROOT, covers
from sealring.statement import Delegation, Model, Release, Stack

About: TypeAlias = tuple[str, str]
"""A type and a subject."""
SHOWN = frozenset(("root", "brand", "model", "store", "release", "revision", "stack", "delegation", "revocations"))


class Says(Protocol):
    """What current statements say that leads on to other statements; of a subject one for each format (SPEC ST-8)."""

    def releases(self, subject: str) -> Iterable[Release]:
        """The current releases of this subject."""

    def stacks(self, subject: str) -> Iterable[Stack]:
        """The current stacks of this subject."""

    def delegations(self, brand: str) -> Iterable[Delegation]:
        """Every current delegation of this brand."""


def needed(model: Model, says: Says) -> Iterator[About]:
    """Each statement that the model's devices need but the root, whether or not anybody has published it."""
    yield "model", model.name
    for store in model.stores:
        yield "store", store
    yield "revocations", f"{ROOT}/{ROOT}"
    for brand in sorted({model.authority, *(wanted.package.partition("/")[0] for wanted in model.packages)}):
        yield "brand", brand
        yield "revocations", f"{brand}/{brand}"
        for delegation in says.delegations(brand):
            if _concerns(delegation, model):
                yield "delegation", delegation.subject
                yield "revocations", delegation.subject  # the list whose issuer it is
    for wanted in model.packages:
        subject = f"{wanted.package}/{wanted.channel}"
        yield "release", subject
        yield from released(says.releases(subject), model.architecture)
    if isinstance(model.stack, str):
        yield "stack", model.stack
        yield from stacked(says.stacks(model.stack), model.architecture)


def released(releases: Iterable[Release], architecture: str) -> Iterator[About]:
    """The revisions to which releases lead on one architecture."""
    for release in releases:
        target = release.target(architecture)
        if target is not None:
            yield "revision", f"{release.name}/{target.revision}/{architecture}"
            if target.previous is not UNSET:
                yield "revision", f"{release.name}/{target.previous}/{architecture}"


def stacked(stacks: Iterable[Stack], architecture: str, package: str | None = None) -> Iterator[About]:
    """The revisions to which stacks lead on one architecture, of this package or of all."""
    for part in (part for stack in stacks for part in stack.parts):
        if part.architecture == architecture and package in (None, part.package):
            yield "revision", f"{part.package}/{part.revision}/{architecture}"


def _concerns(delegation: Delegation, model: Model) -> bool:
    """Whether the delegation's patterns cover the model or one of its packages."""
    return any(covers(pattern, model.name) for pattern in delegation.models) or any(
        covers(pattern, wanted.package) for pattern in delegation.packages for wanted in model.packages
    )
