"""The command `sealring-device`. Standard library only until a whole check is needed: most calls find nothing new."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealring.errors import SealringError
from sealring.words import Help, Program, visible
from sealring_client.command.serial import add_serial
from sealring_client.command.tuf import add_tuf

if TYPE_CHECKING:
    from sealring_client.outside import Outside
    from sealring_client.report import Report

STATE = Path("/var/lib/sealring")
INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended
PIPE_CLOSED = 141  # what a shell reports for a program whose reader went away
NAME = "sealring-device"
PROGRAM = Program(NAME, "sealring-client")
PROVISION = f"{NAME} provision --root root.json --model acme/door-1 --seed seed.bundle"
SIMPLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "check",
        "say whether anything is new; exit 0: no, 3: yes, 4: no store has a current answer; installs nothing",
        (f"{NAME} check", f"{NAME} check --state /tmp/device --json"),
    ),
    (
        "refresh",
        "install what is new, and go back by itself where it is unhealthy",
        (f"{NAME} refresh", f"{NAME} refresh --dry-run", f"{NAME} refresh --bundle /media/stick/door-1.bundle"),
    ),
    ("status", "say what runs and what is trusted, until when; asks no store", (f"{NAME} status --json",)),
    ("list", "list the generations on the disk, oldest first; asks no store", (f"{NAME} list",)),
    (
        "rollback",
        "go back to the last good generation; the release that is left stays away until it changes",
        (f"{NAME} rollback --dry-run", f"{NAME} rollback"),
    ),
)


def parser() -> Help:
    """The command line."""
    top = Help(prog=NAME, description="Takes software from stores without trusting them.")
    top.examples = (
        PROVISION,
        f"{NAME} check            exit 0: nothing new, 3: an update, 4: stale",
        f"{NAME} refresh          install it, or go back if it is unhealthy",
        f"{NAME} status --json    what runs, what is trusted, until when",
        f"{NAME} rollback         back to the last good generation",
        f"{NAME} serial key       the device's own public key, for models that want to know it",
    )
    PROGRAM.add_version(top)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = Help(add_help=False)
    common.add_argument("--state", type=Path, default=STATE, metavar="DIR", help=f"the device's folder ({STATE})")
    common.add_argument("--json", action="store_true", help="one object on stdout; errors as one object on stderr")
    _add_provision(commands, common)
    add_serial(commands, common)
    add_tuf(commands)
    run = {"check": _check, "refresh": _refresh, "status": _status, "list": _list, "rollback": _rollback}
    for name, text, examples in SIMPLE:
        one = commands.add_parser(name, parents=[common], help=text, description=f"{text[0].upper()}{text[1:]}.")
        one.examples = examples
        one.set_defaults(run=run[name], dry_run=False)
        if name in ("check", "refresh"):
            more = "demand proof of every row of each store's view, for this time"
            one.add_argument("--paranoid", action="store_true", help=more)
            given = "read this file in place of asking stores; again for each"
            one.add_argument("--bundle", type=Path, action="append", default=[], metavar="FILE", help=given)
        if name in ("refresh", "rollback"):
            dry = "the same as `check`" if name == "refresh" else "only say what would be done"
            one.add_argument("--dry-run", action="store_true", help=dry)
    return top


def _add_provision(commands: Any, common: Help) -> None:
    text = "make a folder a device, which trusts one root"
    new = commands.add_parser("provision", parents=[common], help=text, description=f"{text.capitalize()}.")
    new.examples = (PROVISION, f"{PROVISION} --dry-run")
    new.add_argument("--root", type=Path, required=True, metavar="FILE", help="the root assertion to trust")
    new.add_argument("--model", required=True, metavar="BRAND/NAME", help="what the device is, such as acme/door-1")
    seed_help = "a bundle of the brand's, the model's and its stores' assertions"
    new.add_argument("--seed", type=Path, required=True, metavar="BUNDLE", help=seed_help)
    clock_help = "poor: the clock may be wrong after power was off (%(default)s)"
    new.add_argument("--clock", choices=("trusted", "poor"), default="trusted", help=clock_help)
    group_help = "a group by which rollouts may choose it before its turn; again for each"
    new.add_argument("--group", action="append", default=[], metavar="NAME", help=group_help)
    paranoid_help = "in every check, demand proof of every row of each store's view"
    new.add_argument("--paranoid", action="store_true", help=paranoid_help)
    quiet_help = "never tell stores how an installation ended"
    new.add_argument("--no-reports", dest="reports", action="store_false", help=quiet_help)
    new.add_argument("--dry-run", action="store_true", help="verify the root and the seed; make nothing")
    new.set_defaults(run=_provision)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    sys.excepthook = PROGRAM.unexpected
    given = sys.argv[1:] if argv is None else argv
    as_json = "--json" in given
    try:
        args = parser().parse_args(given)
        run: Callable[[argparse.Namespace], int] = args.run
        code = run(args)
        sys.stdout.flush()
        return code
    except SealringError as err:
        return PROGRAM.fail(as_json, err.rule, str(err), err.hint(), err.exit_code)
    except BrokenPipeError:
        # Whoever read this (`head`) has had enough. What is still buffered goes nowhere, and nothing is said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as err:
        what = f"{err.filename or 'disk'}: {(err.strerror or str(err)).lower()}"
        return PROGRAM.fail(as_json, "", what, "check the path, its permissions and the free space", 12)
    except KeyboardInterrupt:
        return PROGRAM.fail(
            as_json, "", "interrupted", "the next command finishes or undoes what this one began", INTERRUPTED
        )


def _show(args: argparse.Namespace, found: dict[str, Any], lines: Sequence[str]) -> None:
    print(json.dumps(found) if args.json else "\n".join(map(visible, lines)))


def _outside(args: argparse.Namespace) -> "Outside":
    from sealring_client.outside import real_outside

    wanted = not args.json and wants_progress()

    def progress(package: str, held: int, size: int) -> None:
        if wanted:
            end = "\n" if held == size else ""
            print(f"\r{package}: {held * 100 // max(size, 1):3} % of {size} bytes", end=end, file=sys.stderr)

    return real_outside(progress)


def _check(args: argparse.Namespace) -> int:
    return _look(args, apply=False)


def _refresh(args: argparse.Namespace) -> int:
    return _look(args, apply=not args.dry_run)


def _look(args: argparse.Namespace, *, apply: bool) -> int:
    from sealring_client.poll import Heard, poll

    outside, heard = _outside(args), Heard()
    if args.bundle:
        return _look_into(args, outside, apply=apply)
    quiet = None if args.paranoid else poll(args.state, outside, running=apply, heard=heard)
    if quiet is not None:
        stores = [
            {"store": name, "word": word, "requests": cost.requests, "bytes": cost.transferred, "refusals": []}
            for name, word in quiet.stores.items()
            for cost in [heard.costs[name]]
        ]
        outcome = "none" if quiet.answered else "unreachable"
        found = {"schema": 1, "outcome": outcome, "deadline": quiet.deadline, "stores": stores}
        said = "nothing new" if quiet.answered else "no store could be reached; what runs is untouched"
        _show(args, found, [f"{said} (good until {quiet.deadline})", *(f"  {n}: {w}" for n, w in quiet.stores.items())])
        _send_what_waits(args, outside, quiet.stores)
        return 0 if quiet.answered else 10
    from sealring_client.device_file import load_device
    from sealring_client.refresh import refresh

    report = refresh(load_device(args.state), outside, apply=apply, heard=heard, paranoid=args.paranoid)
    return _told(args, report)


def _send_what_waits(args: argparse.Namespace, outside: "Outside", words: Mapping[str, str]) -> None:
    """RP-4: a quiet poll sends what is still queued, to the stores that answer; mostly nothing is."""
    from sealring_client.poll import waiting

    urls = {name: found for name, found in waiting(args.state).items() if words.get(name) == "same"}
    if urls:
        from sealring_client.sending import send_reports

        send_reports(args.state, urls, outside)


def _look_into(args: argparse.Namespace, outside: "Outside", *, apply: bool) -> int:
    """BN-6: what a person has brought, and no store is asked."""
    from sealring_client.device_file import load_device
    from sealring_client.refresh import refresh
    from sealring_client.stick import Sticks

    device, sticks = load_device(args.state), Sticks.open(args.bundle)
    try:
        return _told(args, refresh(device, outside, apply=apply, paranoid=args.paranoid, sticks=sticks))
    finally:
        sticks.close()


def _told(args: argparse.Namespace, report: "Report") -> int:
    from sealring_client.command.lines import report_lines

    _show(args, report.as_json(), report_lines(report))
    problem = report.problem
    if problem is not None and report.exit_code >= 10:
        PROGRAM.fail(args.json, problem.rule, problem.message, problem.hint, report.exit_code)
    return report.exit_code


def _provision(args: argparse.Namespace) -> int:
    from tempfile import TemporaryDirectory

    from sealring.bundle.form import MAX_METADATA
    from sealring.envelope import MAX_ENVELOPE
    from sealring_client.command.files import read_file
    from sealring_client.device_file import AlreadyProvisioned
    from sealring_client.provision import provision

    root, seed = read_file(args.root, MAX_ENVELOPE), read_file(args.seed, MAX_METADATA)
    given: dict[str, Any] = {"groups": tuple(args.group), "paranoid": args.paranoid, "reports": args.reports}
    if args.dry_run:
        if (args.state / "device.json").exists():
            raise AlreadyProvisioned(args.state)
        # The whole of it in a folder that is thrown away: what is tried is what will be done.
        with TemporaryDirectory() as folder:
            found = provision(Path(folder), root, args.model, seed, args.clock, **given)
    else:
        found = provision(args.state, root, args.model, seed, args.clock, **given)
    said = "would provision" if args.dry_run else "provisioned"
    lines = [f"{said} {found.model} in {args.state}", f"  root {found.root}"]
    lines += [f"  store {name}: {', '.join(urls)}" for name, urls in found.stores.items()]
    told = {"schema": 1, "model": found.model, "root": found.root, "stores": found.stores, "done": not args.dry_run}
    _show(args, told, lines)
    return 0


def _status(args: argparse.Namespace) -> int:
    from sealring_client.command.lines import status_lines
    from sealring_client.device_file import load_device
    from sealring_client.status import read_status

    found = read_status(load_device(args.state), _outside(args).clock())
    _show(args, found.as_json(), status_lines(found))
    return 0


def _list(args: argparse.Namespace) -> int:
    from sealring_client.device_file import load_device
    from sealring_client.status import generations_of

    found = generations_of(load_device(args.state))
    lines = []
    for one in found:
        marks = [name for name in ("current", "good", "way_back") if one[name]]
        lines.append(f"generation {one['generation']}" + (f" ({', '.join(marks)})".replace("_", " ") if marks else ""))
        lines += [f"  {p['package']}: revision {p['revision']} ({p['version']})" for p in one["packages"]]
    _show(args, {"schema": 1, "generations": found}, lines or ["no generation yet"])
    return 0


def _rollback(args: argparse.Namespace) -> int:
    from sealring_client.device_file import load_device
    from sealring_client.rollback import find_way_back, roll_back

    device = load_device(args.state)
    way = find_way_back(device) if args.dry_run else roll_back(device, _outside(args).clock())
    said = "would go back" if args.dry_run else "went back"
    lines = [f"{said} from generation {way.left} to {way.current}"]
    lines += [f"  {package}: its release stays away until it changes" for package in way.packages]
    found = {"schema": 1, "left": way.left, "current": way.current, "kept_away": way.packages, "done": not args.dry_run}
    _show(args, found, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())


def wants_progress(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a line that counts up is welcome: a person at a terminal who has not asked for plain text."""
    return sys.stderr.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
