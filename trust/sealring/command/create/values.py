"""Kinds of values that options of `create` take."""

import re
from typing import Any

import click

KINDS = ["app", "base", "boot", "kernel", "os"]
COUNT = click.IntRange(min=1)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 24 * 3600}


class Duration(click.ParamType[Any]):
    """A length of time as seconds or with a unit, such as 90, 30m, 6h or 7d; the strict parser bounds it."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Seconds."""
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"([0-9]{1,10})([smhd]?)", value)
        if found is None:
            self.fail(f"{value!a:.40} is no length of time such as 90, 30m, 6h or 7d", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


class Percent(click.ParamType[Any]):
    """A share such as 5% or 0.25%, kept in hundredths of a percent."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Hundredths of a percent, 0 to 10,000."""
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?%", value)
        if found is None:
            self.fail(f"{value!a:.40} is no share such as 5% or 0.25%", param, ctx)
        hundredths = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
        if hundredths > 10_000:
            self.fail(f"{value} found, at most 100% needed", param, ctx)
        return hundredths
