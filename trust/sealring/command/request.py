"""`sealring request`: drafts, and the signed context that their signers need, in one file that travels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sealring.chain import Claim
from sealring.command.bundles import load_claims
from sealring.command.ceremony import load_request, request_object, show_request
from sealring.command.files import EXISTING, NEW, about, json_option, load_claim, read_file
from sealring.command.output import Output, counted
from sealring.command.outside import Outside
from sealring.durable import create_durably
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import TrustError
from sealring.request.amend import Amended, drop_key, replace_drafts
from sealring.request.context import Held, verify_context
from sealring.request.form import Request, make_request
from sealring.request.judge import check_cut, judge
from sealring.statement import Brand, Delegation, Root

released_option = click.option(
    "--released",
    type=EXISTING,
    multiple=True,
    help="What is released (`sealring bundle fetch`): says what the new keys would leave without enough signatures.",
)
cut_option = click.option("--cut", is_flag=True, help="What falls shall end: for keys that are lost or stolen.")


@dataclass(frozen=True)
class Sources:
    """The files that make a request."""

    drafts: tuple[Path, ...]
    root: tuple[Path, ...]
    brand: tuple[Path, ...]
    delegation: tuple[Path, ...]
    replaces: tuple[Path, ...]
    released: tuple[Path, ...]


@click.command(
    **about(
        "Put drafts, and the signed context that their signers must see, into one file. It goes to each holder, who"
        " reviews and signs it offline; `sealring assemble` puts the copies together.",
        "sealring request root-2.json --root root.json -o rotation.request",
        "sealring request acme-2.json --root root.json --brand acme.json --released released.bundle -o acme-2.request",
        "sealring request --amend acme-2.request --drop-key mallory -o acme-2b.request",
    )
)
@click.argument("drafts", nargs=-1, type=EXISTING, metavar="[DRAFT...]")
@click.option("--root", type=EXISTING, multiple=True, help="The root in force; later versions after it.")
@click.option("--brand", type=EXISTING, multiple=True, help="A brand's assertion in force.")
@click.option("--delegation", type=EXISTING, multiple=True, help="A delegation in force.")
@click.option("--replaces", type=EXISTING, multiple=True, help="What a draft replaces: holders see the difference.")
@released_option
@cut_option
@click.option("--amend", type=EXISTING, help="Begin with this request: drafts given replace or join its own.")
@click.option("--drop-key", multiple=True, metavar="NAME", help="With --amend: take a key back out of its drafts.")
@click.option("-o", "--output", type=NEW, required=True, help="The new request; must not exist yet.")
@json_option
@click.pass_obj
def request(
    outside: Outside,
    /,
    amend: Path | None,
    drop_key: tuple[str, ...],
    cut: bool,
    output: Path,
    as_json: bool,
    **files: Any,
) -> None:
    """Make or amend one request."""
    sources = Sources(**files)
    if drop_key and amend is None:
        raise click.UsageError("--drop-key goes with --amend REQUEST")
    if amend is None and not sources.drafts:
        raise click.UsageError("give at least one draft, or --amend REQUEST")
    made = Amended(_made(outside, sources), ()) if amend is None else _amended(outside, amend, drop_key, sources)
    # What no holder could review must not travel; and it is shown here exactly as they will see it.
    judged = judge(made.request, [read_file(path, MAX_ENVELOPE) for path in sources.root])
    check_cut(judged, cut)
    create_durably(output, made.request.raw)
    said = Output(outside)
    if as_json:
        voided = [{"assertion": title, "signatures": count} for title, count in made.voided]
        said.object({"file": str(output), "voided": voided, **request_object(made.request, judged, outside.clock())})
        return
    show_request(outside, made.request, judged)
    for title, count in made.voided:
        said.line(f"void: {counted(count, 'signature')} on {title}, which is another statement now")
    said.note(f"next: every holder runs `sealring sign {output} --key KEY --root ROOT`, then `sealring assemble`")


def read_released(paths: Sequence[Path]) -> list[Claim]:
    """The statements in these bundles, unverified."""
    return [claim for path in paths for claim in load_claims(path)]


def in_force(held: Held, claims: Sequence[Claim]) -> list[Claim]:
    """Those of these statements that today's keys vouch for; brands only where the chain takes them."""
    return [claim for claim in claims if _counts(held, claim)]


def _counts(held: Held, claim: Claim) -> bool:
    if isinstance(claim.statement, Root) or held.chain is None:
        return False
    if not isinstance(claim.statement, Brand):
        return held.standing.vouches(claim)
    try:
        held.chain.with_brand([claim.envelope.raw])
    except TrustError:
        return False
    return True


def _made(outside: Outside, sources: Sources) -> Request:
    drafts = [load_claim(path) for path in sources.drafts]
    return make_request(drafts, _context(outside, drafts, sources, []))


def _amended(outside: Outside, amend: Path, names: tuple[str, ...], sources: Sources) -> Amended:
    found, voided = load_request(amend), dict[str, int]()
    for name in names:
        one = drop_key(found, name)
        found, voided = one.request, {**voided, **dict(one.voided)}
    fresh = [load_claim(path) for path in sources.drafts]
    one = replace_drafts(found, fresh)
    context = _context(outside, fresh, sources, list(one.request.context))
    return Amended(make_request(one.request.drafts, context), tuple({**voided, **dict(one.voided)}.items()))


def _context(outside: Outside, drafts: Sequence[Claim], sources: Sources, known: list[Claim]) -> list[Claim]:
    """What was named, and of the rest (released, or signed already) what counts today."""
    named = [load_claim(p) for p in (*sources.root, *sources.brand, *sources.delegation, *sources.replaces)]
    base = [*known, *named]
    released = read_released(sources.released)
    offered = [*released, *(claim for claim in drafts if claim.envelope.signatures)]
    for kinds in (Brand, Delegation):
        held = verify_context(Request(tuple(drafts), tuple(base)), [])
        base += in_force(held, [claim for claim in offered if isinstance(claim.statement, kinds)])
    held = verify_context(Request(tuple(drafts), tuple(base)), [])
    rest = [claim for claim in offered if not isinstance(claim.statement, Brand | Delegation)]
    counting = in_force(held, rest)
    left = len(released) - sum(claim in counting or claim in base for claim in released)
    if left:
        Output(outside).note(f"left out, since today's keys do not vouch for it: {counted(left, 'released statement')}")
    return [*base, *counting]
