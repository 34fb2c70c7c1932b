"""Is there anything new? One small request a store, nothing written, and no cryptography loaded (SPEC DV-8).

The answer "no" is good only before the deadline: the earliest expiry of all that the last whole check rested
on. After it, or where anything differs, the whole check decides. What is compared was verified then; the
same bytes still mean the same.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sealring.errors import Unreachable
from sealring_client.fetch.link import Cost, StoreLink
from sealring_client.outside import Outside

MAX_POLL = 64 * 1024  # bytes
MAX_REPORTS = 2 * 1024 * 1024  # bytes
MAX_TIMESTAMP = 16 * 1024  # bytes
FORMAT = 1


@dataclass(frozen=True)
class Quiet:
    """Nothing is new: until when that holds, and each store's answer (`same` or `unreachable`)."""

    deadline: str
    stores: dict[str, str]

    @property
    def answered(self) -> bool:
        """Whether at least one store said so itself."""
        return "same" in self.stores.values()


@dataclass(frozen=True)
class Stamp:
    """A store's timestamp as it came just now: the whole check that follows need not ask for it again.

    Args:
        address: where it was asked.
        body: None where it is still the one with that SHA-256.
        etag: the tag by which the store knows it.
    """

    address: str | None
    body: bytes | None
    etag: str | None
    sha256: str


@dataclass
class Heard:
    """What a poll has heard, and what it cost, by store."""

    stamps: dict[str, Stamp] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)


def poll(state: Path, outside: Outside, *, running: bool, heard: Heard | None = None) -> Quiet | None:
    """What the stores' timestamps say, or None where only a whole check can tell.

    Args:
        running: also look whether all that should run is mounted, as it is not after a restart.
        heard: is given what came, for the check that follows.
    """
    heard = heard if heard is not None else Heard()
    kept = _load(state)
    if kept is None or not _is_settled(state, mounted=running):
        return None
    now = outside.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    # DV-8: instants in their one spelling compare as text; the floor stands in for a clock that is behind it.
    if max(now, kept["floor"]) >= kept["deadline"]:
        return None
    answers: dict[str, str] = {}
    for store in kept["stores"]:
        cost = heard.costs[store["name"]] = Cost()
        link = StoreLink(store["name"], store["urls"], outside.connect, cost)
        try:
            stamp = heard.stamps[store["name"]] = _asked(link, store)
        except Unreachable:
            answers[store["name"]] = "unreachable"
            continue
        finally:
            link.close()
        if stamp.body is not None:
            return None
        answers[store["name"]] = "same"
    return Quiet(kept["deadline"], answers)


def waiting(state: Path) -> dict[str, list[str]]:
    """Where to send the reports that wait: addresses by store; nothing that verifies is loaded for it (RP-4)."""
    kept = _load(state)
    try:
        with (state / "reports.json").open("rb") as file:
            names = {one["store"] for one in json.loads(file.read(MAX_REPORTS))["queue"]}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return {}
    return {one["name"]: one["urls"] for one in kept["stores"] if one["name"] in names} if kept else {}


def poll_bytes(deadline: str, floor: str, stores: list[dict[str, Any]]) -> bytes:
    """What `poll` reads: deadline, highest time floor, and of each store name, urls, etag and sha256."""
    kept = {"format": FORMAT, "deadline": deadline, "floor": floor, "stores": stores}
    return json.dumps(kept, separators=(",", ":")).encode() + b"\n"


def _asked(link: StoreLink, store: dict[str, Any]) -> Stamp:
    answer = link.fetch_if_changed("tuf/timestamp.json", etag=store["etag"], limit=MAX_TIMESTAMP)
    if answer.body is None or hashlib.sha256(answer.body).hexdigest() == store["sha256"]:
        return Stamp(link.address, None, answer.etag, store["sha256"])
    return Stamp(link.address, answer.body, answer.etag, hashlib.sha256(answer.body).hexdigest())


def _load(state: Path) -> dict[str, Any] | None:
    """The kept file, if it is what this edition writes; anything else means a whole check, never an error."""
    try:
        with (state / "poll.json").open("rb") as file:
            kept = json.loads(file.read(MAX_POLL))
        texts = [kept["deadline"], kept["floor"]]
        for store in kept["stores"]:
            texts += [store["name"], store["sha256"], *store["urls"]]
            if not isinstance(store["etag"], str | None):
                return None
        good = kept["format"] == FORMAT and kept["stores"] and all(isinstance(text, str) for text in texts)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return kept if good else None


def _is_settled(state: Path, *, mounted: bool) -> bool:
    """Whether no trial was left behind, and what runs is mounted."""
    try:
        current, good = os.readlink(state / "current"), os.readlink(state / "good")
        if current != good:
            return False
        if not mounted:
            return True
        links = [link for brand in os.scandir(state / current) if brand.is_dir() for link in os.scandir(brand)]
        return all(os.path.ismount(os.path.realpath(link.path)) for link in links)
    except OSError:
        return False
