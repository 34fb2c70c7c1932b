"""`sealring review` and `sealring sign`: read it in plain words, then put one more signature on it.

FILE is an envelope, to which the holder brings the context by options, or a request, which carries it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from sealring.chain import Claim, read_claim
from sealring.command.authority import (
    ForeignKey,
    check_useful,
    load_replaced,
    needed_sets,
    progress_object,
    show_other_half,
    show_progress,
)
from sealring.command.ceremony import judge_request, request_object, show_request, show_standing
from sealring.command.files import EXISTING, about, json_option, load_claim, read_file
from sealring.command.meaning import describe, difference
from sealring.command.objects import Object, statement_object
from sealring.command.output import Output, Sheet, counted
from sealring.command.outside import Outside
from sealring.command.passphrase import Secrets, passphrase_options
from sealring.command.signer import PLACE, FoundKey, find_key
from sealring.command.tuf_request import TUF_BEGINS, RootGiven, review_root, sign_root
from sealring.durable import write_durably
from sealring.keys import KeySet, PublicKey, signed_by
from sealring.request.form import BEGINS, MAX_REQUEST, Request, parse_request
from sealring.request.judge import Item, Judged
from sealring.request.merge import OtherRequest
from sealring.request.standing import Needed
from sealring.signing import Signer, add_signature
from sealring.statement import Common

_replaces = click.option(
    "--replaces", type=EXISTING, multiple=True, help="What it replaces: the difference is shown. Repeat for a request."
)
_root = click.option(
    "--root",
    type=EXISTING,
    multiple=True,
    help="The root that you trust; of a request, later versions after it; of a TUF root, the store's TUF roots.",
)
_brand = click.option("--brand", type=EXISTING, multiple=True, help="The brand's assertion in force, as you have it.")


@dataclass(frozen=True)
class Given:
    """What the holder brought: the file, and assertions of their own."""

    file: Path
    raw: bytes
    replaces: tuple[Path, ...]
    root: tuple[Path, ...]
    brand: tuple[Path, ...]

    @property
    def is_request(self) -> bool:
        """Whether the file is a request; else it is an envelope."""
        return self.raw.startswith(BEGINS)

    def judged(self) -> tuple[Request, Judged]:
        """The request in the file, judged from the holder's root and with the holder's other assertions."""
        request = parse_request(self.raw)
        more = [load_claim(path) for path in (*self.brand, *self.replaces)]
        return request, judge_request(request, self.root, more)

    def only_root(self) -> RootGiven:
        """The request for a store's TUF root in the file, with the TUF roots that the holder trusts."""
        if self.replaces or self.brand:
            raise click.UsageError("with a TUF root only --root goes: the TUF roots that you trust, oldest first")
        return RootGiven(self.file, self.raw, self.root)

    def claim(self) -> tuple[Claim, Common | None, list[Needed]]:
        """The envelope in the file, what it replaces, and the key sets that count for it."""
        if len(self.replaces) > 1 or len(self.brand) > 1:
            raise click.UsageError("one --replaces and one --brand go with one assertion; several with a request")
        claim = read_claim(self.raw)
        before = load_replaced(self.replaces[0] if self.replaces else None, claim)
        above = load_claim(self.root[-1]).statement if self.root else None
        own = load_claim(self.brand[0]).statement if self.brand else None
        return claim, before, needed_sets(claim, above, own, before)


@click.command(
    **about(
        "Say in plain words what an assertion or a request means, what changes, and who has signed. A request's context"
        " is verified from --root.",
        "sealring review release-2.json --replaces release-1.json",
        "sealring review rotation.request --root root.json",
    )
)
@click.argument("file", type=EXISTING)
@_replaces
@_root
@_brand
@json_option
@click.pass_obj
def review(outside: Outside, /, file: Path, as_json: bool, **options: Any) -> None:
    """The review of one file."""
    given, output = Given(file, read_file(file, MAX_REQUEST), **options), Output(outside)
    if given.raw.startswith(TUF_BEGINS):
        review_root(outside, given.only_root(), as_json)
        return
    if given.is_request:
        request, judged = given.judged()
        if as_json:
            output.object(request_object(request, judged, outside.clock()))
        else:
            show_request(outside, request, judged)
        return
    claim, before, sets = given.claim()  # before a word is said, so that a bad file leaves no half of a result
    if as_json:
        output.object(_object(claim, before, sets))
        return
    show_review(output, claim, before)
    show_progress(output, claim.envelope, sets)
    show_other_half(output, claim, sets)


