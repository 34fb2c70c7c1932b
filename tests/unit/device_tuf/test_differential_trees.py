"""Any repository: the device's client gives python-tuf's verdict and bytes, but for the differences that are listed.

The table DIFFERENCES stands in docs/tuf-client.md too. `make sweep-differential` goes on where this ends.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from securesystemslib.formats import encode_canonical

from tests.tuf_repository import signer
from tests.tuf_tree import TufTree
from tests.unit.device_tuf.clients import NOW
from tests.unit.device_tuf.pair import GOOD, REFUSED, Ours, Theirs, history


# The same ones in each run; the sweep looks for new ones.
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_both_clients_agree_about_any_repository(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """SPEC TF-3 to TF-7, TF-12: delegation trees, bins, rotations, expiry, both namings, and what spoils them."""
    for judged in history(Random(seed), tmp_path_factory.mktemp("pair") / "x", steps=5):
        assert judged.same or judged.explained, judged


def signed_again(tree: TufTree, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the targets role in a way that python-tuf's types can't hold, and sign it."""
    found = json.loads(tree.raw("targets"))
    change(found["signed"])
    payload = str(encode_canonical(found["signed"])).encode()
    found["signatures"] = [one.sign(payload).to_dict() for one in tree.signers["targets"]]
    tree.put("targets", json.dumps(found).encode(), tree.roles["targets"].version)


def one_key_two_ids(tree: TufTree) -> None:
    twin = deepcopy(tree.signers["A"][0].public_key)
    twin.keyid = "f" * 64
    tree.roles["targets"].add_key(twin, "A")
    tree.publish("targets")


def member_twice(tree: TufTree) -> None:
    tree.metadata["1.A.json"] = tree.metadata["1.A.json"].replace(b'"signed":{', b'"signed":{"version":9,', 1)


def true_for_one(tree: TufTree) -> None:
    signed_again(tree, lambda signed: signed["delegations"]["roles"][0].update(threshold=True))


def one_for_true(tree: TufTree) -> None:
    signed_again(tree, lambda signed: signed["delegations"]["roles"][0].update(terminating=1))


def deep_custom(tree: TufTree) -> None:
    nested: Any = 0
    for _ in range(17):
        nested = [nested]
    signed_again(tree, lambda signed: signed.update(custom=nested))


def large_integer(tree: TufTree) -> None:
    signed_again(tree, lambda signed: signed.update(custom=2**53))


def unknown_key(tree: TufTree) -> None:
    odd = deepcopy(signer("odd").public_key)
    odd.keyid, odd.keytype, odd.scheme = "e" * 64, "new", "new-1"
    tree.roles["targets"].add_key(odd, "A")
    tree.publish("targets")


def unknown_hash(tree: TufTree) -> None:
    tree.roles["A"].targets["file"].hashes["new-1"] = "0"
    tree.publish("A")


def md5_alone(tree: TufTree) -> None:
    tree.add("A", "file", b"data", ("md5",))
    tree.publish("A")


def empty_and_missing(tree: TufTree) -> None:
    tree.add("A", "file", b"")
    tree.targets.clear()
    tree.publish("A")


def many_signatures(tree: TufTree) -> None:
    found = json.loads(tree.metadata["1.A.json"])
    found["signatures"] += [{"keyid": f"{n:064x}", "sig": "00"} for n in range(1025)]
    tree.metadata["1.A.json"] = json.dumps(found).encode()


DIFFERENCES: dict[str, tuple[Callable[[TufTree], None], str]] = {
    "one public key under two ids in a delegation": (one_key_two_ids, REFUSED),
    "a member twice in one object": (member_twice, REFUSED),
    "`true` for a threshold of 1": (true_for_one, REFUSED),
    "`1` for a `terminating` of true": (one_for_true, REFUSED),
    "nested deeper than 16": (deep_custom, REFUSED),
    "an integer above 2^53 - 1": (large_integer, REFUSED),
    "more than 1,024 signatures": (many_signatures, REFUSED),
    "a target by its MD5 alone": (md5_alone, REFUSED),
    "a key of an unknown kind beside a good one": (unknown_key, GOOD),
    "a hash of an unknown kind beside a good one": (unknown_hash, GOOD),
    "an empty target whose file is missing": (empty_and_missing, GOOD),
}


def pair(tmp_path: Path) -> tuple[TufTree, Ours, Theirs]:
    tree = TufTree(NOW)
    tree.delegate("targets", "A")
    tree.add("A", "file", b"data")
    tree.publish_all()
    return tree, Ours(tree, tmp_path / "ours"), Theirs(tree, tmp_path / "theirs")


@pytest.mark.parametrize("name", DIFFERENCES)
def test_listed_differences(name: str, tmp_path: Path) -> None:
    """SPEC TF-7, TF-12: what is stricter than python-tuf, and what goes on where it stops."""
    tree, ours, theirs = pair(tmp_path)
    change, verdict = DIFFERENCES[name]
    change(tree)
    assert ours.verdict("file").word == verdict
    assert theirs.verdict("file").word != verdict


@pytest.mark.parametrize("name", ["a/../file", "./file", "a//file"])
def test_names_that_a_server_would_tidy_up(name: str, tmp_path: Path) -> None:
    """SPEC TF-12: listed as a difference too."""
    tree, ours, theirs = pair(tmp_path)
    tree.add("targets", name, b"data")
    tree.publish("targets")
    assert ours.verdict(name).word == REFUSED
    assert theirs.verdict(name).word == GOOD


def test_other_keys_of_the_snapshot_end_a_fast_forward(tmp_path: Path) -> None:
    """SPEC TF-4, 5.3.11: python-tuf keeps the timestamp, with the thief's snapshot version in it, and stays stuck."""
    tree, ours, theirs = pair(tmp_path)
    tree.snapshot.version = 10**6
    tree.publish()
    assert ours.verdict("file").digest == theirs.verdict("file").digest is not None
    tree.snapshot.version = 5
    tree.rotate("snapshot", "new snapshot")
    tree.publish()
    assert ours.verdict("file").word == GOOD
    assert theirs.verdict("file").word == REFUSED


def test_the_page_lists_each_difference() -> None:
    """SPEC TF-12: whoever reads the page knows them all."""
    page = (Path(__file__).parents[3] / "docs" / "tuf-client.md").read_text()
    assert [name for name in DIFFERENCES if f"| {name} |" not in page] == []
