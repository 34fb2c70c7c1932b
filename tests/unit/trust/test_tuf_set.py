"""The one verification of a store's TUF files, and every way of spoiling one of them (SPEC TF-3 to TF-7)."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.formats import encode_canonical

from sealring.catalogue.entry import first_entry
from sealring.errors import TrustError
from sealring.tuf_form import MAX_TIMESTAMP, MAX_TUF_FILE, NotVouched
from sealring.tuf_set import MAX_ROOTS, NotCurrent, TufSet, check_current
from tests.tuf_repository import TufRepository, signer

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENTRY = first_entry(root=b"\1" * 32, map=b"\2" * 32, size=3, time=AT).raw


@dataclass
class Spoilt:
    """A repository that a test spoils, and the set that it then shows."""

    repository: TufRepository
    roots: tuple[int, ...] = (1, 2)

    def set(self) -> TufSet:
        """What a store would serve."""
        files, snapshot, targets = self.repository.files, self.repository.snapshot, self.repository.targets
        roots = tuple(files[f"{version}.root.json"] for version in self.roots)
        names = ("timestamp.json", f"{snapshot.version}.snapshot.json", f"{targets.version}.targets.json")
        catalogue = next(raw for name, raw in files.items() if name.startswith("targets/"))
        timestamp, snap, over = (files[name] for name in names)
        return TufSet(roots, timestamp, snap, over, catalogue)

    def edit(self, role: str, change: Callable[[dict[str, Any]], None], *, signed_by: str = "") -> None:
        """Change a role's members behind python-tuf's back, and sign the result as its holders (or others) would."""
        name = self.name(role)
        document = json.loads(self.repository.files[name])
        change(document["signed"])
        payload = str(encode_canonical(document["signed"])).encode()
        signers = self.repository.signers[signed_by or role]
        made = [one.sign(payload) for one in signers]
        document["signatures"] = [{"keyid": one.keyid, "sig": one.signature} for one in made]
        self.repository.files[name] = json.dumps(document).encode()

    def bytes(self, role: str, change: Callable[[bytes], bytes]) -> None:
        """Change a role's bytes."""
        name = self.name(role)
        self.repository.files[name] = change(self.repository.files[name])

    def name(self, role: str) -> str:
        """The newest file of this role."""
        version = getattr(self.repository, role).version
        return "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"


def spoilt() -> Spoilt:
    """One that is still whole: two roots, and a catalogue."""
    made = TufRepository(AT)
    made.next_root()
    made.publish(ENTRY)
    return Spoilt(made)


GENUINE = spoilt().set()


def _twice(one: Spoilt) -> None:
    # The first `version` is what another reader would take.
    one.bytes("timestamp", lambda raw: raw.replace(b'"version":', b'"version": 7, "version":', 1))


def _two_ids(one: Spoilt) -> None:
    """One holder of the role root, listed under a second id: alone he reaches the threshold of two."""

    def change(said: dict[str, Any]) -> None:
        (first, *_) = said["roles"]["root"]["keyids"]
        said["keys"]["f" * 64] = said["keys"][first]
        said["roles"]["root"]["keyids"] = [first, "f" * 64]

    one.edit("root", change)


def _two_ids_of_a_delegate(one: Spoilt) -> None:
    key = signer("delegate").public_key.to_dict()

    def change(said: dict[str, Any]) -> None:
        role = {"name": "packages", "keyids": ["a" * 64, "b" * 64], "threshold": 2, "terminating": True, "paths": ["*"]}
        said["delegations"] = {"keys": {"a" * 64: key, "b" * 64: key}, "roles": [role]}

    one.edit("targets", change)


def _meta(role: str, name: str, **more: Any) -> Callable[[Spoilt], None]:
    return lambda one: one.edit(role, lambda said: said["meta"][name].update(more))


def _target(**more: Any) -> Callable[[Spoilt], None]:
    return lambda one: one.edit("targets", lambda said: said["targets"]["catalogue.json"].update(more))


def _older_snapshot(one: Spoilt) -> None:
    one.edit("snapshot", lambda said: said.update(version=said["version"] + 1))


def _other_role(role: str, by: str) -> Callable[[Spoilt], None]:
    return lambda one: one.edit(role, lambda _: None, signed_by=by)


