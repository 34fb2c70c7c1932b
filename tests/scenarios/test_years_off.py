"""A device that was off for years, and devices with wrong clocks: they come back, and what runs goes on running."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from sealring.envelope import Envelope
from sealring.names import NO_ROOT
from sealring.statement.fleet import Wanted
from sealring.statement.software import Final
from sealring_client.apply.generations import Generations
from tests.hostile import SILENCE, Line, Reply, between, from_folder, over_http
from tests.scenarios.compromise.stage import publish_in
from tests.scenarios.decade import DEVICE, Decade, new_decade, next_tuf_root, restart, run, said
from tests.scenarios.devices import Rig, image_of, new_device
from tests.stores import Refused, RunningStore, first_software, make_folder, now, running_store
from tests.world import DAY, World, sign

BATTERY_DEAD, FAR = "1970-01-02 00:00:00", "2099-01-01 00:00:00"
NEWEST = ("tool 11", "gadget 11")


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decade]:
    with new_decade(tmp_path_factory.mktemp("decade")) as found:
        yield found


@pytest.fixture
def decade(years: Decade) -> Iterator[Decade]:
    for line in years.lines:
        line.reset()
    yield years
    for line in years.lines:
        line.reset()


def runs(rig: Rig) -> tuple[str, str]:
    return rig.says("acme/tool"), rig.says("acme/gadget")


def trust(rig: Rig) -> tuple[bytes, bytes]:
    """The two copies of the trust state."""
    first, second = (rig.folder / f"trust.{n}.json" for n in (0, 1))
    return first.read_bytes(), second.read_bytes()


# --- off for years


@pytest.mark.parametrize(
    ("year", "clock", "date", "time"),
    [
        pytest.param(9, "trusted", "", "proven", id="1-year"),
        pytest.param(7, "trusted", "", "proven", id="3-years"),
        pytest.param(0, "trusted", "", "proven", id="10-years"),
        pytest.param(9, "poor", BATTERY_DEAD, "unproven", id="1-year-in-1970"),
        pytest.param(7, "trusted", BATTERY_DEAD, "unproven", id="3-years-in-1970-believed"),
        pytest.param(0, "poor", "", "unproven", id="10-years-poor"),
        pytest.param(0, "poor", BATTERY_DEAD, "unproven", id="10-years-in-1970"),
    ],
)
def test_it_comes_back_in_one_refresh(decade: Decade, year: int, clock: str, date: str, time: str) -> None:
    """RT-2, RT-5, BR-2, SR-3, TF-8, AU-6, RK-2: through six roots, four sets of brand keys and the store's move."""
    with decade.device(year, clock=clock) as rig:
        assert runs(rig) == (f"tool {year + 1}", f"gadget {year + 1}")
        code, report = said(rig.folder, "refresh", at=date)
        assert (code, report["outcome"], report["time"]) == (0, "installed", time), report
        assert runs(rig) == NEWEST
        status = said(rig.folder, "status", at=date)[1]
        assert (status["root"], status["time"], status["stores"][0]["word"]) == (6, time, "fresh")
        assert [one["delegation"] for one in status["delegations"]] == ["acme/partner"]
        assert [(one["sequence"], one["counts"]) for one in status["revocations"]] == [(9, True)]
        assert status["stores"][0]["urls"] == [decade.shops[1].line.url]
        assert said(rig.folder, "check", at=date)[1]["outcome"] == "none"


@pytest.mark.parametrize(
    ("place", "old_line", "root"),
    [
        ("/v1/roots/3", True, 2),
        ("/v1/brands/acme/4", True, 3),
        ("/v1/roots/6", False, 5),
        ("/v1/brands/acme/9", False, 6),
        ("/v1/heads/store/1/acme/main", False, 6),
        ("/tuf/timestamp.json", False, 6),
        ("/v1/blobs/", False, 6),
    ],
)
def test_killed_on_the_way_it_goes_on_where_it_was(decade: Decade, place: str, old_line: bool, root: int) -> None:
    """RT-5, DV-3: each step is durable before the next is asked for, and none is asked for twice."""
    line = decade.lines[0 if old_line else 1]
    with decade.device(0) as rig:
        process = run(rig.folder, "refresh")

        def killed(path: str, reply: Reply) -> Reply:
            if not path.startswith(place):
                return reply
            process.kill()
            return SILENCE

        line.change = killed
        process.communicate(timeout=60)
        assert process.returncode == -9
        line.change = None
        assert runs(rig) == ("tool 1", "gadget 1")
        assert said(rig.folder, "status")[1]["root"] == root
        for one in decade.lines:
            one.asked.clear()
        code, report = said(rig.folder, "refresh")
        assert (code, report["outcome"]) == (0, "installed"), report
        walked = [f"/v1/roots/{version}" for version in range(2, root + 1)]
        assert not set(walked) & {path for one in decade.lines for path in one.asked}
        assert runs(rig) == NEWEST


