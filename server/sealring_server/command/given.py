"""What a command of `sealring-store` is given: files, a passphrase, an address."""

import argparse
import errno
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from securesystemslib.signer import Signer

from sealring.keyfile import create_key_file, load_key_file, open_key
from sealring.keyfile.tuf import TufSigner
from sealring.words import Usage


@dataclass(frozen=True)
class Outside:
    """All that a command may touch apart from the files that it is given."""

    clock: Callable[[], datetime]
    ask_secret: Callable[[str], str]


def tuf_root_key(args: argparse.Namespace, outside: Outside) -> tuple[Path, bool]:
    """The key file for the TUF root, and whether it was made now."""
    if args.tuf_root_key is not None:
        return args.tuf_root_key, False
    path = args.dir.parent / f"{args.dir.name}-tuf-root.key"
    if path.exists():
        raise Usage(f"{path} is there already", f"give it by --tuf-root-key {path}, or move it away")
    create_key_file(path, "tuf-root", _passphrase(args, outside, "new passphrase for the TUF root's key: "))
    return path, True


def open_signer(key_file: Path, args: argparse.Namespace, outside: Outside) -> Signer:
    _check_plain(key_file)
    found = load_key_file(key_file)
    return TufSigner(open_key(found, _passphrase(args, outside, f"passphrase of {key_file}: ")))


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


def address_of(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise Usage(f"--bind {text}: no ADDRESS:PORT", "such as --bind 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _check_plain(path: Path) -> None:
    # A pipe that nobody writes to would hold the command for ever.
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is no plain file", str(path))
