"""One model's view at the newest entry, from the top: for witnesses who don't fetch every statement (SPEC VW-2, VW-4).

What the view leads to is asked for by name, and each name has one place in the map. Only delegations have no known
names: they are those that the view or `/v1/authorities` lists; one that is hidden from both only a whole audit finds.
"""

from collections.abc import Iterable, Iterator, Mapping

from sealring.bundle import StatementEntry, read_bundle
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.view import MAX_VIEW, View, verify_view, view_key
from sealring.envelope import MAX_ENVELOPE, parse_envelope
from sealring.errors import TrustError
from sealring.statement import FORMATS, Common, Delegation, parse_statement
from sealring_server.audit.accuse import Accuser
from sealring_server.audit.errors import NotThere
from sealring_server.audit.follow import Follower
from sealring_server.audit.views_again import read_leaf, view_again, wanted_of
from sealring_server.views.rules import About

MAX_ROOTS = 100_000  # versions of the root that are looked for
MAX_POWERS = 130 * MAX_ENVELOPE  # bytes: 64 delegations, 65 lists (SPEC PB-7)


def judge_model(follower: Follower, model: str) -> None:
    """The model's view is what the statements of the newest map give.

    Raises:
        NotThere: the store has no such model.
        Contradiction, NotShown, TrustError, NoAnswer, UsedUp.
    """
    entry, accuser = follower.found.entry, follower.accuser
    leaf = follower.map.get(view_key(entry.root, model))
    raw = None if leaf is None else follower.named(f"/v1/views/{leaf.envelope.hex()}", leaf, entry, MAX_VIEW)
    view = None
    if leaf is not None and raw is not None:
        view = verify_view(raw, leaf, root=entry.root, model=model)
    current = _Asked(follower, view, accuser)
    wanted = wanted_of(model, current)
    if not wanted:
        raise NotThere(f"{follower.ask.url}: model {model}")
    again = view_again(entry.root, model, wanted, current)
    follower.found.views += 1
    follower.found.models.append(model)
    if view is None or view.digest != again.digest:
        accuser.accuse_view(entry, follower.map, again, raw, current.raws)


class _Asked:
    """What the map has, asked for by name."""

    def __init__(self, follower: Follower, view: View | None, accuser: Accuser) -> None:
        self._follower, self._view, self._accuser = follower, view, accuser
        self._root = follower.found.entry.root
        self._said: dict[bytes, Common | None] = {}
        self.raws: list[bytes] = []

    def heads(self, about: About) -> Mapping[int, Head]:
        found = {number: self._follower.map.get(map_key(self._root, about[0], number, about[1])) for number in FORMATS}
        return {number: head for number, head in found.items() if head is not None and not head.is_tombstone}

    def bodies(self, about: About) -> list[Common]:
        found = (self._body(about, number, head) for number, head in self.heads(about).items())
        return [one for one in found if one is not None]

    def newest_root(self) -> str:
        number = 1
        while number < MAX_ROOTS and self.heads(("root", str(number + 1))):
            number += 1
        self.bodies(("root", str(number)))
        return str(number)

    def delegations(self, brand: str) -> Iterator[Delegation]:
        listed = {subject for kind, _, subject in (self._view.heads if self._view else ()) if kind == "delegation"}
        for subject in sorted({one for one in listed if one.startswith(f"{brand}/")} | set(self._shown(brand))):
            for said in self.bodies(("delegation", subject)):
                if isinstance(said, Delegation):
                    yield said

    def _shown(self, brand: str) -> Iterable[str]:
        """The subjects of the delegations that the store lists for a brand; unsigned, so each is looked up."""
        try:
            raw = self._follower.ask.find(f"/v1/authorities/{brand}", limit=MAX_POWERS) or b""
            entries = read_bundle(raw) if raw else ()
            raws = [one.envelope for one in entries if isinstance(one, StatementEntry)]
            found = [parse_statement(parse_envelope(raw).payload) for raw in raws]
        except TrustError:
            return ()
        return [said.subject for said in found if isinstance(said, Delegation)]

    def _body(self, about: About, number: int, head: Head) -> Common | None:
        key = map_key(self._root, about[0], number, about[1])
        if key not in self._said:
            entry = self._follower.found.entry
            raw = self._follower.named(f"/v1/statements/{head.envelope.hex()}", head, entry, MAX_ENVELOPE)
            said, wrong = read_leaf(self._root, key, head, raw)
            if wrong:
                self._accuser.accuse_leaf(entry, self._follower.map, key, raw, wrong)
            self._said[key] = said
            self.raws.append(raw)
        return self._said[key]
