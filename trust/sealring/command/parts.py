"""Options that hold more than one thing, read into the parts of a statement; the strict parser judges the draft."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

import click
from msgspec import UNSET

from sealring.command.files import measure
from sealring.statement import RevisionStatement
from sealring.statement.authorities import Kind
from sealring.statement.fleet import TufPin, Wanted
from sealring.statement.software import Health, Image, Requirement, StackPart, Target


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


def stack_part(text: str) -> StackPart:
    """`PACKAGE/ARCHITECTURE=REVISION`."""
    where, _, number = text.partition("=")
    package, slash, architecture = where.rpartition("/")
    if not slash or "/" not in package:
        raise click.UsageError(f"--part wants PACKAGE/ARCHITECTURE=REVISION, {text!a:.80} found")
    return StackPart(package, architecture, _number(number, f"--part {text}"))


def named_texts(texts: Sequence[str]) -> dict[str, str] | None:
    """`NAME=TEXT`, each name once, in ascending order."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name in found:
            raise click.UsageError(f"--x wants NAME=TEXT, each NAME once, {text!a:.80} found")
        found[name] = value
    return {name: found[name] for name in sorted(found)} or None


def release_target(text: str, old: dict[str, Target], *, is_partial: bool = False) -> Target:
    """`ARCH=REVISION[:MINIMUM[:PREVIOUS]]`; what is not given comes from the release before.

    Args:
        is_partial: whether a rollout plan keeps the release before from some devices.
    """
    architecture, _, rest = text.partition("=")
    numbers = [_number(part, f"--revision {text}") for part in rest.split(":")]
    if len(numbers) > 3:
        raise click.UsageError(f"--revision wants ARCH=REVISION[:MINIMUM[:PREVIOUS]], {text!a:.80} found")
    before = old.get(architecture)
    minimum = numbers[1] if len(numbers) > 1 else before.minimum if before else 1
    if len(numbers) > 2:
        return Target(architecture, numbers[0], minimum, numbers[2])
    # The unchosen of a rollout, and the way back, take what was released before.
    if before is None:
        return Target(architecture, numbers[0], minimum)
    # While a plan is open they still run what came before it: what only a share has tried is no way back for all.
    stays = is_partial or before.revision == numbers[0]
    previous = before.previous if stays else before.revision
    return Target(architecture, numbers[0], minimum, previous)


def _number(text: str, where: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise click.UsageError(f"{where:.80}: {text!a:.20} is no number")
    return int(text)


def image_of(options: dict[str, Any], old: RevisionStatement | None) -> Image | None:
    """The digest and size of an image, and whether it is a squashfs; without --image, that of before."""
    path, content, verity = options["image"], options["content"], options["verity"]
    if path is not None:
        with open(path, "rb") as file:
            seen = "squashfs" if file.read(4) == b"hsqs" else "raw"
        digest, size = measure(path)
        return Image(
            digest, size, cast(Literal["squashfs", "raw"], content or seen), UNSET if verity is None else verity
        )
    if content is None and verity is None:
        return None
    if old is None:
        raise click.UsageError("--content and --verity speak of an image: give --image")
    image = old.image
    return Image(image.sha256, image.size, content or image.content, image.verity if verity is None else verity)


def health_of(options: dict[str, Any], old: RevisionStatement | None) -> Health | None:
    """The health check of a revision's options; what is not given comes from the one of before."""
    text, timeout, soak = (options[name] for name in ("health", "health_timeout", "health_soak"))
    if text is None and timeout is None and soak is None:
        return None
    before = old.health if old is not None and isinstance(old.health, Health) else None
    if text is None and before is None:
        raise click.UsageError("--health-timeout and --health-soak go with --health")
    try:
        command = shlex.split(text) if text is not None else before.command if before else []
    except ValueError as err:
        raise click.UsageError(f"--health: {err}".lower()) from None
    base = before or Health(command, 60, 0)
    return Health(command, base.timeout if timeout is None else timeout, base.soak if soak is None else soak)


def tuf_pin(path: Path | None) -> TufPin | None:
    """What a store statement says of the TUF root in this file."""
    if path is None:
        return None
    from sealring.command.tuf_files import load_tuf_root

    version = load_tuf_root(path).version  # first, since it reads a bounded part only
    return TufPin(version, measure(path)[0])
