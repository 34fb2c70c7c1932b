"""The views of a store's models, computed from its heads (SPEC VW-1, VW-2).

A view lists the heads of everything that a model's devices need to go from what they hold to what they run.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from msgspec import UNSET

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import Subjects, View, make_view
from sealring.statement import Common, Model, Release
from sealring_server.held import FORMAT, Held

Heads: TypeAlias = dict[tuple[str, str], Head]
"""The head of each (type, subject)."""


def compute_views(held: Held) -> list[View]:
    """The view of every model, from the heads of one state."""
    heads = {
        (kind, subject): head
        for kind in ("root", "brand", "model", "store", "release", "revision")
        for subject, head in held.heads(kind)
    }
    releases = _by_subject(held.bodies("release"))
    root = bytes.fromhex(held.root_id)
    return [view_of(root, model, heads, releases) for model in held.bodies("model") if isinstance(model, Model)]


def view_of(root: bytes, model: Model, heads: Heads, releases: dict[str, Release]) -> View:
    """The view of one model: of what it names, everything that has a head."""
    wanted = [about for about in _needed(model, releases) if about in heads]
    newest = max((about for about in heads if about[0] == "root"), key=lambda about: int(about[1]))
    rows: dict[Subjects, Head] = {(kind, FORMAT, subject): heads[kind, subject] for kind, subject in [newest, *wanted]}
    return make_view(root, model.name, rows)


def _needed(model: Model, releases: dict[str, Release]) -> Iterator[tuple[str, str]]:
    """(type, subject) of each statement that the model's devices need, but the root."""
    yield "brand", model.authority
    yield "model", model.name
    for store in model.stores:
        yield "store", store
    for wanted in model.packages:
        yield "brand", wanted.package.partition("/")[0]
        subject = f"{wanted.package}/{wanted.channel}"
        yield "release", subject
        release = releases.get(subject)
        target = release.target(model.architecture) if release is not None else None
        if target is not None:
            yield "revision", f"{wanted.package}/{target.revision}/{model.architecture}"
            if target.previous is not UNSET:
                yield "revision", f"{wanted.package}/{target.previous}/{model.architecture}"


def _by_subject(found: Iterable[Common]) -> dict[str, Release]:
    return {release.subject: release for release in found if isinstance(release, Release)}
