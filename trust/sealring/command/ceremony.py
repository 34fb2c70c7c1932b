"""A request as its holders read it: what it means, who could sign what before and after, what falls, who is missing."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sealring.chain import Claim, root_id
from sealring.command.authority import progress_rows
from sealring.command.files import read_file
from sealring.command.meaning import describe, difference, grouped, set_in_words
from sealring.command.objects import statement_object
from sealring.command.output import Output, Sheet, counted
from sealring.command.outside import Outside
from sealring.envelope import MAX_ENVELOPE
from sealring.request.form import MAX_REQUEST, Request, parse_request
from sealring.request.judge import Item, Judged, judge
from sealring.request.standing import Standing, meets
from sealring.request.warnings import warnings
from sealring.statement import Brand, Delegation, Root

LOUD = "COMPARE THE ROOT'S ID WITH YOUR OWN RECORD BEFORE YOU SIGN"


def load_request(path: Path) -> Request:
    """The request in a file, unverified."""
    return parse_request(read_file(path, MAX_REQUEST))


def judge_request(request: Request, roots: Sequence[Path], more: Sequence[Claim] = ()) -> Judged:
    """The request, judged from these roots of the holder's own, and with what else the holder has."""
    raws = [read_file(path, MAX_ENVELOPE) for path in roots]
    return judge(request.with_context(more) if more else request, raws)


def show_request(outside: Outside, request: Request, judged: Judged) -> None:
    """The whole review.

    Args:
        request: as it came: its id is shown, whatever the holder has added to its context.
    """
    output, total = Output(outside), len(judged.items)
    output.line(f"request {grouped(request.id)}")
    output.line(f"asks for signatures on {counted(total, 'assertion')}; judged from {_root_words(judged)}")
    for number, item in enumerate(judged.items, 1):
        _show_item(output, f"{number} of {total}: ", item, judged, outside.clock())
    who = who_may_sign(judged.before, judged.after)
    if who:
        output.sheet(Sheet("who may sign", list(who), ("what", "today", "then")))
    _show_fallen(output, judged)
    show_standing(output, judged)


def show_standing(output: Output, judged: Judged) -> None:
    """How far each draft is, such as `brand acme: 2 of 3 classical, ...; missing: carol`."""
    for item in judged.items:
        output.line(f"{item.claim.statement.title}: {'complete' if is_complete(item) else 'not complete'}")
        for _, words in progress_rows(item.claim.envelope, _flat(item)):
            output.line(f"  {words}")


def is_complete(item: Item) -> bool:
    """Whether each of its groups is met by one key set alone."""
    return all(any(meets(item.claim, needed) for needed in group) for group in item.requirements)


def missing(item: Item) -> list[str]:
    """Names of the keys that would bring the draft further, without the ways out."""
    found: list[str] = []
    for group in item.requirements:
        if any(meets(item.claim, needed) for needed in group):
            continue
        first = group[0]
        found += [k.name for k in first.keys.keys if k.id not in item.claim.envelope.signatures]
    return list(dict.fromkeys(found))


def who_may_sign(before: Standing, after: Standing) -> list[tuple[str, str, str]]:
    """Each role whose keys, thresholds or reach change, as (role, today, then)."""
    old, new = _roles(before), _roles(after)
    names = [*old, *(name for name in new if name not in old)]
    return [(n, old.get(n, "nobody"), new.get(n, "nobody")) for n in names if old.get(n) != new.get(n)]


def request_object(request: Request, judged: Judged, at: datetime) -> dict[str, Any]:
    """The review for `--json`."""
    who = who_may_sign(judged.before, judged.after)
    return {
        "request": request.id,
        "root": _anchor(judged),
        "root_is_its_own": judged.held.own_root,
        "drafts": [_item_object(item, judged, at) for item in judged.items],
        "who_may_sign": [{"what": what, "today": old, "then": new} for what, old, new in who],
        "falls": [
            {"type": f.claim.statement.type, "subject": f.claim.statement.subject, "why": f.why} for f in judged.fallen
        ],
    }


