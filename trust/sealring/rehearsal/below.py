"""A key is lost and too few are in the thief's hands: counter-sign first, then rotate, and nothing falls.

Played for a key of the root, of the root's role `brand`, of a brand and of its delegates (SPEC RT-1, BR-1, BR-2, CE-6).
"""

from collections.abc import Iterator

from sealring.rehearsal.ceremony import Desk, given, key_options, sign, their_key, verify
from sealring.rehearsal.first import HEALTHY, World, addon_bundle, deadlines, own_bundle
from sealring.rehearsal.plan import BrandPlan, Holder, Party, Plan, names, together
from sealring.rehearsal.steps import HASTY, SHORT, THIEF, At, Begun, Runs, Section, Shown, Situation, Step, public_half

MALLORY = Holder("rehearsal-mallory")
REVIEW = (
    "that exactly the lost key vanishes under `what changes`, and that the new one is its holder's, by fingerprint",
    "that nothing is told as falling, and nothing as unknown",
    "the request's id, by voice",
)
NOTHING_FALLS = ("nothing: what they hold stays signed by enough of the keys in force, before and after",)


def below_threshold(plan: Plan) -> Iterator[Situation]:
    """One situation for each key set of which one key alone is not enough."""
    world = World(plan)
    if plan.root.needed > 1 and plan.root.pick(plan.root.signers()[:1]):
        yield _root_key(world)
    if plan.role.needed > 1:
        yield _role_key(world)
    for brand in plan.brands:
        if brand.own.needed > 1:
            yield _brand_key(world, brand)
        if brand.delegates.needed > 1:
            yield _delegate_key(world, brand)


def fresh(party: Party, after: Party) -> tuple[Holder, ...]:
    """Who signs for the new key set and has not signed for the old one."""
    return tuple(one for one in after.signers() if one not in party.signers())


def _lost(party: Party) -> tuple[Holder, Party]:
    """The first holder, who has signed everything, and the party without that key."""
    one = party.signers()[0]
    return one, party.after([one])


def _one(lost: Holder, party: Party) -> str:
    return f"{lost.name}, one key of {party.title} ({party.words})"


def _weeks(party: Party) -> tuple[str, ...]:
    first = f"weeks, while the other keys are safe: the thief needs {party.needed - 1} more"
    return (first, "the first question: could the way of this theft reach several keys at once?")


def _root_key(world: World) -> Situation:
    plan, desk, thief = world.plan, Desk("root-key"), Desk("root-key-thief", THIEF)
    lost, after = _lost(plan.root)
    before = plan.root.pick([lost]) or ()
    keys = ("--replaces", world.root, *key_options(after, "root"))
    theirs = ("--replaces", world.root, *their_key(MALLORY, plan.root, "root"))
    drafts = [desk.at("root-2.json"), world.root_list]
    roots = (*world.roots, "--root", desk.signed("root-2"))
    recovery: list[Step] = [
        desk.draft("root", "root-2", *keys),
        *desk.ceremony(drafts, world.context, together(before, after.signers()), world.roots),
    ]
    attempt: list[Step] = [
        thief.draft("root", "root-2", *theirs),
        sign(thief.at("root-2.json"), [lost]),
        verify([thief.at("root-2.json")], *world.roots, wanted=SHORT),
    ]
    shown = [*_released(world, roots), verify([world.root_list], *roots, wanted=SHORT)]
    shown += _devices(world, desk, (desk.signed("root-2"), desk.signed("revocations-root-root-1")))
    return Situation(
        desk.folder,
        "One key of the root is lost",
        _one(lost, plan.root),
        (
            f"{plan.root.needed} of version 1 of the root: {names(before)}",
            f"{after.needed} of version 2 of the root: {names(after.signers())}",
        ),
        (
            Section("What the thief tries", tuple(attempt)),
            Section("Version 2, and the root's list signed again", tuple(recovery)),
            Section("What it comes to", tuple(shown)),
        ),
        checks=REVIEW,
        devices=NOTHING_FALLS,
        wait=_weeks(plan.root),
        deadlines=deadlines(world),
        undone=("version 2 is for ever: devices walk the versions one by one, so each must stay available",),
    )