def test_cut_off_again_and_again_it_still_arrives(decade: Decade) -> None:
    """DV-3, DV-6: the line breaks after 32 answers each time; every try gets further, and none does harm."""
    with decade.device(0) as rig:
        tries = 0
        while runs(rig) != NEWEST and tries < 6:
            tries += 1
            left = itertools.count(32, -1)
            for line in decade.lines:
                line.change = lambda _, reply, left=left: reply if next(left) > 0 else SILENCE
            code, report = said(rig.folder, "refresh")
            installed = (code, report["outcome"]) == (0, "installed")
            assert runs(rig) == (NEWEST if installed else ("tool 1", "gadget 1"))
        assert (runs(rig), tries > 1) == (NEWEST, True)


# --- everything has ended


def silent(*lines: Line) -> None:
    for line in lines:
        line.change = lambda *_: SILENCE


def no_software(path: str, reply: Reply) -> Reply:
    """A store whose catalogue is gone, and whose statements can still be read."""
    return SILENCE if path.startswith("/tuf/") else reply


def test_when_all_has_expired_it_runs_restarts_goes_back_and_learns_newer_keys(decade: Decade) -> None:
    """DV-10, DV-12, RT-5, SR-3: two years after its last sign of life, with no store that answers as it should."""
    with decade.device(8) as rig:
        silent(*decade.lines)
        code, report = said(rig.folder, "refresh")
        assert (code, report["outcome"], runs(rig)) == (10, "unreachable", ("tool 9", "gadget 9"))
        ended = said(rig.folder, "status")[1]["warnings"]
        for what in (
            "brand acme",
            "model acme/door-1",
            "store acme/main",
            "release acme/tool",
            "delegation acme/partner",
        ):
            assert any(one.startswith(what) and "expired" in one for one in ended), what
        restart(rig)
        code, report = said(rig.folder, "refresh")
        assert (code, runs(rig)) == (10, ("tool 9", "gadget 9"))
        code, found = said(rig.folder, "rollback")
        assert (code, found["current"], runs(rig)) == (0, 1, ("tool 8", "gadget 8"))
        restart(rig)
        said(rig.folder, "refresh")
        assert runs(rig) == ("tool 8", "gadget 8")
        decade.lines[1].change = no_software
        code, report = said(rig.folder, "refresh")
        assert (code, report["outcome"]) == (10, "unreachable")
        status = said(rig.folder, "status")[1]
        assert (status["root"], status["delegations"][0]["sequence"]) == (6, 11)
        assert runs(rig) == ("tool 8", "gadget 8")
        decade.lines[1].reset()
        assert said(rig.folder, "refresh")[1]["outcome"] == "installed"
        assert runs(rig) == NEWEST


def test_an_address_that_is_long_out_of_date_still_leads_on(decade: Decade) -> None:
    """SR-3, TF-6: the old place has stood still for five years; nothing is installed from it, and it names the new."""
    with decade.device(0) as rig:
        silent(decade.lines[1])
        code, report = said(rig.folder, "refresh")
        assert (code, report["outcome"], runs(rig)) == (10, "unreachable", ("tool 1", "gadget 1"))
        status = said(rig.folder, "status")[1]
        assert (status["root"], status["stores"][0]["urls"]) == (3, [decade.shops[1].line.url])
        decade.lines[1].reset()
        assert said(rig.folder, "refresh")[0] == 0
        assert runs(rig) == NEWEST
        assert not any(path.startswith("/v1/blobs/") for path in decade.lines[0].asked)


