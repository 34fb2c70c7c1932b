"""What a store is doing, for its operator: from its folder, or from outside by its URL.

From a URL nothing is verified: it shows what the store says, to whoever asks for it.
"""

import http.client
import json
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from sqlalchemy import func, select

from sealring.catalogue.entry import CatalogueEntry, parse_entry
from sealring.errors import TrustError, Unreachable
from sealring.names import instant, spell
from sealring.statement import TYPES
from sealring.time_floors import about
from sealring_server.alarms import alarms, halt_alarms
from sealring_server.backup.stopped import find_stop
from sealring_server.catalogue import last_entry
from sealring_server.database import open_database
from sealring_server.held import Held
from sealring_server.mirror.folder import KEPT
from sealring_server.mirror.noted import told
from sealring_server.reports import Curve, curves, halts
from sealring_server.schema import blobs, heads, publications
from sealring_server.settings import load_settings
from sealring_server.tuf_repo import CATALOGUE, expiries

MAX_ANSWER = 512 * 1024  # bytes
SECONDS = 30.0
MAX_ROOTS = 256
PACKAGES_FILE = "packages.json"


@dataclass(eq=False)
class NoAnswer(Unreachable):
    """A URL behind which no store answers now."""

    url: str
    reason: str
    exit_code: ClassVar[int] = 10

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}"

    def hint(self) -> str:
        return "check the URL, and that the store is being served"


def status_of_folder(folder: Path, at: datetime) -> dict[str, Any]:
    """Entry, statements by type, what expires next of each authority, images, open publications, every TUF expiry.

    Args:
        at: instant, UTC, from which expiry is told.

    Raises:
        NotAStore.
    """
    settings = load_settings(folder)
    database = open_database(folder, settings)
    with database.reading() as connection:
        entry, expires = last_entry(connection), expiries(connection)
        counted = connection.execute(
            select(heads.c.type, func.count()).group_by(heads.c.type).order_by(heads.c.type)
        ).all()
        halted = [one for one in halts(connection) if one.is_current]
        stop = find_stop(connection)
        stopped = [] if stop is None else [f"{stop}: {stop.hint()}"]
        images = connection.execute(select(func.count(), func.coalesce(func.sum(blobs.c.size), 0))).one()
        mirror = {} if settings.mirror is None else {"mirror": told(folder / KEPT, settings.mirror.url, at)}
        return {
            "format": 1,
            "store": str(folder),
            **mirror,
            "entry": _entry(entry),
            "statements": {str(kind): int(number) for kind, number in counted},
            "authorities": _authorities(Held(connection), at),
            "blobs": int(images[0]),
            "bytes": int(images[1]),
            "open_publications": connection.scalar(select(func.count()).select_from(publications)),
            "rollouts": [_rollout(one) for one in curves(connection)],
            "halts": [
                {"release": one.release, "id": one.id, "reason": one.reason, "time": spell(one.time)} for one in halted
            ],
            "tuf_expires": {role: spell(ends) for role, ends in expires.items()},
            "alarms": [*stopped, *alarms(expires, entry.time, at), *map(str, halt_alarms(halted))],
        }


def status_of_url(url: str, at: datetime) -> dict[str, Any]:
    """Entry and TUF expiries as the store shows them, unverified.

    Args:
        at: instant, UTC, from which alarms are told.

    Raises:
        NoAnswer.
    """
    timestamp = _signed(url, "timestamp.json")
    try:
        snapshot = _signed(url, f"{timestamp['meta']['snapshot.json']['version']}.snapshot.json")
        targets = _signed(url, f"{snapshot['meta']['targets.json']['version']}.targets.json")
        digest = str(targets["targets"][CATALOGUE]["hashes"]["sha256"])
        raw = _get(url, f"/tuf/targets/{digest}.{CATALOGUE}")
        if sha256(raw).hexdigest() != digest:
            raise NoAnswer(url, "its catalogue is not the one that its targets name")
        shown = {"root": _newest_root(url), "timestamp": timestamp, "snapshot": snapshot, "targets": targets}
        if targets.get("delegations") and PACKAGES_FILE in snapshot["meta"]:
            shown["packages"] = _signed(url, f"{snapshot['meta'][PACKAGES_FILE]['version']}.packages.json")
        expires = {role: instant(str(signed["expires"])) for role, signed in shown.items()}
        entry = parse_entry(raw)
        return {
            "format": 1,
            "store": url,
            "entry": _entry(entry),
            "tuf_expires": {role: spell(ends) for role, ends in expires.items()},
            "alarms": list(alarms(expires, entry.time, at)),
        }
    except (KeyError, TypeError, ValueError, TrustError):
        raise NoAnswer(url, "what answers there is not a store") from None


def _authorities(held: Held, at: datetime) -> dict[str, dict[str, Any]]:
    """Of each authority what expires next, and how much has; serials live for 20 years and are only counted."""
    found: dict[str, dict[str, Any]] = {}
    newest = max((int(subject) for subject, _, _ in held.heads("root")), default=0)
    for kind in TYPES.keys() - {"serial"}:
        for one in held.bodies(kind):
            if kind == "root" and one.sequence != newest:
                continue
            mine = found.setdefault(about(one), {"next": None, "statement": None, "expired": 0})
            if one.expires <= at:
                mine["expired"] += 1
            elif mine["next"] is None or (spell(one.expires), one.title) < (mine["next"], mine["statement"]):
                mine |= {"next": spell(one.expires), "statement": one.title}
    return dict(sorted(found.items()))


def _rollout(one: Curve) -> dict[str, Any]:
    """How far a release is: devices that count, and how many more are only shown."""
    step = {"begun": one.counted.begun, "good": one.counted.good, "failed": one.counted.failed}
    return {"release": one.release, "id": one.id, **step, "shown": one.shown.begun}


def _entry(entry: CatalogueEntry) -> dict[str, Any]:
    return {"sequence": entry.sequence, "time": spell(entry.time), "size": entry.size, "map": entry.map.hex()}


def _newest_root(url: str) -> dict[str, Any]:
    """The newest root that it shows, from the first on; no more than a device would walk (SPEC TF-3)."""
    found = _signed(url, "1.root.json")
    for version in range(2, MAX_ROOTS):
        try:
            found = _signed(url, f"{version}.root.json")
        except NoAnswer:
            break
    return found


def _signed(url: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(_get(url, f"/tuf/{name}"))["signed"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NoAnswer(url, "what answers there is not a store") from None
    if not isinstance(found, dict):
        raise NoAnswer(url, "what answers there is not a store")
    return found


def _get(url: str, path: str) -> bytes:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        with closing(kind(parts.hostname or "", parts.port, timeout=SECONDS)) as connection:
            connection.request("GET", parts.path.rstrip("/") + path)
            answer = connection.getresponse()
            body = answer.read(MAX_ANSWER + 1)
    except (OSError, ValueError, http.client.HTTPException) as err:
        raise NoAnswer(url, str(err) or type(err).__name__) from None
    if answer.status != 200 or len(body) > MAX_ANSWER:
        raise NoAnswer(url, f"status {answer.status}, {len(body)} bytes for {path}")
    return body
