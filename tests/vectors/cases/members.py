"""What the members of models, releases and revisions do (SPEC SK, RO-2, RC-1, AU-3, EP, EL, TM)."""

from datetime import timedelta
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from sealring.envelope import Envelope
from sealring.names import spell
from sealring.statement import Common, Release
from sealring.statement.fleet import Wanted
from sealring.statement.software import Final, Rollout, Target
from tests.vectors.cases.authority import ROLE, ROOT_KEYS, TWO, brand
from tests.vectors.cases.chain import Part
from tests.vectors.cases.common import ACCEPTED, WORLD, Cases
from tests.vectors.cases.delegation import OWN, PARTNER, given, listed
from tests.vectors.cases.device import MODEL, RELEASE, REVISION, STORE, approval
from tests.vectors.cases.roots import root as root_with
from tests.world import DAY, NOW, Key, key_set, sign

STACKED = replace(MODEL, stack="acme/line")
EVIL = WORLD.brand_keys("evil")[:2]
FOREIGN = (
    replace(MODEL, packages=[Wanted("evil/tool", "latest/stable", "app", "required")]),
    replace(STORE, packages=["evil/*"]),
    WORLD.release(3, brand="evil"),
    WORLD.revision(3, brand="evil"),
)


def _part(name: str, statement: Common, *by: Key) -> Part:
    return name, sign(statement, *(by or OWN)).raw


def _stacks() -> Cases:
    stack, seven = WORLD.stack(("tool", 7)), WORLD.revision(7)
    yield approval("stack", ACCEPTED, "it says which revision, whatever the channel points at", STACKED, stack, seven)
    both = WORLD.stack(("tool", 7), ("toy", 2))
    yield approval("stack-of-two", ACCEPTED, "among others", STACKED, both, seven)
    yield approval("stack-beside", ACCEPTED, "a package that no stack lists follows its channel", STACKED)
    for name, rule, comment, model, said in (
        ("unasked", "SK-1", "a model that follows none", MODEL, stack),
        ("other", "SK-1", "another stack of the brand", STACKED, WORLD.stack(("tool", 7), stack="other")),
        (
            "of-another-brand",
            "SK-1",
            "a stack of that name, of another brand",
            replace(MODEL, stack="evil/line"),
            stack,
        ),
        ("without", "SK-1", "a stack without the package", STACKED, WORLD.stack(("toy", 7))),
        ("another-revision", "RV-1", "another revision than it says", STACKED, WORLD.stack(("tool", 8))),
        ("list-missing", "RC-1", "it names a list that is not held", STACKED, replace(stack, revocations=1)),
        ("expired", "TM-1", "too old", STACKED, replace(stack, issued=NOW - 90 * DAY, expires=NOW)),
    ):
        yield approval(f"stack-{name}", rule, comment, model, said, seven)
    arm = replace(stack, parts=[replace(stack.parts[0], architecture="arm64")])
    yield approval("stack-another-architecture", "SK-1", "a part for another architecture only", STACKED, arm, seven)
    for name, rule, comment, target in (
        ("below-minimum", "SK-2", "what a release has ended stays ended", Target("amd64", 9, 8)),
        ("at-minimum", ACCEPTED, "the minimum itself is acceptable", Target("amd64", 9, 7)),
        ("minimum-elsewhere", ACCEPTED, "another architecture's minimum", Target("arm64", 9, 8)),
    ):
        held = _part("before", replace(WORLD.release(9), targets=[target]))
        yield approval(f"stack-{name}", rule, comment, STACKED, stack, seven, more=(held,))
    gone = listed(1, ("stack acme/line", "keep"))
    yield approval("stack-revoked", "RK-1", "taken back", STACKED, stack, seven, more=(gone,))


def _delegates() -> Cases:
    release = sign(RELEASE, PARTNER[0])
    yield approval("partner", ACCEPTED, "a partner releases what the brand built", release, more=(given(),))
    base = given(kinds=["base"])
    yield approval(
        "partner-kind", "AU-3", "of a kind that he was not given: a release names none", release, more=(base,)
    )
    own = replace(STACKED, stack="acme/partner")
    stack = sign(WORLD.stack(("tool", 3), stack="partner"), PARTNER[0])
    yield approval("partner-stack", ACCEPTED, "by his stack", own, stack, more=(given(),))
    yield approval("partner-stack-kind", "AU-3", "and that is of other kinds", own, stack, more=(base,))
    other: dict[str, Any] = {"name": "other", "keys": key_set(1, PARTNER[0])}
    two = (given(kinds=["base"]), given(**other))
    yield approval("partner-kind-of-one", ACCEPTED, "one of two delegations gives it", release, more=two)
    ended = (given(**other, kinds=["base"]), given(issued=NOW - 300 * DAY))
    yield approval("partner-kind-of-expired", "AU-3", "not the one whose time is over", release, more=ended)
    built = sign(REVISION, PARTNER[0])
    yield approval("partner-build", ACCEPTED, "the brand releases what a partner built", built, more=(given(),))
    late = given(issued=NOW - 300 * DAY)
    yield approval("partner-build-expired", "TM-1", "whose time is over", built, more=(late,))
    gone = (given(), listed(1, ("delegation acme/partner", "keep")))
    yield approval("partner-build-revoked", "TH-1", "or who was taken back", built, more=gone)