def _role_key(world: World) -> Situation:
    plan, desk, thief = world.plan, Desk("role-key"), Desk("role-key-thief", THIEF)
    lost, after = _lost(plan.role)
    draft = desk.at("root-2.json")
    brands = [world.brand(one.name) for one in plan.brands]
    evil = ("--brand", "rehearsal-evil", "--key", public_half(MALLORY), "--threshold", "1")
    attempt: list[Step] = [
        thief.draft("brand", "evil", *evil, *world.roots),
        sign(thief.at("evil.json"), [lost]),
        verify([thief.at("evil.json")], *world.roots, wanted=SHORT),
    ]
    recovery: list[Step] = [
        desk.draft("root", "root-2", "--replaces", world.root, *key_options(after, "brand")),
        Desk(f"{desk.folder}-hasty").request([draft], *world.context, wanted=HASTY),
        *desk.ceremony([draft, *brands], world.context, together(plan.root.signers(), after.signers()), world.roots),
    ]
    roots = (*world.roots, "--root", desk.signed("root-2"))
    again = [desk.signed(f"brand-{one.name}-1") for one in plan.brands]
    shown: list[Step] = [
        *(step for one in plan.brands for step in _standing(world, one, (*roots, *given("--brand", again)))),
        verify(brands, *roots, wanted=SHORT),
        *_devices(world, desk, (desk.signed("root-2"), *again)),
    ]
    return Situation(
        desk.folder,
        "One key of the role brand is lost",
        _one(lost, plan.role),
        (f"{plan.root.needed} of the root: {names(plan.root.signers())}", _again(after)),
        (
            Section("What the thief tries", tuple(attempt)),
            Section("Version 2 of the root, with every brand signed again in the same request", tuple(recovery)),
            Section("What it comes to", tuple(shown)),
        ),
        checks=(*REVIEW, "that every brand is among the drafts: one that is left out falls with the old role"),
        devices=NOTHING_FALLS,
        wait=_weeks(plan.role),
        deadlines=deadlines(world),
        undone=("version 2 is for ever, as with a key of the root",),
    )


def _brand_key(world: World, brand: BrandPlan) -> Situation:
    plan, desk, thief = world.plan, Desk(f"brand-{brand.name}-key"), Desk(f"brand-{brand.name}-key-thief", THIEF)
    lost, after = _lost(brand.own)
    held = world.brand(brand.name)
    draft = desk.at("brand-2.json")
    before = brand.own.pick([lost])
    vouch = before or plan.root.signers()
    signed, bundle = desk.countersign(own_bundle(brand), fresh(brand.own, after), (*world.context, "--next", draft))
    released = (*world.context, "--released", bundle)
    recovery: list[Step] = [
        desk.draft("brand", "brand-2", "--replaces", held, *key_options(after)),
        Desk(f"{desk.folder}-hasty").request(
            [draft, *world.said(brand)], *world.context, "--released", own_bundle(brand), wanted=HASTY
        ),
        *signed,
        *desk.ceremony(
            [draft, *world.said(brand)], released, together(plan.role.signers(), vouch, after.signers()), world.roots
        ),
    ]
    number = _file(brand, 2)
    lists = ("--revocations", desk.signed(f"revocations-{brand.name}-{brand.name}-1"))
    standing = (*world.context, "--brand", desk.signed(number))
    delegation = desk.signed(f"delegation-{brand.name}-{brand.delegation}-1")
    shown: list[Step] = [
        verify([bundle], *standing, *lists),
        verify(world.delegated(brand), *standing, *lists, "--delegation", delegation),
        verify([world.release(brand, "tool")], *standing, *lists, wanted=SHORT),
        *_devices(
            world, desk, (bundle, desk.signed(number), delegation, At(lists[1])), brand=brand
        ),
    ]  # fmt: skip
    return Situation(
        desk.folder,
        f"One key of the brand {brand.name} is lost",
        _one(lost, brand.own),
        (
            f"{brand.own.needed} of the brand's keys before: {names(before)}"
            if before
            else f"{plan.root.needed} of the root, since too few of the brand's keys are left: {names(vouch)}",
            f"{plan.role.needed} of the role brand: {names(plan.role.signers())}",
            f"{after.needed} of the brand's new keys, to sign again: {names(after.signers())}",
        ),
        (
            Section("What the thief tries", tuple(_release_by(world, brand, thief, lost, "tool"))),
            Section("Counter-sign what is released, then rotate", tuple(recovery)),
            Section("What it comes to", tuple(shown)),
        ),
        checks=(*REVIEW, "that the bundle to counter-sign is the team's own record, and not what a store shows today"),
        devices=(
            *NOTHING_FALLS,
            "publish in this order: what was counter-signed, the delegation and list, last the brand's assertion",
        ),
        wait=_weeks(brand.own),
        deadlines=deadlines(world),
        undone=("what was not counter-signed counts for nothing more",),
    )


