"""What is nearly right for a device, on either side of what is (SPEC MD, RV, RL, SK, SN, SR, EP, ED, AU-3, RO-2)."""

from typing import Any

import pytest
from msgspec.structs import replace

from sealring.approve import (
    Approved,
    BelowMinimum,
    MinimumFell,
    SerialMissing,
    approve,
    check_serial,
    check_store,
    revision_for,
)
from sealring.authentic import Verified
from sealring.chain import Chain, begin_with_root
from sealring.errors import TrustError
from sealring.furnished import furnished
from sealring.moment import Moment
from sealring.statement import Common, Model, Release, RevisionStatement, SerialStatement, Stack, Store
from sealring.statement.fleet import Wanted
from sealring.statement.software import Target
from tests.world import DAY, NOW, Key, World, sign

WORLD = World()
OWN, PARTNER = WORLD.brand_keys("acme")[:2], WORLD.delegate_keys()[0]
CHAIN = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
AT = Moment(NOW)
STACKED = WORLD.model(stack="acme/line")


def verified(statement: Common, *by: Key, chain: Chain = CHAIN) -> Verified[Any]:
    return chain.verify(chain.authenticate(sign(statement, *(by or OWN)).raw, type(statement), "acme"), AT, None)


def approved(
    ground: Release | Stack,
    revision: RevisionStatement,
    model: Model | None = None,
    *,
    by: tuple[Key, ...] = (),
    chain: Chain = CHAIN,
    before: Release | None = None,
    running: RevisionStatement | None = None,
) -> Approved:
    said = verified(model or WORLD.model())
    held = None if before is None else verified(before)
    brand, found = chain.verify(chain.brands["acme"], AT, None), verified(ground, *by, chain=chain)
    line = said.statement.packages[0]
    return approve(chain, said, brand, line, found, verified(revision), before=held, running=running)


def rule(*args: Any, **more: Any) -> str | None:
    """By which rule it is refused, if it is."""
    try:
        approved(*args, **more)
    except TrustError as err:
        return err.rule
    return None


def of_kind(kind: str) -> Model:
    return WORLD.model(packages=[Wanted("acme/tool", "latest/stable", kind, "required")])  # type: ignore[arg-type]


@pytest.mark.parametrize(("number", "by"), [(4, "RV-1"), (5, None), (6, "RV-1")])
def test_neither_the_revision_before_nor_the_one_after_is_the_one_released(number: int, by: str | None) -> None:
    """RV-1."""
    assert rule(WORLD.release(5), WORLD.revision(number)) == by


@pytest.mark.parametrize(("expected", "found"), [("kernel", "app"), ("app", "base"), ("base", "kernel")])
def test_a_revision_of_another_kind_is_told_as_such(expected: str, found: str) -> None:
    """RV-1: an app in the place of a kernel is no matter of the updater's age."""
    assert rule(WORLD.release(), WORLD.revision(kind=found), of_kind(expected)) == "RV-1"


@pytest.mark.parametrize(("kind", "content"), [("app", "raw"), ("base", "squashfs"), ("kernel", "raw")])
def test_what_this_edition_can_not_install_is_refused_as_too_new(kind: str, content: str) -> None:
    """ED-1: the kind alone, and the content alone."""
    found = WORLD.revision(kind=kind)
    found = replace(found, image=replace(found.image, content=content))
    assert rule(WORLD.release(), found, of_kind(kind)) == "ED-1"


@pytest.mark.parametrize("channel", ["latest/beta", "newest/stable"])
def test_a_release_of_any_other_channel_is_not_what_the_model_follows(channel: str) -> None:
    """RL-2."""
    assert rule(WORLD.release(channel=channel), WORLD.revision()) == "RL-2"


@pytest.mark.parametrize("stack", ["acme/a-line", "acme/z-line"])
def test_a_stack_of_any_other_name_chooses_nothing(stack: str) -> None:
    """SK-1."""
    assert rule(WORLD.stack(("tool", 1)), WORLD.revision(), WORLD.model(stack=stack)) == "SK-1"


@pytest.mark.parametrize(
    ("revision", "minimum", "by"), [(7, 5, "RL-4"), (8, 8, None), (9, 7, "RL-4"), (9, 8, None), (9, 9, None)]
)
def test_neither_a_revision_nor_a_minimum_falls_below_the_minimum_before(
    revision: int, minimum: int, by: str | None
) -> None:
    """RL-4: equality is enough."""
    held = replace(WORLD.release(9), targets=[Target("amd64", 9, 8)])
    release = replace(WORLD.release(9, sequence=10), targets=[Target("amd64", revision, minimum)])
    assert rule(release, WORLD.revision(revision), before=held) == by


@pytest.mark.parametrize(("revision", "refusal"), [(7, BelowMinimum), (8, MinimumFell)])
def test_which_of_the_two_fell_is_told(revision: int, refusal: type[TrustError]) -> None:
    """RL-4: the person who released it is to change the one or the other."""
    held = replace(WORLD.release(9), targets=[Target("amd64", 9, 8)])
    release = replace(WORLD.release(9, sequence=10), targets=[Target("amd64", revision, 5)])
    with pytest.raises(refusal):
        approved(release, WORLD.revision(revision), before=held)


