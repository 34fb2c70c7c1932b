"""`sealring key`: make key files, put them under another passphrase, and show what keys are where."""

import errno
from pathlib import Path

import click
import msgspec

from sealring.command.files import EXISTING, NEW, about, json_option
from sealring.command.meaning import Rows, describe_key
from sealring.command.objects import key_object
from sealring.command.output import Output, Sheet
from sealring.command.outside import Outside
from sealring.command.passphrase import Secrets, get_passphrase, passphrase_options, secret_options
from sealring.command.signer import PLACE, find_key
from sealring.durable import create_durably
from sealring.keyfile import (
    KEY_TYPES,
    STRENGTHS,
    KeyFile,
    KeyType,
    Strength,
    create_key_file,
    load_key_file,
    public_file,
    rewrap_key_file,
    wipe,
)
from sealring.keys import PublicKey
from sealring.keystores import is_uri
from sealring.names import Name

_KDF = "Memory that each guess of the passphrase costs: interactive 64 MiB, moderate 256 MiB, sensitive 1 GiB."


@click.group(
    **about(
        "Make and show key files, and find the keys of tokens and clouds.",
        "sealring key create alice.key --name alice",
        "sealring key rewrap alice.key --kdf sensitive",
        "sealring key show alice.key",
        "sealring key import 'hsm:2?label=root-1' --name alice",
    )
)
def key() -> None:
    """The group; its help is above."""


@key.command(
    "create",
    **about(
        "Draw a key. It is kept under a passphrase in FILE (mode 0600), and its public half beside it in"
        " NAME.pub. The passphrase is asked for; it is never taken from an argument or the environment.",
        "sealring key create alice.key --name alice",
        "sealring key create alice-pq.key --name alice-pq --type ml-dsa-65",
    ),
)
@click.argument("file", type=NEW)
@click.option("--name", required=True, help="How statements call the key; lower case.")
@click.option("--type", "kind", type=click.Choice(KEY_TYPES), default="ed25519", show_default=True, help="Of the key.")
@click.option("--kdf", type=click.Choice(list(STRENGTHS)), default="moderate", show_default=True, help=_KDF)
@passphrase_options
@json_option
@click.pass_obj
def create_key(
    outside: Outside, file: Path, name: str, kind: KeyType, kdf: Strength, secrets: Secrets, as_json: bool
) -> None:
    """Create a key file and its public half."""
    _check_name(name)
    public_path = file.parent / f"{name}.pub"
    for path in (file, public_path):  # before the person is asked; what counts is that creating never replaces
        _check_free(path)
    passphrase = get_passphrase(outside, secrets, name, confirm=True)
    try:
        public = create_key_file(file, name, passphrase, strength=kdf, kind=kind)
    finally:
        wipe(passphrase)
    create_durably(public_path, public_file(public))
    output = Output(outside)
    if as_json:
        output.object({"file": str(file), "public_file": str(public_path), **key_object(public)})
        return
    output.sheet(Sheet(f"new key in {file}, public half in {public_path}", list(describe_key(public))))
    output.note("next: keep a copy of the file and, apart from it, of the passphrase; without both the key is lost")


@key.command(
    "rewrap",
    **about(
        "Put a key file under another passphrase, or make each guess of it dearer. The key stays the same; after a"
        " power cut FILE is the old one or the new one. Without --kdf the parameters stay as they are.",
        "sealring key rewrap alice.key",
        "sealring key rewrap alice.key --kdf sensitive --keep-passphrase",
    ),
)
@click.argument("file", type=EXISTING)
@click.option("--kdf", type=click.Choice(list(STRENGTHS)), help=_KDF)
@click.option("--keep-passphrase", is_flag=True, help="Change the parameters only; goes with --kdf.")
@passphrase_options
@secret_options("new-", "new_secrets", "new passphrase")
@json_option
@click.pass_obj
def rewrap_key(
    outside: Outside,
    file: Path,
    kdf: Strength | None,
    keep_passphrase: bool,
    secrets: Secrets,
    new_secrets: Secrets,
    as_json: bool,
) -> None:
    """Change a key file's passphrase, parameters, or both."""
    if keep_passphrase and (kdf is None or new_secrets.is_given):
        raise click.UsageError("--keep-passphrase goes with --kdf, and with no new passphrase")
    name = load_key_file(file).name
    old = get_passphrase(outside, secrets, name)
    new = bytearray()
    try:
        new = old[:] if keep_passphrase else _new_passphrase(outside, new_secrets, name)
        found = rewrap_key_file(file, old, new, strength=kdf)
    finally:
        wipe(old)
        wipe(new)
    output = Output(outside)
    if as_json:
        output.object({"file": str(file), "kdf": msgspec.to_builtins(found.kdf), **key_object(found.public_key)})
        return
    output.sheet(Sheet(f"rewrapped {file}, the key is the same", list(key_rows(found))))
    output.note("next: replace its copies too; each of them still opens with the passphrase that it had")


