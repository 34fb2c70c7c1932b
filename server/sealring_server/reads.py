"""What a store answers to anybody: statements, views, proofs, images and TUF files (SPEC HT-1, HT-2, HT-5).

Everything but the heads and the timestamp is named by its content or version, so that any cache may serve it.
"""

import re
from hashlib import sha256

from flask import Blueprint, Response, current_app, request
from sqlalchemy import select

from sealring.bundle import StatementEntry, write_bundle
from sealring.errors import TrustError
from sealring.names import ROOT
from sealring_server.catalogue import NoSuchThing, log_path, prove
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.openapi import Body, Part, Reply, described, immutable_of, mutable_of
from sealring_server.rate import charge
from sealring_server.reading.closed import Readers
from sealring_server.released import readable_size
from sealring_server.schema import entries
from sealring_server.tuf_packages import is_package
from sealring_server.tuf_repo import CATALOGUE, metadata_bytes
from sealring_server.views import view_bytes

IMMUTABLE = "public, max-age=31536000, immutable"
MUTABLE = "max-age=60"
PRIVATE = "private, no-store"  # RD-2: a cache would give it to the next one who asks
JSON = "application/json"
BYTES = "application/octet-stream"
BUNDLE = "application/vnd.sealring.bundle"

_DIGEST = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
_TUF_FILE = re.compile(r"([1-9][0-9]{0,14})\.(root|snapshot|targets|packages)\.json")
_TARGET = re.compile(r"([0-9a-f]{64})\.([a-z0-9~.-]{1,200})")

_KEPT_HEADERS = ("Cache-Control", "ETag", "Accept-Ranges")
_IMAGE = {
    200: Reply("all of it", (Body(BYTES),), _KEPT_HEADERS),
    206: Reply("one range of its bytes (HT-5)", (Body(BYTES),), (*_KEPT_HEADERS, "Content-Range")),
    416: Reply("no such range", (Body(BYTES),), ("Content-Range",)),
}
_RANGES = (
    Part("Range", "one range of bytes", {"type": "string", "pattern": "^bytes=([0-9]+-[0-9]*|-[0-9]+)$"}),
    Part("If-Range", "the ETag of what the asker has a part of", {"type": "string"}),
)
_ROLES = r"^[1-9][0-9]{0,14}\.(root|snapshot|targets|packages)\.json$"
_FILE = Part("name", "version and role", {"type": "string", "pattern": _ROLES})
_TARGET_NAME = Part("name", "SHA-256 and name", {"type": "string", "pattern": r"^[0-9a-f]{64}\.[a-z0-9~.-]{1,200}$"})

bp = Blueprint("reads", __name__)


def here() -> StoreHere:
    """The store that this app was made for."""
    found = current_app.extensions["sealring"]
    assert isinstance(found, StoreHere)
    return found


@bp.get("/tuf/timestamp.json")
@described(mutable_of(JSON), refuses=(404,))
def timestamp() -> Response:
    """The one file that every poll asks for: most answers are 304 and nothing (HT-2)."""
    with here().database.reading() as connection:
        return mutable(_found(metadata_bytes(connection, "timestamp"), "timestamp"), JSON, "no-cache")


@bp.get("/tuf/<name>")
@described(immutable_of(JSON), refuses=(404,), path=(_FILE,))
def tuf_file(name: str) -> Response:
    """TUF metadata by version (HT-1)."""
    asked = _TUF_FILE.fullmatch(name)
    if asked is None:
        raise NoSuchThing(f"TUF file {name[:80]!a}")
    with here().database.reading() as connection:
        return immutable(_found(metadata_bytes(connection, asked[2], int(asked[1])), name), JSON)


@bp.get("/tuf/targets/<name>")
@described(
    {**_IMAGE, 200: Reply("the catalogue, or all of an image", (Body(JSON), Body(BYTES)), ("Cache-Control",))},
    refuses=(401, 404),
    headers=_RANGES,
    path=(_TARGET_NAME,),
)
def tuf_target(name: str) -> Response:
    """A catalogue by its digest (HT-1); an image, where the store has the role `packages` (TF-11)."""
    asked = _TARGET.fullmatch(name)
    if asked is None:
        raise NoSuchThing(f"TUF target {name[:80]!a}")
    with here().database.reading() as connection:
        if asked[2] == CATALOGUE:
            raw = connection.scalar(select(entries.c.raw).where(entries.c.digest == asked[1]))
            return immutable(_found(raw, f"TUF target {name}"), JSON)
        # One image has one name here, or caches could be filled with copies of it.
        if not is_package(connection, asked[1], asked[2]):
            raise NoSuchThing(f"TUF target {name[:80]!a}")
    return _image(asked[1])


@bp.get("/v1/roots/<int:version>")
@described(mutable_of(JSON), refuses=(404,))
def root(version: int) -> Response:
    """One version of the root, for those who walk from the one that they hold (HT-2)."""
    with here().database.reading() as connection:
        raw = Held(connection).version("root", str(version), version) if version < 2**53 else None
        return mutable(_found(raw, f"root {version}"), JSON)


@bp.get("/v1/brands/<brand>/<int:sequence>")
@described(mutable_of(JSON), refuses=(404,))
def brand(brand: str, sequence: int) -> Response:
    """One version of a brand, for those who walk from the one that they hold (HT-2)."""
    with here().database.reading() as connection:
        raw = Held(connection).version("brand", brand, sequence) if sequence < 2**53 else None
        return mutable(_found(raw, f"brand {brand} {sequence}"), JSON)


