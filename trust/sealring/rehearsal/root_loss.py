"""Root keys are stolen at their threshold: past repair, and what begins anew (SPEC RT-1, RT-4, DV-11)."""

from sealring.rehearsal.below import MALLORY
from sealring.rehearsal.ceremony import Desk, key_options, sign, their_key, verify
from sealring.rehearsal.first import CHANNEL, World, deadlines, product
from sealring.rehearsal.plan import BrandPlan, names, together
from sealring.rehearsal.steps import (
    SHORT,
    THIEF,
    At,
    Begun,
    Ending,
    Made,
    Runs,
    Section,
    Shown,
    Situation,
    Step,
    Typed,
)
from sealring.rehearsal.thief import BUILD, HIGHEST

REACHED = "a device that the thief reached first"
OURS = "a device that the true version 2 reached first"
QUIET = "a device that nobody reached"
ANEW = "a device that is provisioned anew"


def root_keys(world: World) -> Situation:
    """The thief is the root, for every device that he reaches first."""
    plan, desk, thief = world.plan, Desk("root-keys"), Desk("root-keys-thief", THIEF)
    lost, brand = plan.root.signers(), plan.brands[0]
    anew = Desk("root-anew")
    after = plan.root.after(lost)
    return Situation(
        desk.folder,
        "Root keys are stolen at their threshold: past repair",
        f"{names(lost)}, of {plan.root.title} ({plan.root.words})",
        (
            f"{plan.root.needed} of the root, if copies of their keys are left: {names(lost)}",
            f"{after.needed} of a new root: {names(after.signers())}; then all of the first ceremony",
            "somebody at every device: a new root comes by local provisioning alone",
        ),
        (
            Section("What the thief does, and what devices do", tuple(_theft(world, thief, brand))),
            Section("The race: whoever has copies of the keys signs a version 2 at once", tuple(_race(world, desk))),
            Section("A new root, for devices that are provisioned anew", tuple(_anew(world, anew, brand))),
            Section("What it comes to", tuple(_after(world, thief, anew, brand))),
        ),
        checks=(
            "the new root's id, by voice: what was signed under the old one counts for nothing there",
            "that none of the stolen keys is in the new root, and why those that stay are thought safe",
        ),
        devices=(
            "one that the thief reached follows him: nothing that you sign comes through to it",
            "one that your version 2 reached first is yours, and refuses his",
            "one that neither reached runs on, and takes what your brands release until the root's assertion ends",
            "were the keys only lost, with nobody else having them: the same, without a thief",
        ),
        wait=("no hour, if copies of the keys are left: the first version 2 that a device meets is its root",),
        deadlines=deadlines(world),
        undone=(
            "the root, as one for all: which version 2 a device follows depends on who came first",
            "every device that he reached, until somebody provisions it by hand",
        ),
        ends="past repair",
    )  # fmt: skip


def _theft(world: World, thief: Desk, brand: BrandPlan) -> list[Step]:
    """One request for all: version 2, the brand in his hands, and what he has it say."""
    plan, name, image = world.plan, brand.name, thief.at("tool.squashfs")
    roles = (*their_key(MALLORY, plan.root, "root"), *their_key(MALLORY, plan.role, "brand"))
    own = their_key(MALLORY, brand.own)
    model, store, build, release = world.own(brand)
    drafts = ("root-2", "brand", "list", "box", "main", "tool", "release")
    follows = ("--package", f"{name}/tool={CHANNEL}")
    return [
        Made(image, "hsqs the thief", THIEF),
        thief.draft("root", "root-2", "--replaces", world.root, *roles),
        thief.draft("brand", "brand", "--replaces", world.brand(name), *own),
        thief.draft("revocations", "list", "--replaces", world.list(brand)),
        thief.draft("model", "box", "--replaces", model, *follows, *HIGHEST),
        thief.draft("store", "main", "--replaces", store, *HIGHEST),
        thief.draft("revision", "tool", "--replaces", build, "--revision", str(BUILD), "--image", image),
        thief.draft("release", "release", "--replaces", release, "--revision", f"amd64={BUILD}", *HIGHEST),
        thief.request([thief.at(f"{one}.json") for one in drafts], *world.context, "--cut"),
        sign(thief.at("request"), (*plan.root.signers(), MALLORY)),
        Typed(("sealring", "assemble", thief.at("request"), "--cut", "-o", At(f"{thief.folder}/signed")), by=THIEF),
        Begun(REACHED, world.root, f"{brand.name}/box", world.everything(brand)),
        Begun(OURS, world.root, f"{brand.name}/box", world.everything(brand)),
        Begun(QUIET, world.root, f"{brand.name}/box", world.everything(brand)),
        Shown(REACHED, _work(thief, brand)),
        Runs(REACHED, f"{name}/tool", BUILD),
    ]