def _one_of_two(one: Spoilt) -> None:
    document = json.loads(one.repository.files["2.root.json"])
    document["signatures"] = document["signatures"][:1]
    one.repository.files["2.root.json"] = json.dumps(document).encode()


def _one_signature_twice(one: Spoilt) -> None:
    document = json.loads(one.repository.files["2.root.json"])
    document["signatures"] = document["signatures"][:1] * 2
    one.repository.files["2.root.json"] = json.dumps(document).encode()


def _own_keys_only(one: Spoilt) -> None:
    """A root that a thief made: signed by its own keys, and not by those before."""
    one.repository.previous_root = []
    one.repository.next_root(root=[signer("thief a"), signer("thief b")])
    one.roots = (1, 2, 3)


def _gap(one: Spoilt) -> None:
    one.repository.next_root()
    one.roots = (1, 3)


def _deep(one: Spoilt) -> None:
    nested: Any = {}
    for _ in range(16):
        nested = {"x": nested}
    one.edit("timestamp", lambda said: said.update(nested=nested))


ATTACKS: dict[str, tuple[Callable[[Spoilt], None], str]] = {
    "a member twice": (_twice, "TF-7"),
    "one key under two ids": (_two_ids, "TF-7"),
    "one delegate's key under two ids": (_two_ids_of_a_delegate, "TF-7"),
    "too deep": (_deep, "TF-7"),
    "a version of 2^53": (lambda one: one.edit("timestamp", lambda said: said.update(x=2**53)), "TF-7"),
    "a number with a point": (lambda one: one.bytes("timestamp", lambda raw: b'{"x":1.5,' + raw[1:]), "TF-7"),
    "a version that is true": (lambda one: one.edit("timestamp", lambda said: said.update(version=True)), "TF-7"),
    "more signatures than are read": (
        lambda one: one.bytes("snapshot", lambda raw: _signatures(raw, 1025)),
        "TF-7",
    ),
    "a longer timestamp than is read": (lambda one: one.bytes("timestamp", lambda raw: raw + b" " * 16384), "TF-7"),
    "a longer snapshot than is read": (lambda one: one.bytes("snapshot", lambda raw: raw + b" " * 2**19), "TF-7"),
    "no JSON": (lambda one: one.bytes("targets", lambda raw: raw[:-1]), "TF-7"),
    "no object": (lambda one: one.bytes("targets", lambda _: b"[]"), "TF-7"),
    "a role as another": (lambda one: one.bytes("timestamp", lambda _: one.repository.files["1.root.json"]), "TF-4"),
    "a timestamp by the snapshot's key": (_other_role("timestamp", "snapshot"), "TF-4"),
    "a snapshot by the timestamp's key": (_other_role("snapshot", "timestamp"), "TF-4"),
    "targets by the snapshot's key": (_other_role("targets", "snapshot"), "TF-4"),
    "a root by the timestamp's key": (_other_role("root", "timestamp"), "TF-4"),
    "a root by one of two": (_one_of_two, "TF-4"),
    "a root by one, twice": (_one_signature_twice, "TF-7"),
    "a root by its own keys only": (_own_keys_only, "TF-4"),
    "roots with a gap": (_gap, "TF-3"),
    "no root": (lambda one: setattr(one, "roots", ()), "TF-3"),
    "more roots than are walked": (lambda one: setattr(one, "roots", (1,) * (MAX_ROOTS + 1)), "TF-3"),
    "another snapshot's version": (_meta("timestamp", "snapshot.json", version=2), "TF-4"),
    "another snapshot's length": (_meta("timestamp", "snapshot.json", length=1), "TF-5"),
    "another snapshot's digest": (_meta("timestamp", "snapshot.json", hashes={"sha256": "0" * 64}), "TF-5"),
    "another targets' version": (_meta("snapshot", "targets.json", version=2), "TF-4"),
    "another targets' length": (_meta("snapshot", "targets.json", length=1), "TF-5"),
    "another targets' digest": (_meta("snapshot", "targets.json", hashes={"sha256": "0" * 64}), "TF-5"),
    "a newer snapshot than is named": (_older_snapshot, "TF-4"),
    "no targets": (lambda one: one.edit("snapshot", lambda said: said.update(meta={})), "TF-4"),
    "no catalogue": (lambda one: one.edit("targets", lambda said: said.update(targets={})), "TF-5"),
    "another catalogue's length": (_target(length=len(ENTRY) + 1), "TF-5"),
    "another catalogue's digest": (_target(hashes={"sha256": "0" * 64}), "TF-5"),
    "a catalogue by another digest only": (_target(hashes={"sha512": "0" * 128}), "TF-5"),
    "a catalogue of a digest that is no digest": (_target(hashes={"sha256": "../x"}), "TF-5"),
    "a catalogue of any length": (_target(length=2**40), "TF-5"),
}


