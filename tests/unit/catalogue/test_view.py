"""The view document (SPEC VW-1, VW-3)."""

import json
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.sparse import SparseMap
from sealring.catalogue.view import (
    BadRow,
    BadView,
    OtherViewDigest,
    OtherViewSubject,
    make_view,
    parse_view,
    verify_view,
    view_key,
)
from sealring.errors import TrustError
from tests.unit.catalogue.samples import head

ROOT = bytes(range(32))
MODEL = "acme/door-1"
HEADS = {
    ("brand", 1, "acme"): head(3),
    ("release", 1, "acme/door,latest/stable"): head(12),
    ("release", 2, "acme/door,latest/stable"): head(13),
    ("revision", 1, "acme/door,7,amd64"): head(1),
}
VIEW = make_view(ROOT, MODEL, HEADS)
TEXT = VIEW.raw.decode()


def test_a_view_is_spelt_as_the_rule_says() -> None:
    """SPEC VW-1, byte by byte."""
    rows = [[*about, found.sequence, found.id.hex(), found.envelope.hex()] for about, found in HEADS.items()]
    document = {"format": 1, "root": ROOT.hex(), "model": MODEL, "statements": rows}
    assert json.dumps(document, separators=(",", ":")).encode() == VIEW.raw


def test_a_view_gives_the_heads_that_were_put_in_whatever_their_order() -> None:
    """SPEC VW-1: a view has one spelling, so everyone who computes it finds one digest."""
    assert make_view(ROOT, MODEL, dict(reversed(HEADS.items()))) == VIEW == parse_view(VIEW.raw)
    assert dict(VIEW.heads) == HEADS
    assert VIEW.head("brand", 1, "acme") == head(3)
    assert VIEW.head("brand", 2, "acme") is None


def test_one_proved_key_gives_the_whole_view() -> None:
    """SPEC VW-3: a device proves a single leaf, and gets every head that it needs."""
    key = view_key(ROOT, MODEL)
    assert key == map_key(ROOT, "view", 1, MODEL)
    tree = SparseMap.empty().with_updates({key: VIEW.leaf(40), bytes(32): head(1)})
    proven = verify_proof(tree.prove([key]), tree.root, [key])
    assert verify_view(VIEW.raw, proven.present[key], root=ROOT, model=MODEL) == VIEW
    assert VIEW.leaf(40) == Head(40, sha256(VIEW.raw).digest(), sha256(VIEW.raw).digest())


def edited(old: str, new: str) -> bytes:
    """The view's bytes with one edit."""
    assert old in TEXT
    return TEXT.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(VIEW.raw + b"\n", id="line feed at the end"),
        pytest.param(edited(",", ", "), id="blank"),
        pytest.param(edited('{"format":1,', '{"format":1,"format":1,'), id="member twice"),
        pytest.param(
            edited(f'"format":1,"root":"{ROOT.hex()}"', f'"root":"{ROOT.hex()}","format":1'), id="other order"
        ),
        pytest.param(edited('"format":1', '"format":1.0'), id="float"),
        pytest.param(edited('"format":1', '"format":2'), id="another format"),
        pytest.param(edited('"format":1,', '"format":1,"x":{},'), id="unknown member"),
        pytest.param(edited("acme/door-1", "acme\\/door-1"), id="escape"),
        pytest.param(edited("acme/door-1", "acmé/door-1"), id="not ASCII"),
        pytest.param(edited("acme/door-1", "door-1"), id="model without brand"),
        pytest.param(edited(ROOT.hex(), ROOT.hex().upper()), id="upper case hex"),
        pytest.param(edited(ROOT.hex(), ROOT.hex()[1:]), id="short digest"),
        pytest.param(edited('"acme",3', '"acme",3.0'), id="sequence as float"),
        pytest.param(edited('"acme",3', '"acme",3e0'), id="sequence with exponent"),
        pytest.param(edited('"acme",3', '"acme",0'), id="sequence zero"),
        pytest.param(edited('"acme",3', '"acme",-3'), id="negative sequence"),
        pytest.param(edited('"acme",3', f'"acme",{2**53}'), id="sequence above every JSON reader"),
        pytest.param(edited('"acme",3', '"acme",' + "9" * 5000), id="huge integer"),
        pytest.param(edited('"acme",3', '"acme",true'), id="truth for a number"),
        pytest.param(edited("]]", ',"more"]]'), id="row too long"),
        pytest.param(b'{"format":1,"root":' + b"[" * 100_000, id="nested"),
        pytest.param(b'{"format":1,"x":' + b"[" * 100_000, id="nested in an unknown member"),
        pytest.param(b" " * (1024 * 1024 + 1), id="above 1 MiB"),
    ],
)
def test_another_spelling_is_refused(raw: bytes) -> None:
    """SPEC VW-1: two spellings would be two digests of one view, and two readers might read two views."""
    with pytest.raises(BadView) as refused:
        parse_view(raw)
    assert (refused.value.rule, refused.value.exit_code) == ("VW-1", 20)
    assert str(refused.value).isascii()


