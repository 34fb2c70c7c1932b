"""`GET /metrics` of the operator's listener: figures for a monitor, in the Prometheus text form (SPEC HT-6, TF-10).

They say nothing about any device: what a store holds, when its signatures end, what it answered and what failed. Every
label is of a small fixed set, however much the store holds.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from sealring_server.failures import BOUNDS, KINDS, OUTCOMES, Failures
from sealring_server.operator.facts import Facts
from sealring_server.tuf_repo import LIVES

PARTS = ("database", "images", "keys", "tuf")


def exposition(facts: Facts) -> bytes:
    """The text that a monitor reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(facts))
    return generate_latest(registry)


class _Collected(Collector):
    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> Iterator[Metric]:
        """All figures."""
        facts = self._facts
        failing = {one.what for one in facts.failing}
        yield _by(
            "ready",
            "Whether this part of the store is ready (1) or not (0)",
            "part",
            {part: float(part not in failing) for part in PARTS},
        )
        yield _one("mirror", "1 for a mirror, 0 for a store that signs", float(facts.mirror))
        if facts.disk is not None:
            yield _one("disk_free_bytes", "What the store may still write into its folder", facts.disk.free)
            yield _one("disk_size_bytes", "The file system of the store's folder", facts.disk.size)
        yield from _rows(facts)
        yield from _ends(facts)
        yield from _work(facts.failures)
        yield from _jobs(facts)
        yield from _requests(facts.failures)


def _rows(facts: Facts) -> Iterator[Metric]:
    if facts.entry is None:
        return
    lives = {role: life.total_seconds() for role, life in LIVES.items() if role in facts.expires}
    expires = _times(facts.expires)
    yield _by("tuf_expires_timestamp_seconds", "When a TUF role ends, since 1970", "role", expires)
    yield _by("tuf_life_seconds", "How long a role that the store signs by itself lives", "role", lives)
    yield _one("entry_sequence", "Number of the newest catalogue entry", facts.entry.sequence)
    yield _one(
        "entry_timestamp_seconds", "Time of the newest catalogue entry, since 1970", facts.entry.time.timestamp()
    )
    yield _one("catalogue_leaves", "Leaves of the catalogue's map", facts.entry.size)
    yield _by("statements", "Current statements", "type", facts.statements)
    yield _one("images", "Images that are kept", facts.images)
    yield _one("images_bytes", "Bytes of these images", facts.bytes)
    yield _one("open_publications", "Publications that are open", facts.open)
    yield _one("stopped", "1 while the store signs and takes nothing, 0 otherwise", float(facts.stopped is not None))
    yield _one("halted_releases", "Releases that the store holds back", len(facts.halts))


def _ends(facts: Facts) -> Iterator[Metric]:
    if facts.ends is None:
        return
    first = _times(facts.ends.first)
    yield _by("statements_expire_timestamp_seconds", "When the next statement in use ends, since 1970", "type", first)
    yield _by("statements_expired", "Statements in use that have expired", "type", facts.ends.expired)


def _work(failures: Failures) -> Iterator[Metric]:
    last = failures.last_maintained
    # Given as 0 before the first round: a figure that is missing fires no alert.
    words = "When the store last looked at all that it must do by itself, since 1970; 0 for not since its start"
    yield _one("maintenance_timestamp_seconds", words, last.timestamp() if last else 0.0)
    yield _counter("maintenance_failures", "Rounds of the store's own work that failed", failures.maintenance)
    yield _counter("signing_failures", "Signatures that a key did not give", failures.signing)
    yield _counter("later_entries_claimed", "Questions that named a later entry than there is", failures.claimed)


def _jobs(facts: Facts) -> Iterator[Metric]:
    """By the names of jobs, which are few and fixed; 0 for what was not yet."""
    for name, words, instants in (
        ("good", "When each job of the store last ended well", {one.name: one.good for one in facts.jobs}),
        ("failed", "When each job last failed", {one.name: one.failed for one in facts.jobs}),
        ("next", "When each job is due", {one.name: one.next for one in facts.jobs}),
    ):
        values = {job: at.timestamp() if at is not None else 0.0 for job, at in instants.items()}
        yield _by(f"job_{name}_timestamp_seconds", f"{words}, since 1970; 0 for not since the start", "job", values)
    yield _by(
        "job_failing",
        "Whether the last run of a job failed (1)",
        "job",
        {one.name: float(one.is_failing) for one in facts.jobs},
    )


def _requests(failures: Failures) -> Iterator[Metric]:
    words = "Requests that the store answered, by what they asked for and how they ended"
    answered = CounterMetricFamily("sealring_http_requests", words, labels=["kind", "outcome"])
    words = "How long it took until the first byte of an answer"
    took = HistogramMetricFamily("sealring_http_request_duration_seconds", words, labels=["kind"])
    for kind in KINDS:
        for outcome in OUTCOMES:
            answered.add_metric([kind, outcome], failures.requests(kind, outcome))
        counts, seconds = failures.durations(kind)
        names = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
        took.add_metric([kind], [(name, float(count)) for name, count in zip(names, counts, strict=True)], seconds)
    yield answered
    yield took


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"sealring_{name}", words, value=float(value))


def _counter(name: str, words: str, value: float) -> Metric:
    return CounterMetricFamily(f"sealring_{name}", f"{words}, since the start", value=float(value))


def _by(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    found = GaugeMetricFamily(f"sealring_{name}", words, labels=[label])
    for each, value in values.items():
        found.add_metric([each], float(value))
    return found


def _times(instants: Mapping[str, datetime]) -> dict[str, float]:
    return {name: at.timestamp() for name, at in instants.items()}
