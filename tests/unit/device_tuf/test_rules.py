"""Each rule of the device's TUF client refuses what it is there for, and says so in fields."""

import json
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuf.api.metadata import MetaFile, Root, Targets, Timestamp

from sealring.errors import TrustError
from sealring_client.decide.tuf import Limits, RootMark, TufExpired
from sealring_client.decide.tuf.errors import (
    BadMetadata,
    NotSigned,
    NotTheNamed,
    NotThePin,
    TufRollback,
    WrongBytes,
    WrongRootVersion,
)
from sealring_client.decide.tuf.metadata import check_signed, parse_metadata
from sealring_client.decide.tuf.strict_json import MAX_DEPTH, read_json
from sealring_client.fetch.errors import NotThere
from tests.tuf_repository import TufRepository, signer
from tests.unit.device_tuf.clients import NOW, Ours

DAY = timedelta(days=1)


def fresh() -> tuple[TufRepository, Ours]:
    repository = TufRepository(NOW)
    repository.publish(b"one")
    return repository, Ours(repository)


def test_a_refresh_brings_the_target_and_keeps_every_file() -> None:
    repository, ours = fresh()
    found = ours.refresh()
    assert (found.target, found.rekeyed) == (b"one", False)
    assert found.expires == repository.timestamp.expires
    assert set(ours.storage.files) == {"root.json", "timestamp.json", "snapshot.json", "targets.json", "catalogue.json"}


def test_roots_are_walked_one_by_one_and_the_last_alone_must_be_current() -> None:
    """SPEC TF-3: a device that was off for years is not locked out by what expired meanwhile."""
    repository, ours = fresh()
    ours.refresh()
    for n in range(3):
        repository.root.version += 1
        repository.root.expires = NOW - (9 - n) * DAY
        repository.write_root()
    with pytest.raises(TufExpired) as refused:
        ours.refresh()
    assert (refused.value.file, refused.value.expires, refused.value.rule) == ("root.json", NOW - 7 * DAY, "TF-6")
    repository.next_root()
    assert ours.refresh().root.mark == RootMark(*repository.pin())


def test_a_root_that_skips_a_version_is_refused() -> None:
    repository, ours = fresh()
    repository.next_root()
    repository.next_root()
    repository.files["2.root.json"] = repository.files["3.root.json"]
    with pytest.raises(WrongRootVersion) as refused:
        ours.refresh()
    assert (refused.value.found, refused.value.needed, refused.value.rule) == (3, 2, "TF-3")


def test_a_root_needs_the_thresholds_of_both_versions() -> None:
    """SPEC TF-3: neither a thief of the old keys nor one of the new ones gets on alone."""
    for old in (True, False):
        repository, ours = fresh()
        before = list(repository.signers["root"])
        repository.next_root(root=[signer("new a"), signer("new b")])
        repository.put("root", repository.root, before if old else None)
        with pytest.raises(NotSigned) as refused:
            ours.refresh()
        assert (refused.value.found, refused.value.needed, refused.value.rule) == (0, 2, "TF-3")


def test_no_more_roots_than_the_limit_are_taken_at_once() -> None:
    repository, ours = fresh()
    ours.limits = Limits(new_roots=2)
    for _ in range(5):
        repository.next_root()
    assert ours.refresh().root.content.version == 3
    assert ours.refresh().root.content.version == 5


def test_a_version_below_the_floor_is_a_rollback() -> None:
    repository, ours = fresh()
    repository.publish(b"two")
    ours.refresh()
    old = deepcopy(repository.timestamp)
    old.version = 1
    repository.put("timestamp", old)
    with pytest.raises(TufRollback) as refused:
        ours.refresh()
    assert (refused.value.offered, refused.value.floor, refused.value.exit_code) == (1, 2, 25)


def test_what_the_layer_above_does_not_name_is_refused() -> None:
    repository, ours = fresh()
    repository.files["1.targets.json"] = repository.sign(
        Targets(version=2, expires=NOW + DAY), repository.signers["targets"]
    )
    with pytest.raises(NotTheNamed) as refused:
        ours.refresh()
    assert (refused.value.found, refused.value.needed) == ("version 2", "version 1")