@pytest.mark.parametrize(("number", "by"), [(7, "SK-2"), (8, None), (9, None)])
def test_a_part_lies_not_below_the_minimum(number: int, by: str | None) -> None:
    """SK-2."""
    held = replace(WORLD.release(9), targets=[Target("amd64", 9, 8)])
    assert rule(WORLD.stack(("tool", number)), WORLD.revision(number), STACKED, before=held) == by


@pytest.mark.parametrize(("epoch", "by"), [(1, "EP-1"), (2, None), (3, None)])
def test_an_epoch_that_is_the_same_or_higher_goes_over_what_runs(epoch: int, by: str | None) -> None:
    """EP-1."""
    running = WORLD.revision(3, epoch=2)
    assert rule(WORLD.release(4), WORLD.revision(4, epoch=epoch), running=running) == by


@pytest.mark.parametrize(
    ("previous", "minimum", "means"), [(4, 3, 4), (4, 4, 4), (4, 5, 9), (1, 1, 1)], ids=["above", "at", "below", "one"]
)
def test_the_one_before_is_waited_with_down_to_the_minimum(previous: int, minimum: int, means: int) -> None:
    """RO-2."""
    assert revision_for(Target("amd64", 9, minimum, previous), chosen=False) == means
    assert revision_for(Target("amd64", 9, minimum, previous), chosen=True) == 9


@pytest.mark.parametrize("name", ["door-0", "door-2"])
def test_a_serial_of_another_model_is_none(name: str) -> None:
    """SN-1: whichever name comes first."""
    key = Key("device")
    with pytest.raises(TrustError) as refused:
        check_serial(WORLD.model(serial="required"), verified(WORLD.serial(key.public, model=name)), key.public.public)
    assert refused.value.rule == "SN-1"


def test_a_serial_for_another_key_is_none_whichever_is_the_higher() -> None:
    """SN-1: else about every second clone would pass for the device; nor do other types have the same key."""
    low, high = sorted((Key("device").public, Key("clone").public), key=lambda one: one.public)
    model = WORLD.model(serial="required")
    for said, has in ((low, high), (high, low)):
        check_serial(model, verified(WORLD.serial(said)), said.public)
        with pytest.raises(TrustError) as refused:
            check_serial(model, verified(WORLD.serial(said)), has.public)
        assert refused.value.rule == "SN-1"
    curved: Verified[SerialStatement] = verified(WORLD.serial(Key("device", "ecdsa-p256").public))
    with pytest.raises(TrustError) as refused:
        check_serial(model, curved, curved.statement.key.public)
    assert refused.value.rule == "SN-1"


def test_a_device_without_a_key_is_told_that_it_has_no_serial() -> None:
    """SN-1: and not that it has another key."""
    with pytest.raises(SerialMissing) as refused:
        check_serial(WORLD.model(serial="required"), verified(WORLD.serial(Key("device").public)), None)
    assert refused.value.found == "no serial"


def test_of_several_delegations_one_that_is_current_gives_the_kind() -> None:
    """AU-3, AU-6: neither a current one without the kind, nor one with it whose time is over."""
    days: dict[str, Any] = {"current": {}, "over": {"issued": NOW - 9 * DAY, "expires": NOW - DAY}}
    for first, second, by in (
        (("current", "base"), ("current", "app"), None),
        (("current", "app"), ("current", "base"), None),
        (("current", "base"), ("over", "app"), "AU-3"),
        (("over", "app"), ("current", "base"), "AU-3"),
    ):
        given = [
            sign(WORLD.delegation(name, kinds=[kind], **days[when]), *OWN).raw
            for name, (when, kind) in zip(("builder", "partner"), (first, second), strict=True)
        ]
        keys = (WORLD.delegate_keys("builder")[0], PARTNER)
        assert rule(WORLD.release(), WORLD.revision(), by=keys, chain=furnished(CHAIN, given)) == by


def test_a_store_counts_for_what_its_statement_covers_and_once_the_list_is_held() -> None:
    """SR-2, RC-1: any one of its patterns is enough."""
    store = WORLD.store(packages=["acme/gear", "acme/tool"])
    found: Verified[Store] = verified(store)
    for package in ("acme/gear", "acme/tool"):
        check_store(CHAIN, found, package)
    for package, said, by in (("acme/toy", store, "SR-2"), ("acme/tool", replace(store, revocations=1), "RC-1")):
        with pytest.raises(TrustError) as refused:
            check_store(CHAIN, verified(said), package)
        assert refused.value.rule == by


@pytest.mark.parametrize("lacking", ["brand", "model", "release"])
def test_each_statement_on_the_way_names_a_list_that_must_be_held(lacking: str) -> None:
    """RC-1: the brand's certificate too, and it is the brand's own list that is meant, not the root's."""
    number = {lacking: 1}
    brand = WORLD.signed(WORLD.brand(revocations=number.get("brand", 0))).raw
    chain = Chain(begin_with_root(WORLD.root.raw)).with_brand([brand])
    ground, model = WORLD.release(revocations=number.get("release", 0)), WORLD.model(revocations=number.get("model", 0))
    of_root = WORLD.signed(WORLD.revocations(1, brand="root")).raw
    assert rule(ground, WORLD.revision(), model, chain=furnished(chain, [of_root])) == "RC-1"
    own = sign(WORLD.revocations(1), *OWN).raw
    assert rule(ground, WORLD.revision(), model, chain=furnished(chain, [own])) is None