def _signatures(raw: bytes, number: int) -> bytes:
    document = json.loads(raw)
    document["signatures"] += [{"keyid": f"{n:064x}", "sig": "00"} for n in range(number)]
    return json.dumps(document, separators=(",", ":")).encode()


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_spoilt_is_refused_by_its_rule(attack: str) -> None:
    """TF-3 to TF-5, TF-7: whoever holds less than a role's threshold, or shows other bytes, is told so."""
    one = spoilt()
    spoil, rule = ATTACKS[attack]
    spoil(one)
    found = one.set()
    with pytest.raises(NotVouched) as refused:
        found.verify()
    assert (refused.value.rule, refused.value.exit_code) == (rule, 25), str(refused.value)


def test_the_whole_set_tells_its_entry_its_roots_and_its_end() -> None:
    """TF-3, TF-6: what a caller compares with what it saw before."""
    found = GENUINE.verify()
    assert (found.entry.raw, found.timestamp, found.snapshot) == (ENTRY, 1, 1)
    assert [mark.version for mark in found.roots] == [1, 2]
    assert found.expires == AT + timedelta(days=7)


@pytest.mark.parametrize(("seconds", "max_age", "good"), [
    (-1, None, True), (0, None, False), (-86400 * 6 - 1, 86400, True), (-86400 * 6, 86400, False),
])  # fmt: skip
def test_the_last_good_instant_is_the_one_before_the_earliest_end(
    seconds: int, max_age: int | None, good: bool
) -> None:
    """TF-6: equality is refused; the brand's bound on the age counts where it is known."""
    found, at = GENUINE.verify(), AT + timedelta(days=7, seconds=seconds)
    if good:
        check_current(found, at, max_age)
    else:
        with pytest.raises(NotCurrent) as refused:
            check_current(found, at, max_age)
        assert (refused.value.rule, refused.value.exit_code) == ("TF-6", 22)


def test_an_expired_set_still_verifies() -> None:
    """TF-3, CT-5: evidence does not end with its files; expiry is judged apart."""
    assert GENUINE.verify().entry.sequence == 1


def test_a_key_of_a_new_type_beside_good_ones_blinds_nobody() -> None:
    """TF-7: a store that adds a key of tomorrow's type is read by those who know the others; members stay signed."""
    one = spoilt()

    def change(said: dict[str, Any]) -> None:
        said["keys"]["e" * 64] = {"keytype": "ml-dsa", "scheme": "ml-dsa-65", "keyval": {"public": "00"}}
        said["roles"]["timestamp"]["keyids"].append("e" * 64)

    one.edit("root", change)
    assert one.set().verify().entry.raw == ENTRY


@given(st.sampled_from(["timestamp", "snapshot", "targets", "catalogue"]), st.data())
def test_a_changed_byte_never_changes_what_is_accepted(name: str, data: st.DataObject) -> None:
    """TF-4, TF-5: the same entry, or a refusal; never a third thing, and no other exception."""
    raw = bytearray(getattr(GENUINE, name))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    changed: Any = {name: bytes(raw)}
    with contextlib.suppress(TrustError):
        assert replace(GENUINE, **changed).verify().entry.raw == ENTRY


@given(st.binary(max_size=200), st.sampled_from(["timestamp", "snapshot", "targets", "catalogue", "roots"]))
def test_nothing_else_escapes(raw: bytes, name: str) -> None:
    """TF-7: a stranger's bytes are refused as such, whatever they are."""
    found: Any = {name: (raw,) if name == "roots" else raw}
    with pytest.raises(TrustError):
        replace(GENUINE, **found).verify()


def test_quotes_without_a_partner_are_read_once() -> None:
    """TF-7: a file of half a megabyte of quotes takes no longer than any other."""
    raw = b'"\\' * (MAX_TUF_FILE // 2)
    assert MAX_TIMESTAMP < len(raw) <= MAX_TUF_FILE
    with pytest.raises(NotVouched):
        replace(GENUINE, snapshot=raw).verify()
