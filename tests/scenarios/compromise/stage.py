"""The stage for every attack: two honest stores, software of two publishers, and devices that have seen some of it.

A brand `acme` has the model door-1 with acme/app and acme/tool (required) and evil/gadget (optional). Yesterday its
stores `main` and `second` showed version 1 of everything; today, version 2 of acme's. Devices know the stores by
addresses at which a line stands that an attacker can play with.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from sealring.bundle import StatementEntry, write_bundle
from sealring.envelope import Envelope
from sealring.statement import parse_statement
from sealring.statement.fleet import Wanted
from sealring.statement.software import Target
from sealring_client.apply.install import Disk, mount_current
from sealring_client.fetch.fetcher import Fetcher, Limits
from sealring_client.report import Report
from sealring_server.here import open_store
from sealring_server.making import make_store
from sealring_server.publication import commit_publication, open_publication
from sealring_server.uploading import add_to_upload
from tests.hostile import Line, Upstream, between, from_folder, over_http
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.devices import MODEL, Rig, image_of, new_device, now
from tests.stores import RunningStore, tuf_root_signer
from tests.world import World

DAY = timedelta(days=1)
MAX_AGE = 2 * DAY
DEVICE = Path(sys.executable).with_name("sealring-device")
IMPATIENT = Limits(read_seconds=0.15, total_seconds=0.3, lowest_rate=10_000_000)


WANTED: list[tuple[str, Any]] = [("acme/app", "required"), ("acme/tool", "required"), ("evil/gadget", "optional")]


class Shop:
    """One of the two stores: its folder, its copy of yesterday, and the line to it."""

    def __init__(self, name: str, world: World, folder: Path) -> None:
        self.name, self.world = name, world
        self.root_signer = tuf_root_signer(world, f"tuf-root-of-{name}")
        """The offline key of its TUF root; no other store has it (AG-1)."""
        (folder / name).mkdir()
        pin = make_store(folder / name, [world.root.raw], self.root_signer, lambda: world.at)
        self.store = RunningStore(world, folder / name, pin)
        self.yesterday = folder / f"{name}-yesterday"
        self.today = folder / f"{name}-today"
        self.line: Line

    def put(self, statements: Iterable[Envelope], images: Iterable[bytes], at: datetime) -> None:
        """Publish at this time, by the store's own code."""
        publish_in(self.store.folder, statements, images, at)

    def was(self, folder: Path, at: datetime) -> Upstream:
        """What the store answered when this copy was taken."""
        return from_folder(folder, lambda: at)


def publish_in(folder: Path, statements: Iterable[Envelope], images: Iterable[bytes], at: datetime) -> None:
    """Publish to the store in this folder, in this process, at this time."""
    here = open_store(folder, lambda: at)
    opened = open_publication(here, write_bundle([StatementEntry(one.raw) for one in statements]))
    by_digest = {sha256(image).hexdigest(): image for image in images}
    for digest, _ in opened.missing:
        add_to_upload(here, opened.token, digest, 0, BytesIO(by_digest[digest]))
    commit_publication(here, opened.token)
    here.database.close()


