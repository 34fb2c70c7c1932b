"""`sealring-store`: make, serve, sign again and look at a store."""

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from securesystemslib.signer import Signer

from sealring.durable import write_durably
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import SealringError
from sealring.keyfile import TufSigner, create_key_file, load_key_file, open_key
from sealring_server.clock import system_clock

EXAMPLES = (
    "sealring-store init shop --root root.1.json --tuf-root-key tuf-root.key",
    "sealring-store serve shop --bind 127.0.0.1:8080",
    "sealring-store status shop",
    "sealring-store status http://127.0.0.1:8080 --json",
)


class Help(argparse.ArgumentParser):
    """Help that begins with examples."""

    examples: tuple[str, ...] = ()

    def format_help(self) -> str:
        """What `--help` prints."""
        lines = "".join(f"  {example}\n" for example in self.examples)
        return f"examples:\n{lines}\n{super().format_help()}"


@dataclass(frozen=True)
class Outside:
    """All that a command may touch apart from the files that it is given."""

    clock: Callable[[], datetime]
    ask_secret: Callable[[str], str]


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


def main(arguments: Sequence[str] | None = None) -> None:
    """The program; its exit code is the family of what went wrong."""
    args = parser().parse_args(arguments)
    sys.exit(run(args, Outside(system_clock, getpass.getpass)))


def run(args: argparse.Namespace, outside: Outside) -> int:
    """One command; the one place where an error becomes words and a code."""
    try:
        args.command(args, outside)
    except SealringError as err:
        return _complain(args, err.exit_code, err.rule, str(err), err.hint())
    except FileNotFoundError as err:
        return _complain(args, 11, "", f"{err.filename}: not there", "check the path")
    except OSError as err:
        return _complain(args, 12, "", f"{err.filename or 'disk'}: {err.strerror or err}", "")
    return 0


def cmd_init(args: argparse.Namespace, outside: Outside) -> None:
    """Make a store: its folder, its online key, and the TUF root that the security team pins."""
    from sealring_server.making import check_root, make_store

    raw = _read(args.root, MAX_ENVELOPE)
    root = check_root(args.dir, raw, outside.clock())
    if args.dry_run:
        _show(args, {"would_make": str(args.dir), "root_id": root}, f"would make {args.dir} under root {root}")
        return
    key_file, is_new = _tuf_root_key(args, outside)
    pin = make_store(args.dir, raw, _open(key_file, args, outside), outside.clock)
    found = {"store": str(args.dir), "tuf_root": str(args.dir / "1.root.json"), "version": pin.version}
    found |= {"sha256": pin.sha256, "tuf_root_key": str(key_file), "root_id": root}
    lines = [
        f"store made in {args.dir}",
        f"pin this in the store assertion: TUF root version {pin.version}, sha256 {pin.sha256}",
    ]
    if is_new:
        lines.append(f"now take {key_file} offline: move it to a medium that is kept away from this machine")
    _show(args, found, "\n".join(lines))


def cmd_serve(args: argparse.Namespace, outside: Outside) -> None:
    """Serve until SIGTERM; the URL on stdout once it answers."""
    from sealring_server.serving import Size, serve

    def ready(url: str) -> None:
        if args.ready_file is not None:
            write_durably(args.ready_file, url.encode())
        _show(args, {"url": url}, url)

    host, port = _address(args.bind)
    serve(args.dir, host, port, Size(args.workers), outside.clock, ready)


def cmd_sign(args: argparse.Namespace, outside: Outside) -> None:
    """Sign again: a new timestamp, and a new entry when the newest is older than a day."""
    from sealring_server.commit import sign_again
    from sealring_server.here import open_store
    from sealring_server.status import status_of_folder

    if args.dry_run:
        found = status_of_folder(args.dir)
        _show(args, found, f"would sign entry {found['entry']['sequence']} again")
        return
    entry = sign_again(open_store(args.dir, outside.clock))
    expires = status_of_folder(args.dir)["tuf_expires"]
    line = f"signed again: entry {entry.sequence}, timestamp good until {expires['timestamp']}"
    _show(args, {"entry": entry.sequence, "tuf_expires": expires}, line)


