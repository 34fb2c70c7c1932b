"""He decides what a device hears of delegations, revocations and stacks: the way to it, or all keys of its stores.

What today's stores show is made by `thieves`; the network and a mirror then leave out or replay what they can without
keys, the holder of all store keys signs what he shows (SPEC DV-3, RC-1, RK-2, SK-3, AG-1).
"""

from collections.abc import Sequence

import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring.envelope import Envelope
from tests.hostile import NOT_THERE, SILENCE, Reply
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.powers import (
    MALLORY,
    NEW,
    by_partner,
    delegated,
    listed,
)
from tests.scenarios.compromise.stage import Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of, line
from tests.world import key_set, sign

OLD = ["app 1", "tool 1", "gadget 1"]
APP_2 = "revision acme/app/2/amd64"


def replay(stage: Stage, thieves: Sequence[Forger], *powers: Envelope, way: str = "the network") -> None:
    """Answer with these for what the brand acme delegates and revokes, without any key; nothing means: not there."""
    bundle = write_bundle([StatementEntry(one.raw) for one in powers])
    answer = Reply(200, body=bundle) if powers else NOT_THERE
    for shop, thief in zip(stage.shops.values(), thieves, strict=True):
        honest = thief.change
        shop.line.change = lambda path, reply, honest=honest: (
            answer if path == "/v1/authorities/acme" else honest(path, reply)
        )
    if way == "a mirror":
        stage.second.line.change = lambda *_: SILENCE


def honest(stage: Stage, thieves: Sequence[Forger]) -> None:
    """Both lines are whole again."""
    for shop, thief in zip(stage.shops.values(), thieves, strict=True):
        shop.line.change = thief.change


def named(stage: Stage, sequence: int) -> list[Envelope]:
    """Revision 3 of app and tool, in releases that name the brand's list of this sequence (RC-1)."""
    found = [*stage.software("acme/app", 3)[:1], *stage.software("acme/tool", 3)[:1]]
    for name in ("acme/app", "acme/tool"):
        found.append(stage.world.signed(stage.release(name, 3, revocations=sequence)))
    return found


IMAGES = [image_of("app 3"), image_of("tool 3")]


@cell("the network", "freeze", says="bounded")
@cell("a mirror", "freeze", says="bounded")
@cell("all store keys", "freeze", says="bounded")
@pytest.mark.parametrize("way", ["the network", "a mirror", "all store keys"])
def test_a_list_that_a_release_names_can_be_withheld_and_nothing_is_installed_without_it(
    stage: Stage, yesterday: Play, thieves: list[Forger], way: str
) -> None:
    """He keeps the brand's list away; its releases say that there is one (RC-1), so only a freeze comes of it."""
    now = replaced(stage.statements(*stage.first[4:]), *named(stage, 1))
    whole = replaced(now, listed(stage, 1, ("revision acme/app/2/amd64", "keep")))
    if way == "all store keys":
        show(thieves, *now, images=IMAGES)
    else:
        show(thieves, *whole, images=IMAGES)
        replay(stage, thieves, way=way)
    report = yesterday.refresh()
    assert "RC-1" in rules(report)
    assert yesterday.runs() == OLD
    show(thieves, *whole, images=IMAGES)
    honest(stage, thieves)
    assert yesterday.refresh().outcome == "installed"
    assert yesterday.runs() == ["app 3", "tool 3", "gadget 1"]


@cell("the network", "install anything", "install an old revision")
@cell("a mirror", "install anything", "install an old revision")
@pytest.mark.parametrize("way", ["the network", "a mirror"])
@pytest.mark.parametrize("what", ["an older one", "none", "one without the new signatures"])
def test_a_list_that_was_heard_once_is_not_unsaid(
    stage: Stage, yesterday: Play, thieves: list[Forger], what: str, way: str
) -> None:
    """He replays what the brand said before, or leaves signatures out: the highest that counts stays (RK-2, RK-3)."""
    world, base = stage.world, stage.statements(*stage.first)
    first, second = listed(stage, 1), listed(stage, 2, (APP_2, "stop"))
    show(thieves, *replaced(base, second))
    assert yesterday.refresh().outcome == "none"
    now = replaced(stage.statements(*stage.latest), second)
    powers = {"an older one": [first], "none": [], "one without the new signatures": [second]}[what]
    if what == "one without the new signatures":
        old, new = world.brand_keys("acme")[:2], world.brand_keys("acme", 2)
        brand = world.signed(world.brand(sequence=2, keys=key_set(2, *new), issued=stage.at))
        resigned = [sign(one.payload, *old, *new[:2]) for one in (*stage.chain[2:], *stage.latest[:4], second)]
        now = replaced(now, brand, *resigned)
    show(thieves, *now)
    replay(stage, thieves, *powers, way=way)
    report = yesterday.refresh()
    assert "RK-1" in rules(report)
    assert "app 2" not in yesterday.runs()


@cell("the network", "install anything")
@cell("a mirror", "install anything")
@pytest.mark.parametrize("way", ["the network", "a mirror"])
def test_a_wider_delegation_of_before_is_not_heard_again(
    stage: Stage, today: Play, thieves: list[Forger], way: str
) -> None:
    """Stores still show what a partner signed while he might; with his rights of then replayed it is no more (AU-6)."""
    wide, narrow = delegated(stage, packages=["acme/*"]), delegated(stage, sequence=2)
    signed = by_partner(stage, stage.revision("acme/app", 9, "mallory"), stage.release("acme/app", 9))
    now = replaced(stage.statements(*stage.latest), narrow)
    show(thieves, *now)
    assert today.refresh().outcome == "none"
    show(thieves, *replaced(now, *signed), images=[MALLORY])
    replay(stage, thieves, wide, way=way)
    assert "AU-3" in rules(today.refresh())
    assert today.runs() == NEW


