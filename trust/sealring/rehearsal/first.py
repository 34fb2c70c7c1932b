"""The first ceremony: a root, brands, what they delegate, and a released product. Every loss begins where it ends."""

from sealring.rehearsal.ceremony import Desk, given, key_options, verify
from sealring.rehearsal.plan import BrandPlan, Plan, names, together
from sealring.rehearsal.steps import DONE, At, Begun, Deadline, Made, Runs, Section, Shown, Situation, Step, Typed

HEALTHY = "a device"
TUF_ROOT = At("1.root.json")
CHANNEL = "latest/stable"


class World:
    """Where the files of the first ceremony are, by what they say."""

    root = At("first/signed/root-1.json")
    root_list = At("first/signed/revocations-root-root-1.json")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def brand(self, name: str) -> At:
        """A brand's assertion."""
        return At(f"first/signed/brand-{name}-1.json")

    def said(self, brand: BrandPlan) -> tuple[At, ...]:
        """What says who may sign and what is taken back: it is signed again by request, not in bulk."""
        return self.delegation(brand), self.list(brand)

    def delegation(self, brand: BrandPlan) -> At:
        """What the brand delegates."""
        return At(f"first/signed/delegation-{brand.name}-{brand.delegation}-1.json")

    def list(self, brand: BrandPlan) -> At:
        """The brand's revocation list."""
        return At(f"first/signed/revocations-{brand.name}-{brand.name}-1.json")

    def own(self, brand: BrandPlan) -> tuple[At, ...]:
        """What the brand's own keys have released, and for whom."""
        name = brand.name
        files = (f"model-{name}-box-1", f"store-{name}-main-1", f"revision-{name}-tool-1-amd64-1")
        return (*(At(f"first/signed/{one}.json") for one in files), self.release(brand, "tool"))

    def delegated(self, brand: BrandPlan) -> tuple[At, ...]:
        """What only the delegates have signed."""
        desk = addon_desk(brand)
        return desk.signed(f"revision-{brand.name}-addon-1-amd64-1"), self.release(brand, "addon")

    def release(self, brand: BrandPlan, package: str) -> At:
        """The release of `tool` (the brand's own) or `addon` (the delegates')."""
        desk = Desk("first") if package == "tool" else addon_desk(brand)
        return desk.signed(f"release-{brand.name}-{package}-latest-stable-1")

    @property
    def brands(self) -> tuple[str, ...]:
        """`--brand FILE` for each brand."""
        return given("--brand", (self.brand(one.name) for one in self.plan.brands))

    @property
    def context(self) -> tuple[str, ...]:
        """What stands behind every request."""
        return ("--root", self.root, *self.brands)

    @property
    def roots(self) -> tuple[str, ...]:
        """Each holder's own record of the root."""
        return ("--root", self.root)

    def everything(self, brand: BrandPlan) -> tuple[At, ...]:
        """What a device of this brand holds, in the order in which it can be taken."""
        signed = (*self.own(brand), *self.delegated(brand))
        return (self.brand(brand.name), self.root_list, *self.said(brand), *signed)


def addon_desk(brand: BrandPlan) -> Desk:
    """Where the delegates' own first ceremony lies."""
    return Desk(f"first-{brand.name}-addon")


def own_bundle(brand: BrandPlan) -> At:
    """What the brand's keys have released, as one file of the team's own records."""
    return At(f"first-{brand.name}-own.bundle")


def addon_bundle(brand: BrandPlan) -> At:
    """What the delegates have released."""
    return At(f"first-{brand.name}-addon.bundle")


def first_ceremony(plan: Plan) -> Situation:
    """Everything that is signed before a first device ships."""
    world, desk = World(plan), Desk("first")
    parties = (plan.root, plan.role, *(one.own for one in plan.brands))
    signers = together(*(party.signers() for party in parties))
    drafts = [desk.at("root.json"), desk.at("root-list.json")]
    drafting: list[Step] = [
        _root(plan, desk, "root", "--x", "rehearsal=throw-away keys"),
        desk.draft("revocations", "root-list", "--issuer", "root", "--root", desk.at("root.json")),
    ]
    for brand in plan.brands:
        steps = product(desk, brand, desk.at("root.json"))
        drafting += steps
        drafts += [At(step.words[-1]) for step in steps if isinstance(step, Typed)]
    sections = [
        Section("Drafts, by one person", tuple(drafting)),
        Section(
            "The request, a copy signed by each holder, the assertions",
            tuple(desk.ceremony(drafts, (), signers, (), short=len(signers) > 1)),
        ),
    ]
    for brand in plan.brands:
        sections += [
            Section(f"What {brand.name}/{brand.delegation} sign by themselves", tuple(_delegates(world, brand)))
        ]
    sections.append(Section("What devices make of it", tuple(_devices(world))))
    return Situation(
        "first",
        "The first ceremony",
        "nothing",
        tuple(f"{party.title}: {party.words}; {names(party.signers())} sign here" for party in plan.parties),
        tuple(sections),
        checks=(
            "the request's id, read to each other by voice: the same id means the same drafts",
            "the root's id, which goes into every holder's own record and into every device",
            "each key by its name and fingerprint, against what its holder says on another way",
            "the thresholds under `who may sign`",
        ),
        devices=("nothing: none is provisioned before the root is signed",),
        deadlines=deadlines(world),
        undone=("the root's id: every assertion and every device carries it for ever",),
        ends="done",
    )


