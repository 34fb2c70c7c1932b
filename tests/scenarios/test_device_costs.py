"""What a check asks of a real store, in requests and bytes (SPEC AN-1 to AN-4, DV-8)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sealring.envelope import Envelope
from sealring.statement.fleet import Wanted
from sealring_client.fetch.errors import NoAnswer
from sealring_client.fetch.fetcher import Body, Fetcher
from sealring_client.poll import Heard, Quiet, poll
from sealring_client.report import Report, StoreLine
from tests.scenarios.devices import Rig, image_of, line, new_device, now
from tests.stores import RunningStore, running_store
from tests.world import World, key_set, sign

COUNT = 20  # packages of the model
TOOLS = [f"tool-{n:02}" for n in range(COUNT)]


def software(world: World, number: int, tools: list[str], brand: str = "acme") -> list[Envelope]:
    revisions = [world.revision(number, image_of(f"{brand} {number}"), brand, package=tool) for tool in tools]
    return [world.signed(one) for one in (*revisions, *(world.release(number, brand, package=t) for t in tools))]


class Fleet:
    """One real store with a model of twenty packages and other brands beside it, and one device of the model."""

    def __init__(self, world: World, store: RunningStore, device: Rig) -> None:
        self.world, self.store, self.device = world, store, device
        packages = [Wanted(f"acme/{tool}", "latest/stable", "app", "required") for tool in TOOLS]
        self.first = [
            world.signed(world.brand()),
            world.signed(world.model(packages=packages)),
            world.signed(world.store(store.url, store.pin)),
        ]
        store.publish([*self.first, *software(world, 1, TOOLS)], [image_of("acme 1")])
        self.elsewhere(1)
        device.provision(world.root, self.first)

    def elsewhere(self, number: int) -> None:
        more = [self.world.signed(self.world.brand("other"))] if number == 1 else []
        statements = [*more, *software(self.world, number, ["thing"], "other")]
        self.store.publish(statements, [image_of(f"other {number}")])

    def mine(self, number: int, tools: list[str]) -> None:
        self.store.publish(software(self.world, number, tools), [image_of(f"acme {number}")])

    def turn(self) -> Report:
        self.device.at = now()
        found = self.device.turn()
        assert isinstance(found, Report)
        return found


class Older(Fetcher):
    """A store of before there were answers."""

    def fetch_answer(self, path: str, *, limit: int) -> Body:
        raise NoAnswer(self.store, path, f"status 400 (limit {limit})")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    world = World(at=now())
    with running_store(world, tmp_path / "store") as store, new_device() as device:
        yield Fleet(world, store, device)


def cost(report: Report) -> tuple[int, int]:
    found: StoreLine = line(report, "acme/main")
    assert found.word == "fresh", found
    return found.requests, found.transferred


def written(before: dict[str, tuple[int, bytes]], after: dict[str, tuple[int, bytes]]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_what_each_kind_of_check_costs(fleet: Fleet) -> None:
    """SPEC AN-1, AN-2: one request at first, a 304 when nothing is new, and two for whatever has changed."""
    first = cost(fleet.turn())
    assert first[0] == 1
    assert first[1] < 40_000  # twenty packages, two statements each

    # The kept tag is that of the answer's timestamp: nothing comes but the words "not modified".
    heard = Heard()
    assert poll(fleet.device.folder, fleet.device.outside(), running=True, heard=heard) is not None
    assert (heard.costs["acme/main"].requests, heard.costs["acme/main"].transferred) == (1, 0)

    fleet.elsewhere(2)
    before = fleet.device.everything()
    requests, transferred = cost(fleet.turn())
    assert requests == 2
    assert transferred < 4_000
    changed = {name.rpartition("/")[2] for name in written(before, fleet.device.everything())}
    tuf = {"timestamp.json", "snapshot.json", "targets.json", "catalogue.json"}
    assert changed == {*tuf, "trust.0.json", "trust.1.json", "poll.json"}

    fleet.mine(2, TOOLS[:1])
    report = fleet.turn()
    assert (cost(report)[0], report.outcome) == (2, "installed")
    assert cost(report)[1] < 6_000
    assert fleet.device.says("acme/tool-00") == "acme 2"

    for number in (3, 4, 5):
        fleet.elsewhere(number)
    fleet.mine(3, TOOLS[:2])
    report = fleet.turn()
    assert (cost(report)[0], report.outcome) == (2, "installed")
    assert isinstance(fleet.device.turn(), Quiet)


def test_a_year_off_with_new_keys_everywhere(fleet: Fleet) -> None:
    """SPEC AN-2, BR-2, RT-4: roots and a brand's versions come one by one in the one answer."""
    fleet.turn()
    w = fleet.world
    roots = [w.signed(w.root_statement(sequence=n, root=w.root_id)) for n in (2, 3)]
    fleet.store.publish(roots[:1])
    fleet.store.publish(roots[1:])
    old, new = w.brand_keys("acme")[:2], w.brand_keys("acme", 2)
    brand = w.brand(sequence=2, keys=key_set(2, *new))
    rotated = sign(brand, *w.brand_role, *old, *new[:2])
    packages = [Wanted(f"acme/{tool}", "latest/stable", "app", "required") for tool in TOOLS]
    later = [w.model(sequence=2, packages=packages), w.store(fleet.store.url, fleet.store.pin, sequence=2)]
    later += [w.revision(1, image_of("acme 1"), package=t, sequence=2) for t in TOOLS]
    later += [w.release(2, package=t, targets=w.release(1).targets) for t in TOOLS]
    fleet.store.publish([rotated, *(sign(one, *new[:2]) for one in later)])
    report = fleet.turn()
    assert cost(report)[0] <= 2, report.as_json()
    assert report.outcome in ("none", "installed")
    assert not line(report, "acme/main").refusals


def test_a_store_without_answers_gives_the_same_by_more_requests(fleet: Fleet) -> None:
    """SPEC AN-3: an older store, or a mirror of files, has no such path, and everything goes on by the others."""
    with new_device() as plain:
        plain.provision(fleet.world.root, fleet.first)
        url = fleet.store.url
        plain.stores = {url: Older(url)}
        plain.at = fleet.device.at = now()
        one, other = fleet.turn(), plain.refresh()
        assert (one.outcome, one.packages) == (other.outcome, other.packages)
        assert line(other, "acme/main").requests > 40 > cost(one)[0]
        names = ("root.json", "timestamp.json", "snapshot.json", "targets.json", "catalogue.json")
        for name in names:
            where = Path("stores/acme/main") / name
            assert (plain.folder / where).read_bytes() == (fleet.device.folder / where).read_bytes()
        assert sorted(p.name for p in (plain.folder / "statements").iterdir()) == sorted(
            p.name for p in (fleet.device.folder / "statements").iterdir()
        )


def test_a_lost_or_damaged_statement_is_brought_again(fleet: Fleet) -> None:
    """SPEC AN-1: a view is named only while each statement that it lists is there, whole."""
    fleet.turn()
    store = fleet.device.folder / "stores/acme/main"
    assert (store / "view.json").exists()
    (store / "view.json").write_bytes(b"{}")
    fleet.elsewhere(2)
    requests, transferred = cost(fleet.turn())
    assert requests == 2
    assert transferred > 8_000  # all of the view once more
    fleet.elsewhere(3)
    assert cost(fleet.turn())[1] < 4_000
