"""Addresses at which a store of the model once proved itself, for when no statement leads anywhere (SPEC SR-4).

One wrong address in a statement, or a model that names stores nobody knows, would otherwise be the last thing that a
device ever hears: what mends it lies where the device no longer asks. Asking trusts nobody.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sealring.errors import TrustError
from sealring.names import FullName, Url
from sealring.strict import decode_strict, encode
from sealring_client.decide.state import read_small
from sealring_client.disk import write_durably

FIRST, LAST = 4, 4  # that are remembered: a thief's are the latest, and a move of last week is as well
ASK_AFTER = timedelta(days=7)
_LIMIT = 16 * 1024  # bytes


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One address, and the store that proved a view there."""

    store: FullName
    url: Url


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    asked: datetime | None
    addresses: Annotated[list[Address], Meta(max_length=FIRST + LAST)]


_decoder = msgspec.json.Decoder(_File)


@dataclass(frozen=True)
class KnownAddresses:
    """The first four and the last four, oldest first, and when those that no statement names were asked last."""

    addresses: tuple[Address, ...] = ()
    asked: datetime | None = None

    def with_proved(self, found: Iterable[Address]) -> "KnownAddresses":
        """After stores have proved themselves at these; one that is known keeps its place."""
        known = list(self.addresses)
        for one in found:
            if one not in known:
                known.append(one)
                if len(known) > FIRST + LAST:
                    del known[FIRST]
        return KnownAddresses(tuple(known), self.asked)

    def unnamed(self, named: Collection[str]) -> list[Address]:
        """Those that no statement in force names any more."""
        return [one for one in self.addresses if one.url not in named]

    def is_due(self, now: datetime) -> bool:
        """Whether a week has gone by; a clock that went back makes it so too."""
        return self.asked is None or not self.asked <= now < self.asked + ASK_AFTER


def load_known(folder: Path) -> KnownAddresses:
    """What is remembered; nothing where the file is damaged: nothing is trusted for it (DV-13)."""
    raw = read_small(folder / "addresses.json", _LIMIT)
    if raw is None:
        return KnownAddresses()
    try:
        found = decode_strict(raw, _decoder, limit=_LIMIT, what="addresses.json")
    except TrustError:
        return KnownAddresses()
    return KnownAddresses(tuple(found.addresses), found.asked)


def save_known(folder: Path, known: KnownAddresses) -> None:
    """Keep it, durably; nothing is written where nothing has changed."""
    if known != load_known(folder):
        write_durably(folder / "addresses.json", encode(_File(1, known.asked, list(known.addresses))))
