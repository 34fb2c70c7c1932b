"""A request for a root of a store's TUF repository, and who must sign it (SPEC TF-9, CE-9).

It travels as the other requests do: one JSON object in one spelling, with the root in force (`held`, empty before the
first) and the one that is to follow (`draft`). What is signed is TUF's canonical JSON, so that every TUF client
verifies the result.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any, Literal

import msgspec
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import TOP_LEVEL_ROLE_NAMES, Metadata, Root
from tuf.api.serialization import DeserializationError, SerializationError
from tuf.api.serialization.json import CanonicalJSONSerializer

from sealring.errors import RuledError
from sealring.keys import PublicKey
from sealring.strict import Rules, decode_strict, encode
from sealring.tuf_keys import public_of, tuf_key

BEGINS = b'{"tuf_request":'
MAX_ROOT = 64 * 1024  # bytes; a root of 128 keys has less
MAX_TUF_REQUEST = 4 * MAX_ROOT
ROLES = ("root", "timestamp", "snapshot", "targets")
_DOMAIN = b"sealring tuf request v1\0"
_RULES = Rules("CE-1", "CE-1", "CE-1")


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tuf_request: Literal[1]
    held: bytes
    draft: bytes


_decoder = msgspec.json.Decoder(_Form)


@dataclass(eq=False)
class BadTufRoot(RuledError):
    """A root that can't be the store's next, or no root at all (SPEC TF-1, TF-9)."""

    what: str
    reason: str
    by: str = "TF-9"
    code: int = 25

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """25 for the store's word, 21 where signatures lack."""
        return self.code

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"

    def hint(self) -> str:
        if self.code == 21:
            return "let more holders sign the request: `sealring sign REQUEST --key KEY`, then `sealring assemble`"
        return "ask the store's operator for a new request: `sealring-store tuf request DIR`"


@dataclass(frozen=True)
class RootFile:
    """A TUF root: its bytes, what they say, and what its signatures are over. Nothing yet says who signed it."""

    raw: bytes
    signed: Root
    signed_bytes: bytes
    signatures: Mapping[str, str]
    """Hex by key id."""

    @property
    def name(self) -> str:
        """How people call it."""
        return f"TUF root {self.signed.version}"

    def keys(self, role: str) -> dict[str, PublicKey]:
        """The keys of one of its roles by their TUF ids; those that no statement could list are left out."""
        listed = self.signed.keys
        found = {ident: public_of(listed[ident]) for ident in self.signed.roles[role].keyids if ident in listed}
        return {ident: key for ident, key in found.items() if key is not None}

    def good(self, role: str, over: "RootFile") -> list[str]:
        """The keys of a role of this root whose signatures on `over` verify, by id."""
        found = []
        for ident in self.signed.roles[role].keyids:
            key, sig = self.signed.keys.get(ident), over.signatures.get(ident)
            if key is not None and sig is not None and is_signed(key, ident, sig, over.signed_bytes):
                found.append(ident)
        return found

    def vouches(self, over: "RootFile") -> bool:
        """Whether the threshold of this root's own role signed `over` (TF-3)."""
        return len(self.good("root", over)) >= self.signed.roles["root"].threshold

    def with_signatures(self, signatures: Mapping[str, str]) -> "RootFile":
        """The same root with these instead; in the one spelling."""
        return RootFile(root_bytes(self.signed, signatures), self.signed, self.signed_bytes, dict(signatures))


@dataclass(frozen=True)
class RootRequest:
    """Unverified: `check_request` says what of it holds. `held` is None where it asks for the store's first root."""

    held: RootFile | None
    draft: RootFile

    @property
    def id(self) -> str:
        """What holders compare; signing does not change it (CE-2)."""
        before = self.held.raw if self.held is not None else b""
        parts = (sha256(before).digest(), sha256(self.draft.signed_bytes).digest())
        return sha256(_DOMAIN + b"".join(parts)).hexdigest()

    @property
    def raw(self) -> bytes:
        """The file's bytes."""
        return encode(_Form(1, self.held.raw if self.held is not None else b"", self.draft.raw))

    @property
    def voters(self) -> tuple[RootFile, ...]:
        """The roots whose own role must sign, each by its threshold: the one in force, and the draft itself."""
        return (self.draft,) if self.held is None else (self.held, self.draft)

    def with_signatures(self, signatures: Mapping[str, str]) -> "RootRequest":
        """The same request, its draft signed by these."""
        return RootRequest(self.held, self.draft.with_signatures(signatures))


