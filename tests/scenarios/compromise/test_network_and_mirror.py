"""He stands on the way to the stores, or runs a mirror of them: every byte is his, and no key (SPEC section 16).

The network is played by both lines at once; a mirror by the line to `main`, with the other store out of reach.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from sealring.statement.authorities import RootRoles
from sealring_client.apply.install import Disk
from sealring_client.apply.mount import unmount
from sealring_client.fetch.fetcher import Fetcher, Limits
from sealring_client.poll import poll
from sealring_client.reports import load_reports
from tests.hostile import NOT_THERE, SILENCE, Change, Line, Reply, flipped, only
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.stage import DAY, MAX_AGE, Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of, line
from tests.world import key_set, sign

Attack = Callable[[Stage, Change], None]
TOOL_2 = image_of("tool 2")


def _without(prefix: str, change: Change) -> Change:
    return lambda path, reply: NOT_THERE if path.startswith(prefix) else change(path, reply)


def _network(stage: Stage, change: Change) -> None:
    stage.main.line.change = stage.second.line.change = change


def _mirror(stage: Stage, change: Change) -> None:
    stage.main.line.change = change
    stage.second.line.change = lambda *_: SILENCE


@pytest.fixture(params=[_network, _mirror], ids=["the network", "a mirror"])
def attack(request: pytest.FixtureRequest) -> Attack:
    """How he gets his answers to the device."""
    found: Attack = request.param
    return found


# What is damaged, and the rules one of which must say so.
FLIPS = {
    "/v1/heads/": {"EN-2", "TH-1", "KY-1", "ST-1"},
    "/tuf/timestamp.json": {"TF-4", "TF-7"},
    "/tuf/3.snapshot.json": {"TF-4", "TF-7"},
    "/tuf/3.targets.json": {"TF-4", "TF-7"},
    "/tuf/targets/": {"TF-5"},
    "/v1/proofs/": {"MP-3", "MP-4"},
    "/v1/views/": {"VW-3"},
    "/v1/statements/": {"DV-4", "TH-1", "EN-2", "ST-1"},
    "/v1/blobs/": {"IM-2"},
}


@cell("the network", "install anything")
@cell("a mirror", "install anything")
@pytest.mark.parametrize("path", FLIPS)
def test_one_changed_bit_anywhere_installs_nothing(stage: Stage, yesterday: Play, attack: Attack, path: str) -> None:
    """He alters what passes through his hands: TH-1, TF-4, TF-5, VW-3, DV-4 or IM-2 says no."""
    before = yesterday.picture()
    attack(stage, only(path, flipped))
    report = yesterday.refresh()
    assert rules(report) & FLIPS[path]
    if path == "/v1/heads/":  # what a catalogue proves does not depend on them, so the update itself is genuine
        assert (report.outcome, yesterday.runs()) == ("installed", ["app 2", "tool 2", "gadget 1"])
        return
    assert report.outcome in ("refused", "failed", "unreachable")
    assert yesterday.runs() == ["app 1", "tool 1", "gadget 1"]
    assert yesterday.picture()["links"] == before["links"]
    assert yesterday.picture()["generations"] == before["generations"]


@cell("the network", "install anything")
@cell("a mirror", "install anything")
def test_software_of_his_own_is_refused_wherever_he_puts_it(stage: Stage, yesterday: Play, attack: Attack) -> None:
    """He answers with statements signed by keys that he made (DV-4), and with a root of his own (TH-1)."""
    mine = [stage.world.key(f"mallory-{n}") for n in "ab"]
    forged = sign(stage.release("acme/tool", 9), *mine).raw
    root = sign(stage.world.root_statement(sequence=2, root=stage.world.root_id), *mine).raw

    def change(path: str, reply: Reply) -> Reply:
        if path.startswith("/v1/statements/"):
            return replace(reply, body=forged)
        return Reply(200, body=root) if path == "/v1/roots/2" else reply

    before = yesterday.picture()
    attack(stage, change)
    report = yesterday.refresh()
    assert {"DV-4", "TH-1"} <= rules(report)
    assert report.outcome == "refused"
    assert yesterday.runs() == ["app 1", "tool 1", "gadget 1"]
    after = yesterday.picture()
    assert (after["links"], after["statements"]) == (before["links"], before["statements"])


@cell("the network", "install an old revision")
@cell("a mirror", "install an old revision")
@pytest.mark.parametrize("everything", [True, False], ids=["all of yesterday", "only the timestamp"])
def test_yesterday_replayed_is_refused(stage: Stage, today: Play, attack: Attack, everything: bool) -> None:
    """He recorded the store yesterday, when it released revision 1, and plays that back: TF-4."""
    old = {shop.line.url: shop.was(shop.yesterday, stage.at) for shop in stage.shops.values()}

    def change_for(way: Line) -> Change:
        return lambda path, reply: old[way.url](path, {}) if everything or path.endswith("timestamp.json") else reply

    attack(stage, change_for(stage.main.line))
    if stage.second.line.change is stage.main.line.change:
        stage.second.line.change = change_for(stage.second.line)
    before = today.picture()
    report = today.refresh()
    assert "TF-4" in rules(report)
    assert line(report, "acme/main").word == "refused"
    assert report.outcome == "refused"
    assert today.runs() == ["app 2", "tool 2", "gadget 1"]
    assert today.picture() == before


@cell("the network", "freeze", says="bounded")
@cell("a mirror", "freeze", says="bounded")
def test_an_old_answer_looks_fresh_for_max_age_and_then_the_device_says_stale(
    stage: Stage, yesterday: Play, attack: Attack
) -> None:
    """He withholds today's news (TF-6, DV-8): unseen until the catalogue is `max_age` old, not a moment longer."""
    attack(stage, lambda _, reply: reply)
    stage.hide_today()
    assert yesterday.refresh().outcome == "none"
    end = stage.at - DAY + MAX_AGE
    rig = yesterday.rig
    rig.at = end - DAY / 24
    assert poll(rig.folder, rig.outside(), running=True) is not None
    rig.at = end + DAY / 24
    assert poll(rig.folder, rig.outside(), running=True) is None
    report = yesterday.refresh()
    assert "TF-6" in rules(report)
    assert line(report, "acme/main").word == "stale"
    assert (report.outcome, report.exit_code) == ("stale", 4)
    assert yesterday.runs() == ["app 1", "tool 1", "gadget 1"]


