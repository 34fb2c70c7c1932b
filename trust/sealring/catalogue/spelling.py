"""One spelling for the catalogue's two JSON documents (SPEC VW-1, CT-1).

The same decoder as for signed statements, but a refusal names the document's own rule: these bytes are the
store's word, not a brand's.
"""

from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec

from sealring.errors import TrustError
from sealring.strict import Malformed, TooLarge, decode_strict

T = TypeVar("T")

TypeName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9-]{0,31}\Z")]
# Printable ASCII without blanks and without the two characters that JSON would have to escape.
Subject = Annotated[str, msgspec.Meta(pattern=r"\A[!#-\[\]-~]{1,512}\Z")]


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
    try:
        return decode_strict(raw, decoder, limit=limit, what="document")
    except Malformed as err:
        raise refuse(err.reason) from None
    except TooLarge as err:
        raise refuse(f"{err.size} bytes, at most {err.limit} allowed") from None