def root_bytes(signed: Root, signatures: Mapping[str, str]) -> bytes:
    """A root's file in one spelling: compact JSON, members in order, signatures ascending by key id."""
    rows = [{"keyid": ident, "sig": signatures[ident]} for ident in sorted(signatures)]
    return json.dumps({"signatures": rows, "signed": signed.to_dict()}, sort_keys=True, separators=(",", ":")).encode()


def unsigned(said: Root) -> RootFile:
    """A draft that nobody has signed."""
    return RootFile(root_bytes(said, {}), said, CanonicalJSONSerializer().serialize(said), {})


def parse_root(raw: bytes, what: str = "TUF root") -> RootFile:
    """The TUF root in these bytes.

    Raises:
        BadTufRoot: and nothing else, whatever the bytes.
    """
    if len(raw) > MAX_ROOT:
        raise BadTufRoot(what, f"{len(raw)} bytes, at most {MAX_ROOT} are read", "TF-7")
    try:
        found: Metadata[Any] = Metadata.from_bytes(raw)
        if not isinstance(found.signed, Root):
            raise BadTufRoot(what, f"TUF {found.signed.type!a:.20} found, root needed", "TF-1")
        signed_bytes = found.signed_bytes
        signatures = {ident: sig.signature for ident, sig in found.signatures.items()}
    except (DeserializationError, SerializationError, RepositoryError, RecursionError, ValueError) as err:
        raise BadTufRoot(what, f"no TUF root: {_plain(err)}", "TF-1") from None
    return RootFile(raw, found.signed, signed_bytes, signatures)


def parse_root_request(raw: bytes) -> RootRequest:
    """The request that these bytes spell, within every bound.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    form = decode_strict(raw, _decoder, limit=MAX_TUF_REQUEST, what="request", rules=_RULES)
    held = parse_root(form.held, "the root in force") if form.held else None
    draft = parse_root(form.draft, "the draft")
    _check_form(draft)
    if root_bytes(draft.signed, draft.signatures) != draft.raw:
        raise BadTufRoot("the draft", "not in the one allowed spelling", "CE-1", 20)
    return RootRequest(held, draft)


def check_request(request: RootRequest, roots: Sequence[RootFile] = ()) -> None:
    """Raise unless the draft may follow the root in force, which the holder's own roots lead to (SPEC CE-3, TF-3).

    Args:
        roots: of the holder's own, oldest first; none: the request's own is believed.

    Raises:
        BadTufRoot.
    """
    held = request.held
    if held is None:
        if roots:
            raise BadTufRoot(request.draft.name, "it asks for a first root, and you have one", "CE-3")
        check_first(request.draft)
        return
    if not held.vouches(held):
        raise BadTufRoot(held.name, "not signed by its own keys", "CE-3")
    for before, after in pairwise(roots):
        _check_step(before, after)
    if roots and roots[-1].raw != held.raw:
        _check_step(roots[-1], held)
    check_follows(held, request.draft)


def check_first(draft: RootFile) -> None:
    """Raise unless this could be a store's first root, whoever signs it."""
    _check_form(draft)
    if draft.signed.version != 1:
        raise BadTufRoot(draft.name, "version 1 needed: nothing is before it", "TF-2")


def check_follows(held: RootFile, draft: RootFile) -> None:
    """Raise unless these could be two roots of a store, one after the other, whoever signs the second."""
    _check_form(draft)
    if draft.signed.version != held.signed.version + 1:
        raise BadTufRoot(draft.name, f"follows version {held.signed.version}", "TF-2")


