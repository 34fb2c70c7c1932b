"""What the members of models, releases and revisions do (SPEC SK, RO, SN, AG, EP, RQ, EL, RC-1, AU-3)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sealring.agreement import TooFewStores, check_agreement
from sealring.approve import Approved, approve, check_serial, revision_for
from sealring.authentic import Verified
from sealring.chain import Chain, begin_with_root
from sealring.end_of_life import final_ids
from sealring.envelope import Envelope
from sealring.errors import TrustError
from sealring.furnished import furnished
from sealring.keys import PublicKey
from sealring.moment import Expired, Moment
from sealring.requirements import RequirementUnmet, check_requirements
from sealring.rollout import is_chosen
from sealring.statement import Model, Release, RevisionStatement, Stack, parse_statement
from sealring.statement.fleet import Wanted
from sealring.statement.software import Final, Requirement, Rollout, Target
from sealring.strict import encode
from sealring.threshold import TooFewSigners
from tests.world import DAY, NOW, Key, World, sign

WORLD = World()
OWN = WORLD.brand_keys("acme")[:2]
PARTNER = WORLD.delegate_keys()
CHAIN = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
AT = Moment(NOW)
STACKED = WORLD.model(stack="acme/line")


def approved(
    ground: Release | Stack,
    revision: RevisionStatement,
    model: Model | None = None,
    *,
    by: tuple[Key, ...] = tuple(OWN),
    chain: Chain = CHAIN,
    **more: Any,
) -> Approved:
    """One installation of acme/tool."""
    said = chain.verify(chain.authenticate(sign(model or WORLD.model(), *OWN).raw, Model, "acme"), AT, None)
    before = more.pop("before", None)
    held = chain.authenticate(sign(before, *OWN).raw, Release, "acme") if before is not None else None
    built = chain.verify(chain.authenticate(sign(revision, *OWN).raw, RevisionStatement, "acme"), AT, None)
    found = chain.verify(chain.authenticate(sign(ground, *by).raw, type(ground), "acme"), AT, None)
    brand = chain.verify(chain.brands["acme"], AT, None)
    return approve(chain, said, brand, said.statement.packages[0], found, built, before=held, **more)


def refused(*args: Any, **more: Any) -> str:
    with pytest.raises(TrustError) as found:
        approved(*args, **more)
    return found.value.rule


# --- stacks


def test_a_stack_says_which_revision_goes_with_the_others() -> None:
    """SK-1: whatever the channel points at."""
    assert approved(WORLD.stack(("tool", 7)), WORLD.revision(7), STACKED).revision.statement.revision == 7


@pytest.mark.parametrize(
    ("stack", "model", "rule"),
    [
        pytest.param(WORLD.stack(("tool", 7)), None, "SK-1", id="a model that follows none"),
        pytest.param(WORLD.stack(("tool", 7), stack="other"), STACKED, "SK-1", id="another stack of the brand"),
        pytest.param(WORLD.stack(("toy", 7)), STACKED, "SK-1", id="a stack without the package"),
        pytest.param(WORLD.stack(("tool", 8)), STACKED, "RV-1", id="another revision than it says"),
        pytest.param(WORLD.stack(("tool", 7), revocations=1), STACKED, "RC-1", id="a list that is not held"),
    ],
)
def test_a_stack_that_does_not_fit(stack: Stack, model: Model | None, rule: str) -> None:
    """SK-1, RV-1, RC-1."""
    assert refused(stack, WORLD.revision(7), model) == rule


def test_a_stack_brings_back_nothing_that_a_release_has_ended() -> None:
    """SK-2."""
    held = replace(WORLD.release(9), targets=[Target("amd64", 9, 8)])
    assert refused(WORLD.stack(("tool", 7)), WORLD.revision(7), STACKED, before=held) == "SK-2"
    approved(WORLD.stack(("tool", 8)), WORLD.revision(8), STACKED, before=held)


# --- delegates


def test_a_partner_who_releases_apps_releases_no_kernel() -> None:
    """AU-3: a release does not say what it points at, so the revision is asked."""
    chain = furnished(CHAIN, [sign(WORLD.delegation(kinds=["app"]), *OWN).raw])
    kernel = WORLD.model(packages=[Wanted("acme/tool", "latest/stable", "kernel", "required")])
    build = WORLD.revision(1, kind="kernel")
    assert refused(WORLD.release(1), build, kernel, by=(PARTNER[0],), chain=chain) == "AU-3"
    approved(WORLD.release(1), WORLD.revision(1), by=(PARTNER[0],), chain=chain)


# --- rollouts


def plan(share: int, **more: Any) -> Rollout:
    base: dict[str, Any] = {"groups": [], "start": NOW, "error_threshold": 100, "silence": 3600, "halt": 3600}
    return Rollout(seed="5" * 64, share=share, **{**base, **more})


@given(st.binary(min_size=32, max_size=32), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_wider_share_keeps_every_device_that_was_chosen(secret: bytes, one: int, other: int) -> None:
    """RO-1: nobody is asked to go back in the middle of a rollout; 0 is nobody, 100 % is everybody."""
    narrow, wide = sorted((one, other))
    if is_chosen(plan(narrow), secret, (), NOW):
        assert is_chosen(plan(wide), secret, (), NOW)
    assert is_chosen(plan(10_000), secret, (), NOW)
    assert not is_chosen(plan(0), secret, (), NOW)


def test_a_quarter_is_about_a_quarter_and_another_seed_another_quarter() -> None:
    """RO-1: 10,000 devices; five standard deviations are 217."""
    secrets = [n.to_bytes(32, "big") for n in range(10_000)]
    first = {s for s in secrets if is_chosen(plan(2500), s, (), NOW)}
    second = {s for s in secrets if is_chosen(replace(plan(2500), seed="6" * 64), s, (), NOW)}
    assert abs(len(first) - 2500) < 217
    assert abs(len(first & second) - 625) < 122


def test_groups_come_first_and_nobody_before_the_start() -> None:
    """RO-1."""
    canary = plan(0, groups=["canary"])
    assert is_chosen(canary, b"1" * 32, ["canary", "lab"], NOW)
    assert not is_chosen(canary, b"1" * 32, ["lab"], NOW)
    assert not is_chosen(plan(10_000), b"1" * 32, (), NOW - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("target", "chosen", "means"),
    [
        (Target("amd64", 5, 1, 4), True, 5),
        (Target("amd64", 5, 1, 4), False, 4),
        (Target("amd64", 5, 4, 4), False, 4),
        (Target("amd64", 5, 5, 4), False, 5),
        (Target("amd64", 5, 1), False, 5),
    ],
)
def test_who_is_not_chosen_takes_the_one_before(target: Target, chosen: bool, means: int) -> None:
    """RO-2: unless that lies below the minimum, or nothing is named."""
    assert revision_for(target, chosen=chosen) == means
    release = replace(WORLD.release(9), targets=[target])
    assert approved(release, WORLD.revision(means), chosen=chosen).revision.statement.revision == means


# --- serials


def serial(key: Key, **more: Any) -> Verified[Any]:
    said = WORLD.serial(key.public, **more)
    return CHAIN.verify(CHAIN.authenticate(sign(said, *OWN).raw, type(said), "acme"), AT, None)


def test_a_model_for_known_devices_only() -> None:
    """SN-1: the statement, for this model and this very key."""
    wants, key = WORLD.model(serial="required"), Key("device")
    check_serial(WORLD.model(), None, None)
    check_serial(wants, serial(key), key.public.public)
    for held, public in (
        (None, key.public.public),
        (serial(key), None),
        (serial(key), Key("clone").public.public),
        (serial(key, model="door-2"), key.public.public),
    ):
        with pytest.raises(TrustError) as found:
            check_serial(wants, held, public)
        assert found.value.rule == "SN-1"


# --- agreement

A, B, C = frozenset("a"), frozenset("b"), frozenset("c")


def test_stores_that_share_a_key_are_one_witness() -> None:
    """AG-1: or one thief would be two stores; the largest set without a common key counts."""
    assert check_agreement("it", {"one": A, "two": B}, 2) == ("one", "two")
    assert set(check_agreement("it", {"x": A | B, "y": A, "z": B | C, "w": C}, 2)) in (
        {"x", "w"},
        {"y", "w"},
        {"y", "z"},
    )
    with pytest.raises(TooFewStores) as found:
        check_agreement("it", {"one": A | C, "two": B | C}, 2)
    assert (found.value.found, found.value.needed) == (1, 2)
    with pytest.raises(TooFewStores):
        check_agreement("it", {}, 1)


# --- epochs and requirements


def test_a_lower_epoch_is_not_put_over_a_higher_one() -> None:
    """EP-1: it could not read what is there."""
    running = WORLD.revision(3, epoch=2)
    assert refused(WORLD.release(4), WORLD.revision(4, epoch=1), running=running) == "EP-1"
    approved(WORLD.release(4), WORLD.revision(4, epoch=2), running=running)


def test_what_a_revision_requires_is_there_or_it_is_left_out() -> None:
    """RQ-1."""
    needy = WORLD.revision(requires=[Requirement("acme/base", 3)])
    check_requirements(needy, {"acme/base": 3})
    check_requirements(WORLD.revision(), {})
    for found in ({}, {"acme/base": 2}, {"acme/tool": 9}):
        with pytest.raises(RequirementUnmet):
            check_requirements(needy, found)


# --- the end of a product


def last(*by: Key, **more: Any) -> Envelope:
    brand, model, revision = (sign(s, *OWN) for s in (WORLD.brand(), WORLD.model(), WORLD.revision()))
    said = WORLD.release(final=Final(brand.id, [model.id], [revision.id]), **more)
    return sign(said, *(by or (*OWN, *WORLD.brand_role)))


def test_the_last_release_outlives_its_dates_and_nothing_else_does() -> None:
    """EL-2: the release, and exactly what it names, by id."""
    release = CHAIN.authenticate(last().raw, Release, "acme")
    ids, years = final_ids(CHAIN, release), Moment(NOW + 4000 * DAY)
    CHAIN.verify(release, years, None, final=ids)
    model = CHAIN.authenticate(sign(WORLD.model(), *OWN).raw, Model, "acme")
    CHAIN.verify(model, years, None, final=ids)
    with pytest.raises(Expired):
        CHAIN.verify(model, years, None)
    newer = CHAIN.authenticate(sign(WORLD.model(sequence=2), *OWN).raw, Model, "acme")
    with pytest.raises(Expired):
        CHAIN.verify(newer, years, None, final=ids)


def test_a_brand_alone_can_not_make_its_software_live_for_ever() -> None:
    """EL-1: nor whoever holds its keys; an ordinary release lifts nothing."""
    alone = CHAIN.authenticate(last(*OWN).raw, Release, "acme")
    with pytest.raises(TooFewSigners):
        final_ids(CHAIN, alone)
    assert final_ids(CHAIN, CHAIN.authenticate(sign(WORLD.release(), *OWN).raw, Release, "acme")) == frozenset()


def test_the_end_of_life_lifts_no_revocation_and_no_waiting() -> None:
    """EL-2, RK-1, TM-3."""
    release = CHAIN.authenticate(last(not_before=NOW + DAY).raw, Release, "acme")
    ids = final_ids(CHAIN, release)
    with pytest.raises(TrustError) as found:
        CHAIN.verify(release, AT, None, final=ids)
    assert found.value.rule == "TM-3"
    chain = furnished(CHAIN, [sign(WORLD.revocations(1, (release.envelope.id, "keep")), *OWN).raw])
    with pytest.raises(TrustError) as found:
        chain.verify(release, Moment(NOW + 4000 * DAY), None, final=ids)
    assert found.value.rule == "RK-1"


@pytest.mark.parametrize("length", [31, 33])
def test_a_serial_has_a_key_that_could_sign(length: int) -> None:
    """KY-2: or a device would be known by what nobody can prove to be."""
    with pytest.raises(TrustError) as found:
        parse_statement(encode(WORLD.serial(PublicKey("device", "ed25519", bytes(length)))))
    assert found.value.rule == "KY-2"
