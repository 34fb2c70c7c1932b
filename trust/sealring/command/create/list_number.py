"""Options for the sequence of the revocation list that a statement names (SPEC RC-1)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from sealring.chain import WrongStatement
from sealring.command.files import EXISTING, load_claim
from sealring.statement import Revocations

F = TypeVar("F", bound=Callable[..., Any])


def list_options(command: F) -> F:
    """`--revocations` and `--revocations-list`."""
    for option in reversed(
        [
            click.option(
                "--revocations",
                type=click.IntRange(min=0),
                help="Sequence of the brand's revocation list in force; default: that of --replaces, or 0.",
            ),
            click.option(
                "--revocations-list", type=EXISTING, help="The same, taken from the list's file; better than a number."
            ),
        ]
    ):
        command = option(command)
    return command


def list_number(options: dict[str, Any], brand: str | None) -> int | None:
    """The sequence that the options give, None where they say nothing.

    Args:
        brand: whose list it must be: a delegation's own list is never the one that completes a brand's word.
    """
    number: int | None = options["revocations"]
    path: Path | None = options["revocations_list"]
    if path is None:
        return number
    if number is not None:
        raise click.UsageError("--revocations or --revocations-list, not both")
    found = load_claim(path).statement
    if not isinstance(found, Revocations):
        raise WrongStatement(str(path), found.title, "a revocations", "ST-6")
    if brand is not None and (found.authority, found.issuer) != (brand, brand):
        raise WrongStatement(str(path), f"the list of {found.subject}", f"the list of {brand} itself", "RC-1")
    return found.sequence