def deadlines(world: World) -> tuple[Deadline, ...]:
    """What ends by itself, the earliest first in most plans."""
    first = world.plan.brands[0]
    return (
        Deadline(world.release(first, "tool"), "no device installs because of this release any more"),
        Deadline(world.delegation(first), "what only the delegates have signed is not installed any more"),
        Deadline(world.brand(first.name), "nothing new of this brand is installed"),
        Deadline(world.root, "nothing new at all is installed"),
    )


def _root(plan: Plan, desk: Desk, name: str, *more: str) -> Typed:
    return desk.draft("root", name, *key_options(plan.root, "root"), *key_options(plan.role, "brand"), *more)


def product(desk: Desk, brand: BrandPlan, root: At) -> list[Step]:
    """Drafts of a brand, its list, its delegation, its model and store, and one released build."""
    name, tool, model = brand.name, f"{brand.name}/tool", f"{brand.name}/box"
    under, listed = ("--root", root), ("--revocations", "1")
    follows = tuple(word for one in ("addon", "tool") for word in ("--package", f"{name}/{one}={CHANNEL}"))
    covers = ("--role", "release", "--role", "revision", "--role", "revocations", "--packages", f"{name}/addon")
    delegation = ("--delegation", f"{name}/{brand.delegation}", *key_options(brand.delegates), *covers)
    store = ("--store", f"{name}/main", "--url", "https://store.example", "--tuf-root", TUF_ROOT)
    image = desk.at(f"{name}-tool-1.squashfs")
    build = ("--package", tool, "--revision", "1", "--architecture", "amd64", "--version", "1.0", "--image", image)
    return [
        Made(image, "hsqs tool 1"),
        desk.draft("brand", name, "--brand", name, *key_options(brand.own), *listed, *under),
        desk.draft("revocations", f"{name}-list", "--issuer", name, *under),
        desk.draft("delegation", f"{name}-{brand.delegation}", *delegation, *under),
        desk.draft(
            "model", f"{name}-box", "--model", model, "--architecture", "amd64", *follows, "--store", f"{name}/main",
            *listed, *under,
        ),
        desk.draft("store", f"{name}-main", *store, "--packages", f"{name}/*", *listed, *under),
        desk.draft("revision", f"{name}-tool-1", *build, *under),
        desk.draft(
            "release", f"{name}-tool", "--package", tool, "--channel", CHANNEL, "--revision", "amd64=1", *listed, *under
        ),
    ]  # fmt: skip


def _delegates(world: World, brand: BrandPlan) -> list[Step]:
    """A second request, by the delegates alone: what they sign must stand without the brand's keys."""
    desk, package = addon_desk(brand), f"{brand.name}/addon"
    image, under = desk.at("addon-1.squashfs"), ("--root", world.root)
    build = ("--package", package, "--revision", "1", "--architecture", "amd64", "--version", "1.0", "--image", image)
    channel = ("--package", package, "--channel", CHANNEL, "--revision", "amd64=1", "--revocations", "1")
    drafts = [desk.at("addon-1.json"), desk.at("addon.json")]
    context = (*world.context, "--delegation", world.delegation(brand))
    return [
        Made(image, "hsqs addon 1"),
        desk.draft("revision", "addon-1", *build, *under),
        desk.draft("release", "addon", *channel, *under),
        *desk.ceremony(drafts, context, brand.delegates.signers(), world.roots),
    ]


def _devices(world: World) -> list[Step]:
    found: list[Step] = []
    for brand in world.plan.brands:
        device, lists = f"{HEALTHY} of {brand.name}", given("--revocations", (world.root_list, world.list(brand)))
        own, delegated = world.own(brand), world.delegated(brand)
        standing = (*world.context, *lists)
        found += [
            verify([*world.said(brand), *own], *standing, wanted=DONE),
            verify(delegated, *standing, "--delegation", world.delegation(brand)),
            Typed(("sealring", "bundle", "create", *own, "-o", own_bundle(brand))),
            Typed(("sealring", "bundle", "create", *delegated, "-o", addon_bundle(brand))),
            Begun(device, world.root, f"{brand.name}/box"),
            Shown(device, world.everything(brand)),
            Runs(device, f"{brand.name}/tool", 1),
            Runs(device, f"{brand.name}/addon", 1),
        ]
    return found
