"""Whose dates bound whose time (SPEC TM-4, TM-5), and a clock that several floors raise."""

from datetime import datetime, timedelta
from typing import Any

from tests.vectors.cases.authority import ONE, ROLE, ROOT_KEYS, TWO, brand
from tests.vectors.cases.chain import ANCHOR, HELD, ROTATED, Part
from tests.vectors.cases.common import ACCEPTED, WORLD, Cases
from tests.vectors.cases.delegation import OWN, PARTNER, WIDE, given, judged, listed
from tests.vectors.cases.roots import root as root_with
from tests.world import DAY, NOW, Key, key_set, sign

LATE = NOW + 100 * DAY
MINUTE = timedelta(minutes=1)


def _seen(*by: Key, issued: datetime = LATE, **more: Any) -> Part:
    return "seen", sign(WORLD.model(issued=issued, **more), *(by or OWN)).raw


def _authorities() -> Cases:
    release = WORLD.release(3)
    dated = ("held", brand(2, ONE, *ROLE, *OWN, issued=LATE).raw)
    yield judged(
        "time/certificates-floor", "TM-1", "the certificate is dated in June", release, by=OWN, before=(*HELD, dated)
    )
    evil = ("held", WORLD.signed(WORLD.brand("evil", issued=LATE)).raw)
    yield judged("time/another-certificates-floor", ACCEPTED, "another brand's ages nobody else", release, evil, by=OWN)
    end = WORLD.release(3, expires=LATE)
    before = (*HELD, ("held", brand(2, ONE, *ROLE, *OWN, issued=LATE - timedelta(seconds=1)).raw))
    yield judged(
        "time/certificates-floor-before-expiry", ACCEPTED, "a second before the end", end, by=OWN, before=before
    )
    yield judged("time/certificates-floor-at-expiry", "TM-1", "and at it", end, by=OWN, before=(*HELD, dated))
    former = sign(root_with(2, ROOT_KEYS, issued=NOW), *ROOT_KEYS[:2])
    yield judged(
        "time/root-after-certificate",
        "TM-1",
        "the root took a step since, and certifies the brand as before",
        release,
        by=OWN,
        before=(*HELD, dated, ("root", former.raw)),
    )
    roots = ("seen", sign(WORLD.revocations(brand="root", issued=LATE), *ROOT_KEYS[:2]).raw)
    yield judged(
        "time/roots-lists-floor", "TM-1", "the root's list is the root's word: it bounds all", release, roots, by=OWN
    )
    own = ("seen", listed(1, issued=LATE)[1])
    yield judged("time/brands-lists-floor", "TM-1", "a brand's list bounds the brand", release, own, by=OWN)
    new = sign(release, *TWO[:2])
    yield judged(
        "time/floor-of-retired-keys", ACCEPTED, "a floor goes with the keys that set it", new, _seen(), before=ROTATED
    )
    yield judged(
        "time/floor-counter-signed",
        "TM-1",
        "unless the new ones signed it too",
        new,
        _seen(*OWN, *TWO[:2]),
        before=ROTATED,
    )
    forged = _seen(OWN[0])
    yield judged(
        "time/floor-of-nobody", ACCEPTED, "what one key below the threshold dates is no floor", release, forged, by=OWN
    )


def _delegates() -> Cases:
    release, wide = WORLD.release(3), given(**WIDE)
    late = _seen(PARTNER[0])
    yield judged("time/delegates-floor", "TM-1", "what a partner signs bounds what he signs", release, wide, late)
    yield judged("time/delegates-floor-not-brands", ACCEPTED, "and not its brand", release, wide, late, by=OWN)
    yield judged("time/brands-floor-for-delegates", "TM-1", "the brand's bounds his", release, wide, _seen())
    both = [PARTNER[0], *OWN]
    yield judged(
        "time/delegates-floor-counter-signed",
        ACCEPTED,
        "nor what the brand signed with him",
        release,
        wide,
        late,
        by=both,
    )
    other = given(name="other", keys=key_set(1, PARTNER[1]), **WIDE)
    yield judged("time/another-delegates-floor", ACCEPTED, "nor another's", release, wide, other, late, by=PARTNER[1:])
    two = given(name="other", keys=key_set(1, PARTNER[1]), **{**WIDE, "roles": ["model", "release"]})
    one = given(keys=key_set(1, PARTNER[0]), **WIDE)
    pair = [PARTNER[0], PARTNER[1]]
    yield judged(
        "time/delegates-earliest-floor",
        ACCEPTED,
        "of two who vouch the earlier floor",
        release,
        one,
        two,
        late,
        by=pair,
    )
    later = _seen(PARTNER[1], issued=LATE + DAY, sequence=2)
    yield judged(
        "time/delegates-both-floors", "TM-1", "which is one when both have one", release, one, two, late, later, by=pair
    )
    soon = _seen(PARTNER[1], issued=NOW + DAY, sequence=2)
    yield judged("time/delegates-earlier-of-two", ACCEPTED, "and each has one", release, one, two, late, soon, by=pair)
    gone = listed(1, ("delegation acme/partner", "keep"))
    yield judged("time/revoked-delegates-floor", ACCEPTED, "one taken back has none", release, wide, gone, late, by=OWN)


def _steps() -> Cases:
    root = ("root", sign(root_with(2, ROOT_KEYS, issued=NOW + 8 * MINUTE), *ROOT_KEYS[:2]).raw)
    ahead = WORLD.release(4, issued=NOW + 27 * MINUTE)
    before = (ANCHOR, HELD[1], root)
    yield judged(
        "time/small-steps-add-up",
        ACCEPTED,
        "16 minutes behind its brand a clock is unproven, whatever lies in between (TM-5)",
        ahead,
        _seen(issued=NOW + 16 * MINUTE),
        by=OWN,
        before=before,
    )
    yield judged(
        "time/ten-minutes-behind",
        "TM-2",
        "ten minutes behind a floor a clock is still proven",
        ahead,
        _seen(issued=NOW + 10 * MINUTE),
        by=OWN,
        before=before,
    )
    yield judged(
        "time/floor-proves-for-its-own",
        "TM-2",
        "another brand's date makes no clock unproven",
        ahead,
        ("held", WORLD.signed(WORLD.brand("evil", issued=LATE)).raw),
        by=OWN,
    )


def cases() -> Cases:
    for part in (_authorities, _delegates, _steps):
        yield from part()
