"""He holds a partner's keys at threshold, and tries what was never given to him (SPEC AU-2 to AU-6).

He has every role there is, for acme/tool and apps alone; in the tests on devices he has the stores as well.
"""

from collections.abc import Callable, Iterable

import msgspec
import pytest

from sealring.envelope import Envelope
from sealring.statement import Common
from sealring.statement.fleet import Revoked
from sealring.statement.software import Final, Requirement
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.powers import (
    MALLORY,
    NEW,
    at_this_time,
    bad_tool,
    by_partner,
    delegated,
    partner_key,
)
from tests.scenarios.compromise.stage import DAY, Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of, line
from tests.stores import Refused, RunningStore, ask, begin, publish
from tests.world import key_set, sign

ALL = ["model", "release", "revision", "revocations", "serial", "store"]


def power(stage: Stage) -> Envelope:
    """All roles, for one package and for the device's own model."""
    return delegated(stage, roles=ALL, packages=["acme/tool"], models=["acme/door-1"])


def fill(url: str, statements: Iterable[Envelope]) -> None:
    """Open one publication after the other."""
    for one in statements:
        begin(url, [one])


# What he signs, and the rule that says no: on a device, and where he publishes it.
BEYOND: dict[str, tuple[Callable[[Stage], list[Common]], str]] = {
    "another package's release": (lambda s: [s.release("acme/app", 9)], "AU-3"),
    "another package's revision": (lambda s: [s.revision("acme/app", 2, "mallory", sequence=2)], "AU-3"),
    "a model with another package": (lambda s: [s.model(sequence=9)], "AU-3"),
    "another kind": (lambda s: [s.revision("acme/tool", 2, "mallory", sequence=2, kind="os")], "AU-3"),
    "a requirement": (
        lambda s: [s.revision("acme/tool", 2, sequence=2, requires=[Requirement("acme/app", 1)])],
        "AU-3",
    ),
    "a final release": (
        lambda s: [s.release("acme/tool", 2, sequence=9, final=Final(s.chain[0].id, [s.chain[2].id], ["ab" * 32]))],
        "AU-5",
    ),
    "the store's address": (lambda s: [s.store_statement(s.main, sequence=9, urls=["http://127.0.0.1:1"])], "AU-3"),
    "its address, for his package": (
        lambda s: [s.store_statement(s.main, sequence=9, packages=["acme/tool"], urls=["http://127.0.0.1:1"])],
        "AU-4",
    ),
    "the brand's list": (lambda s: [s.world.revocations(9, ("revision acme/app/2/amd64", "stop"))], "AU-5"),
    "a list beyond his own": (
        lambda s: [s.world.revocations(9, ("revision acme/app/2/amd64", "replace"), issuer="partner")],
        "AU-3",
    ),
    "a list of stores": (
        lambda s: [s.world.revocations(9, ("store acme/main", "keep"), issuer="partner")],
        "AU-4",
    ),
    "a wider delegation": (lambda s: [s.world.delegation(sequence=9, roles=ALL, packages=["acme/*"])], "AU-3"),
    "the brand": (lambda s: [s.world.brand(sequence=2, keys=key_set(1, partner_key(s)))], "TH-1"),
    "another brand's package": (lambda s: [s.release("evil/gadget", 9)], "TH-1"),
}


@cell("a delegate at threshold", "install anything", says="bounded")
@cell("a delegate at threshold", "block another store")
@pytest.mark.parametrize("what", BEYOND)
def test_a_device_takes_nothing_from_him_that_is_not_his(
    stage: Stage, today: Play, thieves: list[Forger], what: str
) -> None:
    """The rule that limits him says no (AU-3 to AU-5, TH-1), nothing of it is kept, and both stores are still used."""
    make, rule = BEYOND[what]
    mine = replaced(stage.statements(*stage.latest), power(stage))
    show(thieves, *mine)
    assert today.refresh().outcome == "none"
    before = today.picture()
    show(thieves, *replaced(mine, *by_partner(stage, *make(stage))), images=[MALLORY])
    assert rule in rules(today.refresh())
    assert today.runs() == NEW
    after = today.picture()
    assert (after["links"], after["statements"]) == (before["links"], before["statements"])
    show(thieves, *mine)
    report = today.refresh()
    assert (report.outcome, {one.word for one in report.stores}) == ("none", {"fresh"})


@cell("a delegate at threshold", "install anything", says="bounded")
@cell("a delegate at threshold", "block another store")
def test_no_store_publishes_for_him_what_is_not_his(stage: Stage, shop: RunningStore) -> None:
    """The same at a store over HTTP (PB-1), and nothing becomes visible."""
    publish(shop.url, [power(stage)])
    before = ask(shop.url, "/tuf/timestamp.json").body
    for what, (make, rule) in BEYOND.items():
        with pytest.raises(Refused) as refused:
            publish(shop.url, by_partner(stage, *make(stage)), [MALLORY])
        assert (what, refused.value.rule) == (what, rule)
    assert ask(shop.url, "/tuf/timestamp.json").body == before


