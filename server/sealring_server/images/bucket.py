"""Images in an S3 bucket, by any number of processes on any number of machines (SPEC PB-2, PB-3, PB-11).

    PREFIX/incoming/<token's digest>/<sha256>/<offset, 20 digits>    a piece of an upload, made once and never changed
    PREFIX/images/<sha256>                                           final; served once rows of the database say so

How much of an upload is here is what its pieces say, one behind the other from 0 on. A piece is put only where none is
(`If-None-Match: *`), so of two that add to one upload only one goes on at each place, and there is no lock that
somebody who died could hold. The whole is put in parts while it is hashed, and its last part is not sent before the
digest was found right: under the final name there is nothing or the image. Nothing here is ever overwritten, so no
etag has to be believed.
"""

import queue
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from sealring_server.images.driver import Source
from sealring_server.images.errors import ImageGone, ImagesUnreachable, OtherBlob, OtherOffset

PIECE = 5 * 1024 * 1024  # bytes; no part of a multipart upload but the last may be smaller
MOST_PARTS = 9_000  # S3 takes 10,000
MOST_SHORT = 10_000  # pieces beyond those that a steady line needs: listing them all must stay cheap
AT_ONCE = 2  # parts on their way: with those ahead of them, about 25 MiB for each image that is put together

_DIGITS = 20