@cell("the network", "freeze", says="bounded")
@cell("a mirror", "freeze", says="bounded")
def test_nothing_new_said_for_ever_is_believed_until_the_deadline_only(
    stage: Stage, today: Play, attack: Attack
) -> None:
    """He answers every question of a poll with 304 (DV-8)."""
    attack(stage, only("/tuf/timestamp.json", lambda _: Reply(304)))
    stage.reset()
    assert today.refresh().outcome == "none"
    attack(stage, only("/tuf/timestamp.json", lambda _: Reply(304)))
    rig = today.rig
    quiet = poll(rig.folder, rig.outside(), running=True)
    assert quiet is not None
    assert quiet.answered
    rig.at = stage.at + MAX_AGE
    assert poll(rig.folder, rig.outside(), running=True) is None
    # A whole check asks without a condition, and a 304 to that is no answer.
    assert today.refresh().outcome in ("unreachable", "stale")
    assert today.runs() == ["app 2", "tool 2", "gadget 1"]


@cell("the network", "freeze", says="bounded")
@cell("a mirror", "freeze", says="bounded")
def test_one_frozen_way_freezes_nothing_while_another_store_is_fresh(stage: Stage, yesterday: Play) -> None:
    """A second store that is fresh wins (DV-5)."""
    stage.hide_today(stage.main)
    report = yesterday.refresh()
    assert report.outcome == "installed"
    assert [one.store for one in report.packages[:2]] == ["acme/second", "acme/second"]
    assert yesterday.runs() == ["app 2", "tool 2", "gadget 1"]


