"""What reaches an installed revision, and how a quarrel of two statements ends (SPEC RK-6, FL-5)."""

from tests.vectors.cases.authority import FIRST, ROOT_KEYS, TWO
from tests.vectors.cases.common import ACCEPTED, WORLD, Cases
from tests.vectors.cases.delegation import LATER, OWN, PARTNER, given, judged, listed
from tests.vectors.cases.revocation import BUILD, installed, rotated
from tests.world import key_set, sign


def _reached() -> Cases:
    build, his = sign(WORLD.revision(), *OWN), sign(WORLD.revision(), PARTNER[0])
    for action in ("keep", "replace", "stop"):
        yield installed(action, action, "its own statement is named", build, listed(1, (BUILD, action)))
    yield installed("none", "none", "nothing names it", build, listed(1, ("revision acme/toy/1/amd64", "stop")))
    rooted = listed(1, ("brand acme", "stop"), by=ROOT_KEYS[:2], brand="root")
    yield installed("brand", "stop", "the statement of its brand, by the root", build, rooted)
    by_id = listed(1, (FIRST.id, "replace"), by=ROOT_KEYS[:2], brand="root")
    yield installed("brand-by-id", "replace", "or by its id", build, by_id)
    taken = listed(1, ("delegation acme/partner", "stop"))
    yield installed("delegation", "stop", "a publisher who turned out a thief", his, given(), taken)
    yield installed(
        "delegation-brand-too",
        "none",
        "the brand signed it as well",
        sign(WORLD.revision(), *OWN, PARTNER[0]),
        given(),
        taken,
    )
    other = given(name="other", keys=key_set(1, PARTNER[0]))
    yield installed("delegation-other-too", "none", "another delegation vouches for it", his, given(), other, taken)
    toy = sign(WORLD.revision(package="toy"), PARTNER[0])
    yield installed("delegation-outside", "none", "his delegation never covered it", toy, given(), taken)
    first = listed(1, (sign(WORLD.delegation(), *OWN).id, "stop"))
    anew = given(sequence=2, keys=key_set(1, *LATER))
    yield installed(
        "delegation-version",
        "stop",
        "the version that vouched for it, by its id; the next has other keys",
        his,
        given(),
        anew,
        first,
    )
    yield installed(
        "delegation-given-again", "none", "the next version vouches for it", his, given(), given(sequence=2), first
    )
    theirs = listed(1, ("delegation acme/partner", "stop"), by=TWO[:2], part="remembered")
    yield installed(
        "delegation-another-signer",
        "none",
        "what retired keys of the brand signed, not the delegate",
        build,
        given(part="remembered"),
        theirs,
        before=rotated(0),
    )
    forged = ("known", sign(WORLD.delegation(keys=key_set(1, OWN[0])), OWN[0]).raw)
    old = sign(WORLD.revision(), *OWN)
    yield installed(
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
        yield installed(name, "none", f"a {name} that was taken back stops nothing", build, listed(1, (what, "stop")))


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
    yield judged(
        "floor/conflict-revoked-once-held",
        "FL-3",
        "also where it came first: the other has taken its place",
        first,
        floor,
        ("floor", second.raw),
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
    for part in (
        _reached,
        _conflicts,
    ):
        yield from part()
