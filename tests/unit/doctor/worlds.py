"""Worlds for the doctor: a healthy one, and the way to look at any."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sealring.doctor.deadlines import Instants
from sealring.doctor.examine import Examined, examine
from sealring.doctor.findings import Finding
from sealring.doctor.tuf_files import StoreTuf
from sealring.doctor.world import Piece, World, gather
from sealring.envelope import Envelope
from sealring.names import NO_ROOT
from sealring.statement import Root
from sealring.statement.authorities import RootRoles
from tests.world import NOW, key_set, sign
from tests.world import World as Signers


class Healthy(Signers):
    """A world without a finding of its own: 2 of 3 in every set, no key in two of them."""

    def __init__(self) -> None:
        super().__init__()
        self.brand_role = [self.key(f"brands-{n}") for n in "abc"]
        self.root = sign(self.root_statement(root=NO_ROOT), *self.root_keys[:2])
        self.root_id = self.root.id

    def root_statement(self, **more: Any) -> Root:
        more.setdefault("roles", RootRoles(key_set(2, *self.root_keys), key_set(2, *self.brand_role)))
        return super().root_statement(**more)


WORLD = Healthy()
BRAND = WORLD.signed(WORLD.brand())
MODEL = WORLD.signed(WORLD.model())
STORE = WORLD.signed(WORLD.store())
REVISION = WORLD.signed(WORLD.revision())
RELEASE = WORLD.signed(WORLD.release())
WHOLE = [BRAND, MODEL, STORE, REVISION, RELEASE]
"""All that devices of acme/door-1 need."""


def pieces(envelopes: Iterable[Envelope | bytes]) -> list[Piece]:
    return [
        Piece(one if isinstance(one, bytes) else one.raw, f"found/{number}.json")
        for number, one in enumerate(envelopes)
    ]


def world_of(*envelopes: Envelope | bytes, root: Envelope = WORLD.root) -> World:
    """What follows from the root and these."""
    return gather(root.raw, pieces(envelopes))


def look(
    *envelopes: Envelope | bytes,
    at: datetime = NOW,
    within: timedelta = timedelta(days=30),
    stores: Iterable[StoreTuf] = (),
    holders: dict[str, str] | None = None,
    root: Envelope = WORLD.root,
) -> Examined:
    """What the doctor says of these as of an instant."""
    found = world_of(*envelopes, root=root)
    return examine(found, stores, Instants(at, within, NOW), holders or {})


def of(found: Examined, name: str) -> list[Finding]:
    """The findings of one id."""
    return [one for one in found.findings if one.id == name]


def without(*gone: Envelope) -> list[Envelope]:
    """The whole world but these."""
    return [one for one in WHOLE if one not in gone]
