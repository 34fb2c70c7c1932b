"""The store's processes: some are killed by chance, one is left alone and its memory looked at."""

import contextlib
import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

KILL_SECONDS = (8.0, 20.0)  # between two kills
LOOK_SECONDS = 5.0
MIB = 1024 * 1024


@dataclass
class Watch:
    """Kills, and what the oldest worker held over time: (seconds, MiB of memory of its own)."""

    main: int
    chance: random.Random
    kills: int = 0
    memory: list[tuple[float, float]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until it is done; SIGKILL as the kernel sends it to who takes all memory."""
        begin = time.monotonic()
        kept = min(self.workers())
        next_kill = begin + self.chance.uniform(*KILL_SECONDS)
        while not self.done.wait(LOOK_SECONDS):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                self.memory.append((time.monotonic() - begin, private_mib(kept)))
            if time.monotonic() < next_kill:
                continue
            victims = [one for one in self.workers() if one != kept]
            if victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.chance.choice(victims), signal.SIGKILL)
                    self.kills += 1
            next_kill = time.monotonic() + self.chance.uniform(*KILL_SECONDS)

    def workers(self) -> list[int]:
        """The processes that the server's first thread has forked."""
        return [int(one) for one in Path(f"/proc/{self.main}/task/{self.main}/children").read_text().split()]

    @property
    def slope(self) -> float:
        """MiB a minute over the last two thirds, by least squares; before that caches fill."""
        points = self.memory[len(self.memory) // 3 :]
        if len(points) < 2:
            return 0.0
        mean_t = sum(t for t, _ in points) / len(points)
        mean_m = sum(m for _, m in points) / len(points)
        above = sum((t - mean_t) * (m - mean_m) for t, m in points)
        return 60 * above / sum((t - mean_t) ** 2 for t, _ in points)


def private_mib(process: int) -> float:
    """Memory that is this process's own, in MiB."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    kib = sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty", "Private_Clean", "Swap:")))
    return kib * 1024 / MIB
