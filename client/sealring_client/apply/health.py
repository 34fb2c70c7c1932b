"""A health check: a program from the image runs for a bounded time as a user of its own; its exit code is the answer.

The program belongs to the publisher, who may be hostile or just wrong: it gets no rights, a bounded
amount of everything, and nothing of it is left when the check ends (SPEC HC-1, HC-2, HC-3).
"""

import os
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring.errors import TrustError
from sealring_client.disk import disk_errors

TAIL = 64 * 1024  # bytes of output that are kept
MEMORY = 1024 * 1024 * 1024  # bytes of address space for each process
FILE_SIZE = 16 * 1024 * 1024  # bytes of any file that it may write
PROCESSES = 512  # of the user, threads included
_KILL_SECONDS = 5.0  # for killed processes to be gone

# Users and groups that no account has (the range that systemd gives to dynamic users), by number. Not `nobody`: other
# services run as that one, could be sent signals by the check, and their processes would count against its limit.
FIRST_USER, USERS = 61_184, 4_336

_CHILD = Path(__file__).with_name("health_child.py")


@dataclass(frozen=True)
class Healthy:
    """The check ended with 0 within its time; `output` is the tail of what it said."""

    seconds: float
    output: bytes


@dataclass(eq=False)
class Unhealthy(TrustError):
    """The base of the three ways to fail."""

    package: str
    command: tuple[str, ...]
    exit_code: ClassVar[int] = 27
    rule: ClassVar[str] = "HC-1"

    def hint(self) -> str:
        return "the device goes back to its last good generation; tell the publisher of this package"


@dataclass(eq=False)
class CheckFailed(Unhealthy):
    """It ended by itself, but not with 0 (SPEC HC-1)."""

    code: int
    output: bytes

    def __str__(self) -> str:
        return f"{self.package}: health check ended with {self.code}, 0 needed{_last_line(self.output)}"


@dataclass(eq=False)
class CheckTimedOut(Unhealthy):
    """It was still running when its time was up, and was killed with all it had started (SPEC HC-1)."""

    timeout_seconds: float
    output: bytes

    def __str__(self) -> str:
        return f"{self.package}: health check not ended after {self.timeout_seconds:g} seconds{_last_line(self.output)}"


@dataclass(eq=False)
class OutsideImage(Unhealthy):
    """The program is not an executable file inside the image (SPEC HC-3)."""

    reason: str
    rule: ClassVar[str] = "HC-3"

    def __str__(self) -> str:
        return f"{self.package}: health check `{self.command[0] if self.command else ''}`: {self.reason}"


def run_check(mount: Path, command: Sequence[str], timeout_seconds: float, *, package: str) -> Healthy:
    """Run one check to its end, or kill it and everything that it started.

    As root it runs as a user of its own and in a process namespace of its own. Else it runs as the same user, and
    only what stays in its process group is killed.

    Args:
        mount: where the image is mounted; every folder above it has to let other users pass.
        command: program, relative to the image's top, and its arguments, from the signed revision.
        timeout_seconds: from the signed revision, above 0.
        package: `brand/name`, given to the program as SEALRING_PACKAGE.

    Raises:
        Unhealthy: OutsideImage, CheckFailed or CheckTimedOut.
        DiskError: no process could be started.
    """
    words, top = tuple(command), mount.resolve()
    program = _program(top, words, package)
    started = time.monotonic()
    with disk_errors(program):
        child = _start(top, program, words, package)
    with child:
        ended, output = _watch(child, started + timeout_seconds)
    if not ended:
        raise CheckTimedOut(package, words, timeout_seconds, output)
    if child.returncode != 0:
        raise CheckFailed(package, words, child.returncode, output)
    return Healthy(time.monotonic() - started, output)


def _program(top: Path, command: tuple[str, ...], package: str) -> Path:
    """The program's real path. HC-3: a link or `..` could name any program of the device, with its own say."""
    named = command[0] if command else ""
    if not named or named.startswith("/") or ".." in named.split("/") or any("\0" in word for word in command):
        raise OutsideImage(package, command, "not a path below the image's top")
    try:
        found = (top / named).resolve(strict=True)
        mode = found.stat().st_mode
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        raise OutsideImage(package, command, "not in the image") from None
    if not found.is_relative_to(top):
        raise OutsideImage(package, command, "it leads out of the image")
    if not stat.S_ISREG(mode) or not mode & 0o111:
        raise OutsideImage(package, command, "not an executable file")
    return found


def _start(top: Path, program: Path, command: tuple[str, ...], package: str) -> subprocess.Popen[bytes]:
    """HC-2: of the device's own environment nothing reaches the program."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "SEALRING_PACKAGE": package,
    }
    user = FIRST_USER + os.getpid() % USERS
    numbers = [str(number) for number in (os.getpid(), user, user, MEMORY, FILE_SIZE, PROCESSES)]
    return subprocess.Popen(
        # By its way from the image's top, where it starts: the folders above need not let its user pass.
        [sys.executable, "-I", "-S", str(_CHILD), *numbers, "--", f"./{program.relative_to(top)}", *command[1:]],
        cwd=top,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        umask=0o077,
    )


def _watch(child: subprocess.Popen[bytes], deadline: float) -> tuple[bool, bytes]:
    """Keep the tail of the output until the child or its time ends, then kill what is left of it."""
    assert child.stdout is not None
    pipe, tail, ended = child.stdout.fileno(), bytearray(), False
    os.set_blocking(pipe, False)
    process = os.pidfd_open(child.pid)
    try:
        poll = select.poll()
        poll.register(process, select.POLLIN)
        poll.register(pipe, select.POLLIN)
        while not ended and (left := deadline - time.monotonic()) > 0:
            ready = {number for number, _ in poll.poll(left * 1000)}
            ended = process in ready
            if pipe in ready and not _read(pipe, tail):
                poll.unregister(pipe)  # closed by the program, which may run on
    finally:
        os.kill(child.pid, signal.SIGTERM)  # asks health_child to end the namespace and to wait until all are gone
        select.select([process], [], [], _KILL_SECONDS)
        os.close(process)
        # Before `wait`: until then its number, and so its group's, can't have been given to another.
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    for _ in range(16):  # what the pipe holds at the end, at most 1 MiB, whoever still writes to it
        if not _read(pipe, tail):
            break
    return ended, bytes(tail)


def _read(pipe: int, tail: bytearray) -> bool:
    """Move what is there to the tail; False where there is nothing, or nothing any more."""
    try:
        piece = os.read(pipe, TAIL)
    except BlockingIOError:
        return False
    tail += piece
    del tail[:-TAIL]
    return bool(piece)


def _last_line(output: bytes) -> str:
    """The last line that it said, for a person: printable ASCII only, so that no output moves a terminal."""
    lines = output.decode("ascii", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    shown = "".join(c if " " <= c <= "~" else "?" for c in last)[:200]
    return f"; it said: {shown}" if shown else ""
