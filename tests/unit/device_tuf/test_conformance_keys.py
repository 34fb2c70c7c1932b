"""Keys, thresholds and signatures of every role, as suites of conformance tests try them."""

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner

from tests.tuf_repository import signer
from tests.unit.device_tuf.conftest import Stand


@dataclass(frozen=True)
class Signing:
    """Which of ten keys a version names, how many must sign, and which do."""

    keys: str
    threshold: int
    by: str
    good: bool = True


CHAINS: dict[str, list[Signing]] = {
    "one key by another": [Signing("1", 1, "1"), Signing("2", 1, "12"), Signing("2", 1, "2")],
    "signatures that nobody asked for": [Signing("1", 1, "3149"), Signing("2", 1, "93214")],
    "other three of five each time": [
        Signing("01234", 3, "024"),
        Signing("01234", 3, "041"),
        Signing("01234", 3, "013"),
    ],
    "one of five replaced": [Signing("01234", 3, "024"), Signing("01345", 3, "041")],
    "all of five replaced": [Signing("01234", 3, "024"), Signing("56789", 3, "024567"), Signing("56789", 3, "567")],
    "a higher threshold": [Signing("123", 1, "1"), Signing("123", 2, "12")],
    "a lower threshold": [Signing("123", 2, "12"), Signing("123", 1, "12"), Signing("123", 1, "1")],
    "without the old key": [Signing("1", 1, "1"), Signing("2", 1, "234", good=False)],
    "without the new key": [Signing("1", 1, "1"), Signing("2", 1, "134", good=False)],
    "two of three new ones": [Signing("01234", 3, "024"), Signing("01345", 3, "024", good=False)],
    "two of three old ones": [Signing("01234", 3, "024"), Signing("01345", 3, "045", good=False)],
    "a higher threshold unmet": [Signing("123", 1, "1"), Signing("123", 2, "2", good=False)],
    "the old threshold unmet": [Signing("123", 2, "12"), Signing("123", 1, "1", good=False)],
}


def ten(number: str) -> CryptoSigner:
    return signer(f"key {number} of ten")


@pytest.mark.parametrize("name", CHAINS)
def test_chains_of_roots(name: str, stand: Stand) -> None:
    """SPEC TF-3: each by its own threshold and by that of the one before; the last good one stays."""
    tree, chain = stand.tree, CHAINS[name]
    for version, step in enumerate(chain, 1):
        role = tree.root.roles["root"]
        role.keyids.clear()
        for number in step.keys:
            tree.root.add_key(ten(number).public_key, "root")
        role.threshold, tree.root.version = step.threshold, version
        tree.put("root", tree.sign(tree.root, map(ten, step.by)), version)
    assert stand.client.init() == 0
    good = chain[-1].good
    assert stand.client.refresh() == (0 if good else 1)
    kept = len(chain) if good else len(chain) - 1
    assert stand.client.roles()["root"] == tree.metadata[f"{kept}.root.json"]


