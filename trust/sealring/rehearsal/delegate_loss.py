"""A delegation's keys are stolen at their threshold: the brand takes the delegation back (SPEC RK-1, RK-6, AU-3)."""

from sealring.rehearsal.brand_loss import seduced
from sealring.rehearsal.ceremony import Desk, key_options, sign, verify
from sealring.rehearsal.first import HEALTHY, World, addon_bundle, deadlines
from sealring.rehearsal.plan import MAX_NAME, BrandPlan, Holder, names, together
from sealring.rehearsal.steps import (
    SHORT,
    THIEF,
    Begun,
    Ending,
    Reached,
    Runs,
    Section,
    Shown,
    Situation,
    Step,
)
from sealring.rehearsal.thief import BUILD, stolen_delegation, work_of


def delegate_keys(world: World, brand: BrandPlan) -> Situation:
    """The thief speaks within the delegation, until the brand says that it is none."""
    plan, name = world.plan, f"{brand.name}/{brand.delegation}"
    desk, thief = Desk(f"delegates-{brand.name}-keys"), Desk(f"delegates-{brand.name}-keys-thief", THIEF)
    lost = brand.delegates.signers()
    return Situation(
        desk.folder,
        f"The keys of the delegates {name} are stolen at their threshold",
        f"{names(lost)}, of {brand.delegates.title} ({brand.delegates.words})",
        (
            f"{brand.own.needed} of the brand's keys: {names(brand.own.signers())}",
            f"{plan.role.needed} of the role brand: {names(plan.role.signers())}",
        ),
        (
            Section("What the thief does, and what devices do", tuple(_theft(world, brand, thief, lost))),
            Section(
                "The brand signs what was good itself, takes the delegation back, and gives another",
                tuple(_recovery(world, brand, desk)),
            ),
            Section("What it comes to", tuple(_after(world, brand, desk, thief))),
        ),
        checks=(
            f"that the list names `delegation {name}`: every version of it, so the next one bears another name",
            "that the action is `replace`: what the thief got onto devices is replaced as soon as there is something",
            "that the brand names the list (RC-1), so that no store can withhold it",
            "that only the team's own record of what the delegates released is counter-signed",
        ),
        devices=(
            f"until then the thief releases {brand.name}/addon and nothing else: not another package, kind or model",
            "after it: what only the delegates signed counts for nothing, his list and his sequences neither",
            "publish all of it at once: the bundle alone is refused by devices that met him, for his higher sequence",
        ),
        wait=("no hour: until the list is out, every device that meets his work installs it, within the delegation",),
        deadlines=deadlines(world),
        undone=("what his software did while it ran", f"the name {name}: it stays taken back"),
    )


def _theft(world: World, brand: BrandPlan, thief: Desk, lost: tuple[Holder, ...]) -> list[Step]:
    device, work = seduced(brand), work_of(brand, thief, "addon")
    beyond = thief.at("tool.json")
    lists = ("--revocations", world.list(brand), "--delegation", world.delegation(brand))
    return [
        *stolen_delegation(world, brand, thief, lost),
        Begun(device, world.root, f"{brand.name}/box", world.everything(brand)),
        Shown(device, (work["revision"], work["release"], work["list"])),
        Runs(device, f"{brand.name}/addon", BUILD),
        Reached(device, world.delegated(brand)[0], "replace"),
        thief.draft("release", "tool", "--replaces", world.release(brand, "tool"), "--revision", f"amd64={BUILD}"),
        sign(beyond, lost),
        verify([beyond], *world.context, *lists, wanted=Ending(24, "AU-3")),
        Shown(device, (beyond,), "AU-3"),
    ]


def _recovery(world: World, brand: BrandPlan, desk: Desk) -> list[Step]:
    plan, name, held = world.plan, brand.name, world.delegation(brand)
    revoked = ("--revoke", f"delegation {name}/{brand.delegation}", "--action", "replace", "--why", "keys stolen")
    after = brand.delegates.after(brand.delegates.signers())
    other = ("--delegation", _next(brand), "--sequence", "1", *key_options(after))
    listed = ("--revocations-list", desk.at("list-2.json"))
    context = (*world.context, "--delegation", held)
    signed, bundle = desk.countersign(addon_bundle(brand), brand.own.signers(), context)
    drafts = [desk.at(f"{one}.json") for one in ("list-2", "brand-2", "delegation")]
    return [
        *signed,
        desk.draft("revocations", "list-2", "--replaces", world.list(brand), *revoked),
        desk.draft("brand", "brand-2", "--replaces", world.brand(name), *listed),
        desk.draft("delegation", "delegation", "--replaces", held, *other),
        *desk.ceremony(
            drafts,
            (*context, "--replaces", world.list(brand), "--released", bundle),
            together(brand.own.signers(), plan.role.signers()),
            world.roots,
        ),
    ]


def _after(world: World, brand: BrandPlan, desk: Desk, thief: Desk) -> list[Step]:
    name, device = brand.name, seduced(brand)
    number, listed = desk.signed(f"brand-{name}-2"), desk.signed(f"revocations-{name}-{name}-2")
    other = desk.signed(f"delegation-{_next(brand).replace('/', '-')}-1")
    bundle = desk.at(f"by-{brand.own.signers()[-1].name}/000001.bundle")
    work, old = work_of(brand, thief, "addon"), world.delegation(brand)
    standing = (*world.context, "--brand", number, "--revocations", listed)
    healthy = f"{HEALTHY} of {name} that never met the thief"
    return [
        verify([bundle, other], *standing),
        verify(world.own(brand), *standing),
        verify([old], *standing, wanted=Ending(21, "RK-1")),
        verify([work["release"]], *standing, "--delegation", old, wanted=SHORT),
        Shown(device, (number, listed, other, bundle)),
        Shown(device, (work["release"],), "TH-1"),
        Shown(device, (work["list"],), "TH-1"),
        Runs(device, f"{name}/addon", 1),
        Runs(device, f"{name}/tool", 1),
        Reached(device, work["revision"], "replace"),
        Reached(device, world.delegated(brand)[0], ""),
        Begun(healthy, world.root, f"{brand.name}/box", world.everything(brand)),
        Shown(healthy, (bundle, number, listed, other)),
        Shown(healthy, (work["release"],), "TH-1"),
        Runs(healthy, f"{name}/addon", 1),
    ]


def _next(brand: BrandPlan) -> str:
    return f"{brand.name}/{brand.delegation[: MAX_NAME - 6].rstrip('-')}-again"
