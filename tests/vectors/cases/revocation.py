"""What was taken back, and what that does (SPEC RK, FL-5)."""

from typing import Any

from sealring.envelope import Envelope
from sealring.statement import Common
from sealring.strict import encode
from tests.vectors.cases.authority import FIRST, ONE, ROLE, ROOT_KEYS, TWO, brand
from tests.vectors.cases.chain import ANCHOR, HELD, Part
from tests.vectors.cases.common import ACCEPTED, WORLD, Case, Cases, case
from tests.vectors.cases.delegation import LATER, OWN, PARTNER, WIDE, given, judged, listed
from tests.vectors.cases.roots import NEW
from tests.vectors.cases.roots import root as root_with
from tests.world import DAY, NOW, Key, key_set, sign

BUILD = "revision acme/tool/1/amd64"
LAST = 2**53 - 1
BOTH = [*OWN, *TWO[:2]]
LISTING: dict[str, Any] = {"roles": ["release", "revision", "revocations"]}


def rotated(number: int) -> tuple[Part, ...]:
    """The brand has other keys since; `number` is the list that its new statement names."""
    return (*HELD, ("held", brand(2, TWO, *ROLE, *OWN, revocations=number).raw))


def _line(
    name: str, rule: str, comment: str, statement: Common, *more: Part, by: list[Key] = OWN, **headers: Any
) -> Case:
    return judged(f"revocation/{name}", rule, comment, statement, *more, by=by, **headers)


def _installed(
    name: str, action: str, comment: str, what: Envelope, *more: Part, before: tuple[Part, ...] = HELD
) -> Case:
    parts = (*before, *more, ("installed", what.raw))
    return case(f"installed/{name}", ACCEPTED, comment, "installed", *parts, action=action)


def _names() -> Cases:
    revision = WORLD.revision()
    identity = sign(revision, *OWN).id
    for name, what in (("by-id", identity), ("by-subject", BUILD)):
        for action in ("keep", "replace", "stop"):
            yield _line(f"{name}-{action}", "RK-1", "nothing is installed by it", revision, listed(1, (what, action)))
    yield _line("another", ACCEPTED, "another revision is as before", WORLD.revision(2), listed(1, (BUILD, "stop")))
    again = WORLD.revision(sequence=2)
    yield _line("id-of-one-version", ACCEPTED, "issued again it has another id", again, listed(1, (identity, "keep")))
    yield _line("subject-of-all", "RK-1", "a line by subject ends every sequence", again, listed(1, (BUILD, "keep")))
    other = ("release acme/tool/1/amd64", "keep")
    yield _line("another-type", ACCEPTED, "the same subject of another type", revision, listed(1, other))
    for name, statement in (
        ("model", WORLD.model()),
        ("store", WORLD.store()),
        ("release", WORLD.release()),
        ("stack", WORLD.stack(("tool", 1))),
        ("serial", WORLD.serial(Key("d").public)),
        ("delegation", WORLD.delegation()),
    ):
        line = (f"{statement.type} {statement.subject}", "keep")
        yield _line(f"of-{name}", "RK-1", f"a {name} is taken back", statement, listed(1, line))
    counter = sign(revision, *OWN, ONE[2])
    yield judged(
        "revocation/counter-signed",
        "RK-1",
        "more signatures make no other id",
        counter,
        listed(1, (identity, "keep")),
    )
    mine, stops = listed(1, (BUILD, "keep"), by=PARTNER[:1], issuer="partner"), listed(1, (BUILD, "stop"))
    yield _installed(
        "stronger", "stop", "of two lines the stronger", sign(revision, *OWN), given(**LISTING), mine, stops
    )


