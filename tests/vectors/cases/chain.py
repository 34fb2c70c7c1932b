"""Any statement of a brand: authority, floors and time (SPEC AU, ST, FL, TM)."""

from datetime import timedelta

from sealring.envelope import Envelope
from sealring.names import spell
from sealring.statement import Common
from sealring.statement.authorities import RootRoles
from sealring.strict import encode
from tests.vectors.cases.authority import FIRST, NEW_ROLE, ONE, ROLE, ROOT_KEYS, SECOND, THIEF, TWO, brand
from tests.vectors.cases.common import ACCEPTED, AT, WORLD, Case, Cases, case
from tests.vectors.cases.roots import NEW
from tests.vectors.cases.roots import root as root_with
from tests.world import DAY, NOW, Key, World, key_set, merge, sign

ANCHOR = ("anchor", WORLD.root.raw)
HELD = (ANCHOR, ("held", FIRST.raw))
ROTATED = (*HELD, ("held", SECOND.raw))
EVIL = ("held", WORLD.signed(WORLD.brand("evil")).raw)
MINUTE = timedelta(minutes=1)
Part = tuple[str, bytes]


def _case(
    path: str,
    rule: str,
    comment: str,
    statement: Envelope,
    *more: Part,
    before: tuple[Part, ...] = HELD,
    type: str = "release",
    authority: str = "acme",
    at: str = AT,
    **headers: str,
) -> Case:
    parts = (*before, *more, ("statement", statement.raw))
    facts = {} if rule else {"id": statement.id}
    return case(path, rule, comment, "chain", *parts, type=type, authority=authority, at=at, **headers, **facts)


def _by(statement: Common | bytes, *keys: Key) -> Envelope:
    return sign(statement, *(keys or ONE[:2]))


def _scope() -> Cases:
    release, other = WORLD.release(3), World(salt="staging")
    yield _case("authority/good", ACCEPTED, "a release by two of its brand's keys", _by(release))
    yield _case(
        "authority/another-brand",
        "TH-1",
        "a certified publisher signs someone else's software",
        sign(release, *WORLD.brand_keys("evil")),
        EVIL,
    )
    yield _case(
        "authority/another-brand-asked",
        "AU-1",
        "the same, where the publisher's own was asked for",
        sign(release, *WORLD.brand_keys("evil")),
        EVIL,
        authority="evil",
    )
    yield _case(
        "authority/two-brands-keys",
        "TH-1",
        "one key of each of two brands",
        sign(release, ONE[0], WORLD.brand_keys("evil")[0]),
        EVIL,
    )
    yield _case(
        "authority/unknown-brand", "BR-1", "a brand that the root never certified", _by(release), before=(ANCHOR,)
    )
    yield _case("authority/by-root", "TH-1", "the root's keys sign no software", sign(release, *ROOT_KEYS, *ROLE))
    yield _case(
        "authority/of-another-root", "ST-4", "a rehearsal's release, signed with the same keys", _by(other.release(3))
    )
    yield _case("authority/another-type", "ST-6", "a revision where a release was asked for", _by(WORLD.revision()))
    yield _case(
        "authority/own-certificate",
        "AU-1",
        "a brand that signs its own certificate",
        _by(WORLD.brand(sequence=2)),
        type="brand",
    )
    yield _case(
        "authority/newer-format",
        "ST-2",
        "well signed, in a format of a later edition",
        _by(encode(release).replace(b'"format":1', b'"format":2')),
    )
    yield _case(
        "authority/malformed-and-signed",
        "ST-1",
        "well signed, and with a blank: signatures excuse no spelling",
        _by(encode(release).replace(b',"format"', b', "format"')),
    )
    yield _case(
        "authority/malformed-and-unsigned", "TH-1", "nobody signed it: nothing of it is read", _by(b"{ }", *THIEF)
    )


def _rotation() -> Cases:
    release = WORLD.release(3)
    yield _case(
        "rotation/retired-keys",
        "TH-1",
        "the brand's keys were rotated: what the old ones signed counts no more",
        _by(release),
        before=ROTATED,
    )
    yield _case("rotation/new-keys", ACCEPTED, "signed by the new keys", _by(release, *TWO[:2]), before=ROTATED)
    yield _case(
        "rotation/old-and-new",
        "TH-1",
        "one old key and one new: sets are never pooled",
        _by(release, ONE[0], TWO[0]),
        before=ROTATED,
    )
    yield _case(
        "rotation/counter-signed",
        ACCEPTED,
        "counter-signed before the rotation: nothing is issued again",
        _by(release, *ONE[:2], *TWO[:2]),
        before=ROTATED,
    )
    rotated = ("root", sign(root_with(2, NEW), *ROOT_KEYS[:2], *NEW[:2]).raw)
    yield _case(
        "rotation/root-keys",
        ACCEPTED,
        "the role root was rotated, the role brand not: the brand stands",
        _by(release),
        rotated,
    )
    new_role = sign(
        WORLD.root_statement(sequence=2, roles=RootRoles(key_set(2, *ROOT_KEYS), key_set(1, NEW_ROLE))), *ROOT_KEYS[:2]
    )
    yield _case(
        "rotation/role-brand",
        "BR-1",
        "the role brand was rotated: an uncertified brand says nothing",
        _by(release),
        ("root", new_role.raw),
    )
    again = merge([FIRST, brand(1, ONE, NEW_ROLE)])
    yield _case(
        "rotation/role-brand-certified-again",
        ACCEPTED,
        "until it is certified again",
        _by(release),
        ("root", new_role.raw),
        ("held", again.raw),
    )


