"""`catalogue.json` (SPEC CT-1)."""

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sealring.catalogue.entry import BadEntry, BadFirstEntry, first_entry, make_entry, next_entry, parse_entry
from sealring.catalogue.log import EMPTY_LOG, leaf_hash, root_of
from sealring.errors import TrustError

ROOT, MAP = bytes(range(32)), sha256(b"map").digest()
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = first_entry(root=ROOT, map=MAP, size=7, time=AT)
SECOND = next_entry(FIRST, map=MAP, size=8, time=AT, log=root_of([FIRST.leaf]))


def test_the_first_entry_is_spelt_as_the_rule_says() -> None:
    """SPEC CT-1, byte by byte."""
    document = {
        "format": 1,
        "root": ROOT.hex(),
        "map": MAP.hex(),
        "size": 7,
        "sequence": 1,
        "time": "2026-03-01T12:00:00Z",
        "previous": "0" * 64,
        "log": sha256(b"").hexdigest(),
    }
    assert json.dumps(document, separators=(",", ":")).encode() == FIRST.raw
    assert parse_entry(FIRST.raw) == FIRST
    assert FIRST.time == AT


def test_the_next_entry_names_the_one_before_and_its_log() -> None:
    """SPEC CT-3, LG-1."""
    assert (SECOND.sequence, SECOND.previous, SECOND.log) == (2, sha256(FIRST.raw).digest(), leaf_hash(FIRST.raw))
    assert SECOND.root == FIRST.root


def test_the_largest_entry_fits_its_limit() -> None:
    """SPEC CT-1: every legal entry is below 1024 bytes."""
    most = 2**53 - 1
    entry = make_entry(root=ROOT, map=MAP, size=most, sequence=most, time=AT, previous=MAP, log=MAP)
    assert len(entry.raw) < 512


def test_a_time_elsewhere_is_spelt_in_utc_and_whole_seconds() -> None:
    """SPEC CT-1."""
    there = datetime(2026, 3, 1, 14, 0, 0, 999, tzinfo=timezone(timedelta(hours=2)))
    assert first_entry(root=ROOT, map=MAP, size=7, time=there) == FIRST


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('{"format":1', '{"format":1,"format":1', id="member twice"),
        pytest.param('"format":1', '"format": 1', id="blank"),
        pytest.param('"format":1', '"format":2', id="another format"),
        pytest.param('"format":1,', "", id="member missing"),
        pytest.param('"size":7,"sequence":1', '"sequence":1,"size":7', id="other order"),
        pytest.param('"size":7', '"size":7.0', id="float"),
        pytest.param('"size":7', '"size":-1', id="negative size"),
        pytest.param('"size":7', f'"size":{2**53}', id="size above every JSON reader"),
        pytest.param('"size":7', '"size":' + "7" * 500, id="huge integer"),
        pytest.param('"sequence":1', '"sequence":0', id="sequence zero"),
        pytest.param('"sequence":1', '"sequence":true', id="truth for a number"),
        pytest.param('"sequence":1', '"sequence":null', id="nothing for a number"),
        pytest.param("12:00:00Z", "12:00:0Z", id="short time"),
        pytest.param("12:00:00Z", "12:00:60Z", id="leap second"),
        pytest.param("12:00:00Z", "24:00:00Z", id="24 o'clock"),
        pytest.param("12:00:00Z", "12:00:00z", id="lower case z"),
        pytest.param("2026-03-01T12:00:00Z", "2026-03-01T12:00+01", id="offset"),
        pytest.param("2026-03-01", "2026-02-30", id="no such day"),
        pytest.param("2026-03-01", "0000-03-01", id="no such year"),
        pytest.param("2026-03-01", "\uff12026-03-01", id="a digit of another script"),
        pytest.param("}", ',"x":1}', id="unknown member"),
        pytest.param("}", "}}", id="trailing"),
        pytest.param("}", "}" + " " * 1024, id="above 1024 bytes"),
    ],
)
def test_another_spelling_is_refused(old: str, new: str) -> None:
    """SPEC CT-1: the log and `previous` are about bytes, so one state must have one spelling."""
    text = FIRST.raw.decode()
    assert old in text
    with pytest.raises(BadEntry) as refused:
        parse_entry(text.replace(old, new, 1).encode())
    assert (refused.value.rule, refused.value.exit_code) == ("CT-1", 20)
    assert str(refused.value).isascii()


@pytest.mark.parametrize(
    ("sequence", "previous", "log"),
    [
        pytest.param(1, MAP, EMPTY_LOG, id="first with a previous"),
        pytest.param(1, bytes(32), MAP, id="first with a log"),
        pytest.param(2, bytes(32), MAP, id="later without a previous"),
        pytest.param(2, MAP, EMPTY_LOG, id="later without a log"),
    ],
)
def test_only_the_first_entry_has_no_history(sequence: int, previous: bytes, log: bytes) -> None:
    """SPEC CT-1: a store can't start afresh under a later number."""
    with pytest.raises(BadFirstEntry) as refused:
        make_entry(root=ROOT, map=MAP, size=7, sequence=sequence, time=AT, previous=previous, log=log)
    assert refused.value.sequence == sequence


@given(st.binary(max_size=1200))
@example(b'{"\xff":1}')
@example(b'{"format":1,"root":' + b"[" * 1000)
def test_nothing_but_a_refusal_comes_out_of_any_bytes(raw: bytes) -> None:
    """SPEC CT-1: no exception of another kind, whatever the bytes."""
    with pytest.raises(TrustError):
        parse_entry(raw)


@given(st.integers(0, len(SECOND.raw) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_another_entry(at: int, bit: int) -> None:
    """SPEC CT-1: what is accepted is spelt by exactly its bytes."""
    raw = SECOND.raw[:at] + bytes([SECOND.raw[at] ^ 1 << bit]) + SECOND.raw[at + 1 :]
    try:
        found = parse_entry(raw)
    except TrustError:
        return
    assert found.digest != SECOND.digest
    assert found.raw == raw
    members = {name: value for name, value in vars(found).items() if name != "raw"}
    assert make_entry(**members).raw == raw
