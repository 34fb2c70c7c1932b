"""Curves as plain SVG coordinates; the templates draw them, with a table of the same numbers beside each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sealring_server.operator.rollouts import Course

WIDTH, HEIGHT = 480, 200
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 12, 28
TOPS = (1, 2, 5, 10, 20, 30, 40, 60, 80, 100)  # percent; the half of each is a round number too
KINDS = (("begun", "begun"), ("good", "good"), ("failed", "failed"))


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    place: float
    words: str


@dataclass(frozen=True)
class Line:
    """One curve: its points in SVG's own words, and what it says at its end."""

    name: str
    points: str
    words: str


@dataclass(frozen=True)
class Chart:
    """Shares over time, from 0 to `top` percent."""

    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def chart_of(course: Course) -> Chart | None:
    """The course's shares over time; none where there is nothing to draw."""
    if len(course.moments) < 2 or not course.devices:
        return None
    first, last = course.moments[0].at, course.moments[-1].at
    most = max(100 * one.begun / course.devices for one in course.moments)
    top = next((each for each in TOPS if each >= most), 100)

    def x(at: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((at - first) / (last - first))

    def y(percent: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * percent / top

    lines = []
    for kind, name in KINDS:
        shares = [(x(one.at), y(100 * getattr(one, kind) / course.devices)) for one in course.moments]
        now = 100 * getattr(course.moments[-1], kind) / course.devices
        lines.append(Line(name, _steps(shares), f"{name} {now:.1f} %"))
    up = tuple(Tick(y(top * part / 2), f"{top * part / 2:g} %") for part in range(3))
    across = (Tick(x(first), f"{first:%m-%d %H:%M}"), Tick(x(last), f"{last:%m-%d %H:%M}"))
    return Chart(tuple(lines), across, up)


def _steps(points: Sequence[tuple[float, float]]) -> str:
    """A line that keeps its height until the next point: nothing is known to lie between."""
    found = [points[0]]
    for place, height in points[1:]:
        found += [(place, found[-1][1]), (place, height)]
    return " ".join(f"{place:.1f},{height:.1f}" for place, height in found)