@key.command(
    "show",
    **about(
        "The public part of a key: of a key file, or of a token or a cloud.",
        "sealring key show alice.key",
        "sealring key show 'hsm:2?label=root-1'",
    ),
)
@click.argument("where", type=PLACE, metavar="FILE|URI")
@passphrase_options
@json_option
@click.pass_obj
def show_key(outside: Outside, where: str, secrets: Secrets, as_json: bool) -> None:
    """The public part of a key; a secret is asked for only where a token hides even that."""
    output = Output(outside)
    if is_uri(where):
        public = find_key(outside, where, secrets).public
        rows, title = _foreign_rows(public, where), f"key {where}"
    else:
        found = load_key_file(Path(where))
        public, rows, title = found.public_key, key_rows(found), f"key file of {found.name}"
    if as_json:
        output.object(key_object(public))
    else:
        output.sheet(Sheet(title, list(rows)))


@key.command(
    "import",
    **about(
        "Write the public half of a key that a token or a cloud keeps to NAME.pub. The private half stays there:"
        " `sealring sign` takes the same URI in place of a key file. docs/key-stores.md has the URIs.",
        "sealring key import 'hsm:2?label=root-1' --name alice",
        "sealring key import awskms:alias/root-1 --name alice -o keys/alice.pub",
    ),
)
@click.argument("uri")
@click.option("--name", required=True, help="How statements call the key; lower case.")
@click.option("-o", "--output", "out", type=NEW, help="Where its public half goes; NAME.pub here if left out.")
@passphrase_options
@json_option
@click.pass_obj
def import_key(outside: Outside, uri: str, name: str, out: Path | None, secrets: Secrets, as_json: bool) -> None:
    """The public file of a key that stays where it is."""
    if not is_uri(uri):
        raise click.UsageError(f"{uri!a:.100} is no URI, such as hsm:2?label=root-1; a key file has its .pub already")
    _check_name(name)
    path = out or Path(f"{name}.pub")
    _check_free(path)
    found = find_key(outside, uri, secrets).public
    public = PublicKey(name, found.type, found.public)
    create_durably(path, public_file(public))
    output = Output(outside)
    if as_json:
        output.object({"uri": uri, "public_file": str(path), **key_object(public)})
        return
    output.sheet(Sheet(f"key {uri}, public half in {path}", list(describe_key(public))))
    output.note(f"next: sign with `sealring sign FILE --key '{uri}'`")


def _new_passphrase(outside: Outside, secrets: Secrets, name: str) -> bytearray:
    return get_passphrase(outside, secrets, name, what="new passphrase", confirm=True)


def key_rows(found: KeyFile) -> Rows:
    """What can be said of a key file without its passphrase."""
    kdf = found.kdf
    guess = f"{kdf.algorithm}, {kdf.operations} operations over {kdf.memory // 2**20} MiB"
    return [*describe_key(found.public_key), ("passphrase guess", guess)]


def _foreign_rows(public: PublicKey, where: str) -> Rows:
    return [*describe_key(public), ("kept in", where)]


def _check_name(name: str) -> None:
    try:
        msgspec.convert(name, Name)
    except msgspec.ValidationError:
        reason = "lower-case letters and digits, with single hyphens between, at most 40"
        raise click.UsageError(f"--name {name!a:.60}: {reason}") from None


def _check_free(path: Path) -> None:
    if path.exists():
        raise FileExistsError(errno.EEXIST, "exists already and is never overwritten", str(path))
