"""What a store says about itself on stderr: one line an event, of fixed fields, and none of them a secret.

A line never holds an address as it was asked for (a publication's token stands in it) but its route, no query, no
header, no body, and no message of an error that was not foreseen: such messages repeat what a stranger sent, or what a
database was asked. Of such an error there are its type, where it was raised, and a trace id that the answer names too.
"""

import json
import logging
import secrets
import sys
import threading
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Literal

from flask import has_request_context, request
from sqlalchemy.exc import SQLAlchemyError

from sealring.names import spell

Form = Literal["json", "text"]
MAX_TEXT: Final = 500  # characters of a field
MAX_FRAMES: Final = 12  # of where an error was raised, innermost last
FIELDS: Final = ("time", "level", "event", "route", "method", "status", "ms", "what", "where", "trace", "pid")
"""All that a line may have, in this order."""

_EVENTS: Final = logging.getLogger("sealring_server.events")
_REQUESTS: Final = logging.getLogger("sealring_server.requests")
_KEPT: Final = "sealring_fields"


@dataclass(frozen=True)
class Logging:
    """How a server says what happens.

    Args:
        form: lines for people, or JSON for programs; None: for people on a terminal.
        requests: whether each request is an event.
    """

    form: Form | None = None
    requests: bool = False


def begin_logging(chosen: Logging) -> None:
    """Let this process, and those that it forks, write events to stderr."""
    form = chosen.form or ("text" if sys.stderr.isatty() else "json")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(form))
    for logger in (_EVENTS, _REQUESTS):
        logger.handlers[:] = [handler]
        logger.propagate = False
    _EVENTS.setLevel(logging.INFO)
    _REQUESTS.setLevel(logging.INFO if chosen.requests else logging.WARNING)
    threading.excepthook = _in_a_thread


def log_event(level: int, event: str, **fields: str | int) -> None:
    """Say that something happened.

    Args:
        event: words that this program knows beforehand.
        fields: of FIELDS; each is cut to 500 characters.
    """
    _EVENTS.log(level, event, extra={_KEPT: fields})


def log_request(status: int, seconds: float) -> None:
    """The request that was just answered, where requests are events."""
    if _REQUESTS.isEnabledFor(logging.INFO):
        fields = {**asked(), "status": status, "ms": round(seconds * 1000)}
        _REQUESTS.info("request", extra={_KEPT: fields})


def log_unforeseen(err: BaseException) -> str:
    """A mistake in this program, as its operator may tell its makers; the trace id by which he finds it."""
    trace = secrets.token_hex(8)
    log_event(logging.ERROR, "unforeseen error", **asked(), what=type(err).__name__, where=where_of(err), trace=trace)
    return trace


def asked() -> dict[str, str]:
    """What the request under way asks for, without any part of it that a stranger chose; nothing outside of one."""
    if not has_request_context():
        return {}
    known = request.method in ("GET", "HEAD", "POST", "PATCH", "OPTIONS")
    return {"route": request.url_rule.rule if request.url_rule else "-", "method": request.method if known else "-"}


def where_of(err: BaseException) -> str:
    """File, line and function of each call on the way to an error, without what was passed."""
    frames = traceback.extract_tb(err.__traceback__)[-MAX_FRAMES:]
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[::-1])


def words_of(err: Exception) -> str:
    """The first line of what went wrong, without the statement and the values that a database driver repeats."""
    said = getattr(err, "orig", None) or err
    if isinstance(err, OSError):
        return f"{err.filename or 'disk'}: {(err.strerror or type(err).__name__).lower()}"
    if isinstance(err, SQLAlchemyError) and said is err:
        return type(err).__name__
    return (str(said).strip().splitlines() or [type(err).__name__])[0][:300]


class _Lines(logging.Formatter):
    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        found: dict[str, str | int] = {
            "time": spell(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "event": record.getMessage()[:MAX_TEXT],
            "pid": record.process or 0,
            **getattr(record, _KEPT, {}),
        }
        line = {name: _bounded(found[name]) for name in FIELDS if name in found}
        if self._form == "json":
            return json.dumps(line)
        said = " ".join(f"{name}={line[name]}" for name in FIELDS[3:-1] if name in line)
        return f"sealring-store: {line['event']}" + (f": {said}" if said else "")


def _bounded(value: str | int) -> str | int:
    if isinstance(value, int):
        return value
    return "".join(c if c.isprintable() else "?" for c in value[:MAX_TEXT])


def _in_a_thread(args: "threading.ExceptHookArgs") -> None:
    """The last word of a thread: Python's own would repeat the error's message."""
    err: BaseException | None = args.exc_value
    tb: TracebackType | None = args.exc_traceback
    if err is not None and args.exc_type is not SystemExit:
        log_event(logging.ERROR, "a thread ended", what=args.exc_type.__name__, where=where_of(err.with_traceback(tb)))
