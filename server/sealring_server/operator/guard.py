"""Who may ask the operator's listener what: GET and HEAD, from the machine itself or through its proxy (SPEC HT-6).

There are no accounts. A browser on the operator's machine reaches loopback addresses, and so do the pages of others
that it shows; none of them can read anything here: a foreign name in `Host` is refused (a name that its owner lets
point at 127.0.0.1 would make it one origin), no other origin is allowed in, and nothing can be changed by asking.
"""

import ipaddress

from flask import Flask, Response, request
from werkzeug.exceptions import Forbidden, MethodNotAllowed

METHODS = ("GET", "HEAD")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def guard(app: Flask, header: str) -> None:
    """Refuse what is not the operator's question, and send every answer with headers that keep it his.

    Args:
        header: a name that the proxy sets on what it has let through; empty where there is none.
    """
    app.config["MAX_CONTENT_LENGTH"] = 0

    @app.before_request
    def check() -> None:
        if request.method not in METHODS:
            raise MethodNotAllowed(METHODS)
        if not is_own_name(request.headers.get("Host", "")):
            raise Forbidden()
        if header and not request.headers.get(header):
            raise Forbidden()

    @app.after_request
    def sealed(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response


def is_own_name(host: str) -> bool:
    """Whether a `Host` is an IP address or `localhost`: nobody else can have these point here."""
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal():
        name = host
    if name.lower() == "localhost":
        return True
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
