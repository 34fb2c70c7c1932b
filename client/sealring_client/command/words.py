"""How `sealring-device` talks: help that begins with examples, errors as words or one object. Standard library only."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, NoReturn

from sealring.errors import SealringError

NAME = "sealring-device"
MAX_WORDS = 1000  # characters of one message


@dataclass(eq=False)
class Usage(SealringError):
    """Arguments that can't be carried out as they stand."""

    reason: str
    advice: str
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return self.reason

    def hint(self) -> str:
        return self.advice


class Help(argparse.ArgumentParser):
    """Help that begins with examples; an option is given by its whole name, so that new ones break no script."""

    examples: tuple[str, ...] = ()

    def __init__(self, **more: Any) -> None:
        super().__init__(**{**more, "allow_abbrev": False})

    def format_help(self) -> str:
        """What `--help` prints."""
        lines = "".join(f"  {example}\n" for example in self.examples)
        return f"examples:\n{lines}\n{super().format_help()}"

    def error(self, message: str) -> NoReturn:
        """Wrong usage, in the words of every other error."""
        raise Usage(message, f"`{self.prog} --help` begins with examples")


class Version(argparse.Action):
    """`--version`; the installed packages are asked only then, because each poll starts this program."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it and end."""
        from importlib.metadata import version

        print(f"{NAME} {version('sealring-client')}")
        parser.exit()


def fail(as_json: bool, rule: str, message: str, hint: str, code: int) -> int:
    """Say an error on stderr; its exit code."""
    message, hint = visible(message), visible(hint)
    if as_json:
        print(json.dumps({"rule": rule, "message": message, "hint": hint}), file=sys.stderr)
        return code
    print(f"{NAME}: {message}" + (f" [{rule}]" if rule else ""), file=sys.stderr)
    if hint:
        print(f"{NAME}: hint: {hint}", file=sys.stderr)
    return code


def unexpected(kind: type[BaseException], err: BaseException, at: TracebackType | None) -> None:
    """What nobody foresaw, in one line with its place, for a report; the interpreter then ends with 1."""
    from traceback import extract_tb

    place = ", ".join(f"{Path(f.filename).name}:{f.lineno}" for f in extract_tb(at)[-3:])
    message = f"unexpected {kind.__name__} at {place or 'no known line'}: {str(err)[:200]!a}"
    hint = "a defect of sealring: please report this line with the command (SECURITY.md says how)"
    fail("--json" in sys.argv, "", message, hint, 1)


def visible(text: str) -> str:
    """One bounded line: a name from outside must not move the cursor of who reads about it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:MAX_WORDS])


def wants_progress(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a line that counts up is welcome: a person at a terminal who has not asked for plain text."""
    return sys.stderr.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
