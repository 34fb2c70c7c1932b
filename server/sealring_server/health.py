"""`/v1/health/live` and `/v1/health/ready`: one answer for whoever sends requests elsewhere when it is no (SPEC HT-6).

The store's own listener says only whether; the operator's says also what is missing. Anybody may ask, so what was found
is kept for a second: no number of questions costs more than one look.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from tuf.api.metadata import Metadata, Root

from sealring.errors import SealringError
from sealring.keystores import is_uri
from sealring.names import spell
from sealring_server.here import StoreHere
from sealring_server.key_folder import ONLINE_ROLES, PACKAGES
from sealring_server.logs import words_of
from sealring_server.openapi import Reply, described, unstored_of
from sealring_server.problems import problem
from sealring_server.reads import here
from sealring_server.schema import FORMAT, store
from sealring_server.tuf_repo import expiries, newest_root

KEPT_SECONDS = 1.0
_WRONG = (SealringError, SQLAlchemyError, OSError)


@dataclass(frozen=True)
class Failing:
    """What keeps the store from answering as it should: `database`, `images`, `keys` or `tuf`, and why."""

    what: str
    reason: str


def look(store_here: StoreHere) -> list[Failing]:
    """All that is missing now; nothing where the store is ready."""
    checks: tuple[tuple[str, Callable[[StoreHere], None]], ...] = (
        ("database", _check_database),
        ("images", _check_images),
        ("keys", _check_keys),
        ("tuf", _check_tuf),
    )
    found = []
    for what, check in checks:
        try:
            check(store_here)
        except _WRONG as err:
            found.append(Failing(what, words_of(err)))
    return found


@dataclass(eq=False)
class NotReady(SealringError):
    """A part of the store that does not answer as it should."""

    reason: str

    def __str__(self) -> str:
        return self.reason

    def hint(self) -> str:
        return "the operator's page says what to do"


def _check_database(here: StoreHere) -> None:
    with here.database.reading() as connection:
        found = connection.scalar(select(store.c.format))
    if found != FORMAT:
        raise NotReady(f"format {found}, this edition knows {FORMAT}")


def _check_images(here: StoreHere) -> None:
    here.images.check()


def _check_keys(here: StoreHere) -> None:
    """Whether the keys that the newest root names could be opened; no token is woken for it, and nothing signed."""
    if here.settings.mirror is not None:  # MI-1: a mirror has none
        return
    with here.database.reading() as connection:
        root = Metadata[Root].from_bytes(newest_root(connection)).signed
    listed = {one.id: one for one in here.online.keys.read()}
    for role in ONLINE_ROLES:
        wanted = root.roles[role]
        known = [listed[ident] for ident in wanted.keyids if ident in listed]
        for one in known:
            place = here.online.keys.where(one)
            if not is_uri(place):
                with open(place, "rb") as file:
                    file.read(1)
        if len(known) < wanted.threshold:
            raise NotReady(f"{len(known)} keys of the role {role} are here, {wanted.threshold} needed")


def _check_tuf(here: StoreHere) -> None:
    with here.database.reading() as connection:
        expires = expiries(connection)
    for role, ends in expires.items():
        # No device reads `packages` (TF-11), so its end is an alarm and takes nobody off the line.
        if role != PACKAGES and here.clock() >= ends:
            raise NotReady(f"{role} expired {spell(ends)}")


@dataclass
class Readiness:
    """What was found, kept for a second; of those who ask at once, one looks."""

    found: list[Failing] = field(default_factory=list)
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self, store_here: StoreHere) -> list[Failing]:
        """What is missing, as of at most a second ago."""
        with self.lock:
            if time.monotonic() >= self.until:
                self.found = look(store_here)
                self.until = time.monotonic() + KEPT_SECONDS
            return self.found


def readiness() -> list[Failing]:
    """What this app's store is missing, as of at most a second ago."""
    kept = current_app.extensions.setdefault("sealring_readiness", Readiness())
    assert isinstance(kept, Readiness)
    return kept.now(here())


def health_routes(*, detail: bool) -> Blueprint:
    """Both paths, for one listener.

    Args:
        detail: whether the answer says what is missing: paths and reasons are the operator's business only.
    """
    bp = Blueprint("health", __name__)

    @bp.get("/v1/health/live")
    @described(unstored_of("it answers", status=204))
    def live() -> Response:
        """204: this process answers."""
        return _empty(204)

    @bp.get("/v1/health/ready")
    @described(
        {
            **unstored_of("nothing is missing", status=204),
            503: Reply("something is missing", (), ("Cache-Control",)),
        }
    )
    def ready() -> Response:
        """204 where nothing is missing; 503 otherwise."""
        found = readiness()
        if not found:
            return _empty(204)
        if not detail:
            return _empty(503)
        said: list[dict[str, Any]] = [{"what": one.what, "reason": one.reason} for one in found]
        names = ", ".join(one.what for one in found)
        return problem(
            503, f"not ready: {names}", "HT-6", "the page `/` of this listener says what to do", failing=said
        )

    return bp


def _empty(status: int) -> Response:
    return Response(b"", status, {"Cache-Control": "no-store"})