def rows_edited(edit: Callable[[list[list[object]]], object]) -> bytes:
    """The view's bytes after an edit of its rows."""
    document = json.loads(VIEW.raw)
    edit(document["statements"])
    return json.dumps(document, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(rows_edited(lambda rows: rows.reverse()), id="descending"),
        pytest.param(rows_edited(lambda rows: rows.insert(1, rows[0])), id="row twice"),
        pytest.param(rows_edited(lambda rows: rows.insert(1, [*rows[0][:3], 99, *rows[0][4:]])), id="subject twice"),
        pytest.param(rows_edited(lambda rows: rows.__setitem__(0, [*rows[0][:4], "0" * 64, "0" * 64])), id="tombstone"),
    ],
)
def test_rows_out_of_order_or_about_nothing_are_refused(raw: bytes) -> None:
    """SPEC VW-1: with a subject listed twice, a device could be led to either head."""
    with pytest.raises(BadRow):
        parse_view(raw)


def test_more_rows_than_a_device_takes_are_refused() -> None:
    """SPEC VW-1."""
    heads = {("revision", 1, f"a/{n}"): head(1) for n in range(4096)}
    assert len(make_view(ROOT, MODEL, heads).heads) == 4096
    with pytest.raises(BadView, match="4096"):
        make_view(ROOT, MODEL, {**heads, ("revision", 1, "a/more"): head(1)})


def test_a_view_of_allowed_rows_above_1_mib_is_refused() -> None:
    """SPEC VW-1: what a device reads is bounded in bytes, not only in rows."""
    heads = {("revision", 1, f"a/{n:0300}"): head(1) for n in range(4096)}
    with pytest.raises(BadView, match="1048576"):
        make_view(ROOT, MODEL, heads)


def test_a_view_that_the_catalogue_does_not_commit_to_is_refused() -> None:
    """SPEC VW-3: a mirror adds a row, or a store's cache serves yesterday's view."""
    other = make_view(ROOT, MODEL, {("brand", 1, "acme"): head(3)})
    for leaf in (other.leaf(40), Head(40, VIEW.digest, other.digest), Head.tombstone(40)):
        with pytest.raises(OtherViewDigest):
            verify_view(VIEW.raw, leaf, root=ROOT, model=MODEL)


@pytest.mark.parametrize(("root", "model"), [(bytes(32), MODEL), (ROOT, "acme/door-2")])
def test_another_models_view_under_this_models_key_is_refused(root: bytes, model: str) -> None:
    """SPEC VW-3: the store commits to a genuine view in the wrong place."""
    with pytest.raises(OtherViewSubject) as refused:
        verify_view(VIEW.raw, VIEW.leaf(40), root=root, model=model)
    assert refused.value.found == (ROOT, MODEL)


@given(st.integers(0, len(VIEW.raw) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_another_view(at: int, bit: int) -> None:
    """SPEC VW-1: what is accepted is spelt by exactly its bytes."""
    raw = VIEW.raw[:at] + bytes([VIEW.raw[at] ^ 1 << bit]) + VIEW.raw[at + 1 :]
    with pytest.raises(TrustError):
        verify_view(raw, VIEW.leaf(40), root=ROOT, model=MODEL)
    try:
        found = parse_view(raw)
    except TrustError:
        return
    assert make_view(found.root, found.model, found.heads).raw == raw


@given(st.binary(max_size=100))
@example(b'{"format":1,"root":"\xff')
@example(b'{"\xff":1}')
@example(b'{"\\ud800":1}')
def test_nothing_but_a_refusal_comes_out_of_any_bytes(raw: bytes) -> None:
    """SPEC VW-1: no exception of another kind, whatever the bytes."""
    with pytest.raises(TrustError):
        parse_view(raw)


def test_the_newest_of_the_formats_that_are_known_is_told() -> None:
    """SPEC ST-8: a format that the reader doesn't know counts for nothing, however high."""
    heads = {("brand", 1, "acme"): head(3), ("brand", 2, "acme"): head(5), ("brand", 3, "acme"): head(9)}
    view = make_view(ROOT, MODEL, heads)
    assert view.newest("brand", (1, 2), "acme") == head(5)
    assert view.newest("brand", (1, 4), "acme") == head(3)
    assert view.newest("brand", (4,), "acme") is None
