"""Pass one: statements that authenticate themselves, from any store, whatever any catalogue says (SPEC DV-3).

Roots after the held one, the brands of the model and its packages with what they delegate and revoke, the model, its
stores. What verifies is kept at once, so that a device that was off for years gets on even if it is cut off again and
again.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, groupby
from typing import ClassVar

from sealring.bundle import StatementEntry, read_bundle
from sealring.chain import Authentic, Claim, Conflict, Rollback, S, SecondImage, WrongStatement, read_claim
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import TrustError
from sealring.names import ROOT, covers
from sealring.statement import FORMATS, Brand, Common, Delegation, Model, Revocations, Store, UnknownFormat
from sealring_client.decide.trusted import Trusted
from sealring_client.decide.tuf import Source
from sealring_client.fetch.errors import NotThere
from sealring_client.report import Refusal

MAX_STEPS = 256  # of roots, and of one brand's versions, taken from one store at once
MAX_AUTHORITY = 4 * 1024 * 1024  # bytes of what one authority delegates and revokes
MAX_DELEGATIONS = 64  # of one brand that a device holds
MAX_REFUSALS = 32  # of one store that are reported
Pair = Callable[[bytes, bytes], None]


@dataclass(eq=False)
class TooManyDelegations(TrustError):
    """A brand delegates to more than a device remembers, so that no publisher can fill its disk (SPEC FL-4)."""

    what: str
    rule: ClassVar[str] = "FL-4"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"{self.what}: {MAX_DELEGATIONS} delegations of this brand are held already"

    def hint(self) -> str:
        return "revoke what is no longer needed, and give fewer delegations patterns that cover this model"


class Learning:
    """What is trusted so far, as one store after the other adds to it."""

    def __init__(self, trusted: Trusted, model: str, keep: Callable[[Trusted], None], evidence: Pair) -> None:
        """Begin with what is held.

        Args:
            keep: makes it durable.
            evidence: is told of two envelopes that contradict each other, the one that is held first (FL-6).
        """
        self.trusted, self.model, self._keep, self._evidence = trusted, model, keep, evidence
        self._shown: dict[str, list[Claim]] = {}
        self._heard = False

    def learn_from(self, source: Source) -> tuple[Refusal, ...]:
        """Take from one store what is newer than what is held; what it refuses of it is its report.

        Raises:
            Unreachable: no answer could be had. What came before is kept.
        """
        refusals: dict[tuple[str, str], Refusal] = {}
        self._shown = {}
        for step in self._steps(source):
            try:
                step()
            except NotThere:
                continue  # a store need not have everything
            except Rollback:
                continue  # an older statement of an authority accuses nobody; pass two calls such a store behind
            except TrustError as err:
                found = Refusal.of(_about(err), err)
                if len(refusals) < MAX_REFUSALS:  # whoever sends rubbish by the thousand fills no report with it
                    refusals[found.rule, found.message] = found
        return tuple(refusals.values())

    def _steps(self, source: Source) -> Iterator[Callable[[], None]]:
        yield lambda: self._roots(source)
        brand = self.model.partition("/")[0]
        yield lambda: self._ask_authority(source, ROOT)
        yield from self._said_by(ROOT)
        yield lambda: self._brand(source, brand)
        yield lambda: self._ask_authority(source, brand)
        yield from self._said_by(brand)
        yield from self._heads(source, Model, self.model, brand)
        model = self.trusted.floors.get(Model, self.model)
        if model is None:
            return
        yield from self._said_by(brand)  # a newer model may list what a delegation was passed over for
        for other in sorted({wanted.package.partition("/")[0] for wanted in model.statement.packages} - {brand}):
            yield lambda other=other: self._brand(source, other)  # type: ignore[misc]
            yield lambda other=other: self._ask_authority(source, other)  # type: ignore[misc]
            yield from self._said_by(other)
        for store in model.statement.stores:
            yield from self._heads(source, Store, store, brand)

    def _roots(self, source: Source) -> None:
        for _ in range(MAX_STEPS):
            raw = source.fetch(f"v1/roots/{self.trusted.chain.root.statement.sequence + 1}", limit=MAX_ENVELOPE)
            self._take(self.trusted.with_root(raw))

    def _brand(self, source: Source, brand: str) -> None:
        held, claim = self.trusted.known_brand(brand), self._newest_brand(source, brand)
        head = claim.envelope.raw
        if not isinstance(claim.statement, Brand) or claim.statement.brand != brand:
            raise WrongStatement("brand", claim.statement.title, f"brand {brand}", "ST-6")
        if held is not None and held.envelope.digest == claim.envelope.digest:
            return
        try:
            # Each version is judged before the next is asked for: who only claims a high sequence gets one question.
            self._take(self.trusted.with_brand(chain(self._between(source, held, claim.statement), [head])))
        except Conflict:
            if held is not None and held.statement.sequence == claim.statement.sequence:
                self._evidence(held.envelope.raw, head)
            raise

    def _newest_brand(self, source: Source, brand: str) -> Claim:
        """Of the formats that this edition knows the one with the highest sequence (ST-8).

        Raises:
            NotThere: the store has the brand in none of them.
        """
        found: list[Claim] = []
        for number in FORMATS:
            try:
                found.append(read_claim(source.fetch(f"v1/heads/brand/{number}/{brand}", limit=MAX_ENVELOPE)))
            except NotThere:
                if number == FORMATS[-1] and not found:
                    raise
        return max(found, key=lambda claim: claim.statement.sequence)

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

    def _ask_authority(self, source: Source, name: str) -> None:
        """What an authority delegates and revokes, as this store shows it; nothing of it is taken yet."""
        raw = source.fetch(f"v1/authorities/{name}", limit=MAX_AUTHORITY)
        self._shown[name] = in_order_of_power(claims_in(raw))

    def _said_by(self, name: str) -> Iterator[Callable[[], None]]:
        for _, claims in groupby(self._shown.get(name, ()), key=power):
            for claim in claims:
                yield lambda claim=claim: self._statement(claim, name)  # type: ignore[misc]
            # None of one power decides on another of it, so all are weighed at once: each by itself, seventy
            # delegations would have every remembered signature verified seventy times.
            yield self._settle

    def _statement(self, claim: Claim, authority: str) -> None:
        held = self.trusted.floors.highest.get((claim.statement.type, claim.statement.subject))
        if held is not None and held.envelope.digest == claim.envelope.digest:
            return
        kind = Revocations if isinstance(claim.statement, Revocations) else Delegation
        found = self.trusted.chain.authenticate(claim.envelope.raw, kind, authority)
        if is_of_use(found.statement, self.trusted, self.model):
            before = self.trusted
            self.trusted = self._weigh(found, self.trusted.hear)
            self._heard = self._heard or self.trusted is not before

    def _settle(self) -> None:
        if self._heard:
            self._heard = False
            self._take(self.trusted.settled())

    def _heads(self, source: Source, kind: type[S], subject: str, brand: str) -> Iterator[Callable[[], None]]:
        """ST-8: one step for each format that this edition knows; the highest sequence stays."""
        for number in FORMATS:
            yield lambda number=number: self._head(source, kind, number, subject, brand)  # type: ignore[misc]

    def _head(self, source: Source, kind: type[S], number: int, subject: str, brand: str) -> None:
        name = kind.__struct_config__.tag
        raw = source.fetch(f"v1/heads/{name}/{number}/{subject}", limit=MAX_ENVELOPE)
        found = self.trusted.chain.authenticate(raw, kind, brand)
        if found.statement.subject != subject:
            raise WrongStatement(str(name), found.statement.subject, subject, "ST-6")
        self._learn(found)

    def _learn(self, found: Authentic[Common]) -> None:
        self._take(self._weigh(found, self.trusted.learn))

    def _weigh(self, found: Authentic[Common], learn: Callable[[Authentic[Common]], Trusted]) -> Trusted:
        try:
            return learn(found)
        except (Conflict, SecondImage):
            held = self.trusted.floors.highest[found.statement.type, found.statement.subject]
            self._evidence(held.envelope.raw, found.envelope.raw)
            raise

    def _take(self, found: Trusted) -> None:
        if found is not self.trusted:
            self.trusted = found
            self._keep(found)


def claims_in(bundle: bytes) -> Iterator[Claim]:
    """What the statements of a bundle claim to be; a newer edition's formats are passed over (ST-2)."""
    return readable(entry.envelope for entry in read_bundle(bundle) if isinstance(entry, StatementEntry))


