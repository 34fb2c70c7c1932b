"""What a holder should stop at before signing: one sentence a thing, and none where all is as usual.

A sentence accuses nobody. It says what somebody would wish to hide in a long review.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sealring.keys import KeySet
from sealring.moment import MAX_AHEAD
from sealring.names import KeyId, spell
from sealring.request.judge import Item, Judged
from sealring.request.standing import Standing
from sealring.revocation import InForce, ListInForce
from sealring.statement import Brand, Common, Delegation, Model, Release, Revocations, Root

SOON = timedelta(days=30)


def warnings(judged: Judged, item: Item, at: datetime) -> list[str]:
    """The sentences about one draft, as of this instant."""
    said = item.claim.statement
    before = item.replaced.statement if item.replaced else None
    found = [*_dates(said, before, at), *_place(said, before, item.again), *_stale(said, judged.after, at)]
    for role, keys, old in _sets(said, before):
        found += [*_thresholds(role, keys, old), *_keys(role, keys, old)]
    found += [*_shared(said, judged.after), *_loosened(said, before), *_taken_back(item, judged)]
    return found


def _dates(said: Common, before: Common | None, at: datetime) -> Iterator[str]:
    life = said.expires - said.issued
    if at >= said.expires:
        yield f"it expired {spell(said.expires)}"
    elif said.expires - at < SOON:
        yield f"it expires within {SOON.days} days, {spell(said.expires)}"
    if said.issued - at > MAX_AHEAD:
        yield f"it is dated ahead, {spell(said.issued)}: devices refuse it until then"
    if isinstance(said.not_before, datetime):
        yield f"devices wait with it until {spell(said.not_before)}"
    if life == said.lifetime:
        yield f"it lives as long as a {said.type} may, {life.days} days: until then only new keys end it"
    if before is not None and type(before) is type(said):
        if life < before.expires - before.issued:
            yield f"it lives {life.days} days, what it replaces {(before.expires - before.issued).days}"
        if said.expires < before.expires:
            yield f"it ends before what it replaces, {spell(before.expires)}"
        if said.issued < before.issued:
            yield f"it is dated before what it replaces, {spell(before.issued)}"


def _stale(said: Common, after: Standing, at: datetime) -> Iterator[str]:
    """Authorities in force that have expired: nothing new is done by what stands on them (SPEC TM-1)."""
    if after.root is not None and after.root is not said and after.root.expires <= at:
        yield f"{after.root.title} expired {spell(after.root.expires)}: it must be renewed first"
    brand = after.brands.get(said.authority)
    if brand is not None and brand.expires <= at:
        yield f"{brand.title} expired {spell(brand.expires)}: devices do nothing new by it until it is renewed"
    for delegation in after.delegations.values():
        if delegation.authority == said.authority and delegation is not said and delegation.expires <= at:
            yield f"{delegation.title} expired {spell(delegation.expires)}"


def _place(said: Common, before: Common | None, again: bool) -> Iterator[str]:
    if again:
        return
    if before is None and said.sequence > 1:
        yield f"sequence {said.sequence}, and what it replaces is not here: nobody can see what changes"
    elif before is not None and before.subject == said.subject and said.sequence > before.sequence + 1:
        yield f"sequences {before.sequence + 1} to {said.sequence - 1} are not here: what changed there is not shown"


def _sets(said: Common, before: Common | None) -> Iterator[tuple[str, KeySet, KeySet | None]]:
    if isinstance(said, Root):
        old = before.roles if isinstance(before, Root) else None
        yield "role root", said.roles.root, old.root if old else None
        yield "role brand", said.roles.brand, old.brand if old else None
    elif isinstance(said, Brand):
        yield f"brand {said.brand}", said.keys, before.keys if isinstance(before, Brand) else None
    elif isinstance(said, Delegation):
        yield said.title, said.keys, before.keys if isinstance(before, Delegation) else None


def _thresholds(role: str, keys: KeySet, old: KeySet | None) -> Iterator[str]:
    was = {one.family: one for one in old.thresholds} if old else {}
    for one in keys.thresholds:
        count = one.threshold
        if count == 1:
            yield f"{role}: one {one.family} key alone is enough"
        elif count == len(keys.keys):
            yield f"{role}: all {count} keys must sign, so the loss of one is the loss of the role"
        known = was.pop(one.family, None)
        if known is not None and count < known.threshold:
            yield f"{role}: the {one.family} threshold falls from {known.threshold} to {count}"
        if known is not None and known.presence == "required" and one.presence != "required":
            yield f"{role}: {one.family} signatures are no longer required"
    for family in was:
        yield f"{role}: {family} signatures are no longer asked for"


def _keys(role: str, keys: KeySet, old: KeySet | None) -> Iterator[str]:
    if old is None:
        return
    was, now = {key.id: key for key in old.keys}, {key.id: key for key in keys.keys}
    new_names = {key.name for ident, key in now.items() if ident not in was}
    for ident, key in was.items():
        if ident not in now and key.name in new_names:
            yield f"{role}: another key stands under the name {key.name}: compare its fingerprint"
        elif ident not in now:
            yield f"{role}: the key {key.name} vanishes, and signs nothing any more"
        elif now[ident].name != key.name:
            yield f"{role}: the key {key.name} is now called {now[ident].name}"


def _shared(said: Common, after: Standing) -> Iterator[str]:
    """Keys that this draft lists, and that speak in more than one role once it is signed."""
    listed = {key.id: key.name for _, keys, _ in _sets(said, None) for key in keys.keys}
    places: dict[KeyId, list[str]] = {}
    for role, keys in after.key_sets():
        for key in keys.keys:
            if key.id in listed:
                places.setdefault(key.id, []).append(role)
    for ident, roles in places.items():
        if len(roles) > 1:
            yield f"the key {listed[ident]} signs in {len(roles)} roles: {', '.join(roles)}"


def _taken_back(item: Item, judged: Judged) -> Iterator[str]:
    """Lines of the lists in force that name this draft: devices would do nothing because of it (SPEC RK-1)."""
    claim, newest = item.claim, dict[str, Revocations]()
    # A list that is drafted beside it speaks instead of the one that it replaces.
    for other in (*judged.request.context, *judged.request.drafts):
        said = other.statement
        if isinstance(said, Revocations) and said.sequence >= getattr(newest.get(said.subject), "sequence", 0):
            newest[said.subject] = said
    scopes = {one.subject: one for one in judged.after.delegations.values()}
    lists = [ListInForce(said, counts=True, scope=scopes.get(subject)) for subject, said in newest.items()]
    found = InForce(tuple(lists)).strongest(claim.statement, claim.envelope.id)
    if found is not None:
        line = found.line
        yield f"the list of {found.issuer} revokes it since {spell(line.since)} ({found.action}): {line.why}"


def _loosened(said: Common, before: Common | None) -> Iterator[str]:
    """Members whose change makes devices accept more, or forget something."""
    match said, before:
        case Delegation(), Delegation():
            for what in ("roles", "packages", "models", "kinds"):
                more = sorted(set(getattr(said, what)) - set(getattr(before, what)))
                if more:
                    yield f"it delegates more {what}: {', '.join(more)}"
        case Revocations(), Revocations():
            gone = sorted({line.what for line in before.revoked} - {line.what for line in said.revoked})
            yield from (f"it lifts the revocation of {what}" for what in gone)
        case Release(), Release():
            lowest = {target.architecture: target.minimum for target in before.targets}
            for target in said.targets:
                if target.minimum < lowest.get(target.architecture, 0):
                    yield f"the minimum on {target.architecture} falls: devices that run the other refuse it"
        case Model(), Model():
            if said.agree < before.agree:
                yield f"fewer stores must agree: {said.agree} instead of {before.agree}"
    if isinstance(said, Revocations):
        yield from (f"it stops what runs: {line.what}" for line in said.revoked if line.action == "stop")