def verify_next(held: RootFile | None, raw: bytes) -> RootFile:
    """The store's next root: of the right form, and signed by both thresholds (SPEC TF-9); the first by its own.

    Raises:
        BadTufRoot: and nothing else, whatever the bytes.
    """
    found = parse_root(raw)
    if held is None:
        check_first(found)
        _check_signed(found, found, "its own keys")
        return found
    check_follows(held, found)
    _check_step(held, found)
    return found


def merge_roots(requests: Sequence[RootRequest]) -> tuple[RootRequest, tuple[str, ...]]:
    """Copies of one request as one, with every good signature of keys that may sign; and whose were dropped (CE-5).

    The caller has seen that their ids are one.
    """
    first = requests[0]
    offered: dict[str, list[str]] = {}
    for one in requests:
        for ident, sig in one.draft.signatures.items():
            offered.setdefault(ident, []).append(sig)
    kept: dict[str, str] = {}
    keys = {ident: key for root in first.voters for ident, key in root.signed.keys.items()}
    may = {ident for root in first.voters for ident in root.keys("root")}
    for ident, sigs in offered.items():
        if ident in may:
            # Tried before it is kept: whoever hands in rubbish under another's key must not push his out.
            good = [sig for sig in sigs if is_signed(keys[ident], ident, sig, first.draft.signed_bytes)]
            if good:
                kept[ident] = good[0]
    return first.with_signatures(kept), tuple(sorted(set(offered) - set(kept)))


def is_signed(key: Any, ident: str, sig: str, message: bytes) -> bool:
    """Whether this signature verifies, for people and for choosing; thresholds are counted over distinct ids."""
    from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
    from securesystemslib.signer import Signature

    try:
        key.verify_signature(Signature(ident, sig), message)
    except (UnverifiedSignatureError, VerificationError, ValueError):
        return False
    return True


def _check_step(before: RootFile, after: RootFile) -> None:
    """TF-3: the threshold of the root before, and its own; no version in between is passed over."""
    if after.signed.version != before.signed.version + 1:
        raise BadTufRoot(after.name, f"version {before.signed.version + 1} needed", "TF-3")
    _check_signed(before, after, f"the keys of {before.name}")
    _check_signed(after, after, "its own keys")


def _check_signed(by: RootFile, root: RootFile, whose: str) -> None:
    good, wanted = len(by.good("root", root)), by.signed.roles["root"].threshold
    if good < wanted:
        raise BadTufRoot(root.name, f"signed by {good} of {whose}, {wanted} needed", "TF-9", 21)


def _check_form(root: RootFile) -> None:
    """TF-1, TF-7: four roles of keys that every client knows, each under the id that TUF computes; nothing else."""
    said, what = root.signed, root.name
    if not said.consistent_snapshot or set(said.roles) != set(ROLES) or set(said.roles) != TOP_LEVEL_ROLE_NAMES:
        raise BadTufRoot(what, "other roles than a store has, or no consistent snapshots", "TF-1")
    if said.unrecognized_fields or any(one.unrecognized_fields for one in _parts(said)):
        raise BadTufRoot(what, "members that TUF does not name", "TF-1")
    for ident, key in said.keys.items():
        public = public_of(key)
        # One key under two ids would count twice; a type that clients do not know would blind them.
        if public is None or tuf_key(public).to_dict() != key.to_dict() or tuf_key(public).keyid != ident:
            why = "is none that TUF clients verify, or stands under a made-up id"
            raise BadTufRoot(what, f"key {ident[:16]!a} {why}", "TF-7")
    for name, role in said.roles.items():
        if not 1 <= role.threshold <= len(role.keyids) or not set(role.keyids) <= set(said.keys):
            raise BadTufRoot(what, f"role {name}: {role.threshold} of {len(role.keyids)} keys", "TF-1")
    if set(said.keys) != {ident for role in said.roles.values() for ident in role.keyids}:
        raise BadTufRoot(what, "a key without a role", "TF-1")


def _parts(said: Root) -> Iterable[Any]:
    return (*said.keys.values(), *said.roles.values())


def _plain(err: Exception) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in str(err)[:100])
