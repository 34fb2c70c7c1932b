"""When a halt of a release was met first: to date it anew each day holds nothing back for longer (SPEC HL-3).

```
halts.json   ids of releases, and since when
```
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sealring.errors import TrustError
from sealring.names import Sha256Hex
from sealring.strict import decode_strict, encode
from sealring_client.decide.state import read_small
from sealring_client.disk import remove_durably, write_durably

FILE = "halts.json"
MAX_HALTS = 256  # a model has no more packages
_LIMIT = 64 * 1024  # bytes


class _Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    release: Sha256Hex
    since: datetime


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    halts: Annotated[list[_Known], Meta(max_length=MAX_HALTS)]


_decoder = msgspec.json.Decoder(_File)


def load_halts(folder: Path) -> dict[str, datetime]:
    """Since when, by the release's id; nothing where the file is damaged (SPEC DV-13)."""
    raw = read_small(folder / FILE, _LIMIT)
    if raw is None:
        return {}
    try:
        found = decode_strict(raw, _decoder, limit=_LIMIT, what=FILE)
    except TrustError:
        return {}
    return {one.release: one.since for one in found.halts if one.since.tzinfo is not None}


def save_halts(folder: Path, halts: Mapping[str, datetime]) -> None:
    """Keep them, durably; nothing is written where nothing has changed.

    Raises:
        DiskError, NoSpace: those that are there stay.
    """
    if halts == load_halts(folder):
        return
    if not halts:
        remove_durably(folder / FILE)
        return
    listed = [_Known(release, halts[release]) for release in sorted(halts)][:MAX_HALTS]
    write_durably(folder / FILE, encode(_File(1, listed)))
