"""Where a passphrase comes from: a prompt, a file or a descriptor, and nowhere else (SPEC KY-6).

Never an argument, which every user of the machine sees in the process list, nor the environment, which
children inherit and crash reports carry.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import click

from sealring.command.files import EXISTING
from sealring.command.outside import Outside
from sealring.errors import SealringError
from sealring.keyfile import OpenKey, load_key_file, open_key

MAX_PASSPHRASE = 1024  # bytes
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(eq=False)
class NoPassphrase(SealringError):
    """No usable passphrase could be had (SPEC KY-6)."""

    reason: str
    rule: ClassVar[str] = "KY-6"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return f"no passphrase: {self.reason}"

    def hint(self) -> str:
        return "run it on a terminal, or give --passphrase-file FILE or --passphrase-fd N"


def passphrase_options(command: F) -> F:
    """The two options of every command that opens a key."""
    by_file = click.option("--passphrase-file", type=EXISTING, help="Read the passphrase from this file (one line).")
    by_fd = click.option(
        "--passphrase-fd", type=click.IntRange(0, 2**31 - 1), help="Read it from this open descriptor."
    )
    return by_file(by_fd(command))


def get_passphrase(
    outside: Outside, name: str, file: Path | None, descriptor: int | None, *, confirm: bool = False
) -> bytes:
    """The passphrase of key `name`; asked for on the terminal where neither file nor descriptor is given.

    Raises:
        NoPassphrase, OSError.
    """
    if file is not None and descriptor is not None:
        raise click.UsageError("give --passphrase-file or --passphrase-fd, not both")
    if file is not None:
        with open(file, "rb") as stream:
            return _one_line(stream.read(MAX_PASSPHRASE + 2))
    if descriptor is not None:
        return _one_line(_read_descriptor(descriptor))
    if not outside.interactive:
        raise NoPassphrase("nobody can be asked here")
    asked: str = click.prompt(
        f"passphrase of {name}", hide_input=True, confirmation_prompt=confirm, err=True, show_default=False
    )
    return _one_line(asked.encode())


def unlock(outside: Outside, path: Path, file: Path | None, descriptor: int | None) -> OpenKey:
    """The private key in a key file; use it in a `with` block."""
    found = load_key_file(path)
    return open_key(found, get_passphrase(outside, found.name, file, descriptor))


def _read_descriptor(descriptor: int) -> bytes:
    try:
        raw = b""
        while len(raw) <= MAX_PASSPHRASE and (part := os.read(descriptor, MAX_PASSPHRASE + 2)):
            raw += part
        return raw
    except OSError as err:
        raise NoPassphrase(f"descriptor {descriptor}: {err.strerror}") from None


def _one_line(raw: bytes) -> bytes:
    # Editors end a file with a newline that nobody typed; nothing else is taken away.
    line = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not line or b"\n" in line or len(line) > MAX_PASSPHRASE:
        raise NoPassphrase(f"one line of 1 to {MAX_PASSPHRASE} bytes needed")
    return line
