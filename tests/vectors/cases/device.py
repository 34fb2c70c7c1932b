"""Is this software right for this device? (SPEC MD, SR-2, RL, RV, RC-1, ED)"""

from msgspec import UNSET
from msgspec.structs import replace

from sealring.envelope import Envelope
from sealring.statement import Brand, Common, Release, RevisionStatement, Stack, parse_statement
from sealring.statement.fleet import Wanted
from sealring.statement.software import Image, Target
from tests.vectors.cases.common import ACCEPTED, AT, WORLD, Case, Cases, case
from tests.world import DAY, NOW, sign

MODEL, RELEASE, REVISION, STORE = WORLD.model(), WORLD.release(3), WORLD.revision(3), WORLD.store()
STACK = WORLD.stack(("tool", 3))
Part = tuple[str, bytes]
EVIL = WORLD.brand("evil")


def _by(statement: Common) -> Envelope:
    return sign(statement, *WORLD.brand_keys(statement.authority)[:2])


def approval(
    path: str,
    rule: str,
    comment: str,
    *changed: Common | Envelope,
    package: str = "acme/tool",
    at: str = AT,
    more: tuple[Part, ...] = (),
    **headers: str,
) -> Case:
    """An ordinary installation in which these statements stand in for the ordinary ones of their type.

    Args:
        changed: an envelope where others than its brand's own keys sign it; a stack stands in for the release.
        more: parts that come before all but the anchor.
    """
    given = [(one, _signed(one)) for one in changed if isinstance(one, Common)]
    given += [(parse_statement(one.payload), one) for one in changed if isinstance(one, Envelope)]
    brands = {"acme": WORLD.signed(WORLD.brand()), "evil": WORLD.signed(EVIL)}
    brands |= {one.brand: envelope for one, envelope in given if isinstance(one, Brand)}
    parts = [("anchor", WORLD.root.raw), *((n, raw) for n, raw in more if n == "root")]
    parts += [("held", one.raw) for one in brands.values()]
    parts += [(n, raw) for n, raw in more if n != "root"]
    stacked = any(isinstance(one, Stack) for one, _ in given)
    ground: Common = STACK if stacked else RELEASE
    for usual in (MODEL, STORE, ground, REVISION):
        found = next((envelope for one, envelope in given if one.type == usual.type), None)
        parts.append((usual.type, (found or _by(usual)).raw))
    if not rule:
        number = next((one.revision for one, _ in given if isinstance(one, RevisionStatement)), 3)
        headers["revision"] = str(number)
    return case(
        f"approve/{path}", rule, comment, "approve", *parts, authority="acme", package=package, at=at, **headers
    )


def _signed(statement: Common) -> Envelope:
    return WORLD.signed(statement) if isinstance(statement, Brand) else _by(statement)


def _case(
    name: str,
    rule: str,
    comment: str,
    *changed: Common,
    package: str = "acme/tool",
    before: Release | None = None,
) -> Case:
    more = (("before", _by(before).raw),) if before is not None else ()
    return approval(name, rule, comment, *changed, package=package, more=more)


def _fits() -> Cases:
    yield _case("good", ACCEPTED, "what the model asks for, released and built by its brand")
    yield _case(
        "another-channel", "RL-2", "a beta to devices that follow stable", WORLD.release(3, channel="latest/beta")
    )
    yield _case("another-package", "RL-2", "another package of the same brand", WORLD.release(3, package="toy"))
    arm = replace(RELEASE, targets=[Target("arm64", 3, 1)])
    yield _case("no-target", "RL-3", "a release for another architecture only", arm)
    yield _case("another-revision", "RV-1", "a genuine revision that is not the one released", WORLD.revision(2))
    yield _case(
        "another-architecture",
        "RV-1",
        "the right revision for another architecture",
        WORLD.revision(3, architecture="arm64"),
    )
    yield _case("another-package-revision", "RV-1", "revision 3 of another package", WORLD.revision(3, package="toy"))
    yield _case("another-kind", "RV-1", "an app that is built as a kernel", WORLD.revision(3, kind="kernel"))
    toy = replace(MODEL, packages=[Wanted("acme/toy", "latest/stable", "app", "required")])
    yield _case("not-listed", "MD-1", "a package that the model does not list", toy)
    store = replace(STORE, packages=["acme/toy", "evil/*"])
    yield _case("store-for-others", "SR-2", "the store is named for other packages only", store)
    yield _case("store-for-this", ACCEPTED, "or for this one by name", replace(STORE, packages=["acme/tool"]))
    yield _case(
        "store-with-a-longer-name",
        "SR-2",
        "a pattern covers no name that only begins like it",
        replace(STORE, packages=["acme/too"]),
    )


