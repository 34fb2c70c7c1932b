"""Each finding has a world that has it and one that has not."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sealring.command.draft import DEFAULT_DAYS
from sealring.doctor.about_time import USUAL_DAYS
from sealring.doctor.examine import Examined
from sealring.doctor.findings import IDS
from sealring.doctor.tuf_files import StoreTuf, TufDeadline, TufRole
from sealring.envelope import Envelope
from sealring.keys import FamilyThreshold, KeySet, PublicKey
from sealring.names import NO_ROOT
from sealring.statement.authorities import RootRoles
from tests.unit.doctor.worlds import BRAND, MODEL, RELEASE, REVISION, STORE, WHOLE, WORLD, look, of, without
from tests.world import DAY, NOW, Key, World, hybrid_set, key_set, sign

OTHER = World(salt="other")
OWN = WORLD.brand_keys("acme")
NEW = WORLD.brand_keys("acme", 2)
ML = [Key(f"pq-{n}", "ml-dsa-65") for n in "ab"]
LIST = WORLD.signed(WORLD.revocations(1))
USED = [BRAND, MODEL, STORE, sign(WORLD.revision(), WORLD.delegate_keys()[0]), RELEASE]
PARTNER = WORLD.signed(WORLD.delegation())
TUF = StoreTuf(
    "acme/main",
    "http://127.0.0.1:1",
    (TufRole("root", 1, (Key("tuf-root").public,)), *(TufRole(n, 1, (Key("online").public,)) for n in ("timestamp",))),
    (TufDeadline("root", 1, NOW + 300 * DAY, online=False), TufDeadline("timestamp", 9, NOW + 7 * DAY, online=True)),
    pinned=True,
)


@dataclass(frozen=True)
class Case:
    """An id, a world that has the finding, and one like it that has not."""

    id: str
    level: str
    sick: Callable[[], Examined]
    well: Callable[[], Examined]


def world(*envelopes: Envelope | bytes, **more: Any) -> Callable[[], Examined]:
    return lambda: look(*envelopes, **more)


def brand(keys: KeySet, **more: Any) -> Envelope:
    """The brand's next version, with the signatures that make it count."""
    said = WORLD.brand(keys=keys, sequence=2, **more)
    return sign(said, *WORLD.brand_role, *OWN[:2])


def own(*keys: Key, threshold: int = 1) -> Envelope:
    """The brand's first version with these keys."""
    return WORLD.signed(WORLD.brand(keys=key_set(threshold, *keys)))


def release(**more: Any) -> Envelope:
    return WORLD.signed(WORLD.release(**more))


def copy_of(envelope: Envelope, *keys: Key) -> Envelope:
    return sign(envelope.payload, *keys)


def _with_later_key() -> KeySet:
    keys = [*(key.public for key in OWN), PublicKey("later", "slh-dsa-128", b"\1" * 32)]
    return KeySet(keys, [FamilyThreshold("classical", 2, "required")])


def _hybrid_root() -> Envelope:
    root, role = hybrid_set(2, 1, *WORLD.root_keys, *ML), hybrid_set(2, 1, *WORLD.brand_role, Key("pq-c", "ml-dsa-65"))
    return sign(WORLD.root_statement(roles=RootRoles(root, role), root=NO_ROOT), *WORLD.root_keys[:2], ML[0])


def renamed(*names: str) -> Envelope:
    """The brand's certificate, with its own keys under other names."""
    keys = [PublicKey(name, key.public.type, key.public.public) for name, key in zip(names, OWN, strict=True)]
    return WORLD.signed(WORLD.brand(keys=KeySet(keys, [FamilyThreshold("classical", 2, "required")])))


