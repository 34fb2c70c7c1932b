"""Addresses that are remembered beside what statements name (SPEC SR-4)."""

from datetime import timedelta
from pathlib import Path

import pytest

from sealring_client.known_addresses import ASK_AFTER, Address, KnownAddresses, load_known, save_known
from tests.world import NOW

SECOND = timedelta(seconds=1)


def addresses(*numbers: int) -> list[Address]:
    return [Address("acme/main", f"http://store-{n}.example") for n in numbers]


def test_the_first_four_and_the_last_four_are_remembered() -> None:
    """SR-4: a thief who shows one address after the other pushes out neither how it began nor what was a week ago."""
    known = KnownAddresses()
    for number in range(12):
        known = known.with_proved(addresses(number))
    assert known.addresses == tuple(addresses(0, 1, 2, 3, 8, 9, 10, 11))
    assert known.with_proved(addresses(2)) == known


def test_only_what_no_statement_names_is_asked_beside() -> None:
    """SR-4."""
    known = KnownAddresses().with_proved(addresses(1, 2))
    assert known.unnamed({"http://store-1.example"}) == addresses(2)


@pytest.mark.parametrize(
    ("since", "due"),
    [(timedelta(0), False), (ASK_AFTER - SECOND, False), (ASK_AFTER, True), (-SECOND, True)],
)
def test_once_a_week_and_after_a_clock_went_back(since: timedelta, due: bool) -> None:
    """SR-4: a clock that was ahead once must not put it off for years."""
    assert KnownAddresses((), NOW).is_due(NOW + since) is due
    assert KnownAddresses().is_due(NOW)


def test_it_comes_back_from_the_disk_and_a_damaged_file_costs_nothing_else(tmp_path: Path) -> None:
    """SR-4: nothing is trusted for standing there."""
    known = KnownAddresses(tuple(addresses(1, 2)), NOW)
    save_known(tmp_path, known)
    assert load_known(tmp_path) == known
    written = (tmp_path / "addresses.json").stat().st_mtime_ns
    save_known(tmp_path, known)
    assert (tmp_path / "addresses.json").stat().st_mtime_ns == written
    (tmp_path / "addresses.json").write_bytes(b'{"format":1}')
    assert load_known(tmp_path) == KnownAddresses()
