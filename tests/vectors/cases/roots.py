"""The anchor, and the walk from root to root (SPEC RT)."""

from sealring.envelope import Envelope
from sealring.names import spell
from sealring.statement import Root
from sealring.statement.authorities import RootRoles
from sealring.strict import encode
from tests.vectors.cases.common import ACCEPTED, AT, WORLD, Case, Cases, case
from tests.world import DAY, NOW, Key, World, key_set, sign

OLD = WORLD.root_keys
NEW = [Key(f"root-{n}2") for n in "abc"]
LAST = [Key(f"root-{n}3") for n in "abc"]
ROLE = key_set(1, *WORLD.brand_role)


def root(version: int, keys: list[Key], **more: object) -> Root:
    """A root with these keys, 2 of 3, below the world's version 1."""
    return WORLD.root_statement(sequence=version, roles=RootRoles(key_set(2, *keys), ROLE), **more)


def _case(
    name: str, rule: str, comment: str, *roots: Envelope, anchor: Envelope = WORLD.root, at: str = AT, **facts: str
) -> Case:
    parts = [("anchor", anchor.raw), *(("root", one.raw) for one in roots)]
    return case(f"root/{name}", rule, comment, "root-walk", *parts, at=at, **facts)


def _anchors() -> Cases:
    yield _case("anchor", ACCEPTED, "version 1, as it came with the image", version="1", root_id=WORLD.root_id)
    later = sign(root(2, NEW), *NEW[:2])
    yield _case(
        "anchor-version-2",
        ACCEPTED,
        "a newer image brings version 2: the name is version 1's id",
        anchor=later,
        version="2",
        root_id=WORLD.root_id,
    )
    yield _case(
        "anchor-below-threshold",
        "TH-1",
        "an anchor that not even its own keys signed",
        anchor=sign(WORLD.root_statement(root="0" * 64), OLD[0]),
    )
    yield _case("anchor-is-a-brand", "ST-6", "a brand where the root belongs", anchor=WORLD.signed(WORLD.brand()))
    yield _case("anchor-expired", "TM-1", "whole, and too old to install anything by", at=spell(NOW + 365 * DAY))


def _steps() -> Cases:
    two = sign(root(2, NEW), *OLD[:2], *NEW[:2])
    three = sign(root(3, LAST), *NEW[:2], *LAST[:2])
    yield _case("rotated", ACCEPTED, "signed by two of the old and two of the new", two, version="2")
    yield _case(
        "rotated-twice", ACCEPTED, "1, 2, 3: no key of 1 is left in 3", two, three, version="3", root_id=WORLD.root_id
    )
    mixed = [OLD[0], OLD[1], NEW[0]]
    yield _case(
        "overlap", ACCEPTED, "two keys stay and sign for both versions", sign(root(2, mixed), *OLD[:2]), version="2"
    )
    yield _case(
        "overlap-new-key-adds-nothing",
        "TH-1",
        "old a and new a: one of the old, two of the new",
        sign(root(2, mixed), OLD[0], NEW[0]),
    )
    yield _case("only-new-keys", "TH-1", "a thief makes a root of his own (RT-1)", sign(root(2, NEW), *NEW))
    yield _case("only-old-keys", "TH-1", "new keys that nobody has shown to hold (RT-1)", sign(root(2, NEW), *OLD))
    yield _case(
        "pooled",
        "TH-1",
        "one old and one new key: two signatures, no threshold (RT-1)",
        sign(root(2, NEW), OLD[0], NEW[0]),
    )
    yield _case(
        "by-role-brand", "TH-1", "the role brand may not name a root", sign(root(2, NEW), *WORLD.brand_role, *NEW[:2])
    )
    yield _case(
        "jump",
        "RT-2",
        "3 after 1, by keys of both: version 2's keys would be jumped over",
        sign(root(3, LAST), *OLD[:2], *LAST[:2]),
    )
    yield _case("jump-skips-keys", "TH-1", "3 after 1 by the keys of 2 and 3", three)
    yield _case("again", "RT-2", "version 2 again after version 2", two, sign(root(2, NEW, issued=NOW - DAY), *NEW[:2]))
    yield _case("backwards", "TH-1", "version 2 again after version 3: its keys are retired", two, three, two)
    yield _case(
        "brand-as-root", "ST-6", "a brand signed by the role root where a root belongs", sign(WORLD.brand(), *OLD[:2])
    )
    staging = World(salt="staging")
    foreign = staging.root_statement(sequence=2, roles=RootRoles(key_set(2, *NEW), ROLE))
    yield _case(
        "of-another-root",
        "ST-4",
        "a rehearsal's version 2, signed by people who hold keys in both",
        sign(foreign, *OLD[:2], *NEW[:2]),
    )
    first = WORLD.root_statement(root="0" * 64, roles=RootRoles(key_set(2, *NEW), ROLE))
    yield _case("second-version-1", "ST-4", "another version 1 would be another root", sign(first, *OLD[:2], *NEW[:2]))
    text = encode(root(2, NEW)).replace(b'"format":1', b'"format":2')
    yield _case(
        "newer-format",
        "ST-2",
        "a root in a format that this device can't read, well signed",
        sign(text, *OLD[:2], *NEW[:2]),
    )


def _times() -> Cases:
    brief = sign(root(2, NEW, expires=NOW + DAY), *OLD[:2], *NEW[:2])
    three = sign(root(3, LAST), *NEW[:2], *LAST[:2])
    later = spell(NOW + 100 * DAY)
    yield _case(
        "expired-on-the-way",
        ACCEPTED,
        "a device that was off walks over an expired version 2",
        brief,
        three,
        at=later,
        version="3",
    )
    yield _case("expired-at-the-end", "TM-1", "and may not stop there", brief, at=later)
    ahead = sign(root(2, NEW, issued=NOW + DAY), *OLD[:2], *NEW[:2])
    yield _case("issued-ahead", "TM-2", "signed today with tomorrow's date", ahead)


def cases() -> Cases:
    for part in (_anchors, _steps, _times):
        yield from part()
