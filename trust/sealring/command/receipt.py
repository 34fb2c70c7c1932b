"""A publisher's receipt: proof that the store now shows what was published (SPEC PB-8).

Without it a store could answer "thank you" and show nothing, or show it to the publisher alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import ClassVar

from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from sealring.bundle import Entry, ProofEntry, TufEntry, read_bundle
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.follows import verify_entry
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.proof import verify_proof
from sealring.chain import Claim
from sealring.command.output import clean
from sealring.errors import TrustError
from sealring.names import NO_ROOT
from sealring.tuf_form import NotVouched, T, TufForm, parse_tuf
from sealring.tuf_set import check_signed

CATALOGUE = "catalogue.json"


@dataclass(eq=False)
class BadReceipt(TrustError):
    """The store's receipt does not prove that everything was published (SPEC PB-8)."""

    reason: str
    rule: ClassVar[str] = "PB-8"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"receipt: {self.reason}"

    def hint(self) -> str:
        return "do not count on this publication: ask the store's operator, publish it again, or use another store"


@dataclass(frozen=True)
class Receipt:
    """What the receipt proved. `signed` tells whether the store's TUF signatures were checked."""

    entry: CatalogueEntry
    snapshot: int
    signed: bool


def root_of(claims: Iterable[Claim]) -> bytes:
    """The id of the one root under which all of these were made.

    Raises:
        BadReceipt: when they belong to several.
    """
    roots = {c.envelope.id if c.statement.root == NO_ROOT else c.statement.root for c in claims}
    if len(roots) != 1:
        raise BadReceipt(f"statements of {len(roots)} roots can't be published together")
    return bytes.fromhex(roots.pop())


def verify_receipt(raw: bytes, claims: Sequence[Claim], tuf_root: Root | None, at: datetime) -> Receipt:
    """What the store proved, if it proved that each of these statements is what it now shows (SPEC PB-8).

    Args:
        raw: the bundle with which the store answered.
        claims: what was published, of one root.
        tuf_root: the store's TUF root in force; without it the chain of digests is checked, but nobody's signature.
        at: instant of the check, for the expiry of the TUF metadata.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    entries, root = read_bundle(raw), root_of(claims)
    catalogue, snapshot = _catalogue(_files(entries), tuf_root, at)
    entry = verify_entry(catalogue, root=root, held=None)
    _check_heads(_heads(entries, entry), claims, root)
    return Receipt(entry, snapshot, tuf_root is not None)


def _files(entries: Sequence[Entry]) -> dict[str, bytes]:
    return {entry.name: entry.data for entry in entries if isinstance(entry, TufEntry)}


def _catalogue(files: dict[str, bytes], root: Root | None, at: datetime) -> tuple[bytes, int]:
    """The bytes of catalogue.json that the timestamp leads to, and the snapshot's version."""
    timestamp = parse_tuf(_file(files, "timestamp.json"), Timestamp)
    _check_signed(timestamp, root, at)
    number = timestamp.signed.snapshot_meta.version
    snapshot = parse_tuf(_file(files, f"{number}.snapshot.json"), Snapshot, name=f"{number}.snapshot.json")
    _check_signed(snapshot, root, at)
    meta = snapshot.signed.meta.get("targets.json")
    if snapshot.signed.version != number or meta is None:
        raise BadReceipt(f"the timestamp names snapshot {number}, and that names no targets")
    targets = parse_tuf(_file(files, f"{meta.version}.targets.json"), Targets, name=f"{meta.version}.targets.json")
    _check_signed(targets, root, at)
    target = targets.signed.targets.get(CATALOGUE)
    if targets.signed.version != meta.version or target is None:
        raise BadReceipt(f"the snapshot names targets {meta.version}, and these name no {CATALOGUE}")
    wanted = clean(target.hashes.get("sha256", "none"), 64)
    raw = _file(files, f"{wanted}.{CATALOGUE}")
    if sha256(raw).hexdigest() != wanted or len(raw) != target.length:
        raise BadReceipt(f"{CATALOGUE} is not the one that targets {meta.version} name")
    return raw, number


def _file(files: dict[str, bytes], name: str) -> bytes:
    if name not in files:
        raise BadReceipt(f"{name} is missing")
    return files[name]


def _check_signed(metadata: TufForm[T], root: Root | None, at: datetime) -> None:
    role = metadata.signed.type
    if metadata.signed.is_expired(at):
        raise BadReceipt(f"{role} has expired")
    if root is None:
        return
    try:
        check_signed(root, metadata, f"{role}.json")
    except NotVouched as err:
        raise BadReceipt(f"{role} is not signed by the store: {err}") from None


def _heads(entries: Sequence[Entry], entry: CatalogueEntry) -> dict[bytes, Head]:
    """Every head that is proved under this catalogue's map."""
    found: dict[bytes, Head] = {}
    for proof in entries:
        if isinstance(proof, ProofEntry):
            found.update(verify_proof(proof.proof, entry.map, proof.keys).present)
    return found


def _check_heads(heads: dict[bytes, Head], claims: Sequence[Claim], root: bytes) -> None:
    highest: dict[bytes, Claim] = {}
    for claim in claims:
        key = map_key(root, claim.statement.type, claim.statement.format, claim.statement.subject)
        if key not in highest or highest[key].statement.sequence < claim.statement.sequence:
            highest[key] = claim
    for key, claim in highest.items():
        head, said = heads.get(key), claim.statement
        if head is None:
            raise BadReceipt(f"no proof that {said.title} is there")
        # The id, not the envelope: a store may hold more signatures of it than this publisher sent.
        if (head.sequence, head.id.hex()) != (said.sequence, claim.envelope.id):
            found = f"sequence {head.sequence}, id {head.id.hex()[:16]}"
            raise BadReceipt(f"{said.title}: {found} is shown, {said.sequence}, {claim.envelope.id[:16]} was sent")