@cell("all store keys", "install an old revision", "show two views", says="bounded")
def test_a_list_shown_to_one_device_alone_protects_the_other_as_soon_as_a_release_names_it(
    stage: Stage, yesterday: Play, newborn: Play, thieves: list[Forger]
) -> None:
    """Two devices hear two things. Who heard of no list is behind, and installs nothing by what names one (RC-1)."""
    newborn.provision()
    stopped = listed(stage, 1, (APP_2, "keep"))
    show(thieves, *replaced(stage.statements(*stage.latest), stopped))
    assert "RK-1" in rules(yesterday.refresh())
    assert yesterday.runs() == ["app 1", "tool 2", "gadget 1"]
    show(thieves, *stage.statements(*stage.latest))
    assert newborn.refresh().outcome == "installed"
    assert newborn.runs() == NEW
    now = replaced(stage.statements(*stage.latest[4:]), *named(stage, 1))
    show(thieves, *now, images=IMAGES)
    report = newborn.refresh()
    assert "RC-1" in rules(report)
    assert newborn.runs() == NEW
    assert yesterday.refresh().outcome == "installed"
    assert yesterday.runs() == ["app 3", "tool 3", "gadget 1"]


@cell("all store keys", "install anything", "block another store")
def test_a_store_that_shows_an_older_list_or_delegation_is_not_listened_to(
    stage: Stage, today: Play, thieves: list[Forger]
) -> None:
    """A partner's rights were narrowed, a revision taken back: the store that says otherwise is behind (AU-6, DV-5)."""
    base = stage.statements(*stage.latest)
    wide, narrow = delegated(stage, packages=["acme/*"]), delegated(stage, sequence=2)
    forged = by_partner(stage, stage.revision("acme/app", 9, "mallory"), stage.release("acme/app", 9))
    now = replaced(base, narrow, listed(stage, 2, (APP_2, "keep")))
    show(thieves, *now)
    assert today.refresh().outcome == "none"
    show(thieves[:1], *replaced(base, wide, listed(stage, 1), *forged), images=[MALLORY])
    show(thieves[1:], *replaced(now, *stage.software("acme/tool", 3)), images=IMAGES)
    report = today.refresh()
    assert (line(report, "acme/main").word, line(report, "acme/second").word) == ("behind", "fresh")
    assert today.runs() == ["app 2", "tool 3", "gadget 1"]


@cell("all store keys", "mix and match", says="bounded")
@cell("the store's machine", "mix and match", says="bounded")
@pytest.mark.parametrize("shown", ["one part", "one part and its release", "an older stack"])
def test_the_parts_of_a_stack_are_never_shown_apart(
    stage: Stage, yesterday: Play, thieves: list[Forger], shown: str
) -> None:
    """He shows the new app without the new tool: all parts change together, or none (SK-3), and never back (FL-1)."""
    world = stage.world
    model = world.signed(stage.model(sequence=2, stack="acme/line"))
    one, two = (world.signed(world.stack(("app", n), ("tool", n), sequence=n)) for n in (1, 2))
    old = replaced(stage.statements(*stage.first), model, one)
    show(thieves, *old)
    assert yesterday.refresh().outcome == "none"
    new = replaced(old, two, *stage.latest)
    part = {
        "one part": replaced(old, two, stage.latest[0]),
        "one part and its release": replaced(old, two, *stage.latest[:2]),
        "an older stack": replaced(old, *stage.latest[:2]),
    }[shown]
    show(thieves, *part)
    report = yesterday.refresh()
    assert shown == "an older stack" or "SK-3" in rules(report)
    assert yesterday.runs() == OLD
    show(thieves, *new)
    assert (yesterday.refresh().outcome, yesterday.runs()) == ("installed", NEW)
    show(thieves, *part)
    yesterday.refresh()
    assert yesterday.runs() == NEW


@cell("all store keys", "install an old revision", "freeze", says="bounded")
def test_where_two_stores_must_agree_one_alone_installs_nothing(
    stage: Stage, newborn: Play, thieves: list[Forger]
) -> None:
    """`agree: 2`: what one thief shows alone is nothing (AG-1); the price is that one frozen store freezes."""
    world = stage.world
    model = world.signed(stage.model(agree=2))
    chain = [*stage.chain[:2], model, *stage.chain[3:]]
    newborn.provision(*chain)
    base = replaced(stage.statements(), model)
    show(thieves[:1], *replaced(base, *stage.first))
    show(thieves[1:], *replaced(base, *stage.latest))
    report = newborn.refresh()
    assert "AG-1" in rules(report)
    assert report.generation is None
    show(thieves[:1], *replaced(base, *stage.latest))
    assert newborn.refresh().outcome == "installed"
    assert newborn.runs() == NEW
    # Frozen: `second` goes on, and nothing is installed that `main` does not show; old software is not, either.
    show(thieves[1:], *replaced(base, *stage.latest, *stage.software("acme/tool", 3)), images=IMAGES)
    report = newborn.refresh()
    assert "AG-1" in rules(report)
    assert newborn.runs() == NEW
    # AG-1 counts by keys: one thief behind two addresses is one store.
    stage.main.line.upstream, stage.main.line.change = stage.second.line.honest, thieves[1].change
    assert newborn.refresh().outcome != "installed"
    assert newborn.runs() == NEW
