"""What leads from one view to the next, for a device that holds the first (SPEC BN-5).

A difference is a way of carrying a view, trusted no more than the view itself: what it makes must have the digest
that the catalogue commits to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal

import msgspec

from sealring.catalogue.leaf import Head
from sealring.catalogue.spelling import Subject, TypeName, decode_one_spelling
from sealring.catalogue.view import MAX_ROWS, Row, Subjects, View, heads_of, parse_view, rows_of, view_bytes
from sealring.errors import TrustError
from sealring.names import Sequence as SequenceNumber
from sealring.strict import encode

MAX_DIFFERENCE: Final = 1024 * 1024  # bytes


class _About(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    type: TypeName
    format: SequenceNumber
    subject: Subject


class _Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Literal[1]
    removed: Annotated[list[_About], msgspec.Meta(max_length=MAX_ROWS)]
    changed: Annotated[list[Row], msgspec.Meta(max_length=MAX_ROWS)]


_decoder: Final = msgspec.json.Decoder(_Document)


@dataclass(eq=False)
class BadDifference(TrustError):
    """Bytes that are not the one spelling of a view's difference, or views that have none (SPEC BN-5)."""

    why: str

    rule: ClassVar[str] = "BN-5"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"not a view's difference: {self.why}"

    def hint(self) -> str:
        return "ask for the whole view; if that is refused too, report this store"


@dataclass(eq=False)
class OtherResult(TrustError):
    """A difference that does not lead from the view that is held to the one that was named (SPEC BN-5)."""

    base: bytes
    to: bytes
    why: str

    rule: ClassVar[str] = "BN-5"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"view's difference from {self.base.hex()} to {self.to.hex()}: {self.why}"

    def hint(self) -> str:
        return "ask for the whole view; if that is refused too, report this store"


@dataclass(frozen=True)
class ViewDifference:
    """What a newer view no longer lists, and what it lists anew or otherwise; both ascending by subject.

    Made by `parse_view_difference` and `difference_between` only.
    """

    removed: tuple[Subjects, ...]
    changed: Mapping[Subjects, Head]


def parse_view_difference(raw: bytes) -> ViewDifference:
    """The difference that these bytes spell; whether it leads anywhere, `apply_difference` says (SPEC BN-5).

    Args:
        raw: at most 1 MiB.

    Raises:
        TrustError: BadDifference, and nothing else, whatever the bytes.
    """
    document = decode_one_spelling(raw, _decoder, limit=MAX_DIFFERENCE, refuse=BadDifference)
    removed = tuple((row.type, row.format, row.subject) for row in document.removed)
    _check_order(removed)
    _check_order([row.about for row in document.changed])
    try:
        changed = heads_of(document.changed)
    except TrustError as err:
        raise BadDifference(str(err)) from None
    # BN-5: removed and put in again would be a second spelling of "changed".
    if twice := changed.keys() & set(removed):
        raise BadDifference(f"{_title(min(twice))} is removed and changed")
    return ViewDifference(removed, MappingProxyType(changed))


def difference_bytes(difference: ViewDifference) -> bytes:
    """The one spelling of a difference.

    Raises:
        TrustError: when no device would take it: too many rows or bytes.
    """
    removed = [_About(*about) for about in difference.removed]
    raw = encode(_Document(1, removed, rows_of(difference.changed)))
    parse_view_difference(raw)
    return raw


def difference_between(old: View, new: View) -> ViewDifference:
    """What leads from one view of a model to another view of it.

    Raises:
        TrustError: they are of two models, or under two roots.
    """
    if (old.root, old.model) != (new.root, new.model):
        raise BadDifference(f"views of {old.model} and {new.model}, or under two roots, have none")
    removed = tuple(sorted(old.heads.keys() - new.heads.keys()))
    changed = {about: head for about, head in new.heads.items() if old.heads.get(about) != head}
    return ViewDifference(removed, MappingProxyType(changed))


def apply_difference(base: View, difference: ViewDifference, to: bytes) -> View:
    """The view with digest `to` that this difference makes of a view that is held (SPEC BN-5).

    The caller must still check that the catalogue commits to `to` for this model (SPEC VW-3).

    Args:
        to: SHA-256 of the view that comes out.

    Raises:
        TrustError: OtherResult, and nothing else, whatever the difference.
    """
    # BN-5: what names something that isn't there was made for another view.
    for about in difference.removed:
        if about not in base.heads:
            raise OtherResult(base.digest, to, f"{_title(about)} is removed, and was not there")
    heads = {**base.heads, **difference.changed}
    for about in difference.removed:
        heads.pop(about, None)
    raw = view_bytes(base.root, base.model, heads)
    found = sha256(raw).digest()
    if found != to:
        raise OtherResult(base.digest, to, f"it makes a view with digest {found.hex()}")
    try:
        return parse_view(raw)
    except TrustError as err:
        raise OtherResult(base.digest, to, str(err)) from None


def _check_order(rows: Sequence[Subjects]) -> None:
    """One order and no repeats: what names a subject twice could be read in two ways."""
    for before, after in pairwise(rows):
        if before >= after:
            raise BadDifference(f"{_title(after)}: rows are not strictly ascending")


def _title(about: Subjects) -> str:
    return f"{about[0]} {about[2]} (format {about[1]})"
