"""The view: one small document with every head that a model's devices need, proved by one leaf (SPEC VW-1, VW-3).

A view is derived data. Anyone can compute it from the leaves under the same root, and a difference is evidence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

import msgspec

from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.spelling import Subject, TypeName, decode_one_spelling
from sealring.errors import TrustError
from sealring.names import FullName, Sequence, Sha256Hex
from sealring.strict import encode

MAX_VIEW: Final = 1024 * 1024  # bytes
MAX_ROWS: Final = 4096
VIEW_TYPE: Final = "view"
VIEW_FORMAT: Final = 1
_ZERO: Final = "0" * 64

Subjects: TypeAlias = tuple[str, int, str]
"""What a row is about: type, format, subject."""


class Row(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """One head as a view and a view's difference list it (SPEC VW-1, BN-5)."""

    type: TypeName
    format: Sequence
    subject: Subject
    sequence: Sequence
    id: Sha256Hex
    envelope: Sha256Hex

    @property
    def about(self) -> Subjects:
        """Which subject, in which format."""
        return self.type, self.format, self.subject


class _Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Literal[1]
    root: Sha256Hex
    model: FullName
    statements: Annotated[list[Row], msgspec.Meta(max_length=MAX_ROWS)]


_decoder: Final = msgspec.json.Decoder(_Document)


@dataclass(eq=False)
class BadView(TrustError):
    """Bytes that are not the one spelling of a view (SPEC VW-1)."""

    why: str

    rule: ClassVar[str] = "VW-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"not a view: {self.why}"

    def hint(self) -> str:
        return "report this store; another store or mirror may have an honest answer"


@dataclass(eq=False)
class BadRow(TrustError):
    """A row that is out of order, twice there, or about nothing (SPEC VW-1)."""

    row: Subjects
    why: str

    rule: ClassVar[str] = "VW-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"view: {self.row[0]} {self.row[2]} (format {self.row[1]}): {self.why}"

    def hint(self) -> str:
        return "report this store; another store or mirror may have an honest answer"


@dataclass(eq=False)
class OtherViewDigest(TrustError):
    """A view that is not the one that the catalogue commits to (SPEC VW-3)."""

    found: bytes
    committed: bytes

    rule: ClassVar[str] = "VW-3"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"view has digest {self.found.hex()}, the catalogue says {self.committed.hex()}"

    def hint(self) -> str:
        return "the store may have published meanwhile: refresh its catalogue, then ask again"


@dataclass(eq=False)
class OtherViewSubject(TrustError):
    """A view for another model or under another root (SPEC VW-3)."""

    found: tuple[bytes, str]
    wanted: tuple[bytes, str]

    rule: ClassVar[str] = "VW-3"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        (root, model), (wanted_root, wanted_model) = self.found, self.wanted
        return f"view of {model} under root {root.hex()}, {wanted_model} under {wanted_root.hex()} needed"

    def hint(self) -> str:
        return "report this store; another store or mirror may have an honest answer"


@dataclass(frozen=True)
class View:
    """What a store says for one model. Made by `parse_view`, `make_view` and `verify_view` only.

    `heads` is ascending by (type, format, subject); `raw` is the document's exact bytes.
    """

    root: bytes
    model: str
    heads: Mapping[Subjects, Head]
    raw: bytes = field(repr=False)

    @property
    def digest(self) -> bytes:
        """What the view's leaf commits to."""
        return sha256(self.raw).digest()

    def head(self, type: str, format: int, subject: str) -> Head | None:
        """The head of one subject, or None where the view does not list it."""
        return self.heads.get((type, format, subject))

    def newest(self, type: str, formats: Iterable[int], subject: str) -> Head | None:
        """The head with the highest sequence in any of these formats: those that its reader knows (SPEC ST-8)."""
        found = [head for number in formats if (head := self.head(type, number, subject)) is not None]
        return max(found, key=lambda head: head.sequence, default=None)

    def leaf(self, sequence: int) -> Head:
        """The view's value in the map; `sequence` is the catalogue's at which this view last changed (SPEC VW-3)."""
        return Head(sequence, self.digest, self.digest)


def view_key(root: bytes, model: str) -> bytes:
    """Where the map holds the view of a model (SPEC VW-3)."""
    return map_key(root, VIEW_TYPE, VIEW_FORMAT, model)


def parse_view(raw: bytes) -> View:
    """The view that these bytes spell; nothing yet says that a store stands behind it (SPEC VW-1).

    Args:
        raw: at most 1 MiB.

    Raises:
        TrustError: BadView or BadRow, and nothing else, whatever the bytes.
    """
    document = decode_one_spelling(raw, _decoder, limit=MAX_VIEW, refuse=BadView)
    heads = heads_of(document.statements)
    for before, after in pairwise(row.about for row in document.statements):
        # VW-1: with one order and no repeats, two computations of one view give the same digest.
        if before >= after:
            raise BadRow(after, "rows are not strictly ascending")
    return View(bytes.fromhex(document.root), document.model, MappingProxyType(heads), raw)


def make_view(root: bytes, model: str, heads: Mapping[Subjects, Head]) -> View:
    """The one view with these heads, in any order.

    Raises:
        TrustError: when no device would take it: too many rows, a removal, a name that can't be spelt.
    """
    return parse_view(view_bytes(root, model, heads))


def view_bytes(root: bytes, model: str, heads: Mapping[Subjects, Head]) -> bytes:
    """The bytes that a view with these heads has; whether there is such a view, `parse_view` says."""
    return encode(_Document(VIEW_FORMAT, root.hex(), model, rows_of(heads)))


def rows_of(heads: Mapping[Subjects, Head]) -> list[Row]:
    """These heads as rows, in a view's order."""
    return [Row(*about, head.sequence, head.id.hex(), head.envelope.hex()) for about, head in sorted(heads.items())]


def heads_of(rows: Iterable[Row]) -> dict[Subjects, Head]:
    """The heads that rows list, in their order, which the caller checks.

    Raises:
        BadRow: a row lists a removal, or half of one.
    """
    heads: dict[Subjects, Head] = {}
    for row in rows:
        # VW-1: a view says what is there; what was removed is simply no longer listed.
        if _ZERO in (row.id, row.envelope):
            raise BadRow(row.about, "a removal is not listed")
        heads[row.about] = Head(row.sequence, bytes.fromhex(row.id), bytes.fromhex(row.envelope))
    return heads


def verify_view(raw: bytes, leaf: Head, *, root: bytes, model: str) -> View:
    """The view of `model` that the catalogue commits to, or why these bytes are not it (SPEC VW-1, VW-3).

    Args:
        raw: the document as it came, at most 1 MiB.
        leaf: the head at `view_key(root, model)`, proved under a catalogue root that the caller verified.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    # VW-3 comes before parsing: nothing is read that the store's signed root does not vouch for.
    found = sha256(raw[: MAX_VIEW + 1]).digest()
    if not found == leaf.id == leaf.envelope:
        raise OtherViewDigest(found, leaf.id)
    view = parse_view(raw)
    # VW-3: a store could commit, at this model's key, to another model's view.
    if (view.root, view.model) != (root, model):
        raise OtherViewSubject((view.root, view.model), (root, model))
    return view
