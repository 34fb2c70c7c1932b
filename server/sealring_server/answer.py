"""One answer for all that a check asks (SPEC AN-1, AN-2, AN-4).

It saves a device some hundred requests and is trusted no more than they are. Each answer is read in one transaction,
so that all of it belongs to one entry, however much is published meanwhile.
"""

import gzip
from hashlib import sha256
from typing import Final

from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState

from sealring.names import MAX_INTEGER
from sealring_server.answer_cache import AnswerCache, Packed
from sealring_server.answer_parts import answer, reduced, state
from sealring_server.answer_question import parse_question
from sealring_server.openapi import Part, described, mutable_of
from sealring_server.rate import charge
from sealring_server.reads import BUNDLE, MUTABLE, here

LEVEL: Final = 6  # of gzip; of a first sync 9 saves 0.3 % in a third more time, 1 takes half of it and is 3 % longer
_CACHE: Final = "sealring answers"

_NUMBER: Final = {"type": "integer", "minimum": 1, "maximum": MAX_INTEGER}
_QUESTION: Final = (
    Part("root", "sequence of its root", _NUMBER),
    Part("brands", "BRAND.SEQUENCE of each brand that it holds, ascending, by commas", {"type": "string"}),
    Part("tuf", "versions of root, timestamp, snapshot and targets, 0 for none, by dots", {"type": "string"}),
    Part("entry", "the last entry of the store that it saw", _NUMBER),
    Part("view", "SHA-256 of the view that it holds", {"type": "string", "pattern": "^[0-9a-f]{64}$"}),
)

bp = Blueprint("answer", __name__)


@bp.record_once
def _make_cache(state: BlueprintSetupState) -> None:
    """One cache for one app."""
    state.app.extensions[_CACHE] = AnswerCache()


@bp.get("/v1/answers/<brand>/<model>")
@described(mutable_of(BUNDLE, "all that the device lacks"), refuses=(404,), query=_QUESTION)
def answer_one(brand: str, model: str) -> Response:
    """All that a device of this model lacks, which says what it has (AN-1, AN-2)."""
    question = parse_question(request.query_string)
    is_packed = _takes_gzip()
    cache = _cache()
    with here().database.reading() as connection:
        question = reduced(connection, f"{brand}/{model}", question)
        now = state(connection)
        if question.entry > now[0]:
            here().failures.claimed_later()  # BK-2: an old disk that was put back, or anybody's word: for the operator
        # Nothing but a publication or a signature of the store changes an answer.
        key = (now, brand, model, question, is_packed)
        if found := cache.get(key):
            return _respond(found, is_packed=is_packed)
        charge()
        raw = answer(connection, here(), f"{brand}/{model}", question)
    found = _packed(raw, is_packed=is_packed)
    cache.keep(key, found)
    return _respond(found, is_packed=is_packed)


def _packed(raw: bytes, *, is_packed: bool) -> Packed:
    # Without a time in its head, the same answer has the same bytes in every process.
    body = gzip.compress(raw, LEVEL, mtime=0) if is_packed else raw
    return Packed(body, sha256(body).hexdigest())


def _respond(found: Packed, *, is_packed: bool) -> Response:
    """HT-2 for a body that comes in two codings: each has an ETag of its own, and caches keep them apart."""
    headers = {"Cache-Control": MUTABLE, "Vary": "Accept-Encoding"}
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    response = Response(found.body, 200, headers, content_type=BUNDLE)
    response.set_etag(found.etag)
    response.make_conditional(request)
    return response


def _takes_gzip() -> bool:
    """AN-4: who asks for it by name, and not with a weight of 0."""
    return any(name.lower() == "gzip" and weight > 0 for name, weight in request.accept_encodings)


def _cache() -> AnswerCache:
    found = current_app.extensions[_CACHE]
    assert isinstance(found, AnswerCache)
    return found