def _delegate_key(world: World, brand: BrandPlan) -> Situation:
    name = f"{brand.name}/{brand.delegation}"
    desk, thief = Desk(f"delegates-{brand.name}-key"), Desk(f"delegates-{brand.name}-key-thief", THIEF)
    lost, after = _lost(brand.delegates)
    held, draft = world.delegation(brand), desk.at("delegation-2.json")
    context = (*world.context, "--delegation", held)
    signed, bundle = desk.countersign(
        addon_bundle(brand), fresh(brand.delegates, after), (*context, "--next", draft)
    )  # fmt: skip
    recovery: list[Step] = [
        desk.draft("delegation", "delegation-2", "--replaces", held, *key_options(after)),
        *signed,
        *desk.ceremony([draft], (*context, "--released", bundle), brand.own.signers(), world.roots),
    ]
    number = desk.signed(f"delegation-{brand.name}-{brand.delegation}-2")
    standing = (*world.context, "--revocations", world.list(brand), "--delegation", number)
    shown: list[Step] = [
        verify([bundle], *standing),
        verify([world.release(brand, "addon")], *standing, wanted=SHORT),
        *_devices(world, desk, (bundle, number), brand=brand),
    ]
    return Situation(
        desk.folder,
        f"One key of the delegates {name} is lost",
        _one(lost, brand.delegates),
        (
            f"{brand.own.needed} of the brand's keys: {names(brand.own.signers())}",
            f"of the delegates' new keys those who have not signed: {names(fresh(brand.delegates, after))}",
        ),
        (
            Section("What the thief tries", tuple(_release_by(world, brand, thief, lost, "addon"))),
            Section("Counter-sign what they released, then change the delegation", tuple(recovery)),
            Section("What it comes to", tuple(shown)),
        ),
        checks=(*REVIEW, "that roles, packages, models and kinds of the delegation stay as they were"),
        devices=NOTHING_FALLS,
        wait=_weeks(brand.delegates),
        deadlines=deadlines(world),
        undone=("what was not counter-signed counts for nothing more",),
    )


def _release_by(world: World, brand: BrandPlan, thief: Desk, lost: Holder, package: str) -> list[Step]:
    """A release by one key, where more are needed."""
    old, draft = world.release(brand, package), thief.at("release.json")
    more = () if package == "tool" else ("--delegation", world.delegation(brand))
    return [
        thief.draft("release", "release", "--replaces", old, "--revision", "amd64=66"),
        sign(draft, [lost]),
        verify([draft], *world.context, "--revocations", world.list(brand), *more, wanted=SHORT),
    ]


def _released(world: World, roots: tuple[str, ...]) -> list[Step]:
    return [step for one in world.plan.brands for step in _standing(world, one, (*roots, *world.brands))]


def _standing(world: World, brand: BrandPlan, standing: tuple[str, ...]) -> list[Step]:
    """Everything of a brand still verifies."""
    lists, delegation = ("--revocations", world.list(brand)), ("--delegation", world.delegation(brand))
    return [
        verify([*world.said(brand), *world.own(brand)], *standing, *lists),
        verify(world.delegated(brand), *standing, *lists, *delegation),
    ]


def _devices(world: World, desk: Desk, files: tuple[At, ...], brand: BrandPlan | None = None) -> list[Step]:
    """A device that had everything before takes what is new, and goes on as before."""
    found: list[Step] = []
    for one in [brand] if brand else world.plan.brands:
        device = f"{HEALTHY} of {one.name} ({desk.folder})"
        found += [
            Begun(device, world.root, f"{one.name}/box", world.everything(one)),
            Shown(device, files),
            Runs(device, f"{one.name}/tool", 1),
            Runs(device, f"{one.name}/addon", 1),
        ]
    return found


def _again(after: Party) -> str:
    return f"{after.needed} of the role's new keys, to certify each brand again: {names(after.signers())}"


def _file(brand: BrandPlan, number: int) -> str:
    return f"brand-{brand.name}-{number}"
