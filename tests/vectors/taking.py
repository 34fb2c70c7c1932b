"""How the parts of a vector become a chain, a memory and a moment (tests/vectors/README.md)."""

from contextlib import suppress

from sealring.authentic import Authentic
from sealring.chain import Chain, begin_with_root
from sealring.errors import TrustError
from sealring.floors import reauthenticate
from sealring.furnished import furnished
from sealring.moment import Moment
from sealring.names import instant
from sealring.statement import (
    Common,
)
from tests.vectors.form import Vector

Facts = dict[str, str]


def moment_of(vector: Vector) -> Moment:
    return Moment(instant(vector.headers["at"]), vector.headers.get("proven", "yes") == "yes")


def bare_chain(vector: Vector) -> Chain:
    """The chain that the parts `anchor`, `root` and `held` build, in the order of the file."""
    chain = Chain(begin_with_root(vector.one("anchor")))
    for name, raw in vector.parts:
        if name == "root":
            chain = chain.with_root(raw)
        if name == "held":
            chain = chain.with_brand([raw])
    return chain


def memory(vector: Vector) -> list[bytes]:
    """What a device would remember: the parts `remembered`, and of the parts `known` what counts today."""
    strangers = furnished(bare_chain(vector), vector.all("known"))
    return [*(one.envelope.raw for one in authentic(strangers, vector.all("known"))), *vector.all("remembered")]


def authentic(chain: Chain, raws: list[bytes]) -> list[Authentic[Common]]:
    """Those that today's keys vouch for."""
    found = []
    for raw in raws:
        with suppress(TrustError):
            found.append(reauthenticate(chain, raw))
    return found


def chain_of(vector: Vector) -> Chain:
    """The chain, with what is delegated and revoked."""
    if remembered := vector.all("remembered"):
        return furnished(bare_chain(vector), remembered, once_verified=True)
    return furnished(bare_chain(vector), vector.all("known"))
