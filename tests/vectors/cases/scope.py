"""What a delegation covers: its roles, packages, models, kinds and names (SPEC AU-3 to AU-5)."""

from msgspec.structs import replace

from sealring.statement.fleet import Wanted
from sealring.statement.software import Final, Requirement
from sealring.strict import encode
from tests.vectors.cases.common import ACCEPTED, WORLD, Cases, case
from tests.vectors.cases.delegation import WIDE, given, judged
from tests.world import Key

FINAL = Final("0" * 64, ["0" * 64], ["0" * 64])


def _narrow() -> Cases:
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


def _wide() -> Cases:
    foreign = [Wanted("evil/tool", "latest/stable", "app", "required")]
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


def _some() -> Cases:
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


def cases() -> Cases:
    for part in (
        _narrow,
        _wide,
        _some,
        _parsed,
    ):
        yield from part()