def test_wrong_bytes_are_refused_before_they_are_read() -> None:
    """SPEC TF-5."""
    repository, ours = fresh()
    repository.timestamp.version = 2
    repository.timestamp.snapshot_meta = MetaFile(1, hashes={"sha256": "0" * 64})
    repository.write_timestamp()
    with pytest.raises(WrongBytes) as refused:
        ours.refresh()
    assert refused.value.file == "snapshot.json"


def test_a_digest_that_is_a_path_leads_nowhere() -> None:
    """SPEC TF-5: the digest becomes part of an address."""
    repository, ours = fresh()
    repository.targets.targets["catalogue.json"].hashes = {"sha256": "../../x"}
    repository.targets.version = 2
    repository.write_targets()
    with pytest.raises(WrongBytes):
        ours.refresh()


def test_expiry_is_judged_at_the_given_instant() -> None:
    """SPEC TF-6: the last good instant is the one before `expires`."""
    repository, ours = fresh()
    expires = repository.timestamp.expires
    assert ours.refresh(expires - timedelta(seconds=1)).target == b"one"
    with pytest.raises(TufExpired) as refused:
        ours.refresh(expires)
    assert (refused.value.expires, refused.value.at) == (expires, expires)


# --- TF-7


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":{"b":1,"b":2}}', "twice"),
        (b'{"a":1.0}', "no integer"),
        (b'{"a":1e3}', "no integer"),
        (b'{"a":NaN}', "no integer"),
        (b'{"a":9007199254740992}', "above"),
        (b'{"a":' + b"9" * 5000 + b"}", "above"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested"),
        (b"[]", "object"),
        (b'{"a":1} x', "not JSON"),
        (b"\xff", "not JSON"),
        (b"", "not JSON"),
        (b" " * 101, "at most 100"),
    ],
)
def test_json_with_a_second_meaning_is_refused(raw: bytes, reason: str) -> None:
    """SPEC TF-7: two readers must never see two statements in the same bytes."""
    with pytest.raises(BadMetadata) as refused:
        read_json(raw, limit=max(100, len(raw)) if reason != "at most 100" else 100, file="x")
    assert reason in refused.value.reason
    assert refused.value.rule == "TF-7"


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", [b'\\"', b'"', b'"[', b"\\", b'"\\'])
def test_quotes_without_a_partner_are_looked_at_once(piece: bytes) -> None:
    """SPEC TF-7: nobody has signed these bytes yet, and half a megabyte of them must not take minutes."""
    with pytest.raises(BadMetadata):
        read_json(b'"' + piece * (512 * 1024 // len(piece) - 1), limit=512 * 1024, file="x")


@pytest.mark.parametrize("value", [True, "1", None, {}])
@pytest.mark.parametrize("path", ["version", "roles.timestamp.threshold"])
def test_what_only_counts_as_a_number_is_refused(path: str, value: object) -> None:
    """SPEC TF-7: python-tuf takes `true`, and `null` for a version, as 1."""
    repository, _ = fresh()
    found = json.loads(repository.files["1.root.json"])
    *folders, last = ("signed." + path).split(".")
    spot = found
    for name in folders:
        spot = spot[name]
    spot[last] = value
    with pytest.raises(BadMetadata):
        parse_metadata(json.dumps(found).encode(), Root, limit=2**20, file="x")


def test_braces_inside_strings_are_not_depth() -> None:
    assert read_json(b'{"a":"' + b"{[" * 50 + b'\\""}', limit=200, file="x") == {"a": "{[" * 50 + '"'}


def test_one_public_key_under_two_ids_is_refused_whatever_its_spelling() -> None:
    """SPEC TF-7: upper case makes another text and the same key."""
    repository, ours = fresh()
    twin = deepcopy(repository.signers["timestamp"][0].public_key)
    twin.keyid, twin.keyval = "f" * 64, {"public": twin.keyval["public"].upper()}
    repository.root.add_key(twin, "timestamp")
    repository.next_root()
    with pytest.raises(BadMetadata) as refused:
        ours.refresh()
    assert "one public key" in refused.value.reason


@given(st.binary(max_size=300))
def test_nothing_but_a_refusal_escapes_whatever_the_bytes(raw: bytes) -> None:
    with pytest.raises(TrustError):
        parse_metadata(raw, Root, limit=1000, file="x")


REPOSITORY = TufRepository(NOW)
REPOSITORY.publish(b"one")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.data())
def test_nothing_but_a_refusal_escapes_whatever_a_member_becomes(data: st.DataObject) -> None:
    """SPEC TF-7: python-tuf's types raise many things; all of them stop at the parser."""
    kind: Any = data.draw(st.sampled_from([Root, Timestamp]))
    found = json.loads(REPOSITORY.files["1.root.json" if kind is Root else "timestamp.json"])
    spot: Any = found
    while isinstance(spot, dict | list) and spot:
        names = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
        name = data.draw(st.sampled_from(names))
        if data.draw(st.booleans()) or not isinstance(spot[name], dict | list):
            spot[name] = data.draw(JSON)
            break
        spot = spot[name]
    with suppress(TrustError):
        read = parse_metadata(json.dumps(found).encode(), kind, limit=2**20, file="x")
        check_signed(read, REPOSITORY.root, kind.type, "x")


# --- TF-8


def test_a_first_root_that_the_brand_did_not_pin_is_refused() -> None:
    """SPEC TF-8: whoever answers at the store's address must have the root that the brand named."""
    _, ours = fresh()
    ours.pin = RootMark(1, "0" * 64)
    with pytest.raises(NotThePin) as refused:
        ours.refresh()
    assert refused.value.rule == "TF-8"
    assert ours.storage.files == {}


def test_hiding_newer_roots_from_a_device_that_lost_its_copy_is_refused() -> None:
    """SPEC TF-8: retired keys stay retired for whoever has seen their successors."""
    repository, ours = fresh()
    repository.next_root()
    ours.refresh()
    del repository.files["2.root.json"], ours.storage.files["root.json"]
    with pytest.raises(NotThePin) as refused:
        ours.refresh()
    assert refused.value.needed == "2"


def test_another_chain_through_the_same_pin_is_refused() -> None:
    """SPEC TF-8: the thief of retired root keys makes a second root 2."""
    repository, ours = fresh()
    repository.next_root()
    ours.refresh()
    repository.root.expires += DAY
    repository.write_root()
    del ours.storage.files["root.json"]
    with pytest.raises(NotThePin):
        ours.refresh()


def test_a_kept_root_that_is_ahead_of_the_trust_state_counts() -> None:
    """SPEC TF-8: a kill between the two writes must not let a store hide the root that was just walked to."""
    repository, ours = fresh()
    ours.refresh()
    before = ours.seen
    repository.next_root()
    ours.refresh()
    ours.seen = before
    del repository.files["2.root.json"]
    assert ours.refresh().root.content.version == 2


def test_a_damaged_kept_root_is_walked_to_again_from_the_pin() -> None:
    repository, ours = fresh()
    repository.next_root()
    ours.refresh()
    ours.storage.files["root.json"] = b"rot"
    assert ours.refresh().root.content.version == 2
    assert ours.storage.files["root.json"] == repository.files["2.root.json"]


def test_a_pin_further_on_in_the_same_chain_changes_nothing() -> None:
    repository, ours = fresh()
    ours.refresh()
    repository.next_root()
    ours.pin = RootMark(*repository.pin())
    found = ours.refresh()
    assert (found.rekeyed, found.root.content.version) == (False, 2)
    ours.pin = RootMark(1, ours.seen.sha256 if ours.seen else "")


def test_a_new_pin_of_another_chain_re_keys_the_store_and_its_floors_go() -> None:
    """SPEC TF-8: a store whose root keys are lost comes back with new ones, by the brand's word alone."""
    old, ours = fresh()
    for _ in range(4):
        old.publish(b"more")
    ours.refresh()
    new = TufRepository(NOW, "replaced")
    new.publish(b"anew")
    ours.repository, ours.pin = new, RootMark(*new.pin())
    found = ours.refresh()
    assert (found.rekeyed, found.target, found.timestamp.content.version) == (True, b"anew", 1)
    ours.repository, ours.pin = old, RootMark(*old.pin())
    ours.repository.files = {}
    with pytest.raises(NotThere):
        ours.refresh()
