"""What a thief of a whole threshold does first: the highest sequences, a list of his own, a model of his own."""

from sealring.rehearsal.ceremony import MAX_SEQUENCE, Desk
from sealring.rehearsal.first import CHANNEL, World
from sealring.rehearsal.plan import BrandPlan, Holder
from sealring.rehearsal.steps import THIEF, At, Made, Step

HIGHEST = ("--sequence", str(MAX_SEQUENCE))
BUILD = 66  # the number of his build, which honest people must never use again


def stolen_brand(world: World, brand: BrandPlan, thief: Desk, keys: tuple[Holder, ...]) -> list[Step]:
    """With a brand's threshold: a build, its release, a list that stops the true build, a model without the addon."""
    revoked = ("--revoke", f"revision {brand.name}/tool/1/amd64", "--action", "stop", "--why", "the thief says so")
    model, image = world.own(brand)[0], thief.at("tool.squashfs")
    return [
        Made(image, "hsqs the thief", THIEF),
        thief.draft("revision", "tool", "--replaces", world.own(brand)[2], *_build(image)),
        thief.draft("release", "release", "--replaces", world.release(brand, "tool"), *_released(), *HIGHEST),
        thief.draft("revocations", "list", "--replaces", world.list(brand), *revoked),
        thief.draft("model", "box", "--replaces", model, "--package", f"{brand.name}/tool={CHANNEL}", *HIGHEST),
        *thief.at_once([thief.at(f"{one}.json") for one in ("tool", "release", "list", "box")], world.context, keys),
    ]


def stolen_delegation(world: World, brand: BrandPlan, thief: Desk, keys: tuple[Holder, ...]) -> list[Step]:
    """With the delegates' threshold: a build, its release and a list, all within what was delegated."""
    revoked = ("--revoke", f"revision {brand.name}/addon/1/amd64", "--action", "replace", "--why", "the thief says so")
    issuer = ("--issuer", f"{brand.name}/{brand.delegation}", "--root", world.root)
    image, context = thief.at("addon.squashfs"), (*world.context, "--delegation", world.delegation(brand))
    return [
        Made(image, "hsqs the thief", THIEF),
        thief.draft("revision", "addon", "--replaces", world.delegated(brand)[0], *_build(image)),
        thief.draft("release", "release", "--replaces", world.release(brand, "addon"), *_released(), *HIGHEST),
        thief.draft("revocations", "list", *issuer, *revoked),
        *thief.at_once([thief.at(f"{one}.json") for one in ("addon", "release", "list")], context, keys),
    ]


def work_of(brand: BrandPlan, thief: Desk, package: str) -> dict[str, At]:
    """What the thief has signed, by kind."""
    name = brand.name
    channel = CHANNEL.replace("/", "-")
    return {
        "revision": thief.signed(f"revision-{name}-{package}-{BUILD}-amd64-1"),
        "release": thief.signed(f"release-{name}-{package}-{channel}-{MAX_SEQUENCE}"),
        "model": thief.signed(f"model-{name}-box-{MAX_SEQUENCE}"),
        "list": thief.signed(f"revocations-{name}-{name if package == 'tool' else brand.delegation}-"
                             f"{2 if package == 'tool' else 1}"),
    }  # fmt: skip


def _build(image: At) -> tuple[str, ...]:
    return ("--revision", str(BUILD), "--version", "6.6", "--image", image)


def _released() -> tuple[str, str]:
    return "--revision", f"amd64={BUILD}"