MIXES = {
    "yesterday's snapshot under today's timestamp": ("/tuf/3.snapshot.json", "/tuf/2.snapshot.json", "TF-4"),
    "yesterday's targets under today's snapshot": ("/tuf/3.targets.json", "/tuf/2.targets.json", "TF-4"),
}


@cell("the network", "mix and match")
@cell("a mirror", "mix and match")
@pytest.mark.parametrize("mix", MIXES)
def test_parts_of_two_days_never_make_one_answer(stage: Stage, yesterday: Play, attack: Attack, mix: str) -> None:
    """He combines genuine files of two states: each names exactly what belongs below it (TF-4)."""
    path, instead, rule = MIXES[mix]
    olds = {one.line.url: one.was(one.yesterday, stage.at) for one in stage.shops.values()}
    old = olds[stage.main.line.url]
    attack(stage, only(path, lambda _: old(instead, {})))
    report = yesterday.refresh()
    assert rule in rules(report)
    assert report.outcome in ("refused", "unreachable")
    assert yesterday.runs() == ["app 1", "tool 1", "gadget 1"]


@cell("the network", "mix and match")
@cell("a mirror", "mix and match")
@pytest.mark.parametrize(
    ("prefix", "needed"),
    [
        pytest.param("/tuf/targets/", {"TF-5"}, id="yesterday's catalogue"),
        pytest.param("/v1/proofs/", {"MP-3", "MP-4"}, id="yesterday's proof"),
        pytest.param("/v1/views/", {"VW-3"}, id="yesterday's view"),
        pytest.param("/v1/statements/", {"DV-4"}, id="yesterday's statements"),
    ],
)
def test_an_old_part_is_never_taken_for_a_new_one(
    stage: Stage, newborn: Play, attack: Attack, prefix: str, needed: set[str]
) -> None:
    """Below the TUF files all is bound by digests: TF-5, MP-4, VW-3, DV-4."""
    newborn.provision()
    stage.hide_today()
    for shop in stage.shops.values():  # by plain paths, so that each part can be recorded by itself
        shop.line.change = lambda _, reply: reply
    newborn.check()
    recorded = {}
    for path in stage.main.line.asked:
        recorded[path.split("/")[2] if path.startswith("/v1") else path] = stage.main.line.upstream(path, {})
    stage.reset()
    old = next(reply for name, reply in recorded.items() if name.startswith(prefix.removeprefix("/v1/").rstrip("/")))
    attack(stage, only(prefix, lambda _: old))
    report = newborn.refresh()
    assert needed & rules(report)
    assert report.generation is None


def _endless(reply: Reply) -> Reply:
    return replace(reply, status=200, endless=True)


def _drip(reply: Reply) -> Reply:
    return replace(reply, pause=0.02)


def _promise(reply: Reply) -> Reply:
    return replace(reply, promised=2**50)


def _cut(reply: Reply) -> Reply:
    return replace(reply, body=reply.body[:-1], promised=len(reply.body), hang_up=True)


def _redirect(_: Reply) -> Reply:
    return Reply(302, (("Location", "http://127.0.0.1:1/"),))


@pytest.mark.timeout(60)  # an answer without end must not be waited for
@cell("the network", "endless or slow data", "stop what runs")
@cell("a mirror", "endless or slow data", "stop what runs")
@pytest.mark.parametrize("how", [_endless, _drip, _promise, _cut, _redirect], ids=lambda one: one.__name__.strip("_"))
@pytest.mark.parametrize("prefix", ["/tuf/timestamp.json", "/v1/heads/", "/v1/views/", "/v1/blobs/"])
def test_no_answer_is_longer_or_slower_than_its_bounds(
    stage: Stage, yesterday: Play, attack: Attack, prefix: str, how: Callable[[Reply], Reply]
) -> None:
    """He sends without end, a byte at a time, a giant's length, half of it, or elsewhere: HF-1, HF-2, HF-3."""
    yesterday.be_impatient()
    attack(stage, only(prefix, how))
    before = yesterday.picture()
    report = yesterday.refresh()
    assert rules(report) & {"HF-1", "HF-2", "HF-3"}
    assert report.outcome in ("unreachable", "failed", "refused")
    assert yesterday.runs() == ["app 1", "tool 1", "gadget 1"]
    assert yesterday.picture()["links"] == before["links"]
    images = yesterday.rig.folder / "images"
    assert all(one.stat().st_size <= len(TOOL_2) for one in images.iterdir())


