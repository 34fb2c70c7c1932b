"""Which job fails, and why, is on the operator's page and among the figures (SPEC TF-10, HT-6)."""

from datetime import timedelta

from sealring_server.jobs.job import Job
from sealring_server.jobs.worker import Worker
from sealring_server.metrics import exposition
from sealring_server.operator.checks import checks
from sealring_server.operator.facts import watch
from tests.unit.server.conftest import Shop


def test_a_job_that_fails_is_told_with_its_reason_and_its_next_try(shop: Shop) -> None:
    """HT-6: nobody reads a log to know it; the figures name each job, whether or not it was ever done."""
    broken = [True]

    def collect(_: object) -> None:
        if broken[0]:
            raise OSError(28, "No space left on device", "store.db")

    worker = Worker(shop.here, [Job("collect", "removes what only old maps need", collect)], shop.at.timestamp)
    worker.round()
    looking = watch(shop.here)
    (told,) = [one for one in checks(looking.look()) if one.name == "Jobs"]
    assert told.level == "soon"
    assert "collect" in told.says
    assert "no space left" in told.says.lower()
    assert "tried again" in told.says
    figures = exposition(looking.look()).decode()
    assert 'sealring_job_failing{job="collect"} 1.0' in figures
    assert 'sealring_job_good_timestamp_seconds{job="sign"} 0.0' in figures

    broken[0] = False
    shop.later(seconds=60)
    Worker(shop.here, [Job("collect", "removes what only old maps need", collect)], shop.at.timestamp).round()
    assert not [one for one in checks(looking.look()) if one.name == "Jobs"]
    figures = exposition(looking.look()).decode()
    assert 'sealring_job_failing{job="collect"} 0.0' in figures
    (told_again,) = [one for one in looking.look().jobs if one.name == "collect"]
    assert told_again.next == shop.at + timedelta(seconds=60)
    assert told_again.failures == 1
