"""Every error as `application/problem+json` with rule and hint (SPEC HT-3)."""

import json
import logging
from http import HTTPStatus
from typing import Literal

import msgspec
from flask import Flask, Response
from msgspec import UNSET, UnsetType
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException

from sealring.bundle import BundleTooLarge
from sealring.catalogue.sparse import SequenceFell
from sealring.errors import SealringError
from sealring.strict import TooLarge
from sealring_server.logs import asked, log_event, log_unforeseen, words_of
from sealring_server.postgres import DatabaseAway

_BY_FAMILY = {10: 503, 11: 404, 12: 507, 20: 400, 21: 403, 22: 403, 23: 409, 24: 403, 25: 400, 26: 400}
_BY_CLASS: dict[type[SealringError], int] = {TooLarge: 413, BundleTooLarge: 413, SequenceFell: 409}


def status_of(err: SealringError) -> int:
    """The HTTP status of a refusal: its own, or that of its family of exit codes."""
    return int(getattr(err, "status", 0)) or _BY_CLASS.get(type(err), _BY_FAMILY.get(err.exit_code, 400))


MAX_DETAIL = 2000  # characters: a refusal may repeat what was asked for, and that may be long
PROBLEM = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A refusal (RFC 9457): which rule said no, and what to do now; of some, the facts."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    rule: str
    hint: str
    offered: str | int | UnsetType = UNSET
    held: str | int | UnsetType = UNSET
    fallen: list[str] | UnsetType = UNSET
    trace: str | UnsetType = UNSET


FACTS = ("offered", "held", "fallen")
"""What a refusal says in full beside its words: the two ids of a conflict, and what a cut would let fall."""


def problem(status: int, detail: str, rule: str = "", hint: str = "", **facts: object) -> Response:
    """One problem document (RFC 9457); `facts` are its extension members."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    body |= {"detail": detail[:MAX_DETAIL], "rule": rule, "hint": hint, **facts}
    answer = Response(json.dumps(body), status, content_type=PROBLEM)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def answer_problems(app: Flask) -> None:
    """Let every error of this app answer as a problem document; the unforeseen ones are logged, with a trace id."""

    @app.errorhandler(SealringError)
    def refused(err: SealringError) -> Response:
        said = {name: getattr(err, name, None) for name in FACTS}
        facts = {name: value for name, value in said.items() if isinstance(value, str | int | tuple)}
        answer = problem(status_of(err), str(err), err.rule, err.hint(), **facts)
        if wait := getattr(err, "retry_after", 0):
            answer.headers["Retry-After"] = str(wait)
        answer.headers.update(getattr(err, "headers", {}))  # RD-2: what to sign
        return answer

    @app.errorhandler(HTTPException)
    def http(err: HTTPException) -> Response:
        # HT-4: the body was refused by its length, before any of it was read.
        rule = "HT-4" if err.code == 413 else "HT-3"
        answer = problem(err.code or 500, (err.name or "error").lower(), rule)
        for name, value in err.get_headers():
            if name in ("Allow", "Content-Range"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def unforeseen(err: Exception) -> Response:
        # A mistake in this program: what it says may repeat secrets, so nobody is told more than where to look.
        said = "a mistake in the store's program; its operator finds it in the log by the trace id"
        return problem(500, "internal error", hint=said, trace=log_unforeseen(err))

    @app.errorhandler(DatabaseAway)
    def away(err: DatabaseAway) -> Response:
        log_event(logging.ERROR, "database away", **asked(), what=str(err))  # where it is, is the operator's to know
        answer = problem(503, "the store's database does not answer", hint=err.hint())
        answer.headers["Retry-After"] = str(err.retry_after)
        return answer

    @app.errorhandler(DataError)
    def unknown(_err: DataError) -> Response:
        # PostgreSQL takes no NUL in a text, for one: what it can't even be asked for is not here.
        return problem(404, "no such thing: a name with characters that no name has", "HT-3")

    @app.errorhandler(OperationalError)
    def database(err: OperationalError) -> Response:
        log_event(logging.ERROR, "database failed", **asked(), what=words_of(err))
        if "full" in str(err.orig):
            return problem(507, "the store's disk is full", hint="the operator must make room")
        answer = problem(503, "the store is busy", hint="try again in a minute")
        answer.headers["Retry-After"] = "10"
        return answer