def cmd_status(args: argparse.Namespace, _outside: Outside) -> None:
    """What the store holds and shows."""
    from sealring_server.status import status_of_folder, status_of_url

    is_url = args.store.startswith(("http://", "https://"))
    found = status_of_url(args.store) if is_url else status_of_folder(Path(args.store))
    lines = [f"entry {found['entry']['sequence']} of {found['entry']['time']}, {found['entry']['size']} leaves"]
    if "statements" in found:
        lines += [f"{number} {kind} statements" for kind, number in found["statements"].items()]
        lines.append(f"{found['blobs']} images, {found['bytes']} bytes")
        lines.append(f"{found['open_publications']} open publications")
    lines += [f"TUF {role} expires {at}" for role, at in found["tuf_expires"].items()]
    _show(args, found, "\n".join(lines))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    about = "A store for sealring: publishes signed statements and images, and proves what it answers."
    top = Help(prog="sealring-store", description=about)
    top.examples = EXAMPLES
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    init = _command(commands, "init", cmd_init, "sealring-store init shop --root root.1.json")
    init.add_argument("dir", type=Path, metavar="DIR", help="the store's folder, made when it is not there")
    init.add_argument("--root", type=Path, required=True, help="the root assertion that the store's devices trust")
    init.add_argument("--tuf-root-key", type=Path, help="key file for the TUF root; without it one is made beside DIR")
    init.add_argument("--passphrase-file", type=Path, help="holds that key's passphrase; asked for otherwise")
    init.add_argument("--dry-run", action="store_true", help="check, and change nothing")
    serve = _command(commands, "serve", cmd_serve, "sealring-store serve shop --bind 0.0.0.0:8080")
    serve.add_argument("dir", type=Path, metavar="DIR")
    serve.add_argument("--bind", default="127.0.0.1:8080", help="ADDRESS:PORT; port 0 takes a free one (%(default)s)")
    serve.add_argument("--workers", type=int, default=1, help="processes (%(default)s)")
    serve.add_argument("--ready-file", type=Path, help="gets the URL once the store answers")
    sign = _command(commands, "sign", cmd_sign, "sealring-store sign shop")
    sign.add_argument("dir", type=Path, metavar="DIR")
    sign.add_argument("--dry-run", action="store_true", help="change nothing")
    status = _command(commands, "status", cmd_status, "sealring-store status shop --json")
    status.add_argument("store", metavar="DIR|URL", help="a store's folder, or its address")
    return top


def _command(commands: Any, name: str, command: Callable[..., None], example: str) -> argparse.ArgumentParser:
    text = command.__doc__ or ""
    found: Help = commands.add_parser(name, help=text[0].lower() + text[1:], description=text)
    found.examples = (example,)
    found.add_argument("--json", action="store_true", help="one object on stdout; an error is one on stderr")
    found.set_defaults(command=command)
    return found


def _tuf_root_key(args: argparse.Namespace, outside: Outside) -> tuple[Path, bool]:
    """The key file for the TUF root, and whether it was made now."""
    if args.tuf_root_key is not None:
        return args.tuf_root_key, False
    path = args.dir.parent / f"{args.dir.name}-tuf-root.key"
    if path.exists():
        raise Usage(f"{path} is there already", f"give it by --tuf-root-key {path}, or move it away")
    create_key_file(path, "tuf-root", _passphrase(args, outside, "new passphrase for the TUF root's key: "))
    return path, True


def _open(key_file: Path, args: argparse.Namespace, outside: Outside) -> Signer:
    found = load_key_file(key_file)
    return TufSigner(open_key(found, _passphrase(args, outside, f"passphrase of {key_file}: ")))


def _passphrase(args: argparse.Namespace, outside: Outside, prompt: str) -> bytes:
    """From the file, or asked for; never an argument, which every user of the machine could read."""
    if args.passphrase_file is not None:
        found = _read(args.passphrase_file, 4096).rstrip(b"\n")
    elif sys.stdin.isatty():
        found = outside.ask_secret(prompt).encode()
    else:
        raise Usage("no passphrase, and no terminal to ask on", "give --passphrase-file FILE")
    if not found:
        raise Usage("an empty passphrase", "choose one of several words")
    return found


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit + 1)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise Usage(f"--bind {text}: no ADDRESS:PORT", "such as --bind 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _show(args: argparse.Namespace, found: dict[str, Any], line: str) -> None:
    print(json.dumps(found) if args.json else line, flush=True)


def _complain(args: argparse.Namespace, code: int, rule: str, message: str, hint: str) -> int:
    if args.json:
        print(json.dumps({"rule": rule, "message": message, "hint": hint}), file=sys.stderr)
        return code
    print(f"sealring-store: {message}" + (f" [{rule}]" if rule else ""), file=sys.stderr)
    if hint:
        print(f"sealring-store: hint: {hint}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
