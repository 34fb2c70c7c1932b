"""How a publisher reaches a store: three requests, no account; a signature is the permission (SPEC PB-1, HT-4)."""

import re
from dataclasses import dataclass
from typing import ClassVar

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from sealring.errors import TrustError
from sealring.strict import TooLarge
from sealring_server.blobs import OtherBlob
from sealring_server.publication import (
    MAX_BUNDLE,
    commit_publication,
    expected_size,
    open_publication,
    publish_at_once,
    put_blob,
)
from sealring_server.reads import BUNDLE, here
from sealring_server.terms import NotAnnounced, Terms

bp = Blueprint("publish", __name__, url_prefix="/v1/publications")

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(eq=False)
class NoLength(TrustError):
    """A body whose length is not said before it comes can't be bounded before it is read (SPEC HT-4)."""

    rule: ClassVar[str] = "HT-4"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return "request: no Content-Length, one is needed"

    def hint(self) -> str:
        return "send the body with its length, not in chunks"


@bp.post("")
def begin() -> ResponseReturnValue:
    """A bundle of statements in; a token and the images that are missing out, or at once the receipt (PB-10)."""
    length = _length()
    if length > MAX_BUNDLE:
        raise TooLarge("bundle", length, MAX_BUNDLE)
    begins = publish_at_once if request.args.get("commit") == "yes" else open_publication
    opened = begins(here(), _body(length), _terms())
    if isinstance(opened, bytes):
        return _unstored(Response(opened, content_type=BUNDLE))
    missing = [{"sha256": digest, "size": size} for digest, size in opened.missing]
    return _unstored(jsonify(publication=opened.token, missing=missing)), 201


@bp.put("/<token>/blobs/<digest>")
def upload(token: str, digest: str) -> ResponseReturnValue:
    """One image, exactly as large as it was signed."""
    if not _DIGEST.fullmatch(digest):
        raise OtherBlob(digest[:80], "not a digest")
    # PB-2, HT-4: the signed size, before the first byte is read.
    size, length = expected_size(here(), token, digest), _length()
    if length > size:
        raise TooLarge(f"image {digest[:16]}", length, size)
    if length < size:
        raise OtherBlob(digest, f"{length} bytes announced, {size} signed")
    request.max_content_length = size
    put_blob(here(), token, digest, request.stream)
    return _unstored(Response(status=204))


@bp.post("/<token>/commit")
def commit(token: str) -> ResponseReturnValue:
    """All at once or not at all; the receipt proves it."""
    if request.content_length:
        raise RequestEntityTooLarge
    return _unstored(Response(commit_publication(here(), token, _terms()), content_type=BUNDLE))


def _terms() -> Terms:
    """PB-4, PB-9: `next=ID[,ID...]` is only announced; `cut=yes` lets fall what nobody will vouch for."""
    asked = request.args.get("next", "")
    following = frozenset(asked.split(",")) if asked else frozenset[str]()
    for name in sorted(following):
        if not _DIGEST.fullmatch(name):
            raise NotAnnounced(f"next {name[:80]!a}", "no id")
    return Terms(following, request.args.get("cut") == "yes")


def _length() -> int:
    if request.content_length is None:
        raise NoLength
    return request.content_length


def _body(length: int) -> bytes:
    request.max_content_length = max(1, length)
    return request.get_data(cache=False)


def _unstored(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
