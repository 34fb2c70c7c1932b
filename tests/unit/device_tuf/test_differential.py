"""The device's TUF client gives python-tuf's verdict on every repository, but for the differences that are listed."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuf.api.metadata import MetaFile, TargetFile

from tests.tuf_repository import TufRepository, signer
from tests.unit.device_tuf.clients import NOW, Ours, Theirs

DAY = timedelta(days=1)
Change = Callable[[TufRepository], None]


def spoil(path: str, change: Callable[[dict[str, Any]], None]) -> Change:
    """Change a file without signing it again."""

    def do(repository: TufRepository) -> None:
        found = json.loads(repository.files[path])
        change(found)
        repository.files[path] = json.dumps(found).encode()

    return do


def nothing(_: TufRepository) -> None:
    pass


def news(r: TufRepository) -> None:
    r.publish(b"two")


def resigned(r: TufRepository) -> None:
    r.timestamp.version += 1
    r.write_timestamp()


def expired(role: str, days: int = 1) -> Change:
    """A newer version of one role that has expired already; the others are in order."""

    def do(r: TufRepository) -> None:
        r.publish(b"two")
        signed = getattr(r, role)
        signed.expires = NOW - days * DAY if days else NOW
        r.put(role, signed)

    return do


def expired_root(r: TufRepository) -> None:
    r.root.version += 1
    r.root.expires = NOW - DAY
    r.write_root()


def expired_middle_root(r: TufRepository) -> None:
    expired_root(r)
    r.next_root()


def rolled_back(role: str) -> Change:
    def do(r: TufRepository) -> None:
        before = deepcopy(getattr(r, role))
        r.publish(b"two")
        if role == "timestamp":
            r.files["timestamp.json"] = r.sign(before, r.signers[role])
            return
        setattr(r, role, before)
        if role == "targets":
            r.snapshot.version += 1
            r.snapshot.meta["targets.json"] = MetaFile(before.version)
            r.timestamp.version += 1
            r.write_snapshot()
            return
        r.timestamp.version += 1
        r.timestamp.snapshot_meta = MetaFile(before.version)
        r.write_timestamp()

    return do


def named_by(role: str, **named: Any) -> Change:
    """The file above names another length or hash than the role's file has."""

    def do(r: TufRepository) -> None:
        r.publish(b"two")
        if role == "snapshot":
            r.timestamp.version += 1
            r.timestamp.snapshot_meta = MetaFile(r.snapshot.version, **named)
            r.write_timestamp()
        elif role == "targets":
            r.snapshot.version += 1
            r.snapshot.meta["targets.json"] = MetaFile(r.targets.version, **named)
            r.timestamp.version += 1
            r.write_snapshot()
        else:
            info = TargetFile.from_data("catalogue.json", b"two", ["sha256"])
            info.length = named.get("length", info.length)
            info.hashes = named.get("hashes", info.hashes)
            r.targets.targets["catalogue.json"] = info
            r.targets.version += 1
            r.snapshot.version += 1
            r.timestamp.version += 1
            r.write_targets()

    return do


def signed_by(role: str, *names: str) -> Change:
    """A newer version of one role that other keys have signed."""

    def do(r: TufRepository) -> None:
        r.publish(b"two")
        signed = getattr(r, role)
        if role == "root":
            signed = deepcopy(signed)
            signed.version += 1
        r.put(role, signed, [signer(name) for name in names])

    return do


def missing(path: Callable[[TufRepository], str]) -> Change:
    def do(r: TufRepository) -> None:
        r.publish(b"two")
        del r.files[path(r)]

    return do


def served_as(source: Callable[[TufRepository], str], target: Callable[[TufRepository], str]) -> Change:
    """One file of the repository is served in another's place."""

    def do(r: TufRepository) -> None:
        r.publish(b"two")
        r.publish(b"three")
        r.files[target(r)] = r.files[source(r)]

    return do