ROLES = {
    "another key": Signing("2", 1, "2"),
    "signatures that nobody asked for": Signing("1", 1, "314"),
    "three of five": Signing("01234", 3, "134"),
    "the old key": Signing("2", 1, "13", good=False),
    "a key of another role's five": Signing("01345", 3, "024", good=False),
    "two of three": Signing("01345", 3, "04", good=False),
}


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "delegated"])
@pytest.mark.parametrize("name", ROLES)
def test_keys_of_the_roles(name: str, role: str, stand: Stand) -> None:
    """SPEC TF-4, TF-12: the role above names keys and threshold; who else signs counts for nothing."""
    tree, step = stand.tree, ROLES[name]
    if role == "delegated":
        tree.delegate("targets", role)
        tree.add(role, "file", b"data")
        above: Any = tree.roles["targets"].delegations.roles[role]  # type: ignore[union-attr,index]
        add: Any = tree.roles["targets"].add_key
    else:
        above, add = tree.root.roles[role], tree.root.add_key
    above.keyids.clear()
    for number in step.keys:
        add(ten(number).public_key, role)
    above.threshold, tree.signers[role] = step.threshold, [ten(number) for number in step.by]
    tree.put_root(bump=True)
    tree.publish_all()
    assert stand.client.init() == 0
    code = 0 if step.good else 1
    assert (stand.client.download("file") if role == "delegated" else stand.client.refresh()) == code
    assert (role in stand.client.roles()) == step.good


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_every_kind_of_key_that_the_specification_names(kind: str, begun: Stand) -> None:
    """SPEC TF-7; and a signature that only looks like one is refused."""
    one: CryptoSigner = getattr(CryptoSigner, f"generate_{kind}")()
    tree = begun.tree
    tree.root.add_key(one.public_key, "root")
    tree.root.roles["root"].threshold = 2
    tree.signers["root"].append(one)
    tree.put_root(bump=True)
    assert begun.client.refresh() == 0
    tree.put_root(bump=True)
    found = json.loads(tree.raw("root"))
    for each in found["signatures"]:
        if each["keyid"] == one.public_key.keyid:
            each["sig"] = json.loads(tree.metadata["2.root.json"])["signatures"][-1]["sig"]
    tree.put("root", json.dumps(found).encode(), 3)
    assert begun.client.refresh() == 1
    assert begun.client.roles()["root"] == tree.metadata["2.root.json"]


def test_a_signature_that_stands_twice_is_refused(begun: Stand) -> None:
    """SPEC TF-7; TUF's specification: key ids of signatures are unique, even above the threshold."""
    begun.tree.publish()
    found = json.loads(begun.tree.raw("snapshot"))
    found["signatures"].append(found["signatures"][0])
    begun.tree.put("snapshot", json.dumps(found).encode(), begun.tree.snapshot.version)
    assert begun.client.refresh() == 1


@pytest.mark.parametrize("where", ["root", "delegator"])
def test_one_public_key_under_two_ids_is_refused_in_roots_and_delegators(where: str, begun: Stand) -> None:
    """SPEC TF-7, TF-12: a threshold of two would be one thief's work."""
    tree = begun.tree
    tree.delegate("targets", "a")
    tree.add("a", "file", b"data")
    role = "a" if where == "delegator" else "snapshot"
    twin = deepcopy(tree.signers[role][0].public_key)
    twin.keyid = "f" * 64
    if where == "delegator":
        tree.roles["targets"].add_key(twin, "a")
    else:
        tree.root.add_key(twin, "snapshot")
        tree.put_root(bump=True)
    tree.publish("targets", "a")
    assert begun.client.download("file") == 1
    assert "a" not in begun.client.roles()


def test_an_unknown_kind_of_key_beside_a_good_one_is_skipped_in_a_delegator(begun: Stand) -> None:
    """SPEC TF-7, TF-12."""
    tree = begun.tree
    tree.delegate("targets", "a")
    tree.add("a", "file", b"data")
    odd = deepcopy(signer("odd").public_key)
    odd.keyid, odd.keytype, odd.scheme = "e" * 64, "new", "new-1"
    tree.roles["targets"].add_key(odd, "a")
    tree.publish("targets", "a")
    assert begun.client.download("file") == 0


def test_a_key_id_is_only_a_name(begun: Stand) -> None:
    """TUF's specification lets key ids be anything that is the same throughout."""
    tree = begun.tree
    odd = deepcopy(tree.signers["timestamp"][0])
    odd.public_key.keyid = "the timestamp's key"
    tree.root.revoke_key(tree.signers["timestamp"][0].public_key.keyid, "timestamp")
    tree.root.add_key(odd.public_key, "timestamp")
    tree.signers["timestamp"] = [odd]
    tree.put_root(bump=True)
    tree.publish()
    assert begun.client.refresh() == 0
