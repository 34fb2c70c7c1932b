"""Reading what the person named, bounded, and telling what it is."""

from hashlib import sha256
from pathlib import Path
from typing import Any, TypedDict

import click

from sealring.chain import Claim, read_claim
from sealring.envelope import MAX_ENVELOPE

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW = click.Path(dir_okay=False, path_type=Path)
MAX_FILE = 64 * 1024 * 1024 + 1024  # bytes; a bundle without images is the largest thing that is read whole


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
    return {"help": f"{text}\n\n{what}", "short_help": what.partition(". ")[0].removesuffix(".") + "."}


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
