"""Uploads by the core protocol of tus 1.0 (SPEC PB-11).

The address of an upload is there as soon as its publication is open, and its length is the signed one; so tus' ways to
make an upload, to give up one, and to name its length later are not needed, and not there.
Off-spec: no `X-HTTP-Method-Override`. One thing has one way to be done, and a proxy that lets no PATCH through lets a
store's publishers know at once.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from flask import Blueprint, Response, request

from sealring.errors import TrustError
from sealring.strict import TooLarge
from sealring_server.images.errors import OtherBlob
from sealring_server.openapi import Body, Part, Reply, described
from sealring_server.pace import Paced, body_length
from sealring_server.reads import here
from sealring_server.uploading import Upload, add_to_upload, signed_size, upload_state

bp = Blueprint("tus", __name__, url_prefix="/v1/publications/<token>/blobs")

VERSION = "1.0.0"
BODY = "application/offset+octet-stream"

_TUS = Part("Tus-Resumable", "the version of tus", {"const": VERSION}, required=True)
_OFFSET = Part("Upload-Offset", "how many bytes are here", {"type": "integer", "minimum": 0}, required=True)
_HOW_MUCH = ("Upload-Offset", "Upload-Length", "Tus-Resumable", "Cache-Control")

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")


@dataclass(eq=False)
class NotTus(TrustError):
    """A request about an upload that is not of tus 1.0 (SPEC PB-11)."""

    header: str
    found: str
    needed: str
    status: int
    rule: ClassVar[str] = "PB-11"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"request: {self.header} is {self.found!a}, {self.needed} needed"

    def hint(self) -> str:
        return "upload by the core protocol of tus 1.0"


@bp.route("/<digest>", methods=["OPTIONS"])
@described({204: Reply("tus", (), ("Tus-Version", "Tus-Resumable", "Cache-Control"))})
def options(**_: str) -> Response:
    """Which protocol this is; nothing is said about the publication."""
    return Response(status=204, headers={"Tus-Version": VERSION})


# Only HEAD: what is uploaded can be read back by nobody.
@bp.route("/<digest>", methods=["HEAD"], provide_automatic_options=False)
@described({200: Reply("how much is here", (), _HOW_MUCH)}, refuses=(404, 409, 410, 412), headers=(_TUS,))
def state(token: str, digest: str) -> Response:
    """How much of an image is here."""
    _check_version()
    found = upload_state(here(), token, _checked(digest))
    return Response(status=200, headers=_where(found))


@bp.route("/<digest>", methods=["PATCH"], provide_automatic_options=False)
@described(
    {204: Reply("so much is here now", (), _HOW_MUCH)},
    refuses=(404, 409, 410, 412, 423),
    takes=(Body(BODY),),
    headers=(_TUS, _OFFSET),
)
def add(token: str, digest: str) -> Response:
    """Bytes from exactly that offset on which is here, and never one beyond the signed size."""
    _check_version()
    if request.headers.get("Content-Type") != BODY:
        raise NotTus("Content-Type", request.headers.get("Content-Type", "")[:80], BODY, 415)
    asked = request.headers.get("Upload-Offset", "")
    if not _NUMBER.fullmatch(asked):
        raise NotTus("Upload-Offset", asked[:80], "a number", 400)
    offset, length, store = int(asked), body_length(), here()
    # PB-2, HT-4: the signed size, before the first byte is read.
    size = signed_size(store, token, _checked(digest))
    if offset + length > size:
        raise TooLarge(f"image {digest[:16]}", offset + length, size)
    with Paced(request.environ["wsgi.input"], length) as body:
        there = add_to_upload(store, token, digest, offset, body)
    return Response(status=204, headers=_where(Upload(there, size)))


@bp.after_request
def mark(answer: Response) -> Response:
    """Tus wants its version in every answer, refusals too."""
    answer.headers["Tus-Resumable"] = VERSION
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _where(found: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(found.offset), "Upload-Length": str(found.size)}


def _check_version() -> None:
    found = request.headers.get("Tus-Resumable", "")
    if found != VERSION:
        raise NotTus("Tus-Resumable", found[:80], VERSION, 412)


def _checked(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise OtherBlob(digest[:80], "not a digest")
    return digest
