"""`sealring-store`: make, serve, sign again and look at a store."""

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sealring.durable import write_durably
from sealring.errors import SealringError
from sealring.words import Help, Program
from sealring_server.clock import system_clock
from sealring_server.command.audit import add_audit
from sealring_server.command.backup import add_backup
from sealring_server.command.bundle import add_bundle
from sealring_server.command.fsck import add_fsck
from sealring_server.command.given import Outside, address_of, check_url, show
from sealring_server.command.init import add_options as init_options
from sealring_server.command.init import cmd_init
from sealring_server.command.mirror import add_mirror
from sealring_server.command.tuf import add_commands as add_tuf
from sealring_server.command.upgrade import add_upgrade

PROGRAM = Program("sealring-store", "sealring-server")
PIPE_CLOSED = 141  # what a shell reports for a program whose reader went away
INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended

EXAMPLES = (
    "sealring-store init shop --root root.json --tuf-root-key tuf-root.key",
    "sealring-store serve shop --bind 127.0.0.1:8080",
    "sealring-store status shop",
    "sealring-store status http://127.0.0.1:8080 --json",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """The program; its exit code is the family of what went wrong."""
    sys.excepthook = PROGRAM.unexpected
    sys.exit(run(sys.argv[1:] if arguments is None else arguments, Outside(system_clock, getpass.getpass)))


def run(arguments: Sequence[str], outside: Outside) -> int:
    """One command; the one place where an error becomes words and a code."""
    as_json = "--json" in arguments
    try:
        args = parser().parse_args(arguments)
        args.command(args, outside)
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
        return PROGRAM.fail(as_json, "", "interrupted", "", INTERRUPTED)
    return 0


def cmd_serve(args: argparse.Namespace, outside: Outside) -> None:
    """Serve until SIGTERM; the URL on stdout once it answers."""
    from sealring_server.logs import Logging, begin_logging
    from sealring_server.serving import ForOperator, Size, serve
    from sealring_server.settings import load_settings

    def ready(url: str) -> None:
        if args.ready_file is not None:
            write_durably(args.ready_file, url.encode())
        show(args, {"url": url}, url)

    def operator_ready(url: str) -> None:
        if args.operator_file is not None:
            write_durably(args.operator_file, url.encode())
        show(args, {"operator": url}, f"operator's page: {url}")

    begin_logging(Logging(args.log_format, args.request_log))
    host, port = address_of(args.bind)
    at = args.operator or load_settings(args.dir).operator.bind
    operator = ForOperator(*address_of(at, "--operator"), operator_ready) if at else None
    serve(args.dir, host, port, Size(args.workers, stop_seconds=args.stop_seconds), outside.clock, ready, operator)


def cmd_sign(args: argparse.Namespace, outside: Outside) -> None:
    """Sign again: a new timestamp, and a new entry when the newest is older than a day."""
    from sealring_server.here import open_store
    from sealring_server.mirror.errors import IsAMirror
    from sealring_server.schedule import sign_again
    from sealring_server.status import status_of_folder
    from sealring_server.tuf_packages import remake

    if args.dry_run:
        found = status_of_folder(args.dir, outside.clock())
        show(args, found, f"would sign entry {found['entry']['sequence']} again")
        return
    here = open_store(args.dir, outside.clock)
    if here.settings.mirror is not None:
        raise IsAMirror(here.settings.mirror.url)
    remake(here)
    entry = sign_again(here)
    expires = status_of_folder(args.dir, outside.clock())["tuf_expires"]
    line = f"signed again: entry {entry.sequence}, timestamp good until {expires['timestamp']}"
    show(args, {"entry": entry.sequence, "tuf_expires": expires}, line)


def cmd_status(args: argparse.Namespace, outside: Outside) -> None:
    """What the store holds and shows."""
    from sealring_server.status import status_of_folder, status_of_url

    is_url = args.store.startswith(("http://", "https://"))
    if is_url:
        check_url(args.store)
    found = (
        status_of_url(args.store, outside.clock()) if is_url else status_of_folder(Path(args.store), outside.clock())
    )
    lines = [f"entry {found['entry']['sequence']} of {found['entry']['time']}, {found['entry']['size']} leaves"]
    if "mirror" in found:
        lines.append(_mirror(found["mirror"]))
    if "statements" in found:
        lines += [f"{number} {kind} statements" for kind, number in found["statements"].items()]
        lines += [_expiry(name, each) for name, each in found["authorities"].items()]
        lines.append(f"{found['blobs']} images, {found['bytes']} bytes")
        lines.append(f"{found['open_publications']} open publications")
        lines += [_rollout(one) for one in found["rollouts"]]
        lines += [f"{one['release']}: halted {one['time']}, {one['reason']}" for one in found["halts"]]
    lines += [f"TUF {role} expires {at}" for role, at in found["tuf_expires"].items()]
    lines += [f"alarm: {sentence}" for sentence in found["alarms"]]
    show(args, found, "\n".join(lines))


def _rollout(found: dict[str, Any]) -> str:
    counted = f"{found['begun']} devices have begun, {found['good']} are good, {found['failed']} failed"
    return f"{found['release']}: {counted}" + (f"; {found['shown']} more are not counted" if found["shown"] else "")


def _mirror(found: dict[str, Any]) -> str:
    behind = f"all of it {found['behind_seconds']} seconds ago" if found["last_good"] else "not yet whole"
    failing = f"; failing since {found['failing_since']}: {found['why']}" if found["failing_since"] else ""
    lacking = f"; {found['images_lacking']} images lacking" if found["images_lacking"] else ""
    return f"mirror of {found['origin']}: {behind}{failing}{lacking}"


def _expiry(authority: str, found: dict[str, Any]) -> str:
    comes = f"{found['statement']} expires {found['next']}" if found["next"] else "nothing is current"
    return f"{authority}: {comes}" + (f", {found['expired']} expired before" if found["expired"] else "")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    about = "A store for sealring: publishes signed statements and images, and proves what it answers."
    top = Help(prog="sealring-store", description=about)
    top.examples = EXAMPLES
    PROGRAM.add_version(top)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_init(commands)
    _add_serve(commands)
    sign = _command(commands, "sign", cmd_sign, "sealring-store sign shop", "sealring-store sign shop --dry-run")
    sign.add_argument("dir", type=Path, metavar="DIR", help="the store's folder")
    sign.add_argument("--dry-run", action="store_true", help="say which entry would be signed again; change nothing")
    status = _command(commands, "status", cmd_status, *EXAMPLES[2:])
    status.add_argument("store", metavar="DIR|URL", help="a store's folder, or its address (nothing is verified then)")
    add_tuf(commands, _command, _group)
    add_audit(commands, _command)
    add_mirror(commands, _command)
    add_fsck(commands, _command)
    add_upgrade(commands, _command)
    add_bundle(commands, _command)
    add_backup(commands, _command)
    return top


def _add_init(commands: Any) -> None:
    init = _command(
        commands,
        "init",
        cmd_init,
        "sealring-store init shop --root root.json --tuf-root-key tuf-root.key",
        "sealring-store init shop --root root-1.json --root root-2.json --tuf-root-pub ann.pub --tuf-root-pub bob.pub",
        "sealring-store init shop --root root.json --database postgresql://store@db.example/shop",
        "sealring-store init shop --root root.json --dry-run",
    )
    init_options(init)


def _add_serve(commands: Any) -> None:
    serve = _command(
        commands,
        "serve",
        cmd_serve,
        "sealring-store serve shop",
        "sealring-store serve shop --bind 0.0.0.0:8080 --workers 4 --operator 127.0.0.1:8081",
    )
    serve.add_argument("dir", type=Path, metavar="DIR", help="the store's folder")
    bind_help = "where to listen; port 0 takes a free one (%(default)s)"
    serve.add_argument("--bind", default="127.0.0.1:8080", metavar="ADDRESS:PORT", help=bind_help)
    serve.add_argument("--workers", type=_workers, default=1, metavar="N", help="processes, 1 to 64 (%(default)s)")
    serve.add_argument("--ready-file", type=Path, metavar="FILE", help="gets the URL once the store answers")
    operator_help = "where the operator's page and /metrics are; from store.toml, or nowhere, where this is left out"
    serve.add_argument("--operator", metavar="ADDRESS:PORT", help=operator_help)
    serve.add_argument("--log-format", choices=("text", "json"), help="lines on stderr: text on a terminal, else json")
    serve.add_argument("--request-log", action="store_true", help="a line for each request: its route, never its path")
    stop_help = "for requests under way once it is told to stop, 1 to 600 (%(default)s)"
    serve.add_argument("--stop-seconds", type=_seconds, default=30, metavar="N", help=stop_help)
    serve.add_argument("--operator-file", type=Path, metavar="FILE", help="gets the URL of the operator's page")


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:4]) <= 64:
        raise argparse.ArgumentTypeError("a number from 1 to 64 needed")
    return int(text)


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:4]) <= 600:
        raise argparse.ArgumentTypeError("a number from 1 to 600 needed")
    return int(text)


def _group(commands: Any, name: str, about: str) -> Any:
    found: Help = commands.add_parser(name, help=about, description=about)
    found.examples = ("sealring-store tuf show shop", "sealring-store tuf request shop --rotate all")
    return found.add_subparsers(required=True, metavar="COMMAND")


def _command(commands: Any, name: str, command: Callable[..., None], *examples: str) -> argparse.ArgumentParser:
    text = command.__doc__ or ""
    found: Help = commands.add_parser(name, help=(text[0].lower() + text[1:]).removesuffix("."), description=text)
    found.examples = examples
    found.add_argument("--json", action="store_true", help="one object on stdout; an error is one on stderr")
    found.set_defaults(command=command)
    return found


if __name__ == "__main__":
    main()