def _race(world: World, desk: Desk) -> list[Step]:
    """The lost keys sign, as copies of stolen keys can, and new ones take their place."""
    plan = world.plan
    after = plan.root.after(plan.root.signers())
    keys = key_options(after, "root")
    signers = together(plan.root.signers(), after.signers())
    return [
        desk.draft("root", "root-2", "--replaces", world.root, *keys),
        *desk.ceremony([desk.at("root-2.json"), world.root_list], world.context, signers, world.roots),
    ]


def _anew(world: World, anew: Desk, brand: BrandPlan) -> list[Step]:
    """The first ceremony again, in short: one brand and what it releases."""
    plan = world.plan
    root = anew.at("root.json")
    after = plan.root.after(plan.root.signers())
    roles = (*key_options(after, "root"), *key_options(plan.role, "brand"), "--x", "rehearsal=throw-away keys again")
    drafting = product(anew, brand, root)
    drafts = [root, *(At(step.words[-1]) for step in drafting if isinstance(step, Typed))]
    signers = together(after.signers(), plan.role.signers(), brand.own.signers())
    return [anew.draft("root", "root", *roles), *drafting, *anew.ceremony(drafts, (), signers, ())]


def _after(world: World, thief: Desk, anew: Desk, brand: BrandPlan) -> list[Step]:
    name, ours, theirs = brand.name, Desk("root-keys").signed("root-2"), thief.signed("root-2")
    fresh = tuple(
        anew.signed(one)
        for one in (
            f"brand-{name}-1", f"delegation-{name}-{brand.delegation}-1", f"revocations-{name}-{name}-1",
            f"model-{name}-box-1", f"store-{name}-main-1", f"revision-{name}-tool-1-amd64-1",
            f"release-{name}-tool-latest-stable-1",
        )
    )  # fmt: skip
    root = anew.signed("root-1")
    return [
        Shown(REACHED, (ours,), "TH-1"),
        Runs(REACHED, f"{name}/tool", BUILD),
        Shown(OURS, (ours,)),
        Shown(OURS, (theirs,), "TH-1"),
        Runs(OURS, f"{name}/tool", 1),
        verify([theirs], *world.roots, "--root", ours, wanted=SHORT),
        Runs(QUIET, f"{name}/tool", 1),
        *(Shown(device, (fresh[0],), "ST-4") for device in (OURS, QUIET)),
        verify([fresh[0]], *world.roots, wanted=Ending(24, "ST-4")),
        Begun(ANEW, root, f"{name}/box"),
        Shown(ANEW, fresh),
        Runs(ANEW, f"{name}/tool", 1),
        Shown(ANEW, (world.brand(name),), "ST-4"),
        *_lost(world, brand),
    ]


def _lost(world: World, brand: BrandPlan) -> list[Step]:
    """Without a thief: what is released stands, and nobody can sign a next version."""
    desk, after = Desk("root-lost"), world.plan.root.after(world.plan.root.signers())
    draft = desk.at("root-2.json")
    found: list[Step] = [
        desk.draft("root", "root-2", "--replaces", world.root, *key_options(after, "root")),
        sign(draft, after.signers(), "--replaces", world.root, by=names(after.signers())),
        verify([draft], *world.roots, wanted=SHORT),
    ]
    listed = ("--revocations", world.list(brand))
    return [*found, verify(world.own(brand), *world.context, *listed)]


def _work(thief: Desk, brand: BrandPlan) -> tuple[At, ...]:
    name, last = brand.name, HIGHEST[1]
    return tuple(
        thief.signed(one)
        for one in (
            "root-2", f"brand-{name}-2", f"revocations-{name}-{name}-2", f"model-{name}-box-{last}",
            f"store-{name}-main-{last}", f"revision-{name}-tool-{BUILD}-amd64-1",
            f"release-{name}-tool-latest-stable-{last}",
        )
    )  # fmt: skip