@click.command(
    **about(
        "Show the review, ask, and add your signature in place. In a request, every assertion that your key may sign"
        " gets it. Counter-signing is the same command; for thousands there is `sealring countersign`.",
        "sealring sign rotation.request --key alice.key --root root.json",
        "sealring sign release-2.json --key alice.key --replaces release-1.json --brand acme.json",
        "sealring sign release-2.json --key bob.key --passphrase-file bob.pass --yes",
    )
)
@click.argument("file", type=EXISTING)
@click.option(
    "--key",
    "keys",
    type=PLACE,
    required=True,
    multiple=True,
    help="Your key: a key file, or a URI such as hsm:2?label=root-1. Repeat where you hold several.",
)
@_replaces
@_root
@_brand
@click.option("--request", "expected", help="Sign only the request of this id, which `sealring review` has shown.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts that have shown the review elsewhere.")
@passphrase_options
@json_option
@click.pass_obj
def sign(
    outside: Outside,
    /,
    file: Path,
    keys: tuple[str, ...],
    expected: str | None,
    yes: bool,
    secrets: Secrets,
    as_json: bool,
    **options: Any,
) -> None:
    """One signature by each key."""
    if as_json and not yes:
        raise click.UsageError("--json goes with --yes: a person is asked after a review in words")
    if secrets.descriptor is not None and len(keys) > 1:
        raise click.UsageError("a descriptor is read once: give one --key, or another place for the passphrases")
    given = Given(file, read_file(file, MAX_REQUEST), **options)
    found = [find_key(outside, where, secrets) for where in keys]
    if given.raw.startswith(TUF_BEGINS):
        sign_root(outside, given.only_root(), found, expected, None if yes else _ask, as_json)
    elif given.is_request:
        _sign_request(outside, given, found, expected, yes, as_json)
    elif expected is not None:
        raise click.UsageError("--request goes with a request, and this is one assertion")
    else:
        _sign_one(outside, given, found, yes, as_json)


def _sign_one(outside: Outside, given: Given, found: Sequence[FoundKey], yes: bool, as_json: bool) -> None:
    output = Output(outside)
    claim, before, sets = given.claim()
    for key in found:
        check_useful(claim, sets, key.public)
    if not as_json:
        show_review(output, claim, before)
    who = ", ".join(called(key.public, [needed.keys for needed in sets]) for key in found)
    if not yes:
        _ask(outside, f"sign this as {who}?")
    # Exactly what was reviewed is signed: the file is not read again, so it can't be swapped in between.
    signed = claim.envelope
    for key in found:
        with key.open() as signer:
            signed = add_signature(signed, signer)
    write_durably(given.file, signed.raw)
    if as_json:
        said = _object(Claim(claim.statement, signed), before, sets)
        output.object({"file": str(given.file), "signed_by": who, **said})
        return
    output.line(f"signed by {who}: {given.file}")
    show_progress(output, signed, sets)
    show_other_half(output, claim, sets)


def _sign_request(
    outside: Outside, given: Given, found: Sequence[FoundKey], expected: str | None, yes: bool, as_json: bool
) -> None:
    output = Output(outside)
    request, judged = given.judged()
    # What was reviewed at another time may have been changed since; the id says so, whoever changed it.
    if expected is not None and expected.replace(" ", "") != request.id:
        raise OtherRequest(str(given.file), request.id, expected.replace(" ", ""))
    for key in found:
        _check_wanted(judged, key)
    if not as_json:
        show_request(outside, request, judged)
    listed = [needed.keys for item in judged.items for group in item.requirements for needed in group]
    who = ", ".join(called(key.public, listed) for key in found)
    if not yes:
        _ask(outside, f"sign {counted(len(judged.items), 'assertion')} as {who}?")
    items, added = judged.items, 0
    for key in found:
        with key.open() as signer:
            items, more = _signed(items, signer)
        added += more
    signed = replace(request, drafts=tuple(item.claim for item in items))
    write_durably(given.file, signed.raw)
    judged = replace(judged, items=items)
    if as_json:
        said = request_object(signed, judged, outside.clock())
        output.object({"file": str(given.file), "signed_by": who, "added": added, **said})
        return
    output.line(f"signed by {who}: {counted(added, 'signature')} added to {given.file}")
    show_standing(output, judged)


def _signed(items: tuple[Item, ...], signer: Signer) -> tuple[tuple[Item, ...], int]:
    """The items with this key's signature on each that it may sign and has not signed yet; and how many it signed."""
    done = tuple(_with_signature(item, signer) for item in items)
    return done, sum(new is not old for new, old in zip(done, items, strict=True))


def _with_signature(item: Item, signer: Signer) -> Item:
    envelope, key = item.claim.envelope, signer.public
    there = envelope.signatures.get(key.id)
    if not _may_sign(item, key.id) or (there is not None and signed_by(key, there, envelope.pae)):
        return item
    return replace(item, claim=Claim(item.claim.statement, add_signature(envelope, signer)))


def _may_sign(item: Item, key: str) -> bool:
    return any(key == one.id for group in item.requirements for needed in group for one in needed.keys.keys)


def _check_wanted(judged: Judged, key: FoundKey) -> None:
    """Refuse a key that no draft asks for: the mistake is cheap now and dear later."""
    if any(_may_sign(item, key.public.id) for item in judged.items):
        return
    sets = [needed.keys for item in judged.items for group in item.requirements for needed in group]
    names = tuple(dict.fromkeys(one.name for keys in sets for one in keys.keys))
    raise ForeignKey("this request", key.public.name, names)


def called(key: PublicKey, sets: Sequence[KeySet]) -> str:
    """The name that the key sets give a key, its own beside it where that differs: people know no URI."""
    names = [one.name for keys in sets for one in keys.keys if one.id == key.id]
    return key.name if not names or key.name in names else f"{names[0]} ({key.name})"


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


def _ask(outside: Outside, question: str) -> None:
    if not outside.interactive:
        raise click.UsageError("nobody can be asked here: give --yes after the review")
    if not click.confirm(question, err=True):
        raise click.Abort
