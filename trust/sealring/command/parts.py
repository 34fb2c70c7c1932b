"""Options that hold more than one thing, read into the parts of a statement; the strict parser judges the draft."""

import shlex
from pathlib import Path
from typing import Any, Literal, cast

import click
from msgspec import UNSET

from sealring.command.files import measure
from sealring.statement.authorities import Kind
from sealring.statement.fleet import TufPin, Wanted
from sealring.statement.software import Health, Image, Requirement, Target


def wanted_package(text: str) -> Wanted:
    """`PACKAGE=CHANNEL[:KIND[:optional]]`."""
    package, _, rest = text.partition("=")
    channel, *more = rest.split(":")
    kind = more[0] if more else "app"
    presence = more[1] if len(more) > 1 else "required"
    if not channel or len(more) > 2:
        raise click.UsageError(f"--package wants PACKAGE=CHANNEL[:KIND[:optional]], {text!a:.80} found")
    # The strict parser judges the draft, so that a wrong word is refused by the same rule as on a device.
    return Wanted(package, channel, cast(Kind, kind), cast(Literal["required", "optional"], presence))


def requirement(text: str) -> Requirement:
    """`PACKAGE=REVISION`."""
    package, _, number = text.partition("=")
    return Requirement(package, _number(number, f"--requires {text}"))


def release_target(text: str, old: dict[str, Target]) -> Target:
    """`ARCH=REVISION[:MINIMUM[:PREVIOUS]]`; what is not given comes from the release before."""
    architecture, _, rest = text.partition("=")
    numbers = [_number(part, f"--revision {text}") for part in rest.split(":")]
    if len(numbers) > 3:
        raise click.UsageError(f"--revision wants ARCH=REVISION[:MINIMUM[:PREVIOUS]], {text!a:.80} found")
    before = old.get(architecture)
    minimum = numbers[1] if len(numbers) > 1 else before.minimum if before else 1
    if len(numbers) > 2:
        return Target(architecture, numbers[0], minimum, numbers[2])
    # The unchosen of a rollout, and the way back, take what was released before.
    changed = before is not None and before.revision != numbers[0]
    previous = before.revision if changed and before else before.previous if before else UNSET
    return Target(architecture, numbers[0], minimum, previous)


def _number(text: str, where: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise click.UsageError(f"{where:.80}: {text!a:.20} is no number")
    return int(text)


def image_of(path: Path | None, content: str | None) -> Image | None:
    """The digest and size of an image, and whether it is a squashfs."""
    if path is None:
        return None
    with open(path, "rb") as file:
        seen = "squashfs" if file.read(4) == b"hsqs" else "raw"
    digest, size = measure(path)
    return Image(digest, size, cast(Literal["squashfs", "raw"], content or seen))


def health_of(options: dict[str, Any]) -> Health | None:
    """The health check of a revision's options."""
    if options["health"] is None:
        return None
    try:
        command = shlex.split(options["health"])
    except ValueError as err:
        raise click.UsageError(f"--health: {err}".lower()) from None
    return Health(command, options["health_timeout"], options["health_soak"])


def tuf_pin(path: Path | None) -> TufPin | None:
    """What a store statement says of the TUF root in this file."""
    if path is None:
        return None
    from sealring.command.tuf_files import load_tuf_root

    version = load_tuf_root(path).version  # first, since it reads a bounded part only
    return TufPin(version, measure(path)[0])