def rotated(*roles: str, then_publish: bool = True) -> Change:
    def do(r: TufRepository) -> None:
        r.next_root(**{role: [signer(f"new {role} {n}") for n in ("ab" if role == "root" else "a")] for role in roles})
        if then_publish:
            r.publish(b"two")

    return do


def many_roots(r: TufRepository) -> None:
    for n in range(9):
        r.next_root(root=[signer(f"root {n} {k}") for k in "ab"])
    r.publish(b"two")


def gap(r: TufRepository) -> None:
    for _ in range(3):
        r.next_root()
    del r.files["3.root.json"]
    r.publish(b"two")


def only_old_keys(r: TufRepository) -> None:
    """Root 2 names new keys, which have not signed it."""
    old = list(r.previous_root)
    r.next_root(root=[signer("new root a"), signer("new root b")])
    r.put("root", r.root, old)


def only_new_keys(r: TufRepository) -> None:
    r.next_root(root=[signer("new root a"), signer("new root b")])
    r.put("root", r.root)


def jump(r: TufRepository) -> None:
    """The root after the next is served as the next."""
    r.next_root()
    r.next_root()
    r.files[f"{r.root.version - 1}.root.json"] = r.files[f"{r.root.version}.root.json"]


def higher_threshold(role: str, threshold: int) -> Change:
    def do(r: TufRepository) -> None:
        r.root.roles[role].threshold = threshold
        r.next_root()
        r.publish(b"two")

    return do


def two_of_two(r: TufRepository) -> None:
    r.root.roles["timestamp"].threshold = 2
    r.next_root(timestamp=[signer("t a"), signer("t b")])
    r.publish(b"two")


def plain_names(r: TufRepository) -> None:
    """A repository without consistent snapshots."""
    r.root.consistent_snapshot = False
    r.next_root()
    r.publish(b"two")
    r.files["snapshot.json"] = r.files[f"{r.snapshot.version}.snapshot.json"]
    r.files["targets.json"] = r.files[f"{r.targets.version}.targets.json"]
    r.files["targets/catalogue.json"] = b"two"


def dropped_meta(r: TufRepository) -> None:
    """The snapshot no longer lists a file that it once listed."""
    r.snapshot.meta["other.json"] = MetaFile(3)
    r.publish(b"two")


def unlisted(r: TufRepository) -> None:
    dropped_meta(r)
    del r.snapshot.meta["other.json"]
    r.publish(b"three")


