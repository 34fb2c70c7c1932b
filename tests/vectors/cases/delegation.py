"""Who may sign what in a brand's name (SPEC AU-1 to AU-6)."""

from typing import Any

from sealring.envelope import Envelope
from sealring.names import spell
from sealring.statement import Common
from tests.vectors.cases.authority import ONE, ROLE, ROOT_KEYS, TWO
from tests.vectors.cases.chain import ANCHOR, HELD, ROTATED, Part
from tests.vectors.cases.common import ACCEPTED, AT, WORLD, Case, Cases, case
from tests.world import DAY, NOW, Key, key_set, sign

OWN = ONE[:2]
PARTNER, LATER = WORLD.delegate_keys(), WORLD.delegate_keys("partner", 2)
WIDE: dict[str, Any] = {
    "roles": ["model", "release", "revision", "revocations", "serial", "store"],
    "packages": ["acme/*"],
    "models": ["acme/*"],
    "kinds": ["app", "base", "boot", "kernel", "os"],
}


def given(*by: Key, name: str = "partner", part: str = "known", **more: Any) -> Part:
    """A delegation to the partner, by the brand's own keys unless others are named."""
    return part, sign(WORLD.delegation(name, **more), *(by or OWN)).raw


def listed(sequence: int, *lines: tuple[str, str], by: list[Key] = OWN, part: str = "known", **more: Any) -> Part:
    """A list of revocations, by the brand's own keys unless others are named."""
    return part, sign(WORLD.revocations(sequence, *lines, **more), *by).raw


def judged(
    path: str,
    rule: str,
    comment: str,
    statement: Common | Envelope,
    *more: Part,
    by: list[Key] = PARTNER[:1],
    before: tuple[Part, ...] = HELD,
    under: str | None = None,
    **headers: str,
) -> Case:
    """The procedure `chain` for a statement that a delegate has signed, or who else is named."""
    envelope = statement if isinstance(statement, Envelope) else sign(statement, *by)
    head = {"type": _type(envelope), "authority": "acme", "at": AT, **headers}
    facts = {} if rule else {"id": envelope.id}
    if under is not None:
        facts["under"] = under
    return case(path, rule, comment, "chain", *before, *more, ("statement", envelope.raw), **head, **facts)


def _type(envelope: Envelope) -> str:
    return envelope.payload.partition(b'"type":"')[2].partition(b'"')[0].decode()


def _who() -> Cases:
    revision = WORLD.revision()
    yield judged("delegation/good", ACCEPTED, "a partner signs what was given", revision, given(), under="partner")
    yield judged("delegation/none", "TH-1", "without the delegation his keys are nobody's", revision)
    yield judged("delegation/by-another", "TH-1", "it names other keys", revision, given(), by=LATER[:1])
    yield judged("delegation/forged", "TH-1", "he wrote his delegation himself", revision, given(PARTNER[0], OWN[0]))
    both = key_set(2, *PARTNER)
    yield judged(
        "delegation/below-threshold", "TH-1", "one of his two signed", revision, given(keys=both), by=PARTNER[:1]
    )
    yield judged(
        "delegation/pooled",
        "TH-1",
        "one key of the brand's two and one of the partner's two: sets are never pooled",
        revision,
        given(keys=both),
        by=[OWN[0], PARTNER[0]],
    )
    yield judged(
        "delegation/brand-signed-too",
        ACCEPTED,
        "what the brand's own keys vouch for stands on no delegation",
        revision,
        given(),
        by=[*OWN, PARTNER[0]],
        under="",
    )
    evil = ("held", WORLD.signed(WORLD.brand("evil")).raw)
    theirs = ("known", sign(WORLD.delegation(brand="evil", packages=[]), *WORLD.brand_keys("evil")[:2]).raw)
    yield judged("delegation/of-another-brand", "TH-1", "another brand's delegate", revision, evil, theirs)
    yield judged(
        "delegation/two-vouch",
        ACCEPTED,
        "one key that two delegations name: both vouch",
        revision,
        given(),
        given(name="other", keys=key_set(1, PARTNER[0])),
        under="other partner",
    )
    yield judged(
        "delegation/one-of-two-covers",
        ACCEPTED,
        "of two delegations that he signed under, the one that covers it vouches",
        WORLD.revision(package="toy"),
        given(),
        given(name="other", keys=key_set(1, PARTNER[0]), packages=["acme/toy"]),
        under="other",
    )


