"""Numbers, sizes and instants as the operator's page says them. All instants are UTC."""

from calendar import month_name
from datetime import datetime, timedelta

MINUTE, HOUR, DAY = 60, 3600, 86400
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def number(value: float) -> str:
    """With thin spaces between thousands, as no decimal comma can be read."""
    return f"{value:,.0f}".replace(",", "\u202f")


def size(value: float) -> str:
    """Bytes in the unit that leaves one to four digits."""
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("the last unit takes all")


def share(part: float, whole: float) -> str:
    """A part in percent; of nothing none."""
    return f"{100 * part / whole:.1f} %" if whole else "0 %"


def clock(at: datetime) -> str:
    """An instant to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def day(at: datetime) -> str:
    """An instant's day."""
    return f"{at:%Y-%m-%d}"


def span(length: timedelta) -> str:
    """A length in the one unit that a person would use."""
    seconds = abs(length.total_seconds())
    for unit, each, least in (("days", DAY, 2 * DAY), ("hours", HOUR, 2 * HOUR), ("minutes", MINUTE, 2 * MINUTE)):
        if seconds >= least:
            return f"{number(seconds // each)} {unit}"
    whole = int(seconds)
    return f"{whole} second{'' if whole == 1 else 's'}"


def relative(at: datetime, now: datetime) -> str:
    """How far off an instant is."""
    if abs((at - now).total_seconds()) < 2:
        return "just now"
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"


def month(name: str) -> str:
    """`2026-03` as `March 2026`."""
    year, _, number = name.partition("-")
    return f"{month_name[int(number)]} {year}"


def short(digest: str) -> str:
    """The beginning of a digest or key id, enough to tell it from others on a page."""
    return digest[:12]


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"
