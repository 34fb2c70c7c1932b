"""Requests that can be read in two ways are refused before anything is done for them (SPEC HT-7).

A proxy before the store that reads such a request otherwise than the store does lets one asker's words become part of
another's request. The HTTP parser refuses most of it (two lengths that differ, a header in two lines, another version);
what it leaves to the app is refused here.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from flask import Flask, current_app, request
from werkzeug.exceptions import NotFound

from sealring.errors import TrustError
from sealring.strict import TooLarge
from sealring_server.openapi import description_of
from sealring_server.pace import NoLength

_HOST: Final = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,255}")
_BODILESS: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


@dataclass(eq=False)
class OddRequest(TrustError):
    """A request that two readers could take for two things, or with a body that no view here reads (SPEC HT-7)."""

    what: str
    found: str
    needed: str
    status: int
    rule: ClassVar[str] = "HT-7"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"request: {self.what} is {self.found[:80]!a}, {self.needed} needed"

    def hint(self) -> str:
        return "see what this path takes in /openapi.json"


def refuse_odd(app: Flask) -> None:
    """Let this app refuse what nobody sends who means well."""

    @app.before_request
    def check() -> None:
        method = str(request.environ["REQUEST_METHOD"])
        if method != request.method:
            raise OddRequest("the method", method, request.method, 400)
        if str(request.environ["PATH_INFO"]).startswith("//"):
            # HT-1: the router takes several slashes for one, and a cache would keep one thing under many names.
            raise NotFound
        _check_host()
        _check_body()


def _check_host() -> None:
    host = request.environ.get("HTTP_HOST")
    if host is None and request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return
    if host is None or not _HOST.fullmatch(host):
        raise OddRequest("Host", host or "", "one name", 400)


def _check_body() -> None:
    if "HTTP_TRANSFER_ENCODING" in request.environ:
        raise NoLength
    packed = request.headers.get("Content-Encoding", "")
    if packed.lower() not in ("", "identity"):
        # What is small on the line and has no end in memory is not even looked at.
        raise OddRequest("Content-Encoding", packed, "a body that is not packed", 415)
    length = request.content_length or 0
    if length and request.method in _BODILESS:
        raise TooLarge(f"body of {request.method}", length, 0)
    said = description_of(current_app.view_functions.get(request.endpoint or ""))
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if said and said.takes and kind and kind not in (kinds := [body.kind for body in said.takes]):
        raise OddRequest("Content-Type", kind, " or ".join(kinds), 415)
