"""A device begins with an anchor, a model and a seed, and with nothing that does not verify (SPEC DV-11)."""

from pathlib import Path

import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring.chain import WrongStatement
from sealring.envelope import Envelope
from sealring.strict import Malformed
from sealring_client.decide.state import StateDamaged, load_trust
from sealring_client.device_file import AlreadyProvisioned, NotProvisioned, load_device
from sealring_client.failures import Failure, failed_again, keeps_away
from sealring_client.provision import EmptySeed, provision
from tests.world import DAY, NOW, World, sign

WORLD = World()
SEED = [WORLD.signed(WORLD.brand()), WORLD.signed(WORLD.model()), WORLD.signed(WORLD.store())]


def bundle(*statements: Envelope) -> bytes:
    return write_bundle([StatementEntry(one.raw) for one in statements])


def test_a_provisioned_device_knows_its_model_and_its_stores(tmp_path: Path) -> None:
    found = provision(tmp_path / "d", WORLD.root.raw, "acme/door-1", bundle(*SEED), "poor")
    assert found.stores == {"acme/main": ["http://127.0.0.1:1"]}
    device = load_device(tmp_path / "d")
    assert (device.model, device.clock, device.brand) == ("acme/door-1", "poor", "acme")
    assert (tmp_path / "d/secret").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "d/secret").read_bytes()) == 32
    assert set(load_trust(tmp_path / "d", repair=False).statements) == {one.digest for one in SEED}


def test_a_device_is_never_provisioned_over(tmp_path: Path) -> None:
    """SPEC DV-11: it would forget every floor."""
    provision(tmp_path, WORLD.root.raw, "acme/door-1", bundle(*SEED), "trusted")
    with pytest.raises(AlreadyProvisioned):
        provision(tmp_path, WORLD.root.raw, "acme/door-1", bundle(*SEED), "trusted")


def test_a_seed_of_another_root_is_refused(tmp_path: Path) -> None:
    """SPEC DV-11: a rehearsal's seed would send a product to a rehearsal's stores."""
    other = World(salt="rehearsal")
    seed = bundle(other.signed(other.brand()), other.signed(other.model()), other.signed(other.store()))
    with pytest.raises(WrongStatement) as refused:
        provision(tmp_path / "d", WORLD.root.raw, "acme/door-1", seed, "trusted")
    assert refused.value.rule == "DV-11"
    with pytest.raises(WrongStatement):
        provision(tmp_path / "d", WORLD.root.raw, "acme/door-1", bundle(other.root, *SEED), "trusted")
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(("left_out", "lacks"), [(0, "model"), (1, "model"), (2, "store")])
def test_a_seed_that_leads_to_no_store_is_refused(left_out: int, lacks: str, tmp_path: Path) -> None:
    """SPEC DV-11: without its brand's certificate no statement verifies, and nothing unverified is kept."""
    seed = bundle(*(one for n, one in enumerate(SEED) if n != left_out))
    with pytest.raises(EmptySeed) as refused:
        provision(tmp_path / "d", WORLD.root.raw, "acme/door-1", seed, "trusted")
    assert lacks in refused.value.lacks


def test_what_does_not_verify_in_a_seed_is_left_out(tmp_path: Path) -> None:
    forged = sign(WORLD.store("http://evil.test", sequence=2), WORLD.key("stranger"))
    provision(tmp_path, WORLD.root.raw, "acme/door-1", bundle(*SEED, forged), "trusted")
    assert forged.digest not in load_trust(tmp_path, repair=False).statements


def test_an_anchor_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed):
        provision(tmp_path / "d", WORLD.root.raw[:-1], "acme/door-1", bundle(*SEED), "trusted")


def test_a_folder_without_a_device_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotProvisioned) as refused:
        load_device(tmp_path)
    assert refused.value.exit_code == 11
    (tmp_path / "device.json").write_bytes(b"{}")
    with pytest.raises(StateDamaged):
        load_device(tmp_path)


def test_waiting_times_double_up_to_a_week_and_another_release_begins_anew() -> None:
    """SPEC DV-9, DV-12."""
    failure, hours = None, []
    for _ in range(7):
        failure = failed_again(failure, "acme/tool", "a" * 64, NOW)
        assert failure.not_before is not None
        hours.append((failure.not_before - NOW).total_seconds() / 3600)
        assert keeps_away(failure, "a" * 64, failure.not_before - DAY / 86400)
        assert not keeps_away(failure, "a" * 64, failure.not_before)
    assert hours == [8, 16, 32, 64, 128, 168, 168]
    assert not keeps_away(failure, "b" * 64, NOW)
    assert failed_again(failure, "acme/tool", "b" * 64, NOW).count == 1
    assert keeps_away(Failure("acme/tool", "a" * 64, 1, None), "a" * 64, NOW + 9999 * DAY)
