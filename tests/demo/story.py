"""The teller: says what happens, runs the real commands, and stops where they do not do what was said."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

COMMAND_SECONDS = 120
LINES = 12  # of a command's output, at most


class Story:
    """One telling. Commands run in `folder`, so that the paths in it stay short."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.began = time.monotonic()
        self.chapters = 0
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def chapter(self, title: str) -> None:
        """A new part of the story."""
        self.chapters += 1
        print(f"\n{self._bold(f'{self.chapters}. {title}')}  [{time.monotonic() - self.began:.0f} s]", flush=True)

    def tell(self, text: str) -> None:
        """One sentence or two."""
        print(f"   {text}", flush=True)

    def run(self, line: str, *, exits: int = 0, says: str = "", quiet: bool = False, last: int = 0) -> str:
        """Run one command as a person would type it.

        Args:
            line: the command, with words quoted as in a shell.
            exits: the exit code that the story needs.
            says: what must stand in what it prints.
            quiet: tell nothing of it, unless it goes wrong.
            last: tell its last lines only, so many.

        Returns:
            all that it printed.
        """
        words = shlex.split(line)
        done = self._start(words)
        text = done.stdout + done.stderr
        if not quiet or done.returncode != exits:
            print(f"   $ {line}")
            self._print("\n".join(text.rstrip().splitlines()[-last:]))
        if done.returncode != exits:
            self.fail(f"exit code {exits} was to come, {done.returncode} came")
        if says not in text:
            self.fail(f"it was to say {says!r}")
        if exits:
            print(f"     (exit code {exits})")
        return text

    def ask(self, line: str, *, exits: int = 0) -> dict[str, Any]:
        """The object that a command prints with --json, without telling of it."""
        done = self._start([*shlex.split(line), "--json"])
        if done.returncode != exits:
            self._print(done.stdout + done.stderr)
            self.fail(f"{line}: exit code {exits} was to come, {done.returncode} came")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def check(self, holds: bool, what: str) -> None:
        """Go on only if something is as the story says."""
        if not holds:
            self.fail(what)

    def fail(self, why: str) -> NoReturn:
        """End: the story is not true."""
        print(f"\nThe story ends here: {why}", file=sys.stderr, flush=True)
        raise SystemExit(1)

    def _start(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        # The commands of this very environment, whatever else the PATH has.
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
        try:
            return subprocess.run(
                ["env", f"PATH={path}", *words],
                cwd=self.folder,
                text=True,
                capture_output=True,
                timeout=COMMAND_SECONDS,
                errors="replace",
            )
        except subprocess.TimeoutExpired:
            self.fail(f"{' '.join(words)}: no end after {COMMAND_SECONDS} s")

    def _print(self, text: str) -> None:
        lines = text.rstrip().splitlines()
        for line in lines[:LINES]:
            print(f"     {line}")
        if len(lines) > LINES:
            print(f"     ... {len(lines) - LINES} more lines")

    def _bold(self, text: str) -> str:
        return f"\033[1m{text}\033[0m" if self.colour else text
