"""What a caller might mix up, and the core does not let pass (SPEC MD-1, AU-1, ST-1)."""

import pytest
from msgspec.structs import replace

from sealring.approve import Approved, approve
from sealring.authentic import Verified, WrongStatement
from sealring.chain import Chain, begin_with_root
from sealring.errors import TrustError
from sealring.moment import Moment
from sealring.statement import Brand, Model, Release, RevisionStatement, parse_statement
from sealring.statement.fleet import Wanted
from sealring.statement.software import Final, Rollout
from sealring.strict import encode
from tests.world import NOW, World

WORLD = World()
CHAIN = Chain(begin_with_root(WORLD.root.raw))
for name in ("acme", "evil"):
    CHAIN = CHAIN.with_brand([WORLD.signed(WORLD.brand(name)).raw])


def brand(name: str) -> Verified[Brand]:
    return CHAIN.verify(CHAIN.brands[name], Moment(NOW), None)


def approved(wanted: Wanted, certificate: Verified[Brand]) -> Approved:
    """An ordinary installation, asked for with this line and this certificate."""

    def signed(statement: Model | Release | RevisionStatement) -> bytes:
        return WORLD.signed(statement).raw

    model = CHAIN.authenticate(signed(WORLD.model()), Model, "acme")
    release = CHAIN.authenticate(signed(WORLD.release()), Release, "acme")
    revision = CHAIN.authenticate(signed(WORLD.revision()), RevisionStatement, "acme")
    at = Moment(NOW)
    found = CHAIN.verify(model, at, None), CHAIN.verify(release, at, None), CHAIN.verify(revision, at, None)
    return approve(CHAIN, found[0], certificate, wanted, found[1], found[2], before=None)


ORDINARY = WORLD.model().packages[0]


def test_an_ordinary_installation_is_approved() -> None:
    """RV-1: the very revision that was released."""
    assert approved(ORDINARY, brand("acme")).revision.statement.revision == 1


def test_another_brands_certificate_does_not_stand_in() -> None:
    """AU-1: a current stranger for an expired brand."""
    with pytest.raises(WrongStatement) as refused:
        approved(ORDINARY, brand("evil"))
    assert refused.value.rule == "AU-1"


@pytest.mark.parametrize("changed", [{"package": "acme/toy"}, {"channel": "latest/edge"}, {"kind": "kernel"}])
def test_only_what_the_model_lists_is_installed(changed: dict[str, str]) -> None:
    """MD-1: the line is the signed one, not one that was made on the way."""
    with pytest.raises(WrongStatement) as refused:
        approved(replace(ORDINARY, **changed), brand("acme"))
    assert refused.value.rule == "MD-1"


IDS = [f"{n:064x}" for n in range(3)]


@pytest.mark.parametrize(
    "release",
    [
        pytest.param(WORLD.release(final=Final(IDS[0], IDS[1::-1], IDS[:1])), id="models of the last release"),
        pytest.param(WORLD.release(final=Final(IDS[0], IDS[:1], [IDS[1]] * 2)), id="a revision twice"),
        pytest.param(
            WORLD.release(rollout=Rollout(IDS[0], 1, ["b", "a"], NOW, 1, 1, 1)),
            id="groups of a rollout",
        ),
    ],
)
def test_lists_that_stand_for_sets_have_one_order(release: Release) -> None:
    """ST-1: or one meaning would have two spellings."""
    with pytest.raises(TrustError) as refused:
        parse_statement(encode(release))
    assert refused.value.rule == "ST-1"