def readable(raws: Iterable[bytes]) -> Iterator[Claim]:
    """What these envelopes claim to be; those of formats that this edition doesn't know are passed over (ST-2)."""
    for raw in raws:
        with suppress(UnknownFormat):
            yield read_claim(raw)


def in_order_of_power(claims: Iterable[Claim]) -> list[Claim]:
    """Lists of the authority itself, then delegations, then the lists of these: each may decide on the next (RK-2)."""

    return sorted(claims, key=lambda claim: (power(claim), claim.statement.sequence))


def power(claim: Claim) -> int:
    """0 for an authority's own list, 1 for a delegation, 2 for a delegate's list: each may decide on the next."""
    said = claim.statement
    own = isinstance(said, Revocations) and said.issuer == said.authority
    return 0 if own else 2 if isinstance(said, Revocations) else 1


def is_of_use(statement: Common, trusted: Trusted, model: str) -> bool:
    """Whether a delegation, or a list, can matter to a device of this model (VW-2).

    Raises:
        TooManyDelegations.
    """
    if isinstance(statement, Revocations):
        own = statement.issuer == statement.authority
        return own or trusted.floors.get(Delegation, statement.subject) is not None
    # A newer version of what is held is taken also where it no longer covers anything: so is it narrowed.
    if not isinstance(statement, Delegation) or trusted.floors.get(Delegation, statement.subject) is not None:
        return True
    of_use = concerns(statement, trusted, model)
    subjects = [subject for kind, subject in trusted.floors.highest if kind == "delegation"]
    if of_use and sum(subject.startswith(f"{statement.authority}/") for subject in subjects) >= MAX_DELEGATIONS:
        raise TooManyDelegations(statement.title)
    return of_use


