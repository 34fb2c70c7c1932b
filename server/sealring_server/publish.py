"""How a publisher reaches a store: no account, a signature is the permission (SPEC PB-1, HT-4); images go by `tus`."""

import re

import msgspec
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from sealring_server.dry_run import dry_run
from sealring_server.pace import read_body
from sealring_server.publication import (
    MAX_BUNDLE,
    commit_publication,
    open_publication,
    publish_at_once,
)
from sealring_server.reads import BUNDLE, here
from sealring_server.terms import NotAnnounced, Terms

bp = Blueprint("publish", __name__, url_prefix="/v1/publications")

_DIGEST = re.compile(r"[0-9a-f]{64}")


@bp.post("")
def begin() -> ResponseReturnValue:
    """A bundle of statements in; a token and the images that are missing out, or at once the receipt (PB-10).

    With `dry-run=yes`, what it would change (PB-12).
    """
    raw, terms = read_body("bundle", MAX_BUNDLE), _terms()
    with here().bulky.turn(len(raw)):
        if request.args.get("dry-run") == "yes":
            said = msgspec.json.encode(dry_run(here(), raw, terms))
            return _unstored(Response(said, content_type="application/json"))
        begins = publish_at_once if request.args.get("commit") == "yes" else open_publication
        opened = begins(here(), raw, terms)
    if isinstance(opened, bytes):
        return _unstored(Response(opened, content_type=BUNDLE))
    missing = [{"sha256": digest, "size": size} for digest, size in opened.missing]
    return _unstored(jsonify(publication=opened.token, missing=missing)), 201


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


def _unstored(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
