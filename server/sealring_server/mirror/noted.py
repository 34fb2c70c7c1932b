"""When a mirror last heard of its store, for its operator: one small file, replaced whole (SPEC MI-1).

DIR/mirror/noted.json
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from sealring.durable import write_durably
from sealring.names import instant, spell

FILE = "noted.json"


@dataclass(frozen=True)
class Noted:
    """The last looks at the store.

    Args:
        entry: the newest entry that was taken up.
        good: when a look last ended well: everything that was shown then is here.
        failing: since when looks fail; empty where the last one ended well.
        why: what the last failure said.
        lacking: images that are wanted and not here.
    """

    entry: int = 0
    good: str = ""
    failing: str = ""
    why: str = ""
    lacking: int = 0


def read_noted(folder: Path) -> Noted:
    """What was noted; nothing where there is no such file, or a damaged one: it helps, and nothing rests on it."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes()[:65536], type=Noted)
    except (OSError, msgspec.DecodeError):
        return Noted()


def note_good(folder: Path, entry: int, at: datetime, lacking: int) -> None:
    """A look ended well."""
    _write(folder, Noted(entry, spell(at), lacking=lacking))


def note_failure(folder: Path, at: datetime, why: str) -> None:
    """A look failed; since when, stays."""
    before = read_noted(folder)
    _write(folder, Noted(before.entry, before.good, before.failing or spell(at), why[:500], before.lacking))


def told(folder: Path, url: str, at: datetime) -> dict[str, Any]:
    """For `sealring-store status`: of what it is a mirror, and how far behind it may be."""
    noted = read_noted(folder)
    behind = int((at - instant(noted.good)).total_seconds()) if noted.good else None
    return {
        "origin": url,
        "last_good": noted.good or None,
        "behind_seconds": behind,
        "failing_since": noted.failing or None,
        "why": noted.why or None,
        "images_lacking": noted.lacking,
    }


def _write(folder: Path, noted: Noted) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / FILE, json.dumps(asdict(noted)).encode())