@cell("a delegate at threshold", "block another store")
def test_he_keeps_nobody_from_publishing(stage: Stage, shop: RunningStore) -> None:
    """He opens more publications than he may: PB-7, at half of what the brand has; the brand still publishes."""
    publish(shop.url, [delegated(stage)])
    many = by_partner(stage, *(stage.revision("acme/tool", number) for number in range(100, 130)))
    with pytest.raises(Refused) as full:
        fill(shop.url, many)
    assert (full.value.rule, full.value.status) == ("PB-7", 429)
    publish(shop.url, stage.software("acme/app", 3), [image_of("app 3")])
    publish(shop.url, stage.software("evil/gadget", 2), [image_of("gadget 2")])


@cell("a delegate at threshold", "stop what runs", says="bounded")
def test_his_list_stops_nothing(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """He says `stop` of his own package: refused; `replace` by ids of all that is the brand's: not reached (RK-4)."""
    roles = ["release", "revision", "revocations"]
    mine = replaced(stage.statements(*stage.latest), delegated(stage, roles=roles))
    said = stage.world.revocations(1, ("revision acme/tool/2/amd64", "keep"), issuer="partner")
    stop = [Revoked("revision acme/tool/2/amd64", stage.at, "hello", "stop")]
    show(thieves, *mine)
    assert today.refresh().outcome == "none"
    hostile = sign(msgspec.structs.replace(said, revoked=stop), partner_key(stage)).raw
    for thief in thieves:
        thief.add_power("acme", hostile)
    assert "RK-4" in rules(today.refresh())
    assert today.runs() == NEW
    ids = [(one.id, "replace") for one in (*stage.chain, *stage.latest)]
    by_id = by_partner(stage, stage.world.revocations(1, *ids, issuer="partner"))
    show(thieves, *replaced(mine, *by_id, *stage.software("acme/app", 3)), images=[image_of("app 3")])
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", ["app 3", "tool 2", "gadget 1"]), rules(report)
    assert [one.package for one in report.vulnerable] == ["acme/tool"]


@cell("a delegate at threshold", "stop what runs", "freeze", says="bounded")
def test_his_dates_age_nobody_else(stage: Stage, newborn: Play, thieves: list[Forger]) -> None:
    """On a device without a clock: what only he signed, dated far ahead, bounds his own packages' time (TM-4)."""
    newborn.provision(clock="poor")
    ahead = stage.at + 250 * DAY
    forged = [
        msgspec.structs.replace(one, issued=ahead, expires=ahead + 30 * DAY)
        for one in [*bad_tool(stage), stage.world.revocations(1, issuer="partner")]
    ]
    roles = ["release", "revision", "revocations"]
    mine = replaced(stage.statements(*stage.first), delegated(stage, roles=roles))
    show(thieves, *replaced(mine, *by_partner(stage, *forged)), images=[MALLORY])
    newborn.refresh()
    update = replaced(mine, *stage.latest, *by_partner(stage, *forged))
    show(thieves, *update, images=[MALLORY])
    report = newborn.refresh()
    assert newborn.runs()[0] == "app 2", rules(report)


@cell("a delegate at threshold", "block another store")
def test_a_store_of_his_is_one_more_and_ends_with_his_rights(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """`acme/partner` is his to run for his package (AU-4); when his delegation has run out nothing comes of it."""
    until = stage.at + 5 * DAY
    world = stage.world
    power = delegated(stage, roles=["release", "revision", "store"], expires=until)
    store = msgspec.structs.replace(stage.store_statement(stage.second, packages=["acme/tool"]), store="partner")
    model = world.signed(stage.model(sequence=2, stores=["acme/main", "acme/partner"]))
    mine = replaced(stage.statements(*stage.latest), power, model, *by_partner(stage, store))
    show(thieves, *replaced(mine, *stage.software("acme/app", 3)), images=[image_of("app 3")])
    report = today.refresh()
    assert (line(report, "acme/main").word, line(report, "acme/partner").word) == ("fresh", "fresh"), rules(report)
    assert today.runs() == ["app 3", "tool 2", "gadget 1"]
    # SR-2: what he may not sign he may not show either.
    assert "SR-2" in rules(report)
    at_this_time(thieves, until)
    again = [*stage.software("acme/app", 3), *stage.software("acme/tool", 3)]
    show(thieves[:1], *replaced(mine, *again[:2]), images=[image_of("app 3")])
    show(thieves[1:], *replaced(mine, *again), images=[image_of("app 3"), image_of("tool 3")])
    report = today.refresh(until)
    assert line(report, "acme/partner").word == "stale"
    assert "TM-1" in rules(report)
    assert today.runs()[1] == "tool 2"
