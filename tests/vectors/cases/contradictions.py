"""Payloads that are spelt well and contradict themselves (SPEC ST-5, RL-1, SR-1, MD-1, AU, RT-3)."""

from datetime import timedelta

from msgspec.structs import replace

from sealring.statement import Common
from sealring.statement.software import Target
from sealring.strict import encode
from tests.samples import EVERY_TYPE
from tests.vectors.cases.common import WORLD, Case, Cases
from tests.vectors.cases.statement import changed, payload_case
from tests.world import DAY, NOW


def cases() -> Cases:
    def bad(name: str, rule: str, comment: str, statement: Common) -> Case:
        return payload_case(name, rule, comment, encode(statement))

    world = WORLD
    yield bad(
        "lifetime-too-long",
        "ST-5",
        "a release for 181 days: a thief would choose the date",
        world.release(expires=NOW + 181 * DAY),
    )
    yield bad(
        "lifetime-one-second-too-long",
        "ST-5",
        "180 days and a second",
        world.release(expires=NOW + 180 * DAY + timedelta(seconds=1)),
    )
    yield bad("expires-at-issue", "ST-5", "it dies as it is born", world.release(expires=NOW))
    yield bad("expires-before-issue", "ST-5", "it died before it was born", world.release(expires=NOW - DAY))
    yield bad(
        "not-before-after-expiry",
        "ST-5",
        "it may be acted upon only when it is over",
        world.release(not_before=NOW + 90 * DAY),
    )
    yield bad(
        "not-before-before-issue",
        "ST-5",
        "an embargo that is over before it is signed",
        world.release(not_before=NOW - DAY),
    )
    yield bad(
        "minimum-above-revision",
        "RL-1",
        "a minimum above what is released leaves a device nothing",
        world.release(2, targets=[Target("amd64", 2, 3)]),
    )
    yield bad("x-not-ascending", "ST-1", "members of x in another order", world.release(x={"b": "1", "a": "2"}))
    yield bad(
        "store-of-another-brand",
        "SR-1",
        "a model may not send its devices to a stranger's store",
        world.model(stores=["evil/main"]),
    )
    yield bad("more-agreement-than-stores", "MD-1", "two of one store must agree", world.model(agree=2))
    yield bad(
        "store-twice",
        "MD-1",
        "one store twice, to agree with itself",
        world.model(stores=["acme/main", "acme/main"], agree=2),
    )
    wanted = world.model().packages
    yield bad("package-twice", "MD-1", "one package on two channels", world.model(packages=wanted * 2))
    yield bad(
        "brand-named-root",
        "AU-1",
        "a brand called root would speak for all",
        world.brand("root", keys=world.brand().keys),
    )
    yield bad("brand-by-brand", "AU-1", "a brand that certifies itself", replace(world.brand(), authority="acme"))
    yield bad("root-by-brand", "AU-1", "a root in a brand's name", replace(EVERY_TYPE["root"], authority="acme"))
    yield bad("first-root-names-a-root", "RT-3", "version 1 can't know its own id", world.root_statement(root="1" * 64))
    yield bad(
        "second-root-names-none",
        "RT-3",
        "version 2 without the root's name",
        world.root_statement(sequence=2, root="0" * 64),
    )
    delegation = EVERY_TYPE["delegation"]
    raw = encode(delegation)
    yield payload_case(
        "delegation-of-another-brand",
        "AU-2",
        "a brand delegates what is not its own",
        changed(raw, b'"acme/tool"', b'"evil/tool"'),
    )
    yield payload_case(
        "delegation-unsorted",
        "ST-1",
        "roles in another order",
        changed(raw, b'"model","release"', b'"release","model"'),
    )
