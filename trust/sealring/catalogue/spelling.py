"""One spelling for the catalogue's two JSON documents (SPEC VW-1, CT-1).

The same discipline as for signed statements, but a refusal names the document's own rule: these
bytes are the store's word, not a brand's.
"""

from collections.abc import Callable
from typing import Annotated, Final, TypeVar

import msgspec

from sealring.catalogue.leaf import MAX_SEQUENCE
from sealring.errors import TrustError

T = TypeVar("T")

HexDigest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Positive = Annotated[int, msgspec.Meta(ge=1, le=MAX_SEQUENCE)]
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQUENCE)]
TypeName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9-]{0,31}\Z")]
FullName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*\Z", max_length=81)]
# Printable ASCII without blanks and without the two characters that JSON would have to escape.
Subject = Annotated[str, msgspec.Meta(pattern=r"\A[!#-\[\]-~]{1,512}\Z")]

_encoder: Final = msgspec.json.Encoder()


def decode_one_spelling(
    raw: bytes, decoder: msgspec.json.Decoder[T], *, limit: int, refuse: Callable[[str], TrustError]
) -> T:
    """The typed object that these bytes spell, if they are its compact encoding.

    Args:
        raw: bytes from outside; above `limit` they are refused before any of them is read.
        refuse: makes the refusal of the caller's rule from a reason.

    Raises:
        TrustError: what `refuse` gives, and nothing else, whatever the bytes.
    """
    if len(raw) > limit:
        raise refuse(f"{len(raw)} bytes, at most {limit} allowed")
    try:
        found = decoder.decode(raw)
    except RecursionError:
        raise refuse("nested too deeply") from None
    except (msgspec.MsgspecError, ValueError) as err:
        raise refuse(str(err)[:200].encode("ascii", "replace").decode("ascii")) from None
    # Duplicate members, blanks, another order and 1.0 for 1 all pass the decoder; none of them passes this.
    if _encoder.encode(found) != raw:
        raise refuse("not in the one allowed spelling (compact, members in order, none twice)")
    return found


def encode(document: msgspec.Struct) -> bytes:
    """The one spelling of a document."""
    return _encoder.encode(document)