CHANGES: dict[str, Change] = {
    "nothing new": nothing,
    "a publication": news,
    "a timestamp signed again": resigned,
    **{f"{role} expired": expired(role) for role in ("timestamp", "snapshot", "targets")},
    **{f"{role} expires this second": expired(role, 0) for role in ("timestamp", "snapshot", "targets")},
    "root expired": expired_root,
    "root expired and followed": expired_middle_root,
    **{f"{role} rolled back": rolled_back(role) for role in ("timestamp", "snapshot", "targets")},
    "snapshot of another length": named_by("snapshot", length=7),
    "snapshot of another hash": named_by("snapshot", hashes={"sha256": "0" * 64}),
    "snapshot by an unknown hash": named_by("snapshot", hashes={"md77": "0" * 64}),
    "targets of another length": named_by("targets", length=7),
    "targets of another hash": named_by("targets", hashes={"sha256": "0" * 64}),
    "target of another length": named_by("target", length=2),
    "target of another hash": named_by("target", hashes={"sha256": "0" * 64}),
    **{f"{role} by a stranger": signed_by(role, "stranger") for role in ("root", "timestamp", "snapshot", "targets")},
    **{f"{role} by nobody": signed_by(role) for role in ("root", "timestamp", "snapshot", "targets")},
    "root by one of two": signed_by("root", "store root a"),
    "timestamp by the snapshot's key": signed_by("timestamp", "store snapshot"),
    "no timestamp": missing(lambda _: "timestamp.json"),
    "no snapshot": missing(lambda r: f"{r.snapshot.version}.snapshot.json"),
    "no targets": missing(lambda r: f"{r.targets.version}.targets.json"),
    "no target": missing(lambda r: next(p for p in r.files if p.startswith("targets/") and r.files[p] == b"two")),
    "an older snapshot in place": served_as(
        lambda r: f"{r.snapshot.version - 1}.snapshot.json", lambda r: f"{r.snapshot.version}.snapshot.json"
    ),
    "older targets in place": served_as(
        lambda r: f"{r.targets.version - 1}.targets.json", lambda r: f"{r.targets.version}.targets.json"
    ),
    "a snapshot in the timestamp's place": served_as(
        lambda r: f"{r.snapshot.version}.snapshot.json", lambda _: "timestamp.json"
    ),
    "root rotated": rotated("root"),
    "every role rotated": rotated("root", "timestamp", "snapshot", "targets"),
    "keys rotated, nothing signed anew": rotated("timestamp", then_publish=False),
    "ten roots": many_roots,
    "a gap in the roots": gap,
    "root 2 by the old keys alone": only_old_keys,
    "root 2 by the new keys alone": only_new_keys,
    "root 3 served as root 2": jump,
    "a threshold that one key can't reach": higher_threshold("timestamp", 2),
    "a threshold of two of two": two_of_two,
    "no consistent snapshots": plain_names,
    "a file added to the snapshot": dropped_meta,
    "a file gone from the snapshot": unlisted,
    "timestamp not JSON": lambda r: r.files.update({"timestamp.json": b"{"}),
    "timestamp empty": lambda r: r.files.update({"timestamp.json": b""}),
    "timestamp without signatures": spoil("timestamp.json", lambda t: t.pop("signatures")),
    "timestamp of version 0": spoil("timestamp.json", lambda t: t["signed"].update(version=0)),
    "timestamp of another edition": spoil("timestamp.json", lambda t: t["signed"].update(spec_version="2.0.0")),
    "timestamp with a flipped signature": spoil("timestamp.json", lambda t: t["signatures"][0].update(sig="00" * 64)),
    "timestamp with a signature twice": spoil("timestamp.json", lambda t: t["signatures"].append(t["signatures"][0])),
    "timestamp with an unsigned member": spoil("timestamp.json", lambda t: t.update(more=1)),
    "timestamp with an unknown member": spoil("timestamp.json", lambda t: t["signed"].update(more=1)),
    "timestamp too long": lambda r: r.files.update({"timestamp.json": r.files["timestamp.json"] + b" " * 20_000}),
}


def both(tmp_path: Path) -> tuple[TufRepository, Ours, Theirs]:
    repository = TufRepository(NOW)
    repository.publish(b"one")
    return repository, Ours(repository), Theirs(repository, tmp_path)


@pytest.mark.parametrize("seen", [pytest.param(False, id="at first"), pytest.param(True, id="after a refresh")])
@pytest.mark.parametrize("name", CHANGES)
def test_both_clients_give_one_verdict(name: str, seen: bool, tmp_path: Path) -> None:
    """SPEC TF-3 to TF-6: what python-tuf refuses is refused, and what it takes is taken, in the same form."""
    repository, ours, theirs = both(tmp_path)
    if seen:
        assert ours.verdict() == theirs.verdict() != "refused"
    CHANGES[name](repository)
    assert ours.verdict() == theirs.verdict()
    # And once more over whatever the refusal has left behind.
    assert ours.verdict() == theirs.verdict()


