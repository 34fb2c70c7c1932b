"""Generations: what a device runs, switched as a whole by one rename.

```
generations/N/<brand>/<name> -> ../../../mounts/<sha256>     generations/N/generation.json   its parts
current -> generations/N     what runs                       generations/N/committed         N was `good` once
good -> generations/N        the last one that passed its health check
```

The caller holds the lock. Every step is made durable before the next one begins:

| step     | system calls                                                | a kill in it: the next start finds     |
|----------|-------------------------------------------------------------|----------------------------------------|
| stage 1  | mkdir(.new) mkdir(brand) symlink(name) fsync(brand)         | the old state, and `.new`, which it    |
|          | open write fsync rename(generation.json) fsync(.new)        | deletes                                |
| stage 2  | rename(.new, N) fsync(generations)                          | the same, or a whole N without a link  |
| try      | symlink(.current.new) rename(.current.new, current)         | the old state, or `current` is not     |
|          | fsync(state)                                                | `good`: undone                         |
| commit 1 | symlink(.good.new) rename(.good.new, good) fsync(state)     | `current` is not `good`: undone; after |
|          |                                                             | the rename N stays                     |
| commit 2 | open fsync rename(committed) fsync(N)                       | `good` without its mark: marked        |
| back     | as try, towards `good`; where there is none                 | `current` is not `good`: undone        |
|          | unlink(current) fsync(state)                                |                                        |
| replace  | as commit 1, commit 2, then try                             | `good` is the new one: gone on to      |
| forget   | rename(N, .gone-N) fsync(generations) unlink rmdir          | `.gone-N`, which it deletes            |
| collect  | forget each; umount(mount) rmdir(mount) unlink(image)       | goes with the next collection          |

"Undone" is `recover`, which runs first at every start: `current` other than `good` means that a trial did
not end, so it goes back (GN-3), or on to what has replaced it (RK-6). The previous good generation is the
committed one with the highest number below `good`: the mark is set only after `good` has pointed there, so a
failed trial is never taken for one.
A number may be given again once its generation was collected.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sealring_client.apply import mount
from sealring_client.apply.generation_file import MAX_BYTES, Damaged, encode, parse
from sealring_client.apply.images import ImageStore
from sealring_client.disk import (
    NoSpace,
    disk_errors,
    fsync_folder,
    make_folder_durably,
    remove_durably,
    rename_durably,
    replace_link,
    write_durably,
)
from sealring_client.part import Part

_TARGET = re.compile(r"generations/([1-9][0-9]{0,8})")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Recovered:
    """What the start found: the generation that runs now, and the trial that was undone, if any."""

    current: int | None
    undone: int | None


class Generations:
    """The generations below one state folder."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.folder = state / "generations"

    def current(self) -> int | None:
        """The generation that runs, or None before the first."""
        return self._read("current")

    def good(self) -> int | None:
        """The last generation that passed its health check."""
        return self._read("good")

    def previous_good(self) -> int | None:
        """Where a rollback from `good` leads: the newest committed generation before it."""
        good = self.good()
        if good is None:
            return None
        older = (n for n in self.numbers() if n < good and (self.path(n) / "committed").is_file())
        return max(older, default=None)

    def numbers(self) -> list[int]:
        """All generations that are complete, in order."""
        return sorted(int(name) for name in self._names() if _NUMBER.fullmatch(name))

    def path(self, number: int) -> Path:
        """The folder of one generation."""
        return self.folder / str(number)

    def parts(self, number: int) -> tuple[Part, ...]:
        """What a generation consists of.

        Raises:
            Damaged: its file is missing or not as it was written.
        """
        path = self.path(number) / "generation.json"
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as err:
            raise Damaged(path, (err.strerror or "unreadable").lower()) from err
        return parse(raw, number, path)

    def mount_point(self, part: Part) -> Path:
        """Where the image of a part is mounted; shared by all generations that hold it."""
        return self.state / "mounts" / part.sha256

    def stage(self, parts: Sequence[Part]) -> int:
        """Write a new generation; nothing points at it yet.

        Raises:
            ValueError: two parts are of one package.
            DiskError, NoSpace: nothing but a leftover that the next start deletes.
        """
        if len({part.package for part in parts}) != len(parts):
            raise ValueError("a generation holds each package once")
        make_folder_durably(self.folder)
        number = max(self.numbers(), default=0) + 1
        new = self.folder / ".new"
        _delete(new)
        with disk_errors(new):
            new.mkdir()
            _write_links(new, parts)
        write_durably(new / "generation.json", encode(number, sorted(parts)))
        fsync_folder(new)
        # GN-1: the name is given last, so a generation that has a number is complete.
        rename_durably(new, self.path(number))
        return number

    def try_(self, number: int) -> None:
        """Make `number` current. Until `commit`, each start undoes this.

        Raises:
            Damaged: it is not complete; nothing has changed.
        """
        self.parts(number)
        self._point("current", number)

    def commit(self, number: int) -> None:
        """Make `number`, which is current and has passed its health check, the one to go back to."""
        if self.current() != number:
            raise ValueError("only what runs can have passed its health check")
        self._point("good", number)
        self._mark(number)

    def replace(self, number: int) -> None:
        """Make `number` good, and then current: for what may not run any longer (SPEC RK-6).

        A kill in between leaves a `current` that each start changes to this one; nothing leads back.
        """
        self.parts(number)
        self._point("good", number)
        self._mark(number)
        self._point("current", number)

    def forget(self, number: int) -> None:
        """Delete a generation that is neither current nor good; its images go with the next collection."""
        gone = self.folder / f".gone-{number}"
        rename_durably(self.path(number), gone)
        _delete(gone)

    def back(self) -> int | None:
        """Make `good` current again, or nothing where there is none yet; the result says which runs."""
        good = self.good()
        if good is None:
            remove_durably(self.state / "current")
        else:
            self.parts(good)
            self._point("current", good)
        return good

    def recover(self) -> Recovered:
        """Finish or undo what the last process left. Runs first at every start; needs no free space.

        Raises:
            Damaged: `good` itself can't be read; nothing has changed.
        """
        for name in self._names():
            if name == ".new" or name.startswith(".gone-"):
                _delete(self.folder / name)
        good = self.good()
        if good is not None and not (self.path(good) / "committed").exists():
            with suppress(NoSpace):  # a full disk never stops recovery; the next start marks it
                self._mark(good)
        try:
            current = self.current()
        except Damaged:
            return Recovered(self.back(), None)
        # GN-3: a trial that did not end proved nothing, so it does not run on.
        if current != good:
            return Recovered(self.back(), current)
        return Recovered(current, None)

    def collect(
        self,
        images: ImageStore,
        *,
        keep: Collection[str] = (),
        unmount: Callable[[Path], None] = mount.unmount,
    ) -> tuple[str, ...]:
        """Delete the generations, mounts and images that nothing needs any more.

        What a program still runs from is left for the next time.

        Args:
            keep: digests of images or parts that are wanted beside those of the kept generations.

        Returns:
            the digests that were deleted.
        """
        # GN-4: these three are never touched, nor an image that one of them names.
        kept = {self.current(), self.good(), self.previous_good()} - {None}
        wanted = {part.sha256 for number in kept if number is not None for part in self.parts(number)} | set(keep)
        for number in self.numbers():
            if number not in kept:
                self.forget(number)
        return tuple(self._drop_images(images, wanted, unmount))

    def _drop_images(
        self, images: ImageStore, wanted: Collection[str], unmount: Callable[[Path], None]
    ) -> Iterator[str]:
        mounts = self.state / "mounts"
        mounted = {path.name for path in mounts.iterdir()} if mounts.is_dir() else set()
        for digest in sorted(mounted | set(images.digests())):
            if digest in wanted:
                continue
            try:
                if digest in mounted:
                    unmount(mounts / digest)
            except mount.CannotUnmount:
                continue
            images.remove(digest)
            yield digest

    def _point(self, link: str, number: int) -> None:
        # GN-2: one rename, so that every reader sees the whole stack of before or of after.
        replace_link(self.state / link, f"generations/{number}")

    def _mark(self, number: int) -> None:
        mark = self.path(number) / "committed"
        # After a rollback it is there: a kill while it is written again would leave a file that nobody clears.
        if not mark.exists():
            write_durably(mark, b"")

    def _read(self, link: str) -> int | None:
        path = self.state / link
        try:
            target = os.readlink(path)
        except FileNotFoundError:
            return None
        except OSError as err:
            raise Damaged(path, "not a link") from err
        found = _TARGET.fullmatch(target)
        if found is None:
            raise Damaged(path, "it points at no generation")
        return int(found[1])

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.folder)
        except FileNotFoundError:
            return []


def _write_links(folder: Path, parts: Sequence[Part]) -> None:
    for brand in sorted({part.package.partition("/")[0] for part in parts}):
        (folder / brand).mkdir()
        for part in parts:
            owner, _, name = part.package.partition("/")
            if owner == brand:
                (folder / brand / name).symlink_to(f"../../../mounts/{part.sha256}")
        fsync_folder(folder / brand)


def _delete(folder: Path) -> None:
    """Delete a generation that has no number (any more), never following a link."""
    with disk_errors(folder), suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                _delete(Path(entry.path))
            else:
                os.unlink(entry.path)
        os.rmdir(folder)
