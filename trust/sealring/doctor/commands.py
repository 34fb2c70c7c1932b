"""What to type next: command lines for a renewal, with the file that it begins with where one is known."""

import re

from sealring.authentic import Authentic, Claim
from sealring.doctor.world import World
from sealring.statement import Common

UNSAFE = re.compile(r"[^a-z0-9.]+")


def file_name(said: Common, sequence: int) -> str:
    """A name for a file with this statement, such as `release-acme-tool-latest-stable-4.json`."""
    name = said.type if said.type == "root" else f"{said.type}-{UNSAFE.sub('-', said.subject.lower())}"
    return f"{name}-{sequence}.json"


def renew(world: World, found: Authentic[Common]) -> str:
    """The command that drafts the next statement of this subject."""
    said = found.statement
    return f"sealring create {said.type} --replaces {file_of(world, found)} -o {file_name(said, said.sequence + 1)}"


def file_of(world: World, found: Authentic[Common] | Claim) -> str:
    """The file that it was read from, as a shell reads it; a name for one where it came from a store or a bundle."""
    source = world.source(found)
    known = source.endswith(".json") and "://" not in source
    return quoted(source if known else file_name(found.statement, found.statement.sequence))


def quoted(text: str) -> str:
    """A file's name as a shell reads it."""
    return text if re.fullmatch(r"[A-Za-z0-9._/@:+-]+", text) else "'" + text.replace("'", "'\\''") + "'"