def _lists() -> Cases:
    revision, stop = WORLD.revision(), (BUILD, "stop")
    old, lifted = listed(1, stop, issued=NOW - 900 * DAY), listed(2)
    yield _line("expired-list", "RK-1", "an expired list is in force", revision, old)
    for name, order in (("after", (old, lifted)), ("before", (lifted, old))):
        yield _line(f"lifted-{name}", ACCEPTED, "a higher sequence lifts it, in whatever order", revision, *order)
    yield _line(
        "forged", ACCEPTED, "one key below the threshold revokes nothing", revision, listed(1, stop, by=OWN[:1])
    )
    evil = ("held", WORLD.signed(WORLD.brand("evil")).raw)
    identity = sign(revision, *OWN).id
    theirs = listed(1, (identity, "stop"), by=WORLD.brand_keys("evil")[:2], brand="evil")
    yield _line("of-another-brand", ACCEPTED, "a publisher names another brand's statement", revision, evil, theirs)
    by_role = listed(1, ("brand acme", "stop"), by=ROLE, brand="root")
    rooted = listed(1, (identity, "stop"), by=ROOT_KEYS[:2], brand="root")
    yield _line("root-names-software", ACCEPTED, "the root's list takes back brands alone", revision, rooted)
    yield _installed("brand-by-role-brand", "none", "the role brand signs no list", sign(revision, *OWN), by_role)
    first = WORLD.revocations(1, (BUILD, "keep"))
    thief = listed(1, (sign(first, *OWN).id, "keep"), by=PARTNER[:1], issuer="partner")
    mine = ("known", sign(first, *OWN).raw)
    yield _line("list-of-a-list", "RK-1", "no list takes back a list (RK-5)", revision, given(**LISTING), mine, thief)
    next_one = WORLD.revocations(2)
    earlier = listed(1, (sign(next_one, *OWN).id, "keep"))
    yield _line("list-of-the-next", ACCEPTED, "nor the one that follows it (RK-5)", next_one, earlier)


def _rotations() -> Cases:
    revision, stop = WORLD.revision(), (BUILD, "stop")

    def kept(sequence: int, *lines: tuple[str, str], by: list[Key] = OWN, **more: Any) -> Part:
        return listed(sequence, *lines, by=by, part="remembered", **more)

    def both(name: str, action: str, comment: str, number: int, *lists: Part) -> Cases:
        """New keys; whether it may be installed, and what happens to it where it is."""
        build = sign(revision, *BOTH)
        rule = ACCEPTED if action == "none" else "RK-1"
        yield judged(f"revocation/rotated-{name}", rule, comment, build, *lists, before=rotated(number))
        yield _installed(f"rotated-{name}", action, comment, build, *lists, before=rotated(number))

    yield from both(
        "alone",
        "keep",
        "a rotation takes back no revocation, and what is not vouched for stops nothing",
        1,
        kept(1, stop),
    )
    yield from both("counter-signed", "stop", "signed by the new keys too it is whole", 1, kept(1, stop, by=BOTH))
    newest, older = kept(4, (BUILD, "keep")), kept(3, by=BOTH)
    yield from both("older-of-new-keys", "keep", "an older list of the new keys lifts nothing", 4, newest, older)
    yield from both(
        "none-named", "keep", "nor where the brand names no list: 0 is no number that is reached", 0, newest, older
    )
    yield from both("named", "none", "the brand's new statement names it: it does", 3, newest, older)
    yield from both("higher", "none", "a higher one of the new keys does in any case", 0, newest, kept(5, by=TWO[:2]))
    thief = kept(LAST, stop)
    yield from both("thief-alone", "keep", "a thief's last list stops nothing any more", 1, thief)
    yield from both("thief-answered", "none", "and ends with the brand's next word", 1, thief, kept(1, by=TWO[:2]))
    stranger = listed(1, stop)
    yield from both("stranger", "none", "a stranger's list of retired keys was never verified", 1, stranger)
    roots = ("held", FIRST.raw), ("root", sign(root_with(2, NEW), *ROOT_KEYS[:2], *NEW[:2]).raw)
    taken = listed(1, ("brand acme", "stop"), by=ROOT_KEYS[:2], brand="root", part="remembered")
    build = sign(revision, *OWN)
    yield _installed("root-rotated", "keep", "so for the root's list", build, taken, before=(ANCHOR, *roots))
    anew = listed(2, by=NEW[:2], brand="root", part="remembered")
    yield _installed(
        "root-rotated-lifted", "none", "which a higher one lifts", build, taken, anew, before=(ANCHOR, *roots)
    )


