"""`sealring review` and `sealring sign`: read it in plain words, then put one more signature on it."""

from pathlib import Path

import click

from sealring.chain import Claim
from sealring.command.authority import (
    Needed,
    check_useful,
    load_replaced,
    needed_sets,
    progress_object,
    show_progress,
)
from sealring.command.files import EXISTING, about, json_option, load_claim
from sealring.command.meaning import describe, difference
from sealring.command.objects import Object, statement_object
from sealring.command.output import Output, Sheet
from sealring.command.outside import Outside
from sealring.command.passphrase import Secrets, passphrase_options
from sealring.command.signer import find_key, key_option
from sealring.durable import write_durably
from sealring.signing import add_signature
from sealring.statement import Common

_replaces = click.option("--replaces", type=EXISTING, help="What it replaces: the difference is shown.")
_root = click.option("--root", type=EXISTING, help="The root in force: tells whose signatures are missing.")
_brand = click.option("--brand", type=EXISTING, help="The brand's assertion in force: the same.")


@click.command(
    **about(
        "Say in plain words what an assertion means, what changes, and who has signed. It decides no trust:"
        " `sealring verify` does.",
        "sealring review release-2.json --replaces release-1.json",
    )
)
@click.argument("file", type=EXISTING)
@_replaces
@_root
@_brand
@json_option
@click.pass_obj
def review(
    outside: Outside, file: Path, replaces: Path | None, root: Path | None, brand: Path | None, as_json: bool
) -> None:
    """The review of one file."""
    claim, output = load_claim(file), Output(outside)
    before = load_replaced(replaces, claim)
    sets = _sets(claim, root, brand, before)  # before a word is said, so that a bad file leaves no half of a result
    if as_json:
        output.object(_object(claim, before, sets))
        return
    show_review(output, claim, before)
    show_progress(output, claim.envelope, sets)


@click.command(
    **about(
        "Show the review, ask, and add one signature in place. Counter-signing is the same command.",
        "sealring sign release-2.json --key alice.key --replaces release-1.json --brand acme.json",
        "sealring sign release-2.json --key bob.key --passphrase-file bob.pass --yes",
    )
)
@click.argument("file", type=EXISTING)
@key_option
@_replaces
@_root
@_brand
@click.option("--yes", is_flag=True, help="Do not ask; for scripts that have shown the review elsewhere.")
@passphrase_options
@json_option
@click.pass_obj
def sign(
    outside: Outside,
    file: Path,
    key: str,
    replaces: Path | None,
    root: Path | None,
    brand: Path | None,
    yes: bool,
    secrets: Secrets,
    as_json: bool,
) -> None:
    """One signature by one key."""
    if as_json and not yes:
        raise click.UsageError("--json goes with --yes: a person is asked after a review in words")
    claim, output, holder = load_claim(file), Output(outside), find_key(outside, key, secrets)
    before = load_replaced(replaces, claim)
    sets = _sets(claim, root, brand, before)
    check_useful(claim, sets, holder.public)
    if not as_json:
        show_review(output, claim, before)
    if not yes:
        _ask(outside, f"sign this as {holder.public.name}?")
    # Exactly what was reviewed is signed: the file is not read again, so it can't be swapped in between.
    with holder.open() as signer:
        signed = add_signature(claim.envelope, signer)
    write_durably(file, signed.raw)
    if as_json:
        said = _object(Claim(claim.statement, signed), before, sets)
        output.object({"file": str(file), "signed_by": holder.public.name, **said})
        return
    output.line(f"signed by {holder.public.name}: {file}")
    show_progress(output, signed, sets)


def show_review(output: Output, claim: Claim, before: Common | None) -> None:
    """Meaning, and the difference from what it replaces."""
    statement = claim.statement
    rows = [*describe(statement), ("id", claim.envelope.id)]
    output.sheet(Sheet(f"{statement.title}, sequence {statement.sequence}", list(rows)))
    if before is not None:
        changes = difference(before, statement)
        title = f"what changes from {before.title}, sequence {before.sequence}"
        output.sheet(Sheet(title, list(changes), ("what", "before", "after")))


def _object(claim: Claim, before: Common | None, sets: list[Needed]) -> Object:
    changes = difference(before, claim.statement) if before is not None else []
    rows = [{"what": what, "before": old, "after": new} for what, old, new in changes]
    return {**statement_object(claim), "changes": rows, "progress": progress_object(claim.envelope, sets)}


def _sets(claim: Claim, root: Path | None, brand: Path | None, before: Common | None) -> list[Needed]:
    above = load_claim(root).statement if root else None
    own = load_claim(brand).statement if brand else None
    return needed_sets(claim, above, own, before)


def _ask(outside: Outside, question: str) -> None:
    if not outside.interactive:
        raise click.UsageError("nobody can be asked here: give --yes after the review")
    if not click.confirm(question, err=True):
        raise click.Abort
