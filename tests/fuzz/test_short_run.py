"""Each fuzzer, briefly and the same in every run: its seeds, what was kept of long runs, and 2,000 changed inputs.

`make sweep-fuzz` does it for long, led by what the parsers' code does with each input.
"""

from pathlib import Path

import pytest

from tests.fuzz.harness import run_one
from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.mutate import mutate
from tests.fuzz.seeds import kept

INPUTS = 2000


@pytest.mark.parametrize("name", HARNESSES)
def test_whatever_the_bytes_a_parser_refuses_or_takes_their_one_spelling(name: str, tmp_path: Path) -> None:
    """ST-1, ST-3, ST-7, EN-2, MP-4, BN-2, HF-3: nothing but a refusal escapes, and what is accepted is spelt so."""
    harness = HARNESSES[name]
    judge = harness.open(tmp_path)
    seeds = [*harness.seeds(), *kept(name)]
    accepted = sum(run_one(harness, judge, seed) for seed in seeds)
    assert accepted, "nothing to begin with that is taken"
    found = list(seeds)
    for number in range(INPUTS):
        data = mutate(harness, found[number * 7 % len(found)], number)
        if run_one(harness, judge, data):
            accepted += 1
            found.append(data)
    assert accepted > len(seeds) // 20
