"""Each fuzzer, briefly and the same in every run: its seeds, what was kept of long runs, and 2,000 changed inputs.

`make sweep-fuzz` does it for long, led by what the parsers' code does with each input.
"""

import pytest

from tests.fuzz.harness import run_one, scratch
from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.mutate import mutate
from tests.fuzz.seeds import kept

INPUTS = 2000


@pytest.mark.parametrize("name", HARNESSES)
def test_whatever_the_bytes_a_parser_refuses_or_takes_their_one_spelling(name: str) -> None:
    """ST-1, ST-3, ST-7, EN-2, MP-4, BN-2, HF-3: nothing but a refusal escapes, and what is accepted is spelt so."""
    harness = HARNESSES[name]
    with scratch() as folder:
        judge = harness.open(folder)
        seeds = [*harness.seeds(), *kept(name)]
        good = [seed for seed in seeds if run_one(harness, judge, seed) is True]
        assert good, "nothing to begin with that is taken"
        accepted = 0
        for number in range(INPUTS):
            base = good if number % 2 else seeds
            data = mutate(harness, base[number * 7 % len(base)], number)
            accepted += run_one(harness, judge, data) is True
        assert accepted > INPUTS // 200, "the parser is hardly reached"
