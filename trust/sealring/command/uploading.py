"""Images on their way to a store: some at a time, each going on from where the store has it (SPEC PB-11).

    HEAD    how much is there        after a connection was lost, or by an earlier run of the command
    PATCH   the rest                 from exactly that offset on

At most 1 MiB of each of four images is in memory, however large they are.
"""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from sealring.command.outside import Outside
from sealring.command.patience import Patience
from sealring.command.progress import Told
from sealring.command.store_http import CHUNK, Answer, BadAnswer, Line, StoreClient, StoreRefused, StoreUnreachable
from sealring.errors import SealringError, TrustError

CONNECTIONS = 4
WORTH = 128 * 1024  # bytes; what adds less is no progress, or a line that drips would be tried for ever
SLICE = 0.2  # seconds of a pause, between two looks whether all of it is to end
BREAK_SECONDS = 0.05
TUS = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True)
class ImageFile:
    """An image on this disk."""

    path: Path
    sha256: str
    size: int


@dataclass(eq=False)
class ImageNeeded(TrustError):
    """The store wants an image that was not given, or of another size than was signed (SPEC PB-8)."""

    sha256: str
    reason: str
    rule: ClassVar[str] = "PB-8"
    exit_code: ClassVar[int] = 26

    def __str__(self) -> str:
        return f"image {self.sha256}: {self.reason}"

    def hint(self) -> str:
        return "give the file that the revision was made from, with --image FILE; the same command goes on from here"


class _Ended(SealringError):
    """Another image failed, or the person wants no more: nothing is said about this one."""


@dataclass(frozen=True)
class Uploads:
    """The images of one open publication."""

    outside: Outside
    store: StoreClient
    token: str = field(repr=False)
    told: Told
    is_begun: bool
    """Whether something may be there already."""
    _end: threading.Event = field(default_factory=threading.Event)

    def send(self, images: Sequence[ImageFile]) -> None:
        """All of these, whole, at the store.

        Raises:
            SealringError: the first that can't be sent; the others have ended by then, and what came is kept there.
        """
        if not images:
            return
        lines = [Line(self.store) for _ in range(min(CONNECTIONS, len(images)))]
        todo = iter(images)
        lock = threading.Lock()

        def work(line: Line) -> None:
            while not self._end.is_set():
                with lock:
                    image = next(todo, None)
                if image is None:
                    return
                self._one(line, image)

        with ThreadPoolExecutor(len(lines)) as pool:
            done: list[Future[None]] = []
            try:
                # Within: Ctrl-C can come while the last of them is not even started.
                for line in lines:
                    done.append(pool.submit(work, line))
                wait(done, return_when=FIRST_EXCEPTION)
            finally:
                self._end.set()
                # More than once: one that was just connecting had nothing yet that could be broken off.
                while wait(done, BREAK_SECONDS).not_done:
                    for line in lines:
                        line.break_off()
        for line in lines:
            line.close()
        _raise_first(done)

    def _one(self, line: Line, image: ImageFile) -> None:
        patience = Patience(self._pause, self.outside.chance)
        there: int | None = None if self.is_begun else 0
        best = 0
        while there != image.size:
            try:
                there = self._there(line, image) if there is None else self._add(line, image, there)
            except SealringError as err:
                if self._end.is_set():
                    raise _Ended from None
                there = None
                if not _is_other_offset(err):
                    patience.again(err)
                else:
                    patience.again(StoreUnreachable(self.store.url, f"an upload is elsewhere than was said: {err}"))
                continue
            self.told.at(image.sha256, there)
            if there - best >= WORTH:
                best = there
                patience.went_on()

    def _there(self, line: Line, image: ImageFile) -> int:
        answer = line.ask("HEAD", self._path(image), b"", TUS, (200, 204))
        if _number(answer, "Upload-Length") != image.size:
            raise BadAnswer(f"an upload of other than the {image.size} bytes of image {image.sha256[:16]}")
        return _offset(answer, 0, image)

    def _add(self, line: Line, image: ImageFile, there: int) -> int:
        headers = TUS | {
            "Upload-Offset": str(there),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(image.size - there),
        }
        with open(image.path, "rb", buffering=0) as stream:
            rest = _Rest(self, image, stream.fileno(), there)
            reached = _offset(line.ask("PATCH", self._path(image), rest, headers, (204,)), there, image)
        if reached < image.size:
            raise StoreUnreachable(self.store.url, f"{reached} of {image.size} bytes of an image were taken")
        return reached

    def _path(self, image: ImageFile) -> str:
        return f"/v1/publications/{self.token}/blobs/{image.sha256}"

    def _pause(self, seconds: float) -> None:
        while seconds > 0 and not self._end.is_set():
            self.outside.sleep(min(SLICE, seconds))
            seconds -= SLICE

    def check(self) -> None:
        """Raise where all of it is to end."""
        if self._end.is_set():
            raise _Ended


@dataclass
class _Rest:
    """What is left of an image's file, which tells how far it has been read."""

    of: Uploads
    image: ImageFile
    handle: int
    at: int

    def read(self, size: int = CHUNK, /) -> bytes:
        """At most `size` bytes."""
        self.of.check()
        self.of.told.at(self.image.sha256, self.at)
        data = os.pread(self.handle, min(size, self.image.size - self.at), self.at)
        if not data and self.at < self.image.size:
            raise ImageNeeded(self.image.sha256, f"{self.image.path} became shorter while it was sent")
        self.at += len(data)
        return data


def _offset(answer: Answer, least: int, image: ImageFile) -> int:
    found = _number(answer, "Upload-Offset")
    if not least <= found <= image.size:
        raise BadAnswer(f"{found} bytes of an image of {image.size} are there, at least {least} were")
    return found


def _number(answer: Answer, name: str) -> int:
    said = answer.headers.get(name, "")
    if not (said.isascii() and said.isdigit() and len(said) <= 16):
        raise BadAnswer(f"no {name}: the store takes no uploads by tus 1.0")
    return int(said)


def _is_other_offset(err: SealringError) -> bool:
    return isinstance(err, StoreRefused) and (err.status, err.by) == (409, "PB-11")


def _raise_first(done: Sequence[Future[None]]) -> None:
    errors = [err for one in done if (err := one.exception()) is not None]
    for err in sorted(errors, key=lambda err: isinstance(err, _Ended)):
        raise err
