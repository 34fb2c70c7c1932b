"""A view's document from its rows as the store keeps them: the one spelling of SPEC VW-1, without parsing it again.

`make_view` reads back all that it writes, which takes a millisecond for 50 packages. Here the parts were checked when
their statements were admitted; a property test holds that the bytes are the same.
"""

from collections.abc import Mapping
from hashlib import sha256

from sealring.catalogue.view import MAX_ROWS, MAX_VIEW, Subjects, parse_view

Rows = Mapping[Subjects, bytes]
"""The 72 bytes of each row's leaf (SPEC MP-2)."""


def document(root: bytes, model: str, rows: Rows) -> bytes:
    """The bytes of the view with these rows, in any order.

    Raises:
        TrustError: when no device would take it: too many rows, or more than 1 MiB.
    """
    body = ",".join([f"[{spelt(about, rows[about].hex())}]" for about in sorted(rows)])
    raw = f'{{"format":1,"root":"{root.hex()}","model":"{model}","statements":[{body}]}}'.encode("ascii")
    return check_bounds(raw, len(rows))


def check_bounds(raw: bytes, rows: int) -> bytes:
    """The same document, with so many rows, where a device would take it.

    Raises:
        TrustError.
    """
    if rows > MAX_ROWS or len(raw) > MAX_VIEW:
        parse_view(raw)  # says what is too much
    return raw


def digest_of(raw: bytes) -> bytes:
    """What the view's leaf commits to (SPEC VW-3)."""
    return sha256(raw).digest()


def spelt(about: Subjects, value: str) -> str:
    """One row, without its brackets; `value` is the 72 bytes of its leaf in hex."""
    return f'"{about[0]}",{about[1]},"{about[2]}",{int(value[:16], 16)},"{value[16:80]}","{value[80:]}"'
