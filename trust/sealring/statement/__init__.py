"""The ten assertion types, and the one way from bytes to any of them (SPEC ST)."""

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from sealring.envelope import MAX_PAYLOAD
from sealring.errors import TrustError
from sealring.names import Sequence
from sealring.statement.authorities import Brand, Delegation, Root
from sealring.statement.common import FORMATS, BadLifetime, BadStatement, Common
from sealring.statement.fleet import Model, Revocations, SerialStatement, Store
from sealring.statement.software import Release, RevisionStatement, Stack
from sealring.strict import Malformed, decode_strict

Statement = (
    Root | Brand | Delegation | Model | RevisionStatement | Release | Stack | Store | SerialStatement | Revocations
)
TYPES: dict[str, type[Common]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (Root, Brand, Delegation, Model, RevisionStatement, Release, Stack, Store, SerialStatement, Revocations)
}

_decoder = msgspec.json.Decoder(Statement)


class _Header(msgspec.Struct):
    type: str
    format: Sequence  # bounded: a number of 4,000 digits is no newer format


_header = msgspec.json.Decoder(_Header)


@dataclass(eq=False)
class UnknownFormat(TrustError):
    """A type or format that this edition has never heard of: skipped, or said to the person (SPEC ST-2)."""

    type: str
    format: int
    rule: ClassVar[str] = "ST-2"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return (
            f"assertion of type {self.type!a:.60}, format {self.format}: this edition knows "
            f"format {' and '.join(map(str, FORMATS))} of its ten types"
        )

    def hint(self) -> str:
        return "a newer edition of the software is needed to read it"


def parse_statement(payload: bytes) -> Statement:
    """The typed statement that a payload spells; still unverified unless its caller checked signatures.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    try:
        found: Statement = decode_strict(payload, _decoder, limit=MAX_PAYLOAD, what="assertion")
    except Malformed as refused:
        raise _better(payload, refused) from None
    found.check()
    return found


def _better(payload: bytes, refused: Malformed) -> TrustError:
    """Say "newer format" where that is the reason, so that old devices can skip what is not for them."""
    try:
        header = _header.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return refused
    known = header.type in TYPES and header.format in FORMATS
    return refused if known else UnknownFormat(header.type[:60], header.format)


__all__ = [
    "FORMATS",
    "TYPES",
    "BadLifetime",
    "BadStatement",
    "Brand",
    "Common",
    "Delegation",
    "Model",
    "Release",
    "RevisionStatement",
    "Revocations",
    "Root",
    "SerialStatement",
    "Stack",
    "Statement",
    "Store",
    "UnknownFormat",
    "parse_statement",
]
