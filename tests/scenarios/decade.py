"""Ten years of one brand, as its store saw them, and devices that were switched off in some of them.

Each year everything is signed anew, and tool and gadget have a new revision. A new root comes each second year, of its
three keys two from the one before; its role `brand` changes with each second root, the brand's own keys each third
year, the partner's, who builds gadget, once. Delegations come and are taken back. In the sixth year the store gets new
keys and another address; what it had before stays to be read at the old one.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, Root
from tuf.api.serialization.json import JSONSerializer

from sealring.bundle import StatementEntry, write_bundle
from sealring.envelope import Envelope
from sealring.names import NO_ROOT
from sealring.statement.authorities import RootRoles
from sealring.statement.fleet import Wanted
from sealring_client.apply.install import Disk, mount_current
from sealring_client.apply.mount import unmount
from sealring_server.here import open_store
from sealring_server.making import make_store
from sealring_server.tuf_repo import keep_root, metadata_bytes
from tests.hostile import Line, between, from_folder, over_http
from tests.scenarios.compromise.stage import publish_in
from tests.scenarios.devices import MODEL, Rig, image_of, new_device
from tests.stores import RunningStore, now, tuf_root_signer
from tests.world import DAY, Key, World, key_set, sign

DEVICE = Path(sys.executable).with_name("sealring-device")
LAST, MOVED = 10, 5
"""The years of today and of the store's move, from 0."""
HOUR = timedelta(hours=1)


def run(folder: Path, *words: str, at: datetime | str = "") -> subprocess.Popen[str]:
    """`sealring-device` begun on this folder, at this date if one is given."""
    date = at.strftime("%Y-%m-%d %H:%M:%S") if isinstance(at, datetime) else at
    faked = ["faketime", "-f", f"@{date}"] if date else []
    line = [*faked, str(DEVICE), words[0], "--state", str(folder), "--json", *words[1:]]
    env = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def said(folder: Path, *words: str, at: datetime | str = "") -> tuple[int, dict[str, Any]]:
    """Its exit code and its answer: the object on stdout, or where there is none, the error."""
    process = run(folder, *words, at=at)
    out, err = process.communicate(timeout=60)
    found: dict[str, Any] = json.loads(out or err)
    return process.returncode, found


def restart(rig: Rig) -> None:
    """Take all mounts away, as a restart does."""
    for place in sorted((rig.folder / "mounts").iterdir()):
        unmount(place)


def next_tuf_root(world: World, folder: Path, key: str, at: datetime) -> None:
    """The store's TUF root for another year, by the same keys."""
    here = open_store(folder, lambda: at)
    with here.database.writing() as connection:
        metadata = Metadata[Root].from_bytes(metadata_bytes(connection, "root") or b"")
        metadata.signed.version += 1
        metadata.signed.expires = at + 365 * DAY
        metadata.sign(tuf_root_signer(world, key))
        keep_root(connection, metadata.to_bytes(JSONSerializer(compact=True)))
    here.database.close()


@dataclass
class Shop:
    """The store in one of its two lives: its folder, its pin, and the line to it."""

    key: str
    store: RunningStore
    line: Line


