"""A store that may halt, a release with a plan, and devices that report to it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from sealring.bundle import ReportEntry, write_bundle
from sealring.report import Report, report_bytes, report_name
from sealring.statement.software import Rollout
from sealring_server.app import create_app
from sealring_server.reports import HaltShown, halts, judge_halts
from sealring_server.reports.routes import take_reports
from tests.stores import next_software
from tests.unit.server.conftest import Shop
from tests.world import Key

HOUR = 3600


@dataclass
class Device:
    """One device of acme/door-1, as it speaks to the store: a key of its own, and a name."""

    factory: "Factory"
    name: str
    key: Key
    number: int = 0

    def report(self, event: str = "begun", **more: Any) -> Report:
        """Its next report, about the release that is current."""
        self.number += 1
        world = self.factory.shop.world
        base: dict[str, Any] = {
            "format": 1,
            "root": world.root_id,
            "store": "acme/main",
            "model": "acme/door-1",
            "serial": self.name,
            "device": report_name(bytes(self.key.secret), "acme/main").hex(),
            "number": self.number,
            "at": self.factory.shop.at,
            "package": "acme/tool",
            "ground": self.factory.ground,
            "revision": 2,
            "previous": 1,
            "event": event,
        }
        return Report(**{**base, **more})

    def says(self, *events: str, **more: Any) -> None:
        """Send so many signed reports in one bundle."""
        self.factory.send(*[report_bytes(self.report(event, **more), self.key) for event in events])


@dataclass
class Factory:
    """The brand acme: it makes devices, gives them serials, and has signed release 2 with a plan."""

    shop: Shop
    plan: Rollout
    ground: str = ""
    devices: list[Device] = field(default_factory=list)

    def release(self, number: int, **more: Any) -> None:
        """Release this revision by the plan; the devices report about it from now on."""
        statements = next_software(self.shop.world, b"image %d" % number, number)
        signed = self.shop.world.signed(self.shop.world.release(number, rollout=self.plan, **more))
        self.shop.publish([statements[0], signed], [b"image %d" % number])
        self.ground = signed.id

    def device(self, name: str = "", **more: Any) -> Device:
        """One more device, whose serial the store holds."""
        name = name or f"sn-{len(self.devices) + 1}"
        made = Device(self, name, Key(f"device-{name.lower()}"))
        self.shop.publish([self.shop.world.signed(self.shop.world.serial(made.key.public, name, **more))])
        self.devices.append(made)
        return made

    def many(self, number: int) -> list[Device]:
        """So many devices, their serials in one publication."""
        made = [Device(self, f"sn-{n}", Key(f"device-sn-{n}")) for n in range(1, number + 1)]
        world = self.shop.world
        self.shop.publish([world.signed(world.serial(one.key.public, one.name)) for one in made])
        self.devices += made
        return made

    def stranger(self, name: str = "nobody") -> Device:
        """A device that no serial names."""
        return Device(self, name, Key(f"stranger-{name.lower()}"))

    def send(self, *raws: bytes) -> None:
        """As a device would, without HTTP."""
        take_reports(self.shop.here, write_bundle([ReportEntry(raw) for raw in raws]))

    def judge(self, **later: float) -> list[str]:
        """What the store halts after so much time, of which it misses no minute."""
        end = self.shop.at + timedelta(**later)
        found = judge_halts(self.shop.here)
        while self.shop.at < end:
            self.shop.at = min(end, self.shop.at + timedelta(minutes=10))
            found += judge_halts(self.shop.here)
        return found

    def halts(self) -> list[HaltShown]:
        """What it has halted."""
        with self.shop.here.database.reading() as connection:
            return halts(connection)

    @property
    def client(self) -> FlaskClient:
        return create_app(self.shop.here).test_client()


def make_factory(shop: Shop, *, may_halt: bool = True, **plan: int) -> Factory:
    """A store with release 1, and release 2 with a plan: at most 10 % may fail, silence of an hour counts."""
    numbers = {"error_threshold": 1000, "silence": HOUR, "halt": 24 * HOUR, **plan}
    world = shop.world
    statements = [world.signed(s) for s in (world.brand(), world.model(), world.store(tuf=shop.pin, may_halt=may_halt))]
    shop.publish([*statements, *next_software(world, b"image 1", 1)], [b"image 1"])
    factory = Factory(shop, Rollout("a" * 64, 10_000, [], shop.at, **numbers))
    factory.release(2)
    return factory


@pytest.fixture
def factory(shop: Shop) -> Factory:
    """A store that may halt."""
    return make_factory(shop)