@settings(max_examples=25, deadline=None)
@given(names=st.lists(st.sampled_from(sorted(CHANGES)), min_size=2, max_size=4))
def test_both_clients_give_one_verdict_over_a_history(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SPEC TF-4: what one change leaves on the disk decides how the next one is judged."""
    repository, ours, theirs = both(tmp_path_factory.mktemp("history"))
    for name in names:
        try:
            CHANGES[name](repository)
        except (KeyError, StopIteration, ValueError, TypeError, AttributeError):
            continue  # the change needs a file that an earlier one has spoilt
        assert ours.verdict() == theirs.verdict()


# --- the listed differences: here the device is stricter, or recovers where python-tuf does not


def duplicate_member(r: TufRepository) -> None:
    """TF-7: python-tuf takes the last of two members, another reader the first."""
    r.timestamp.version += 1
    r.write_timestamp()
    raw = r.files["timestamp.json"]
    r.files["timestamp.json"] = raw.replace(b'"signed":{', b'"signed":{"version":9,', 1)


def one_key_two_ids(r: TufRepository) -> None:
    """TF-7: under two ids one key makes a threshold of two."""
    name = "store timestamp"
    twin = deepcopy(signer(name).public_key)
    twin.keyid = "f" * 64
    r.root.add_key(twin, "timestamp")
    r.root.roles["timestamp"].threshold = 2
    r.next_root()
    r.publish(b"two")
    found = json.loads(r.files["timestamp.json"])
    found["signatures"].append({**found["signatures"][0], "keyid": twin.keyid})
    r.files["timestamp.json"] = json.dumps(found).encode()


def true_for_one(r: TufRepository) -> None:
    """TF-7: python-tuf counts `true` as the number 1."""
    r.root.roles["timestamp"].threshold = True
    r.next_root()
    r.publish(b"two")


def large_target(r: TufRepository) -> None:
    """TF-5: a catalogue is at most 1 KiB, whatever the store signs."""
    r.publish(b"x" * 1025)


STRICTER: dict[str, Change] = {
    "a member twice": duplicate_member,
    "one key under two ids": one_key_two_ids,
    "true for 1": true_for_one,
    "a target above the limit": large_target,
}


@pytest.mark.parametrize("name", STRICTER)
def test_stricter_than_python_tuf(name: str, tmp_path: Path) -> None:
    repository, ours, theirs = both(tmp_path)
    STRICTER[name](repository)
    assert theirs.verdict().startswith("good")
    assert ours.verdict() == "refused"


def unknown_key(r: TufRepository) -> None:
    """TF-7: a key of a type that nobody knows yet blinds python-tuf, beside keys that it knows."""
    r.root.version += 1
    found = json.loads(r.sign(r.root, []))
    found["signed"]["keys"]["e" * 64] = {"keytype": "new", "scheme": "new-1", "keyval": {"public": "00"}}
    found["signed"]["roles"]["timestamp"]["keyids"].append("e" * 64)
    sign_raw(r, found)
    r.publish(b"two")


def sign_raw(r: TufRepository, found: dict[str, Any]) -> None:
    """Sign a root that python-tuf's types can't hold."""
    from securesystemslib.formats import encode_canonical

    payload = str(encode_canonical(found["signed"])).encode()
    found["signatures"] = [one.sign(payload).to_dict() for one in r.signers["root"]]
    r.files[f"{r.root.version}.root.json"] = json.dumps(found).encode()


def fast_forward(r: TufRepository) -> None:
    """TF-4, specification 5.3.11: a thief of both keys went far ahead; the snapshot's key alone is replaced."""
    r.next_root(snapshot=[signer("new snapshot")])
    r.timestamp.version = 10**6 + 1
    r.snapshot.version = 2
    r.publish(b"three")


def test_a_key_of_an_unknown_type_is_skipped(tmp_path: Path) -> None:
    repository, ours, theirs = both(tmp_path)
    unknown_key(repository)
    assert theirs.verdict() == "refused"
    assert ours.verdict().startswith("good")


def test_replacing_a_role_s_keys_ends_a_fast_forward(tmp_path: Path) -> None:
    """SPEC TF-4: python-tuf keeps the timestamp, with the thief's snapshot version in it, and stays stuck."""
    repository, ours, theirs = both(tmp_path)
    repository.snapshot.version = 10**6
    repository.timestamp.version = 10**6
    repository.write_snapshot()
    assert ours.verdict() == theirs.verdict() != "refused"
    fast_forward(repository)
    assert theirs.verdict() == "refused"
    assert ours.verdict().startswith("good")
