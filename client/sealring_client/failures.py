"""Releases that did not work, and when they may be tried again (SPEC DV-9, DV-12)."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sealring.errors import TrustError
from sealring.names import FullName, Sha256Hex
from sealring.strict import decode_strict, encode
from sealring_client.decide.state import read_small
from sealring_client.disk import write_durably

FIRST_WAIT = timedelta(hours=8)
LONGEST_WAIT = timedelta(days=7)
_LIMIT = 256 * 1024  # bytes


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One package's release, or stack, that is not taken for now, by its id.

    `not_before` is null where a person went back from it.
    """

    package: FullName
    release: Sha256Hex
    count: Annotated[int, Meta(ge=1, le=1000)]
    not_before: datetime | None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    failures: Annotated[list[Failure], Meta(max_length=1024)]


_decoder = msgspec.json.Decoder(_File)


def load_failures(folder: Path) -> dict[str, Failure]:
    """The failure of each package that has one; none where the file is damaged (SPEC DV-13)."""
    raw = read_small(folder / "failures.json", _LIMIT)
    if raw is None:
        return {}
    try:
        found = decode_strict(raw, _decoder, limit=_LIMIT, what="failures.json")
    except TrustError:
        return {}  # what did not work is tried once more: better than never to update again
    return {failure.package: failure for failure in found.failures}


def save_failures(folder: Path, failures: dict[str, Failure]) -> None:
    """Keep them, durably; nothing is written where nothing has changed."""
    if failures == load_failures(folder):
        return
    raw = encode(_File(1, [failures[package] for package in sorted(failures)]))
    write_durably(folder / "failures.json", raw)


def failed_again(before: Failure | None, package: str, release: str, at: datetime) -> Failure:
    """The failure after one more: 8 hours, doubling, at most 7 days (DV-9)."""
    # DV-9: another release is another chance; the same one waits longer each time.
    same = before is not None and before.release == release
    count = min(before.count + 1, 1000) if before is not None and same else 1
    wait = min(FIRST_WAIT * 2 ** min(count - 1, 10), LONGEST_WAIT)
    return Failure(package, release, count, at.replace(microsecond=0) + wait)


def keeps_away(failure: Failure | None, release: str, at: datetime) -> bool:
    """Whether this release is left alone for now (DV-9, DV-12)."""
    if failure is None or failure.release != release:
        return False
    return failure.not_before is None or at < failure.not_before
