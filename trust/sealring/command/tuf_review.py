"""A request for a store's TUF root as its holders read it: what it says, what changes, what to stop at (SPEC TF-9).

Keys have no names in TUF. They are told by their type and by the fingerprint that `sealring key show` tells, so that a
holder knows their own.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sealring.command.meaning import grouped
from sealring.command.output import Output, Sheet, counted
from sealring.keys import PublicKey
from sealring.names import spell
from sealring.request.tuf_root import ROLES, RootFile, RootRequest

SOON = timedelta(days=60)
USUAL = timedelta(days=400)
_FIRST = "nothing: it makes the store's first root: ALL HOLDERS COMPARE THE REQUEST'S ID"


def show_root_request(output: Output, request: RootRequest, at: datetime, *, own: bool) -> None:
    """The whole review, in plain words.

    Args:
        own: whether the root in force is the request's own, which nobody has compared.
    """
    held, draft = request.held, request.draft
    output.line(f"request {grouped(request.id)}")
    output.line(f"asks for signatures on a store's {draft.name}; judged from {_anchor(held, own=own)}")
    output.sheet(Sheet(draft.name, [*_rows(draft)]))
    if held is not None:
        output.sheet(Sheet(f"what changes from {held.name}", [*_changes(held, draft)], ("what", "before", "after")))
    for sentence in _warnings(held, draft, at):
        output.line(f"warning: {sentence}")
    show_progress(output, request)


def show_progress(output: Output, request: RootRequest) -> None:
    """How far it is, by each threshold."""
    for words in _progress(request):
        output.line(f"  {words}")


def root_request_object(request: RootRequest, at: datetime, *, own: bool) -> dict[str, Any]:
    """The review for `--json`."""
    held, draft = request.held, request.draft
    changes = _changes(held, draft) if held is not None else ()
    return {
        "request": request.id,
        "tuf_root": draft.signed.version,
        "held": _held_object(held, own=own) if held is not None else None,
        "expires": spell(draft.signed.expires),
        "changes": [{"what": what, "before": old, "after": new} for what, old, new in changes],
        "warnings": list(_warnings(held, draft, at)),
        "progress": list(_progress(request)),
        "complete": not missing_keys(request),
        "missing": missing_keys(request),
    }


def key_words(key: PublicKey) -> str:
    """A key as its holder knows it: `ed25519 1a2b3c4d 5e6f7a8b`, the beginning of its fingerprint."""
    return f"{key.type} {grouped(key.id[:16])}"


def missing_keys(request: RootRequest) -> list[str]:
    """The keys whose signatures would bring it further."""
    found: list[str] = []
    for root, good in _groups(request):
        if len(good) < root.signed.roles["root"].threshold:
            found += [key_words(key) for ident, key in root.keys("root").items() if ident not in good]
    return list(dict.fromkeys(found))


def _held_object(held: RootFile, *, own: bool) -> dict[str, Any]:
    return {"version": held.signed.version, "sha256": sha256(held.raw).hexdigest(), "is_its_own": own}


def _anchor(held: RootFile | None, *, own: bool) -> str:
    if held is None:
        return _FIRST
    words = f"{held.name}, SHA-256 {grouped(sha256(held.raw).hexdigest())}"
    return f"its own {words}: COMPARE IT WITH YOUR OWN RECORD, or give --root" if own else f"your {words}"


def _groups(request: RootRequest) -> list[tuple[RootFile, list[str]]]:
    return [(root, root.good("root", request.draft)) for root in request.voters]


def _progress(request: RootRequest) -> Iterator[str]:
    for root, good in _groups(request):
        keys, wanted = root.keys("root"), root.signed.roles["root"].threshold
        signed = ", ".join(key_words(keys[ident]) for ident in good if ident in keys) or "nobody"
        rest = ", ".join(key_words(key) for ident, key in keys.items() if ident not in good) or "nobody"
        yield f"keys of {root.name}: {len(good)} of {wanted}, signed: {signed}; missing: {rest}"


def _rows(root: RootFile) -> Iterator[tuple[str, str]]:
    yield "expires", spell(root.signed.expires)
    for role in ROLES:
        yield f"role {role}", _role(root, role)


def _role(root: RootFile, role: str) -> str:
    keys, said = root.keys(role), root.signed.roles[role]
    names = (key_words(keys[ident]) if ident in keys else f"unknown {ident[:16]!a}" for ident in said.keyids)
    return f"{said.threshold} of {counted(len(said.keyids), 'key')}: {', '.join(names)}"


def _changes(held: RootFile, draft: RootFile) -> Iterator[tuple[str, str, str]]:
    yield "version", str(held.signed.version), str(draft.signed.version)
    old = dict(_rows(held))
    for what, new in _rows(draft):
        if old[what] != new:
            yield what, old[what], new


def _warnings(held: RootFile | None, draft: RootFile, at: datetime) -> Iterator[str]:
    expires, life = draft.signed.expires, draft.signed.expires - at
    if life <= timedelta():
        yield f"it expired {spell(expires)}"
    elif life < SOON:
        yield f"it expires within {SOON.days} days, {spell(expires)}"
    elif life > USUAL:
        yield f"it lives longer than {USUAL.days} days: until then only new keys end it"
    if held is not None:
        yield from _weakened(held, draft, at)
    if draft.signed.roles["root"].threshold == 1:
        yield "role root: one key alone is enough"
    yield from _shared(draft)


def _weakened(held: RootFile, draft: RootFile, at: datetime) -> Iterator[str]:
    if held.signed.expires <= at:
        yield f"{held.name} expired {spell(held.signed.expires)}: devices take nothing from this store until then"
    old, new = held.signed.roles, draft.signed.roles
    for role in ROLES:
        if new[role].threshold < old[role].threshold:
            yield f"role {role}: the threshold falls from {old[role].threshold} to {new[role].threshold}"
        keys = held.keys(role)
        for ident in (ident for ident in old[role].keyids if ident not in new[role].keyids):
            words = key_words(keys[ident]) if ident in keys else ident[:16]
            yield f"role {role}: the key {words} vanishes, and signs nothing any more"


def _shared(draft: RootFile) -> Iterator[str]:
    for ident in draft.signed.keys:
        roles = [role for role in ROLES if ident in draft.signed.roles[role].keyids]
        if len(roles) > 1:
            yield f"the key {ident[:16]} signs in {len(roles)} roles: {', '.join(roles)}"