class Decade:
    """Everything that was ever signed, published year by year."""

    def __init__(self, folder: Path, lines: list[Line]) -> None:
        self.folder, self.today = folder, now()
        self.world = World(at=self.date(0))
        self.roots = [self._root(version) for version in range(1, 2 + LAST // 2)]
        self.world.root, self.world.root_id = self.roots[0], self.roots[0].id
        self.shops: list[Shop] = []
        self.lines = lines
        self.devices: dict[str, Path] = {}

    def date(self, year: int) -> datetime:
        """When that year's statements are signed; those of the last year an hour ago."""
        return self.today - HOUR - (LAST - year) * 365 * DAY

    # --- keys

    def role(self, version: int) -> Key:
        """The key of the role `brand` in this version of the root."""
        return self.world.key(f"brands-{(version - 1) // 2}")

    def keys(self, year: int) -> list[Key]:
        """The brand's keys in that year."""
        return self.world.brand_keys("acme", 1 + max(year, 0) // 3)

    def partner(self, year: int) -> list[Key]:
        return self.world.delegate_keys("partner", 1 if year < MOVED else 2)

    def _root(self, version: int) -> Envelope:
        keys = [self.world.key(f"root-{version + n}") for n in range(3)]
        roles = RootRoles(key_set(2, *keys), key_set(1, self.role(version)))
        issued = self.date(2 * (version - 1))
        known = {"root": NO_ROOT if version == 1 else self.world.root_id}
        statement = self.world.root_statement(
            sequence=version, roles=roles, issued=issued, expires=issued + 900 * DAY, **known
        )
        found = sign(statement, *keys[:2])
        if version == 1:
            self.world.root_id = found.id
        return found

    # --- what a year brings

    def statements(self, year: int) -> list[Envelope]:
        """The root if there is a new one, and all that the brand and its partner sign in that year."""
        w, more = self.world, dict[str, Any](sequence=year + 1, issued=self.date(year))
        version, listed = 1 + year // 2, max(0, year - 1)
        brand = w.brand(keys=key_set(2, *self.keys(year)), revocations=listed, **more)
        packages = [Wanted(f"acme/{name}", "latest/stable", "app", "required") for name in ("gadget", "tool")]
        shop = self.shops[-1]
        own = [
            w.model(packages=packages, revocations=listed, **more),
            w.store(shop.line.url, shop.store.pin, **{**more, "expires": self.date(year) + 366 * DAY}),
            w.delegation(keys=key_set(1, *self.partner(year)), packages=["acme/gadget"], **more),
            *([w.delegation("early", packages=["acme/gadget"], **more)] if year < 2 else []),
            *([w.revocations(listed, ("delegation acme/early", "keep"), issued=self.date(year))] if listed else []),
            *self._software("tool", year),
        ]
        return [
            *([self.roots[version - 1]] if year % 2 == 0 and year else []),
            sign(
                brand, self.role(version), *{k.id: k for k in (*self.keys(year - 1)[:2], *self.keys(year)[:2])}.values()
            ),
            *(sign(one, *self.keys(year)[:2]) for one in own),
            *(sign(one, self.partner(year)[0]) for one in self._software("gadget", year)),
        ]

    def _software(self, name: str, year: int) -> list[Any]:
        number, issued = year + 1, self.date(year)
        image = image_of(f"{name} {number}")
        return [
            self.world.revision(number, image, package=name, issued=issued),
            self.world.release(number, package=name, issued=issued),
        ]

    # --- the years

    def live(self) -> None:
        """All of them; devices are born, or brought up to date, on the way and switched off again."""
        for year in range(LAST + 1):
            if year in (0, MOVED):
                self._open(year)
            shops = self.shops if year == MOVED else self.shops[-1:]
            for shop in shops:
                if year not in (0, MOVED) or shop is not self.shops[-1]:
                    next_tuf_root(self.world, shop.store.folder, shop.key, self.date(year))
                images = [image_of(f"{name} {year + 1}") for name in ("gadget", "tool")]
                publish_in(shop.store.folder, self.statements(year), images, self.date(year))
            if year in (0, 7, 9):
                self._device(str(year), year)
            if year == 8:
                self._device("8", year, self.devices["7"])

    def _open(self, year: int) -> None:
        key, folder = f"tuf-root-{year}", self.folder / f"store-{year}"
        folder.mkdir()
        root = self.roots[max(0, (year - 1) // 2)].raw
        pin = make_store(folder, [root], tuf_root_signer(self.world, key), lambda: self.date(year))
        line = self.lines[len(self.shops)]
        self.shops.append(Shop(key, RunningStore(self.world, folder, pin), line))

    def _device(self, name: str, year: int, before: Path | None = None) -> None:
        """A device that runs what that year brought, as the template for those of the tests."""
        at, shop = self.date(year) + HOUR / 2, self.shops[-1]
        shop.line.upstream = from_folder(shop.store.folder, lambda: at)
        with new_device(at) as rig:
            if before is None:
                root = self.roots[year // 2].raw
                self._provision(rig, root, [one for one in self.statements(year) if one.raw != root])
            else:
                shutil.copytree(before, rig.folder, symlinks=True)
            code, report = said(rig.folder, "refresh", at=at)
            assert (code, report["outcome"]) == (0, "installed"), report
            self.devices[name] = self.folder / f"device-{name}"
            ignored = shutil.ignore_patterns("mounts")
            shutil.copytree(rig.folder, self.devices[name], symlinks=True, ignore=ignored)

    def _provision(self, rig: Rig, root: bytes, seed: list[Envelope]) -> None:
        place = self.folder / "given"
        place.mkdir(exist_ok=True)
        (place / "root").write_bytes(root)
        (place / "seed").write_bytes(write_bundle([StatementEntry(one.raw) for one in seed]))
        words = ["--root", str(place / "root"), "--seed", str(place / "seed"), "--model", MODEL]
        code, found = said(rig.folder, "provision", *words, at=rig.at)
        assert code == 0, found

    def serve(self, stack: ExitStack) -> None:
        """Both folders by the product's own server, at the real time."""
        for shop in self.shops:
            stack.callback(shop.store.kill)
            shop.store.start()
            shop.line.honest = over_http(shop.store.url)
            shop.line.reset()

    @contextmanager
    def device(self, year: int, *, clock: str = "trusted") -> Iterator[Rig]:
        """A device that was last on in that year; its images are mounted, as at its last start."""
        with new_device(self.today) as rig:
            shutil.copytree(self.devices[str(year)], rig.folder, symlinks=True)
            file = rig.folder / "device.json"
            file.write_bytes(file.read_bytes().replace(b'"trusted"', b'"%s"' % clock.encode()))
            assert mount_current(Disk.of(rig.folder)) == []
            yield rig


@contextmanager
def new_decade(folder: Path) -> Iterator[Decade]:
    """The ten years, and the store at its two addresses."""
    with ExitStack() as stack:
        lines = [stack.enter_context(between(over_http("http://127.0.0.1:1"))) for _ in range(2)]
        decade = Decade(folder, lines)
        decade.live()
        decade.serve(stack)
        yield decade
