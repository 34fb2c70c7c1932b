"""A store that has been run for a while: two brands, a partner, devices that report, a release that was halted.

    scene = make_scene(folder)                     the history, written by the product's own functions
    with served(scene) as store: store.operator_url

Its clock is fixed, so that every run looks the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec import UNSET

from sealring.envelope import Envelope
from sealring.report import report_bytes
from sealring.statement.fleet import Wanted
from sealring.statement.software import Rollout, Target
from sealring_server.reports import judge_halts
from tests.stores import RunningStore, maintain, make_folder
from tests.unit.server.conftest import Shop
from tests.unit.server.reports.conftest import Device, Factory
from tests.world import DAY, Key, World, sign

HOUR = 3600
PACKAGES = ("camera", "lock", "tool")
DEVICES = 60
HOSTILE = (
    "</q></title></desc><img src=x onerror=alert(1)><script>alert(2)</script>'`{{7*7}}{%x%}</td></table>&lt;b&gt;&#60;"
)
"""What a device may say as the reason of a failure, and a brand of a revocation: printable, without `"` and `\\`."""


@dataclass
class Scene:
    """The store's folder, its world and the instant at which it is looked at."""

    shop: Shop
    store: RunningStore


def make_scene(folder: Path, *, hostile: bool = False) -> Scene:
    """Write the history.

    Args:
        hostile: whether devices and brands say what would hurt a page that believed them.
    """
    world = World()
    store = make_folder(world, folder)
    shop = Shop(world, folder, store.pin, world.at)
    plan = Rollout("5" * 64, 2500, ["early"], world.at + 12 * DAY, 1000, 6 * HOUR, 2 * DAY // timedelta(seconds=1))
    factory = Factory(shop, plan)
    _founding(shop)
    devices = _fleet(factory)
    grounds = _releases(factory, 1, None)
    _reports(factory, devices, grounds, 1, failing=0)
    for _ in range(12):
        shop.later(days=1)
        maintain(shop.here)
    grounds = _releases(factory, 2, plan)
    reason = HOSTILE if hostile else "health check of the lock failed: exit 3"
    _reports(factory, devices[: DEVICES // 2], grounds, 2, failing=7, reason=reason)
    if hostile:
        lines = [("release acme/camera/latest/stable", "keep")]
        said = world.revocations(1, *lines)
        said.revoked[0] = type(said.revoked[0])(said.revoked[0].what, shop.at, HOSTILE, "keep")
        shop.publish([world.signed(said)])
    shop.later(hours=3)
    maintain(shop.here)
    store.set_clock(shop.at)
    return Scene(shop, store)


@contextmanager
def served(scene: Scene) -> Iterator[RunningStore]:
    """The store, served with its operator's listener until the block ends."""
    scene.shop.here.database.close()
    scene.store.start(operator=True)
    try:
        yield scene.store
    finally:
        scene.store.stop()
        scene.store.kill()


def _founding(shop: Shop) -> None:
    world = shop.world
    wanted = [Wanted(f"acme/{name}", "latest/stable", "app", "required") for name in PACKAGES]
    plain = [
        world.brand(),
        world.brand("borealis"),
        world.model(packages=wanted),
        world.model("gate-2", packages=wanted[:2], expires=shop.at + 43 * DAY),
        world.model("sensor", "borealis", packages=[Wanted("borealis/probe", "latest/stable", "app", "required")]),
        world.store(tuf=shop.pin, may_halt=True),
        world.store(tuf=shop.pin, brand="borealis", may_halt=False),
        world.delegation(packages=["acme/camera"]),
    ]
    shop.publish([world.signed(one) for one in plain])


def _fleet(factory: Factory) -> list[Device]:
    world, shop = factory.shop.world, factory.shop
    made = [Device(factory, f"SN-{n:03}", Key(f"device-sn-{n:03}")) for n in range(1, DEVICES + 1)]
    shop.publish([world.signed(world.serial(one.key.public, one.name)) for one in made])
    return made


def _releases(factory: Factory, number: int, plan: Rollout | None) -> dict[str, str]:
    """Release this revision of everything; the id of each release by its package."""
    shop, world, found = factory.shop, factory.shop.world, {}
    for name in PACKAGES:
        image = f"{name} {number} ".encode() * 4000
        keys = world.delegate_keys() if name == "camera" else world.brand_keys("acme")[:2]
        common: dict[str, Any] = {"package": name, "issued": shop.at}
        revision = world.revision(number, image, version=f"2.{number}.0", **common, expires=shop.at + 365 * DAY)
        with_plan: dict[str, Any] = {"rollout": plan} if plan is not None and name != "camera" else {}
        before = number - 1 if number > 1 else UNSET
        targets = [Target("amd64", number, 1, before)]
        release = world.release(number, targets=targets, **common, expires=shop.at + 90 * DAY, **with_plan)
        signed = sign(release, *keys)
        shop.publish([sign(revision, *keys), signed], [image])
        found[f"acme/{name}"] = signed.id
    if number == 1:
        _borealis(shop)
    return found


def _borealis(shop: Shop) -> None:
    world, image = shop.world, b"probe 1"
    parts: list[Envelope] = [
        world.signed(world.revision(1, image, "borealis", package="probe", version="0.9")),
        world.signed(world.release(1, "borealis", package="probe", expires=shop.at + 21 * DAY)),
    ]
    shop.publish(parts, [image])


def _reports(
    factory: Factory, devices: list[Device], grounds: dict[str, str], number: int, *, failing: int, reason: str = ""
) -> None:
    """Each device begins and ends each package's release, one after another, over some hours."""
    shop = factory.shop
    for place, device in enumerate(devices):
        shop.later(minutes=9 + (place * 7) % 11)
        raws = []
        for package, ground in grounds.items():
            base: dict[str, Any] = {"package": package, "ground": ground, "revision": number}
            base["previous"] = number - 1 if number > 1 else UNSET
            raws.append(report_bytes(device.report("begun", **base), device.key))
            fails = package == "acme/lock" and place % 4 == 3 and place // 4 < failing
            late = place > len(devices) - 3
            if not late:
                more = {"reason": reason} if fails and reason else {}
                event = "rolled-back" if fails else "good"
                raws.append(report_bytes(device.report(event, **base, **more), device.key))
        factory.send(*raws)
        judge_halts(shop.here)
    strangers = [factory.stranger(f"X-{number}-{n}") for n in range(1, 8)]
    for stranger in strangers:
        base = {"package": "acme/tool", "ground": grounds["acme/tool"], "revision": number, "serial": "X"}
        factory.send(report_bytes(stranger.report("good", **base)))
