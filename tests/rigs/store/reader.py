"""A reader of a served store that follows every state that it is shown down to the statements (SPEC TF-2, PB-3).

TUF's own library decides who signed what; catalogue, proof, view and statements are checked by the trust core. What
does not verify is an AssertionError, but for one case that every TUF client has: between the question whether there is
a newer root and the one for the timestamp, the store may have changed its keys. Then, and only if a newer root is
there by now, the look begins again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, Root

from sealring.authentic import read_claim
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.follows import needs_path, verify_entry
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.view import verify_view, view_key
from sealring.chain import Chain, begin_with_root
from sealring.errors import TrustError
from sealring.statement import TYPES
from tests.stores import ask


@dataclass(frozen=True)
class Seen:
    """One whole state: all of it verified."""

    entry: CatalogueEntry
    versions: dict[str, int]
    """Of each TUF role."""
    statements: dict[tuple[str, str], int]
    """Sequence of each (type, subject) in the views."""


@dataclass
class Reader:
    """Reads the store at `url` as a device would that trusts this TUF root and this root assertion."""

    url: str
    tuf_root: bytes
    root: bytes
    models: tuple[str, ...]
    """Full names; each has a view from the first look on."""
    clock: Callable[[], datetime]
    looks: int = 0
    begun_again: int = 0
    seen: Seen | None = None
    envelopes: dict[str, bytes] = field(default_factory=dict)
    """Statements that were read before, by digest."""

    def look(self) -> Seen:
        """Read and verify everything once.

        Raises:
            AssertionError: something of it does not verify, is older than what was seen, or is not there.
        """
        while True:
            self._walk_roots()
            try:
                found = self._look()
            except UnsignedMetadataError as err:
                if self._status(f"/tuf/{self._trusted().version + 1}.root.json") != 200:
                    raise AssertionError(f"signed by other keys than the newest root's: {err}") from err
                self.begun_again += 1
                continue
            except TrustError as err:
                raise AssertionError(f"{err} [{err.rule}]") from err
            self.looks += 1
            self.seen = found
            return found

    def _walk_roots(self) -> None:
        """TF-3: one version after the other, each signed by the one before and by itself."""
        while (raw := self._maybe(f"/tuf/{self._trusted().version + 1}.root.json")) is not None:
            held, offered = self._trusted(), Metadata[Root].from_bytes(raw)
            for judge in (held, offered.signed):
                judge.verify_delegate("root", offered.signed_bytes, offered.signatures)
            assert offered.signed.version == held.version + 1
            self.tuf_root = raw

    def _look(self) -> Seen:
        timestamp = self._metadata("timestamp", "timestamp.json")
        snapshot = self._metadata("snapshot", f"{timestamp.snapshot_meta.version}.snapshot.json")
        targets = self._metadata("targets", f"{snapshot.meta['targets.json'].version}.targets.json")
        versions = {role.type: int(role.version) for role in (timestamp, snapshot, targets)}
        assert versions["snapshot"] == timestamp.snapshot_meta.version
        target = targets.targets["catalogue.json"]
        catalogue = self._get(f"/tuf/targets/{target.hashes['sha256']}.catalogue.json")
        assert (sha256(catalogue).hexdigest(), len(catalogue)) == (target.hashes["sha256"], target.length)
        entry = self._entry(catalogue)
        if self.seen is not None:
            assert all(versions[role] >= number for role, number in self.seen.versions.items()), "a version fell"
        return Seen(entry, versions, self._statements(entry))

    def _metadata(self, role: str, name: str) -> Any:
        metadata = Metadata.from_bytes(self._get(f"/tuf/{name}"))
        assert metadata.signed.type == role
        self._trusted().verify_delegate(role, metadata.signed_bytes, metadata.signatures)
        assert not metadata.signed.is_expired(self.clock()), f"{name} has expired"
        return metadata.signed

    def _entry(self, raw: bytes) -> CatalogueEntry:
        """CT-2, CT-3, LG-2: of one history with what was seen before."""
        held, root = self.seen.entry if self.seen else None, bytes.fromhex(begin_with_root(self.root).envelope.id)
        offered = verify_entry(raw, root=root, held=None)
        path = b""
        if held is not None and needs_path(offered, held):
            path = self._get(f"/v1/log/{offered.sequence - 1}/{held.sequence - 1}")
        return verify_entry(raw, root=root, held=held, path=path)

    def _statements(self, entry: CatalogueEntry) -> dict[tuple[str, str], int]:
        keys = sorted(view_key(entry.root, model) for model in self.models)
        proof = self._get(f"/v1/proofs/{entry.map.hex()}/{','.join(key.hex() for key in keys)}")
        proven = verify_proof(proof, entry.map, keys)
        found: dict[tuple[str, str], int] = {}
        for model in self.models:
            leaf = proven.present[view_key(entry.root, model)]
            view = verify_view(self._get(f"/v1/views/{leaf.envelope.hex()}"), leaf, root=entry.root, model=model)
            chain = self._chain({about: head.envelope.hex() for about, head in view.heads.items()})
            for (kind, _, subject), head in view.heads.items():
                claim = read_claim(self._envelope(head.envelope.hex()))
                assert (claim.statement.sequence, claim.envelope.id) == (head.sequence, head.id.hex())
                if claim.statement.authority != "root":
                    chain.authenticate(claim.envelope.raw, TYPES[kind], claim.statement.authority)
                found[kind, subject] = head.sequence
        return found

    def _chain(self, digests: dict[tuple[str, int, str], str]) -> Chain:
        chain = Chain(begin_with_root(self.root))
        for (kind, _, _), digest in digests.items():
            chain = chain.with_brand([self._envelope(digest)]) if kind == "brand" else chain
        return chain

    def _envelope(self, digest: str) -> bytes:
        if digest not in self.envelopes:
            raw = self._get(f"/v1/statements/{digest}")
            assert sha256(raw).hexdigest() == digest
            self.envelopes[digest] = raw
        return self.envelopes[digest]

    def _trusted(self) -> Root:
        return Metadata[Root].from_bytes(self.tuf_root).signed

    def _get(self, path: str) -> bytes:
        raw = self._maybe(path)
        assert raw is not None, f"{path} is not there"
        return raw

    def _maybe(self, path: str) -> bytes | None:
        answer = ask(self.url, path)
        assert answer.status in (200, 404), (path, answer.status, answer.body[:200])
        return answer.body if answer.status == 200 else None

    def _status(self, path: str) -> int:
        return ask(self.url, path).status
