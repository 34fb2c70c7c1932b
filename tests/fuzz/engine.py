"""libFuzzer around one harness: `python -m tests.fuzz.engine NAME COUNTS SCRATCH [libFuzzer's own arguments]`.

Runs in a process of its own, since libFuzzer ends the process that it runs in. COUNTS is a file of two numbers of 8
bytes that stay true however the process ends: inputs beyond those that it began with, and how many were accepted.
"""

import importlib
import mmap
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from zlib import crc32

if TYPE_CHECKING:
    from tests.fuzz.harness import Harness

MEASURED = ["sealring", "sealring_client", "sealring_server", "tuf", "securesystemslib"]
"""Packages whose branches lead the search, and are counted in its edges and features."""

KINDS = 2048
MOST_GOOD = 1024  # accepted inputs that are changed again


class Counts:
    """Two counters in a file."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(16))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 16)
        self.inputs = self.accepted = 0

    def add(self, accepted: bool) -> None:
        """Count one more input."""
        self.inputs += 1
        self.accepted += accepted
        self._memory[:] = self.inputs.to_bytes(8, "big") + self.accepted.to_bytes(8, "big")


def read_counts(path: Path) -> tuple[int, int]:
    """What a process counted, also one that was killed."""
    raw = path.read_bytes()
    return int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:], "big")


def main(name: str, counts: Path, scratch: Path, arguments: list[str]) -> None:
    """Run until libFuzzer ends the process."""
    # Typed as anything: the fuzzers' environment alone has it (the group `fuzz` of pyproject.toml).
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=MEASURED):
        from tests.fuzz.harnesses import HARNESSES
    harness = HARNESSES[name]

    def plain(data: bytes, limit: int) -> bytes:
        changed: bytes = atheris.Mutate(data, limit)  # another function once `Setup` was called
        return changed

    kinds = [atheris._reserve_counter() for _ in range(KINDS)]

    def tell(kind: bytes) -> None:
        atheris._trace_branch(kinds[crc32(kind) % KINDS])

    watched, mutator = loop(harness, scratch, Counts(counts), plain, tell)
    flags = [f"-max_len={harness.largest}", "-len_control=0", *arguments]
    atheris.Setup([sys.argv[0], *flags], watched, custom_mutator=mutator)
    atheris.Fuzz()


def loop(
    harness: "Harness",
    scratch: Path,
    counts: Counts,
    plain: Callable[[bytes, int], bytes],
    tell: Callable[[bytes], None],
) -> tuple[Callable[[bytes], None], Callable[[bytes, int, int], bytes]]:
    """What libFuzzer calls with each input, and to change one.

    Args:
        plain: libFuzzer's own way to change bytes.
        tell: hears what kind of answer an input got.
    """
    from tests.fuzz.harness import run_one
    from tests.fuzz.kinds import kind_of, names_in
    from tests.fuzz.mutate import mutate

    judge, begun = harness.open(scratch), False
    seeds = list(harness.seeds())
    names = names_in(seeds)
    good = deque((seed for seed in seeds if run_one(harness, judge, seed) is True), MOST_GOOD)

    def watched(data: bytes) -> None:
        found = run_one(harness, judge, data)
        tell(kind_of(found, data, names))
        if found is True:
            good.append(data)
        if begun:  # what stood in the corpus is not counted again
            counts.add(found is True)

    def mutator(data: bytes, limit: int, seed: int) -> bytes:
        nonlocal begun
        begun = True
        chance = Random(seed)
        if good and chance.random() < 0.4:  # what is refused lies nearest to what is accepted, and the other way round
            data = chance.choice(good)
        if chance.random() < 0.15:
            changed = plain(data, limit)
            return harness.mend(changed)[:limit] if harness.mend is not None else changed
        return mutate(harness, data, seed)[:limit]

    return watched, mutator


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
