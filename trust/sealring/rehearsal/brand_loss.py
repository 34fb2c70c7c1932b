"""A brand's keys are stolen at their threshold: the role `root` stands in for them (SPEC BR-2, FL-2, RK-3)."""

from sealring.rehearsal.below import MALLORY, fresh
from sealring.rehearsal.ceremony import Desk, key_options, sign, their_key, verify
from sealring.rehearsal.first import HEALTHY, World, deadlines, own_bundle
from sealring.rehearsal.plan import BrandPlan, Holder, Party, names, together
from sealring.rehearsal.steps import SHORT, THIEF, At, Begun, Made, Reached, Runs, Section, Shown, Situation, Step
from sealring.rehearsal.thief import BUILD, stolen_brand, work_of


def brand_keys(world: World, brand: BrandPlan) -> Situation:
    """The thief is the brand, until it is given new keys."""
    plan, desk, thief = world.plan, Desk(f"brand-{brand.name}-keys"), Desk(f"brand-{brand.name}-keys-thief", THIEF)
    lost = brand.own.signers()
    after = brand.own.after(lost)
    signers = together(plan.role.signers(), plan.root.signers(), after.signers())
    return Situation(
        desk.folder,
        f"The keys of the brand {brand.name} are stolen at their threshold",
        f"{names(lost)}, of {brand.own.title} ({brand.own.words})",
        (
            f"{plan.role.needed} of the role brand: {names(plan.role.signers())}",
            f"{plan.root.needed} of the root, in place of the keys before: {names(plan.root.signers())}",
            f"{after.needed} of the brand's new keys: {names(after.signers())}",
        ),
        (
            Section("What the thief does, and what devices do", tuple(_theft(world, brand, thief, lost))),
            Section("New keys, a list that says what was his, the delegation again, a clean build",
                    tuple(_recovery(world, brand, desk, after, signers))),
            Section("What it comes to", tuple(_after(world, brand, desk, thief))),
        ),
        checks=(
            "that the role root signs `in place of the keys before`, which the thief has as well",
            "each new key by its fingerprint, from its holder's own mouth",
            f"that the list names the thief's builds, such as revision {brand.name}/tool/{BUILD}/amd64",
            "that the brand names that list (RC-1): so no store can withhold it, and the thief's own list ends with it",
            "that only the team's own record was counter-signed: today's keys vouch for the thief's work as well",
        ),
        devices=(
            f"until then the thief is {brand.name}: devices that meet a store with his work install it",
            "what runs goes on running, except what his list stops: a brand may say `stop`",
            "after it: what he signed counts for nothing, his sequences neither, and his builds are replaced",
        ),
        wait=("no hour: until the new keys are out, every device that meets his work installs it",),
        deadlines=deadlines(world),
        undone=(
            "what his software did while it ran",
            f"the revision numbers that he used: never release {brand.name}/tool {BUILD}",
        ),
    )  # fmt: skip


def _theft(world: World, brand: BrandPlan, thief: Desk, lost: tuple[Holder, ...]) -> list[Step]:
    device, work = seduced(brand), work_of(brand, thief, "tool")
    theirs = ("--replaces", world.brand(brand.name), *their_key(MALLORY, brand.own))
    return [
        *stolen_brand(world, brand, thief, lost),
        Begun(device, world.root, f"{brand.name}/box", world.everything(brand)),
        Shown(device, tuple(work.values())),
        Runs(device, f"{brand.name}/tool", BUILD),
        Runs(device, f"{brand.name}/addon", 0),
        Reached(device, world.own(brand)[2], "stop"),
        thief.draft("brand", "brand-2", *theirs),
        sign(thief.at("brand-2.json"), lost),
        verify([thief.at("brand-2.json")], *world.context, wanted=SHORT),
    ]


def _recovery(world: World, brand: BrandPlan, desk: Desk, after: Party, signers: tuple[Holder, ...]) -> list[Step]:
    name, draft, image = brand.name, desk.at("brand-2.json"), desk.at("tool-2.squashfs")
    taken = ("--revoke", f"revision {name}/tool/{BUILD}/amd64", "--action", "replace", "--why", "signed by a thief")
    files = [desk.at(f"{one}.json") for one in ("brand-2", "list-2", "tool-2", "release-2")]
    signed, bundle = desk.countersign(own_bundle(brand), fresh(brand.own, after), (*world.context, "--next", draft))
    return [
        desk.draft("revocations", "list-2", "--replaces", world.list(brand), *taken),
        desk.draft(
            "brand", "brand-2", "--replaces", world.brand(name), *key_options(after),
            "--revocations-list", desk.at("list-2.json"),
        ),
        Made(image, "hsqs tool 2"),
        desk.draft("revision", "tool-2", "--replaces", world.own(brand)[2], "--revision", "2", "--version", "2.0",
                   "--image", image),
        desk.draft("release", "release-2", "--replaces", world.release(brand, "tool"), "--revision", "amd64=2:2",
                   "--revocations-list", desk.at("list-2.json")),
        *signed,
        *desk.ceremony(
            [*files, world.delegation(brand)],
            (*world.context, "--replaces", world.list(brand), "--released", bundle),
            signers,
            world.roots,
        ),
    ]  # fmt: skip


def _after(world: World, brand: BrandPlan, desk: Desk, thief: Desk) -> list[Step]:
    name, device = brand.name, seduced(brand)
    number, listed = desk.signed(f"brand-{name}-2"), desk.signed(f"revocations-{name}-{name}-2")
    delegation = desk.signed(f"delegation-{name}-{brand.delegation}-1")
    work = work_of(brand, thief, "tool")
    bundle = last_bundle(desk, brand.own)
    build = (desk.signed(f"revision-{name}-tool-2-amd64-1"), desk.signed(f"release-{name}-tool-latest-stable-2"))
    standing = (*world.context, "--brand", number, "--revocations", listed)
    return [
        verify([bundle, *build], *standing),
        verify(world.delegated(brand), *standing, "--delegation", delegation),
        *(verify([work[one]], *standing, wanted=SHORT) for one in ("release", "model", "revision", "list")),
        Shown(device, (number, delegation, listed, bundle)),
        Runs(device, f"{name}/tool", 1),
        Shown(device, build),
        Runs(device, f"{name}/tool", 2),
        Runs(device, f"{name}/addon", 1),
        *(Shown(device, (work[one],), "TH-1") for one in ("release", "model", "list")),
        Runs(device, f"{name}/tool", 2),
        Reached(device, work["revision"], "replace"),
        Reached(device, world.own(brand)[2], ""),
        *_healthy(world, brand, (number, delegation, listed, bundle, *build), work["release"]),
    ]


def _healthy(world: World, brand: BrandPlan, files: tuple[At, ...], theirs: At) -> list[Step]:
    device = f"{HEALTHY} of {brand.name} that never met the thief"
    return [
        Begun(device, world.root, f"{brand.name}/box", world.everything(brand)),
        Shown(device, files),
        Shown(device, (theirs,), "TH-1"),
        Runs(device, f"{brand.name}/tool", 2),
    ]


def seduced(brand: BrandPlan) -> str:
    """The device of which the thief was the master."""
    return f"a device of {brand.name} that met the thief"


def last_bundle(desk: Desk, party: Party) -> At:
    """Where the last counter-signature of a party's successors lies."""
    after = party.after(party.signers())
    return desk.at(f"by-{fresh(party, after)[-1].name}/000001.bundle")
