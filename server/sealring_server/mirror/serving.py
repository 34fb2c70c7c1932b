"""A mirror that is served: it follows by itself, and says who takes what it can't (SPEC MI-1, MI-2)."""

from datetime import timedelta

from flask import Flask, request

from sealring.names import instant
from sealring_server.audit.state import StateBusy
from sealring_server.here import StoreHere
from sealring_server.mirror.errors import IsAMirror
from sealring_server.mirror.folder import mirror_folder
from sealring_server.mirror.noted import read_noted
from sealring_server.mirror.run import Look, look

WRITES = ("/v1/publications", "/v1/reports")


def refuse_writes(app: Flask, here: StoreHere) -> None:
    """Let this app answer what only the origin takes with the origin's address (MI-2); nothing for a store."""
    mirror = here.settings.mirror
    if mirror is None:
        return
    origin = mirror.url

    @app.before_request
    def refuse() -> None:
        if request.path in WRITES or request.path.startswith(tuple(f"{path}/" for path in WRITES)):
            raise IsAMirror(origin)


def keep_up(here: StoreHere) -> None:
    """A look at its store where one is due.

    Raises:
        SealringError, SQLAlchemyError, OSError: what is served stays; the next round tries again.
    """
    mirror = here.settings.mirror
    assert mirror is not None  # a mirror's server
    noted = read_noted(mirror_folder(here))
    due = not noted.good or here.clock() - instant(noted.good) >= timedelta(seconds=mirror.seconds)
    if not due and not noted.failing:
        return
    try:
        look(here, Look())
    except StateBusy:
        return  # `sealring-store mirror` is at it
