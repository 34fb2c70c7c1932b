"""Makes evidence, judges it as a stranger would, and keeps it (SPEC CT-5)."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import islice
from typing import NoReturn

from sealring.bundle import Entry, PathEntry, ProofEntry, StatementEntry, ViewEntry
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.leaf import map_key
from sealring.catalogue.log import inclusion_path, leaf_hash
from sealring.catalogue.sparse import SparseMap
from sealring.catalogue.view import View, parse_view, view_key
from sealring.durable import write_durably
from sealring.envelope import parse_envelope
from sealring.errors import TrustError
from sealring.statement import parse_statement
from sealring.tuf_set import Vouched
from sealring_server.audit.errors import Contradiction
from sealring_server.audit.evidence import Evidence
from sealring_server.audit.observation import Observation
from sealring_server.audit.state import State
from sealring_server.audit.verdict import judge
from sealring_server.audit.views_again import is_view

PROOF_KEYS = 64  # in one proof


class Accuser:
    """What the store shows now, as the one side of every accusation."""

    def __init__(self, state: State, observation: Observation, shown: Vouched) -> None:
        self._state, self._observation, self._shown = state, observation, shown

    def accuse(self, evidence: Evidence, what: str) -> NoReturn:
        """Keep the evidence if it proves something; then, or without it, refuse the store.

        Raises:
            Contradiction: always.
        """
        try:
            raw = evidence.to_bytes()
            found = judge(raw)
        except TrustError as err:
            raise Contradiction(f"{what}; {err}", "CT-4") from None
        folder = self._state.folder / "evidence"
        folder.mkdir(exist_ok=True)
        path = folder / f"{evidence.kind}-{sha256(raw).hexdigest()[:16]}.bundle"
        write_durably(path, raw)
        raise Contradiction(found.what, found.rule, str(path))

    def committed(self, entry: CatalogueEntry, name: str, before: CatalogueEntry | None = None) -> Evidence:
        """The entry, and the one before it, as ones that stand behind the newest: with their paths (LG-2)."""
        files = self._observation.files("b/") | {name: entry.raw}
        more: list[Entry] = []
        if before is not None:
            files["before.json"] = before.raw
        for one in (entry, before):
            if one is not None and one.raw != self._shown.entry.raw:
                more.append(PathEntry(self._shown.entry.sequence, one.sequence, self._path(one.sequence)))
        return Evidence("", files, tuple(more))

    def accuse_leaf(self, entry: CatalogueEntry, map: SparseMap, key: bytes, raw: bytes, wrong: str) -> NoReturn:
        """A leaf that does not say what it names.

        Raises:
            Contradiction: always.
        """
        leaf = map.get(key)
        named: Entry = ViewEntry(raw) if leaf is not None and is_view(leaf) else StatementEntry(raw)
        base = self.committed(entry, "entry.json")
        more = (named, ProofEntry(map.root, (key,), map.prove([key])), *base.more)
        self.accuse(Evidence("leaf", base.files, more), f"entry {entry.sequence}: the leaf {key.hex()} {wrong}")

    def accuse_view(
        self, entry: CatalogueEntry, map: SparseMap, again: View, raw: bytes | None, statements: Sequence[bytes]
    ) -> NoReturn:
        """A view that is not what the statements give.

        Args:
            again: what it should be.
            raw: what the store shows; None where the map has no view of this model.

        Raises:
            Contradiction: always.
        """
        rows = {*again.heads, *(parse_view(raw).heads if raw is not None else ())}
        keys = {view_key(entry.root, again.model), *(map_key(entry.root, *about) for about in rows)}
        keys |= {_key_of(entry.root, one) for one in statements}
        base = self.committed(entry, "entry.json")
        more: list[Entry] = [StatementEntry(one) for one in statements]
        more += [ViewEntry(raw)] if raw is not None else []
        more += _proofs(map, sorted(keys))
        files = {**base.files, "model": again.model.encode()}
        what = f"entry {entry.sequence}: the view of {again.model} is not what the statements give"
        self.accuse(Evidence("view", files, (*more, *base.more)), what)

    def _path(self, sequence: int) -> bytes:
        leaves = [leaf_hash(raw) for raw in self._state.entries(1, self._shown.entry.sequence - 1)]
        return inclusion_path(leaves, sequence - 1)


def _key_of(root: bytes, raw: bytes) -> bytes:
    said = parse_statement(parse_envelope(raw).payload)
    return map_key(root, said.type, said.format, said.subject)


def _proofs(map: SparseMap, keys: Iterable[bytes]) -> list[ProofEntry]:
    rest, found = iter(keys), []
    while some := tuple(islice(rest, PROOF_KEYS)):
        found.append(ProofEntry(map.root, some, map.prove(some)))
    return found
