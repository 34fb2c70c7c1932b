"""What the lists of delegates take back, and when they end (SPEC RK-3, RK-4)."""

from typing import Any

from sealring.envelope import parse_envelope
from tests.vectors.cases.authority import TWO
from tests.vectors.cases.chain import Part
from tests.vectors.cases.common import ACCEPTED, WORLD, Cases
from tests.vectors.cases.delegation import LATER, OWN, PARTNER, WIDE, given, judged, listed
from tests.vectors.cases.revocation import BOTH, BUILD, LAST, LISTING, rotated, told
from tests.world import DAY, NOW, Key, key_set, sign

KEPT: dict[str, Any] = {"part": "remembered"}
BUILT = sign(WORLD.revision(), *BOTH)


def his(sequence: int, *lines: tuple[str, str], by: list[Key] = PARTNER[:1], **more: Any) -> Part:
    """The list of the delegation `partner`."""
    return listed(sequence, *lines, by=by, issuer="partner", **more)


def _bounds() -> Cases:
    mine, other, wide = sign(WORLD.revision(), *OWN), sign(WORLD.revision(package="toy"), *OWN), given(**LISTING)

    lines = his(1, (mine.id, "keep"), (other.id, "keep"))
    yield told("delegate-by-id", "RK-1", "a delegate takes back what was delegated", WORLD.revision(), wide, lines)
    yield told(
        "delegate-by-id-outside",
        ACCEPTED,
        "and by its id nothing else (RK-4)",
        WORLD.revision(package="toy"),
        wide,
        lines,
    )
    outside = his(1, (BUILD, "keep"), ("revision acme/toy/1/amd64", "keep"))
    yield told(
        "delegate-by-subject-outside",
        ACCEPTED,
        "a list that reaches too far is refused whole",
        WORLD.revision(),
        wide,
        outside,
    )
    yield told(
        "delegate-without", ACCEPTED, "without a delegation it is nobody's", WORLD.revision(), his(1, (BUILD, "keep"))
    )
    yield told("delegate-no-role", ACCEPTED, "without the role too", WORLD.revision(), given(), his(1, (BUILD, "keep")))
    reaching = his(1, (mine.id, "keep"), (other.id, "keep"), by=OWN)
    yield told(
        "delegate-by-brand", "RK-1", "his list, signed by the brand's own keys", WORLD.revision(), wide, reaching
    )
    yield told(
        "delegate-by-brand-outside",
        ACCEPTED,
        "is bounded too (RK-4)",
        WORLD.revision(package="toy"),
        wide,
        reaching,
    )
    yield told(
        "delegate-by-brand-alone",
        ACCEPTED,
        "and without any version of the delegation it says nothing (RK-4)",
        WORLD.revision(),
        reaching,
    )
    models = given(**{**WIDE, "roles": ["revocations"], "models": ["acme/door-1"], "packages": []})
    yield told(
        "delegate-roles-apart",
        "RK-1",
        "roles apart: who signs no models may take one back",
        WORLD.model(packages=WORLD.model().packages),
        given(**{**WIDE, "roles": ["revocations"]}),
        his(1, ("model acme/door-1", "keep")),
    )
    yield told(
        "delegate-model-outside",
        ACCEPTED,
        "a model with packages outside, by its id",
        WORLD.model(),
        models,
        his(1, (sign(WORLD.model(), *OWN).id, "keep")),
    )


def _ends() -> Cases:
    remembered, thief = given(**KEPT, **LISTING), his(LAST, (BUILD, "keep"), **KEPT)
    anew = given(sequence=2, keys=key_set(1, *LATER), **KEPT, **LISTING)
    yield told(
        "delegate-new-keys", "RK-1", "his keys were changed, his list stands", WORLD.revision(), remembered, anew, thief
    )
    word = his(1, by=LATER[:1], **KEPT)
    yield told(
        "delegate-next-word", ACCEPTED, "until the new ones sign any", WORLD.revision(), remembered, anew, thief, word
    )
    gone = listed(1, ("delegation acme/partner", "keep"), **KEPT)
    yield told(
        "delegate-taken-back", ACCEPTED, "or his delegation is taken back", WORLD.revision(), remembered, thief, gone
    )
    yield judged(
        "revocation/delegate-brand-rotated",
        "RK-1",
        "new keys of the brand end it not",
        BUILT,
        remembered,
        thief,
        before=rotated(0),
    )
    theirs = listed(1, ("delegation acme/partner", "keep"), by=TWO[:2], **KEPT)
    yield judged(
        "revocation/delegate-taken-back-later",
        ACCEPTED,
        "they take his delegation back, though they never vouched for it",
        BUILT,
        remembered,
        thief,
        theirs,
        before=rotated(0),
    )


def _anew() -> Cases:
    toy = sign(WORLD.revision(package="toy"), *BOTH)
    wider = his(1, (toy.id, "keep"), **KEPT)
    yield judged(
        "revocation/delegate-brand-rotated-outside",
        ACCEPTED,
        "its bounds stay",
        toy,
        given(**KEPT, **LISTING),
        wider,
        before=rotated(0),
    )
    # Two of one number: what the one with the lower id covers, whichever came first.
    one, two = (given(**{**KEPT, **LISTING, "packages": [f"acme/{name}"]}) for name in ("tool", "toy"))
    lower = min(one, two, key=lambda part: parse_envelope(part[1]).id)
    both = his(1, (BUILT.id, "keep"), (toy.id, "keep"), **KEPT)
    for name, order in (("first", (one, two)), ("last", (two, one))):
        for what, package, its in ((BUILT, "tool", one), (toy, "toy", two)):
            yield judged(
                f"revocation/delegate-twins-{name}-{package}",
                "RK-1" if its is lower else ACCEPTED,
                "of two delegations with one number the one with the lower id bounds",
                what,
                *order,
                both,
                before=rotated(0),
            )
    yield judged(
        "revocation/delegate-list-alone",
        ACCEPTED,
        "remembered without its delegation it is nobody's",
        BUILT,
        his(LAST, (BUILD, "keep"), **KEPT),
        before=rotated(0),
    )
    ended = given(issued=NOW - 300 * DAY, **LISTING)
    yield told(
        "delegate-expired",
        "RK-1",
        "a list stands when its delegation is over",
        WORLD.revision(),
        ended,
        his(1, (BUILD, "keep")),
    )


def cases() -> Cases:
    for part in (
        _bounds,
        _ends,
        _anew,
    ):
        yield from part()
