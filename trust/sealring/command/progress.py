"""How far the sending of images has come: a bar for each that is under way, on a terminal only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from sealring.command.outside import Outside


class Told(Protocol):
    """Is told how much of which image is at the store; from several threads."""

    def at(self, sha256: str, sent: int) -> None:
        """So many bytes of this image."""


class Silent:
    """Says nothing."""

    def at(self, sha256: str, sent: int) -> None:
        """See `Told`."""


class Bars:
    """One bar for all and one for each image that is under way; what is done disappears."""

    def __init__(self, shown: Progress, images: dict[str, tuple[str, int]]) -> None:
        self._shown, self._images = shown, images
        self._tasks: dict[str, TaskID] = {}
        self._sent = dict.fromkeys(images, 0)
        self._all = shown.add_task(f"{len(images)} images", total=sum(size for _, size in images.values()))

    def at(self, sha256: str, sent: int) -> None:
        """See `Told`."""
        name, size = self._images[sha256]
        self._shown.advance(self._all, sent - self._sent[sha256])
        self._sent[sha256] = sent
        if sent < size and sha256 not in self._tasks:
            self._tasks[sha256] = self._shown.add_task(name, total=size)
        if sha256 in self._tasks:
            if sent >= size:
                self._shown.remove_task(self._tasks.pop(sha256))
            else:
                self._shown.update(self._tasks[sha256], completed=sent)


@contextmanager
def progress(outside: Outside, images: dict[str, tuple[str, int]], *, quiet: bool) -> Iterator[Told]:
    """What to tell; shown on a terminal only, and never where NO_COLOR asks for plain text.

    Args:
        images: what people call each image, and its size, by digest.
    """
    if quiet or not images or not outside.color or not outside.err.isatty():
        yield Silent()
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(file=outside.err), transient=True) as shown:
        yield Bars(shown, images)