@pytest.mark.timeout(60)  # a head without end must not be waited for
@cell("the network", "endless or slow data", "block another store")
@cell("a mirror", "endless or slow data", "block another store")
def test_an_update_waits_for_no_answer_to_a_report(stage: Stage, yesterday: Play) -> None:
    """He takes the report that a trial begins, and answers a byte now and then for ever: RP-4, HF-1."""
    yesterday.be_impatient()
    stage.main.line.change = only("/v1/reports", lambda _: Reply(0, stalled=True))
    report = yesterday.refresh()
    assert (report.outcome, yesterday.runs()) == ("installed", ["app 2", "tool 2", "gadget 1"])
    for way in (stage.main.line, stage.second.line):
        assert way.asked.count("/v1/reports") == 2  # before the trial, and when all is decided
    waiting = {one.store for one in load_reports(yesterday.rig.folder).queue}
    assert waiting == {"acme/main"}


@cell("the network", "show two views")
@cell("a mirror", "show two views")
def test_one_store_can_t_be_passed_off_as_another(stage: Stage, today: Play, newborn: Play) -> None:
    """He leads devices of `main` to `second`, which says something else: TF-8, by the pin in the `store` statement."""
    stage.main.line.upstream = stage.second.line.honest
    stage.second.line.change = lambda *_: SILENCE
    before = today.picture()
    report = today.refresh()
    assert line(report, "acme/main").word == "refused"
    assert "TF-4" in rules(report)
    assert today.picture() == before
    assert "TF-8" in rules(newborn.provision().refresh())
    assert not (newborn.rig.folder / "current").exists()


@cell("the network", "show two views")
@cell("a mirror", "show two views")
def test_two_states_shown_to_one_device_are_noticed(stage: Stage, today: Play) -> None:
    """Without keys the only other state is an older one: TF-4 (and CT-2 behind it)."""
    before = today.picture()
    stage.hide_today(stage.main)
    report = today.refresh()
    assert line(report, "acme/main").word == "refused"
    assert rules(report) == {"TF-4"}
    assert today.picture() == before


@cell("the network", "block another store")
@cell("a mirror", "block another store")
@pytest.mark.parametrize("how", [_endless, _drip, _promise, _redirect, flipped, lambda _: SILENCE, lambda _: NOT_THERE])
def test_whatever_he_does_to_one_store_the_other_one_updates_the_device(
    stage: Stage, yesterday: Play, how: Callable[[Reply], Reply]
) -> None:
    """Every answer of `main` is his (DV-6); `second` is honest."""
    yesterday.be_impatient(stage.main)
    stage.main.line.change = lambda _, reply: how(reply)
    report = yesterday.refresh()
    assert (report.outcome, line(report, "acme/second").word) == ("installed", "fresh")
    assert line(report, "acme/main").word in ("refused", "unreachable")
    assert yesterday.runs() == ["app 2", "tool 2", "gadget 1"]


@cell("the network", "block another store", "endless or slow data")
@cell("a mirror", "block another store", "endless or slow data")
def test_an_image_that_drips_is_taken_from_the_other_store(stage: Stage, yesterday: Play) -> None:
    """`main` sends images just faster than the slowest line that a device puts up with; `second` does not (HF-1)."""
    for shop in stage.shops.values():
        limits = Limits(read_seconds=1, total_seconds=0.3, lowest_rate=2000)
        yesterday.rig.stores[shop.line.url] = Fetcher(shop.line.url, limits=limits)
    stage.main.line.change = only("/v1/blobs/", lambda reply: replace(reply, pause=0.0002))
    report = yesterday.refresh()
    assert (report.outcome, line(report, "acme/main").word) == ("installed", "fresh")
    for way in (stage.main.line, stage.second.line):
        assert any(path.startswith("/v1/blobs/") for path in way.asked)


