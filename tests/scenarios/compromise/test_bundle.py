"""He makes the bundle from which a device gets its first addresses and floors (SPEC section 16; BN-3, DV-11).

The root assertion and the model's name come with the device's image, by another way.
"""

from pathlib import Path

import msgspec
import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring.envelope import Envelope
from sealring.errors import SealringError
from sealring.statement.fleet import TufPin
from sealring_client.provision import provision
from tests.hostile import SILENCE
from tests.scenarios.compromise.stage import DAY, MODEL, Play, Stage, replaced, rules
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import line
from tests.world import World, key_set, sign

NEW = ["app 2", "tool 2", "gadget 1"]


def seed(play: Play, bundle: bytes) -> str:
    """The rule that refuses this bundle; none if a device came of it."""
    try:
        provision(play.rig.folder, play.stage.world.root.raw, MODEL, bundle, "trusted")
    except SealringError as err:
        assert not (play.rig.folder / "device.json").exists()
        return err.rule
    return ""


def bundle_of(*statements: Envelope) -> bytes:
    """A whole bundle of these."""
    return write_bundle([StatementEntry(one.raw) for one in statements])


@cell("a bundle", "install anything", "install an old revision", "mix and match")
def test_what_does_not_verify_is_passed_over(stage: Stage, newborn: Play) -> None:
    """Among genuine statements he puts a brand, a model and stores by keys of his own, all with high sequences."""
    world, mine = stage.world, [stage.world.key(f"mallory-{n}") for n in "ab"]
    forged = [
        sign(world.brand(sequence=2, keys=key_set(2, *mine)), *world.brand_keys("evil"), *mine),
        sign(stage.model(sequence=9, packages=stage.model().packages[:1]), *mine),
        sign(stage.store_statement(stage.main, sequence=9), *mine),
        *stage.first,
    ]
    assert seed(newborn, bundle_of(*stage.chain, *forged)) == ""
    held = {path.name for path in (newborn.rig.folder / "statements").iterdir()}
    assert held == {one.digest for one in stage.chain}
    assert newborn.refresh().outcome == "installed"
    assert newborn.runs() == NEW


@cell("a bundle", "install anything")
@pytest.mark.parametrize("what", ["another root's", "keys of his own", "nothing", "no stores"])
def test_a_world_of_his_own_makes_no_device(stage: Stage, newborn: Play, what: str) -> None:
    """He certifies and signs everything himself, under a root or keys of his own: DV-11."""
    other = World(at=stage.world.at, salt="mallory")
    made = [other.brand(), other.model(), other.store()]
    mine = [stage.world.key(f"mallory-{n}") for n in "ab"]
    own = [sign(one, *mine) for one in (stage.world.brand(), stage.model(), stage.store_statement(stage.main))]
    statements = {
        "another root's": [other.root, *(other.signed(one) for one in made)],
        "keys of his own": own,
        "nothing": [],
        "no stores": stage.chain[:3],
    }[what]
    assert seed(newborn, bundle_of(*statements)) == "DV-11"


@cell("a bundle", "freeze", says="bounded")
def test_old_statements_in_it_are_addresses_and_no_more(stage: Stage, newborn: Play) -> None:
    """It holds genuine statements that have ended long ago: stores are asked, and their newer ones count (SR-3)."""
    world = stage.world
    old = stage.at - 700 * DAY
    ended = {"issued": old, "expires": old + 90 * DAY, "sequence": 1}
    newer = [world.signed(stage.model(sequence=2))]
    model = world.signed(stage.model(**ended))
    stores = [world.signed(stage.store_statement(shop, **ended)) for shop in stage.shops.values()]
    assert seed(newborn, bundle_of(*stage.chain[:2], model, *stores)) == ""
    listed = [stage.world.root, *stage.chain[:2], *newer]
    listed += [world.signed(stage.store_statement(shop, sequence=2)) for shop in stage.shops.values()]
    for shop in stage.shops.values():
        thief = stage.forger(shop)
        thief.list(*listed, *stage.latest)
        shop.line.change = thief.change
    report = newborn.refresh()
    assert (report.outcome, newborn.runs()) == ("installed", NEW), rules(report)


