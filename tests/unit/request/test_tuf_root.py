"""A request for a store's TUF root: what it may say, who must sign it, and what a copy may bring (SPEC TF-9, CE-9)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuf.api.metadata import Root

from sealring.errors import TrustError
from sealring.request.tuf_root import (
    BadTufRoot,
    RootFile,
    RootRequest,
    check_request,
    merge_roots,
    parse_root,
    parse_root_request,
    unsigned,
    verify_next,
)
from sealring.strict import Malformed
from sealring.tuf_keys import tuf_key
from tests.stores import signer
from tests.world import Key

AT = datetime(2026, 3, 1, tzinfo=UTC)
ROLES = ("timestamp", "snapshot", "targets")


def draft(version: int, threshold: int, *holders: str) -> RootFile:
    """A root of these holders, each online role with a key of its own."""
    said = Root(version=version, expires=AT + timedelta(days=365), consistent_snapshot=True)
    for name in holders:
        said.add_key(tuf_key(Key(name).public), "root")
    said.roles["root"].threshold = threshold
    for role in ROLES:
        said.add_key(tuf_key(Key(f"{role}-{version}").public), role)
    return unsigned(said)


def signed(root: RootFile, *names: str) -> RootFile:
    """With these holders' signatures."""
    found = (signer(Key(name)).sign(root.signed_bytes) for name in names)
    return root.with_signatures({**root.signatures, **{one.keyid: one.signature for one in found}})


FIRST = signed(draft(1, 2, "ann", "bob", "cid"), "ann", "bob")
SECOND = draft(2, 2, "bob", "cid", "dan")
REQUEST = RootRequest(FIRST, SECOND)


def by(*names: str) -> RootRequest:
    """A copy that these holders signed."""
    return REQUEST.with_signatures(signed(SECOND, *names).signatures)


def test_it_travels_and_its_id_stays() -> None:
    """CE-1, CE-2: one spelling there and back; signing does not change the id, another root in force does."""
    found = parse_root_request(by("bob").raw)
    check_request(found)
    assert found.id == REQUEST.id
    assert RootRequest(None, SECOND).id != REQUEST.id
    assert parse_root_request(RootRequest(None, FIRST).raw).held is None
    with pytest.raises(Malformed):
        parse_root_request(REQUEST.raw.replace(b'{"tuf_request":1', b'{"tuf_request": 1'))


@pytest.mark.parametrize(
    ("names", "enough"),
    [(("ann", "dan"), False), (("bob", "dan"), False), (("bob", "cid"), True), (("ann", "bob", "dan"), True)],
)
def test_both_thresholds_count_and_are_never_pooled(names: tuple[str, ...], enough: bool) -> None:
    """TF-9, TH-1: two of the root before, and two of its own; one key may count in both, never twice in one."""
    raw = by(*names).draft.raw
    if enough:
        assert verify_next(FIRST, raw).signed.version == 2
        return
    with pytest.raises(BadTufRoot) as refused:
        verify_next(FIRST, raw)
    assert (refused.value.rule, refused.value.exit_code) == ("TF-9", 21)


def test_a_bad_signature_never_displaces_a_good_one() -> None:
    """CE-5: copies in any order; rubbish under another's key, and keys that may not sign, are dropped and told."""
    good, ident = by("bob"), tuf_key(Key("bob").public).keyid
    rubbish = REQUEST.with_signatures({ident: "00" * 64, tuf_key(Key("mallory").public).keyid: "11" * 64})
    for copies in ([rubbish, good, by("cid")], [by("cid"), good, rubbish]):
        merged, dropped = merge_roots(copies)
        assert verify_next(FIRST, merged.draft.raw).signed.version == 2
        assert dropped == (tuf_key(Key("mallory").public).keyid,)


def test_nothing_is_trusted_for_being_in_the_request() -> None:
    """CE-3: a made-up root in force is refused from the holder's own; a passed-over version too."""
    forged = signed(draft(1, 1, "mallory"), "mallory")
    request = RootRequest(forged, draft(2, 1, "mallory"))
    check_request(request)  # alone it looks sound: hence the loud word in the review
    with pytest.raises(BadTufRoot):
        check_request(request, [FIRST])
    second = signed(SECOND, "bob", "cid")
    third = RootRequest(second, draft(3, 2, "bob", "cid", "dan"))
    check_request(third, [FIRST])
    check_request(third, [FIRST, second])
    fourth = RootRequest(signed(draft(3, 2, "bob", "cid"), "bob", "cid"), draft(4, 2, "bob", "cid"))
    with pytest.raises(BadTufRoot) as refused:
        check_request(fourth, [FIRST])
    assert refused.value.rule == "TF-3"
    with pytest.raises(BadTufRoot):
        check_request(RootRequest(None, draft(1, 1, "mallory")), [FIRST])
    with pytest.raises(BadTufRoot):
        check_request(RootRequest(unsigned(FIRST.signed), SECOND))


def _other_id(said: dict[str, Any]) -> None:
    ident = said["roles"]["root"]["keyids"][0]
    said["keys"]["0" * 64] = said["keys"][ident]
    said["roles"]["root"]["keyids"].append("0" * 64)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        pytest.param(_other_id, "TF-7", id="one key under two ids"),
        pytest.param(
            lambda said: said["keys"].update({"ab": {"keytype": "x", "scheme": "x", "keyval": {"public": ""}}}),
            "TF-1",
            id="unknown type",
        ),
        pytest.param(lambda said: said["roles"]["root"].update(threshold=9), "TF-1", id="threshold beyond the keys"),
        pytest.param(lambda said: said.update(surprise=1), "TF-1", id="another member"),
        pytest.param(lambda said: said.update(version=3), "TF-2", id="a version is passed over"),
        pytest.param(lambda said: said.update(consistent_snapshot=False), "TF-1", id="no consistent snapshots"),
    ],
)
def test_what_clients_could_not_follow_is_never_asked_for(change: Callable[[dict[str, Any]], None], rule: str) -> None:
    """TF-1, TF-7: refused before anybody signs, whoever made it."""
    said = json.loads(SECOND.raw)
    change(said["signed"])
    raw = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(BadTufRoot) as refused:
        check_request(parse_root_request(RootRequest(FIRST, RootFile(raw, SECOND.signed, b"", {})).raw))
    assert refused.value.rule == rule


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(REQUEST.raw) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_another_request(byte: int, bit: int) -> None:
    """Nothing but a refusal escapes, and no altered request has the id that holders compare."""
    raw = bytearray(REQUEST.raw)
    raw[byte] ^= 1 << bit
    try:
        found = parse_root_request(bytes(raw))
        check_request(found)
    except TrustError:
        return
    assert found.id != REQUEST.id


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_nothing_else_escapes(raw: bytes) -> None:
    """Whatever the bytes."""
    for begin in (b"", FIRST.raw[:100], b'{"signatures":[],"signed":'):
        with pytest.raises(TrustError):
            parse_root(begin + raw)
