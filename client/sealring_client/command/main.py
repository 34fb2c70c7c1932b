"""The command `sealring-device`. Standard library only until a whole check is needed: most calls find nothing new."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealring.errors import SealringError

if TYPE_CHECKING:
    from sealring_client.outside import Outside
    from sealring_client.report import Report

NAME = "sealring-device"
STATE = Path("/var/lib/sealring")
EXAMPLES = f"""examples:
  {NAME} provision --root root.json --model acme/door-1 --seed seed.bundle
  {NAME} check                  anything new? exit 0: no, 3: yes, 4: the answer is stale
  {NAME} refresh                install what is new; goes back by itself if it is unhealthy
  {NAME} status --json          what runs, what is trusted, until when
  {NAME} rollback               back to the last good generation, and the release stays away

"""


class Help(argparse.ArgumentParser):
    """Help that begins with examples."""

    def format_help(self) -> str:
        """What `--help` prints."""
        return (EXAMPLES if self.prog == NAME else "") + super().format_help()


def parser() -> Help:
    """The command line."""
    top = Help(prog=NAME, description="Takes software from stores without trusting them.", add_help=True)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = Help(add_help=False)
    common.add_argument("--state", type=Path, default=STATE, metavar="DIR", help=f"the device's folder ({STATE})")
    common.add_argument("--json", action="store_true", help="one object on stdout; errors as one object on stderr")
    new = commands.add_parser("provision", parents=[common], help="make a folder a device")
    new.add_argument("--root", type=Path, required=True, metavar="FILE", help="the root assertion to trust")
    new.add_argument("--model", required=True, metavar="BRAND/NAME")
    new.add_argument("--seed", type=Path, required=True, metavar="BUNDLE", help="brand, model and store statements")
    new.add_argument("--clock", choices=("trusted", "poor"), default="trusted", help="poor: it may be wrong at start")
    new.set_defaults(run=_provision)
    for name, run, text in (
        ("check", _check, "say whether anything is new; installs nothing"),
        ("refresh", _refresh, "install what is new"),
        ("status", _status, "say what runs and what is trusted; asks no store"),
        ("list", _list, "list the generations on the disk"),
    ):
        commands.add_parser(name, parents=[common], help=text).set_defaults(run=run)
    back = commands.add_parser("rollback", parents=[common], help="go back to the last good generation")
    back.add_argument("--dry-run", action="store_true", help="only say what would be done")
    back.set_defaults(run=_rollback)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    args = parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except SealringError as err:
        return _fail(args, err.rule, str(err), err.hint(), err.exit_code)
    except KeyboardInterrupt:
        return 130


def _fail(args: argparse.Namespace, rule: str, message: str, hint: str, code: int) -> int:
    """The one place where a refusal becomes words and a code."""
    if args.json:
        print(json.dumps({"rule": rule, "message": message, "hint": hint}), file=sys.stderr)
        return code
    print(f"{NAME}: {message}" + (f" [{rule}]" if rule else ""), file=sys.stderr)
    if hint:
        print(f"{NAME}: hint: {hint}", file=sys.stderr)
    return code


def _show(args: argparse.Namespace, found: dict[str, Any], lines: Sequence[str]) -> None:
    print(json.dumps(found) if args.json else "\n".join(lines))


def _outside(args: argparse.Namespace) -> "Outside":
    from sealring_client.outside import real_outside

    wanted = sys.stderr.isatty() and not args.json

    def progress(package: str, held: int, size: int) -> None:
        if wanted:
            end = "\n" if held == size else ""
            print(f"\r{package}: {held * 100 // max(size, 1):3} % of {size} bytes", end=end, file=sys.stderr)

    return real_outside(progress)


def _check(args: argparse.Namespace) -> int:
    return _look(args, apply=False)


def _refresh(args: argparse.Namespace) -> int:
    return _look(args, apply=True)


def _look(args: argparse.Namespace, *, apply: bool) -> int:
    from sealring_client.poll import poll

    outside = _outside(args)
    quiet = poll(args.state, outside, running=apply)
    if quiet is not None:
        stores = [{"store": name, "word": word, "refusals": []} for name, word in quiet.stores.items()]
        outcome = "none" if quiet.answered else "unreachable"
        found = {"schema": 1, "outcome": outcome, "deadline": quiet.deadline, "stores": stores}
        said = "nothing new" if quiet.answered else "no store could be reached; what runs is untouched"
        _show(args, found, [f"{said} (good until {quiet.deadline})", *(f"  {n}: {w}" for n, w in quiet.stores.items())])
        return 0 if quiet.answered else 10
    from sealring_client.device_file import load_device
    from sealring_client.refresh import refresh

    report = refresh(load_device(args.state), outside, apply=apply)
    _show(args, report.as_json(), _report_lines(report))
    problem = report.problem
    if problem is not None and report.exit_code >= 10:
        _fail(args, problem.rule, problem.message, problem.hint, report.exit_code)
    return report.exit_code


def _report_lines(report: "Report") -> list[str]:
    said = {
        "none": "nothing new",
        "available": "an update is there",
        "installed": f"installed generation {report.generation}",
        "stale": "stale: no store has a current answer",
        "unreachable": "no store could be reached; what runs is untouched",
        "refused": "refused: no store's answer can be trusted; what runs is untouched",
        "failed": "not installed; what ran before still runs",
    }
    lines = [said[report.outcome] + ("" if report.proven else " (time: unproven)")]
    for package in report.packages:
        step = f"{package.running or 'none'} -> {package.chosen or 'none'}"
        revision = str(package.running or "none") if package.running == package.chosen else step
        version = f" ({package.version})" if package.version else ""
        origin = f", release {package.sequence}" + (f" from {package.store}" if package.store else "")
        lines.append(f"  {package.package}: revision {revision}{version}{origin if package.sequence else ''}")
        lines += [f"    {one.about}: {one.message} [{one.rule}]" for one in package.refusals]
    for store in report.stores:
        shown = f", catalogue {store.catalogue}" if store.catalogue else ""
        lines.append(f"  store {store.name}: {store.word}{shown}")
        lines += [f"    {one.message} [{one.rule}]" for one in store.refusals]
    return lines


def _provision(args: argparse.Namespace) -> int:
    from sealring.bundle.form import MAX_METADATA
    from sealring.envelope import MAX_ENVELOPE
    from sealring_client.provision import provision

    root, seed = _read(args.root, MAX_ENVELOPE), _read(args.seed, MAX_METADATA)
    found = provision(args.state, root, args.model, seed, args.clock)
    lines = [f"provisioned {found.model} in {args.state}", f"  root {found.root}"]
    lines += [f"  store {name}: {', '.join(urls)}" for name, urls in found.stores.items()]
    _show(args, {"schema": 1, "model": found.model, "root": found.root, "stores": found.stores}, lines)
    return 0


def _read(path: Path, limit: int) -> bytes:
    from sealring_client.decide.state import read_small
    from sealring_client.disk import DiskError

    found = read_small(path, limit)
    if found is None:
        raise DiskError(path, "no such file")
    return found


def _status(args: argparse.Namespace) -> int:
    from sealring_client.device_file import load_device
    from sealring_client.status import read_status

    found = read_status(load_device(args.state), _outside(args).clock())
    lines = [f"{found.model}: generation {found.current or 'none'}, good {found.good or 'none'}, root {found.root}"]
    for one in found.packages:
        release = f", release {one.sequence}" if one.sequence else ""
        lines.append(f"  {one.package}: revision {one.revision} ({one.version}){release}, {one.integrity}")
    lines += [f"time: {found.time}" + (f", not before {found.time_floor}" if found.time_floor else "")]
    for store in found.stores:
        seen = f", catalogue {store.catalogue} of {store.time}" if store.catalogue else ""
        lines.append(f"store {store.store}: {store.word}{seen}")
    lines.append(f"next whole check: {found.deadline or 'due'}")
    for failure in found.failures:
        until = failure["not_before"] or "it changes"
        lines.append(f"kept away: release {failure['release'][:16]} of {failure['package']}, until {until}")
    lines += [f"warning: {text}" for text in found.warnings]
    _show(args, found.as_json(), lines)
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
    way = find_way_back(device) if args.dry_run else roll_back(device)
    said = "would go back" if args.dry_run else "went back"
    lines = [f"{said} from generation {way.left} to {way.current}"]
    lines += [f"  {package}: its release stays away until it changes" for package in way.packages]
    found = {"schema": 1, "left": way.left, "current": way.current, "kept_away": way.packages, "done": not args.dry_run}
    _show(args, found, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