@cell("a bundle", "freeze", says="bounded")
def test_a_dead_address_in_it_lasts_until_one_store_answers(stage: Stage, newborn: Play) -> None:
    """It leads to an old, dead address of `main`; the honest `second` gives the new one (SR-3)."""
    world = stage.world
    moved = world.signed(msgspec.structs.replace(stage.store_statement(stage.main), urls=["http://127.0.0.1:1"]))
    current = world.signed(stage.store_statement(stage.main, sequence=2))
    assert seed(newborn, bundle_of(*stage.chain[:3], moved, stage.chain[4])) == ""
    honest = stage.forger(stage.second)
    honest.list(*replaced(stage.statements(*stage.latest), current))
    stage.second.line.change = honest.change
    assert newborn.refresh().outcome == "installed"
    stage.second.line.change = lambda *_: SILENCE
    report = newborn.refresh()
    assert line(report, "acme/main").catalogue is not None


HUGE = [
    pytest.param(
        b"sealring bundle 1\n" + b"\x01" + bytes(2) + (2**60).to_bytes(8, "big"), "BN-2", id="a length of 2^60"
    ),
    pytest.param(b"sealring bundle 1\n" + b"\x10\x00\x40" + b"f" * 64, "BN-1", id="an image that never comes"),
    pytest.param(
        b"sealring bundle 1\n" + b"\x01" + bytes(2) + (9).to_bytes(8, "big") + b"12345", "BN-1", id="half a statement"
    ),
    pytest.param(b"x" * 1000, "BN-1", id="no bundle"),
    pytest.param(b"sealring bundle 1\n" + bytes(11) + b"more", "BN-1", id="bytes after the end"),
]


@cell("a bundle", "endless or slow data")
@pytest.mark.parametrize(("raw", "rule"), HUGE)
def test_its_lengths_are_checked_before_they_are_believed(newborn: Play, raw: bytes, rule: str) -> None:
    """A bundle that claims more than it has, or more than there may be (BN-1, BN-2)."""
    assert seed(newborn, raw) in (rule, "BN-1", "BN-2")


@cell("a bundle", "endless or slow data")
def test_a_bundle_without_end_is_read_to_its_limit_only(stage: Stage, newborn: Play) -> None:
    """The command is given /dev/zero for a bundle (BN-2, ST-7)."""
    root = newborn.rig.folder.parent / "root.json"
    root.write_bytes(stage.world.root.raw)
    done = newborn.command("provision", "--root", str(root), "--model", MODEL, "--seed", "/dev/zero")
    assert done.returncode >= 10, done.stderr
    assert not (newborn.rig.folder / "device.json").exists()


@cell("a bundle", "block another store")
def test_a_lying_store_statement_in_it_keeps_no_other_store_away(stage: Stage, newborn: Play) -> None:
    """It seeds `main` with a genuine statement that pins another TUF root: refused (TF-8), and `second` serves."""
    wrong = stage.world.signed(msgspec.structs.replace(stage.store_statement(stage.main), tuf=TufPin(1, "ab" * 32)))
    assert seed(newborn, bundle_of(*stage.chain[:3], wrong, stage.chain[4])) == ""
    report = newborn.refresh()
    assert rules(report) & {"TF-8", "FL-3"}
    assert (report.outcome, newborn.runs()) == ("installed", NEW)


@cell("a bundle", "stop what runs")
def test_a_device_is_never_provisioned_over(stage: Stage, today: Play, tmp_path: Path) -> None:
    """He has the operator run `provision` again with his bundle: DV-11, and nothing has changed."""
    root, bundle = tmp_path / "root.json", tmp_path / "seed"
    root.write_bytes(stage.world.root.raw)
    bundle.write_bytes(bundle_of(*stage.chain))
    before = today.picture()
    done = today.command("provision", "--root", str(root), "--model", MODEL, "--seed", str(bundle))
    assert done.returncode == 1
    assert '"rule": "DV-11"' in done.stderr
    assert today.picture() == before
    assert today.runs() == NEW
