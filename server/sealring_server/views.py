"""The views of a store's models, computed from its heads (SPEC VW-1, VW-2).

A view lists the heads of everything that a model's devices need to go from what they hold to what they run.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from msgspec import UNSET
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from sealring.authentic import S
from sealring.catalogue.leaf import Head
from sealring.catalogue.view import Subjects, View, make_view, view_key
from sealring.names import ROOT, covers
from sealring.statement import Common, Delegation, Model, Release, Stack
from sealring_server.held import Held
from sealring_server.schema import views

About: TypeAlias = tuple[str, str]
"""A type and a subject."""
Heads: TypeAlias = dict[About, dict[int, Head]]
"""The head of each format in which a subject is issued (SPEC ST-8)."""
SHOWN = ("root", "brand", "model", "store", "release", "revision", "stack", "delegation", "revocations")


@dataclass(frozen=True)
class Says:
    """What the heads say that leads on to other heads."""

    releases: Mapping[str, list[Release]] = field(default_factory=dict)
    stacks: Mapping[str, list[Stack]] = field(default_factory=dict)
    delegations: Mapping[str, list[Delegation]] = field(default_factory=dict)
    """Those of each brand; releases and stacks by their subject, one of each format."""


def update_views(held: Held, root: bytes, sequence: int, news: Collection[Common]) -> dict[bytes, Head]:
    """Write the views that entry `sequence` changes; the new leaves by key (SPEC VW-3).

    Args:
        news: the statements of this publication, which are heads by now.
    """
    if not news:
        return {}
    changed = [view for view in compute_views(held) if _is_new(held.connection, view, sequence)]
    return {view_key(root, view.model): view.leaf(sequence) for view in changed}


def compute_views(held: Held) -> list[View]:
    """The view of every model, from the heads of one state."""
    heads: Heads = {}
    for kind in SHOWN:
        for subject, number, head in held.heads(kind):
            heads.setdefault((kind, subject), {})[number] = head
    says = Says(
        _grouped(held.bodies("release"), Release, lambda one: one.subject),
        _grouped(held.bodies("stack"), Stack, lambda one: one.subject),
        _grouped(held.bodies("delegation"), Delegation, lambda one: one.authority),
    )
    root, models = bytes.fromhex(held.root_id), _grouped(held.bodies("model"), Model, lambda one: one.name)
    return [view_of(root, name, issued, heads, says) for name, issued in models.items()]


def view_of(root: bytes, name: str, issued: Iterable[Model], heads: Heads, says: Says) -> View:
    """The view of one model: of what it names in any format, everything that has a head."""
    newest = max((about for about in heads if about[0] == "root"), key=lambda about: int(about[1]))
    wanted = [newest, *(about for model in issued for about in _needed(model, says) if about in heads)]
    rows: dict[Subjects, Head] = {
        (kind, number, subject): head for kind, subject in wanted for number, head in heads[kind, subject].items()
    }
    return make_view(root, name, rows)


def _needed(model: Model, says: Says) -> Iterator[About]:
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


def _software(model: Model, says: Says) -> Iterator[About]:
    for wanted in model.packages:
        subject = f"{wanted.package}/{wanted.channel}"
        yield "release", subject
        for release in says.releases.get(subject, ()):
            target = release.target(model.architecture)
            if target is not None:
                yield "revision", f"{wanted.package}/{target.revision}/{model.architecture}"
                if target.previous is not UNSET:
                    yield "revision", f"{wanted.package}/{target.previous}/{model.architecture}"
    if isinstance(model.stack, str):
        yield "stack", model.stack
        for part in (part for stack in says.stacks.get(model.stack, ()) for part in stack.parts):
            if part.architecture == model.architecture:
                yield "revision", f"{part.package}/{part.revision}/{part.architecture}"


def _concerns(delegation: Delegation, model: Model) -> bool:
    """VW-2: whether the delegation's patterns cover the model or one of its packages."""
    return any(covers(pattern, model.name) for pattern in delegation.models) or any(
        covers(pattern, wanted.package) for pattern in delegation.packages for wanted in model.packages
    )


def _grouped(found: Iterable[Common], kind: type[S], by: Callable[[S], str]) -> dict[str, list[S]]:
    groups: dict[str, list[S]] = {}
    for one in found:
        if isinstance(one, kind):
            groups.setdefault(by(one), []).append(one)
    return groups


def _is_new(connection: Connection, view: View, sequence: int) -> bool:
    """Whether the view differs from what its leaf says; then its document is written."""
    newest = connection.scalar(
        select(views.c.digest).where(views.c.model == view.model).order_by(views.c.entry.desc()).limit(1)
    )
    digest = view.digest.hex()
    if newest == digest:
        return False
    row: Mapping[str, object] = {"digest": digest, "model": view.model, "entry": sequence, "raw": view.raw}
    # A view that came back: its row moves to the newest entry, so that the question above stays right.
    write = upsert(views).values(**row)
    connection.execute(write.on_conflict_do_update(index_elements=["digest"], set_={"entry": sequence}))
    return True