CASES = [
    Case("expired", "ended", world(*WHOLE, at=NOW + 90 * DAY), world(*WHOLE, at=NOW + 90 * DAY - timedelta(seconds=1))),
    Case("ends-soon", "warning", world(*WHOLE, at=NOW + 60 * DAY), world(*WHOLE, at=NOW + 59 * DAY)),
    Case(
        "end-of-support",
        "warning",
        world(*without(MODEL), WORLD.signed(WORLD.model(end_of_support=NOW + 9 * DAY))),
        world(*WHOLE),
    ),
    Case("not-yet", "note", world(*without(RELEASE), release(not_before=NOW + DAY)), world(*WHOLE)),
    Case(
        "revoked",
        "warning",
        world(*WHOLE, WORLD.signed(WORLD.revocations(1, ("revision acme/tool/1/amd64", "keep")))),
        world(*WHOLE, WORLD.signed(WORLD.revocations(1, ("revision acme/tool/9/amd64", "keep")))),
    ),
    Case(
        "conflict",
        "problem",
        world(*WHOLE, release(expires=NOW + 80 * DAY)),
        world(*WHOLE, sign(WORLD.release(expires=NOW + 80 * DAY), OWN[0])),
    ),
    Case(
        "revocations-missing",
        "problem",
        world(*without(RELEASE), release(revocations=1)),
        world(*without(RELEASE), release(revocations=1), LIST),
    ),
    Case("revocations-behind", "warning", world(*WHOLE, LIST), world(*WHOLE)),
    Case(
        "not-countersigned",
        "problem",
        world(*WHOLE, brand(key_set(2, *NEW))),
        world(*[copy_of(e, *OWN[:2], *NEW[:2]) for e in without(BRAND)], BRAND, brand(key_set(2, *NEW))),
    ),
    Case(
        "short-of-threshold", "warning", world(*WHOLE, sign(WORLD.release(2), OWN[0])), world(*WHOLE, release(number=2))
    ),
    Case(
        "missing-successor",
        "warning",
        world(*WHOLE, WORLD.signed(WORLD.brand(sequence=3))),
        world(*WHOLE, WORLD.signed(WORLD.brand(sequence=2)), WORLD.signed(WORLD.brand(sequence=3))),
    ),
    Case("missing", "warning", world(*without(REVISION)), world(*WHOLE)),
    Case("unused-delegation", "warning", world(*WHOLE, PARTNER), world(*USED, PARTNER)),
    Case(
        "delegation-wide",
        "warning",
        world(*USED, WORLD.signed(WORLD.delegation(kinds=["app", "kernel"]))),
        world(*USED, PARTNER),
    ),
    Case(
        "lifetime-too-long-for-type",
        "note",
        world(*without(RELEASE), release(expires=NOW + 91 * DAY)),
        world(*WHOLE),
    ),
    Case(
        "one-person",
        "warning",
        world(renamed("alice", "alice-backup", "bob")),
        world(renamed("alice", "carol", "bob")),
    ),
    Case(
        "no-spare",
        "warning",
        world(own(*OWN[:2], threshold=2)),
        world(own(*OWN, threshold=2)),
    ),
    Case(
        "weak-threshold",
        "note",
        world(own(*OWN, Key("d"), Key("e"), threshold=2)),
        world(own(*OWN, threshold=2)),
    ),
    Case("shared-key", "warning", world(own(*OWN, *WORLD.brand_role, threshold=2)), world(own(*OWN, threshold=2))),
    Case(
        "lone-algorithm",
        "note",
        world(),
        lambda: look(root=_hybrid_root()),
    ),
    Case(
        "unknown-key-type",
        "note",
        world(WORLD.signed(WORLD.brand(keys=_with_later_key()))),
        world(BRAND),
    ),
    Case(
        "tuf-not-verified",
        "problem",
        world(*WHOLE, stores=[replace(TUF, refused="1.root.json: not signed")]),
        world(*WHOLE, stores=[TUF]),
    ),
    Case("tuf-not-pinned", "note", world(*WHOLE, stores=[replace(TUF, pinned=False)]), world(*WHOLE, stores=[TUF])),
    Case("unread", "warning", world(*WHOLE, RELEASE.raw[:-9]), world(*WHOLE)),
    Case("foreign-root", "note", world(*WHOLE, OTHER.signed(OTHER.brand())), world(*WHOLE, BRAND)),
]


def test_every_finding_has_a_case() -> None:
    """An id that no world shows might never be said."""
    assert sorted({case.id for case in CASES}) == sorted(IDS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_world_that_has_it_and_one_that_has_not(case: Case) -> None:
    """A finding that is always there is read by nobody; one that is never there warns of nothing."""
    assert case.level in {one.level for one in of(case.sick(), case.id)}
    assert [one for one in of(case.well(), case.id) if one.level == case.level] == []


def test_the_manual_explains_every_finding() -> None:
    """Who meets an id in a log looks there for it."""
    manual = (Path(__file__).resolve().parents[3] / "docs" / "doctor.md").read_text(encoding="utf-8")
    section = manual.partition("### Findings")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE) == list(IDS)


def test_what_is_usual_is_what_the_command_proposes() -> None:
    """Otherwise who takes the defaults would be reminded of them."""
    assert USUAL_DAYS == DEFAULT_DAYS