def _floors() -> Cases:
    def floor(*envelopes: Envelope) -> tuple[Part, ...]:
        return tuple(("floor", one.raw) for one in envelopes)

    three, four = _by(WORLD.release(3)), _by(WORLD.release(4))
    yield _case(
        "floor/rollback-by-one", "FL-1", "a store replays release 3 to a device that has seen 4", three, *floor(four)
    )
    yield _case("floor/same", ACCEPTED, "the one already seen", four, *floor(four))
    yield _case("floor/next", ACCEPTED, "the next one", four, *floor(three))
    yield _case(
        "floor/another-channel",
        ACCEPTED,
        "the floor of another channel is none",
        three,
        *floor(_by(WORLD.release(4, channel="latest/edge"))),
    )
    old = _by(WORLD.release(4, issued=NOW - 100 * DAY))
    yield _case("floor/expired-floor", "FL-1", "an expired statement still is a floor", three, *floor(old))
    twin = _by(WORLD.release(4, revocations=1))
    yield _case(
        "floor/conflict", "FL-3", "a second statement with sequence 4: what was seen first is kept", twin, *floor(four)
    )
    yield _case(
        "floor/conflict-ends", ACCEPTED, "sequence 5 ends the quarrel", _by(WORLD.release(5)), *floor(four, twin)
    )
    lower = WORLD.release(1, sequence=5)
    yield _case("floor/lower-revision", ACCEPTED, "sequences are compared, not revisions", _by(lower), *floor(four))
    kept = _by(WORLD.release(4), *ONE[:2], *TWO[:2])
    yield _case(
        "floor/routine-rotation",
        "FL-1",
        "keys rotated, the floor was counter-signed: it stands",
        _by(WORLD.release(3), *ONE[:2], *TWO[:2]),
        *floor(kept),
        before=ROTATED,
    )
    ahead = _by(WORLD.release(2**31 - 1, sequence=2**53 - 1))
    yield _case(
        "floor/thief-ran-ahead",
        ACCEPTED,
        "a thief's last sequence ends with his keys, the honest floor is back",
        _by(WORLD.release(4), *TWO[:2]),
        *floor(ahead, _by(WORLD.release(3), *ONE[:2], *TWO[:2])),
        before=ROTATED,
    )
    yield _case(
        "floor/thief-ran-ahead-rollback",
        "FL-1",
        "and holds: below it nothing is taken",
        _by(WORLD.release(2), *TWO[:2]),
        *floor(ahead, _by(WORLD.release(3), *ONE[:2], *TWO[:2])),
        before=ROTATED,
    )
    build = WORLD.revision(1, b"good")
    other = WORLD.revision(1, b"evil", sequence=2)
    yield _case(
        "floor/second-image",
        "FL-3",
        "a revision issued again for another image",
        _by(other),
        *floor(_by(build)),
        type="revision",
    )
    again = WORLD.revision(1, b"good", sequence=2, purpose="security")
    yield _case(
        "floor/issued-again",
        ACCEPTED,
        "a revision issued again for the same image",
        _by(again),
        *floor(_by(build)),
        type="revision",
    )


def _times() -> Cases:
    release = _by(WORLD.release(3))
    end = NOW + 90 * DAY
    yield _case(
        "time/last-second", ACCEPTED, "one second before it expires", release, at=spell(end - timedelta(seconds=1))
    )
    yield _case("time/at-expiry", "TM-1", "equality is refused", release, at=spell(end))
    yield _case("time/expired", "TM-1", "a frozen store shows what was true once", release, at=spell(end + DAY))
    yield _case(
        "time/expired-poor-clock", "TM-1", "a poor clock excuses no expiry", release, at=spell(end), proven="no"
    )
    ahead = _by(WORLD.release(3, issued=NOW + 10 * MINUTE))
    yield _case("time/ten-minutes-ahead", ACCEPTED, "clocks may differ by ten minutes", ahead)
    ahead = _by(WORLD.release(3, issued=NOW + 10 * MINUTE + timedelta(seconds=1)))
    yield _case("time/issued-ahead", "TM-2", "one second more: signing is releasing", ahead)
    yield _case(
        "time/issued-ahead-poor-clock",
        ACCEPTED,
        "a device without a clock learns the time from it (TM-5)",
        ahead,
        proven="no",
    )
    waits = _by(WORLD.release(3, not_before=NOW + DAY))
    yield _case("time/not-before", "TM-3", "an embargo until tomorrow", waits)
    yield _case("time/not-before-reached", ACCEPTED, "and tomorrow it is over", waits, at=spell(NOW + DAY))
    late = ("seen", _by(WORLD.model(issued=NOW + 100 * DAY)).raw)
    yield _case("time/clock-set-back", "TM-1", "the clock says March, the brand itself signed in June", release, late)
    foreign = ("seen", sign(WORLD.model(brand="evil", issued=NOW + 100 * DAY), *WORLD.brand_keys("evil")[:2]).raw)
    yield _case(
        "time/another-brands-floor",
        ACCEPTED,
        "another brand's date ages nobody else's software",
        release,
        EVIL,
        foreign,
    )
    june = root_with(2, ROOT_KEYS, issued=NOW + 100 * DAY)
    yield _case(
        "time/roots-floor", "TM-1", "the root's date counts for all", release, ("root", sign(june, *ROOT_KEYS[:2]).raw)
    )
    soon = ("seen", _by(WORLD.model(issued=NOW + 30 * DAY)).raw)
    future = _by(WORLD.release(4, issued=NOW + 60 * DAY))
    yield _case(
        "time/clock-behind-is-unproven",
        ACCEPTED,
        "a clock 30 days behind a signature says nothing of what is ahead (TM-5)",
        future,
        soon,
    )


def cases() -> Cases:
    for part in (_scope, _rotation, _floors, _times):
        yield from part()