# --- wrong clocks


@pytest.mark.parametrize("clock", ["trusted", "poor"])
@pytest.mark.parametrize("date", [BATTERY_DEAD, FAR])
def test_no_clock_bricks_a_device(decade: Decade, date: str, clock: str) -> None:
    """TM-1 to TM-5, DV-10: what runs runs, `status` says what the time is worth, and the right time mends all."""
    with decade.device(9, clock=clock) as rig:
        before = Generations(rig.folder).numbers()
        silent(*decade.lines)
        restart(rig)
        code, report = said(rig.folder, "refresh", at=date)
        assert (code, runs(rig)) == (10, ("tool 10", "gadget 10"))
        decade.lines[1].reset()
        code, report = said(rig.folder, "refresh", at=date)
        status = said(rig.folder, "status", at=date)[1]
        # 2099 on a clock that is believed: nothing that was signed speaks against it.
        believed = date == FAR and clock == "trusted"
        assert (report["time"], status["time"]) == ("proven", "proven") if believed else ("unproven", "unproven")
        if date == FAR:
            assert (code, report["outcome"], runs(rig)) == (4, "stale", ("tool 10", "gadget 10"))
            assert Generations(rig.folder).numbers() == before
        else:
            assert (code, report["outcome"], runs(rig)) == (0, "installed", NEWEST)
        code, report = said(rig.folder, "refresh")
        assert (code, runs(rig)) == (0, NEWEST)
        status = said(rig.folder, "status")[1]
        assert status["time"] == ("unproven" if clock == "poor" else "proven")
        assert not [one for one in status["warnings"] if "expired" in one]


# --- not before, and never again


def test_a_release_waits_for_its_hour_and_is_then_taken(tmp_path: Path) -> None:
    """TM-3, PB-1, DV-8: no store shows it earlier, no device acts on it earlier, and "nothing new" ends with that hour.

    The device's clock is some minutes behind the store's, as clocks are.
    """
    world = World(at=now() - timedelta(hours=1))
    with running_store(world, tmp_path / "store") as store, new_device() as rig:
        software = first_software(world, store, image_of("one"))
        store.publish(software, [image_of("one")])
        rig.provision(world.root, software[:3])
        assert said(rig.folder, "refresh")[1]["outcome"] == "installed"
        hour = now() + timedelta(minutes=8)
        waits = [world.signed(world.revision(2, image_of("two"))), world.signed(world.release(2, not_before=hour))]
        with pytest.raises(Refused) as refused:
            store.publish(waits, [image_of("two")])
        assert refused.value.rule == "TM-3"
        store.set_clock(hour)
        store.publish(waits, [image_of("two")])
        code, report = said(rig.folder, "refresh")
        assert (code, report["outcome"], rig.says()) == (0, "none", "one")
        assert [one["rule"] for one in report["packages"][0]["refusals"]] == ["TM-3"]
        code, report = said(rig.folder, "refresh", at=hour + timedelta(minutes=1))
        assert (code, report["outcome"], rig.says()) == (0, "installed", "two")


def test_the_last_word_of_a_brand_outlives_all_else_of_it(tmp_path: Path) -> None:
    """EL-2: brand, model, revision and the release itself have ended; what is named installs, and nothing beside it."""
    with ended_brand(tmp_path) as (world, store, rig):
        today = now() - timedelta(hours=1)
        fresh = [
            world.revision(2, image_of("other 2"), package="other", issued=today),
            world.release(2, package="other", issued=today),
        ]
        publish_in(store.folder, [world.signed(one) for one in fresh], [image_of("other 2")], today)
        code, report = said(rig.folder, "refresh")
        assert (code, report["outcome"]) == (0, "installed"), report
        assert (rig.says("acme/tool"), rig.says("acme/other")) == ("tool 2", "other 1")
        refused = {one["package"]: {r["rule"] for r in one["refusals"]} for one in report["packages"]}
        assert refused == {"acme/other": {"TM-1"}, "acme/tool": set()}
        warnings = said(rig.folder, "status")[1]["warnings"]
        assert sum("a final release has lifted that" in one for one in warnings) == 3
        # Nor does a later word of the same package that is not the last one.
        more = [world.revision(3, image_of("tool 3"), issued=today), world.release(3, issued=today)]
        publish_in(store.folder, [world.signed(one) for one in more], [image_of("tool 3")], today)
        code, report = said(rig.folder, "refresh")
        assert (code, report["outcome"], rig.says("acme/tool")) == (4, "stale", "tool 2")