class Stage:
    """Everything that all attacks share; no test changes any of it but the lines, which are reset."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.at = folder, now()
        self.world = World(at=self.at - 3 * DAY)
        self.shops = {name: Shop(name, self.world, folder) for name in ("main", "second")}
        self.main, self.second = self.shops.values()
        self._forgers: dict[str, Forger] = {}

    # --- what is signed

    @cached_property
    def chain(self) -> list[Envelope]:
        """Brands, model and stores as every device is born with them."""
        world = self.world
        model = self.model()
        stores = [self.store_statement(shop) for shop in self.shops.values()]
        return [world.signed(one) for one in (world.brand(), world.brand("evil"), model, *stores)]

    def model(self, **more: Any) -> Any:
        """The model, unsigned."""
        packages = [Wanted(name, "latest/stable", "app", presence) for name, presence in WANTED]
        base = {"packages": packages, "stores": ["acme/main", "acme/second"]}
        return self.world.model(**{**base, **more})

    def store_statement(self, shop: Shop, **more: Any) -> Any:
        """The brand's word on a store."""
        base = {"max_age": int(MAX_AGE.total_seconds()), "packages": ["acme/*", "evil/*"]}
        return self.world.store(shop.line.url, shop.store.pin, store=shop.name, **{**base, **more})

    def revision(self, package: str, number: int, text: str = "", **more: Any) -> Any:
        """A revision, unsigned; its program says `text`."""
        brand, _, name = package.partition("/")
        image = image_of(text or f"{name} {number}")
        return self.world.revision(number, image, brand, package=name, **more)

    def release(self, package: str, number: int, **more: Any) -> Any:
        """A release of that revision, unsigned; revision 2 of acme/tool is the lowest from release 2 on."""
        brand, _, name = package.partition("/")
        minimum = 2 if package == "acme/tool" and number >= 2 else 1
        more.setdefault("targets", [Target("amd64", number, minimum)])
        return self.world.release(number, brand, package=name, **more)

    def software(self, package: str, number: int, **more: Any) -> list[Envelope]:
        """A revision and its release, as the brand signs them."""
        made = (self.revision(package, number, **more), self.release(package, number, **more))
        return [self.world.signed(one) for one in made]

    @cached_property
    def first(self) -> list[Envelope]:
        """Yesterday's software."""
        packages = ("acme/app", "acme/tool", "evil/gadget")
        return [one for package in packages for one in self.software(package, 1, issued=self.at - 2 * DAY)]

    @cached_property
    def second_software(self) -> list[Envelope]:
        """Today's software."""
        issued = self.at - timedelta(hours=1)
        return [one for package in ("acme/app", "acme/tool") for one in self.software(package, 2, issued=issued)]

    @property
    def latest(self) -> list[Envelope]:
        """The newest software of every package: app, tool, gadget."""
        return [*self.second_software, *self.first[4:]]

    # --- the run

    def forger(self, shop: Shop | None = None) -> Forger:
        """A thief of all keys of a store, who knows its history up to today."""
        shop = shop or self.main
        if shop.name not in self._forgers:  # opening a store's key takes as long as a whole test
            self._forgers[shop.name] = Forger.of(shop.today, self.at)
        known = self._forgers[shop.name]
        return Forger(known.keys, known.root, [*known.log], known.version, known.at)

    def statements(self, *software: Envelope) -> list[Envelope]:
        """The chain with this software: what a view of the model lists."""
        return [self.world.root, *self.chain, *software]

    def reset(self) -> None:
        """Both lines are honest again."""
        for shop in self.shops.values():
            shop.line.reset()

    def hide_today(self, *shops: Shop) -> None:
        """These stores, or all, answer as they did yesterday."""
        for shop in shops or self.shops.values():
            shop.line.upstream = shop.was(shop.yesterday, self.at)


@contextmanager
def new_stage(folder: Path) -> Iterator[Stage]:
    """Both stores with their history, served by granian."""
    with ExitStack() as stack:
        stage = Stage(folder)
        for shop in stage.shops.values():
            shop.line = stack.enter_context(between(over_http("http://127.0.0.1:1")))
        first = [image_of(f"{name} 1") for name in ("app", "tool", "gadget")]
        second = [image_of(f"{name} 2") for name in ("app", "tool")]
        for hours, shop in enumerate(stage.shops.values()):  # an hour apart, so that the two histories differ
            yesterday = stage.at - DAY + timedelta(hours=hours)
            shop.put([*stage.chain, *stage.first], first, yesterday)
            shutil.copytree(shop.store.folder, shop.yesterday)
            shop.put(stage.second_software, second, stage.at)
            shutil.copytree(shop.store.folder, shop.today)
            stack.callback(shop.store.kill)
            shop.store.start()
            shop.line.honest = shop.line.upstream = over_http(shop.store.url)
        yield stage


