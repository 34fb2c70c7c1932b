"""A passphrase from a program: a password store, a keyring, a script of the team's own (SPEC KY-6).

The program is told the key's name as its last argument and answers with one line on its standard output. It is
run without a shell, so that no name and no blank can become a command, and its line goes nowhere but here.
"""

import os
import selectors
import shlex
import subprocess
import time

from sealring.keyfile import wipe

SECONDS = 60.0  # long enough for a person at a pinentry


class CommandFailed(Exception):
    """The program gave no line; the text says why and never holds what it printed."""


def ask_command(line: str, name: str, *, limit: int, seconds: float = SECONDS) -> bytearray:
    """What the program prints when it is run for the key `name`, for the caller to wipe.

    Args:
        line: program and arguments, split as a shell would and given to none.
        name: appended as the last argument.
        limit: bytes; one that prints more is stopped.
        seconds: for its whole life; one that takes longer is stopped.

    Raises:
        CommandFailed.
    """
    arguments = _split(line)
    try:
        program = subprocess.Popen([*arguments, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    except OSError as err:
        raise CommandFailed(f"{arguments[0]}: {(err.strerror or str(err)).lower()}") from None
    deadline = time.monotonic() + seconds
    said = bytearray()
    with program:
        try:
            said = _read(program, deadline, limit)
            code = program.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            wipe(said)
            raise CommandFailed(f"{arguments[0]} took more than {seconds:.0f} s") from None
        finally:
            program.kill()  # does nothing to one that has ended
    if code != 0:
        wipe(said)
        raise CommandFailed(f"{arguments[0]} ended with {code}")
    return said


def _split(line: str) -> list[str]:
    try:
        arguments = shlex.split(line)
    except ValueError as err:
        raise CommandFailed(str(err).lower()) from None
    if not arguments:
        raise CommandFailed("no program given")
    return arguments


def _read(program: subprocess.Popen[bytes], deadline: float, limit: int) -> bytearray:
    """Until the program closes its output: its own children may hold it open, so the end is waited for in time only."""
    assert program.stdout is not None
    out = program.stdout.fileno()
    room = bytearray(limit + 1)
    view, size = memoryview(room), 0
    with selectors.DefaultSelector() as ready:
        ready.register(out, selectors.EVENT_READ)
        while size <= limit:
            if not ready.select(max(deadline - time.monotonic(), 0.0)):
                view.release()
                wipe(room)
                raise subprocess.TimeoutExpired(program.args, 0)
            count = os.readv(out, [view[size:]])
            if not count:
                break
            size += count
    said = bytearray(view[:size])
    view.release()
    wipe(room)
    if size > limit:
        program.kill()
    return said
