"""What the pages say of a store, on each kind of database; and that a page costs what it shows (SPEC HT-6)."""

import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from sealring.report import report_bytes
from sealring_server.operator.packages import PAGE
from sealring_server.operator.publications import PART
from sealring_server.terms import Terms
from tests.stores import maintain
from tests.unit.server.conftest import Shop
from tests.unit.server.reports.conftest import make_factory
from tests.world import DAY, Key, key_set, sign

BOTH = pytest.mark.parametrize("shop", ["sqlite", "postgresql"], indirect=True)


def words(client: FlaskClient, path: str) -> str:
    """A page's text, without its tags, blanks made one."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text[:300]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


@BOTH
def test_a_new_store_is_as_usual_and_says_how_that_is_known(shop: Shop, client: FlaskClient) -> None:
    """TF-10: no alarm where nothing is wrong, or nobody believes the next one."""
    shop.here.failures.maintained(shop.at)
    found = words(client, "/")
    assert "All is as usual" in found
    assert "Nothing needs you." in found
    assert "timestamp is next, in 3 days at the latest" in found


@BOTH
def test_who_signed_what_is_told_by_the_names_of_keys(shop: Shop, client: FlaskClient) -> None:
    """AU-1: a brand's own keys, a delegation's, the root's; until when, and which revision a channel points at."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.delegation())])
    delegate = world.delegate_keys()[:1]
    shop.publish([sign(world.revision(2, b"two"), *delegate), sign(world.release(2), *delegate)], [b"two"])
    found = words(client, "/packages")
    assert "acme/tool latest/stable" in found
    assert "By delegation acme/partner : partner-a1" in found.replace("partner: ", "partner : ")
    assert "amd64 2 1.2 feature" in found
    brands = words(client, "/statements/brand")
    assert "root, role brand: brands" in brands
    assert "brand acme: acme-a1 , acme-b1" in brands.replace("a1,", "a1 ,")
    entry = words(client, "/publications/4")
    assert "revision acme/tool/2/amd64" in entry
    assert "delegation acme/partner: partner-a1" in entry


def test_a_key_that_was_replaced_is_shown_as_one_that_nobody_lists(shop: Shop, client: FlaskClient) -> None:
    """TH-1: old signatures stay in the history, and do not look like ones that count."""
    world = shop.world
    shop.first()
    keys = world.brand_keys("acme", 2)
    new = world.brand(sequence=2, keys=key_set(2, *keys))
    both = [*world.brand_role, *world.brand_keys("acme")[:2], *keys[:2]]
    shop.publish([sign(new, *both)], terms=Terms(cut=True))
    assert "2 keys that nobody lists now" in words(client, "/publications/2")
    assert "acme-a2, acme-b2" in words(client, "/statements/brand").replace(" ,", ",")


@BOTH
def test_rollouts_and_fleet_tell_counted_from_shown(shop: Shop, client: FlaskClient) -> None:
    """RP-3: what anybody may have made up stands beside what counts, never in it; a halt stands first."""
    factory = make_factory(shop)
    for device in factory.many(4)[:3]:
        shop.later(minutes=5)
        device.says("begun", "failed", reason="<b>no</b>")
    stranger = factory.stranger()
    factory.send(report_bytes(stranger.report("good")))
    assert factory.judge()
    found = words(client, "/rollouts")
    assert "acme/tool/latest/stable halted" in found
    assert "3 begun, 0 good, 3 failed, 0 not heard of since" in found
    assert "1 begun, 1 good, 0 failed" in found
    assert "<b>no</b> 3" in found
    assert "acme/tool/latest/stable is halted since" in words(client, "/")
    fleet = words(client, "/fleet")
    assert "acme/door-1" in fleet
    assert re.search(r"acme/tool 1 3 0 ", fleet)
    assert re.search(r"acme/tool 2 0 1 ", fleet)
    halted = words(client, "/publications")
    assert "halt of acme/tool/latest/stable" in halted


@BOTH
def test_the_calendar_has_every_end_soonest_first(shop: Shop, client: FlaskClient) -> None:
    """TM-1: statements and TUF roles, with who signs again; what expired stands apart."""
    shop.first()
    world = shop.world
    shop.publish([world.signed(world.model("gate", expires=shop.at + 5 * DAY))])
    found = words(client, "/expiry")
    places = [found.index(one) for one in ("model acme/gate", "TUF timestamp", "release acme/tool/latest/stable")]
    assert places == sorted(places)
    assert "serial" not in found.replace("serials, which", "")
    shop.later(days=6)
    maintain(shop.here)
    after = words(client, "/expiry")
    assert after.index("Expired") < after.rindex("model acme/gate")
    assert "1 model statement expired" in words(client, "/")


@BOTH
def test_long_lists_are_paged_without_a_gap(shop: Shop, client: FlaskClient) -> None:
    """HT-6: each page has so many lines and leads to the next; together they have all, each once."""
    shop.first()
    world = shop.world
    names = [f"SN-{n}" for n in range(PART + 30)]
    shop.publish([world.signed(world.serial(Key("device").public, name)) for name in names])
    for path, size in (("/statements/serial", PAGE), ("/publications/3", PART)):
        seen: list[str] = []
        place = path
        while place:
            text = client.get(place).text
            lines = re.findall(r'scope="row">(?:serial )?acme/door-1/(SN-\d+)', text)
            assert len(lines) <= size
            seen += lines
            links = re.findall(rf'href="({path}\?[^"]*)">More', text)
            place = unescape(links[0]) if links else ""
        assert sorted(seen) == sorted(names)


def test_a_closed_number_of_questions_whatever_the_store_holds(shop: Shop, client: FlaskClient) -> None:
    """HT-6: a page asks the database as often for 300 statements as for 30."""
    asked: list[str] = []

    @event.listens_for(client.application.extensions["sealring"].database.engine, "before_cursor_execute")
    def note(_c: object, _cursor: object, text: str, *_: object) -> None:
        asked.append(text)

    shop.first()
    counts = []
    for round in range(2):
        serials = [f"R{round}-{n}" for n in range(10 + 200 * round)]
        shop.publish([shop.world.signed(shop.world.serial(Key("device").public, name)) for name in serials])
        for path in ("/", "/packages", "/statements/serial", "/publications", "/expiry", "/faults"):
            client.get(path)
            asked.clear()
            assert client.get(path).status_code == 200
            counts.append((path, len(asked)))
    half = len(counts) // 2
    for (path, before), (_, after) in zip(counts[:half], counts[half:], strict=True):
        assert after <= before + 4, path
