"""Pass one: statements that authenticate themselves, from any store, whatever any catalogue says (SPEC DV-3).

Roots after the held one, the brands of the model and its packages, the model, its stores. What verifies is
kept at once, so that a device that was off for years gets on even if it is cut off again and again.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain

from sealring.chain import Authentic, Conflict, Rollback, S, WrongStatement, read_claim
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import TrustError
from sealring.statement import Brand, Model, Store
from sealring_client.decide.trusted import Trusted
from sealring_client.decide.tuf import Source
from sealring_client.fetch.errors import NotThere
from sealring_client.report import Refusal

MAX_STEPS = 256  # of roots, and of one brand's versions, taken from one store at once


class Learning:
    """What is trusted so far, as one store after the other adds to it."""

    def __init__(self, trusted: Trusted, model: str, keep: Callable[[Trusted], None]) -> None:
        """Begin with what is held.

        Args:
            keep: makes it durable.
        """
        self.trusted, self.model, self._keep = trusted, model, keep

    def learn_from(self, source: Source) -> tuple[Refusal, ...]:
        """Take from one store what is newer than what is held; what it refuses of it is its report.

        Raises:
            Unreachable: no answer could be had. What came before is kept.
        """
        refusals: list[Refusal] = []
        for step in self._steps(source):
            try:
                step()
            except NotThere:
                continue  # a store need not have everything
            except Rollback:
                continue  # an older statement of an authority accuses nobody; pass two calls such a store behind
            except TrustError as err:
                refusals.append(Refusal.of(_about(err), err))
        return tuple(refusals)

    def _steps(self, source: Source) -> Iterator[Callable[[], None]]:
        yield lambda: self._roots(source)
        brand = self.model.partition("/")[0]
        yield lambda: self._brand(source, brand)
        yield lambda: self._head(source, Model, self.model, brand)
        model = self.trusted.floors.get(Model, self.model)
        if model is None:
            return
        for other in sorted({wanted.package.partition("/")[0] for wanted in model.statement.packages} - {brand}):
            yield lambda other=other: self._brand(source, other)  # type: ignore[misc]
        for store in model.statement.stores:
            yield lambda store=store: self._head(source, Store, store, brand)  # type: ignore[misc]

    def _roots(self, source: Source) -> None:
        for _ in range(MAX_STEPS):
            raw = source.fetch(f"v1/roots/{self.trusted.chain.root.statement.sequence + 1}", limit=MAX_ENVELOPE)
            self._take(self.trusted.with_root(raw))

    def _brand(self, source: Source, brand: str) -> None:
        head = source.fetch(f"v1/heads/brand/1/{brand}", limit=MAX_ENVELOPE)
        held, claim = self.trusted.known_brand(brand), read_claim(head)
        if not isinstance(claim.statement, Brand) or claim.statement.brand != brand:
            raise WrongStatement("brand", claim.statement.title, f"brand {brand}", "ST-6")
        if held is not None and held.envelope.digest == claim.envelope.digest:
            return
        # Each version is judged before the next is asked for: who only claims a high sequence gets one question.
        self._take(self.trusted.with_brand(chain(self._between(source, held, claim.statement), [head])))

    def _between(self, source: Source, held: Authentic[Brand] | None, head: Brand) -> Iterator[bytes]:
        """The versions after the held one and before the head: each names the keys that sign the next (BR-2)."""
        if held is None:
            return
        first = held.statement.sequence + 1
        for sequence in range(first, min(head.sequence, first + MAX_STEPS)):
            try:
                yield source.fetch(f"v1/brands/{head.brand}/{sequence}", limit=MAX_ENVELOPE)
            except NotThere:
                return  # a brand that the root gave new keys need not follow one by one

    def _head(self, source: Source, kind: type[S], subject: str, brand: str) -> None:
        name = kind.__struct_config__.tag
        raw = source.fetch(f"v1/heads/{name}/1/{subject}", limit=MAX_ENVELOPE)
        found = self.trusted.chain.authenticate(raw, kind, brand)
        if found.statement.subject != subject:
            raise WrongStatement(str(name), found.statement.subject, subject, "ST-6")
        self._take(self.trusted.learn(found))

    def _take(self, found: Trusted) -> None:
        if found is not self.trusted:
            self.trusted = found
            self._keep(found)


def learn_seed(trusted: Trusted, raws: list[bytes]) -> Trusted:
    """What a seed bundle adds, as far as it verifies; the rest of it is passed over (SPEC DV-11)."""
    claims = sorted((read_claim(raw) for raw in raws), key=lambda claim: claim.statement.sequence)
    for claim in claims:
        with suppress(TrustError):
            if claim.statement.type == "root":
                trusted = trusted.with_root(claim.envelope.raw)
    for claim in claims:
        with suppress(TrustError):
            if isinstance(claim.statement, Brand):
                trusted = trusted.with_brand([claim.envelope.raw])
    for claim in claims:
        for kind in (Model, Store):
            with suppress(TrustError):
                if isinstance(claim.statement, kind):
                    authority = claim.statement.authority
                    trusted = trusted.learn(trusted.chain.authenticate(claim.envelope.raw, kind, authority))
    return trusted


def _about(err: TrustError) -> str:
    return str(getattr(err, "what", "")) or ("conflict" if isinstance(err, Conflict) else "statement")
