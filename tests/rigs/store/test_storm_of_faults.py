"""A short part of `make sweep-store-faults` (SPEC PB-3, PB-7, PB-8, PB-11)."""

import pytest

from tests.rigs.store.storm_of_faults import storm

SECONDS, PUBLISHERS, SEED = 6.0, 2, 1


@pytest.mark.timeout(400)
def test_whatever_fails_what_was_acknowledged_is_there_and_every_publisher_gets_through() -> None:
    """PB-3, PB-8: whoever fails, and whichever line breaks; the storm itself says what did not hold."""
    with storm(SEED) as found:
        counts = found.blow(SECONDS, PUBLISHERS)
    assert len(counts.acknowledged) == counts.publications >= PUBLISHERS
    assert counts.faults.total() > 0
    assert counts.looks > 0