@cell("the network", "block another store")
@cell("a mirror", "block another store")
def test_a_brand_that_claims_a_thousand_versions_costs_one_refused_one(stage: Stage, yesterday: Play) -> None:
    """He says that a brand has come to version 1000, so that the device asks for them one by one (HF-1, BR-2)."""
    head = sign(stage.world.brand(sequence=1000), stage.world.key("mallory")).raw

    def change(path: str, reply: Reply) -> Reply:
        return Reply(200, body=head) if path.startswith(("/v1/heads/brand/1/acme", "/v1/brands/")) else reply

    stage.main.line.change = change
    report = yesterday.refresh()
    assert "TH-1" in rules(report)
    assert len([path for path in stage.main.line.asked if path.startswith("/v1/brands/")]) <= 1
    assert report.outcome == "installed"


@cell("the network", "stop what runs")
@cell("a mirror", "stop what runs")
def test_what_runs_outlives_every_expiry_and_a_restart(stage: Stage, today: Play, attack: Attack) -> None:
    """He cuts the device off for six years (DV-10)."""
    attack(stage, lambda *_: SILENCE)
    before = today.picture()
    report = today.refresh(stage.at + 2200 * DAY)
    assert report.outcome in ("unreachable", "stale")
    disk = Disk.of(today.rig.folder)
    for part in disk.parts_of(disk.generations.current()):
        unmount(disk.generations.mount_point(part))
    today.refresh()
    assert today.runs() == ["app 2", "tool 2", "gadget 1"]
    assert today.picture() == before


@cell("the network", "freeze", says="bounded")
@cell("a mirror", "freeze", says="bounded")
@pytest.mark.parametrize("rotated", ["the root's", "the brand's"])
@pytest.mark.parametrize("withheld", ["/v1/heads/brand/", "/v1/heads/model/", "/v1/heads/store/", "/v1/heads/"])
def test_half_of_a_rotation_withheld_locks_nobody_out(
    stage: Stage, yesterday: Play, thieves: list[Forger], withheld: str, rotated: str
) -> None:
    """He lets a statement with new keys through, and not what these signed anew: addresses stay (SR-3, DV-10)."""
    world, role, new = stage.world, stage.world.key("brands-2"), stage.world.brand_keys("acme", 2)
    roles = RootRoles(key_set(2, *world.root_keys), key_set(1, role))
    root = sign(world.root_statement(sequence=2, roles=roles, root=world.root_id), *world.root_keys[:2])
    brands = [sign(one.payload, *world.brand_role, role) for one in stage.chain[:2]]
    if rotated == "the root's":
        show(thieves, *replaced(stage.statements(*stage.latest), root, *brands))
    else:
        brand = world.signed(world.brand(sequence=2, keys=key_set(2, *new), issued=stage.at))
        again = [sign(one.payload, *new[:2]) for one in (*stage.chain[2:], *stage.latest[:4])]
        show(thieves, *replaced(stage.statements(*stage.latest), brand, *again))
    for shop, thief in zip(stage.shops.values(), thieves, strict=True):
        shop.line.change = _without(withheld, thief.change)
    yesterday.refresh()
    if withheld in ("/v1/heads/brand/", "/v1/heads/"):
        assert yesterday.runs() == ["app 1", "tool 1", "gadget 1"]
    for shop, thief in zip(stage.shops.values(), thieves, strict=True):
        shop.line.change = thief.change
    report = yesterday.refresh()
    assert report.exit_code == 0, rules(report)
    assert yesterday.runs() == ["app 2", "tool 2", "gadget 1"]