def concerns(statement: Delegation, trusted: Trusted, model: str) -> bool:
    """Whether the delegation's patterns cover the model, or one of its packages as far as they are known (VW-2)."""
    listed = trusted.floors.get(Model, model)
    packages = [wanted.package for wanted in listed.statement.packages] if listed is not None else []
    covered = any(covers(pattern, model) for pattern in statement.models)
    return covered or any(covers(pattern, one) for pattern in statement.packages for one in packages)


def learn_seed(trusted: Trusted, raws: list[bytes]) -> Trusted:
    """What a seed bundle adds, as far as it verifies; the rest of it is passed over (SPEC DV-11)."""
    claims = sorted(readable(raws), key=lambda claim: claim.statement.sequence)
    for claim in claims:
        with suppress(TrustError):
            if claim.statement.type == "root":
                trusted = trusted.with_root(claim.envelope.raw)
    for claim in claims:
        with suppress(TrustError):
            if isinstance(claim.statement, Brand):
                trusted = trusted.with_brand([claim.envelope.raw])
    powers = [claim for claim in claims if isinstance(claim.statement, Delegation | Revocations)]
    rest = [claim for kind in (Model, Store) for claim in claims if isinstance(claim.statement, kind)]
    for _, group in groupby(in_order_of_power(powers), key=power):
        for claim in group:
            trusted = _heard(trusted, claim)
        trusted = trusted.settled()
    for claim in rest:
        trusted = _heard(trusted, claim)
    return trusted


def _heard(trusted: Trusted, claim: Claim) -> Trusted:
    said = claim.statement
    with suppress(TrustError):
        return trusted.hear(trusted.chain.authenticate(claim.envelope.raw, type(said), said.authority))
    return trusted


def _about(err: TrustError) -> str:
    return str(getattr(err, "what", "")) or ("conflict" if isinstance(err, Conflict) else "statement")
