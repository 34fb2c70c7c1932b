"""A newer edition brings a format 2 of every type: old devices and stores survive it (SPEC ST-2, ST-8)."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring.envelope import Envelope
from sealring.statement import TYPES, Common, UnknownFormat, parse_statement
from sealring_client.report import Report
from sealring_client.status import read_status
from tests.scenarios.devices import Rig, image_of, new_device, now
from tests.scenarios.newer import Newer, in_format_two
from tests.stores import Refused, RunningStore, make_folder, running_store
from tests.world import World, sign

SEALRING = Path(sys.executable).with_name("sealring")
Make = Callable[..., Common]


@dataclass
class Fleet:
    """A brand with a store of the newer edition, a device of this edition, and one of the newer."""

    newer: Newer
    store: RunningStore
    brand: str
    old: Rig
    new: Rig
    stack: bool = True
    """Whether the model follows a stack, or each package's channel."""

    @property
    def world(self) -> World:
        return self.store.world

    @property
    def tool(self) -> str:
        return f"{self.brand}/tool"

    def make(self, kind: str, **more: Any) -> Common:
        """A statement of this brand; `sequence` and `format` as the others want it."""
        w, b = self.world, self.brand
        line = (f"revision {b}/tool/9/amd64", "keep")
        makers: dict[str, Make] = {
            "root": lambda **m: w.root_statement(root=w.root_id, **m),
            "brand": lambda **m: w.brand(b, **m),
            "delegation": lambda **m: w.delegation("partner", b, **m),
            "model": lambda **m: w.model("door-1", b, **({"stack": f"{b}/line"} if self.stack else {}), **m),
            "store": lambda **m: w.store(self.store.url, self.store.pin, brand=b, **m),
            "revocations": lambda **m: w.revocations(m.pop("sequence", 1), line, brand=b, **m),
            "revision": lambda number=1, **m: w.revision(number, image_of(f"{b} {number}"), b, **m),
            "release": lambda number=1, **m: w.release(number, b, **m),
            "stack": lambda number=1, **m: w.stack(("tool", number), brand=b, **m),
            "serial": lambda **m: w.serial(w.key("serial").public, "SN-1", b, **m),
        }
        return makers[kind](**more)

    def one(self, kind: str, **more: Any) -> Envelope:
        return self.world.signed(self.make(kind, **more))

    def two(self, kind: str, **more: Any) -> Envelope:
        return in_format_two(self.world, self.make(kind, format=2, **more))

    def publish(self, *statements: Envelope, number: int = 0) -> None:
        self.store.publish(statements, [image_of(f"{self.brand} {number}")] if number else [])

    def software(self, number: int, sequence: int = 0) -> list[Envelope]:
        """Revision `number` and all that points at it, in format 1."""
        rest = [self.one(kind, number=number, sequence=sequence or number) for kind in ("release", "stack")]
        return [self.one("revision", number=number), *rest]

    def newer_refreshes(self) -> dict[str, Any]:
        code, found = self.newer.device("refresh", "--state", self.new.folder)
        assert code == 0, found
        return found

    def runs(self) -> tuple[str, str]:
        """What the software on the old device says, and that on the newer one."""
        return tuple(rig.says(self.tool).removeprefix(f"{self.brand} ") for rig in (self.old, self.new))  # type: ignore[return-value]


def holds(rig: Rig) -> set[str]:
    """The digests of all that the device remembers."""
    return set(json.loads((rig.folder / "trust.0.json").read_bytes())["statements"])


def rules(report: Report) -> set[str]:
    found = [refusal for line in report.stores for refusal in line.refusals]
    found += [refusal for line in report.packages for refusal in line.refusals]
    return {refusal.rule for refusal in found}


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Newer:
    return Newer.build(tmp_path_factory.mktemp("newer"))


@contextmanager
def newer_store(newer: Newer, folder: Path) -> Iterator[RunningStore]:
    """A folder that this edition made, served by the newer one."""
    store = make_folder(World(at=now()), folder)
    try:
        yield store.start(edition=newer.folder)
        store.stop()
    finally:
        store.kill()


