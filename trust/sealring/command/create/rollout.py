"""The rollout plan of a release: which share of the devices takes it, from when, and what stops it."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from sealring.command.create.values import Duration, Percent
from sealring.command.draft import Base
from sealring.command.files import Instant
from sealring.statement import Release
from sealring.statement.software import Rollout

DAY = 24 * 3600  # seconds
ALL = 10_000  # hundredths of a percent
_NAMES = ("share", "group", "start", "error_threshold", "silence", "halt", "seed")
F = TypeVar("F", bound=Callable[..., Any])


def rollout_options(command: F) -> F:
    """`--rollout-share` and what goes with it."""
    for option in reversed(
        [
            click.option(
                "--rollout-share", type=Percent(), help="Of the devices, such as 5%; begins or widens a plan."
            ),
            click.option(
                "--rollout-group", multiple=True, help="Devices of this group are in at any share; replaces the list."
            ),
            click.option("--rollout-start", type=Instant(), help="Not before; default: the draft's issue."),
            click.option("--rollout-error-threshold", type=Percent(), help="Failures that stop it; default 5%."),
            click.option("--rollout-silence", type=Duration(), help="Silence that counts as failure; default 1d."),
            click.option("--rollout-halt", type=Duration(), help="The longest that a store may halt it; default 7d."),
            click.option(
                "--rollout-seed",
                metavar="HEX|new",
                help="Chooses the devices; default: that of --replaces, so that widening keeps them, or a random one.",
            ),
        ]
    ):
        command = option(command)
    return command


def is_partial(release: Release | None) -> bool:
    """Whether a plan keeps this release from some devices, which then run what was released before it."""
    return release is not None and isinstance(release.rollout, Rollout) and release.rollout.share < ALL


def rollout_of(
    options: dict[str, Any], base: Base, old: Release | None, *, moved: bool, now: datetime
) -> Rollout | None:
    """The plan that the options say, None where they say nothing.

    Args:
        moved: whether other revisions are released than before, or to another channel.
        now: the start of a plan that names none.
    """
    given = {name: options[f"rollout_{name}"] for name in _NAMES if options[f"rollout_{name}"] not in (None, ())}
    before = old.rollout if old is not None and isinstance(old.rollout, Rollout) else None
    if "rollout" in base.left_out:
        if given:
            raise click.UsageError("--no-rollout ends the plan: give no other --rollout option with it")
        return None
    # What half of the fleet runs says nothing about a build that nobody runs yet.
    if before is not None and moved and "share" not in given:
        raise click.UsageError(
            f"--replaces has a rollout plan at {before.share / 100:g} %, and what it releases changes: give"
            " --rollout-share or --no-rollout"
        )
    if not given:
        return None
    if before is None and "share" not in given:
        raise click.UsageError("give --rollout-share too: --replaces has no rollout plan")
    return _plan(given, before, now.replace(microsecond=0), moved)


def _plan(given: dict[str, Any], before: Rollout | None, now: datetime, moved: bool) -> Rollout:
    seed = given.pop("seed", None)
    if "group" in given:
        given["groups"] = sorted(set(given.pop("group")))
    if before is None:
        fresh: dict[str, Any] = {"groups": [], "start": now, "error_threshold": 500, "silence": DAY, "halt": 7 * DAY}
        # Random, or whoever knows the plans beforehand could place a device where it is always among the first.
        before = Rollout(seed=secrets.token_hex(32), share=0, **fresh)
    elif moved:
        before = replace(before, start=now)
    # The seed stays also for the next revision while a plan is open: the devices that took part go on taking part.
    if seed is not None:
        before = replace(before, seed=secrets.token_hex(32) if seed == "new" else seed)
    return replace(before, **given)
