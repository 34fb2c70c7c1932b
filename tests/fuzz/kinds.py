"""What kind of answer an input got, in a number of kinds that no input can add to."""

import re
from collections.abc import Iterable, Set

_MEMBER = re.compile(rb'"([a-z_]{1,20})":')
_NAME = re.compile(rb"[a-z_]{1,20}")
_PLACE = re.compile(r" - at `(\$[^`]{0,80})`\Z")
_BEGINNINGS = """
Expected Input Invalid JSON Number Object a an base codec contains enum in is key missing neither not number order
out payload rows signatures twice
"""
_WORDS = frozenset(_BEGINNINGS.split())


def names_in(seeds: Iterable[bytes]) -> Set[bytes]:
    """The names of members in these documents."""
    return frozenset(name for seed in seeds for name in _MEMBER.findall(seed))


def kind_of(found: object, data: bytes, names: Set[bytes]) -> bytes:
    """Names the kind of an answer: which rule refused it at which member, or which members stood there.

    Half of the parsing happens in compiled code, whose branches libFuzzer does not see: without this it would keep one
    statement of all that are refused for one member or another, and would learn nothing from the vectors.

    Args:
        names: the members that count. Any other text comes from the input, and an input could bring ever new ones.
    """
    if found is True:
        return b"accepted " + b" ".join(sorted(names & set(_MEMBER.findall(data))))
    if not isinstance(found, Exception):
        return b"nothing to read"
    reason = str(getattr(found, "reason", "") or getattr(found, "why", ""))
    begins, place = reason.split(" ", 2)[:2], _PLACE.search(reason)
    members = [each for each in _NAME.findall(place[1].encode()) if each in names] if place else []
    words = [each for each in begins if each in _WORDS]
    return f"{type(found).__name__} {getattr(found, 'rule', '')} {words}".encode() + b" ".join(members)
