"""`sealring doctor`: what ends when, who must sign, what stops, and what else a team would want to know in time."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from sealring.command.doctor_input import ModelName, Place, load_world, read_holders, shown_places
from sealring.command.doctor_output import examined_object, show_examined
from sealring.command.files import EXISTING, about, json_option, read_file
from sealring.command.output import Output
from sealring.command.outside import Outside
from sealring.doctor.calendar import calendar
from sealring.doctor.deadlines import Instants
from sealring.doctor.examine import examine
from sealring.durable import write_durably
from sealring.envelope import MAX_ENVELOPE

_LENGTH = re.compile(r"([0-9]{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}


class Length(click.ParamType[Any]):
    """A length of time, such as 30d."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A timedelta."""
        found = _LENGTH.fullmatch(value) if isinstance(value, str) else None
        if found is not None:
            return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
        return value if isinstance(value, timedelta) else self.fail(f"{value!a:.60} is not as 30d or 12h", param, ctx)


class When(click.ParamType[Any]):
    """An instant, or a length from now on."""

    name = "instant|+length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The instant, or the timedelta to it."""
        from sealring.command.files import Instant

        if isinstance(value, str) and value.startswith("+"):
            return Length().convert(value[1:], param, ctx)
        return Instant().convert(value, param, ctx)


def moment_of(when: datetime | timedelta | None, now: datetime) -> datetime:
    """The instant that is meant."""
    try:
        return when if isinstance(when, datetime) else now + (when or timedelta(0))
    except OverflowError:
        raise click.BadParameter("beyond the year 9999", param_hint="--at") from None


root_option = click.option("--root", type=EXISTING, required=True, help="The root that you trust, of any version.")
where_argument = click.argument("where", nargs=-1, required=True, type=Place(), metavar="WHERE...")


@click.command(
    **about(
        "Tell every deadline, who must sign, what stops, and what else should not stay as it is. WHERE is a folder of"
        " assertions, a bundle, a file, or a store's address. Exit 0: nothing has ended; 22: something has at that"
        " instant; 21, 23, 24 or 25: devices refuse something now; 11:"
        " nothing to look at; 1: a warning, with --strict.",
        "sealring doctor assertions/ --root root.json",
        "sealring doctor https://store.example --model acme/door-1 --root root.json --at +60d --strict",
        "sealring doctor assertions/ --root root.json --ics deadlines.ics --within 90d",
    )
)
@where_argument
@root_option
@click.option("--model", "models", type=ModelName(), multiple=True, help="A model whose view a store is asked for.")
@click.option("--at", type=When(), help="Judge as of then: an instant, or a length from now such as +180d.")
@click.option("--within", type=Length(), default="30d", show_default=True, help="Warn of what ends within this time.")
@click.option("--holders", type=EXISTING, help="Lines `KEY PERSON`: who holds which key (by name or fingerprint).")
@click.option("--ics", type=click.Path(dir_okay=False, path_type=Path), help="Write the deadlines as a calendar file.")
@click.option("--strict", is_flag=True, help="Exit 1 where there is a warning.")
@json_option
@click.pass_obj
def doctor(
    outside: Outside,
    where: tuple[Any, ...],
    root: Path,
    models: tuple[str, ...],
    at: datetime | timedelta | None,
    within: timedelta,
    holders: Path | None,
    ics: Path | None,
    strict: bool,
    as_json: bool,
) -> int:
    """One look."""
    check_models(where, models)
    now = outside.clock()
    instants = Instants(moment_of(at, now), within, now)
    named = read_holders(holders)
    world, material = load_world(where, read_file(root, MAX_ENVELOPE), models)
    found = examine(world, material.all_stores(world), instants, named, models)
    if ics is not None:
        write_durably(ics, calendar(found.deadlines, world.chain.root_id, now))
    code = found.exit_code(strict)
    output = Output(outside)
    if as_json:
        output.object(examined_object(found, world, instants, material.notes, code))
        return code
    for note in material.notes:
        output.note(f"sealring: note: {note}")
    show_examined(output, outside, found, world, instants, shown_places(where))
    return code


def check_models(where: Sequence[Any], models: Sequence[str], brands: Sequence[str] = ()) -> None:
    """A store answers by name only: who names nothing would be told nothing, and take it for health."""
    if any(isinstance(place, str) for place in where) and not models and not brands:
        raise click.UsageError("a store's address needs --model BRAND/NAME: what its devices see is looked at")
