"""One spelling only: bounded, typed decoding of signed JSON (SPEC ST-1 to ST-3).

msgspec reads straight into the type, so nothing untyped ever exists. It lets some spellings through that
mean the same (blanks, duplicate members, another order); the bytes must therefore equal the compact
encoding of what was read. Two readers can then never see two different statements in the same bytes.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeVar

import msgspec

from sealring.errors import RuledError

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


class Rules(NamedTuple):
    """The ids of the rules that a refusal cites: for the size, the spelling, and what a member may hold."""

    size: str
    spelling: str
    bounds: str


_STATEMENT = Rules("ST-7", "ST-1", "ST-3")


@dataclass(eq=False)
class TooLarge(RuledError):
    """Input is refused by its size before any of it is read (SPEC ST-7)."""

    what: str
    size: int
    limit: int
    by: str = "ST-7"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"{self.what}: {self.size} bytes found, at most {self.limit} are read"

    def hint(self) -> str:
        return "check that this is the right file; nothing of this kind is that large"


@dataclass(eq=False)
class Malformed(RuledError):
    """Bytes that are not the one spelling of what they should be (SPEC ST-1, ST-3)."""

    what: str
    reason: str
    by: str = "ST-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"

    def hint(self) -> str:
        return "fetch or create it again; signed files are never edited or re-formatted"


def decode_strict(
    raw: bytes, decoder: msgspec.json.Decoder[T], *, limit: int, what: str, rules: Rules = _STATEMENT
) -> T:
    """The typed object that these bytes spell, if they spell it in the one allowed way.

    Args:
        raw: bytes from outside, refused above `limit` before they are parsed.
        what: the noun for messages, such as `assertion`.
        rules: what a refusal cites; a statement's unless said otherwise.

    Raises:
        TooLarge, Malformed: and nothing else, whatever the bytes.
    """
    if len(raw) > limit:
        raise TooLarge(what, len(raw), limit, rules.size)
    try:
        found = decoder.decode(raw)
    except msgspec.ValidationError as err:
        raise Malformed(what, _plain(err), rules.bounds) from None
    except (msgspec.MsgspecError, ValueError, RecursionError) as err:
        # RecursionError: nesting is bounded by the types, or by the interpreter inside unknown members.
        raise Malformed(what, _plain(err), rules.spelling) from None
    if _encoder.encode(found) != raw:
        reason = "not in the one allowed spelling (compact, members in order, no duplicates)"
        raise Malformed(what, reason, rules.spelling)
    return found


def encode(value: object) -> bytes:
    """The one spelling of a typed object."""
    return _encoder.encode(value)


def _plain(err: Exception) -> str:
    text = "nested too deeply" if isinstance(err, RecursionError) else str(err)
    # The decoder quotes unknown members: what a stranger wrote must not move the cursor of who reads the message.
    return "".join(c if " " <= c <= "~" else "?" for c in text[:200])