def _revocations() -> Cases:
    for statement in (MODEL, STORE, RELEASE, REVISION):
        line = (f"{statement.type} {statement.subject}", "keep")
        yield approval(
            f"revoked-{statement.type}", "RK-1", f"the {statement.type} was taken back", more=(listed(1, line),)
        )
    rooted: dict[str, Any] = {"by": ROOT_KEYS[:2], "brand": "root"}
    acme = listed(1, ("brand acme", "keep"), **rooted)
    yield approval("revoked-brand", "RK-1", "the root takes a brand back", more=(acme,))
    yield approval("revoked-models-brand", "RK-1", "that of the model", *FOREIGN, package="evil/tool", more=(acme,))
    evil = listed(1, ("brand evil", "keep"), **rooted)
    yield approval("revoked-packages-brand", "RK-1", "or of the package", *FOREIGN, package="evil/tool", more=(evil,))
    yield approval("revoked-other-brand", ACCEPTED, "a brand that has no part in it", more=(evil,))
    needs = replace(RELEASE, revocations=2)
    for name, rule, comment, known in (
        ("held", ACCEPTED, "the list that it names is held", listed(2)),
        ("later", ACCEPTED, "a later one", listed(3)),
        ("expired", ACCEPTED, "an expired list counts", listed(2, issued=NOW - 900 * DAY)),
        ("earlier", "RC-1", "an earlier one does not do", listed(1)),
        ("forged", "RC-1", "nor one that the brand did not sign", listed(2, by=OWN[:1])),
        ("of-another", "RC-1", "nor another brand's", listed(2, by=EVIL, brand="evil")),
        ("of-root", "RC-1", "nor the root's", listed(2, **rooted)),
    ):
        yield approval(f"list-{name}", rule, comment, needs, more=(known,))
    his = given(roles=["revocations"]), listed(2, by=PARTNER[:1], issuer="partner")
    yield approval("list-of-delegate", "RC-1", "nor a delegate's", needs, more=his)
    new = brand(2, TWO, *ROLE, *OWN)
    both = [sign(one, *OWN, *TWO[:2]) for one in (MODEL, STORE, needs, REVISION)]
    retired = (("held", new.raw), listed(2, part="remembered"))
    yield approval("list-of-retired-keys", "RC-1", "nor one that only retired keys signed", *both, more=retired)
    models = (replace(FOREIGN[0], revocations=1), *FOREIGN[1:], WORLD.brand("evil"))
    wrong = (listed(1, by=EVIL, brand="evil"),)
    yield approval(
        "list-of-packages-brand",
        "RC-1",
        "the model's number is that of its own brand",
        *models,
        package="evil/tool",
        more=wrong,
    )
    named = (*FOREIGN, WORLD.brand(revocations=1))
    yield approval("list-of-models-brand", "RC-1", "as is the one in its certificate", *named, package="evil/tool")


def _rollouts() -> Cases:
    plan = Rollout("5" * 64, 0, [], NOW, 100, 3600, 3600)

    def released(previous: int | None, minimum: int = 1) -> Release:
        target = Target("amd64", 3, minimum, UNSET if previous is None else previous)
        return replace(RELEASE, targets=[target], rollout=plan)

    two = WORLD.revision(2)
    for name, rule, comment, release, revision, chosen in (
        ("chosen", ACCEPTED, "it is this device's turn", released(2), REVISION, "yes"),
        ("waits", ACCEPTED, "it is not: the one before", released(2), two, "no"),
        ("waits-for-it", "RV-1", "and not the one released", released(2), REVISION, "no"),
        ("chosen-for-it", "RV-1", "nor the one before for who is chosen", released(2), two, "yes"),
        ("previous-at-minimum", ACCEPTED, "the one before is the minimum", released(2, 2), two, "no"),
        (
            "previous-below-minimum",
            ACCEPTED,
            "one below the minimum is nothing to wait with",
            released(2, 3),
            REVISION,
            "no",
        ),
        ("previous-below-minimum-offered", "RV-1", "and is not installed", released(2, 3), two, "no"),
        ("no-previous", ACCEPTED, "nothing is named to wait with", released(None), REVISION, "no"),
    ):
        yield approval(f"rollout-{name}", rule, comment, release, revision, chosen=chosen)