def _versions() -> Cases:
    revision, release = WORLD.revision(), WORLD.release(6)
    end = NOW + 300 * DAY
    yield judged(
        "delegation/expired",
        "TM-1",
        "his time is over: nothing new by his keys",
        WORLD.revision(issued=NOW + 299 * DAY),
        given(),
        at=spell(end),
    )
    yield judged("delegation/last-second", ACCEPTED, "a second before it is not", release, given(), at=spell(NOW + DAY))
    yield judged("delegation/waits", "TM-3", "it waits for its day", revision, given(not_before=NOW + DAY))
    ended = given(name="other", keys=key_set(1, PARTNER[0]), issued=NOW - 300 * DAY)
    yield judged("delegation/one-of-two-current", ACCEPTED, "one of two is current", revision, ended, given())
    floor = ("floor", sign(WORLD.release(7), PARTNER[0]).raw)
    yield judged("delegation/floor", "FL-1", "what he signed is a floor", release, given(), floor)
    yield judged(
        "delegation/floor-of-expired",
        "FL-1",
        "also when his delegation is over: a device must not fall back",
        sign(release, *OWN),
        given(issued=NOW - 300 * DAY),
        floor,
    )
    yield judged(
        "delegation/floor-of-revoked",
        ACCEPTED,
        "when it was taken back it is none: a thief's jump ahead ends",
        sign(release, *OWN),
        given(),
        listed(1, ("delegation acme/partner", "keep")),
        floor,
    )
    narrow = given(sequence=2, roles=["release"])
    for name, order in (("ascending", (given(), narrow)), ("descending", (narrow, given()))):
        yield judged(f"delegation/narrowed-{name}", "AU-3", "the newest version alone counts", revision, *order)
    old = (given(), given(sequence=2, keys=key_set(1, *LATER)))
    yield judged("delegation/old-keys", "TH-1", "the newest version names other keys", revision, *old)
    yield judged("delegation/new-keys", ACCEPTED, "which count", revision, *old, by=LATER[:1])
    yield judged(
        "delegation/rotated", "TH-1", "the brand's keys are new: who they let in is", revision, given(), before=ROTATED
    )
    again = given(*OWN, *TWO[:2])
    yield judged("delegation/signed-anew", ACCEPTED, "until they sign it anew", revision, again, before=ROTATED)
    older = given(*OWN, *TWO[:2], roles=["release"])
    yield judged(
        "delegation/thief-widened",
        "AU-3",
        "a thief's wider version ends with the keys that signed it, the earlier one stands",
        revision,
        older,
        given(sequence=2),
        before=ROTATED,
    )
    yield judged(
        "delegation/former-brand",
        "BR-1",
        "a brand that the root does not certify lets nobody in",
        revision,
        given(),
        before=(ANCHOR,),
    )


def _revoked() -> Cases:
    revision, first, twin = WORLD.revision(), given(), given(x={"note": "twin"})
    by_subject = ("delegation acme/partner", "keep")
    by_id = (sign(WORLD.delegation(), *OWN).id, "keep")
    for name, line in (("subject", by_subject), ("id", by_id)):
        yield judged(
            f"delegation/revoked-by-{name}",
            "TH-1",
            "taken back: it vouches for nothing",
            revision,
            first,
            listed(1, line),
        )
    again = given(sequence=2)
    yield judged(
        "delegation/given-again",
        ACCEPTED,
        "by id one version ends, the next counts",
        revision,
        first,
        again,
        listed(1, by_id),
    )
    yield judged(
        "delegation/never-again", "TH-1", "by subject every version ends", revision, first, again, listed(1, by_subject)
    )
    second = (sign(WORLD.delegation(sequence=2), *OWN).id, "keep")
    yield judged(
        "delegation/no-way-back",
        "TH-1",
        "the highest was taken back: an earlier one does not return",
        revision,
        first,
        again,
        listed(1, second),
    )
    yield judged(
        "delegation/twin-revoked",
        ACCEPTED,
        "two with one sequence: the other takes the place of the one that is taken back by its id (FL-5)",
        revision,
        first,
        twin,
        listed(1, by_id),
    )


def _root() -> Cases:
    software = WORLD.revision(authority="root")
    for name, keys in (("role-root", ROOT_KEYS[:2]), ("role-brand", ROLE)):
        yield judged(
            f"delegation/{name}-signs-software",
            "BR-1",
            "the root says no software",
            software,
            by=keys,
            authority="root",
        )
    mine = WORLD.revocations(1, ("brand acme", "keep"), brand="root")
    yield judged(
        "delegation/roots-list", ACCEPTED, "the root's list, by the role root", mine, by=ROOT_KEYS[:2], authority="root"
    )
    yield judged(
        "delegation/roots-list-by-role-brand", "TH-1", "not by the role brand", mine, by=ROLE, authority="root"
    )


def cases() -> Cases:
    for part in (
        _who,
        _versions,
        _revoked,
        _root,
    ):
        yield from part()
