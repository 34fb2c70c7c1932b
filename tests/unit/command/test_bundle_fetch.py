"""What a store still shows of some brands, in one bundle: whole, verified, or not at all (SPEC CE-6, BN-3)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sealring.bundle import StatementEntry, read_bundle
from sealring.chain import read_claim
from sealring.envelope import Envelope
from sealring.statement.fleet import Wanted
from tests.stores import RunningStore, first_software, now, running_store
from tests.unit.command.test_ceremony import sealring
from tests.world import World, sign


@dataclass(frozen=True)
class Shop:
    """A served store with what two brands have released, and the root's file."""

    world: World
    store: RunningStore
    folder: Path

    def fetch(self, output: str, *words: str) -> tuple[int, str, str]:
        out = self.folder / output
        return sealring("bundle", "fetch", self.store.url, "--root", self.folder / "root.json", *words, "-o", out)

    def put(self, name: str, envelope: Envelope) -> Path:
        (self.folder / name).write_bytes(envelope.raw)
        return self.folder / name

    def titles(self, output: str) -> list[str]:
        entries = read_bundle((self.folder / output).read_bytes())
        assert all(isinstance(entry, StatementEntry) for entry in entries)
        return [read_claim(e.envelope).statement.title for e in entries if isinstance(e, StatementEntry)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """acme's door with a tool of its own and one of another brand, and a release that no model follows."""
    folder, world = tmp_path_factory.mktemp("fetch"), World(at=now())
    with running_store(world, folder / "store") as store:
        made = Shop(world, store, folder)
        made.put("root.json", world.root)
        store.publish(first_software(world, store, b"one"), [b"one"])
        beta = world.signed(world.revision(2, b"two"))
        edge = world.signed(world.release(2, channel="latest/edge"))
        other = [world.signed(world.brand("other")), world.signed(world.revision(1, b"three", brand="other"))]
        store.publish([beta, edge, *other, world.signed(world.release(1, brand="other"))], [b"two", b"three"])
        packages = [*world.model().packages, Wanted("other/tool", "latest/stable", "app", "required")]
        store.publish([world.signed(world.model(sequence=2, packages=packages))])
        yield made


WHOLE = ["brand acme", "model acme/door-1", "release acme/tool/latest/stable", "revision acme/tool/1/amd64"]


def test_a_model_brings_all_of_its_brand_that_it_follows(shop: Shop) -> None:
    """And nothing of another brand, whose keys are not the ones that change."""
    code, out, err = shop.fetch("model.bundle", "--model", "acme/door-1")
    assert (code, "left out" in err) == (0, False), err
    assert shop.titles("model.bundle") == [*WHOLE, "store acme/main"]
    assert "5 statements" in out
    assert shop.fetch("model.bundle", "--model", "acme/door-1")[0] == 12, "a file is never overwritten"


def test_what_no_model_follows_is_asked_for_by_name_with_its_revisions(shop: Shop) -> None:
    """A release that was forgotten here falls when the keys change."""
    edge = ("--also", "release acme/tool/latest/edge")
    code, out, err = shop.fetch("edge.bundle", "--brand", "acme", *edge, "--json")
    assert (code, err) == (0, "")
    assert shop.titles("edge.bundle") == ["brand acme", "release acme/tool/latest/edge", "revision acme/tool/2/amd64"]
    said = json.loads(out)
    assert [said["left_out"], len(said["statements"])] == [[], 3]
    both = shop.fetch("both.bundle", "--model", "acme/door-1", "--brand", "other")
    assert both[0] == 0
    assert {"brand other", "release other/tool/latest/stable", "revision other/tool/1/amd64"} < set(
        shop.titles("both.bundle")
    )


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        pytest.param(("--model", "acme/gate"), "model acme/gate", id="a model"),
        pytest.param(("--brand", "nobody"), "brand nobody", id="a brand"),
        pytest.param(
            ("--brand", "acme", "--also", "serial acme/door-1/SN-1"), "serial acme/door-1/SN-1", id="a serial"
        ),
    ],
)
def test_what_is_not_there_leaves_no_bundle(shop: Shop, words: tuple[str, ...], missing: str) -> None:
    """A name with a slip in it would be a rotation that forgets a product."""
    code, _, err = shop.fetch("none.bundle", *words)
    assert (code, missing in err) == (11, True), err
    assert not (shop.folder / "none.bundle").exists()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="no name"),
        pytest.param(("--brand", "../acme"), id="no brand"),
        pytest.param(("--brand", "acme", "--also", "release"), id="no subject"),
        pytest.param(("--brand", "acme", "--also", "brand acme"), id="a type with an option of its own"),
        pytest.param(("--model", "acme"), id="no model"),
    ],
)
def test_what_names_nothing_is_wrong_usage(shop: Shop, words: tuple[str, ...]) -> None:
    assert shop.fetch("none.bundle", *words)[0] == 2


def test_another_root_believes_nothing_of_it(shop: Shop) -> None:
    """SPEC BN-3: the attack: a store of somebody else answers at the address."""
    mine = shop.put("mine.json", World(salt="mine", at=now()).root)
    words = ("bundle", "fetch", shop.store.url, "--root", mine, "--model", "acme/door-1")
    code, _, err = sealring(*words, "-o", shop.folder / "theirs.bundle")
    assert (code, "brand acme" in err or "model acme/door-1" in err) == (11, True), err
    assert not (shop.folder / "theirs.bundle").exists()


def test_a_newer_root_is_said_and_followed(shop: Shop) -> None:
    """SPEC RT-2: the walk begins with the root that the person has."""
    root = sign(shop.world.root_statement(sequence=2, root=shop.world.root_id), *shop.world.root_keys[:2])
    shop.store.publish([root])
    code, _, err = shop.fetch("later.bundle", "--model", "acme/door-1")
    assert code == 0
    assert "root is version 2" in err