def _show_item(output: Output, place: str, item: Item, judged: Judged, at: datetime) -> None:
    said, envelope = item.claim.statement, item.claim.envelope
    again = ", in force already and signed again" if item.again else ""
    rows = [*describe(said), ("id", envelope.id)]
    output.sheet(Sheet(f"{place}{said.title}, sequence {said.sequence}{again}", list(rows)))
    if item.replaced is not None:
        old = item.replaced.statement
        title = f"what changes from {old.title}, sequence {old.sequence}, which verifies"
        output.sheet(Sheet(title, list(difference(old, said)), ("what", "before", "after")))
    elif not item.again:
        output.line(f"it replaces nothing that the request shows: every member of {said.title} is new")
    for sentence in warnings(judged, item, at):
        output.line(f"warning: {sentence}")


def _show_fallen(output: Output, judged: Judged) -> None:
    if judged.fallen:
        rows = [(f.claim.statement.title, str(f.claim.statement.sequence), f.why) for f in judged.fallen]
        output.sheet(Sheet("what counts today and would not any more", list(rows), ("assertion", "sequence", "why")))
        return
    shown = [c for c in judged.request.context if not isinstance(c.statement, Root | Brand | Delegation)]
    if shown:
        output.line(f"nothing of what the request shows as released falls ({counted(len(shown), 'assertion')})")
    for authority in sorted(_rotated(judged) - {claim.statement.authority for claim in shown}):
        output.line(
            f"warning: nothing released of {authority} is shown: whether the new keys leave it signed is unknown"
        )


def _rotated(judged: Judged) -> set[str]:
    """The brands of which a draft changes the keys, and `every brand` where the root's role for them changes."""
    found = set()
    for item in judged.items:
        old, new = item.replaced.statement if item.replaced else None, item.claim.statement
        match old, new:
            case (Brand(), Brand()) if old.keys != new.keys:
                found.add(new.brand)
            case (Delegation(), Delegation()) if old != new:
                found.add(new.authority)
            case (Root(), Root()) if old.roles.brand != new.roles.brand and not judged.before.brands:
                found.add("every brand")
    return found


def _root_words(judged: Judged) -> str:
    ident = grouped(_anchor(judged))
    chain = judged.held.chain
    if chain is None:
        return f"nothing: it makes the first root, id {ident}: ALL HOLDERS COMPARE IT"
    version = f"root {chain.root.statement.sequence}, id of version 1 {ident}"
    return f"its own {version}: {LOUD}, or give --root" if judged.held.own_root else f"your {version}"


def _anchor(judged: Judged) -> str:
    chain = judged.held.chain
    if chain is not None:
        return root_id(chain.root)
    return next(item.claim.envelope.id for item in judged.items if isinstance(item.claim.statement, Root))


def _roles(standing: Standing) -> dict[str, str]:
    found = {role: set_in_words(keys) for role, keys in standing.key_sets()}
    for delegation in standing.delegations.values():
        reach = f"{', '.join(delegation.roles)} of {', '.join([*delegation.packages, *delegation.models])}"
        found[delegation.title] += f"; signs {reach} ({', '.join(delegation.kinds)})"
    return found


def _flat(item: Item) -> list[Any]:
    return [needed for group in item.requirements for needed in group]


def _item_object(item: Item, judged: Judged, at: datetime) -> dict[str, Any]:
    said = item.claim.statement
    changes = difference(item.replaced.statement, said) if item.replaced else []
    return {
        **statement_object(item.claim),
        "again": item.again,
        "replaces": item.replaced.envelope.id if item.replaced else None,
        "changes": [{"what": what, "before": old, "after": new} for what, old, new in changes],
        "warnings": warnings(judged, item, at),
        "progress": [line for line, _ in progress_rows(item.claim.envelope, _flat(item))],
        "complete": is_complete(item),
        "missing": missing(item),
    }
