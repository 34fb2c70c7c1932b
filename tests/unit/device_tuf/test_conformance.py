"""`sealring-device tuf` against repositories over HTTP, as suites of conformance tests drive a client.

What is looked at is what such a suite sees: exit codes, the trusted files, the downloaded ones, the requests.
"""

import json
from copy import deepcopy
from typing import Any

import pytest
from tuf.api.metadata import MetaFile

from sealring_client.command.main import main
from tests.tuf_tree import TOP, TufTree
from tests.unit.device_tuf.clients import NOW
from tests.unit.device_tuf.conftest import Stand

# --- first steps


def test_a_refresh_asks_for_each_file_once_and_keeps_them_byte_for_byte(stand: Stand) -> None:
    """SPEC TF-12: trusted files lie unversioned in the folder."""
    assert stand.client.init() == 0
    assert stand.here.asked == []
    assert stand.client.refresh() == 0
    assert stand.here.asked_for() == ["2.root", "timestamp", "1.snapshot", "1.targets"]
    assert stand.client.roles() == {role: stand.tree.raw(role) for role in TOP}
    assert stand.client.refresh() == 0
    assert stand.here.asked_for() == ["2.root", "timestamp"]


def test_a_download_refreshes_by_itself(stand: Stand) -> None:
    assert stand.client.init() == 0
    assert stand.client.download("nothing of that name") == 1
    assert stand.here.asked_for() == ["2.root", "timestamp", "1.snapshot", "1.targets"]
    assert set(stand.client.roles()) == set(TOP)


@pytest.mark.parametrize("spoilt", ["version", "signature", "text"])
def test_a_first_root_that_nobody_can_trust_leads_to_no_request(spoilt: str, stand: Stand) -> None:
    root = json.loads(stand.tree.raw("root"))
    if spoilt == "version":
        del root["signed"]["version"]
    else:
        root["signatures"][0]["sig"] = "00" * 64
    assert stand.client.init(b"text" if spoilt == "text" else json.dumps(root).encode()) == 1
    assert stand.client.refresh() == 1
    assert stand.here.asked == []


def test_a_folder_begins_once(begun: Stand) -> None:
    """SPEC TF-12: the same root again is nothing new; another one beside these files would mix two repositories."""
    before = begun.client.roles()
    assert begun.client.init() == 0
    assert begun.client.init(TufTree(NOW, key="other").raw("root")) == 1
    assert begun.client.roles() == before


def test_members_that_nobody_knows_are_signed_and_kept(begun: Stand) -> None:
    tree = begun.tree
    tree.root.unrecognized_fields["more"] = {"a": [1, "b"]}
    tree.root.roles["root"].unrecognized_fields["more"] = "value"
    next(iter(tree.root.keys.values())).unrecognized_fields["keyid_hash_algorithms"] = ["md5"]
    tree.put_root(bump=True)
    assert begun.client.refresh() == 0
    assert begun.client.roles()["root"] == tree.raw("root")


def test_a_bucket_that_answers_403_has_no_next_root(begun: Stand) -> None:
    """Object stores say so of files that are not there."""
    begun.here.missing = 403
    assert begun.client.refresh() == 0


def test_a_server_that_fails_is_no_end_of_the_roots(begun: Stand) -> None:
    """SPEC TF-3: or whoever breaks a request would keep retired keys alive."""
    begun.here.missing = 500
    assert begun.client.refresh() == 1


# --- versions


def test_an_older_timestamp_is_refused(begun: Stand) -> None:
    old = begun.tree.raw("timestamp")
    begun.tree.publish()
    assert begun.client.refresh() == 0
    before = begun.client.roles()
    begun.tree.put("timestamp", old, 1)
    assert begun.client.refresh() == 1
    assert begun.client.roles() == before


@pytest.mark.parametrize("named", [False, True], ids=["versions", "lengths and hashes"])
@pytest.mark.parametrize("role", ["snapshot", "targets", "delegated"])
def test_an_older_file_is_refused(role: str, named: bool, begun: Stand) -> None:
    """SPEC TF-4, TF-12: for delegated roles too, though no step of a refresh reads them."""
    tree = begun.tree
    tree.named = named
    tree.delegate("targets", "delegated")
    tree.add("delegated", "file", b"data")
    tree.publish_all()
    tree.publish_all()
    assert begun.client.download("file") == 0
    before = begun.client.roles()
    if role == "snapshot":
        tree.timestamp.snapshot_meta.version -= 1
        tree.publish(snapshot=False)
    else:
        tree.snapshot.meta[f"{role}.json"].version -= 1
        tree.publish()
    assert begun.client.refresh() == 1
    assert begun.client.roles()["snapshot"] == before["snapshot"]
    assert begun.client.roles()[role] == before[role]


