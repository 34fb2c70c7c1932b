"""A store's halt, and for how long it binds (SPEC HL-1, HL-3)."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.catalogue.leaf import Head, map_key
from sealring.errors import TrustError
from sealring.halt import (
    BadHalt,
    Halt,
    Halted,
    ProvenHalt,
    check_halt,
    halt_bytes,
    halt_head,
    halt_key,
    parse_halt,
    prove_halt,
)
from sealring.statement import Release
from sealring.statement.software import Rollout
from sealring.strict import Malformed, TooLarge, encode
from tests.world import DAY, NOW, World

WORLD = World()
PLAN = Rollout("a" * 64, 1000, [], NOW, 500, 3600, 86_400)
RELEASE = WORLD.release(2, rollout=PLAN)
ID = WORLD.signed(RELEASE).id


def halt(**more: Any) -> Halt:
    """The halt of release 2."""
    base: dict[str, Any] = {
        "format": 1,
        "root": WORLD.root_id,
        "release": RELEASE.subject,
        "id": ID,
        "reason": "3 of 10 devices failed",
        "time": NOW,
    }
    return Halt(**{**base, **more})


def proven(**more: Any) -> ProvenHalt:
    """That halt, as a map's proof gives it."""
    raw = halt_bytes(halt(**more))
    return prove_halt(raw, halt_head(raw, 7), root=WORLD.root_id, release=RELEASE.subject)


def test_a_halt_is_spelt_and_placed_as_the_rule_says() -> None:
    """HL-1: document, key and leaf, byte by byte."""
    raw = halt_bytes(halt())
    assert parse_halt(raw) == halt()
    members = msgspec.json.decode(raw, type=dict[str, object])
    assert list(members) == [
        "format",
        "root",
        "release",
        "id",
        "reason",
        "time",
    ]
    root = bytes.fromhex(WORLD.root_id)
    assert halt_key(root, RELEASE.subject) == map_key(root, "halt", 1, "acme/tool/latest/stable")
    digest = sha256(raw).digest()
    assert halt_head(raw, 7) == Head(7, digest, digest)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(encode(halt()) + b"\n", id="a line feed"),
        pytest.param(encode(halt()).replace(b'"format":1', b'"format":2'), id="another format"),
        pytest.param(encode(halt()).replace(b"T12:00:00Z", b"T12:00:00+01:00"), id="another offset"),
        pytest.param(encode(halt())[:-1] + b',"x":1}', id="an unknown member"),
        pytest.param(encode(halt()).replace(b"3 of", b"3\\u0020of"), id="an escape"),
    ],
)
def test_any_other_spelling_is_refused(raw: bytes) -> None:
    """HL-1."""
    with pytest.raises((Malformed, BadHalt)) as caught:
        parse_halt(raw)
    assert caught.value.rule == "HL-1"


def test_a_halt_is_refused_by_its_size_before_it_is_read() -> None:
    """HL-1: 1,024 bytes."""
    with pytest.raises(TooLarge):
        parse_halt(b" " * 1025)


@given(st.binary(max_size=300))
def test_nothing_else_escapes(raw: bytes) -> None:
    """HL-1: whatever the bytes."""
    with pytest.raises(TrustError):
        parse_halt(raw)
    with pytest.raises(TrustError):
        prove_halt(raw, halt_head(raw, 1), root=WORLD.root_id, release=RELEASE.subject)


@pytest.mark.parametrize(
    ("more", "head"),
    [
        pytest.param({}, halt_head(b"another", 7), id="another leaf"),
        pytest.param({}, Head(7, sha256(halt_bytes(halt())).digest(), bytes([1]) * 32), id="half a leaf"),
        pytest.param({}, Head.tombstone(7), id="a tombstone"),
        pytest.param({"release": "acme/other/latest/stable"}, None, id="of another release"),
        pytest.param({"root": "e" * 64}, None, id="of another root"),
    ],
)
def test_a_halt_that_its_leaf_does_not_mean_is_refused(more: dict[str, Any], head: Head | None) -> None:
    """HL-1: a store, or who sits before it, must not put one release's halt in another's place."""
    raw = halt_bytes(halt(**more))
    with pytest.raises(BadHalt):
        prove_halt(raw, head or halt_head(raw, 7), root=WORLD.root_id, release=RELEASE.subject)


def until(at: datetime, one: ProvenHalt | None, seen: datetime | None = None, release: Release = RELEASE) -> datetime:
    """When the device may begin at the latest; `at` where it may begin now."""
    try:
        check_halt(one, release, ID, at, seen=seen)
    except Halted as err:
        return err.until
    return at


def test_a_halt_binds_for_as_long_as_the_plan_says_and_no_second_longer() -> None:
    """HL-3: the last instant at which it binds is the one before time + halt."""
    assert until(NOW, proven()) == NOW + DAY
    assert until(NOW + DAY - timedelta(seconds=1), proven()) == NOW + DAY
    assert until(NOW + DAY, proven()) == NOW + DAY
    assert until(NOW, None) == NOW


def test_another_release_is_not_halted() -> None:
    """HL-2, HL-3: the brand's next signature is another id; a release without a plan can't be halted."""
    check_halt(proven(id="b" * 64), RELEASE, ID, NOW)
    check_halt(proven(), WORLD.release(2), ID, NOW)
    other = WORLD.release(2, package="other", rollout=PLAN)
    check_halt(proven(), other, ID, NOW)


def test_a_halt_dated_ahead_counts_from_now() -> None:
    """HL-3: a hostile store would else keep a release away until its own date, years from now."""
    assert until(NOW, proven(time=NOW + 3000 * DAY)) == NOW + DAY


def test_a_halt_dated_anew_each_day_counts_from_the_first_that_the_device_met() -> None:
    """HL-3: who forges halts delays a release by at most its `halt`, however often he does it."""
    first = NOW
    for day in range(1, 4):
        at = NOW + day * DAY
        assert until(at, proven(time=at), seen=first) == at
    with pytest.raises(Halted) as caught:
        check_halt(proven(time=NOW + DAY / 2), RELEASE, ID, NOW + DAY / 2, seen=first)
    assert (caught.value.since, caught.value.until) == (first, NOW + DAY)


def test_a_device_is_told_what_and_why_and_until_when() -> None:
    """HL-3: in words."""
    with pytest.raises(Halted) as caught:
        check_halt(proven(), RELEASE, ID, NOW)
    words = "release acme/tool/latest/stable: halted 2026-03-01T12:00:00Z until 2026-03-02T12:00:00Z at the latest"
    assert caught.value.rule == "HL-3"
    assert str(caught.value) == f"{words}: 3 of 10 devices failed"
    assert "next release" in caught.value.hint()