def _epochs() -> Cases:
    for name, rule, comment, offered, runs in (
        ("lower", "EP-1", "it could not read what is there", 1, 2),
        ("same", ACCEPTED, "the epoch that runs", 2, 2),
        ("higher", ACCEPTED, "a higher one", 3, 2),
    ):
        running = _part("running", WORLD.revision(2, epoch=runs))
        yield approval(f"epoch-{name}", rule, comment, replace(REVISION, epoch=offered), more=(running,))
    yield approval("epoch-first", ACCEPTED, "nothing runs yet", replace(REVISION, epoch=1))


def _final() -> Cases:
    past: dict[str, Any] = {"issued": NOW - 365 * DAY}
    old: tuple[Common, ...] = (WORLD.brand(**past), WORLD.model(**past), WORLD.revision(3, **past))
    ids = (WORLD.signed(old[0]).id, sign(old[1], *OWN).id, sign(old[2], *OWN).id)

    def last(*by: Key, named: tuple[str, str, str] = ids, **more: Any) -> Envelope:
        final = Final(named[0], [named[1]], [named[2]])
        return sign(WORLD.release(3, final=final, **{**past, **more}), *(by or (*OWN, *ROLE)))

    yield approval("final", ACCEPTED, "the last release outlives its dates, and so does what it names", *old, last())
    yield approval("final-alone", "TH-1", "a brand alone makes nothing live for ever (EL-1)", *old, last(*OWN))
    yield approval("final-alone-current", "TH-1", "also while all is current (EL-1)", last(*OWN, issued=NOW))
    yield approval("final-current", ACCEPTED, "signed ahead of the end", last(issued=NOW))
    kinds = ("brand", "model", "revision")
    for n, kind in enumerate(kinds):
        others = ("0" * 64 if m == n else known for m, known in enumerate(ids))
        named: Any = tuple(others)
        yield approval(
            f"final-{kind}-unnamed", "TM-1", f"an expired {kind} that it does not name", *old, last(named=named)
        )
    again = WORLD.model(sequence=2, **past)
    yield approval("final-another-id", "TM-1", "a model of that name and another id", old[0], again, old[2], last())
    yield approval("final-waits", "TM-3", "it still waits for its day", *old, last(not_before=NOW + DAY, issued=NOW))
    ahead = last(issued=NOW + DAY)
    yield approval("final-ahead", "TM-2", "nor is it signed ahead of its date", *old, ahead)
    gone = listed(1, (last().id, "keep"))
    yield approval("final-revoked", "RK-1", "it lifts no revocation", *old, last(), more=(gone,))
    listing = last(revocations=1)
    yield approval("final-list-missing", "RC-1", "nor does it install without the list", *old, listing)
    root = ("root", sign(root_with(2, ROOT_KEYS, **past), *ROOT_KEYS[:2]).raw)
    yield approval("final-root-expired", "TM-1", "nor by a root that is over", *old, last(), more=(root,))
    his = sign(old[2], PARTNER[0])
    late = given(issued=NOW - 300 * DAY)
    yield approval(
        "final-delegation-expired", "TM-1", "nor by a delegation that is", *old[:2], his, last(), more=(late,)
    )


def _times() -> Cases:
    past: dict[str, Any] = {"issued": NOW - 365 * DAY}
    root = sign(root_with(2, ROOT_KEYS, **past), *ROOT_KEYS[:2])
    yield approval("root-expired", "TM-1", "an expired root installs nothing", more=(("root", root.raw),))
    waits = sign(root_with(2, ROOT_KEYS, not_before=NOW + DAY), *ROOT_KEYS[:2])
    yield approval("root-waits", "TM-3", "nor one that waits", more=(("root", waits.raw),))
    yield approval("brand-expired", "TM-1", "an expired certificate", WORLD.brand(**past))
    end, second = NOW + 365 * DAY, timedelta(seconds=1)
    over = (*FOREIGN, WORLD.brand(**past))
    yield approval("models-brand-expired", "TM-1", "that of the model's brand", *over, package="evil/tool")
    nearly = (*FOREIGN, WORLD.brand(issued=NOW - 365 * DAY + second))
    yield approval("models-brand-last-second", ACCEPTED, "a second before it is not", *nearly, package="evil/tool")
    late = [WORLD.brand(issued=NOW + DAY), WORLD.model(issued=NOW + DAY), WORLD.release(3, issued=end - 90 * DAY)]
    late += [WORLD.revision(3, issued=NOW + DAY), WORLD.store(issued=NOW + DAY)]
    yield approval("root-last-second", ACCEPTED, "the root's last second", *late, at=spell(end - second))
    yield approval("root-at-expiry", "TM-1", "and the next", *late, at=spell(end))


def cases() -> Cases:
    for part in (_stacks, _delegates, _revocations, _rollouts, _epochs, _final, _times):
        yield from part()