@dataclass
class Play:
    """One test's device, before the attack and after it."""

    stage: Stage
    rig: Rig
    clock: str = "trusted"
    pictures: list[dict[str, Any]] = field(default_factory=list)

    def be_impatient(self, *shops: Shop) -> None:
        """Short limits (for these stores, or all), so that a drip does not last as long as a device's patience."""
        for shop in shops or self.stage.shops.values():
            self.rig.stores[shop.line.url] = Fetcher(shop.line.url, limits=IMPATIENT)

    def provision(self, *seed: Envelope, clock: Any = "trusted") -> "Play":
        """A new device that knows these statements, by default the whole chain."""
        self.rig.provision(self.stage.world.root, seed or self.stage.chain, clock)
        return self

    def refresh(self, at: datetime | None = None) -> Report:
        """One refresh at this instant."""
        self.rig.at = at or self.rig.at
        return self.rig.refresh()

    def check(self, at: datetime | None = None) -> Report:
        """One check at this instant."""
        self.rig.at = at or self.rig.at
        return self.rig.check()

    def picture(self) -> dict[str, Any]:
        """What must not move: what runs, what is trusted, what failed."""
        folder = self.rig.folder
        files = ("trust.0.json", "trust.1.json", "failures.json", "root.json", "device.json")
        return {
            "links": [(folder / name).readlink() for name in ("current", "good")],
            "generations": sorted(one.name for one in (folder / "generations").iterdir()),
            "files": {name: (folder / name).read_bytes() for name in files if (folder / name).exists()},
            "statements": sorted(one.name for one in (folder / "statements").iterdir()),
            "images": sorted(one.name for one in (folder / "images").glob("*")),
        }

    def runs(self) -> list[str]:
        """What the programs in the mounts say when they are executed."""
        top = self.rig.folder / "current"
        packages = sorted(str(one.relative_to(top)) for one in top.glob("*/*") if one.is_symlink())
        return [self.rig.says(package) for package in packages]

    def command(self, *words: str, date: str = "") -> "subprocess.CompletedProcess[str]":
        """`sealring-device` as a person runs it, at this date if one is given."""
        faked = ["faketime", "-f", f"@{date}"] if date else []
        line = [*faked, str(DEVICE), words[0], "--state", str(self.rig.folder), "--json", *words[1:]]
        path = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "DONT_FAKE_MONOTONIC": "1"}
        return subprocess.run(line, capture_output=True, text=True, timeout=60, env=path)


def show(thieves: Iterable[Forger], *statements: Envelope, images: Iterable[bytes] = ()) -> None:
    """These stores list these statements, and have these images beside their own."""
    for thief in thieves:
        thief.files |= {f"/v1/blobs/{sha256(image).hexdigest()}": image for image in images}
        thief.list(*statements)


def replaced(statements: Iterable[Envelope], *new: Envelope) -> list[Envelope]:
    """These statements, each new one in the place of the one with its subject."""
    found = {}
    for one in [*statements, *new]:
        said = parse_statement(one.payload)
        found[said.type, "" if said.type == "root" else said.subject] = one
    return list(found.values())


def rules(report: Report) -> set[str]:
    """The ids of every rule that said no."""
    found = [one for line in report.stores for one in line.refusals]
    found += [one for line in report.packages for one in line.refusals]
    return {one.rule for one in [*found, *([report.problem] if report.problem else [])]}


class Devices:
    """Devices as they are after a day's refresh, made once and copied."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder = stage, folder
        self._made: dict[str, Path] = {}

    @contextmanager
    def new(self, seen: str = "") -> Iterator[Play]:
        """A device that runs what the stores had `yesterday` or have `today`; without either, an empty folder."""
        with new_device(self.stage.at) as rig:
            play = Play(self.stage, rig)
            if seen:
                shutil.copytree(self._template(seen), rig.folder, symlinks=True)
                assert mount_current(Disk.of(rig.folder)) == []
            yield play

    def _template(self, seen: str) -> Path:
        if seen not in self._made:
            with self.new() as play:
                play.provision()
                if seen == "yesterday":
                    self.stage.hide_today()
                assert play.refresh().outcome == "installed"
                self.stage.reset()
                self._made[seen] = self.folder / seen
                shutil.copytree(
                    play.rig.folder, self._made[seen], symlinks=True, ignore=shutil.ignore_patterns("mounts")
                )
        return self._made[seen]


__all__ = ["DAY", "MAX_AGE", "MODEL", "Devices", "Play", "Stage", "new_stage", "replaced", "rules", "show"]
