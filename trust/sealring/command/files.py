"""Reading what the person named, bounded, and telling what it is."""

import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, TypedDict

import click

from sealring.chain import Claim, read_claim
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import SealringError

MAX_FILE = 64 * 1024 * 1024 + 1024  # bytes; a bundle without images is the largest thing that is read whole


@dataclass(eq=False)
class CantRead(SealringError):
    """A file that was named, and can't be read as one."""

    path: Path
    reason: str
    advice: str
    exit_code: ClassVar[int] = 12

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"

    def hint(self) -> str:
        return self.advice


class Existing(click.ParamType[Any]):
    """A plain file. A pipe that nobody writes to, or a device without an end, would hold the command for ever."""

    name = "file"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> Any:
        """Its path."""
        path = Path(value)
        try:
            mode = path.stat().st_mode
        except OSError as err:
            raise CantRead(path, (err.strerror or str(err)).lower(), "check the path and its permissions") from None
        if stat.S_ISDIR(mode):
            raise CantRead(path, "is a directory", "give the path of a file in it")
        if not stat.S_ISREG(mode):
            raise CantRead(
                path, "is no plain file", "put it into a file first; a passphrase can come by --passphrase-fd"
            )
        return path


EXISTING = Existing()
NEW = click.Path(dir_okay=False, path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="One object on stdout; an error is one on stderr.")


def read_file(path: Path, limit: int = MAX_FILE) -> bytes:
    """At most `limit` + 1 bytes of a file: one more than any parser takes, so that it says "too large" itself."""
    with open(path, "rb") as file:
        return file.read(limit + 1)


def load_claim(path: Path) -> Claim:
    """What the assertion in this file claims to be, unverified."""
    return read_claim(read_file(path, MAX_ENVELOPE))


def measure(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size of a file of any size, read piece by piece."""
    digest, size = sha256(), 0
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


class About(TypedDict):
    """The two help texts that click takes."""

    help: str
    short_help: str


def about(what: str, *lines: str) -> About:
    """A command's help for click: examples first, then what it does; its first sentence in the list of commands."""
    # \b keeps click from re-wrapping the block.
    text = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
    return {"help": f"{text}\n\n{what}", "short_help": what.partition(". ")[0].removesuffix(".")}


class Instant(click.ParamType[Any]):
    """An instant in its one spelling, such as 2026-03-01T12:00:00Z."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The instant, aware, UTC."""
        from sealring.names import instant

        if not isinstance(value, str):
            return value
        try:
            return instant(value)
        except ValueError:
            self.fail(f"{value!a:.60} is not spelt as 2026-03-01T12:00:00Z", param, ctx)
