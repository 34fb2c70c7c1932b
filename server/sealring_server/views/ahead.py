"""Heads, and what they say, as they would be with statements that nobody has published yet (SPEC PB-12)."""

from collections.abc import Iterable

from sealring.catalogue.leaf import Head
from sealring.statement import Common
from sealring_server.held import Held
from sealring_server.views.lookup import Lookup
from sealring_server.views.rules import About
from sealring_server.work import Admitted


class Ahead(Lookup):
    """What a `Lookup` answers once these were written; nothing is.

    Args:
        news: what was admitted, and is not held.
    """

    def __init__(self, held: Held, news: Iterable[Admitted]) -> None:
        super().__init__(held)
        self._coming: dict[About, dict[int, Admitted]] = {}
        for one in sorted(news, key=lambda one: one.statement.sequence):
            said = one.statement
            self._coming.setdefault((said.type, said.subject), {})[said.format] = one

    def newest_root(self) -> About:
        """The root whose version is the highest, a new one included."""
        new = [int(subject) for kind, subject in self._coming if kind == "root"]
        return "root", str(max([int(super().newest_root()[1]), *new]))

    def _ask_heads(self, about: About) -> dict[int, Head]:
        found = super()._ask_heads(about)
        for number, one in self._coming.get(about, {}).items():
            # A head moves to what is as high or higher; of one that is lower, an older version, only the row is new.
            if number not in found or found[number].sequence <= one.statement.sequence:
                found[number] = head_of(one)
        return dict(sorted(found.items()))

    def _ask_bodies(self, about: About) -> tuple[Common, ...]:
        held = super()._ask_bodies(about)
        if about not in self._coming:
            return held
        found = dict(zip(sorted(super()._ask_heads(about)), held, strict=True))
        heads = self.heads(about)
        for number, one in self._coming[about].items():
            if heads[number] == head_of(one):
                found[number] = one.statement
        return tuple(one for _, one in sorted(found.items()))

    def _ask_delegations(self, brand: str) -> tuple[Common, ...]:
        subjects = {one.subject for one in super()._ask_delegations(brand)}
        subjects |= {of for kind, of in self._coming if kind == "delegation" and of.startswith(f"{brand}/")}
        return tuple(one for subject in sorted(subjects) for one in self.delegation(subject))


def head_of(one: Admitted) -> Head:
    """What the map says of a subject that has this statement."""
    return Head(one.statement.sequence, bytes.fromhex(one.envelope.id), bytes.fromhex(one.envelope.digest))
