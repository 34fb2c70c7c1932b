"""A store by its address, for a bundle: bounded in bytes and time, and asked only once for each thing (SPEC HF-1)."""

import http.client
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing
from urllib.parse import urlsplit

from sealring.bundle import StatementEntry, read_bundle
from sealring.catalogue.entry import MAX_ENTRY
from sealring.catalogue.proof import MAX_PROOF
from sealring.catalogue.view import MAX_VIEW
from sealring.envelope import MAX_ENVELOPE
from sealring.halt import MAX_HALT
from sealring.statement import FORMATS
from sealring_server.audit.asking import Asking
from sealring_server.audit.errors import NoAnswer
from sealring_server.audit.log_steps import MAX_PAGE, split_page

MAX_GOVERNING = 8 * 1024 * 1024  # bytes of one authority's delegations and lists
MAX_TUF_FILE = 512 * 1024  # bytes
READ_SECONDS = 30
CHUNK = 1024 * 1024  # bytes of an image held at a time


class UrlSource:
    """One store by its address."""

    def __init__(self, ask: Asking) -> None:
        self.name, self._ask = ask.url, ask

    def root(self, version: int) -> bytes | None:
        """One version of the root."""
        return self._find(f"/v1/roots/{version}")

    def brand(self, brand: str, sequence: int) -> bytes | None:
        """One version of a brand."""
        return self._find(f"/v1/brands/{brand}/{sequence}")

    def head(self, kind: str, subject: str) -> bytes | None:
        """The current statement of a subject, of the highest format that is there (SPEC ST-8)."""
        for number in sorted(FORMATS, reverse=True):
            raw = self._find(f"/v1/heads/{kind}/{number}/{subject}")
            if raw is not None:
                return raw
        return None

    def governing(self, authority: str) -> Sequence[bytes]:
        """What an authority delegates and revokes now."""
        raw = self._ask.find(f"/v1/authorities/{authority}", limit=MAX_GOVERNING)
        found = read_bundle(raw) if raw is not None else ()
        return [one.envelope for one in found if isinstance(one, StatementEntry)]

    def statement(self, digest: str) -> bytes | None:
        """An envelope by its digest."""
        return self._find(f"/v1/statements/{digest}")

    def view(self, digest: str) -> bytes | None:
        """A view by its digest."""
        return self._ask.find(f"/v1/views/{digest}", limit=MAX_VIEW)

    def halt(self, digest: str) -> bytes | None:
        """A halt by its digest."""
        return self._ask.find(f"/v1/halts/{digest}", limit=MAX_HALT)

    def proof(self, root: bytes, keys: Sequence[bytes]) -> bytes | None:
        """A joint proof."""
        named = ",".join(key.hex() for key in keys)
        return self._ask.find(f"/v1/proofs/{root.hex()}/{named}", limit=MAX_PROOF)

    def tuf(self, name: str) -> bytes | None:
        """A TUF file by its name."""
        limit = MAX_ENTRY if name.startswith("targets/") else MAX_TUF_FILE
        return self._ask.find(f"/tuf/{name}", limit=limit)

    def entries(self, until: int) -> Iterator[bytes]:
        """The entries up to this number."""
        first = 1
        while first <= until:
            page = list(split_page(self._ask.get(f"/v1/entries/{first}", limit=MAX_PAGE), first))
            yield from (entry.raw for entry in page[: until + 1 - first])
            if not page:
                return
            first += len(page)

    def image_size(self, digest: str) -> int | None:
        """What the store says of an image; the bytes are counted when they come."""
        with closing(self._connection()) as connection:
            answer = self._request(connection, "HEAD", digest)
            return int(answer.getheader("Content-Length") or 0) if answer.status == 200 else None

    def image(self, digest: str, size: int) -> Iterator[bytes]:
        """The bytes of an image; fewer where the line broke, never more than `size`."""
        with closing(self._connection()) as connection:
            answer = self._request(connection, "GET", digest)
            if answer.status != 200:
                raise NoAnswer(self._path(digest), f"status {answer.status}")
            while size > 0:
                try:
                    piece = answer.read(min(size, CHUNK))
                except (OSError, http.client.HTTPException) as err:
                    raise NoAnswer(self._path(digest), str(err)[:200].lower() or type(err).__name__) from None
                if not piece:
                    return
                size -= len(piece)
                yield piece

    def _find(self, path: str) -> bytes | None:
        return self._ask.find(path, limit=MAX_ENVELOPE)

    def _path(self, digest: str) -> str:
        return f"{self.name}/v1/blobs/{digest}"

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.name)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=READ_SECONDS, context=context)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=READ_SECONDS)

    def _request(self, connection: http.client.HTTPConnection, method: str, digest: str) -> http.client.HTTPResponse:
        base = urlsplit(self.name).path.rstrip("/")
        try:
            connection.request(method, f"{base}/v1/blobs/{digest}")
            return connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as err:
            raise NoAnswer(self._path(digest), str(err)[:200].lower() or type(err).__name__) from None
