"""`sealring create revocations`: the next list of one issuer, told as what changes from the list in force."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from sealring.command.create.lines import ACTIONS, Line, NotFollowing, check_named, merged, named_in
from sealring.command.draft import Base, base_options, load_base, load_old, write_draft
from sealring.command.files import EXISTING, Instant, about
from sealring.command.outside import Outside
from sealring.statement import Revocations


@click.command(
    **about(
        "The whole list of what one issuer has revoked. Lines are added to those of --replaces, and one leaves it, or"
        " becomes milder, by --lift alone. What a line names is revoked from when its list is in force; --since is for"
        " people and audits. All lines of one run have one --action: for another, replace the draft, with its"
        " --sequence.",
        'sealring create revocations --issuer acme --revoke "revision acme/tool/3/amd64" --action stop \\',
        '    --why "opens every door" --root root.json -o list-1.json',
        "sealring create revocations --replaces list-1.json --revoke-file release-4.json --action keep \\",
        '    --why "signed by mistake" -o list-2.json',
        'sealring create revocations --replaces list-2.json --lift "revision acme/tool/3/amd64" -o list-3.json',
    )
)
@click.option("--issuer", help="BRAND, or root, for its own list; BRAND/DELEGATION for that delegation's.")
@click.option("--revoke", multiple=True, metavar="WHAT", help='An id, or "TYPE SUBJECT"; repeat for each.')
@click.option("--revoke-file", type=EXISTING, multiple=True, help="An assertion: the id of that very one is revoked.")
@click.option("--by-subject", is_flag=True, help="Of each --revoke-file the type and subject: every sequence of it.")
@click.option("--action", type=click.Choice(ACTIONS), help="What devices do: keep or replace what runs, or stop it.")
@click.option("--why", help="For people; at most 200 characters.")
@click.option("--since", type=Instant(), help="When it went wrong, for audits; default: the draft's issue.")
@click.option("--lift", multiple=True, metavar="WHAT", help="Take this line out of the list, or let it become milder.")
@base_options(Revocations)
@click.pass_obj
def revocations(outside: Outside, /, **options: Any) -> None:
    """The whole list of one issuer."""
    base = load_base(options)
    old = load_old(base, Revocations)
    authority, issuer = _issuer(options["issuer"], old)
    _check_follows(base, old)
    added = _added(options, authority, base.issued or outside.clock())
    lines = merged(old.revoked if old else [], added, options["lift"])
    write_draft(outside, Revocations, base, old, {"authority": authority, "issuer": issuer, "revoked": lines})


def _issuer(text: str | None, old: Revocations | None) -> tuple[str, str]:
    if text is None:
        if old is None:
            raise click.UsageError("not given, and no --replaces to take it from: issuer")
        return old.authority, old.issuer
    authority, slash, name = text.partition("/")
    found = authority, name if slash else authority
    if old is not None and found != (old.authority, old.issuer):
        raise NotFollowing(f"the list of {text:.80}", f"replaces the list of {old.subject}, another issuer's")
    return found


def _check_follows(base: Base, old: Revocations | None) -> None:
    """Refuse a list that would jump over one whose lines it doesn't have: nothing is un-revoked by accident."""
    if base.sequence is None:
        return
    if old is None:
        if base.sequence > 1:
            raise NotFollowing(f"sequence {base.sequence}", "without --replaces it would lift every line in force")
    elif base.sequence not in (old.sequence, old.sequence + 1):
        raise NotFollowing(f"sequence {base.sequence}", f"--replaces is sequence {old.sequence}, lines may lie between")


def _added(options: dict[str, Any], authority: str, now: datetime) -> Sequence[Line]:
    files, by_subject = options["revoke_file"], options["by_subject"]
    if by_subject and not files:
        raise click.UsageError("--by-subject goes with --revoke-file")
    for what in options["revoke"]:
        check_named(what)
    named = [*options["revoke"], *(named_in(path, authority, by_subject=by_subject) for path in files)]
    if named and (options["action"] is None or options["why"] is None):
        raise click.UsageError("give --action and --why for what is revoked")
    if not named and any(options[name] is not None for name in ("action", "why", "since")):
        raise click.UsageError("--action, --why and --since go with --revoke or --revoke-file")
    now = now.replace(microsecond=0)
    return [Line(what, options["since"], now, options["why"], options["action"]) for what in named]
