"""When is it? (SPEC TM)"""

from datetime import UTC, datetime, timedelta

import pytest

from sealring.authentic import Authentic
from sealring.errors import TrustError
from sealring.moment import Expired, FromTheFuture, Moment, TooEarly, check_time
from sealring.names import instant, spell
from sealring.statement import Common
from sealring.time_floors import TimeFloors
from tests.world import DAY, NOW, World

WORLD = World()
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("at", "proven", "refusal"),
    [
        pytest.param(NOW + 90 * DAY - SECOND, True, None, id="the last good second"),
        pytest.param(NOW + 90 * DAY, True, Expired, id="equality is refused"),
        pytest.param(NOW + 90 * DAY, False, Expired, id="by a poor clock too"),
        pytest.param(NOW - 10 * MINUTE, True, None, id="issued ten minutes ahead"),
        pytest.param(NOW - 10 * MINUTE - SECOND, True, FromTheFuture, id="a second more"),
        pytest.param(NOW - 9000 * DAY, False, None, id="a poor clock learns the time from it"),
        pytest.param(datetime.max.replace(microsecond=0, tzinfo=UTC), True, Expired, id="the end of the calendar"),
        pytest.param(datetime.min.replace(tzinfo=UTC), True, FromTheFuture, id="its beginning"),
    ],
)
def test_when_a_release_may_be_acted_upon(at: datetime, proven: bool, refusal: type[TrustError] | None) -> None:
    """TM-1, TM-2, TM-5."""
    release = WORLD.release()
    if refusal is None:
        check_time(release, Moment(at, proven))
        return
    with pytest.raises(refusal):
        check_time(release, Moment(at, proven))


def test_not_before_is_the_first_good_instant() -> None:
    """TM-3."""
    release = WORLD.release(not_before=NOW + DAY)
    check_time(release, Moment(NOW + DAY))
    with pytest.raises(TooEarly):
        check_time(release, Moment(NOW + DAY - SECOND))


def held(*statements: Common) -> list[Authentic[Common]]:
    """These statements as floors of time see them."""
    return [Authentic(one, WORLD.root, frozenset()) for one in statements]


def test_floors_of_time_are_kept_by_authority() -> None:
    """TM-4: the root's counts for all, a brand's for its own statements only."""
    june, july = NOW + 100 * DAY, NOW + 130 * DAY
    found = held(WORLD.root_statement(issued=june, root="0" * 64), WORLD.model(issued=july), WORLD.model(issued=NOW))
    floors = TimeFloors.of(Moment(NOW), found)
    assert floors.moment("acme").at == july
    assert floors.moment("evil").at == june
    assert TimeFloors.of(Moment(NOW), []).moment("acme") == Moment(NOW)


def test_the_role_brand_can_not_age_a_fleet() -> None:
    """TM-4: a certificate is dated by one key that is used often, and bounds the brand that it certifies."""
    late = NOW + 400 * DAY
    floors = TimeFloors.of(Moment(NOW), held(WORLD.brand("evil", issued=late)))
    assert floors.moment("acme").at == NOW
    assert floors.moment("evil").at == late


def test_a_clock_behind_a_signature_is_unproven() -> None:
    """TM-5: by more than the ten minutes that two clocks may honestly differ."""
    assert Moment(NOW).raised(NOW + 10 * MINUTE) == Moment(NOW + 10 * MINUTE, proven=True)
    assert Moment(NOW).raised(NOW + 10 * MINUTE + SECOND) == Moment(NOW + 10 * MINUTE + SECOND, proven=False)
    assert Moment(NOW, proven=False).raised(NOW + SECOND).proven is False
    assert Moment(NOW).raised(NOW - DAY) == Moment(NOW)
    assert Moment(NOW).raised(None) == Moment(NOW)


def test_the_clock_never_becomes_a_floor() -> None:
    """TM-4: one check under a clock that is years ahead leaves nothing for the next."""
    ahead = TimeFloors.of(Moment(NOW + 5000 * DAY), held(WORLD.model()))
    assert dict(ahead.issued) == {"acme": NOW}
    assert TimeFloors.of(Moment(NOW), held(WORLD.model())).moment("acme") == Moment(NOW)


@pytest.mark.parametrize("text", ["2026-3-1T1:2:3Z", "2026-03-01T12:00:00+00:00", "2026-03-01 12:00:00Z", "", "now"])
def test_an_instant_has_one_spelling(text: str) -> None:
    """ST-1."""
    with pytest.raises(ValueError, match=r".+"):
        instant(text)


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_instant_is_spelt_as_it_was_read(text: str) -> None:
    """ST-1."""
    assert spell(instant(text)) == text
