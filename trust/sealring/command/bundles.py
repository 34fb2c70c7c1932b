"""`sealring bundle`: several statements in one file, and what is in one."""

from pathlib import Path

import click

from sealring.bundle import StatementEntry, open_entries, write_bundle
from sealring.bundle.form import MAGIC
from sealring.chain import Claim, read_claim
from sealring.command.bundle_fetch import fetch_bundle
from sealring.command.files import EXISTING, NEW, about, json_option, load_claim
from sealring.command.output import Output, Sheet, counted
from sealring.command.outside import Outside
from sealring.command.show import BUNDLE_HEADS, bundle_object, bundle_rows
from sealring.durable import create_durably


def load_claims(path: Path) -> list[Claim]:
    """What the statements in this file claim to be, unverified: of a bundle all of them, else the one."""
    with open(path, "rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            return [load_claim(path)]
        stream.seek(0)
        entries = open_entries(stream, image_limit=2**63 - 1)
        return [read_claim(entry.envelope) for entry in entries if isinstance(entry, StatementEntry)]


@click.group(
    **about(
        "Put statements into one file, fetch what is released, or list it.",
        "sealring bundle create -o update.bundle release-2.json tool-2.json",
        "sealring bundle list update.bundle",
        "sealring bundle fetch https://store.example --root root.json --model acme/door-1 -o released.bundle",
    )
)
def bundle() -> None:
    """The group; its help is above."""


bundle.add_command(fetch_bundle)


@bundle.command(
    "create", **about("Bundle signed statements.", "sealring bundle create -o update.bundle release-2.json tool-2.json")
)
@click.argument("statements", nargs=-1, required=True, type=EXISTING, metavar="STATEMENT...")
@click.option("-o", "--output", type=NEW, required=True, help="The new bundle; must not exist yet.")
@json_option
@click.pass_obj
def create_bundle(outside: Outside, statements: tuple[Path, ...], output: Path, as_json: bool) -> None:
    """Make a bundle of assertions; each must at least be well formed."""
    claims = [load_claim(path) for path in statements]
    raw = write_bundle([StatementEntry(claim.envelope.raw) for claim in claims])
    create_durably(output, raw)
    if as_json:
        Output(outside).object({"bundle": str(output), "statements": len(claims), "bytes": len(raw)})
    else:
        Output(outside).line(f"{counted(len(claims), 'statement')}, {len(raw)} bytes: {output}")


@bundle.command("list", **about("What is in a bundle.", "sealring bundle list update.bundle"))
@click.argument("file", type=EXISTING)
@json_option
@click.pass_obj
def list_bundle(outside: Outside, file: Path, as_json: bool) -> None:
    """One line an entry; nothing is verified."""
    with open(file, "rb") as stream:
        rows = bundle_rows(stream)
    if as_json:
        Output(outside).object(bundle_object(rows))
    else:
        Output(outside).sheet(Sheet("bundle", rows, BUNDLE_HEADS))
