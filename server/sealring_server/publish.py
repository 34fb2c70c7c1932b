"""How a publisher reaches a store: no account, a signature is the permission (SPEC PB-1, HT-4); images go by `tus`."""

import re

import msgspec
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from sealring_server.dry_run import DryRun, Image, dry_run
from sealring_server.openapi import Body, Part, Reply, described, unstored_of
from sealring_server.pace import read_body
from sealring_server.publication import (
    MAX_BUNDLE,
    commit_publication,
    open_publication,
    publish_at_once,
)
from sealring_server.reads import BUNDLE, BYTES, JSON, here
from sealring_server.terms import NotAnnounced, Terms

bp = Blueprint("publish", __name__, url_prefix="/v1/publications")

_DIGEST = re.compile(r"[0-9a-f]{64}")
_YES = {"type": "string", "enum": ["yes"]}
_TERMS = (
    Part("next", "ids of what is only announced, by commas (PB-4)", {"type": "string"}),
    Part("cut", "lets fall what nobody will vouch for (PB-9)", _YES),
)
_AT_ONCE = (
    Part("commit", "the receipt at once, where no image is missing (PB-10)", _YES),
    Part("dry-run", "say what would change, and change nothing (PB-12)", _YES),
)


class Begun(msgspec.Struct, frozen=True):
    """An open publication: its token, and the images that it still lacks."""

    publication: str
    missing: list[Image]


@bp.post("")
@described(
    {
        200: Reply(
            "with `commit=yes` the receipt, with `dry-run=yes` what would change",
            (Body(BUNDLE), Body(JSON, DryRun)),
            ("Cache-Control",),
        ),
        201: Reply("it is open", (Body(JSON, Begun),), ("Cache-Control",)),
    },
    refuses=(403, 404, 409),
    takes=(Body(BUNDLE), Body(BYTES)),
    query=(*_TERMS, *_AT_ONCE),
)
def begin() -> ResponseReturnValue:
    """A bundle of statements in; a token and the images that are missing out, or at once the receipt (PB-10).

    With `dry-run=yes`, what it would change (PB-12).
    """
    raw, terms = read_body("bundle", MAX_BUNDLE), _terms()
    with here().bulky.turn(len(raw)):
        if request.args.get("dry-run") == "yes":
            said = msgspec.json.encode(dry_run(here(), raw, terms))
            return _unstored(Response(said, content_type=JSON))
        begins = publish_at_once if request.args.get("commit") == "yes" else open_publication
        opened = begins(here(), raw, terms)
    if isinstance(opened, bytes):
        return _unstored(Response(opened, content_type=BUNDLE))
    begun = Begun(opened.token, [Image(digest, size) for digest, size in opened.missing])
    return _unstored(Response(msgspec.json.encode(begun), content_type=JSON)), 201


@bp.post("/<token>/commit")
@described(unstored_of("the receipt", Body(BUNDLE)), refuses=(403, 404, 409, 410), query=_TERMS)
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
