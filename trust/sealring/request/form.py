"""The request's form: drafts to be signed, and the signed context that who signs must see (SPEC CE-1, CE-2).

One JSON object in one spelling: `request` (1), `drafts` (1 to 64 envelopes, in their maker's order) and `context`
(at most 4,096 envelopes, ascending by id). No id stands twice in either, and no subject is drafted twice. A draft whose
id the context has too is in force already, and only signed again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta, Raw

from sealring.chain import Claim, read_claim
from sealring.errors import RuledError
from sealring.statement import Root
from sealring.strict import Rules, decode_strict, encode

BEGINS = b'{"request":'
MAX_REQUEST = 16 * 1024 * 1024  # bytes
MAX_DRAFTS = 64  # nobody reviews more at a sitting; what is only signed again goes by `countersign`
MAX_CONTEXT = 4096
_DOMAIN = b"sealring request v1\0"
_RULES = Rules("CE-1", "CE-1", "CE-1")


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    request: Literal[1]
    drafts: Annotated[list[Raw], Meta(min_length=1, max_length=MAX_DRAFTS)]
    context: Annotated[list[Raw], Meta(max_length=MAX_CONTEXT)]


_decoder = msgspec.json.Decoder(_Request)


@dataclass(eq=False)
class BadRequest(RuledError):
    """Well spelled, and still nothing that holders could be asked to sign (SPEC CE-1)."""

    reason: str
    by: str = "CE-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"request: {self.reason}"

    def hint(self) -> str:
        return "whoever made it makes it again with `sealring request`"


@dataclass(frozen=True)
class Request:
    """Unverified, context and drafts alike: `judge` says what of it the holder's own root vouches for."""

    drafts: tuple[Claim, ...]
    context: tuple[Claim, ...]

    @property
    def id(self) -> str:
        """What two holders compare to know that they were shown the same, hex; signing a draft does not change it."""
        parts = [claim.envelope.id for claim in self.drafts]
        parts += [claim.envelope.digest for claim in self.context]
        # CE-2, both lists: a context of one's own would show one holder another difference than the rest.
        return sha256(_DOMAIN + bytes([len(self.drafts)]) + b"".join(map(bytes.fromhex, parts))).hexdigest()

    @property
    def raw(self) -> bytes:
        """The file's bytes."""
        drafts, context = ([Raw(claim.envelope.raw) for claim in part] for part in (self.drafts, self.context))
        return encode(_Request(1, drafts, context))

    def with_context(self, more: Iterable[Claim]) -> "Request":
        """The same drafts, judged with these statements of the holder's own beside the request's; it can't travel."""
        known = {claim.envelope.digest for claim in self.context}
        return Request(self.drafts, (*self.context, *(c for c in more if c.envelope.digest not in known)))


def make_request(drafts: Sequence[Claim], context: Iterable[Claim]) -> Request:
    """The request for these drafts; of context that is there twice, the copy with more signatures travels.

    Raises:
        TrustError: when nobody could read it.
    """
    kept: dict[str, Claim] = {}
    for claim in context:
        known = kept.get(claim.envelope.id)
        if known is None or len(known.envelope.signatures) < len(claim.envelope.signatures):
            kept[claim.envelope.id] = claim
    return parse_request(Request(tuple(drafts), tuple(kept[key] for key in sorted(kept))).raw)


def parse_request(raw: bytes) -> Request:
    """The request that these bytes spell, within every bound.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    found = decode_strict(raw, _decoder, limit=MAX_REQUEST, what="request", rules=_RULES)
    drafts, context = (tuple(read_claim(bytes(one)) for one in part) for part in (found.drafts, found.context))
    ids = [claim.envelope.id for claim in context]
    if ids != sorted(set(ids)):
        raise BadRequest("its context is not in ascending order of distinct ids")
    subjects = {_subject(claim) for claim in drafts}
    # Two drafts of one subject: whichever is published second would be refused, after all the signing.
    if len(subjects) != len(drafts):
        raise BadRequest("two drafts of one subject")
    return Request(drafts, context)


def _subject(claim: Claim) -> tuple[str, str]:
    statement = claim.statement
    return (statement.type, "" if isinstance(statement, Root) else statement.subject)
