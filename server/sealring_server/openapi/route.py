"""`GET /openapi.json`: what this store answers, for programs (SPEC section 13, HT-2)."""

import json
from typing import Final

from flask import Blueprint, Flask, Response, current_app

from sealring_server.openapi.describe import described, mutable_of
from sealring_server.openapi.document import document
from sealring_server.reads import JSON, mutable

_KEPT: Final = "sealring openapi"

bp = Blueprint("openapi", __name__)


@bp.get("/openapi.json")
@described(mutable_of(JSON))
def openapi() -> Response:
    """This description."""
    return mutable(spelled(current_app), JSON)


def spelled(app: Flask) -> bytes:
    """The document of this app, as it is served and as it lies in docs/; made once."""
    found = app.extensions.get(_KEPT)
    if not isinstance(found, bytes):
        found = app.extensions[_KEPT] = (json.dumps(document(app), indent=1) + "\n").encode()
    return found