def test_a_role_once_listed_stays_listed(begun: Stand) -> None:
    """SPEC TF-4."""
    begun.tree.snapshot.meta["gone.json"] = MetaFile(2)
    begun.tree.publish()
    assert begun.client.refresh() == 0
    del begun.tree.snapshot.meta["gone.json"]
    begun.tree.publish()
    assert begun.client.refresh() == 1


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_other_keys_end_a_fast_forward(role: str, begun: Stand) -> None:
    """SPEC TF-4: a thief's version is gone with the thief's keys; those of the snapshot for versions of targets."""
    tree = begun.tree
    signed: Any = tree.roles["targets"] if role == "targets" else getattr(tree, role)
    signed.version = 10**6
    tree.publish(*(["targets"] if role == "targets" else []))
    assert begun.client.refresh() == 0
    signed.version = 5
    tree.publish(*(["targets"] if role == "targets" else []))
    assert begun.client.refresh() == 1
    for key in ("timestamp", "snapshot"):
        tree.rotate(key, f"new {key}")
    tree.publish("targets")
    assert begun.client.refresh() == 0
    assert begun.client.roles()[role] == tree.raw(role)


def test_a_snapshot_of_another_version_than_the_timestamp_names_is_refused(stand: Stand) -> None:
    tree = stand.tree
    tree.put("snapshot", tree.sign(deepcopy(tree.snapshot), []), 1)
    other = deepcopy(tree.snapshot)
    other.version = 2
    tree.put("snapshot", tree.sign(other, tree.signers["snapshot"]), 1)
    assert stand.client.init() == 0
    assert stand.client.refresh() == 1
    assert set(stand.client.roles()) == {"root", "timestamp"}


def test_the_same_version_with_other_content_is_not_taken(begun: Stand) -> None:
    before = begun.client.roles()["timestamp"]
    begun.tree.timestamp.snapshot_meta.version = 100
    raw = begun.tree.sign(begun.tree.timestamp, begun.tree.signers["timestamp"])
    begun.tree.put("timestamp", raw, 1)
    assert begun.client.refresh() == 0
    assert begun.client.roles()["timestamp"] == before


# --- expiry


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_what_has_expired_is_not_taken(role: str, begun: Stand) -> None:
    """SPEC TF-6."""
    before = begun.client.roles()[role]
    signed: Any = begun.tree.roles["targets"] if role == "targets" else getattr(begun.tree, role)
    signed.expires = begun.tree.in_days(-1)
    begun.tree.publish("targets")
    assert begun.client.refresh() == 1
    assert begun.client.roles()[role] == before


def test_an_expired_root_is_kept_and_ends_the_refresh(begun: Stand) -> None:
    """SPEC TF-3, TF-6."""
    tree = begun.tree
    before = begun.client.roles()
    tree.root.expires = tree.in_days(-1)
    tree.put_root(bump=True)
    tree.publish("targets")
    assert begun.client.refresh() == 1
    assert begun.client.roles() == {**before, "root": tree.raw("root")}
    tree.root.expires = tree.in_days(9)
    tree.put_root(bump=True)
    assert begun.client.refresh() == 0


# --- the command


def test_the_options_stand_before_the_action_and_are_all_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tuf", "--metadata-dir", "x", "refresh"]) == 2
    assert "--metadata-url" in capsys.readouterr().err
    assert main(["tuf", "--metadata-url", "http://127.0.0.1:1", "--metadata-dir", "/nonexistent", "refresh"]) == 1


def test_json(begun: Stand, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["tuf", "--json", "--metadata-dir", str(begun.client.metadata), "--metadata-url", begun.here.metadata_url]
    capsys.readouterr()
    assert main([*where, "refresh"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["root"], found["targets"]) == (1, 1, 1)
    assert main([*where, "--target-name", "x", "--target-base-url", "http://x", "--target-dir", "y", "download"]) == 1
    assert json.loads(capsys.readouterr().err)["rule"] == "TF-12"
