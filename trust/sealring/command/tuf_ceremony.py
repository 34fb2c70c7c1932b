"""The ceremony for a store's TUF root: reviewed, signed and assembled like every other request (SPEC TF-9, CE).

Keys have no names in TUF. They are told by their type and by the fingerprint that `sealring key show` tells, so that a
holder knows their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from sealring.command.authority import ForeignKey
from sealring.command.files import read_file
from sealring.command.meaning import grouped
from sealring.command.output import Output, Sheet, counted
from sealring.command.outside import Outside
from sealring.durable import write_durably
from sealring.errors import TrustError
from sealring.keys import PublicKey
from sealring.names import spell
from sealring.request.merge import OtherRequest
from sealring.request.tuf_root import (
    MAX_ROOT,
    MAX_TUF_REQUEST,
    ROLES,
    RootFile,
    RootRequest,
    check_request,
    is_signed,
    merge_roots,
    parse_root,
    parse_root_request,
    verify_next,
)
from sealring.signing import Signer, UselessSignature
from sealring.tuf_keys import tuf_key, tuf_signature

SOON = timedelta(days=60)
USUAL = timedelta(days=400)


@dataclass(eq=False)
class RootIncomplete(TrustError):
    """Not every threshold of the root is met yet (SPEC TF-9)."""

    missing: tuple[str, ...]
    rule: ClassVar[str] = "TF-9"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        return "the TUF root is not complete, nothing was written"

    def hint(self) -> str:
        return f"signatures of these keys would count: {', '.join(self.missing)}"


def load_root_request(raw: bytes, roots: Sequence[Path]) -> RootRequest:
    """The request in these bytes, checked from the holder's own TUF roots."""
    found = parse_root_request(raw)
    check_request(found, [parse_root(read_file(one, MAX_ROOT), str(one)) for one in roots])
    return found


def show_root_request(outside: Outside, request: RootRequest, roots: Sequence[Path]) -> None:
    """The whole review, in plain words."""
    output, held, draft = Output(outside), request.held, request.draft
    digest = grouped(sha256(held.raw).hexdigest())
    whose = "your" if roots else "its own"
    warn = "" if roots else ": COMPARE IT WITH YOUR OWN RECORD BEFORE YOU SIGN, or give --root"
    output.line(f"request {grouped(request.id)}")
    output.line(
        f"asks for signatures on a store's {draft.name}; judged from {whose} {held.name}, SHA-256 {digest}{warn}"
    )
    output.sheet(Sheet(draft.name, [*_rows(draft)]))
    output.sheet(Sheet(f"what changes from {held.name}", [*_changes(held, draft)], ("what", "before", "after")))
    for sentence in _warnings(held, draft, outside.clock()):
        output.line(f"warning: {sentence}")
    show_progress(output, request)


def show_progress(output: Output, request: RootRequest) -> None:
    """How far it is, by each of the two thresholds."""
    for _, words in _progress(request):
        output.line(f"  {words}")


def root_request_object(request: RootRequest, at: datetime, *, own: bool) -> dict[str, Any]:
    """The review for `--json`."""
    held, draft = request.held, request.draft
    return {
        "request": request.id,
        "tuf_root": draft.signed.version,
        "held": {"version": held.signed.version, "sha256": sha256(held.raw).hexdigest(), "is_its_own": own},
        "expires": spell(draft.signed.expires),
        "changes": [{"what": what, "before": old, "after": new} for what, old, new in _changes(held, draft)],
        "warnings": list(_warnings(held, draft, at)),
        "progress": [words for _, words in _progress(request)],
        "complete": not missing_keys(request),
        "missing": missing_keys(request),
    }


def sign_root_request(request: RootRequest, signer: Signer) -> RootRequest:
    """The request with this key's signature on its draft.

    Raises:
        ForeignKey: a signature of this key would count nowhere.
        UselessSignature: the key's signatures do not verify.
    """
    keys = _may_sign(request)
    ident = next((ident for ident, key in keys.items() if key.id == signer.public.id), None)
    if ident is None:
        raise ForeignKey("this TUF root", signer.public.name, tuple(map(key_words, keys.values())))
    sig = tuf_signature(signer.public, signer.sign(request.draft.signed_bytes))
    if not is_signed(tuf_key(signer.public), ident, sig, request.draft.signed_bytes):
        raise UselessSignature(signer.public.name)
    return request.with_signatures({**request.draft.signatures, ident: sig})


