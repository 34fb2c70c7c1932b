"""One fault at one system call of a served store, and proof that it struck.

A store with one thread makes all calls of a publication in that thread; only it is followed, so that the N-th call is
the same one each time. strace tells by the path behind a handle what a call was about.
"""

import contextlib
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FAULTS = ("KILL", "EIO", "ENOSPC")
_ALL, _NO_ROOM_NEEDED = FAULTS, ("KILL", "EIO")
CALLS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("openat", "write", "pwrite64", "fsync", "fdatasync", "link", "mkdir", "rename"), _ALL),
    **dict.fromkeys(("fallocate",), _ALL),
    **dict.fromkeys(("unlink", "ftruncate"), _NO_ROOM_NEEDED),
}
"""What changes a disk, and what can happen there: the kill before it, or an error of the kernel."""

START_SECONDS = 20
_CALL = re.compile(r"^(\w+)\((.*)$")
_PATH = re.compile(r'\b\d+<(/[^>]*)>|"(/[^"]*)"')


@dataclass(frozen=True, order=True)
class Point:
    """The `number`-th time that the thread makes this call, and what happens there.

    Args:
        file: count only calls about this file of the store's folder.
    """

    call: str
    number: int
    fault: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.fault} at {self.call} {self.number}{f' of {self.file}' if self.file else ''}"


@dataclass
class Strike:
    """What strace tells about a fault."""

    point: Point
    log: Path

    @property
    def place(self) -> str:
        """The file that the call was about; empty as long as the fault did not strike."""
        calls = [place for _, place in _calls(self.log)]
        return calls[self.point.number - 1] if self.came and len(calls) >= self.point.number else ""

    @property
    def came(self) -> bool:
        """Whether it struck, wherever: a number may be another call's this time, such as one that wakes a thread."""
        text = self.log.read_text(errors="replace")
        # A call that never came back: whether the process died of it, the caller sees.
        return " = ?" in text if self.point.fault == "KILL" else "(INJECTED)" in text


def workers_of(server: int) -> list[int]:
    """The processes of a server that answer: those with threads of granian's."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return [int(child) for child in children if "tokio-rt-worker" in _threads(child)]


def _threads(process: str) -> list[str]:
    found = []
    with contextlib.suppress(OSError):  # it has just ended
        for task in Path(f"/proc/{process}/task").iterdir():
            found.append((task / "comm").read_text().strip())
    return found


@contextlib.contextmanager
def traced(
    strace: Path, target: int, log: Path, *options: str, follow: bool = False, only: Path | None = None
) -> Iterator[None]:
    """While it lasts a thread (or all of a process) is followed; the log is whole at its end.

    Args:
        only: calls about this file.
    """
    command = [str(strace), "-y", *(["-f"] if follow else []), "-p", str(target), "-o", str(log)]
    for option in options:
        command += ["-e", option]
    command += ["-P", str(only)] if only is not None else []
    log.write_bytes(b"")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert "attached" in running.stderr.readline()
        try:
            yield
        finally:
            running.terminate()
            running.wait(START_SECONDS)


@contextlib.contextmanager
def thread_that_writes(strace: Path, process: int, log: Path) -> Iterator[list[int]]:
    """While it lasts a publication is made; then the list holds the thread that made it."""
    found: list[int] = []
    with traced(strace, process, log, "trace=fdatasync", follow=True):
        yield found
    ids = {int(line.split()[0]) for line in log.read_text().splitlines() if "fdatasync(" in line}
    assert len(ids) == 1, "one thread makes a publication"
    found.append(ids.pop())


def points_of(log: Path, file: str = "") -> list[Point]:
    """Every point in the log of a thread that published without a fault."""
    counts, found = Counter[str](), []
    for call, place in _calls(log):
        counts[call] += 1
        if place:
            found += [Point(call, counts[call], fault, file) for fault in CALLS[call]]
    return found


@contextlib.contextmanager
def struck(strace: Path, thread: int, log: Path, point: Point, folder: Path) -> Iterator[Strike]:
    """While it lasts the fault waits for the thread at this point.

    Args:
        folder: of the store.
    """
    fault = "signal=KILL" if point.fault == "KILL" else f"error={point.fault}"
    inject = f"inject={point.call}:{fault}:when={point.number}"
    only = folder / point.file if point.file else None
    with traced(strace, thread, log, f"trace={point.call}", inject, only=only):
        yield Strike(point, log)


def _calls(log: Path) -> Iterator[tuple[str, str]]:
    """Each call, and the file that it changes, if any."""
    for line in log.read_text(errors="replace").splitlines():
        found = _CALL.match(line)
        if found is not None and found[1] in CALLS:
            yield found[1], _place(found[1], found[2])


def _place(call: str, rest: str) -> str:
    if call == "openat" and "O_CREAT" not in rest:
        return ""
    paths = [one or two for one, two in _PATH.findall(rest.partition(" = ")[0])]
    return _named(Path(paths[0])) if paths else ""


def _named(path: Path) -> str:
    """What a file is, whatever its digest."""
    name = path.name
    if name.startswith("etilqs_"):
        return "a temporary file of SQLite"
    if "incoming" in path.parts:
        return "blobs/incoming" + ("/..." if name != "incoming" else "")
    if "blobs" in path.parts:
        return "blobs/xx" + ("/..." if len(name) == 64 else "")
    return name
