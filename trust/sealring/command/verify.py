"""`sealring verify`: the same rules as on a device, from a root that the person names."""

from datetime import datetime
from pathlib import Path
from typing import Any, cast

import click

from sealring.approve import check_revocations
from sealring.chain import Authentic, Chain, Claim, Rollback, Verified
from sealring.command.authority import load_chain
from sealring.command.brought import with_brought
from sealring.command.bundles import load_claims
from sealring.command.files import EXISTING, Instant, about, json_option
from sealring.command.output import Output, Row, Sheet
from sealring.command.outside import Outside
from sealring.end_of_life import final_ids
from sealring.moment import Moment, check_time
from sealring.names import ROOT, spell
from sealring.statement import (
    TYPES,
    Brand,
    Common,
    Delegation,
    Model,
    Release,
    Revocations,
    Root,
    Stack,
    Store,
)


@click.command(
    **about(
        "Verify each FILE, an assertion or a bundle of them, through the chain. Exit 0 only if a device would accept"
        " all of them.",
        "sealring verify release-2.json tool-2.json --root root.json --brand acme.json",
        "sealring verify root-2.json --root root.json",
        "sealring verify tool-2.json --root root.json --brand acme.json --delegation builders.json \\",
        "    --revocations list-3.json",
        "sealring verify old.json --root root.json --brand acme.json --at 2026-03-01T12:00:00Z --floor 7",
    )
)
@click.argument("files", nargs=-1, required=True, type=EXISTING, metavar="FILE...")
@click.option(
    "--root", "roots", type=EXISTING, required=True, multiple=True, help="The root you trust; later versions after it."
)
@click.option("--brand", "brands", type=EXISTING, multiple=True, help="Brand assertions, oldest first.")
@click.option(
    "--delegation", "delegations", type=EXISTING, multiple=True, help="A delegation of the brand; repeat for each."
)
@click.option(
    "--revocations", "lists", type=EXISTING, multiple=True, help="A revocation list in force; repeat for each issuer."
)
@click.option("--at", type=Instant(), help="The instant of the check; default now.")
@click.option("--floor", type=click.IntRange(min=1), help="The lowest sequence that is still acceptable.")
@json_option
@click.pass_obj
def verify(
    outside: Outside,
    files: tuple[Path, ...],
    roots: tuple[Path, ...],
    brands: tuple[Path, ...],
    delegations: tuple[Path, ...],
    lists: tuple[Path, ...],
    at: datetime | None,
    floor: int | None,
    as_json: bool,
) -> None:
    """Each file, or the first refusal."""
    moment, output = Moment(at or outside.clock()), Output(outside)
    chain = with_brought(load_chain(roots[0], roots[1:], brands), delegations, lists)
    names = _names(chain)
    found: list[Verified[Common]] = []
    final: frozenset[str] = frozenset()
    for claim in (claim for path in files for claim in load_claims(path)):
        verified, held = verify_claim(claim, chain, moment, floor, final)
        # EL-2: what a final release rests on goes on beyond its end; it stands before that among the files.
        final |= _final(held, verified)
        names.update(_names(held))
        found.append(verified)
    if as_json:
        output.object({"verified": [_object(one, names) for one in found]})
        return
    rows = [_row(one, names) for one in found]
    output.sheet(Sheet(f"verified at {spell(moment.at)}", rows, ("assertion", "sequence", "signed by", "until")))


def verify_claim(
    claim: Claim, chain: Chain, moment: Moment, floor: int | None, final: frozenset[str]
) -> tuple[Verified[Common], Chain]:
    """One assertion, verified, and the chain in which it was.

    Args:
        final: ids whose expiry an earlier one, a final release, has lifted.

    Raises:
        TrustError: the rule that a device would name too.
    """
    found, held = _authenticate(claim, chain)
    if floor is not None and found.statement.sequence < floor:
        raise Rollback(found.statement.title, found.statement.sequence, floor)
    final |= _final(held, found)
    # TM-1: an expired authority is followed to its successors and never stands behind something new.
    check_time(held.root.statement, moment)
    if found.statement.authority != ROOT:
        brand = held.verify(held.brands[found.statement.authority], moment, None, final=final).statement
        # RC-1: without the list that the brand names nothing is acted upon; what makes that list up comes before it.
        if not isinstance(found.statement, Delegation | Revocations):
            check_revocations(held, brand)
    if isinstance(found.statement, Model | Release | Stack | Store):
        check_revocations(held, found.statement)
    return held.verify(found, moment, None, final=final), held


def _final(chain: Chain, found: Authentic[Common]) -> frozenset[str]:
    """EL-1: the ids whose end a final release lifts, if this is one and the root's role `brand` agrees."""
    if not isinstance(found.statement, Release):
        return frozenset()
    return final_ids(chain, cast(Authentic[Release], found))


def _authenticate(claim: Claim, chain: Chain) -> tuple[Authentic[Common], Chain]:
    statement, raw = claim.statement, claim.envelope.raw
    if isinstance(statement, Root):
        # The anchor itself was checked when the chain began; any other version must be the next one.
        held = chain if claim.envelope.id == chain.root.envelope.id else chain.with_root(raw)
        return held.root, held
    if isinstance(statement, Brand):
        held = chain.with_brand([raw])
        return held.brands[statement.brand], held
    return chain.authenticate(raw, TYPES[statement.type], statement.authority), chain


def _names(chain: Chain) -> dict[str, str]:
    """Key ids to the names that the chain's statements give them, for people."""
    roles = chain.root.statement.roles
    sets = [roles.root, roles.brand, *(b.statement.keys for b in [*chain.brands.values(), *chain.former.values()])]
    sets += [d.statement.keys for d in chain.delegations.values()]
    return {key.id: key.name for keys in sets for key in keys.keys}


def _signers(found: Verified[Common], names: dict[str, str]) -> list[str]:
    return sorted(names.get(key, key[:16]) for key in found.signers)


def _row(found: Verified[Common], names: dict[str, str]) -> Row:
    said = found.statement
    return (said.title, str(said.sequence), ", ".join(_signers(found, names)), spell(said.expires))


def _object(found: Verified[Common], names: dict[str, str]) -> dict[str, Any]:
    said = found.statement
    return {
        "type": said.type,
        "subject": said.subject,
        "sequence": said.sequence,
        "id": found.envelope.id,
        "envelope": found.envelope.digest,
        "signers": [{"key": key, "name": names.get(key)} for key in sorted(found.signers)],
        "expires": spell(said.expires),
    }
