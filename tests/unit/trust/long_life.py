"""The test of an authority's whole life, for as long as one likes; writes docs/authority-life.md.

    make sweep-life
    python -m tests.unit.trust.long_life MINUTES

Every round is another seed, so that two runs never take the same steps. A disagreement is shown with its steps, as
short as Hypothesis can make them, and ends the run.
"""

import os
import platform
import secrets
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.rigs.sweep_kill import cpu
from tests.unit.trust.test_life import Lives

CHECKOUT = Path(__file__).resolve().parents[3]
MINUTES = 30.0
_HEAD = """# An authority's whole life

Written by `make sweep-life` (`tests/unit/trust/long_life.py`), which lets Hypothesis issue, rotate, delegate, narrow,
revoke, lift, counter-sign, replay, steal keys, move the clock and restart the device, in any order, and compares the
device after each step with a model of it that knows only names of keys (`tests/unit/trust/authority_model.py`). The
model forgets nothing; the device keeps what FL-4 says.
"""
_MEANING = """
What has to agree: what is accepted; what may be acted upon now; the floor of each subject; the lists in force, and what
they say of each statement; the floors of time. And whatever the model says: who is below every threshold changes
nothing; no floor that the authority's own keys made falls while they stay; no list of a root or brand goes but before
a higher one, or before the one that the brand's statement names.

| statement | accepted | refused |
|---|--:|--:|"""
settings.register_profile(
    "life",
    max_examples=50,
    stateful_step_count=50,
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


def rounds(minutes: float) -> int:
    """Live until the time is up; how many rounds there were.

    Raises:
        AssertionError: device and model disagree.
    """
    deadline, count = time.monotonic() + minutes * 60, 0
    while time.monotonic() < deadline:
        # A class of its own, for a seed belongs to a class.
        lives = seed(secrets.randbits(64))(type("Lives", (Lives,), {}))
        run_state_machine_as_test(lives, settings=settings(settings.get_profile("life")))
        count += 1
        print(f"{Lives.steps:>10,} steps", flush=True)
    return count


def page(minutes: float, lives: int) -> str:
    """The whole page."""
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=CHECKOUT, check=True, capture_output=True)
    kernel, python, engine = platform.release().partition("-")[0], platform.python_version(), version("hypothesis")
    kinds = sorted({name.partition(" ")[0] for name in Lives.offers})
    rows = [
        f"| {kind} | {Lives.offers[f'{kind} accepted']:,} | {Lives.offers[f'{kind} refused']:,} |" for kind in kinds
    ]
    facts = [
        f"- Date: {datetime.now(UTC):%Y-%m-%d}. Machine: {cpu()}, {os.cpu_count()} cores,",
        f"  Linux {kernel}, Python {python}, Hypothesis {engine}. One process.",
        f"- Code: commit {commit.stdout.decode().strip()}. **{Lives.steps:,}** steps, in {minutes:.0f} minutes:",
        f"  {lives:,} rounds of 50 lives. After each step the last 12 statements were judged again by both.",
        "- Disagreements: **0**.",
    ]
    return "\n".join([_HEAD, *facts, _MEANING, *rows]) + "\n"


def main() -> int:
    """The exit code."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    count = rounds(minutes)
    (CHECKOUT / "docs" / "authority-life.md").write_text(page(minutes, count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