def _delegates() -> Cases:
    mine, other, wide = sign(WORLD.revision(), *OWN), sign(WORLD.revision(package="toy"), *OWN), given(**LISTING)

    def his(sequence: int, *lines: tuple[str, str], by: list[Key] = PARTNER[:1], **more: Any) -> Part:
        return listed(sequence, *lines, by=by, issuer="partner", **more)

    lines = his(1, (mine.id, "keep"), (other.id, "keep"))
    yield _line("delegate-by-id", "RK-1", "a delegate takes back what was delegated", WORLD.revision(), wide, lines)
    yield _line(
        "delegate-by-id-outside",
        ACCEPTED,
        "and by its id nothing else (RK-4)",
        WORLD.revision(package="toy"),
        wide,
        lines,
    )
    outside = his(1, (BUILD, "keep"), ("revision acme/toy/1/amd64", "keep"))
    yield _line(
        "delegate-by-subject-outside",
        ACCEPTED,
        "a list that reaches too far is refused whole",
        WORLD.revision(),
        wide,
        outside,
    )
    yield _line(
        "delegate-without", ACCEPTED, "without a delegation it is nobody's", WORLD.revision(), his(1, (BUILD, "keep"))
    )
    yield _line(
        "delegate-no-role", ACCEPTED, "without the role too", WORLD.revision(), given(), his(1, (BUILD, "keep"))
    )
    models = given(**{**WIDE, "roles": ["revocations"], "models": ["acme/door-1"], "packages": []})
    yield _line(
        "delegate-roles-apart",
        "RK-1",
        "roles apart: who signs no models may take one back",
        WORLD.model(packages=WORLD.model().packages),
        given(**{**WIDE, "roles": ["revocations"]}),
        his(1, ("model acme/door-1", "keep")),
    )
    yield _line(
        "delegate-model-outside",
        ACCEPTED,
        "a model with packages outside, by its id",
        WORLD.model(),
        models,
        his(1, (sign(WORLD.model(), *OWN).id, "keep")),
    )
    kept: dict[str, Any] = {"part": "remembered"}
    remembered, thief = given(**kept, **LISTING), his(LAST, (BUILD, "keep"), **kept)
    anew = given(sequence=2, keys=key_set(1, *LATER), **kept, **LISTING)
    yield _line(
        "delegate-new-keys", "RK-1", "his keys were changed, his list stands", WORLD.revision(), remembered, anew, thief
    )
    word = his(1, by=LATER[:1], **kept)
    yield _line(
        "delegate-next-word", ACCEPTED, "until the new ones sign any", WORLD.revision(), remembered, anew, thief, word
    )
    gone = listed(1, ("delegation acme/partner", "keep"), **kept)
    yield _line(
        "delegate-taken-back", ACCEPTED, "or his delegation is taken back", WORLD.revision(), remembered, thief, gone
    )
    build = sign(WORLD.revision(), *BOTH)
    yield judged(
        "revocation/delegate-brand-rotated",
        "RK-1",
        "new keys of the brand end it not",
        build,
        remembered,
        thief,
        before=rotated(0),
    )
    theirs = listed(1, ("delegation acme/partner", "keep"), by=TWO[:2], **kept)
    yield judged(
        "revocation/delegate-taken-back-later",
        ACCEPTED,
        "they take his delegation back, though they never vouched for it",
        build,
        remembered,
        thief,
        theirs,
        before=rotated(0),
    )
    toy = sign(WORLD.revision(package="toy"), *BOTH)
    wider = his(1, (toy.id, "keep"), **kept)
    yield judged(
        "revocation/delegate-brand-rotated-outside",
        ACCEPTED,
        "its bounds stay",
        toy,
        remembered,
        wider,
        before=rotated(0),
    )
    yield judged(
        "revocation/delegate-list-alone",
        ACCEPTED,
        "remembered without its delegation it is nobody's",
        build,
        thief,
        before=rotated(0),
    )
    ended = given(issued=NOW - 300 * DAY, **LISTING)
    yield _line(
        "delegate-expired",
        "RK-1",
        "a list stands when its delegation is over",
        WORLD.revision(),
        ended,
        his(1, (BUILD, "keep")),
    )


