"""Servers and delegators that want time or memory: each is cut at a bound (SPEC HF-1 to HF-3, TF-7, TF-12)."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Targets

from sealring.errors import SealringError
from sealring_client.decide.tuf import ANY_REPOSITORY
from sealring_client.decide.tuf.delegations import next_roles
from sealring_client.decide.tuf.errors import BadMetadata
from sealring_client.decide.tuf.metadata import parse_metadata
from sealring_client.fetch.errors import FetchFailed, NoAnswer, PartOnly, Redirected, TooMuch, TooSlow
from sealring_client.fetch.fetcher import Limits
from sealring_client.fetch.repository import RepositorySource
from sealring_client.tuf_target import bring_target
from tests.hostile import Reply, between
from tests.tuf_tree import TufTree
from tests.unit.device_tuf.clients import NOW

BRIEF = Limits(read_seconds=0.5, total_seconds=0.5, lowest_rate=10**6)
BODY = b"x" * 50_000
LOCATION = (("Location", "http://127.0.0.1:1/"),)
ANSWERS: dict[str, tuple[Reply, type[FetchFailed]]] = {
    "a drip": (Reply(200, body=BODY, pause=0.05), TooSlow),
    "an endless body": (Reply(200, body=BODY, endless=True), TooMuch),
    "a length beyond the body": (Reply(200, body=BODY[:100], promised=50_000, hang_up=True), PartOnly),
    "a length beyond the limit": (Reply(200, body=b"", promised=10**12), TooMuch),
    "a redirect": (Reply(302, LOCATION), Redirected),
    "silence": (Reply(0, hang_up=True), NoAnswer),
    "an error": (Reply(503, body=b"later"), NoAnswer),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ANSWERS)
def test_metadata_is_bounded_in_bytes_and_time(name: str) -> None:
    reply, refusal = ANSWERS[name]
    with between(lambda *_: reply) as line:
        source = RepositorySource(f"{line.url}/metadata", limits=BRIEF)
        with pytest.raises(refusal):
            source.fetch("timestamp.json", limit=60_000)
        source.close()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ANSWERS)
def test_a_target_is_bounded_in_bytes_and_time_and_nothing_of_it_stays(name: str, tmp_path: Path) -> None:
    """SPEC HF-3, TF-12: neither the file nor a part of it."""
    tree = TufTree(NOW)
    tree.add("targets", "file", BODY)
    reply, _ = ANSWERS[name]
    with between(lambda *_: reply) as line:
        source = RepositorySource(f"{line.url}/targets", limits=BRIEF)
        named = tree.roles["targets"].targets["file"]
        with pytest.raises(FetchFailed):
            bring_target(source, named, tmp_path, consistent=True, limit=10**6)
        source.close()
    assert list(tmp_path.iterdir()) == []


def test_a_target_above_the_limit_is_not_asked_for(tmp_path: Path) -> None:
    """SPEC TF-5: whatever length a role names."""
    tree = TufTree(NOW)
    tree.add("targets", "file", BODY)
    with between(lambda *_: Reply(200, body=BODY)) as line:
        source = RepositorySource(line.url)
        with pytest.raises(SealringError):
            bring_target(source, tree.roles["targets"].targets["file"], tmp_path, consistent=True, limit=49_999)
        assert line.asked == []


def test_all_metadata_of_a_command_has_one_time() -> None:
    """SPEC HF-1: 32 roles, each within its own time, would hold the command for half an hour."""
    ticks = count(step=40)
    with between(lambda *_: Reply(200, body=b"x")) as line:
        source = RepositorySource(line.url, total_seconds=100, clock=lambda: float(next(ticks)))
        assert [source.fetch("a.json", limit=10) for _ in range(2)] == [b"x", b"x"]
        with pytest.raises(TooSlow) as refused:
            source.fetch("a.json", limit=10)
        assert refused.value.seconds == 100
        source.close()


# --- delegators


def delegating(roles: list[dict[str, Any]], keys: dict[str, Any] | None = None) -> bytes:
    signed = {
        "_type": "targets",
        "version": 1,
        "spec_version": "1.0.31",
        "expires": "2030-01-01T00:00:00Z",
        "targets": {},
        "delegations": {"keys": keys or {}, "roles": roles},
    }
    return json.dumps({"signed": signed, "signatures": []}, separators=(",", ":")).encode()


def role(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "keyids": [], "threshold": 1, "terminating": False, "paths": [], **more}


def parse(raw: bytes) -> Targets:
    return parse_metadata(raw, Targets, limit=ANY_REPOSITORY.targets, file="targets.json").content


MANY: dict[str, Callable[[], bytes]] = {
    "33,000 roles": lambda: delegating([role(str(n)) for n in range(33_000)]),
    "9,000 patterns": lambda: delegating([role("a", paths=["*a"] * 9000)]),
    "long patterns": lambda: delegating([role("a", paths=["*a" * 5000] * 30)]),
    "many prefixes": lambda: delegating([role("a", paths=None, path_hash_prefixes=["a"] * 140_000)]),
    "one role twice": lambda: delegating([role("a"), role("a")]),
    "4 MB of brackets": lambda: b"[" * 4_000_000,
    "4 MB of digits": lambda: b'{"a":' + b"9" * 4_000_000 + b"}",
    "4 MB of quotes": lambda: b'{"a":"' + b'\\"' * 2_000_000,
    "100,000 roles, which take 7 MB": lambda: b" " * 7_000_000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", MANY)
def test_a_delegator_is_bounded_before_it_is_searched(name: str) -> None:
    """SPEC TF-7, TF-12: in bytes, depth and count."""
    with pytest.raises(BadMetadata):
        parse(MANY[name]())


@pytest.mark.timeout(60)
def test_what_is_below_the_bounds_is_searched_at_once() -> None:
    """SPEC TF-12: thousands of keys and roles, and the worst patterns that are taken."""
    keys = {
        f"{n:064x}": {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": f"{n:064x}"}}
        for n in range(4_000)
    }
    assert len(parse(delegating([role("a", keyids=list(keys))], keys)).delegations.keys) == 4_000  # type: ignore[union-attr]
    found = parse(delegating([role(str(n)) for n in range(4_096)]))
    assert next_roles(found.delegations, "a") == ([], False)
    found = parse(delegating([role("a", paths=["*a" * 125 + str(n) for n in range(200)])]))
    assert next_roles(found.delegations, "a" * 230) == ([], False)