def check_may_sign(request: RootRequest, key: PublicKey) -> None:
    """Refuse a key that does not count, before its passphrase is asked for."""
    keys = _may_sign(request)
    if key.id not in {one.id for one in keys.values()}:
        raise ForeignKey("this TUF root", key.name, tuple(map(key_words, keys.values())))


def assemble_root(outside: Outside, copies: Sequence[Path], roots: Sequence[Path], place: Path, as_json: bool) -> None:
    """All copies as one root, in a new folder, once both thresholds are met.

    Raises:
        RootIncomplete, OtherRequest, TrustError: and nothing was written.
    """
    requests = [load_root_request(read_file(path, MAX_TUF_REQUEST), roots) for path in copies]
    for path, one in zip(copies, requests, strict=True):
        if one.id != requests[0].id:
            raise OtherRequest(str(path), one.id, requests[0].id)
    merged, dropped = merge_roots(requests)
    output, lacking = Output(outside), missing_keys(merged)
    found = {"complete": not lacking, "dropped": list(dropped)}
    if as_json and lacking:
        output.object({**found, **root_request_object(merged, outside.clock(), own=not roots)})
    if not as_json:
        show_progress(output, merged)
        for ident in dropped:
            output.line(f"dropped: the signature of {ident[:16]}: it does not verify, or may not sign this")
    if lacking:
        raise RootIncomplete(tuple(lacking))
    final = verify_next(merged.held, merged.draft.raw)  # by the code that the store will ask
    name = _write(place, final)
    if as_json:
        output.object({**found, "files": [name], **root_request_object(merged, outside.clock(), own=not roots)})
        return
    output.line(f"written: {name}")
    output.line(f"next: `sealring-store tuf publish DIR {name}` on the store")


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


def _write(place: Path, root: RootFile) -> str:
    place.mkdir()
    file = place / f"{root.signed.version}.root.json"
    write_durably(file, root.raw)
    return str(file)


def _groups(request: RootRequest) -> list[tuple[RootFile, list[str]]]:
    return [(root, root.good("root", request.draft)) for root in (request.held, request.draft)]


def _may_sign(request: RootRequest) -> dict[str, PublicKey]:
    return {**request.held.keys("root"), **request.draft.keys("root")}


def _progress(request: RootRequest) -> Iterator[tuple[bool, str]]:
    for root, good in _groups(request):
        keys, wanted = root.keys("root"), root.signed.roles["root"].threshold
        signed = ", ".join(key_words(keys[ident]) for ident in good if ident in keys) or "nobody"
        rest = ", ".join(key_words(key) for ident, key in keys.items() if ident not in good) or "nobody"
        yield len(good) >= wanted, f"keys of {root.name}: {len(good)} of {wanted}, signed: {signed}; missing: {rest}"


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


def _warnings(held: RootFile, draft: RootFile, at: datetime) -> Iterator[str]:
    expires, life = draft.signed.expires, draft.signed.expires - at
    if life <= timedelta():
        yield f"it expired {spell(expires)}"
    elif life < SOON:
        yield f"it expires within {SOON.days} days, {spell(expires)}"
    elif life > USUAL:
        yield f"it lives longer than {USUAL.days} days: until then only new keys end it"
    if held.signed.expires <= at:
        yield f"{held.name} expired {spell(held.signed.expires)}: devices take nothing from this store until then"
    old, new = held.signed.roles, draft.signed.roles
    for role in ROLES:
        if new[role].threshold < old[role].threshold:
            yield f"role {role}: the threshold falls from {old[role].threshold} to {new[role].threshold}"
        gone = [ident for ident in old[role].keyids if ident not in new[role].keyids]
        for ident in gone:
            key = held.keys(role).get(ident)
            yield f"role {role}: the key {key_words(key) if key else ident[:16]} vanishes, and signs nothing any more"
    if new["root"].threshold == 1:
        yield "role root: one key alone is enough"
    yield from _shared(draft)


def _shared(draft: RootFile) -> Iterator[str]:
    for ident in draft.signed.keys:
        roles = [role for role in ROLES if ident in draft.signed.roles[role].keyids]
        if len(roles) > 1:
            yield f"the key {ident[:16]} signs in {len(roles)} roles: {', '.join(roles)}"