@pytest.fixture(scope="module")
def store(newer: Newer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with newer_store(newer, tmp_path_factory.mktemp("store")) as found:
        yield found


@contextmanager
def new_fleet(newer: Newer, store: RunningStore, brand: str, *, follows: str = "stack") -> Iterator[Fleet]:
    """Both devices run revision 1, by format 1 of everything.

    Args:
        follows: what the model does: its `stack`, or each package's `channel`.
    """
    with ExitStack() as stack:
        fleet = Fleet(newer, store, brand, stack.enter_context(new_device()), stack.enter_context(new_device()))
        fleet.stack = follows == "stack"
        seed = [fleet.one("brand"), fleet.one("model"), fleet.one("store")]
        rest = [fleet.one("delegation"), fleet.one("revocations")]
        fleet.publish(*seed, *rest, *fleet.software(1), number=1)
        for rig in (fleet.old, fleet.new):
            rig.provision(fleet.world.root, seed, model=f"{brand}/door-1")
            assert rig.refresh().outcome == "installed"
        yield fleet


def test_the_newer_edition_is_another_one(newer: Newer) -> None:
    """What it reads is not what this one reads; the tests below rest on that."""
    fleet = World()
    raw = in_format_two(fleet, fleet.release(format=2)).payload
    with pytest.raises(UnknownFormat):
        parse_statement(raw)
    code = "import sys; from sealring.statement import parse_statement; print(parse_statement(sys.stdin.buffer.read()))"
    env = {"PYTHONPATH": str(newer.folder)}
    read = [sys.executable, "-c", code]
    done = subprocess.run(read, input=raw, capture_output=True, env=env, cwd=newer.folder, check=True)
    assert b"note='only format 2 has this'" in done.stdout
    assert set(TYPES) == {*AUTHORITIES, *SOFTWARE, "root", "brand", "serial"}


AUTHORITIES = ("delegation", "model", "revocations", "store")
SOFTWARE = ("release", "revision", "stack")


@pytest.mark.parametrize("kind", AUTHORITIES)
def test_an_authoritys_word_in_format_2(kind: str, newer: Newer, store: RunningStore) -> None:
    """ST-8: the old device passes it over, and goes on by format 1; the newer one takes it."""
    with new_fleet(newer, store, f"of-{kind}") as fleet:
        two = fleet.two(kind, sequence=2)
        fleet.publish(two)
        before, report = holds(fleet.old), fleet.old.refresh()
        assert (report.outcome, report.exit_code, rules(report)) == ("none", 0, set())
        assert holds(fleet.old) == before
        fleet.newer_refreshes()
        assert two.digest in holds(fleet.new)
        assert fleet.runs() == ("1", "1")
        # The old one's own word goes on too: one row of sequences, whatever the format.
        three = fleet.one(kind, sequence=3)
        fleet.publish(three, *fleet.software(2), number=2)
        assert fleet.old.refresh().outcome == "installed"
        fleet.newer_refreshes()
        assert fleet.runs() == ("2", "2")
        assert three.digest in holds(fleet.old) & holds(fleet.new)


@pytest.mark.parametrize("kind", SOFTWARE)
def test_software_in_format_2(kind: str, newer: Newer, store: RunningStore) -> None:
    """ST-8: each device finds what is for it in one catalogue, and both the next one in format 1."""
    with new_fleet(newer, store, f"of-{kind}", follows="channel" if kind == "release" else "stack") as fleet:
        software = fleet.software(2)
        if kind == "revision":
            two = fleet.two("revision", number=2, sequence=2)
        else:
            two = fleet.two(kind, number=2, sequence=2)
            software = software[:1]
        fleet.publish(*software, two, number=2)
        report = fleet.old.refresh()
        assert (report.exit_code, rules(report)) == (0, set())
        assert two.digest not in holds(fleet.old)
        fleet.newer_refreshes()
        assert two.digest in holds(fleet.new)
        assert fleet.runs() == ("2" if kind == "revision" else "1", "2")
        fleet.publish(*fleet.software(3), number=3)
        assert fleet.old.refresh().outcome == "installed"
        fleet.newer_refreshes()
        assert fleet.runs() == ("3", "3")


def test_a_serial_in_format_2(newer: Newer, store: RunningStore, tmp_path: Path) -> None:
    """ST-2: the old device says what it was given, and keeps what it has."""
    with new_fleet(newer, store, "of-serial") as fleet:
        key = newer.device("serial", "key", "--state", fleet.new.folder)[1]
        assert key
        fleet.publish(fleet.one("serial"), fleet.two("serial", sequence=2))
        assert fleet.old.refresh().exit_code == 0
        (tmp_path / "two").write_bytes(fleet.two("serial", sequence=2).raw)
        words = ("serial", "install", tmp_path / "two", "--state", fleet.old.folder)
        line = [str(SEALRING.with_name("sealring-device")), *map(str, words)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60)
        assert (done.returncode, "[ST-2]" in done.stderr) == (20, True)
        fleet.publish(*fleet.software(2), number=2)
        assert fleet.old.refresh().outcome == "installed"


@pytest.mark.parametrize("kind", ["root", "brand"])
def test_a_root_or_brand_in_format_2(kind: str, newer: Newer, tmp_path: Path) -> None:
    """ST-8: the old device keeps its own, says that it is too old for the new one, and goes on."""
    with newer_store(newer, tmp_path / "store") as store, new_fleet(newer, store, "acme") as fleet:
        two = fleet.two(kind, sequence=2)
        fleet.publish(two)
        report = fleet.old.refresh()
        assert (report.outcome, report.exit_code, report.stores[0].word) == ("none", 0, "fresh")
        assert "ST-8" in rules(report)
        assert "too old" in report.stores[0].refusals[-1].message
        fleet.newer_refreshes()
        assert two.digest in holds(fleet.new)
        status = newer.device("status", "--state", fleet.new.folder)[1]
        assert status["root"] == (2 if kind == "root" else 1)
        fleet.publish(*fleet.software(2), number=2)
        assert fleet.old.refresh().outcome == "installed"
        assert fleet.old.check().outcome == "none"
        fleet.newer_refreshes()
        assert fleet.runs() == ("2", "2")


def test_an_updater_that_is_rolled_back_goes_on(newer: Newer, store: RunningStore) -> None:
    """ST-8, DV-2: what the newer one has kept is passed over and not forgotten."""
    with new_fleet(newer, store, "back", follows="channel") as fleet:
        two = [fleet.two("model", sequence=2), fleet.two("release", number=2, sequence=2)]
        fleet.publish(two[0], two[1], fleet.one("revision", number=2), number=2)
        fleet.newer_refreshes()
        assert read_status(fleet.new.device, now()).packages[0].sequence is None
        report = fleet.new.check()
        assert report.exit_code in (0, 3)
        assert {one.digest for one in two} <= holds(fleet.new)
        fleet.publish(*fleet.software(3), number=3)
        assert fleet.new.refresh().outcome == "installed"
        assert {one.digest for one in two} <= holds(fleet.new)
        fleet.newer_refreshes()
        assert fleet.runs()[1] == "3"


def test_an_older_format_is_countersigned_beside_the_newer_one(newer: Newer, store: RunningStore) -> None:
    """PB-4, ST-8: before a rotation the new keys sign what stands, in each of its formats."""
    with new_fleet(newer, store, "counter") as fleet:
        fleet.publish(fleet.two("store", sequence=2))
        keys = fleet.world.brand_keys("counter")
        more = sign(fleet.make("store"), *keys)
        fleet.publish(more)
        assert fleet.old.refresh().exit_code == 0
        assert more.digest in holds(fleet.old)


def test_an_old_store_refuses_format_2_and_stays_whole(newer: Newer, tmp_path: Path) -> None:
    """ST-2, PB-1: nothing is taken in that it can't judge; all else goes on."""
    world = World(at=now())
    with running_store(world, tmp_path / "old") as store, new_fleet(newer, store, "acme") as fleet:
        before = store.get("/tuf/timestamp.json").body
        for kind in sorted(TYPES):
            with pytest.raises(Refused) as refused:
                fleet.publish(fleet.two(kind, sequence=2))
            assert refused.value.rule == "ST-2", kind
        with pytest.raises(Refused):
            fleet.publish(*fleet.software(2), fleet.two("model", sequence=2), number=2)
        assert store.get("/tuf/timestamp.json").body == before
        fleet.publish(*fleet.software(2), number=2)
        assert fleet.old.refresh().outcome == "installed"
        # The newer device finds what an old store has.
        fleet.newer_refreshes()
        assert fleet.runs() == ("2", "2")


def test_a_store_that_goes_back_to_the_old_edition_still_serves(newer: Newer, tmp_path: Path) -> None:
    """ST-2: devices of both editions get what is there; it takes in nothing that it could not put beside the rest."""
    with newer_store(newer, tmp_path / "store") as store, new_fleet(newer, store, "acme") as fleet:
        two = fleet.two("release", number=2, sequence=2)
        fleet.publish(fleet.one("revision", number=2), two, fleet.two("model", sequence=2), number=2)
        store.stop()
        store.start(port=store.port)
        assert fleet.old.refresh().exit_code == 0
        fleet.newer_refreshes()
        before = store.get("/tuf/timestamp.json").body
        with pytest.raises(Refused) as refused:
            fleet.publish(*fleet.software(3), number=3)
        assert refused.value.rule == "ST-2"
        assert store.get("/tuf/timestamp.json").body == before


def test_what_people_are_told(tmp_path: Path) -> None:
    """ST-2: old commands say which format of what they met, by the rule, and never that the file is damaged."""
    world = World(at=now())
    two, bundle = tmp_path / "two.json", tmp_path / "two.bundle"
    envelope = in_format_two(world, world.model(format=2, sequence=2))
    two.write_bytes(envelope.raw)
    entries = [StatementEntry(one) for one in (world.signed(world.brand()).raw, envelope.raw)]
    bundle.write_bytes(write_bundle(entries))
    (tmp_path / "root.json").write_bytes(world.root.raw)
    (tmp_path / "brand.json").write_bytes(world.signed(world.brand()).raw)

    def says(*words: str) -> tuple[int, str]:
        done = subprocess.run([SEALRING, *words], capture_output=True, text=True, timeout=60, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    for words in (
        ("show", "two.json"),
        ("review", "two.json", "--root", "root.json"),
        ("verify", "two.json", "--root", "root.json", "--brand", "brand.json"),
    ):
        code, said = says(*words)
        assert (code, "[ST-2]" in said, "'model', format 2" in said) == (20, True, True), (words, said)
    code, said = says("show", "two.bundle")
    assert (code, "brand acme" in said, "format 2" in said) == (0, True, True), said
