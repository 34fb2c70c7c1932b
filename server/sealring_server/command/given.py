"""What a command of `sealring-store` is given: files, a passphrase, an address."""

import argparse
import errno
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from securesystemslib.signer import Signer

from sealring.keyfile import create_key_file, parse_public_file
from sealring.keyfile.form import MAX_PUBLIC_FILE
from sealring.keyfile.tuf import TufSigner
from sealring.keys import PublicKey
from sealring.keystores import is_uri, load_signer
from sealring.words import Usage
from sealring_server.key_folder import ONLINE_ROLES, Role

if TYPE_CHECKING:
    from sealring_server.tuf_roots import KeptKey


@dataclass(frozen=True)
class Outside:
    """All that a command may touch apart from the files that it is given."""

    clock: Callable[[], datetime]
    ask_secret: Callable[[str], str]


def tuf_root_key(args: argparse.Namespace, outside: Outside) -> tuple[str, bool]:
    """Where the key for the TUF root is, a file or a URI, and whether it was made now."""
    if args.tuf_root_key is not None:
        return args.tuf_root_key, False
    path = args.dir.parent / f"{args.dir.name}-tuf-root.key"
    if path.exists():
        raise Usage(f"{path} is there already", f"give it by --tuf-root-key {path}, or move it away")
    create_key_file(path, "tuf-root", _passphrase(args, outside, "new passphrase for the TUF root's key: "))
    return str(path), True


@contextmanager
def open_signer(place: str, args: argparse.Namespace, outside: Outside) -> Iterator[Signer]:
    """The key at this place, for python-tuf; it is let go of at the end."""
    if not is_uri(place):
        _check_plain(Path(place))

    def ask(what: str, name: str) -> bytearray:
        return bytearray(_passphrase(args, outside, f"{what} of {name}: "))

    with load_signer(place, ask).open() as signer:
        yield TufSigner(signer)


def public_keys(paths: Sequence[Path]) -> list[PublicKey]:
    """The public keys in these files."""
    return [parse_public_file(read_file(path, MAX_PUBLIC_FILE)) for path in paths]


def kept_keys(args: argparse.Namespace) -> "dict[Role, KeptKey | None]":
    """Where the keys of online roles are kept that get no key file: --online ROLE=PLACE, --online-secret ROLE=WHERE."""
    from sealring_server.tuf_roots import KeptKey

    places, secrets = _by_role("--online", args.online), _by_role("--online-secret", args.online_secret)
    for role, where in secrets.items():
        if role not in places or not re.fullmatch(r"file:.+|credential:[A-Za-z0-9._-]+", where):
            raise Usage(
                f"--online-secret {role}={where}", "file:PATH or credential:NAME, with --online for the same role"
            )
    absolute = {role: _absolute(where) for role, where in secrets.items()}
    return {role: KeptKey(place, absolute.get(role, "none")) for role, place in places.items()}


def show(args: argparse.Namespace, found: dict[str, Any], line: str) -> None:
    """One object with --json, else words."""
    print(json.dumps(found) if args.json else line, flush=True)


def _by_role(option: str, given: Sequence[str]) -> dict[Role, str]:
    found: dict[Role, str] = {}
    for text in given:
        role, _, place = text.partition("=")
        if role not in ONLINE_ROLES or not place or role in found:
            raise Usage(f"{option} {text}", f"once for each of {', '.join(ONLINE_ROLES)}, as ROLE=...")
        found[role] = place
    return found


def _absolute(where: str) -> str:
    kind, _, place = where.partition(":")
    return f"file:{Path(place).absolute()}" if kind == "file" else where


def _passphrase(args: argparse.Namespace, outside: Outside, prompt: str) -> bytes:
    """From the file, or asked for; never an argument, which every user of the machine could read."""
    if args.passphrase_file is not None:
        found = read_file(args.passphrase_file, 4096).rstrip(b"\n")
    elif sys.stdin.isatty():
        found = outside.ask_secret(prompt).encode()
    else:
        raise Usage("no passphrase, and no terminal to ask on", "give --passphrase-file FILE")
    if not found:
        raise Usage("an empty passphrase", "choose one of several words")
    return found


def read_file(path: Path, limit: int) -> bytes:
    _check_plain(path)
    with path.open("rb") as file:
        return file.read(limit + 1)


def check_url(text: str) -> None:
    try:
        parts = urlsplit(text)
        host, _ = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:
        host = b""
    if not host:
        raise Usage(f"{text!a:.100} is no address", "such as http://127.0.0.1:8080")


def address_of(text: str, option: str = "--bind") -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise Usage(f"{option} {text}: no ADDRESS:PORT", f"such as {option} 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _check_plain(path: Path) -> None:
    # A pipe that nobody writes to would hold the command for ever.
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is no plain file", str(path))