@bp.get("/v1/heads/<kind>/<int:format>/<path:subject>")
@described(mutable_of(JSON), refuses=(404,))
def head(kind: str, format: int, subject: str) -> Response:
    """The current statement of a subject in one format, for those who hold no catalogue yet (HT-2, ST-8)."""
    with here().database.reading() as connection:
        raw = Held(connection).current(kind, subject, format) if format < 2**53 else None
        return mutable(_found(raw, f"{kind} {subject}"), JSON)


@bp.get("/v1/authorities/<name>")
@described(mutable_of(BUNDLE), refuses=(404,))
def authority(name: str) -> Response:
    """What an authority delegates and revokes now, for those who hold no catalogue yet (HT-2)."""
    with here().database.reading() as connection:
        held = Held(connection)
        if name != ROOT and held.current("brand", name) is None:
            raise NoSuchThing(f"authority {name[:80]!a}")
        entries = [StatementEntry(raw) for raw in held.governing(name)]
    return mutable(write_bundle(entries), BUNDLE)


@bp.get("/v1/statements/<digest>")
@described(immutable_of(JSON), refuses=(404,))
def statement(digest: str) -> Response:
    """An envelope by its digest (HT-1)."""
    with here().database.reading() as connection:
        return immutable(_found(Held(connection).envelope(digest), f"statement {digest}"), JSON)


@bp.get("/v1/views/<digest>")
@described(immutable_of(JSON), refuses=(404,))
def view(digest: str) -> Response:
    """A view by its digest, as long as a map that commits to it is kept (HT-1, MP-6)."""
    with here().database.reading() as connection:
        return immutable(_found(view_bytes(connection, digest), f"view {digest}"), JSON)


@bp.get("/v1/proofs/<root>/<keys>")
@described(immutable_of(BYTES), refuses=(404,))
def proof(root: str, keys: str) -> Response:
    """The joint proof for 1 to 64 keys, ascending, under any map root that the store ever had (HT-1, MP-4)."""
    asked = [_digest(key, "proof") for key in keys.split(",")]
    # One set of keys has one URL, or caches could be filled with copies of one answer.
    if asked != sorted(set(asked)):
        raise NoSuchThing("proof for keys that are not ascending")
    with here().database.reading() as connection:
        return immutable(prove(connection, here().tiles, _digest(root, "map"), asked), BYTES)


@bp.get("/v1/log/<int:size>/<int:index>")
@described(immutable_of(BYTES), refuses=(404,))
def log(size: int, index: int) -> Response:
    """Where an entry stands among the first `size` (HT-1, LG-2)."""
    if size >= 2**53:
        raise NoSuchThing(f"log of {size} entries")
    with here().database.reading() as connection:
        try:
            return immutable(log_path(connection, size, index), BYTES)
        except TrustError as err:
            raise NoSuchThing(f"log of {size} entries, index {index}") from err


@bp.get("/v1/blobs/<digest>")
@described(_IMAGE, refuses=(401, 404), headers=_RANGES)
def blob(digest: str) -> Response:
    """An image that is released, or one range of it (HT-1, HT-5, RD-1, RD-2); a file without a row is not served."""
    return _image(digest)


def _image(digest: str) -> Response:
    is_closed = here().settings.reading.closed
    if is_closed:  # RD-2: first, so that a stranger learns nothing of what is here
        if "Signature" in request.headers:
            charge()  # PB-13: to judge it costs a look at keys, and no cache answers for it
        readers = current_app.extensions.setdefault("sealring_readers", Readers())
        readers.check(here(), request.method, request.headers, _digest(digest, "image").hex())
    with here().database.reading() as connection:
        size = readable_size(connection, digest)  # RD-1
    if size is None:
        raise NoSuchThing(f"image {digest[:80]}")
    start, end, status = _range(size, digest)
    headers = {"Accept-Ranges": "bytes", "Cache-Control": PRIVATE if is_closed else IMMUTABLE, "ETag": f'"{digest}"'}
    if status == 416:
        headers["Content-Range"] = f"bytes */{size}"
        return Response(b"", status, headers, content_type=BYTES)
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    return Response(here().images.part(digest, start, end), status, headers, content_type=BYTES)


def _range(size: int, digest: str) -> tuple[int, int, int]:
    """First byte, byte after the last, and status, for the request's Range (HT-5); several ranges are ignored."""
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None or asked[0] == "bytes=-" or request.headers.get("If-Range", "") not in ("", f'"{digest}"'):
        return 0, size, 200
    if not asked[1]:
        start, end = max(0, size - int(asked[2])), size
        return (start, end, 206) if start < end else (0, 0, 416)
    start, end = int(asked[1]), min(size, int(asked[2]) + 1 if asked[2] else size)
    if asked[2] and int(asked[2]) < start:
        return 0, size, 200
    return (start, end, 206) if start < size else (0, 0, 416)


def _digest(text: str, what: str) -> bytes:
    if not _DIGEST.fullmatch(text):
        raise NoSuchThing(f"{what} {text[:80]!a}")
    return bytes.fromhex(text)


def _found(raw: bytes | None, what: str) -> bytes:
    if raw is None:
        raise NoSuchThing(what)
    return raw


def immutable(raw: bytes, kind: str) -> Response:
    """HT-1: what its address names never changes."""
    return Response(raw, 200, {"Cache-Control": IMMUTABLE}, content_type=kind)


def mutable(raw: bytes, kind: str, cache: str = MUTABLE) -> Response:
    """HT-2: with a strong ETag, and 304 without a body where the asker has these very bytes."""
    answer = Response(raw, 200, {"Cache-Control": cache}, content_type=kind)
    answer.set_etag(sha256(raw).hexdigest())
    answer.make_conditional(request)
    return answer
