"""What ran until a revocation ended that, so that the device can say so and nobody waits for it (SPEC RK-6)."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sealring.errors import TrustError
from sealring.strict import decode_strict, encode
from sealring_client.apply.install import Disk
from sealring_client.decide.state import read_small
from sealring_client.disk import write_durably
from sealring_client.part import Part

_LIMIT = 1024 * 1024  # bytes


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    stopped: Annotated[list[dict[str, str | int]], Meta(max_length=1000)]


_decoder = msgspec.json.Decoder(_File)


def load_stopped(folder: Path) -> dict[str, Part]:
    """The part of each package that was stopped; none where the file is damaged (SPEC DV-13)."""
    raw = read_small(folder / "stopped.json", _LIMIT)
    if raw is None:
        return {}
    try:
        found = decode_strict(raw, _decoder, limit=_LIMIT, what="stopped.json")
        parts = [Part(**_members(one)) for one in found.stopped]
    except (TrustError, TypeError, ValueError):
        return {}  # the list that stopped it is held elsewhere, and still lets nothing of it in
    return {part.package: part for part in parts}


def save_stopped(folder: Path, parts: Iterable[Part]) -> None:
    """Keep them, durably; nothing is written where nothing has changed."""
    wanted = {part.package: part for part in parts}
    if wanted == load_stopped(folder):
        return
    listed: list[dict[str, str | int]] = [asdict(wanted[package]) for package in sorted(wanted)]
    write_durably(folder / "stopped.json", encode(_File(1, listed)))


def kept_digests(folder: Path, disk: Disk) -> set[str]:
    """The envelopes on which what runs, what it may go back to, and what was stopped rest."""
    generations = disk.generations
    numbers = {generations.current(), generations.good(), generations.previous_good()}
    parts = [*load_stopped(folder).values(), *(part for number in numbers for part in disk.parts_of(number))]
    return {digest for part in parts for digest in (part.release, part.statement)}


def _members(one: dict[str, str | int]) -> dict[str, Any]:
    return dict(one)
