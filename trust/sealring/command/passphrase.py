"""Where a secret comes from: a prompt, a file, a descriptor or a command, and nowhere else (SPEC KY-6).

Never an argument, which every user of the machine sees in the process list, nor the environment, which
children inherit and crash reports carry.
"""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import click

from sealring.command.files import EXISTING
from sealring.command.outside import Outside
from sealring.command.passphrase_command import CommandFailed, ask_command
from sealring.errors import SealringError
from sealring.keyfile import wipe

MAX_PASSPHRASE = 1024  # bytes


@dataclass(eq=False)
class NoPassphrase(SealringError):
    """No usable passphrase could be had (SPEC KY-6)."""

    reason: str
    what: str = "passphrase"
    rule: ClassVar[str] = "KY-6"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return f"no {self.what}: {self.reason}"

    def hint(self) -> str:
        option = "--new-passphrase" if self.what.startswith("new") else "--passphrase"
        return f"run it on a terminal, or give {option}-file FILE, {option}-fd N or {option}-command CMD"


@dataclass(frozen=True)
class Secrets:
    """Where the person said that a secret is; at most one of them, and with none the terminal is asked."""

    file: Path | None = None
    descriptor: int | None = None
    command: str | None = None
    prefix: str = ""
    """What stands before `passphrase` in the options' names, for messages."""

    @property
    def is_given(self) -> bool:
        """Whether a place was named."""
        return (self.file, self.descriptor, self.command) != (None, None, None)

    def check(self) -> None:
        """Raise click's usage error where two places were given."""
        if sum(place is not None for place in (self.file, self.descriptor, self.command)) > 1:
            one = f"--{self.prefix}passphrase"
            raise click.UsageError(f"give one of {one}-file, {one}-fd and {one}-command")


def passphrase_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that opens a key; the command gets them as one argument, `secrets`."""
    return secret_options("", "secrets", "passphrase (a token's PIN)")(command)


def secret_options(prefix: str, argument: str, noun: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Three options `--{prefix}passphrase-…`, handed to the command as one `Secrets` named `argument`."""
    file, fd, line = (f"{prefix}passphrase_{end}".replace("-", "_") for end in ("file", "fd", "command"))
    named = f"--{prefix}passphrase"

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(f"{named}-file", type=EXISTING, help=f"Read the {noun} from this file (one line).")
        @click.option(f"{named}-fd", type=click.IntRange(0, 2**31 - 1), help="Read it from this open descriptor.")
        @click.option(
            f"{named}-command", metavar="CMD", help="Run this, with the key's name as last argument, and read its line."
        )
        @functools.wraps(command)
        def with_secrets(*args: Any, **given: Any) -> Any:
            secrets = Secrets(given.pop(file), given.pop(fd), given.pop(line), prefix)
            secrets.check()
            return command(*args, **given, **{argument: secrets})

        return with_secrets

    return decorate


def get_passphrase(
    outside: Outside, secrets: Secrets, name: str, *, what: str = "passphrase", confirm: bool = False
) -> bytearray:
    """The secret of key `name`, for the caller to wipe; asked for on the terminal where no other place was given.

    What was typed passed through text of Python's, which can't be wiped; from the other places it did not.

    Args:
        what: the noun, `passphrase` or `PIN`.
        confirm: ask twice, for a new one.

    Raises:
        NoPassphrase, OSError.
    """
    if secrets.file is not None:
        with open(secrets.file, "rb", buffering=0) as stream:
            return _one_line(_read(stream.fileno()), what)
    if secrets.descriptor is not None:
        try:
            return _one_line(_read(secrets.descriptor), what)
        except OSError as err:
            raise NoPassphrase(f"descriptor {secrets.descriptor}: {err.strerror}", what) from None
    if secrets.command is not None:
        try:
            return _one_line(ask_command(secrets.command, name, limit=MAX_PASSPHRASE + 2), what)
        except CommandFailed as err:
            raise NoPassphrase(f"--{secrets.prefix}passphrase-command: {err}", what) from None
    if not outside.interactive:
        raise NoPassphrase("nobody can be asked here", what)
    asked: str = click.prompt(
        f"{what} of {name}", hide_input=True, confirmation_prompt=confirm, err=True, show_default=False
    )
    return _one_line(bytearray(asked.encode()), what)


def _read(descriptor: int) -> bytearray:
    """At most one byte more than the longest that is taken, with the largest line ending."""
    room = bytearray(MAX_PASSPHRASE + 3)
    view, size = memoryview(room), 0
    while size < len(room) and (count := os.readv(descriptor, [view[size:]])):
        size += count
    found = bytearray(view[:size])
    view.release()
    wipe(room)
    return found


def _one_line(raw: bytearray, what: str) -> bytearray:
    # Editors end a file with a newline that nobody typed; nothing else is taken away.
    end = len(raw) - raw.endswith(b"\n")
    end -= raw.endswith(b"\r", 0, end)
    line = raw[:end]
    wipe(raw)
    if not line or b"\n" in line or len(line) > MAX_PASSPHRASE:
        wipe(line)
        raise NoPassphrase(f"one line of 1 to {MAX_PASSPHRASE} bytes needed", what)
    return line
