"""Judges for what a device reads: a store's TUF files, and the files of its own state (SPEC TF-7, DV-2, GN-1)."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from securesystemslib.formats import encode_canonical
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from sealring.errors import Unreachable
from sealring_client.apply import generation_file
from sealring_client.decide.state import COPIES, TrustState, load_trust, save_trust
from sealring_client.decide.tuf.metadata import check_signed, parse_metadata
from sealring_client.device_file import load_device, write_device
from sealring_client.failures import load_failures, save_failures
from sealring_client.outside import Fetches, Outside
from sealring_client.poll import poll
from tests.fuzz.harness import Judge
from tests.world import NOW, World

WORLD = World()
ENVELOPES = tuple(WORLD.signed(statement).raw for statement in (WORLD.brand(), WORLD.model(), WORLD.store()))
_ROLES: dict[bytes, Any] = {b"root": Root, b"timestamp": Timestamp, b"snapshot": Snapshot, b"targets": Targets}
_ROLE = re.compile(rb'"_type":\s*"([a-z]+)"')
_TAIL = len(',"check":""}\n') + 64
_CHECK = re.compile(rb'"check":"[0-9a-f]{64}"')


def tuf(raw: bytes) -> bool:
    """TF-7: what is accepted says the same when it is written and read again; its signatures can be counted."""
    role = _ROLE.search(raw)
    kind = _ROLES.get(role[1] if role else b"", Timestamp)
    found = parse_metadata(raw, kind, limit=512 * 1024, file="a.json")
    signed = json.loads(found.payload, strict=False)
    assert str(encode_canonical(signed)).encode() == found.payload
    assert json.loads(raw)["signed"] == signed
    if found.content.expires.year >= 1000:  # earlier ones python-tuf writes with fewer digits than it reads
        assert kind.from_dict(found.content.to_dict()) == found.content
    if isinstance(found.content, Root):
        check_signed(found, found.content, "root", "1.root.json")
    return True


def trust_copy(folder: Path) -> Judge:
    """DV-2: the judge of a copy of the trust state; what is read is what writing it leaves."""
    here, again = folder / "here", folder / "again"
    (here / "statements").mkdir(parents=True)
    for raw in ENVELOPES:
        (here / "statements" / sha256(raw).hexdigest()).write_bytes(raw)

    def judge(raw: bytes) -> bool:
        for name in COPIES:
            (here / name).write_bytes(raw)
        found = load_trust(here, repair=False)
        save_trust(again, TrustState(), found.statements, found.stores)
        assert load_trust(again, repair=True) == replace(found, counter=1)
        assert set(found.statements.values()) <= set(ENVELOPES)
        return True

    return judge


def trust_copies() -> Sequence[bytes]:
    """A copy without and with statements and a store, as a device writes it."""
    empty = {"format": 1, "counter": 1, "statements": [], "stores": [], "check": "0" * 64}
    mark = {"number": 3, "sha256": "ab" * 32}
    stores = [{"name": f"acme/{name}", "pin": mark, "root": mark, "catalogue": mark} for name in ("a", "b")]
    stores[0]["catalogue"] = None  # type: ignore[assignment]
    names = sorted(sha256(raw).hexdigest() for raw in ENVELOPES)
    filled = {**empty, "counter": 7, "statements": names, "stores": stores}
    return [mend_copy(json.dumps(each, separators=(",", ":")).encode()) for each in (empty, filled)]


def mend_copy(raw: bytes) -> bytes:
    """The copy with the checksum of what stands in it."""
    blank = _CHECK.sub(b'"check":"' + b"0" * 64 + b'"', raw)
    return _CHECK.sub(b'"check":"' + sha256(blank).hexdigest().encode() + b'"', raw)


def generation(raw: bytes) -> bool:
    """GN-1: a generation's file has one spelling, and nothing in it leads out of its folder."""
    number = re.match(rb'\{"format":1,"generation":([1-9][0-9]{0,8}),', raw)
    parts = generation_file.parse(raw, int(number[1]) if number else 1, Path("generation.json"))
    members = json.loads(raw)
    del members["check"]
    assert json.dumps(members, separators=(",", ":")).encode()[:-1] == raw[:-_TAIL]
    assert all(".." not in part.package.split("/") for part in parts)
    return True


def mend_generation(raw: bytes) -> bytes:
    """The file with the checksum of what stands before it."""
    body = raw[:-_TAIL]
    return body + b',"check":"' + sha256(body).hexdigest().encode() + b'"}\n'


def failures(folder: Path) -> Judge:
    """DV-9: the judge of the list of releases that did not work."""
    here, again = folder / "here", folder / "again"
    here.mkdir()
    again.mkdir()

    def judge(raw: bytes) -> bool:
        (here / "failures.json").write_bytes(raw)
        found = load_failures(here)
        save_failures(again, found)
        assert load_failures(again) == found
        return True

    return judge


def device_file(folder: Path) -> Judge:
    """DV-11: the judge of what a device was born with."""
    write_device(folder, "acme/door-1", "poor", WORLD.root.raw)

    def judge(raw: bytes) -> bool:
        (folder / "device.json").write_bytes(raw)
        found = load_device(folder)
        members = {"format": 1, "model": found.model, "clock": found.clock}
        assert json.dumps(members, separators=(",", ":")).encode() == raw
        return True

    return judge


def poll_file(folder: Path) -> Judge:
    """DV-8: the judge of what a poll compares: it ends, and claims no answer that nobody gave."""
    for name in ("current", "good"):
        (folder / name).symlink_to("generations/1")

    def judge(raw: bytes) -> bool:
        (folder / "poll.json").write_bytes(raw)
        found = poll(folder, Outside(_nobody, lambda: NOW, lambda _: None, lambda *_: None), running=False)
        assert found is None or not found.answered
        return found is not None

    return judge


def _nobody(_: str) -> Fetches:
    raise Unreachable("no network")
