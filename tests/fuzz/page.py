"""docs/fuzzing.md, from what the long run has counted."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.turn import INPUT_SECONDS, MEMORY_MIB
from tests.rigs.sweep_kill import cpu

if TYPE_CHECKING:
    from tests.fuzz.sweep import State

_HEAD = """# Fuzzing

Written by `make sweep-fuzz` (`tests/fuzz/sweep.py`), which runs libFuzzer, by way of atheris, over everything
that reads a stranger's bytes before a signature was checked (`tests/fuzz/harnesses.py`).
"""
_MEANING = f"""
What has to hold for each input: nothing escapes but a refusal, which names a rule of SPEC.md, has an exit code
of its section 15, and can be shown on any terminal. What is accepted is made again, byte for byte, from what was
read; of TUF files and of a device's own state, which have several spellings, it means the same when it is written
and read again. One input takes at most {INPUT_SECONDS} seconds and {MEMORY_MIB} MiB. The mutators know JSON, base64
inside it, instants, checksums, bundles and HTTP heads. What was found and mended stays in `tests/fuzz/inputs/`, and is
tried in every run of the tests.

*Accepted* are inputs that were taken, so that the second half of the property was looked at. *Edges* and
*features* are libFuzzer's count of branches, and of branches by how often they were taken, in the Python of
sealring and python-tuf, and of kinds of answers (each refusal, each set of accepted members); what happens inside
msgspec and libsodium is compiled, and not counted. *Kept* are the inputs that each showed something new.

| fuzzer | inputs | accepted | a second | edges | features | kept |
|---|{"--:|" * 6}"""


def page(state: "State") -> str:
    """The whole page."""
    from tests.fuzz.sweep import GOAL, Sums

    hours = sum(each.seconds for each in state.sums.values()) / 3600
    wanted = "" if state.inputs >= GOAL else f" of {GOAL:,} wanted (`make sweep-fuzz` goes on)"
    kernel, python, engine = platform.release().partition("-")[0], platform.python_version(), version("atheris")
    facts = [
        f"- Date: {datetime.now(UTC):%Y-%m-%d}. Machine: {cpu()}, {os.cpu_count()} cores,",
        f"  Linux {kernel}, Python {python}, atheris {engine}. One process.",
        f"- Fuzzed: commit {state.commit}. Inputs: **{state.inputs:,}**{wanted}, in {hours:.1f} hours.",
        f"- Findings in this code: **{len(state.findings)}**.",
    ]
    rows = []
    for name in HARNESSES:
        each = state.sums.get(name, Sums())
        rate = each.inputs / each.seconds if each.seconds else 0
        counts = (f"{each.inputs:,}", f"{each.accepted:,}", f"{rate:,.0f}", each.edges, each.features, each.corpus)
        rows.append(f"| {name} | {' | '.join(map(str, counts))} |")
    return "\n".join([_HEAD, *facts, _MEANING, *rows, *_findings(state)]) + "\n"


def _findings(state: "State") -> list[str]:
    if not state.findings:
        return []
    lines = ["", "## What was found", ""]
    for each in state.findings:
        words = each["words"].replace("`", "'")
        lines.append(
            f"- {each['harness']}: `{words}` at `{each['place']}`, by the input with SHA-256 {each['digest']}…"
        )
    return lines