class ImageBucket:
    """The bucket of a store's images.

    Args:
        place: for the words of an error; it holds no secret.
        store: a client that is used in no process that forks.
    """

    def __init__(self, place: str, store: S3Store) -> None:
        self.place = place
        self._store = store

    def create(self) -> None:
        """See `Images`: folders are no things of a bucket, so there is only something to look for."""
        self.check()

    def check(self) -> None:
        """See `Images`."""
        with self._asked():
            next(iter(obstore.list(self._store, "incoming", chunk_size=1)), None)

    def check_space(self, needed: int) -> None:
        """See `Images`: a bucket says when it is full, and not before."""

    def received(self, owner: str, digest: str) -> int:
        """See `Images`."""
        return _end(self._pieces(owner, digest))

    def append(self, owner: str, digest: str, offset: int, source: Source, size: int) -> int:
        """See `Images`."""
        pieces = self._pieces(owner, digest)
        there = _end(pieces)
        if offset != there:
            raise OtherOffset(digest, offset, there)
        if len(pieces) > MOST_SHORT + size // PIECE:
            self.drop(owner, [digest])
            raise OtherBlob(digest, f"came in {len(pieces)} pieces; send it again from the beginning")
        filled = _Filled(source)
        while there < size and (piece := filled.read(min(PIECE, size - there))):
            self._put_piece(owner, digest, there, piece)
            there += len(piece)
            if filled.broken is not None:
                raise filled.broken
        if filled.broken is not None:
            raise filled.broken
        if there == size:
            self._settle(owner, digest, size)
        return there

    def drop(self, owner: str, digests: Iterable[str]) -> None:
        """See `Images`."""
        for digest in digests:
            self._delete(f"incoming/{owner}/{digest}")

    def collect(self, owners: Callable[[], Collection[str]], before: float) -> int:  # noqa: ARG002 - of `Images`
        """See `Images`; a `put` that broke off left nothing but parts, which the bucket's own rules remove."""
        with self._asked():
            found = obstore.list_with_delimiter(self._store, "incoming")["common_prefixes"]
        names = [str(prefix).rstrip("/").rpartition("/")[2] for prefix in found]
        known = owners() if names else ()
        gone = [name for name in names if name not in known]
        for name in gone:
            self._delete(f"incoming/{name}")
        return len(gone)

    def size(self, digest: str) -> int | None:
        """See `Images`."""
        try:
            with self._asked():
                return int(obstore.head(self._store, _final(digest))["size"])
        except FileNotFoundError:
            return None

    def part(self, digest: str, start: int, end: int) -> Iterator[bytes]:
        """See `Images`: the first piece is fetched at once, so that what is wrong is said and not half served."""
        if start >= end:
            return iter(())
        return self._from(digest, self._range(digest, start, end), start, end)

    def digests(self, before: float | None = None) -> Iterator[str]:
        """See `Images`."""
        with self._asked():
            for some in obstore.list(self._store, "images", chunk_size=1000):
                for one in (each for each in some if before is None or each["last_modified"].timestamp() < before):
                    yield one["path"].rpartition("/")[2]

    def put(self, digest: str, size: int, source: Source) -> None:
        """See `Images`."""
        filled = _Filled(source)
        self._compose(digest, size, iter(lambda: filled.read(PIECE), b""))
        if filled.broken is not None:
            raise filled.broken

    def remove(self, digest: str) -> None:
        """See `Images`."""
        with self._asked():
            obstore.delete(self._store, _final(digest))

    def _pieces(self, owner: str, digest: str) -> list[tuple[str, int]]:
        """Paths and lengths of the pieces that follow each other from 0 on."""
        found, there = [], 0
        with self._asked():
            for some in obstore.list(self._store, f"incoming/{owner}/{digest}", chunk_size=1000):
                for one in some:
                    if one["path"].endswith(f"/{there:0{_DIGITS}d}"):
                        found.append((one["path"], int(one["size"])))
                        there += int(one["size"])
        return found

    def _put_piece(self, owner: str, digest: str, there: int, piece: bytes) -> None:
        path = f"incoming/{owner}/{digest}/{there:0{_DIGITS}d}"
        try:
            with self._asked():
                obstore.put(self._store, path, piece, mode="create", use_multipart=False)
        except AlreadyExistsError:
            # Ours, where the bucket's answer to the first try was lost; else another request was here first.
            if not self._is_there(path, piece):
                raise OtherOffset(digest, there, self.received(owner, digest)) from None

    def _is_there(self, path: str, piece: bytes) -> bool:
        try:
            return self._get(path) == piece
        except FileNotFoundError:  # whoever had put it has removed it again, as when his image was not the right one
            return False

    def _settle(self, owner: str, digest: str, size: int) -> None:
        pieces = (self._get(path) for path, _ in self._pieces(owner, digest))
        try:
            if self.size(digest) == size:
                for _ in _verified(digest, size, pieces):
                    pass
            else:
                self._compose(digest, size, pieces)
        except OtherBlob:
            self.drop(owner, [digest])
            raise

    def _compose(self, digest: str, size: int, pieces: Iterator[bytes]) -> None:
        part = max(PIECE, -(-size // MOST_PARTS))
        with _Ahead(_verified(digest, size, pieces)) as ahead, self._asked():
            obstore.put(
                self._store, _final(digest), ahead, use_multipart=True, chunk_size=part, max_concurrency=AT_ONCE
            )

    def _from(self, digest: str, piece: bytes, start: int, end: int) -> Iterator[bytes]:
        while piece:
            yield piece
            start += len(piece)
            piece = self._range(digest, start, end) if start < end else b""

    def _range(self, digest: str, start: int, end: int) -> bytes:
        try:
            with self._asked():
                upto = min(end, start + PIECE)
                return bytes(obstore.get_range(self._store, _final(digest), start=start, end=upto))
        except FileNotFoundError as err:
            if "NoSuchBucket" in str(err):
                raise ImagesUnreachable(self.place, "NoSuchBucket") from None
            raise ImageGone(digest) from None

    def _get(self, path: str) -> bytes:
        with self._asked():
            return bytes(obstore.get(self._store, path).bytes())

    def _delete(self, prefix: str) -> None:
        with self._asked():
            for some in obstore.list(self._store, prefix, chunk_size=1000):
                obstore.delete(self._store, [one["path"] for one in some])

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Whatever the bucket answers is an error of ours; what it says is not repeated: it may hold anything."""
        try:
            yield
        except (AlreadyExistsError, FileNotFoundError) as err:
            if "NoSuchBucket" in str(err) and isinstance(err, FileNotFoundError):
                raise ImagesUnreachable(self.place, "NoSuchBucket") from None
            raise
        except (PermissionDeniedError, UnauthenticatedError):
            raise ImagesUnreachable(self.place, "refuses the store's credentials") from None
        except (BaseError, OSError) as err:
            raise ImagesUnreachable(self.place, _reason(str(err))) from None


class _Filled:
    """A source that gives as much as it is asked for, and keeps what it raises until what came before is stored."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.broken: Exception | None = None

    def read(self, size: int) -> bytes:
        found = bytearray()
        try:
            while self.broken is None and len(found) < size and (some := self._source.read(size - len(found))):
                found += some
        except Exception as err:  # noqa: BLE001 - whatever broke off, what came counts, and it is raised after that
            self.broken = err
        return bytes(found)


class _Ahead:
    """An iterator that works in a thread of its own: the client's own threads may not use the client."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._made: queue.Queue[bytes | BaseException | None] = queue.Queue(1)
        self._given_up = False

    def __enter__(self) -> "_Ahead":
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._given_up = True
        while not self._made.empty():
            self._made.get_nowait()

    def __iter__(self) -> "_Ahead":
        return self

    def __next__(self) -> bytes:
        found = self._made.get()
        if isinstance(found, BaseException):
            raise found
        if found is None:
            raise StopIteration
        return found

    def _run(self) -> None:
        try:
            for piece in self._pieces:
                self._made.put(piece)
                if self._given_up:
                    return
            self._made.put(None)
        except BaseException as err:  # noqa: BLE001 - raised where the pieces are taken
            self._made.put(err)


def _verified(digest: str, size: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces, the last only once all of them are found to be this image.

    Raises:
        OtherBlob.
    """
    hasher, there, last = sha256(), 0, b""
    for piece in pieces:
        if last:
            yield last
        hasher.update(piece)
        there, last = there + len(piece), piece
        if there > size:
            break
    if there != size:
        raise OtherBlob(digest, f"{there} bytes came, {size} signed")
    if hasher.hexdigest() != digest:
        raise OtherBlob(digest, f"the bytes that came have digest {hasher.hexdigest()[:16]}")
    yield last


def _end(pieces: list[tuple[str, int]]) -> int:
    return sum(length for _, length in pieces)


def _final(digest: str) -> str:
    return f"images/{digest}"


def _reason(said: str) -> str:
    """The code that S3 gives, or that nothing came."""
    code = said.partition("<Code>")[2].partition("</Code>")[0]
    return code if code.isalnum() and len(code) < 80 else "does not answer"
