"""Where `sealring` begins and ends: the one place where a refusal becomes words and an exit code."""

import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from sealring.errors import SealringError

if TYPE_CHECKING:
    from sealring.command.outside import Outside

TEAM_EXTRA = frozenset({"click", "rich", "securesystemslib", "tuf"})
PIPE_CLOSED = 141  # what a shell reports for a program whose reader went away
INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def main() -> int:
    """The command line of this process."""
    sys.excepthook = unexpected
    try:
        from sealring.command.outside import real

        code = run(sys.argv[1:], real())
        # The answer stands: Ctrl-C pressed twice must not change it while the interpreter ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:  # pressed again while the first was being told
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read this (`head`) has had enough. What is still buffered goes nowhere, and nothing is said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except ModuleNotFoundError as err:
        if str(err.name).partition(".")[0] not in TEAM_EXTRA:
            raise
        print(f"sealring: {err.name} is missing: this command needs the extra `team`", file=sys.stderr)
        print("sealring: hint: pip install 'sealring[team]'", file=sys.stderr)
        return 1


def run(arguments: Sequence[str], outside: "Outside") -> int:
    """One command; the exit code of its family (SPEC "Exit codes")."""
    import click

    from sealring.command.app import sealring

    as_json = "--json" in arguments
    try:
        code = sealring.main(list(arguments), prog_name="sealring", standalone_mode=False, obj=outside)
        return code if isinstance(code, int) else 0
    except SealringError as err:
        return _refuse(outside, as_json, err.rule, str(err), err.hint(), err.exit_code)
    except click.exceptions.NoArgsIsHelpError as err:
        print(err.format_message(), file=outside.err)
        return err.exit_code
    except click.ClickException as err:
        hint = "" if err.exit_code != 2 else _usage_hint(err)
        return _refuse(outside, as_json, "", _sentence(err.format_message()), hint, err.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _refuse(outside, as_json, "", "interrupted, nothing was changed since the last line", "", INTERRUPTED)
    except BrokenPipeError:
        raise
    except OSError as err:
        what = f"{err.filename}: {err.strerror}" if err.filename else str(err)
        taken = isinstance(err, FileExistsError)
        hint = "give another name" if taken else "check the path, its permissions and the free space"
        return _refuse(outside, as_json, "", what, hint, 12)


def unexpected(kind: type[BaseException], err: BaseException, at: TracebackType | None) -> None:
    """What nobody foresaw, in one line with its place, for a report; the interpreter then ends with 1."""
    place = ", ".join(f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(at)[-3:])
    message = f"unexpected {kind.__name__} at {place or 'no known line'}: {str(err)[:200]!a}"
    hint = "a defect of sealring: please report this line with the command (SECURITY.md says how)"
    if "--json" in sys.argv:
        print(json.dumps({"rule": "", "message": message, "hint": hint}), file=sys.stderr)
    else:
        print(f"sealring: {message}\nsealring: hint: {hint}", file=sys.stderr)


def _refuse(outside: "Outside", as_json: bool, rule: str, message: str, hint: str, code: int) -> int:
    from sealring.command.output import visible

    if as_json:
        print(json.dumps({"rule": rule, "message": visible(message), "hint": visible(hint)}), file=outside.err)
        return code
    print(visible(f"sealring: {message}" + (f" [{rule}]" if rule else "")), file=outside.err)
    if hint:
        print(visible(f"sealring: hint: {hint}"), file=outside.err)
    return code


def _sentence(text: str) -> str:
    """click's words in this project's style: lower case first, no full stop."""
    text = text.strip().removesuffix(".")
    return text[:1].lower() + text[1:]


def _usage_hint(err: object) -> str:
    ctx = getattr(err, "ctx", None)
    return f"`{ctx.command_path} --help` begins with examples" if ctx else "`sealring --help` begins with examples"


if __name__ == "__main__":
    sys.exit(main())
