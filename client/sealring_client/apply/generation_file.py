"""`generation.json`: what one generation consists of, in one spelling, with a checksum (format 1).

The checksum is against rot and hand-editing, not against attackers: who can write here is root. What the
parts are trusted for is judged from the signed envelopes that they name.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from sealring.errors import SealringError
from sealring_client.part import Part

FORMAT = 1
MAX_PARTS = 1000
MAX_BYTES = 1024 * 1024

_TAIL = re.compile(rb',"check":"([0-9a-f]{64})"\}\n')
_TAIL_BYTES = len(',"check":""}\n') + 64


@dataclass(eq=False)
class Damaged(SealringError):
    """A file or link of the device's own state is not what this program writes."""

    path: Path
    reason: str
    exit_code: ClassVar[int] = 12
    rule: ClassVar[str] = "GN-1"

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"

    def hint(self) -> str:
        return "the disk is failing or someone edited it: `sealring-device rollback`, else provision anew"


def encode(number: int, parts: Sequence[Part]) -> bytes:
    """The one spelling of a generation's contents."""
    head = {"format": FORMAT, "generation": number, "parts": [asdict(part) for part in parts]}
    body = json.dumps(head, separators=(",", ":"), ensure_ascii=True)[:-1].encode()
    return body + b',"check":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def parse(raw: bytes, number: int, path: Path) -> tuple[Part, ...]:
    """The parts of generation `number`.

    Raises:
        Damaged: too long, another number, or any byte other than `encode` would have written.
    """
    tail = _TAIL.fullmatch(raw[-_TAIL_BYTES:])
    body = raw[:-_TAIL_BYTES]
    if len(raw) > MAX_BYTES or tail is None or hashlib.sha256(body).hexdigest().encode() != tail[1]:
        raise Damaged(path, "its checksum is wrong")
    try:
        parts = _parts(json.loads(body + b"}"), number)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Damaged(path, "its members are not those of format 1") from None
    if encode(number, parts) != raw:
        raise Damaged(path, "it is not in the one spelling that this program writes")
    return parts


def _parts(head: dict[str, Any], number: int) -> tuple[Part, ...]:
    if head["format"] != FORMAT or head["generation"] != number or len(head["parts"]) > MAX_PARTS:
        raise ValueError
    return tuple(Part(**member) for member in head["parts"])