@contextmanager
def ended_brand(folder: Path) -> Iterator[tuple[World, RunningStore, Rig]]:
    """A device from 800 days ago, and the final release that its brand signed 400 days ago, when it had ended."""
    dates = [now() - timedelta(days=days, hours=1) for days in (800, 400, 0)]
    world = World(at=dates[0])
    world.root = world.signed(world.root_statement(root=NO_ROOT, expires=dates[0] + 1800 * DAY))
    world.root_id = world.root.id
    store = make_folder(world, folder / "store")
    with between(over_http("http://127.0.0.1:1")) as line, new_device() as rig:

        def address(sequence: int) -> Envelope:
            year = dates[sequence - 1]
            return world.signed(world.store(line.url, store.pin, sequence=sequence, issued=year))

        packages = [Wanted(f"acme/{name}", "latest/stable", "app", "required") for name in ("other", "tool")]
        brand, model = world.signed(world.brand()), world.signed(world.model(packages=packages))
        seed = [brand, model, address(1)]
        first = [world.signed(one) for name in ("other", "tool") for one in software_of(world, name, 1, dates[0])]
        publish_in(store.folder, [*seed, *first], [image_of("other 1"), image_of("tool 1")], dates[0])
        line.upstream = from_folder(store.folder, lambda: dates[0])
        rig.provision(world.root, seed)
        assert said(rig.folder, "refresh", at=dates[0] + timedelta(minutes=5))[1]["outcome"] == "installed"
        revision, release = software_of(world, "tool", 2, dates[1])
        built = world.signed(revision)
        final = structs.replace(release, final=Final(brand.id, [model.id], [built.id]))
        last = sign(final, *world.brand_keys("acme")[:2], *world.brand_role)
        for sequence, statements, images in ((2, [built, last], [image_of("tool 2")]), (3, [], [])):
            next_tuf_root(world, store.folder, "store-tuf-root", dates[sequence - 1])
            publish_in(store.folder, [address(sequence), *statements], images, dates[sequence - 1])
        line.upstream = from_folder(store.folder, now)
        yield world, store, rig


def software_of(world: World, name: str, number: int, issued: datetime) -> list[Any]:
    image = image_of(f"{name} {number}")
    return [
        world.revision(number, image, package=name, issued=issued),
        world.release(number, package=name, issued=issued),
    ]


# --- another root


@pytest.mark.parametrize("kind", ["model/1/acme/door-1", "store/1/acme/main", "brand/1/acme"])
def test_what_was_signed_at_a_rehearsal_is_refused(decade: Decade, kind: str) -> None:
    """ST-4: the very keys of today, under another root: nobody can play the rehearsal's words in production."""
    rehearsal, keys = World(salt="rehearsal", at=decade.date(10)), decade.keys(10)[:2]
    statement = {
        "m": rehearsal.model(sequence=99),
        "s": rehearsal.store(decade.lines[1].url, sequence=99),
        "b": rehearsal.brand(sequence=12),
    }[kind[0]]
    forged = sign(statement, decade.role(6), *keys)
    line = decade.lines[1]
    line.change = lambda path, reply: replace(reply, body=forged.raw) if path == f"/v1/heads/{kind}" else reply
    with decade.device(9) as rig:
        code, report = said(rig.folder, "refresh")
        # The address of last year is good for a day more; the model and the brand's keys have ended without the new.
        assert (code, runs(rig)) == ((0, NEWEST) if kind[0] == "s" else (4, ("tool 10", "gadget 10")))
        assert "ST-4" in {one["rule"] for one in report["stores"][0]["refusals"]}
        assert forged.digest not in trust(rig)[0].decode()
        line.reset()
        assert (said(rig.folder, "refresh")[0], runs(rig)) == (0, NEWEST)


# --- the two copies


