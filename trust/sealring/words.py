"""How the store's and the device's programs talk: help that begins with examples, errors as words or as one object.

For shells only, and of the standard library alone: each poll of a device starts such a program.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, NoReturn

from sealring.errors import SealringError

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


@dataclass(frozen=True)
class Program:
    """A program by the name that a person types, and the distribution that brings it."""

    name: str
    distribution: str

    def fail(self, as_json: bool, rule: str, message: str, hint: str, code: int) -> int:
        """Say an error on stderr; its exit code."""
        message, hint = visible(message), visible(hint)
        if as_json:
            print(json.dumps({"rule": rule, "message": message, "hint": hint}), file=sys.stderr)
            return code
        print(f"{self.name}: {message}" + (f" [{rule}]" if rule else ""), file=sys.stderr)
        if hint:
            print(f"{self.name}: hint: {hint}", file=sys.stderr)
        return code

    def unexpected(self, kind: type[BaseException], err: BaseException, at: TracebackType | None) -> None:
        """What nobody foresaw, in one line with its place, for a report; the interpreter then ends with 1."""
        from traceback import extract_tb

        place = ", ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in extract_tb(at)[-3:])
        message = f"unexpected {kind.__name__} at {place or 'no known line'}: {str(err)[:200]!a}"
        hint = "a defect of sealring: please report this line with the command (SECURITY.md says how)"
        self.fail("--json" in sys.argv, "", message, hint, 1)

    def add_version(self, parser: argparse.ArgumentParser) -> None:
        """`--version`; the installed packages are asked only then."""
        program = self

        class Version(argparse.Action):
            def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
                from importlib.metadata import version

                print(f"{program.name} {version(program.distribution)}")
                parser.exit()

        parser.add_argument("--version", action=Version, nargs=0, help="say which edition this is")


def visible(text: str) -> str:
    """One bounded line: a name from outside must not move the cursor of who reads about it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:MAX_WORDS])
