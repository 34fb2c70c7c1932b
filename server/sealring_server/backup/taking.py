"""A stopped store takes nothing: publications, uploads and reports are refused before any of it is read (SPEC BK-2)."""

from flask import Flask, request

from sealring_server.backup.stopped import check_not_stopped
from sealring_server.here import StoreHere

READS = frozenset(("GET", "HEAD", "OPTIONS"))


def refuse_while_stopped(app: Flask, store: StoreHere) -> None:
    """Let every request of this app that could write be answered with 503 while the store is stopped."""

    @app.before_request
    def check() -> None:
        if request.method not in READS:
            with store.database.reading() as connection:
                check_not_stopped(connection)