def _reached() -> Cases:
    build, his = sign(WORLD.revision(), *OWN), sign(WORLD.revision(), PARTNER[0])
    for action in ("keep", "replace", "stop"):
        yield _installed(action, action, "its own statement is named", build, listed(1, (BUILD, action)))
    yield _installed("none", "none", "nothing names it", build, listed(1, ("revision acme/toy/1/amd64", "stop")))
    rooted = listed(1, ("brand acme", "stop"), by=ROOT_KEYS[:2], brand="root")
    yield _installed("brand", "stop", "the statement of its brand, by the root", build, rooted)
    by_id = listed(1, (FIRST.id, "replace"), by=ROOT_KEYS[:2], brand="root")
    yield _installed("brand-by-id", "replace", "or by its id", build, by_id)
    taken = listed(1, ("delegation acme/partner", "stop"))
    yield _installed("delegation", "stop", "a publisher who turned out a thief", his, given(), taken)
    yield _installed(
        "delegation-brand-too",
        "none",
        "the brand signed it as well",
        sign(WORLD.revision(), *OWN, PARTNER[0]),
        given(),
        taken,
    )
    other = given(name="other", keys=key_set(1, PARTNER[0]))
    yield _installed("delegation-other-too", "none", "another delegation vouches for it", his, given(), other, taken)
    toy = sign(WORLD.revision(package="toy"), PARTNER[0])
    yield _installed("delegation-outside", "none", "his delegation never covered it", toy, given(), taken)
    first = listed(1, (sign(WORLD.delegation(), *OWN).id, "stop"))
    anew = given(sequence=2, keys=key_set(1, *LATER))
    yield _installed(
        "delegation-version",
        "stop",
        "the version that vouched for it, by its id; the next has other keys",
        his,
        given(),
        anew,
        first,
    )
    yield _installed(
        "delegation-given-again", "none", "the next version vouches for it", his, given(), given(sequence=2), first
    )
    forged = ("known", sign(WORLD.delegation(keys=key_set(1, OWN[0])), OWN[0]).raw)
    old = sign(WORLD.revision(), *OWN)
    yield _installed(
        "delegation-forged",
        "none",
        "a forged version of what was taken back names the keys that signed what runs",
        old,
        forged,
        listed(1, ("delegation acme/partner", "stop"), by=TWO[:2]),
        before=rotated(0),
    )
    for name, what in (
        ("release", "release acme/tool/latest/stable"),
        ("model", "model acme/door-1"),
        ("store", "store acme/main"),
    ):
        yield _installed(name, "none", f"a {name} that was taken back stops nothing", build, listed(1, (what, "stop")))


def _lines() -> Cases:
    for name, statement, rule, comment in (
        ("foreign", WORLD.revocations(1, ("revision evil/tool/1/amd64", "keep")), "RK-4", "another brand's"),
        ("own-brand", WORLD.revocations(1, ("brand acme", "keep")), "RK-4", "a brand its own certificate"),
        ("alike", WORLD.revocations(1, ("revision acme-two/tool/1/amd64", "keep")), "RK-4", "a name that begins alike"),
        ("root", WORLD.revocations(1, (BUILD, "keep"), brand="root"), "RK-4", "the root a revision"),
        ("stop", WORLD.revocations(1, (BUILD, "stop"), issuer="partner"), "RK-4", "a delegate stops"),
        ("stop-by-id", WORLD.revocations(1, ("0" * 64, "stop"), issuer="partner"), "RK-4", "by id too"),
        ("replace", WORLD.revocations(1, (BUILD, "replace"), issuer="partner"), ACCEPTED, "a delegate replaces"),
        ("root-brand", WORLD.revocations(1, ("brand acme", "stop"), brand="root"), ACCEPTED, "the root a brand"),
    ):
        yield case(f"statement/revocations-{name}", rule, comment, "statement", ("payload", encode(statement)))


def _conflicts() -> Cases:
    first, second = sign(WORLD.release(4), *OWN), sign(WORLD.release(4, revocations=1), *OWN)
    floor = ("floor", first.raw)
    gone = listed(1, (first.id, "keep"))
    yield judged("floor/conflict-one-revoked", ACCEPTED, "the other takes its place (FL-5)", second, floor, gone)
    subject = listed(1, ("release acme/tool/latest/stable", "keep"))
    yield judged(
        "floor/conflict-subject-revoked",
        "FL-3",
        "a line by subject decides nothing between the two",
        second,
        floor,
        subject,
    )
    both = listed(1, (first.id, "keep"), (second.id, "keep"))
    yield judged("floor/conflict-both-revoked", "FL-3", "nor do lines for both", second, floor, both)
    yield judged(
        "floor/conflict-revoked-returns",
        "FL-3",
        "the one taken back stays out",
        first,
        ("floor", second.raw),
        floor,
        gone,
    )
    lower = sign(WORLD.release(3), *OWN)
    yield judged("floor/revoked-is-a-floor", "FL-1", "what was taken back is a floor still", lower, floor, gone)
    build, other = sign(WORLD.revision(), *OWN), sign(WORLD.revision(image=b"other"), *OWN)
    yield judged(
        "floor/second-image-one-revoked",
        ACCEPTED,
        "two images with one sequence, one taken back by its id: the other stands",
        other,
        ("floor", build.raw),
        listed(1, (build.id, "keep")),
    )
    later = sign(WORLD.revision(image=b"other", sequence=2), *OWN)
    yield judged(
        "floor/second-image-later",
        "FL-3",
        "with another sequence it does not: one revision is one build",
        later,
        ("floor", build.raw),
        listed(1, (build.id, "keep")),
    )


def cases() -> Cases:
    for part in (_names, _lists, _rotations, _delegates, _reached, _lines, _conflicts):
        yield from part()
