"""Two stores in memory and one real device, for scenarios in which a store may say anything."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sealring.envelope import Envelope
from tests.scenarios.devices import Rig, image_of, line
from tests.simulated import SimulatedStore
from tests.world import NOW, World

A, B = "http://a.test", "http://b.test"


class Scene:
    """Two stores, `acme/main` and `acme/other`, that begin alike, and a device that knows both.

    Args:
        keys: the TUF keys of the two stores, by a name for each.
        model: members of the model beside the ordinary ones.
        groups: what the device is given for rollouts.
        more: statements that are published at first, beside the software.
    """

    def __init__(
        self,
        device: Rig,
        *,
        keys: tuple[str, str] = ("main", "other"),
        model: Mapping[str, Any] = MappingProxyType({}),
        more: Callable[[World], list[Envelope]] = lambda _: [],
        groups: tuple[str, ...] = (),
    ) -> None:
        self.world, self.device = World(at=NOW), device
        device.at = NOW
        self.main = SimulatedStore(self.world.root_id, NOW, keys[0])
        self.other = SimulatedStore(self.world.root_id, NOW, keys[1])
        device.stores = {A: self.main, B: self.other}
        w = self.world
        self.seed = [
            w.signed(w.brand()),
            w.signed(w.model(stores=["acme/main", "acme/other"], **model)),
            w.signed(w.store(A, self.main.pin)),
            w.signed(w.store(B, self.other.pin, store="other")),
        ]
        self.publish([*self.seed, *more(w), *self.software(1)], 1)
        device.provision(w.root, self.seed, groups=groups)

    def software(self, number: int, **more: Any) -> list[Envelope]:
        revision = self.world.revision(number, image_of(str(number)), **more)
        return [self.world.signed(revision), self.world.signed(self.world.release(number))]

    def publish(self, statements: list[Envelope], *numbers: int, stores: str = "mo") -> None:
        for letter, store in (("m", self.main), ("o", self.other)):
            if letter in stores:
                store.publish(statements, [image_of(str(number)) for number in numbers])

    def release(self, number: int, stores: str = "mo") -> None:
        self.publish(self.software(number), number, stores=stores)


def words(report: Any) -> dict[str, str]:
    return {one.name.removeprefix("acme/"): one.word for one in report.stores}


def rules(report: Any, store: str) -> list[str]:
    return [refusal.rule for refusal in line(report, f"acme/{store}").refusals]
