"""What was taken back, and what that does (SPEC RK, FL-5)."""

from typing import Any

from sealring.envelope import Envelope
from sealring.statement import Common
from sealring.strict import encode
from tests.vectors.cases.authority import FIRST, ONE, ROLE, ROOT_KEYS, TWO, brand
from tests.vectors.cases.chain import ANCHOR, HELD, Part
from tests.vectors.cases.common import ACCEPTED, WORLD, Case, Cases, case
from tests.vectors.cases.delegation import OWN, PARTNER, given, judged, listed
from tests.vectors.cases.roots import NEW
from tests.vectors.cases.roots import root as root_with
from tests.world import DAY, NOW, Key, sign

BUILD = "revision acme/tool/1/amd64"
LAST = 2**53 - 1
BOTH = [*OWN, *TWO[:2]]
LISTING: dict[str, Any] = {"roles": ["release", "revision", "revocations"]}


def rotated(number: int) -> tuple[Part, ...]:
    """The brand has other keys since; `number` is the list that its new statement names."""
    return (*HELD, ("held", brand(2, TWO, *ROLE, *OWN, revocations=number).raw))


def told(
    name: str, rule: str, comment: str, statement: Common, *more: Part, by: list[Key] = OWN, **headers: Any
) -> Case:
    return judged(f"revocation/{name}", rule, comment, statement, *more, by=by, **headers)


def installed(
    name: str, action: str, comment: str, what: Envelope, *more: Part, before: tuple[Part, ...] = HELD
) -> Case:
    parts = (*before, *more, ("installed", what.raw))
    return case(f"installed/{name}", ACCEPTED, comment, "installed", *parts, action=action)


def _names() -> Cases:
    revision = WORLD.revision()
    identity = sign(revision, *OWN).id
    for name, what in (("by-id", identity), ("by-subject", BUILD)):
        for action in ("keep", "replace", "stop"):
            yield told(f"{name}-{action}", "RK-1", "nothing is installed by it", revision, listed(1, (what, action)))
    yield told("another", ACCEPTED, "another revision is as before", WORLD.revision(2), listed(1, (BUILD, "stop")))
    again = WORLD.revision(sequence=2)
    yield told("id-of-one-version", ACCEPTED, "issued again it has another id", again, listed(1, (identity, "keep")))
    yield told("subject-of-all", "RK-1", "a line by subject ends every sequence", again, listed(1, (BUILD, "keep")))
    other = ("release acme/tool/1/amd64", "keep")
    yield told("another-type", ACCEPTED, "the same subject of another type", revision, listed(1, other))
    for name, statement in (
        ("model", WORLD.model()),
        ("store", WORLD.store()),
        ("release", WORLD.release()),
        ("stack", WORLD.stack(("tool", 1))),
        ("serial", WORLD.serial(Key("d").public)),
        ("delegation", WORLD.delegation()),
    ):
        line = (f"{statement.type} {statement.subject}", "keep")
        yield told(f"of-{name}", "RK-1", f"a {name} is taken back", statement, listed(1, line))
    counter = sign(revision, *OWN, ONE[2])
    yield judged(
        "revocation/counter-signed",
        "RK-1",
        "more signatures make no other id",
        counter,
        listed(1, (identity, "keep")),
    )
    mine, stops = listed(1, (BUILD, "keep"), by=PARTNER[:1], issuer="partner"), listed(1, (BUILD, "stop"))
    yield installed(
        "stronger", "stop", "of two lines the stronger", sign(revision, *OWN), given(**LISTING), mine, stops
    )


def _lists() -> Cases:
    revision, stop = WORLD.revision(), (BUILD, "stop")
    old, lifted = listed(1, stop, issued=NOW - 900 * DAY), listed(2)
    yield told("expired-list", "RK-1", "an expired list is in force", revision, old)
    for name, order in (("after", (old, lifted)), ("before", (lifted, old))):
        yield told(f"lifted-{name}", ACCEPTED, "a higher sequence lifts it, in whatever order", revision, *order)
    yield told("forged", ACCEPTED, "one key below the threshold revokes nothing", revision, listed(1, stop, by=OWN[:1]))
    evil = ("held", WORLD.signed(WORLD.brand("evil")).raw)
    identity = sign(revision, *OWN).id
    theirs = listed(1, (identity, "stop"), by=WORLD.brand_keys("evil")[:2], brand="evil")
    yield told("of-another-brand", ACCEPTED, "a publisher names another brand's statement", revision, evil, theirs)
    by_role = listed(1, ("brand acme", "stop"), by=ROLE, brand="root")
    rooted = listed(1, (identity, "stop"), by=ROOT_KEYS[:2], brand="root")
    yield told("root-names-software", ACCEPTED, "the root's list takes back brands alone", revision, rooted)
    yield installed("brand-by-role-brand", "none", "the role brand signs no list", sign(revision, *OWN), by_role)
    first = WORLD.revocations(1, (BUILD, "keep"))
    thief = listed(1, (sign(first, *OWN).id, "keep"), by=PARTNER[:1], issuer="partner")
    mine = ("known", sign(first, *OWN).raw)
    yield told("list-of-a-list", "RK-1", "no list takes back a list (RK-5)", revision, given(**LISTING), mine, thief)
    next_one = WORLD.revocations(2)
    earlier = listed(1, (sign(next_one, *OWN).id, "keep"))
    yield told("list-of-the-next", ACCEPTED, "nor the one that follows it (RK-5)", next_one, earlier)


