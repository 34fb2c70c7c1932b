"""The root's role `brand` is stolen at its threshold: brands are certified anew (SPEC BR-1 to BR-3)."""

from sealring.rehearsal.below import MALLORY
from sealring.rehearsal.ceremony import Desk, key_options, sign, their_key, verify
from sealring.rehearsal.first import HEALTHY, World, deadlines
from sealring.rehearsal.plan import BrandPlan, Party, names, together
from sealring.rehearsal.steps import SHORT, THIEF, At, Begun, Runs, Section, Shown, Situation, Step, public_half

EVIL = "rehearsal-evil"


def role_keys(world: World) -> Situation:
    """The thief certifies whom he likes; brands that devices know stay who they are."""
    plan, desk, thief = world.plan, Desk("role-keys"), Desk("role-keys-thief", THIEF)
    lost = plan.role.signers()
    after = plan.role.after(lost)
    return Situation(
        desk.folder,
        "The role brand of the root is stolen at its threshold",
        f"{names(lost)}, of {plan.role.title} ({plan.role.words})",
        (
            f"{plan.root.needed} of the root: {names(plan.root.signers())}",
            f"{after.needed} of the role's new keys: {names(after.signers())}",
            *(f"{one.own.needed} of the brand {one.name}: {names(one.own.signers())}" for one in plan.brands),
        ),
        (
            Section("What the thief does, and what devices do", tuple(_theft(world, thief))),
            Section("Version 2 of the root, with each brand's next assertion", tuple(_recovery(world, desk, after))),
            Section("What it comes to", tuple(_after(world, desk, thief))),
        ),
        checks=(
            "that the whole threshold of the role has other keys, each by its fingerprint",
            "that every brand is among the drafts, with the keys that it had: one that is left out falls",
            "that the root signs the brands too: a device that took the thief for a brand believes its own root only",
        ),
        devices=(
            "a brand that a device knows stays as it is: the role alone can't change a brand's keys (BR-2)",
            "a device that knows nothing of a brand yet believes whom the thief certifies: provision none without seed",
            "a brand that he invents may sign its own packages only, which no model of yours names",
        ),
        wait=("days: devices that know your brands are safe; stop provisioning devices without a seed at once",),
        deadlines=deadlines(world),
        undone=("what a device without a seed installed meanwhile",),
    )


def _theft(world: World, thief: Desk) -> list[Step]:
    lost, found = world.plan.role.signers(), list[Step]()
    found += [
        thief.draft("brand", EVIL, "--brand", EVIL, "--key", public_half(MALLORY), "--threshold", "1", *world.roots),
        sign(thief.at(f"{EVIL}.json"), lost),
        verify([thief.at(f"{EVIL}.json")], *world.roots),
    ]
    for brand in world.plan.brands:
        taken, release = _taken(thief, brand), thief.at(f"{brand.name}-release.json")
        old = world.release(brand, "tool")
        found += [
            thief.draft(
                "brand", f"{brand.name}-2", "--replaces", world.brand(brand.name), *their_key(MALLORY, brand.own)
            ),
            sign(taken, lost),
            verify([taken], *world.context, wanted=SHORT),
            thief.draft("release", f"{brand.name}-release", "--replaces", old, "--revision", "amd64=66"),
            sign(release, [MALLORY]),
            Begun(knows := _knowing(brand), world.root, f"{brand.name}/box", world.everything(brand)),
            Shown(knows, (taken,), "TH-1"),
            Shown(knows, (thief.at(f"{EVIL}.json"), release), "TH-1"),
            Runs(knows, f"{brand.name}/tool", 1),
            Begun(_new(brand), world.root, f"{brand.name}/box"),
            Shown(_new(brand), (taken, release)),
        ]
    return found


def _recovery(world: World, desk: Desk, after: Party) -> list[Step]:
    plan, draft = world.plan, desk.at("root-2.json")
    found: list[Step] = [desk.draft("root", "root-2", "--replaces", world.root, *key_options(after, "brand"))]
    drafts = [draft]
    for brand in plan.brands:
        found.append(desk.draft("brand", f"{brand.name}-2", "--replaces", world.brand(brand.name)))
        drafts.append(_taken(desk, brand))
    own = [holder for one in plan.brands for holder in one.own.signers()]
    signers = together(plan.root.signers(), after.signers(), own)
    return [*found, *desk.ceremony(drafts, world.context, signers, world.roots)]


def _after(world: World, desk: Desk, thief: Desk) -> list[Step]:
    root, found = desk.signed("root-2"), list[Step]()
    roots = (*world.roots, "--root", root)
    for brand in world.plan.brands:
        number = desk.signed(f"brand-{brand.name}-2")
        # A device keeps the brand of before until its successor comes, so the walk begins there.
        walk = ("--brand", number)
        lists = ("--revocations", world.list(brand))
        found += [
            verify([*world.said(brand), *world.own(brand)], *roots, *walk, *lists),
            verify(world.delegated(brand), *roots, *walk, *lists, "--delegation", world.delegation(brand)),
            verify([world.brand(brand.name)], *roots, wanted=SHORT),
            verify([_taken(thief, brand)], *roots, *walk, wanted=SHORT),
            Shown(_knowing(brand), (root, number)),
            Runs(_knowing(brand), f"{brand.name}/tool", 1),
            Runs(_knowing(brand), f"{brand.name}/addon", 1),
            Shown(_knowing(brand), (_taken(thief, brand),), "TH-1"),
            Shown(_new(brand), (root, number, *world.everything(brand)[1:])),
            Runs(_new(brand), f"{brand.name}/tool", 1),
        ]
    return [*found, verify([thief.at(f"{EVIL}.json")], *roots, wanted=SHORT)]


def _taken(desk: Desk, brand: BrandPlan) -> At:
    return desk.at(f"{brand.name}-2.json")


def _knowing(brand: BrandPlan) -> str:
    return f"{HEALTHY} that knows {brand.name}"


def _new(brand: BrandPlan) -> str:
    return f"{HEALTHY} without a seed of {brand.name}"
