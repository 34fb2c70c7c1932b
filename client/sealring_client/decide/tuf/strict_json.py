"""JSON with one meaning only, read before python-tuf sees it (SPEC TF-7).

`json` takes the last of two members with one name where another reader takes the first; two readers would
then see two roots in the same bytes. Nothing here is signed yet, so size and depth are bounded first.
"""

import json
import re
from typing import Any, NoReturn

from sealring_client.decide.tuf.errors import BadMetadata

MAX_DEPTH = 16  # TUF's deepest member, a key of a delegation, stands at 6
MAX_INTEGER = 2**53 - 1
# Possessive, and the last quote may be missing: each byte is looked at once, however many quotes have no partner.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_PLAIN = bytes(set(range(256)) - set(b"{}[]"))


def read_json(raw: bytes, *, limit: int, file: str) -> dict[str, Any]:
    """The object that these bytes spell.

    Args:
        raw: bytes from outside, refused above `limit` before they are read.
        file: its name, for messages.

    Raises:
        BadMetadata: and nothing else, whatever the bytes.
    """
    if len(raw) > limit:
        raise BadMetadata(file, f"{len(raw)} bytes, at most {limit} are read")
    _check_depth(raw, file)

    def refuse(reason: str) -> NoReturn:
        raise BadMetadata(file, reason)

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(found)
        if len(members) != len(found):
            refuse("a member stands twice in one object")
        return members

    def integer(text: str) -> int:
        found = int(text) if len(text) < 20 else MAX_INTEGER + 1
        return found if abs(found) <= MAX_INTEGER else refuse("an integer above 2^53 - 1")

    def no_float(_: str) -> NoReturn:
        refuse("a number that is no integer")

    try:
        found = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=pairs,
            parse_int=integer,
            parse_float=no_float,
            parse_constant=no_float,
        )
    except (ValueError, RecursionError):  # a UnicodeDecodeError is a ValueError
        raise BadMetadata(file, "not JSON") from None
    if not isinstance(found, dict):
        raise BadMetadata(file, "not a JSON object")
    return found


def _check_depth(raw: bytes, file: str) -> None:
    depth = 0
    for byte in _STRING.sub(b"", raw).translate(None, _PLAIN):
        if byte in b"{[":
            depth += 1
            if depth > MAX_DEPTH:
                raise BadMetadata(file, f"nested deeper than {MAX_DEPTH}")
        elif byte in b"}]":
            depth -= 1
