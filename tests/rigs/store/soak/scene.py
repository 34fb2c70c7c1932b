"""What every process of the soak knows without being told: the world, its packages, images and devices."""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from msgspec import UNSET

from sealring.envelope import Envelope
from sealring.names import instant, spell
from sealring.statement.fleet import Wanted
from sealring.statement.software import Target
from tests.world import Key, World

PUBLISHERS = 5
MODEL = "acme/door-1"
STORE = "acme/main"
IMAGE_BYTES = 200_000


@dataclass(frozen=True)
class Scene:
    """One soak.

    Args:
        pin: version and SHA-256 of the store's TUF root.
        at: when its world begins.
        ends: POSIX seconds; nobody begins anything after that.
    """

    url: str
    pin: tuple[int, str]
    at: datetime
    ends: float

    @property
    def world(self) -> World:
        """The keys and what they certify; the same in each process."""
        return World(at=self.at)

    def save(self, path: Path) -> None:
        """For the other processes."""
        said = {"url": self.url, "pin": self.pin, "at": spell(self.at), "ends": self.ends}
        path.write_text(json.dumps(said))

    def seed(self, world: World) -> list[Envelope]:
        """What a device is provisioned with."""
        wanted = [Wanted(f"acme/{name_of(n)}", "latest/stable", "app", "required") for n in range(PUBLISHERS)]
        parts = (world.brand(), world.model(packages=wanted), world.store(self.url, self.pin))
        return [world.signed(one) for one in parts]


def load_scene(path: Path) -> Scene:
    """What `save` wrote."""
    said = json.loads(path.read_text())
    return Scene(said["url"], (said["pin"][0], said["pin"][1]), instant(said["at"]), said["ends"])


def name_of(publisher: int) -> str:
    """The package of one publisher."""
    return f"package-{publisher}"


def image_of(package: str, revision: int) -> bytes:
    """The image of one revision: bytes that everybody can make again and nobody can confuse."""
    first = sha256(f"{package} {revision}".encode()).digest()
    return (first * (IMAGE_BYTES // len(first) + 1))[:IMAGE_BYTES]


def software(world: World, package: str, number: int) -> list[Envelope]:
    """A revision and its release."""
    before = number - 1 if number > 1 else UNSET
    release = world.release(number, package=package, targets=[Target("amd64", number, 1, before)])
    return [world.signed(world.revision(number, image_of(package, number), package=package)), world.signed(release)]


def device_key(number: int) -> Key:
    """The key of one device."""
    return Key(f"soak-device-{number}")


def serial_name(number: int) -> str:
    """What the brand calls it."""
    return f"SN-{number}"
