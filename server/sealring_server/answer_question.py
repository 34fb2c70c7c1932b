"""What a device says that it has, read from the query of `/v1/answers/BRAND/MODEL` (SPEC AN-1).

One question has one spelling, so that caches hold one answer to it, and nothing else about a device is in it.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Final, NamedTuple

from sealring.errors import TrustError
from sealring.names import MAX_INTEGER, NAME

MAX_QUESTION: Final = 8192  # bytes; 64 brands with the longest names and numbers need 3,776
MAX_BRANDS: Final = 64

_NUMBER = r"[1-9][0-9]{0,15}"
_VERSION = rf"(?:0|{_NUMBER})"
_BRAND = rf"(?=[^.]{{1,40}}\.){NAME}\.{_NUMBER}"
_MEMBERS: Final = (
    rf"root=(?P<root>{_NUMBER})",
    rf"brands=(?P<brands>{_BRAND}(?:,{_BRAND}){{0,{MAX_BRANDS - 1}}})",
    rf"tuf=(?P<tuf>{_VERSION}(?:\.{_VERSION}){{3}})",
    rf"entry=(?P<entry>{_NUMBER})",
    r"view=(?P<view>[0-9a-f]{64})",
)
_MEMBER: Final = tuple(re.compile(member) for member in _MEMBERS)


@dataclass(eq=False)
class BadQuestion(TrustError):
    """A query that is not the one spelling of what a device has (SPEC AN-1)."""

    why: str

    rule: ClassVar[str] = "AN-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"question: {self.why}"

    def hint(self) -> str:
        return "root, brands, tuf, entry and view, in this order and each at most once; leave out what is not held"


class TufVersions(NamedTuple):
    """The versions of a store's TUF metadata that a device holds; 0 for none."""

    root: int = 0
    timestamp: int = 0
    snapshot: int = 0
    targets: int = 0


NO_TUF: Final = TufVersions()


@dataclass(frozen=True)
class Question:
    """What a device has: 0 and "" for nothing."""

    root: int = 0
    brands: tuple[tuple[str, int], ...] = ()
    tuf: TufVersions = NO_TUF
    entry: int = 0
    view: str = ""


def parse_question(raw: bytes) -> Question:
    """The question that a query spells, without the `?`; an empty one is a device that has nothing.

    Args:
        raw: the query as it came; above 8 KiB it is refused before any of it is read.

    Raises:
        TrustError: BadQuestion, and nothing else, whatever the bytes.
    """
    if len(raw) > MAX_QUESTION:
        raise BadQuestion(f"{len(raw)} bytes, at most {MAX_QUESTION} allowed")
    found = _members(raw.decode("ascii", "replace")) if raw else {}
    tuf = TufVersions(*(_number(one, "tuf") for one in found["tuf"].split("."))) if "tuf" in found else NO_TUF
    if "tuf" in found and tuf == NO_TUF:
        raise BadQuestion("tuf: no version of anything is said by leaving it out")
    return Question(
        root=_number(found.get("root", "0"), "root"),
        brands=_brands(found["brands"]) if "brands" in found else (),
        tuf=tuf,
        entry=_number(found.get("entry", "0"), "entry"),
        view=found.get("view", ""),
    )


def _members(text: str) -> dict[str, str]:
    """The members by name: each takes up the search where the one before ended, so that none stands twice."""
    found: dict[str, str] = {}
    left = list(_MEMBER)
    for part in text.split("&", len(_MEMBER)):
        while left:
            if match := left.pop(0).fullmatch(part):
                found.update(match.groupdict())
                break
        else:
            raise BadQuestion(f"{part[:80]!a} found where no such member, or another form of it, is needed")
    return found


def _brands(text: str) -> tuple[tuple[str, int], ...]:
    brands = [(name, _number(number, "brands")) for name, _, number in (one.partition(".") for one in text.split(","))]
    for (before, _), (after, _) in pairwise(brands):
        if before >= after:
            raise BadQuestion("brands are not in strictly ascending order")
    return tuple(brands)


def _number(text: str, what: str) -> int:
    number = int(text)
    if number > MAX_INTEGER:
        raise BadQuestion(f"{what}: {text} found, at most {MAX_INTEGER} is a sequence")
    return number
