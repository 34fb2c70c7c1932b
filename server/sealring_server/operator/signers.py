"""Whose keys have signed a statement, by the names that people gave them (SPEC AU-3, TH-1).

What counts was judged when the store admitted it; here names are looked up in what is current now, so a key that has
since been replaced shows as one that nobody lists any more.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sealring.envelope import Envelope, parse_envelope
from sealring.keys import KeySet
from sealring.names import ROOT, KeyId
from sealring.statement import Brand, Common, Delegation, Root, parse_statement
from sealring_server.held import Held

MOST_KNOWN = 1_000  # authorities that one page remembers


@dataclass(frozen=True)
class Signer:
    """One signature: the key's name and id, and as whom it spoke; `of` is empty for a key that nobody lists now."""

    key: str
    name: str
    of: str


class Signers:
    """Looks up names, each authority's once for a page."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._known: dict[str, dict[KeyId, Signer]] = {}

    def of(self, envelope: Envelope, statement: Common) -> list[Signer]:
        """Who signed this, by authority and name."""
        names: dict[KeyId, Signer] = {}
        # A brand's own keys vouch for its next ones; the root's role `brand` also signs a last release (EL-1).
        for authority in (ROOT, statement.authority, getattr(statement, "brand", statement.authority)):
            names |= self._keys(str(authority))
        found = [names.get(ident, Signer(ident, "", "")) for ident in envelope.signatures]
        return sorted(found, key=lambda one: (one.of == "", one.of, one.name, one.key))

    def _keys(self, authority: str) -> dict[KeyId, Signer]:
        if authority not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[authority] = dict(self._look_up(authority))
        return self._known[authority]

    def _look_up(self, authority: str) -> Iterator[tuple[KeyId, Signer]]:
        if authority == ROOT:
            root = _body(self._held.root())
            assert isinstance(root, Root)
            yield from _named(root.roles.brand, "root, role brand")
            yield from _named(root.roles.root, "root")
            return
        for raw in self._held.governing(authority):
            statement = _body(raw)
            if isinstance(statement, Delegation):
                yield from _named(statement.keys, f"delegation {statement.subject}")
        raw_brand = self._held.current("brand", authority)
        brand = None if raw_brand is None else _body(raw_brand)
        if isinstance(brand, Brand):
            yield from _named(brand.keys, f"brand {authority}")


def _named(keys: KeySet, of: str) -> Iterator[tuple[KeyId, Signer]]:
    for key in keys.keys:
        yield key.id, Signer(key.id, key.name, of)


def _body(raw: bytes) -> Common:
    return parse_statement(parse_envelope(raw).payload)
