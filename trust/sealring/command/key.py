"""`sealring key`: make and show key files."""

import errno
from pathlib import Path

import click
import msgspec

from sealring.command.files import EXISTING, NEW, about, json_option
from sealring.command.meaning import Rows, describe_key
from sealring.command.objects import key_object
from sealring.command.output import Output, Sheet
from sealring.command.outside import Outside
from sealring.command.passphrase import Secrets, get_passphrase, passphrase_options
from sealring.durable import create_durably
from sealring.keyfile import STRENGTHS, KeyFile, Strength, create_key_file, load_key_file, public_file
from sealring.names import Name


@click.group(
    **about("Make and show key files.", "sealring key create alice.key --name alice", "sealring key show alice.key")
)
def key() -> None:
    """The group; its help is above."""


@key.command(
    "create",
    **about(
        "Draw an Ed25519 key. It is kept under a passphrase in FILE (mode 0600), and its public half beside it in"
        " NAME.pub. The passphrase is asked for; it is never taken from an argument or the environment.",
        "sealring key create alice.key --name alice",
    ),
)
@click.argument("file", type=NEW)
@click.option("--name", required=True, help="How statements call the key; lower case.")
@click.option(
    "--kdf",
    type=click.Choice(list(STRENGTHS)),
    default="moderate",
    show_default=True,
    help="Memory that each guess of the passphrase costs: interactive 64 MiB, moderate 256 MiB, sensitive 1 GiB.",
)
@passphrase_options
@json_option
@click.pass_obj
def create_key(
    outside: Outside,
    file: Path,
    name: str,
    kdf: Strength,
    secrets: Secrets,
    as_json: bool,
) -> None:
    """Create a key file and its public half."""
    _check_name(name)
    public_path = file.parent / f"{name}.pub"
    for path in (file, public_path):  # before the person is asked; what counts is that creating never replaces
        if path.exists():
            raise FileExistsError(errno.EEXIST, "exists already and is never overwritten", str(path))
    passphrase = get_passphrase(outside, secrets, name, confirm=True)
    public = create_key_file(file, name, passphrase, strength=kdf)
    create_durably(public_path, public_file(public))
    output = Output(outside)
    if as_json:
        output.object({"file": str(file), "public_file": str(public_path), **key_object(public)})
        return
    output.sheet(Sheet(f"new key in {file}, public half in {public_path}", list(describe_key(public))))
    output.note("next: keep a copy of the file and, apart from it, of the passphrase; without both the key is lost")


def _check_name(name: str) -> None:
    try:
        msgspec.convert(name, Name)
    except msgspec.ValidationError:
        reason = "lower-case letters and digits, with single hyphens between, at most 40"
        raise click.UsageError(f"--name {name!a:.60}: {reason}") from None


@key.command("show", **about("The public part of a key file.", "sealring key show alice.key"))
@click.argument("file", type=EXISTING)
@json_option
@click.pass_obj
def show_key(outside: Outside, file: Path, as_json: bool) -> None:
    """The public part of a key file; the passphrase is not needed."""
    found, output = load_key_file(file), Output(outside)
    if as_json:
        output.object(key_object(found.public_key))
    else:
        output.sheet(Sheet(f"key file of {found.name}", list(key_rows(found))))


def key_rows(found: KeyFile) -> Rows:
    """What can be said of a key file without its passphrase."""
    kdf = found.kdf
    guess = f"{kdf.algorithm}, {kdf.operations} operations over {kdf.memory // 2**20} MiB"
    return [*describe_key(found.public_key), ("passphrase guess", guess)]