def _rotations() -> Cases:
    revision, stop = WORLD.revision(), (BUILD, "stop")

    def kept(sequence: int, *lines: tuple[str, str], by: list[Key] = OWN, **more: Any) -> Part:
        return listed(sequence, *lines, by=by, part="remembered", **more)

    def both(name: str, action: str, comment: str, number: int, *lists: Part) -> Cases:
        """New keys; whether it may be installed, and what happens to it where it is."""
        build = sign(revision, *BOTH)
        rule = ACCEPTED if action == "none" else "RK-1"
        yield judged(f"revocation/rotated-{name}", rule, comment, build, *lists, before=rotated(number))
        yield installed(f"rotated-{name}", action, comment, build, *lists, before=rotated(number))

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
    same = kept(4, by=TWO[:2])
    yield from both("same-sequence", "keep", "one of the same sequence is no higher one", 0, newest, same)
    yield from both("higher", "none", "a higher one of the new keys does in any case", 0, newest, kept(5, by=TWO[:2]))
    thief = kept(LAST, stop)
    yield from both("thief-alone", "keep", "a thief's last list stops nothing any more", 1, thief)
    yield from both("thief-answered", "none", "and ends with the brand's next word", 1, thief, kept(1, by=TWO[:2]))
    stranger = listed(1, stop)
    yield from both("stranger", "none", "a stranger's list of retired keys was never verified", 1, stranger)
    roots = ("held", FIRST.raw), ("root", sign(root_with(2, NEW), *ROOT_KEYS[:2], *NEW[:2]).raw)
    taken = listed(1, ("brand acme", "stop"), by=ROOT_KEYS[:2], brand="root", part="remembered")
    build = sign(revision, *OWN)
    yield installed("root-rotated", "keep", "so for the root's list", build, taken, before=(ANCHOR, *roots))
    anew = listed(2, by=NEW[:2], brand="root", part="remembered")
    yield installed(
        "root-rotated-lifted", "none", "which a higher one lifts", build, taken, anew, before=(ANCHOR, *roots)
    )


def _lines() -> Cases:
    for name, statement, rule, comment in (
        ("foreign", WORLD.revocations(1, ("revision evil/tool/1/amd64", "keep")), "RK-4", "another brand's"),
        ("own-brand", WORLD.revocations(1, ("brand acme", "keep")), "RK-4", "a brand its own certificate"),
        ("alike", WORLD.revocations(1, ("revision acme-two/tool/1/amd64", "keep")), "RK-4", "a name that begins alike"),
        ("root", WORLD.revocations(1, (BUILD, "keep"), brand="root"), "RK-4", "the root a revision"),
        ("stop", WORLD.revocations(1, (BUILD, "stop"), issuer="partner"), "RK-4", "a delegate stops"),
        ("stop-by-id", WORLD.revocations(1, ("0" * 64, "stop"), issuer="partner"), "RK-4", "by id too"),
        ("replace", WORLD.revocations(1, (BUILD, "replace"), issuer="partner"), ACCEPTED, "a delegate replaces"),
        ("root-issuer", WORLD.revocations(1, brand="root", issuer="acme"), "AU-2", "a list of the root by another"),
        ("root-no-name", WORLD.revocations(1, ("brand Acme", "stop"), brand="root"), "RK-4", "no brand's name"),
        ("root-long", WORLD.revocations(1, (f"brand {'a' * 41}", "stop"), brand="root"), "RK-4", "a letter too many"),
        ("root-longest", WORLD.revocations(1, (f"brand {'a' * 40}", "stop"), brand="root"), ACCEPTED, "forty letters"),
        ("root-brand", WORLD.revocations(1, ("brand acme", "stop"), brand="root"), ACCEPTED, "the root a brand"),
    ):
        yield case(f"statement/revocations-{name}", rule, comment, "statement", ("payload", encode(statement)))


def cases() -> Cases:
    for part in (
        _names,
        _lists,
        _rotations,
        _lines,
    ):
        yield from part()
