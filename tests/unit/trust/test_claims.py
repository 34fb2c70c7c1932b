"""A claim, read before anybody vouched for it, is judged as its bytes are (SPEC TH-1, AU-1, ST-4, ST-6)."""

import pytest

from sealring.authentic import Authentic, read_claim
from sealring.chain import Chain, begin_with_root
from sealring.errors import TrustError
from sealring.statement import TYPES, Common
from tests.world import Key, World, sign

WORLD, OTHER = World(), World(at=World().at.replace(year=World().at.year + 1))
CHAIN = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
OWN, STRANGER = WORLD.brand_keys("acme")[:2], Key("a-stranger")
OFFERED = {
    "release": WORLD.signed(WORLD.release()).raw,
    "revision": WORLD.signed(WORLD.revision()).raw,
    "serial": WORLD.signed(WORLD.serial(STRANGER.public, "SN-1")).raw,
    "by one key": sign(WORLD.release(), OWN[0]).raw,
    "by a stranger": sign(WORLD.release(), STRANGER).raw,
    "of another brand": sign(WORLD.release(1, "beta"), *OWN).raw,
    "under another root": sign(OTHER.release(), *OWN).raw,
    "of the root": WORLD.root.raw,
}


def verdict(found: Authentic[Common] | TrustError) -> object:
    if isinstance(found, TrustError):
        return type(found), found.rule, str(found)
    return found.statement, found.envelope.raw, found.signers, found.under


@pytest.mark.parametrize("authority", ["acme", "beta", "root"])
@pytest.mark.parametrize("kind", ["release", "revision", "serial", "revocations"])
@pytest.mark.parametrize("name", OFFERED)
def test_a_claim_has_the_verdict_of_its_bytes(name: str, kind: str, authority: str) -> None:
    """TH-1: that its members were read for routing makes nothing authentic, nor another refusal of it."""

    def of_bytes() -> Authentic[Common]:
        return CHAIN.authenticate(OFFERED[name], TYPES[kind], authority)

    def of_claim() -> Authentic[Common]:
        return CHAIN.authenticate_claim(read_claim(OFFERED[name]), TYPES[kind], authority)

    found: list[object] = []
    for ask in (of_bytes, of_claim):
        try:
            found.append(verdict(ask()))
        except TrustError as err:
            found.append(verdict(err))
    assert found[0] == found[1]
    assert (name == kind and authority == "acme") == (not isinstance(found[0][0], type))  # type: ignore[index]
