"""One fault at one system call of a command, and proof of where it struck.

strace counts the calls of each process by itself, so only the command's own process is followed: the N-th call is
then the same one each time. Tools that it starts (`mount`, `umount`) are followed for the calls that only they make.
"""

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# What the kernel can return from each call, beside the kill that can come before any.
FAULTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("openat", "write", "pwrite64", "fsync", "fdatasync"), ("KILL", "ENOSPC", "EIO")),
    **dict.fromkeys(("rename", "renameat", "renameat2", "link", "linkat"), ("KILL", "ENOSPC", "EIO")),
    **dict.fromkeys(("mkdir", "mkdirat", "symlink", "symlinkat", "fallocate"), ("KILL", "ENOSPC", "EIO")),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir", "fchmod", "ftruncate"), ("KILL", "EIO")),
    "ioctl": ("KILL", "ENOSPC", "EIO"),
    # They change nothing by themselves: moments at which another process is at work.
    **dict.fromkeys(("vfork", "clone", "clone3", "pidfd_open", "pselect6", "select", "wait4"), ("KILL",)),
}
MOMENTS = ("vfork", "clone", "clone3", "pidfd_open", "pselect6", "select", "wait4")
IN_TOOL = "in the tool"
TOOL_FAULTS: dict[str, tuple[str, ...]] = {"mount": ("KILL", "EIO"), "umount2": ("KILL", "EIO", "EBUSY")}

_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")
_NAMES = re.compile(r'(?:AT_FDCWD|\d+)<([^>]*)>|"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, order=True)
class Point:
    """The `number`-th time that the command makes this call, which was about `place`, and what happens there."""

    call: str
    number: int
    place: str
    fault: str

    def __str__(self) -> str:
        return f"{self.fault} at {self.call} {self.number} ({self.place})"


@dataclass(frozen=True)
class Ran:
    """How an interrupted command ended: its exit code, or the negative number of its signal."""

    code: int
    said: str


class NotStruck(Exception):
    """The fault did not come, or elsewhere than it should: the run proves nothing."""


def points_of(strace: Path, argv: Sequence[str], state: Path, log: Path) -> list[Point]:
    """Every point of a command that goes well, in the order of calls and faults."""
    ran = _run(strace, argv, log, [f"trace={','.join(FAULTS)}"])
    if ran.code != 0:
        raise NotStruck(f"without a fault the command ended with {ran.code}: {ran.said}")
    return [
        Point(call, number, place, fault)
        for call, number, place in _calls(log, state)
        if place is not None
        for fault in FAULTS[call]
    ]


def strike(strace: Path, argv: Sequence[str], state: Path, log: Path, point: Point) -> Ran:
    """Run the command with the fault.

    Raises:
        NotStruck: the log does not show it at this very call.
    """
    fault = "signal=KILL" if point.fault == "KILL" else f"error={point.fault}"
    when = "" if point.place == IN_TOOL else f":when={point.number}"
    options = [f"trace={point.call}", f"inject={point.call}:{fault}{when}"]
    ran = _run(strace, argv, log, options, follow=point.place == IN_TOOL)
    text = log.read_text(errors="replace")
    if point.place == IN_TOOL:
        struck = ("killed by SIGKILL" if point.fault == "KILL" else f"{point.fault} ") in text
    else:
        places = [(number, place) for _, number, place in _calls(log, state)]
        struck = (point.number, point.place) in places
        if point.fault == "KILL":
            struck = struck and places[-1][0] == point.number and ran.code == -signal.SIGKILL
        else:
            struck = struck and text.count("(INJECTED)") == 1
    if not struck:
        raise NotStruck(f"{point}: exit {ran.code}, {ran.said}\n{text[-500:]}")
    return ran


def _run(strace: Path, argv: Sequence[str], log: Path, options: Sequence[str], *, follow: bool = False) -> Ran:
    command = [str(strace), "-q", "-y", *(["-f"] if follow else []), "-o", str(log)]
    for option in options:
        command += ["-e", option]
    done = subprocess.run([*command, *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
    return Ran(done.returncode, done.stderr)


def _calls(log: Path, state: Path) -> Iterator[tuple[str, int, str | None]]:
    """Each call with its number among its like, and what it is about where it changes something."""
    counts = Counter[str]()
    for line in log.read_text(errors="replace").splitlines():
        found = _CALL.match(line)
        if found is None:
            continue
        counts[found[1]] += 1
        yield found[1], counts[found[1]], _place(found[1], found[2], state)


def _place(call: str, rest: str, state: Path) -> str | None:
    if call in MOMENTS:
        return "a process"
    if call == "ioctl":
        loop = re.search(r"LOOP_\w+", rest)
        return loop[0] if loop else None
    if call == "openat" and "O_CREAT" not in rest:
        return None
    path = ""
    for folder, name in _NAMES.findall(rest):
        path = os.path.normpath(os.path.join(path, name)) if name else folder
        if call in ("write", "pwrite64", "fsync", "fdatasync", "fchmod", "ftruncate", "fallocate"):
            break
    return os.path.relpath(path, state) if Path(path).is_relative_to(state) and path else None
