"""A model's view computed again from statements and heads, by the rule that the store itself uses (SPEC VW-2).

A store's database is no part of it: `Current` is what somebody outside has learnt of the newest map.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Protocol, TypeVar

from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.view import Subjects, View, make_view, parse_view, view_key
from sealring.envelope import parse_envelope
from sealring.errors import TrustError
from sealring.halt import halt_key, parse_halt
from sealring.names import NO_ROOT
from sealring.statement import FORMATS, Common, Delegation, Model, Release, Stack, UnknownFormat, parse_statement
from sealring_server.views.rules import About, needed

S = TypeVar("S", bound=Common)


class Current(Protocol):
    """The statements that are heads of one map, by type and subject; one for each format (SPEC ST-8)."""

    def heads(self, about: About) -> Mapping[int, Head]:
        """The heads of one subject."""

    def bodies(self, about: About) -> Iterable[Common]:
        """What they say, of those types that lead on to others."""

    def newest_root(self) -> str:
        """The highest version of the root, as its subject."""

    def delegations(self, brand: str) -> Iterable[Delegation]:
        """Every delegation of this brand."""


class _Says:
    def __init__(self, current: Current) -> None:
        self._current = current

    def releases(self, subject: str) -> list[Release]:
        return _only(self._current.bodies(("release", subject)), Release)

    def stacks(self, subject: str) -> list[Stack]:
        return _only(self._current.bodies(("stack", subject)), Stack)

    def delegations(self, brand: str) -> Iterable[Delegation]:
        return self._current.delegations(brand)


def wanted_of(model: str, current: Current) -> set[About]:
    """All that the model's view lists where it is there; nothing where no model has this name."""
    issued = _only(current.bodies(("model", model)), Model)
    found = {about for one in issued for about in needed(one, _Says(current))}
    return {("root", current.newest_root()), *found} if issued else set()


def view_again(root: bytes, model: str, wanted: Iterable[About], current: Current) -> View:
    """The view with the heads of what is wanted (VW-1, VW-2).

    Raises:
        TrustError: when no device would take such a view.
    """
    rows: dict[Subjects, Head] = {
        (kind, number, subject): head
        for kind, subject in wanted
        for number, head in current.heads((kind, subject)).items()
    }
    return make_view(root, model, rows)


def is_view(head: Head) -> bool:
    """Whether a leaf is a view's, or a halt's: a statement's id is never its envelope's digest (VW-3, HL-1)."""
    return head.id == head.envelope


def is_halt(raw: bytes) -> bool:
    """Whether these bytes, which such a leaf names, are a halt: in the one spelling a view begins otherwise (HL-1)."""
    try:
        parse_halt(raw)
    except TrustError:
        return False
    return True


def read_leaf(root: bytes, key: bytes, head: Head, raw: bytes) -> tuple[Common | None, str]:
    """What the bytes that a leaf names say, and what is wrong with that; no statement for a format to come (ST-2).

    Args:
        raw: bytes whose digest is the leaf's.
    """
    try:
        if is_view(head) and is_halt(raw):
            halt = parse_halt(raw)
            is_own = bytes.fromhex(halt.root) == root and halt_key(root, halt.release) == key
            return None, "" if is_own else f"is the halt of {halt.release}, at another's place"
        if is_view(head):
            view = parse_view(raw)
            is_own = view.root == root and view_key(root, view.model) == key
            return None, "" if is_own else f"is the view of {view.model}, at another's place"
        envelope = parse_envelope(raw)
        if envelope.id != head.id.hex():
            return None, f"says id {head.id.hex()}, the envelope's is {envelope.id}"
        said = parse_statement(envelope.payload)
        place = map_key(root, said.type, said.format, said.subject)
    except UnknownFormat:
        return None, ""
    except TrustError as err:
        return None, f"names what no device reads: {err}"
    if place != key or said.sequence != head.sequence:
        return None, f"with sequence {head.sequence} names {said.title}, sequence {said.sequence}, of another place"
    if said.root != root.hex() and (said.root, envelope.id) != (NO_ROOT, root.hex()):
        return None, f"names {said.title} under root {said.root}"
    return said, ""


class Gathered:
    """Statements in memory, each with a head that names its very bytes."""

    def __init__(self, root: bytes, heads: Mapping[bytes, Head], raws: Iterable[bytes]) -> None:
        self._root, self._proved = root, heads
        self._said: dict[About, list[Common]] = {}
        by_digest = {sha256(raw).digest(): raw for raw in raws}
        for key, head in heads.items():
            raw = by_digest.get(head.envelope)
            said = read_leaf(root, key, head, raw)[0] if raw is not None and not is_view(head) else None
            if said is not None:
                self._said.setdefault((said.type, said.subject), []).append(said)

    def heads(self, about: About) -> Mapping[int, Head]:
        """The heads of one subject, whether or not its statements are here."""
        keys = {number: map_key(self._root, about[0], number, about[1]) for number in FORMATS}
        return {number: self._proved[key] for number, key in keys.items() if key in self._proved}

    def bodies(self, about: About) -> list[Common]:
        """What they say."""
        return self._said.get(about, [])

    def newest_root(self) -> str:
        """The highest version of the root that is there."""
        return max((subject for kind, subject in self._said if kind == "root"), key=int, default="1")

    def delegations(self, brand: str) -> Iterator[Delegation]:
        """Every delegation of this brand."""
        for (kind, subject), said in self._said.items():
            if kind == "delegation" and subject.startswith(f"{brand}/"):
                yield from _only(said, Delegation)


def _only(found: Iterable[Common], kind: type[S]) -> list[S]:
    return [one for one in found if isinstance(one, kind)]
