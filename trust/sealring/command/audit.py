"""`sealring audit`: who could have shipped what on a date, and what was signed by then and by whom."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from sealring.command.doctor import check_models, root_option, where_argument
from sealring.command.doctor_input import ModelName, read_places, shown_places
from sealring.command.doctor_output import signers_object
from sealring.command.files import Instant, about, json_option, read_file
from sealring.command.output import Output, Row, Sheet
from sealring.command.outside import Outside
from sealring.doctor.audit import Power, Scope, powers
from sealring.doctor.hindsight import Hindsight
from sealring.doctor.signed import Signature, Signed, signed
from sealring.doctor.world import gather, issued_by
from sealring.envelope import MAX_ENVELOPE
from sealring.names import spell

SCHEMA = 1


@click.command(
    **about(
        "Tell who could have shipped what on a date. The key sets that counted then, by own keys and by delegation,"
        " and every statement that was signed by then, with its signers. What was issued later is left out, but for"
        " what later revocations say of that time. A store shows the history of roots and brands only: for the rest,"
        " keep every assertion in a folder.",
        "sealring audit assertions/ --root root.json --at 2026-03-01T12:00:00Z --package acme/tool",
        "sealring audit assertions/ history.bundle --root root.json --at 2026-03-01T12:00:00Z --model acme/door-1",
    )
)
@where_argument
@root_option
@click.option("--at", type=Instant(), required=True, help="The instant that is asked about.")
@click.option("--package", "packages", type=ModelName(), multiple=True, help="Only what can change this package.")
@click.option("--model", "models", type=ModelName(), multiple=True, help="Only what can change devices of this model.")
@json_option
@click.pass_obj
def audit(
    outside: Outside,
    where: tuple[Any, ...],
    root: Path,
    at: datetime,
    packages: tuple[str, ...],
    models: tuple[str, ...],
    as_json: bool,
) -> None:
    """One look back."""
    brands = sorted({name.partition("/")[0] for name in packages})
    check_models(where, models, brands)
    anchor = read_file(root, MAX_ENVELOPE)
    material = read_places(where, anchor, models, brands)
    now = gather(anchor, material.pieces)
    then = issued_by(now, at)
    scope, later = Scope(packages, models), Hindsight(now)
    could, was = powers(then, later, at, scope), signed(then, now, later, at, scope)
    output = Output(outside)
    if then.chain.root.statement.issued > at:
        material.notes.append(f"no root of that time is here: root {then.chain.root.statement.sequence} is taken")
    if as_json:
        output.object(
            {
                "schema": SCHEMA,
                "at": spell(at),
                "root": now.chain.root_id,
                "root_version": then.chain.root.statement.sequence,
                "could": [_power_object(one) for one in could],
                "signed": [_signed_object(one) for one in was],
                "notes": material.notes,
            }
        )
        return
    for note in material.notes:
        output.note(f"sealring: note: {note}")
    output.line(f"{shown_places(where)}: as of {spell(at)}, below root {then.chain.root.statement.sequence}")
    heads = ("role", "over", "key set", "until", "then")
    output.sheet(Sheet("who could have signed", [_power_row(one) for one in could], heads))
    heads = ("statement", "issued", "was", "signed by", "remark")
    output.sheet(Sheet("what had been signed", [_signed_row(one) for one in was], heads))


def _power_row(one: Power) -> Row:
    over = ", ".join(one.over) + (f" ({', '.join(one.kinds)})" if one.kinds else "")
    state = one.state + (f": {one.words}" if one.words else "")
    return (one.role, over or "nothing", one.signers.in_words(), spell(one.until), state)


def _power_object(one: Power) -> dict[str, Any]:
    return {
        "role": one.role,
        "over": list(one.over),
        "kinds": list(one.kinds),
        "state": one.state,
        "words": one.words,
        "until": spell(one.until),
        **signers_object(one.signers),
    }


def _signed_row(one: Signed) -> Row:
    said = one.claim.statement
    who = [f"{s.key.name} ({', '.join(s.roles) or 'of no set then'})" for s in one.signatures]
    who += [f"unknown key {key[:16]}" for key in one.unknown]
    return (f"{said.title}, {said.sequence}", spell(said.issued), one.state, "; ".join(who) or "nobody", one.words)


def _signed_object(one: Signed) -> dict[str, Any]:
    said = one.claim.statement
    return {
        "type": said.type,
        "subject": said.subject,
        "sequence": said.sequence,
        "id": one.claim.envelope.id,
        "envelope": one.claim.envelope.digest,
        "issued": spell(said.issued),
        "expires": spell(said.expires),
        "state": one.state,
        "words": one.words,
        "under": list(one.under),
        "signers": [_signature_object(signature) for signature in one.signatures],
        "unknown": list(one.unknown),
    }


def _signature_object(one: Signature) -> dict[str, Any]:
    return {"name": one.key.name, "type": one.key.type, "id": one.key.id, "sets": list(one.roles)}
