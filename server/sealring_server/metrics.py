"""`GET /metrics`: figures for a monitor, in the Prometheus text form (SPEC section 13, TF-10).

They say nothing about any device: what a store holds, when its signatures end, and what failed.
"""

import threading
from dataclasses import dataclass, field

from flask import Blueprint, Response, current_app
from sqlalchemy import Connection, func, select

from sealring_server.catalogue import last_entry
from sealring_server.here import StoreHere
from sealring_server.reads import here
from sealring_server.schema import heads, publications
from sealring_server.tuf_repo import expiries

bp = Blueprint("metrics", __name__)


@dataclass
class Counted:
    """Statements by type as of one entry: to count a million rows for every scrape would be a stranger's lever."""

    entry: int = 0
    found: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, connection: Connection, entry: int) -> dict[str, int]:
        """The count as of this entry, the newest."""
        with self.lock:
            if self.entry != entry:
                rows = connection.execute(select(heads.c.type, func.count()).group_by(heads.c.type))
                self.entry, self.found = entry, {str(kind): int(number) for kind, number in rows}
            return self.found


@bp.get("/metrics")
def metrics() -> Response:
    """All figures, as of now."""
    return Response(
        exposition(here(), _known()), 200, {"Cache-Control": "no-store"}, content_type="text/plain; version=0.0.4"
    )


def _known() -> Counted:
    found = current_app.extensions.setdefault("sealring_counted", Counted())
    assert isinstance(found, Counted)
    return found


def exposition(store: StoreHere, counted: Counted) -> bytes:
    """The text that a monitor reads."""
    from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

    registry = CollectorRegistry()
    with store.database.reading() as connection:
        entry, expires = last_entry(connection), expiries(connection)
        found = counted.at(connection, entry.sequence)
        open_now = connection.scalar(select(func.count()).select_from(publications)) or 0
    ends = Gauge("sealring_tuf_expires_seconds", "When a TUF role ends, since 1970", ["role"], registry=registry)
    for role, at in expires.items():
        ends.labels(role).set(at.timestamp())
    Gauge("sealring_entry_sequence", "Number of the newest catalogue entry", registry=registry).set(entry.sequence)
    newest = Gauge("sealring_entry_time_seconds", "Time of the newest catalogue entry, since 1970", registry=registry)
    newest.set(entry.time.timestamp())
    Gauge("sealring_open_publications", "Publications that are open", registry=registry).set(open_now)
    held = Gauge("sealring_statements", "Current statements", ["type"], registry=registry)
    for kind, number in found.items():
        held.labels(kind).set(number)
    for name, words, number in (
        ("signing", "Signatures that a key did not give", store.failures.signing),
        ("maintenance", "Rounds of signing by itself that failed", store.failures.maintenance),
    ):
        Counter(f"sealring_{name}_failures", f"{words}, since the start", registry=registry).inc(number)
    return generate_latest(registry)