def _foreign() -> Cases:
    wanted = replace(MODEL, packages=[Wanted("evil/tool", "latest/stable", "app", "required")])
    store = replace(STORE, packages=["evil/*"])
    release, revision = WORLD.release(3, brand="evil"), WORLD.revision(3, brand="evil")
    yield _case(
        "another-brands-package",
        ACCEPTED,
        "a model takes a publisher's package: the publisher signs it",
        wanted,
        store,
        release,
        revision,
        package="evil/tool",
    )
    yield _case(
        "another-brands-certificate-expired",
        "TM-1",
        "whose certificate is too old",
        wanted,
        store,
        release,
        revision,
        WORLD.brand("evil", issued=NOW - 366 * DAY),
        package="evil/tool",
    )
    yield _case(
        "another-brands-revocations",
        "RC-1",
        "whose brand says that a revocation list exists",
        wanted,
        store,
        release,
        revision,
        WORLD.brand("evil", revocations=1),
        package="evil/tool",
    )


def _minimum() -> Cases:
    held = replace(WORLD.release(2), targets=[Target("amd64", 5, 4)])
    yield _case(
        "below-minimum", "RL-4", "a newer release of revision 3, where 4 was the lowest acceptable", before=held
    )
    lower = replace(WORLD.release(2), targets=[Target("amd64", 5, 3)])
    back = replace(RELEASE, targets=[Target("amd64", 3, 3)])
    yield _case("lower-revision", ACCEPTED, "a newer release may go back, to the minimum at most", back, before=lower)
    yield _case(
        "minimum-fell", "RL-4", "a release that takes the minimum back, for a next one to go below it", before=lower
    )
    other = replace(WORLD.release(2), targets=[Target("arm64", 5, 5)])
    yield _case(
        "minimum-of-another-architecture",
        ACCEPTED,
        "the minimum of another architecture binds nobody here",
        before=other,
    )


def _times() -> Cases:
    yield _case(
        "model-expired",
        "TM-1",
        "an expired model installs nothing",
        WORLD.model(issued=NOW - 365 * DAY),
    )
    yield _case(
        "release-expired",
        "TM-1",
        "a store that shows an old release",
        replace(RELEASE, issued=NOW - 90 * DAY, expires=NOW),
    )
    yield _case(
        "revision-expired",
        "TM-1",
        "a revision that nobody vouches for any more",
        WORLD.revision(3, issued=NOW - 366 * DAY),
    )
    yield _case("release-waits", "TM-3", "signed to wait", WORLD.release(3, not_before=NOW + DAY))


def _edition() -> Cases:
    yield _case(
        "revocations-of-brand",
        "RC-1",
        "the brand says that a revocation list exists: without it nothing is installed",
        WORLD.brand(revocations=1),
    )
    yield _case("revocations-of-model", "RC-1", "the model says so", replace(MODEL, revocations=1))
    yield _case("revocations-of-release", "RC-1", "the release says so", replace(RELEASE, revocations=1))
    yield _case("revocations-of-store", "RC-1", "the store statement says so", replace(STORE, revocations=1))
    raw = Image(REVISION.image.sha256, 1, "raw", UNSET)
    yield _case("raw-image", "ED-1", "no image that this edition can mount", replace(REVISION, image=raw))
    kernel = replace(MODEL, packages=[Wanted("acme/tool", "latest/stable", "kernel", "required")])
    yield _case("kernel", "ED-1", "a kernel, expected and built as one", kernel, replace(REVISION, kind="kernel"))


def cases() -> Cases:
    for part in (_fits, _foreign, _minimum, _times, _edition):
        yield from part()
