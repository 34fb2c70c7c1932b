"""Delegates, revocations, stacks and serials with a real store and the real command, end to end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring.keyfile import parse_public_file
from sealring.statement import Common
from sealring.statement.fleet import Wanted
from tests.scenarios.devices import Rig, image_of, new_device, now
from tests.scenarios.test_device_command import as_json, run
from tests.stores import RunningStore, first_software, next_software, running_store
from tests.world import World, sign


@pytest.fixture
def world() -> World:
    return World(at=now())


@pytest.fixture
def store(world: World, tmp_path: Path) -> Iterator[RunningStore]:
    with running_store(world, tmp_path / "store") as found:
        yield found


@pytest.fixture
def device(world: World, store: RunningStore) -> Iterator[Rig]:
    with new_device() as found:
        software = first_software(world, store, image_of("one"))
        store.publish(software, [image_of("one")])
        found.provision(world.root, software[:3])
        assert found.refresh().outcome == "installed"
        yield found


def by_partner(world: World, *statements: Common) -> list[Any]:
    return [sign(one, world.delegate_keys()[0]) for one in statements]


def test_a_partner_from_his_delegation_to_its_end(world: World, store: RunningStore, device: Rig) -> None:
    """SPEC AU-2, RK-1, RK-6, DV-3: he ships; the brand takes him back, and his software goes with a word."""
    state = ("--state", device.folder)
    store.publish([world.signed(world.delegation())])
    store.publish(by_partner(world, world.revision(2, image_of("two")), world.release(2)), [image_of("two")])
    assert as_json("refresh", *state)["generation"] == 2
    assert device.says() == "two"
    said = run("status", *state).stdout
    assert "delegation acme/partner: sequence 1, until " in said

    store.publish([world.signed(world.revocations(1, ("delegation acme/partner", "stop")))])
    found = as_json("refresh", *state)
    assert (found["outcome"], found["stopped"][0]["package"]) == ("stopped", "acme/tool")
    said = run("status", *state).stdout
    assert "stopped: acme/tool revision 2: revoked by acme/acme since " in said
    assert "revocations of acme/acme: sequence 1, 1 lines, in force" in said
    assert "delegation acme/partner" not in said.replace("delegation acme/partner revoked", "")

    store.publish(next_software(world, image_of("three"), 3), [image_of("three")])
    assert as_json("refresh", *state)["outcome"] == "installed"
    assert device.says() == "three"


def test_a_stack_moves_through_a_real_store(world: World, store: RunningStore, device: Rig) -> None:
    """SPEC SK-1, SK-3: the view brings the stack and its revisions."""
    wanted = [Wanted(f"acme/{name}", "latest/stable", "app", "required") for name in ("more", "tool")]
    model = world.model(sequence=2, packages=wanted, stack="acme/line")
    more = world.revision(1, image_of("more"), package="more")
    stack = world.stack(("more", 1), ("tool", 1))
    store.publish([world.signed(one) for one in (more, model, stack)], [image_of("more")])
    report = device.refresh()
    assert (report.outcome, device.says("acme/more"), device.says()) == ("installed", "more", "one")
    assert {one.stack for one in report.packages} == {"acme/line"}


def test_a_known_device_by_the_command(world: World, store: RunningStore, device: Rig, tmp_path: Path) -> None:
    """SPEC SN-1: the key's public half goes out, the brand's word comes in."""
    state = ("--state", device.folder)
    store.publish([world.signed(world.model(sequence=2, serial="required"))])
    store.publish(next_software(world, image_of("two"), 2), [image_of("two")])
    done = run("refresh", *state)
    assert (done.returncode, "[SN-1]" in done.stderr, device.says()) == (24, True, "one")
    done = run("serial", "key", *state, "--name", "door-4711")
    assert done.returncode == 0
    key = parse_public_file(done.stdout.encode())
    assert key.name == "door-4711"
    assert run("serial", "key", *state).stdout == done.stdout
    done = run("serial", "key", *state, "--name", "other")
    assert (done.returncode, "[SN-1]" in done.stderr) == (1, True)
    file = tmp_path / "serial.json"
    file.write_bytes(world.signed(world.serial(key, "4711")).raw)
    assert as_json("serial", "install", file, *state) == {"schema": 1, "serial": "acme/door-1/4711", "sequence": 1}
    assert as_json("refresh", *state)["outcome"] == "installed"
    assert device.says() == "two"
    assert as_json("status", *state)["serial"] == "acme/door-1/4711"
    assert run("serial", "install", tmp_path / "none", *state).returncode == 12
    file.write_bytes(world.signed(world.serial(world.key("stranger").public, "1")).raw)
    assert run("serial", "install", file, *state).returncode == 24


def test_groups_come_from_provisioning(world: World, store: RunningStore, tmp_path: Path) -> None:
    """SPEC RO-1: a name that the device was given; a bad one makes no device."""
    (tmp_path / "root.json").write_bytes(world.root.raw)
    bundle = tmp_path / "seed"
    seed = [world.brand(), world.model(), world.store(store.url, store.pin)]
    bundle.write_bytes(write_bundle([StatementEntry(world.signed(one).raw) for one in seed]))
    with new_device() as other:
        words: list[str | Path] = ["--root", tmp_path / "root.json", "--seed", bundle, "--model", "acme/door-1"]
        done = run("provision", *words, "--state", other.folder, "--group", "lab", "--group", "early")
        assert done.returncode == 0, done.stderr
        assert as_json("status", "--state", other.folder)["groups"] == ["early", "lab"]
        assert b'"groups":["early","lab"]' in (other.folder / "device.json").read_bytes()
    with new_device() as other:
        assert run("provision", *words, "--state", other.folder, "--group", "No Name").returncode == 20
        assert run("status", "--state", other.folder).returncode == 11