def broken(raw: bytes, how: str) -> bytes | None:
    """These bytes after an accident; None where the file is gone."""
    middle = len(raw) // 2
    flipped = raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]
    return {"truncated": raw[:-9], "flipped": flipped, "empty": b"", "missing": None}[how]


def write(path: Path, raw: bytes | None) -> None:
    path.unlink() if raw is None else path.write_bytes(raw)


HOWS = ("truncated", "flipped", "empty", "missing")


@pytest.mark.parametrize("copy", [0, 1])
@pytest.mark.parametrize("how", HOWS)
def test_one_damaged_copy_costs_nothing(decade: Decade, how: str, copy: int) -> None:
    """DV-2, FL-1: every floor stands, and the next command that changes anything mends the copy."""
    with decade.device(9) as rig:
        before, status = trust(rig), said(rig.folder, "status")[1]
        path = rig.folder / f"trust.{copy}.json"
        write(path, broken(before[copy], how))
        assert said(rig.folder, "status")[1] == status
        silent(*decade.lines)
        assert said(rig.folder, "refresh")[0] == 10
        assert trust(rig) == before
        assert runs(rig) == ("tool 10", "gadget 10")


@pytest.mark.parametrize("how", HOWS)
def test_with_both_copies_damaged_it_refuses_and_runs_on(decade: Decade, how: str) -> None:
    """DV-2, DV-10: nothing is installed and nothing reset, whatever a store shows; a restart mounts what ran."""
    with decade.device(9) as rig:
        for copy, raw in enumerate(trust(rig)):
            write(rig.folder / f"trust.{copy}.json", broken(raw, how))
        files = {path.name: path.read_bytes() for path in rig.folder.glob("trust.*")}
        (rig.folder / "poll.json").unlink()
        restart(rig)
        code, found = said(rig.folder, "refresh")
        assert (code, found["rule"]) == (12, "DV-2")
        assert runs(rig) == ("tool 10", "gadget 10")
        assert said(rig.folder, "status")[0] == said(rig.folder, "rollback")[0] == 12
        assert {path.name: path.read_bytes() for path in rig.folder.glob("trust.*")} == files


@pytest.mark.parametrize("which", [(0,), (1,), (0, 1)])
def test_an_older_copy_that_somebody_puts_back(decade: Decade, which: tuple[int, ...]) -> None:
    """DV-2: beside the newer one it is nothing; in the place of both it names what is no longer there: refused."""
    with decade.device(9) as rig:
        old = trust(rig)
        assert said(rig.folder, "refresh")[0] == 0
        new = trust(rig)
        for copy in which:
            write(rig.folder / f"trust.{copy}.json", old[copy])
        (rig.folder / "poll.json").unlink()
        code, found = said(rig.folder, "refresh")
        if len(which) == 1:
            assert (code, found["outcome"], trust(rig)) == (0, "none", new)
        else:
            assert (code, found["rule"], trust(rig)) == (12, "DV-2", old)
        assert runs(rig) == NEWEST


def test_who_puts_back_the_whole_folder_wins_no_more_than_that_day(decade: Decade) -> None:
    """DV-2, TM-1: floors are then of that day; what has expired since stays so, and the next answer mends all."""
    with decade.device(9) as rig:
        old = {path: path.read_bytes() for path in (*rig.folder.glob("trust.*"), *rig.folder.glob("statements/*"))}
        assert said(rig.folder, "refresh")[0] == 0
        for path, raw in old.items():
            path.write_bytes(raw)
        (rig.folder / "poll.json").unlink()
        line = decade.lines[1]
        line.change = lambda path, reply: reply if path.startswith("/v1/heads/") else SILENCE
        assert said(rig.folder, "status")[1]["root"] == 5
        assert (said(rig.folder, "refresh")[0], runs(rig)) == (10, NEWEST)
        line.reset()
        code, report = said(rig.folder, "refresh")
        assert (code, report["outcome"], runs(rig)) == (0, "none", NEWEST), report
        assert said(rig.folder, "status")[1]["root"] == 6


def test_the_command_that_all_of_this_goes_through_is_there() -> None:
    """A test that ran nothing would prove nothing."""
    assert DEVICE.is_file()
