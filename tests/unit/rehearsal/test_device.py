"""A device of the rehearsal judges as a device does: chain, floors, memory."""

import pytest

from sealring.errors import TrustError
from sealring.moment import Moment
from sealring.rehearsal.device import Device
from sealring.statement import Common
from tests.world import DAY, NOW, World, sign

TOOL = "acme/tool"


@pytest.fixture
def world() -> World:
    return World()


def device(world: World, *said: Common) -> Device:
    """One that was shown these, after what every device of acme has."""
    found = Device(world.root.raw, "acme/door-1")
    for one in (world.brand(), world.model(), world.store(), *said):
        found.take(world.signed(one).raw)
    return found


def test_it_installs_what_is_released(world: World) -> None:
    """SPEC RV-1: exactly that, and nothing where no release or no such package is."""
    found = device(world, world.revision(1), world.release(1))
    assert found.revision(TOOL, Moment(NOW)) == 1
    assert found.revision("acme/other", Moment(NOW)) == 0
    assert device(world).revision(TOOL, Moment(NOW)) == 0
    assert device(world, world.release(1)).revision(TOOL, Moment(NOW)) == 0


def test_it_remembers_what_it_has_seen(world: World) -> None:
    """SPEC FL-1: a thief can't show it an older release."""
    found = device(world, world.revision(2), world.release(2))
    with pytest.raises(TrustError) as refused:
        found.take(world.signed(world.release(1)).raw)
    assert refused.value.rule == "FL-1"
    assert found.revision(TOOL, Moment(NOW)) == 2


def test_what_the_keys_of_today_do_not_vouch_for_leaves_it_as_it_was(world: World) -> None:
    """SPEC TH-1."""
    found = device(world, world.revision(1), world.release(1))
    before = list(found.remembered)
    with pytest.raises(TrustError):
        found.take(sign(world.release(2), world.brand_keys("acme")[0]).raw)
    assert found.remembered == before


def test_an_expired_release_installs_nothing_new(world: World) -> None:
    """SPEC TM-1."""
    found = device(world, world.revision(1), world.release(1))
    with pytest.raises(TrustError) as refused:
        found.revision(TOOL, Moment(NOW + 400 * DAY))
    assert refused.value.rule == "TM-1"


def test_without_a_store_of_the_model_nothing_is_installed(world: World) -> None:
    """SPEC SR-1: a device knows stores by their brand's word alone."""
    found = Device(world.root.raw, "acme/door-1")
    for one in (world.brand(), world.model(), world.revision(1), world.release(1)):
        found.take(world.signed(one).raw)
    with pytest.raises(TrustError) as refused:
        found.revision(TOOL, Moment(NOW))
    assert refused.value.rule == "SR-1"


def test_it_says_what_a_list_means_for_what_runs(world: World) -> None:
    """SPEC RK-6."""
    line = (world.revision(1).title, "replace")
    found = device(world, world.revision(1), world.release(1))
    installed = world.signed(world.revision(1)).raw
    assert found.reached(installed) == ""
    found.take(world.signed(world.revocations(1, line)).raw)
    assert found.reached(installed) == "replace"
    with pytest.raises(TrustError) as refused:
        found.revision(TOOL, Moment(NOW))
    assert refused.value.rule == "RK-1"
