"""Every answer of the store's listener is counted, by kind and outcome, for the operator (SPEC HT-6)."""

import time

from flask import Flask, Response, g, request

from sealring_server.failures import Failures, Kind
from sealring_server.here import Clock
from sealring_server.logs import log_request

_PLACES: tuple[tuple[str, Kind], ...] = (
    ("/tuf/", "tuf"),
    ("/v1/answers/", "answer"),
    ("/v1/blobs/", "image"),
    ("/v1/publications", "publish"),
    ("/v1/reports", "report"),
    ("/v1/health/", "other"),
    ("/v1/", "read"),
)


def kind_of(path: str) -> Kind:
    """What a path asks for; what names nothing of the store's is `other`, so that strangers add no label."""
    return next((kind for place, kind in _PLACES if path.startswith(place)), "other")


def count_requests(app: Flask, failures: Failures, clock: Clock) -> None:
    """Let this app count what it answers. An image counts when its first byte goes out."""

    @app.before_request
    def begin() -> None:
        g.sealring_began = time.monotonic()

    @app.after_request
    def answered(response: Response) -> Response:
        began = g.get("sealring_began", None)
        if began is not None:
            log_request(response.status_code, time.monotonic() - began)
            failures.answered(kind_of(request.path), response.status_code, time.monotonic() - began, clock())
        return response
