"""Whether who may speak signed what an entry brought, as the store must have found when it took it in (SPEC MI-1).

Signatures, and nothing that time or later statements change: what has expired, or was taken back, is shown as it is,
for devices to judge. Within one entry authorities may change; so each statement needs the keys of before the entry, of
after it, or of a brand's version between.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from sqlalchemy import Connection

from sealring.authentic import Claim
from sealring.chain import Chain, begin_with_root
from sealring.errors import TrustError
from sealring.furnished import furnished
from sealring.names import ROOT
from sealring.statement import TYPES, Brand, Delegation, Revocations, Root
from sealring_server.grounds import Grounds
from sealring_server.held import Held


class Signed:
    """Judges what one entry brings; made before its rows are written, asked after."""

    def __init__(self, connection: Connection, grounds: Grounds, claims: Sequence[Claim], first: bytes) -> None:
        """Look up who may speak before the entry.

        Args:
            first: version 1 of the root, for the first entry.
        """
        self._connection, self._grounds, self._claims = connection, grounds, claims
        self._names = {_speaker(claim) for claim in claims} - {ROOT}
        held = Held(connection)
        self._is_first = held.current("root", "1") is None
        self._before = Chain(begin_with_root(first)) if self._is_first else grounds.chain(held, self._names)
        self._remembered = [] if self._is_first else [raw for n in (ROOT, *self._names) for raw in held.remembered(n)]

    def check(self) -> list[Claim]:
        """Those that nobody has signed who may.

        Raises:
            TrustError: and nothing else.
        """
        roots = [claim for claim in self._claims if isinstance(claim.statement, Root)]
        wrong = []
        chain = self._before
        for claim in roots:
            try:
                chain = self._step(chain, claim)
            except TrustError:
                wrong.append(claim)
        bases = [self._before, chain]
        walks = self._walks()
        wrong += [claim for walk in walks for claim in _unwalked(bases, walk)]
        after = self._grounds.chain(Held(self._connection), self._names)
        rest = [claim for claim in self._claims if not isinstance(claim.statement, Root | Brand)]
        for claim in rest:
            chains = iter([after, self._before])
            if not any(_is_signed(one, claim) for one in chains) and not any(
                _is_signed(one, claim) for one in self._between(bases, walks)
            ):
                wrong.append(claim)
        return wrong

    def _step(self, chain: Chain, claim: Claim) -> Chain:
        """RT-1, RT-2: the chain after this root, which may be one that is known, signed by more keys."""
        number = claim.statement.sequence
        if number > chain.root.statement.sequence:
            return chain.with_root(claim.envelope.raw)
        if number == 1:
            if begin_with_root(claim.envelope.raw).envelope.id != chain.root_id:
                raise AssertionError("another root's version 1, whose key is in no map of this root")
            return chain
        before = Held(self._connection).version("root", str(number - 1), number - 1)
        Chain(begin_with_root(before or b"")).with_root(claim.envelope.raw)
        return chain

    def _walks(self) -> list[list[Claim]]:
        """The versions of each brand, ascending."""
        brands = sorted(
            (claim for claim in self._claims if isinstance(claim.statement, Brand)),
            key=lambda claim: (claim.statement.subject, claim.statement.sequence),
        )
        return [list(group) for _, group in groupby(brands, key=lambda claim: claim.statement.subject)]

    def _between(self, bases: Sequence[Chain], walks: Sequence[Sequence[Claim]]) -> Iterator[Chain]:
        """Chains at versions of brands, and with delegations, that the entry itself replaced again."""
        news = [c.envelope.raw for c in self._claims if isinstance(c.statement, Delegation | Revocations)]
        for base in bases:
            yield furnished(base, [*self._remembered, *news])
            for walk in walks:
                for end in range(1, len(walk) + 1):
                    try:
                        chain = base.with_brand(claim.envelope.raw for claim in walk[:end])
                    except TrustError:
                        continue
                    yield furnished(chain, [*self._remembered, *news])


def _unwalked(bases: Sequence[Chain], walk: list[Claim]) -> list[Claim]:
    """BR-1 to BR-3: nothing where a device could walk these versions, else the last."""
    for base in bases:
        try:
            base.with_brand(claim.envelope.raw for claim in walk)
        except TrustError:
            continue
        return []
    return walk[-1:]


def _is_signed(chain: Chain, claim: Claim) -> bool:
    try:
        chain.authenticate_claim(claim, TYPES[claim.statement.type], claim.statement.authority)
    except TrustError:
        return False
    return True


def _speaker(claim: Claim) -> str:
    return claim.statement.brand if isinstance(claim.statement, Brand) else claim.statement.authority
