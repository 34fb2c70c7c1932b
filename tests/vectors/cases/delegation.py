"""Who may sign what in a brand's name (SPEC AU-1 to AU-6)."""

from typing import Any

from msgspec.structs import replace

from sealring.envelope import Envelope
from sealring.names import spell
from sealring.statement import Common
from sealring.statement.fleet import Wanted
from sealring.statement.software import Final, Requirement
from sealring.strict import encode
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
FINAL = Final("0" * 64, ["0" * 64], ["0" * 64])


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


def _scope() -> Cases:
    foreign = [Wanted("evil/tool", "latest/stable", "app", "required")]
    narrow = (
        ("another-package", WORLD.revision(package="toy"), "AU-3", "another package"),
        ("longer-name", WORLD.revision(package="tools"), "AU-3", "a package whose name only begins like it"),
        ("kernel", WORLD.revision(kind="kernel"), "AU-3", "a kernel, where apps were given"),
        ("requires", WORLD.revision(requires=[Requirement("acme/base", 1)]), "AU-3", "what it needs in passing"),
        (
            "requires-another-brands",
            WORLD.revision(requires=[Requirement("evil/x", 1)]),
            "AU-3",
            "a stranger's package",
        ),
        ("release", WORLD.release(), ACCEPTED, "a release of what was given"),
        ("release-of-another", WORLD.release(package="toy"), "AU-3", "a release of another package"),
        ("release-final", WORLD.release(final=FINAL), "AU-5", "the end of a product's life"),
        ("stack-name", WORLD.stack(("tool", 1)), "AU-4", "the brand's stack"),
        ("stack-part", WORLD.stack(("toy", 1), stack="partner"), "AU-3", "his stack with another's part"),
        ("stack", WORLD.stack(("tool", 1), stack="partner-line"), ACCEPTED, "a stack of his own, by role release"),
        ("no-role-model", WORLD.model(), "AU-3", "no role for models"),
        ("no-role-store", WORLD.store(store="partner", packages=["acme/tool"]), "AU-3", "no role for stores"),
        ("no-role-serial", WORLD.serial(Key("d").public), "AU-3", "no role for serials"),
        ("no-role-revocations", WORLD.revocations(issuer="partner"), "AU-3", "no role for revocations"),
        ("delegates-on", WORLD.delegation("second"), "AU-3", "he delegates what he was given: there is one level"),
        ("widens-himself", WORLD.delegation(sequence=2, **WIDE), "AU-3", "a wider version of his own delegation"),
    )
    for name, statement, rule, comment in narrow:
        yield judged(f"delegation/{name}", rule, comment, statement, given())
    wide = (
        ("store-main", WORLD.store(), "AU-4", "another address for the brand's store"),
        ("store-alike", WORLD.store(store="partnership"), "AU-4", "a name that only begins alike"),
        ("store-own", WORLD.store(store="partner"), ACCEPTED, "a store of his own name"),
        ("store-hyphen", WORLD.store(store="partner-eu"), ACCEPTED, "or one that begins with it and a hyphen"),
        ("list-of-brand", WORLD.revocations(), "AU-5", "the brand's own list"),
        ("list-of-another", WORLD.revocations(issuer="other"), "AU-5", "another delegate's list"),
        ("list-own", WORLD.revocations(1, ("model acme/door-1", "keep"), issuer="partner"), ACCEPTED, "his own list"),
        ("list-store", WORLD.revocations(1, ("store acme/main", "keep"), issuer="partner"), "AU-4", "the main store"),
        (
            "list-delegation",
            WORLD.revocations(1, ("delegation acme/other", "keep"), issuer="partner"),
            "AU-4",
            "a rival's delegation",
        ),
        (
            "list-own-store",
            WORLD.revocations(1, ("store acme/partner-eu", "replace"), issuer="partner"),
            ACCEPTED,
            "his",
        ),
        ("model-foreign", WORLD.model(packages=foreign), "AU-3", "a model that runs a stranger's package"),
        ("model", WORLD.model(), ACCEPTED, "a model"),
        ("serial", WORLD.serial(Key("d").public), ACCEPTED, "a serial"),
    )
    for name, statement, rule, comment in wide:
        yield judged(f"delegation/wide-{name}", rule, comment, statement, given(**WIDE))
    some = given(**{**WIDE, "packages": ["acme/tool"], "models": ["acme/door-1"], "kinds": ["app"]})
    kernel = [Wanted("acme/tool", "latest/stable", "kernel", "required")]
    for name, statement, rule, comment in (
        ("another-model", WORLD.model("door-2"), "AU-3", "another model"),
        ("model-kind", WORLD.model(packages=kernel), "AU-3", "a model that expects his kernel"),
        ("serial-of-another", WORLD.serial(Key("d").public, model="door-2"), "AU-3", "a serial of another model"),
        ("store-pattern", WORLD.store(store="partner"), "AU-3", "a store for every package of the brand"),
        ("store-package", WORLD.store(store="partner", packages=["acme/tool"]), ACCEPTED, "a store for the one given"),
        (
            "list-package",
            WORLD.revocations(1, ("revision acme/toy/1/amd64", "keep"), issuer="partner"),
            "AU-3",
            "a list with another package's revision",
        ),
    ):
        yield judged(f"delegation/some-{name}", rule, comment, statement, some)


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


def _parsed() -> Cases:
    stack = replace(WORLD.stack(("tool", 1)), authority="evil")
    for name, statement, rule, comment in (
        ("foreign-package", WORLD.delegation(packages=["evil/tool"]), "AU-2", "another brand's package"),
        ("foreign-model", WORLD.delegation(models=["evil/*"]), "AU-2", "another brand's models"),
        ("brands-name", WORLD.delegation("acme"), "AU-2", "the brand's name, whose list it would sign"),
        ("by-root", WORLD.delegation(brand="root"), "AU-2", "the root delegates nothing"),
        ("foreign-part", stack, "AU-1", "a stack with a part of another brand"),
    ):
        yield case(f"statement/delegation-{name}", rule, comment, "statement", ("payload", encode(statement)))


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
    for part in (_who, _scope, _versions, _revoked, _parsed, _root):
        yield from part()
