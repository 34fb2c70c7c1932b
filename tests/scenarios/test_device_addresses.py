"""A device that was led to where nobody is, and finds back (SPEC SR-3, SR-4)."""

from collections.abc import Iterator

import pytest

from tests.scenarios.devices import new_device
from tests.scenarios.scene import A, B, Scene
from tests.simulated import SimulatedStore
from tests.world import DAY, NOW, key_set, sign

NOWHERE, THIEF = "http://nowhere.test", "http://thief.test"


@pytest.fixture
def scene() -> Iterator[Scene]:
    with new_device(NOW) as device:
        found = Scene(device)
        assert device.refresh().outcome == "installed"
        yield found


def wrong_addresses(scene: Scene) -> None:
    w = scene.world
    pins = (scene.main.pin, scene.other.pin)
    scene.publish(
        [
            w.signed(w.store(NOWHERE, pin, store=name, sequence=2))
            for name, pin in zip(("main", "other"), pins, strict=True)
        ]
    )
    scene.device.refresh()


def test_a_wrong_address_in_every_store_statement_is_mended_from_where_they_once_were(scene: Scene) -> None:
    """SR-4: one typing error, signed and published, must not be the last thing that a fleet hears."""
    wrong_addresses(scene)
    assert scene.device.refresh().outcome == "unreachable"
    w = scene.world
    scene.publish(
        [
            w.signed(w.store(A, scene.main.pin, sequence=3)),
            w.signed(w.store(B, scene.other.pin, store="other", sequence=3)),
        ]
    )
    scene.release(2)
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")


def test_a_delegates_model_without_living_stores_ends_with_his_delegation(scene: Scene) -> None:
    """SR-4, AU-6: its floor goes with the revocation, which comes from where the stores once were."""
    w = scene.world
    scene.publish([w.signed(w.delegation(roles=["model"], models=["acme/door-1"]))])
    dead = sign(w.model(stores=["acme/nowhere"], sequence=9), w.delegate_keys()[0])
    scene.publish([dead])
    scene.device.refresh()
    assert scene.device.refresh().outcome != "installed"
    scene.publish([w.signed(w.revocations(1, ("delegation acme/partner", "keep")))])
    scene.release(2)
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")


def test_a_thiefs_store_that_answers_for_ever_keeps_a_device_for_a_week(scene: Scene) -> None:
    """SR-4, BR-2: with a brand's keys he names his own store; the brand's new keys are heard at the old address."""
    w, new = scene.world, scene.world.brand_keys("acme", 2)
    his = SimulatedStore(w.root_id, NOW, "thief")
    scene.device.stores[THIEF] = his
    model = w.signed(w.model(stores=["acme/thief"], sequence=9))
    store = w.signed(w.store(THIEF, his.pin, store="thief"))
    his.publish([w.signed(w.brand()), model, store, *scene.software(1)])
    scene.publish([model, store])
    scene.device.refresh()
    rotated = sign(w.brand(sequence=2, keys=key_set(2, *new)), *w.brand_role, *w.root_keys[:2])
    scene.publish(
        [
            rotated,
            *(
                sign(one, *new[:2])
                for one in (
                    w.model(stores=["acme/main", "acme/other"], sequence=2),
                    w.store(A, scene.main.pin, sequence=2),
                    w.store(B, scene.other.pin, store="other", sequence=2),
                    w.revision(1),
                    w.release(1),
                )
            ),
        ]
    )
    scene.device.at = NOW + 8 * DAY
    for one in (his, scene.main, scene.other):
        one.at = scene.device.at
        one.publish([])
    report = scene.device.refresh()
    assert {line.name for line in report.stores} == {"acme/main", "acme/other"}
