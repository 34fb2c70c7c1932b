"""Runs a session: `$ command`, the lines that it prints, and `exit N` where that is not 0.

`...` inside a line stands for any text, and a line of `...` alone for any lines. What differs from run to run
(instants, and digests of 16 hex digits or more) is compared as such, so that a session can show a real run.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
DIGEST = re.compile(r"\b(?:[0-9a-f]{8}(?: [0-9a-f]{8}){7}|[0-9a-f]{64}|[0-9a-f]{16}\b)")
BLANKS = re.compile(r" {2,}")


@dataclass
class Step:
    """One command and what must come of it."""

    command: str
    expected: list[str] = field(default_factory=list)
    code: int = 0


def parse_session(text: str) -> list[Step]:
    """The steps of a session; blank lines and lines of `#` before the first command are for the reader."""
    steps: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:]))
        elif steps and line.startswith("> "):
            steps[-1].command += "\n" + line[2:]
        elif steps and (found := re.fullmatch(r"exit (\d+)", line)):
            steps[-1].code = int(found[1])
        elif steps and line.strip():
            steps[-1].expected.append(line.rstrip())
    return steps


def console_blocks(markdown: str) -> str:
    """All ```console blocks of a page, in their order, as one session."""
    return "\n".join(re.findall(r"^```console\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL))


def run_session(steps: list[Step], folder: Path) -> None:
    """Run every step in `folder` with the commands of this environment; AssertionError tells the first difference."""
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    outside = {"PATH": path, "HOME": str(folder), "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1", "TERM": "dumb"}
    for step in steps:
        done = subprocess.run(
            ["bash", "-c", step.command],
            cwd=folder,
            env=outside,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        told = f"$ {step.command}\n{done.stdout}exit {done.returncode}"
        assert done.returncode == step.code, told
        assert matches(step.expected, done.stdout.splitlines()), told


def matches(expected: list[str], found: list[str]) -> bool:
    """Whether the lines that came are the expected ones."""
    pattern = "".join("(?:.*\n)*" if line == "..." else _line_pattern(line) for line in expected)
    text = "".join(_plain(line) + "\n" for line in found if line.strip())
    return re.fullmatch(pattern, text) is not None


def _line_pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in _plain(line).split("...")) + "\n"


def _plain(line: str) -> str:
    # Columns grow with their contents, so the width of a gap says nothing.
    return BLANKS.sub("  ", DIGEST.sub("DIGEST", INSTANT.sub("INSTANT", line.rstrip())))
