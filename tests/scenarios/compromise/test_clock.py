"""He sets the device's clock as he likes, through the real command (SPEC section 16; TM-1 to TM-5, DV-10)."""

import json
from typing import Any

import pytest

from sealring_client.apply.mount import unmount
from tests.hostile import SILENCE
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.stage import DAY, Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of
from tests.world import sign

OLD, NEW = ["app 1", "tool 1", "gadget 1"], ["app 2", "tool 2", "gadget 1"]
PAST, FUTURE = "1970-01-02 00:00:00", "2099-01-01 00:00:00"


def said(play: Play, word: str, date: str = "") -> tuple[int, dict[str, Any]]:
    """Exit code and answer of the command at this date."""
    done = play.command(word, date=date)
    return done.returncode, json.loads(done.stdout or "{}")


@cell("the device's clock", "freeze", says="bounded")
@cell("the device's clock", "stop what runs")
def test_set_ahead_it_stops_new_software_and_nothing_that_runs(yesterday: Play) -> None:
    """In 2099 all has ended (TM-1): all runs on, after a restart too; once it is set right, the update comes."""
    before = yesterday.picture()
    code, report = said(yesterday, "refresh", FUTURE)
    assert (code, report["outcome"]) == (4, "stale")
    assert report["problem"]["rule"] == "TM-1"
    assert yesterday.runs() == OLD
    for place in sorted((yesterday.rig.folder / "mounts").iterdir()):
        unmount(place)
    done = yesterday.command("refresh", date=FUTURE)
    assert done.returncode == 4, done.stderr[150:]
    assert yesterday.runs() == OLD
    after = yesterday.picture()
    assert (after["links"], after["generations"]) == (before["links"], before["generations"])
    # TM-4: the wrong clock was written into nothing.
    code, report = said(yesterday, "refresh")
    assert (code, report["outcome"]) == (0, "installed")
    assert yesterday.runs() == NEW


@cell("the device's clock", "freeze", says="bounded")
@cell("the device's clock", "install anything")
def test_set_back_it_is_unproven_and_takes_only_what_is_newer(yesterday: Play) -> None:
    """In 1970 everything is from the future; what was signed is the lower bound (TM-4), and newer is taken (TM-5)."""
    code, report = said(yesterday, "refresh", PAST)
    assert (code, report["outcome"], report["time"]) == (0, "installed", "unproven")
    assert yesterday.runs() == NEW
    code, report = said(yesterday, "status", PAST)
    assert report["time"] == "unproven"


@cell("the device's clock", "install an old revision")
@pytest.mark.parametrize("date", [PAST, FUTURE])
def test_no_clock_brings_an_old_revision_back(stage: Stage, today: Play, thieves: list[Forger], date: str) -> None:
    """The stores, in a thief's hands, show yesterday's releases to a device with a wrong clock: FL-1 or TM-1."""
    stage.reset()
    for shop, thief in zip(stage.shops.values(), thieves, strict=True):
        shop.line.change = thief.change
    show(thieves, *stage.statements(*stage.first))
    before = today.picture()
    code, report = said(today, "refresh", date)
    assert code != 0
    assert report["outcome"] != "installed"
    assert today.runs() == NEW
    assert today.picture()["links"] == before["links"]


@cell("the device's clock", "install an old revision")
def test_unproven_time_takes_no_other_release_of_the_same_sequence_or_below(
    stage: Stage, today: Play, thieves: list[Forger]
) -> None:
    """An old image under a release that does not rise above the one that runs is refused: FL-1, FL-3, TM-5."""
    keys = stage.world.brand_keys("acme")[:2]
    same = sign(stage.release("acme/app", 1, sequence=2), *keys)
    show(thieves, *replaced(stage.statements(*stage.latest), stage.first[0], same))
    code, report = said(today, "refresh", PAST)
    found = {one["rule"] for line in report["packages"] for one in line["refusals"]}
    assert found & {"FL-3", "FL-1", "TM-5"}
    assert (code != 0 or report["outcome"] == "none", today.runs()) == (True, NEW)


@cell("the device's clock", "install anything")
@pytest.mark.parametrize("date", [PAST, FUTURE])
def test_no_clock_makes_a_signature_good(stage: Stage, today: Play, thieves: list[Forger], date: str) -> None:
    """Software by keys of his own at any date: TH-1, or nothing is looked at (TM-1)."""
    mine = [stage.world.key(f"mallory-{n}") for n in "ab"]
    forged = [sign(stage.revision("acme/tool", 9, "mallory"), *mine), sign(stage.release("acme/tool", 9), *mine)]
    show(thieves, *replaced(stage.statements(*stage.latest), *forged), images=[image_of("mallory")])
    code, _ = said(today, "refresh", date)
    assert code != 0
    assert today.runs() == NEW


@cell("the device's clock", "freeze", says="bounded")
def test_set_back_ended_statements_stand_only_until_newer_ones_are_seen(stage: Stage, yesterday: Play) -> None:
    """In a year all of yesterday has ended; a clock set back hides that (TM-4), and a fresh store ends it (DV-5)."""
    stage.hide_today(stage.main)
    stage.second.line.change = lambda *_: SILENCE
    assert yesterday.check(stage.at + 365 * DAY).outcome == "stale"
    assert yesterday.check(stage.at).outcome == "none"
    stage.second.line.reset()
    report = yesterday.refresh(stage.at - 30 * DAY)
    assert not report.proven
    assert (report.outcome, yesterday.runs()) == ("installed", NEW), rules(report)


@cell("the device's clock", "stop what runs")
@pytest.mark.parametrize("date", [PAST, FUTURE])
def test_the_way_back_is_open_at_any_date(yesterday: Play, date: str) -> None:
    """A person goes back from an update while the clock is wrong (DV-10, DV-12)."""
    assert yesterday.refresh().outcome == "installed"
    code, _ = said(yesterday, "rollback", date)
    assert (code, yesterday.runs()) == (0, OLD)
    said(yesterday, "refresh", date)
    assert yesterday.runs() == OLD
