"""One figure, and how to get a steady one on a machine that is shared."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """A value beside its peer. `ratio` is the figure that is promised; what is better stands in `aim`."""

    bench: str
    name: str
    n: int
    value: float
    unit: str
    peer: float | None = None
    ratio: float | None = None
    aim: str = ""

    def as_json(self) -> str:
        """One line for machines."""
        fields = {k: v for k, v in asdict(self).items() if k != "aim"}
        return json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in fields.items()})


def cpu_seconds(work: Callable[[], object], rounds: int) -> float:
    """Seconds of CPU of this process for one call, averaged over `rounds` calls."""
    begin = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - begin) / rounds


def side_by_side(ours: Callable[[], object], peer: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """Median seconds of ours and of the peer, in turns, and the median of the pairs' ratio peer / ours.

    Turns, because the speed of a shared machine drifts; pairs, because the drift then cancels out.
    """
    pairs = [(cpu_seconds(ours, rounds), cpu_seconds(peer, rounds)) for _ in range(11)]
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(b / a for a, b in pairs)
