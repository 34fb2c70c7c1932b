"""What devices report, and what a store halts (SPEC RP-1, RP-3, HL-1, HL-3)."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import UNSET

from sealring.catalogue.leaf import Head
from sealring.envelope import PAYLOAD_TYPE, envelope_bytes, pae_of
from sealring.halt import Halt, halt_head
from sealring.names import KeyId, spell
from sealring.report import REPORT_TYPE, Report, report_name
from sealring.statement.software import Rollout
from sealring.strict import encode
from tests.vectors.cases.common import ACCEPTED, AT, WORLD, Case, Cases, case
from tests.world import DAY, NOW, Key

DEVICE, THIEF = Key("device-1"), Key("thief")
ROOT = bytes.fromhex(WORLD.root_id)
RELEASE = WORLD.release(2, rollout=Rollout("a" * 64, 1000, [], NOW, 500, 3600, 86_400))
ID = WORLD.signed(RELEASE).id


def cases() -> Cases:
    yield from _documents()
    yield from _signed()
    yield from _halts()


def _report(**more: Any) -> Report:
    base: dict[str, Any] = {
        "format": 1,
        "root": WORLD.root_id,
        "store": "acme/main",
        "model": "acme/door-1",
        "serial": "A-1",
        "device": report_name(bytes(32), "acme/main").hex(),
        "number": 7,
        "at": NOW,
        "package": "acme/tool",
        "ground": ID,
        "revision": 2,
        "previous": 1,
        "event": "rolled-back",
        "reason": "health check: exit 3",
    }
    return Report(**{**base, **more})


def _sealed(payload: bytes, *keys: Key, kind: str = REPORT_TYPE, over: str = "") -> bytes:
    """An envelope of this payload type; the keys sign it as of the type `over`."""
    pae = pae_of(over or kind, payload)
    return envelope_bytes(kind, payload, {key.id: key.sign(pae) for key in keys})


def _document(name: str, rule: str, comment: str, raw: bytes, **facts: str) -> Case:
    return case(f"report/{name}", rule, comment, "report", ("report", raw), **facts)


def _documents() -> Cases:
    whole = encode(_report())
    good = {"number": "7", "event": "rolled-back"}
    yield _document("unsigned", ACCEPTED, "shown, and never counted", _sealed(whole), **good)
    bare = encode(_report(serial=UNSET, previous=UNSET, event="begun", reason=UNSET))
    yield _document("bare", ACCEPTED, "all that may be left out is", _sealed(bare), number="7", event="begun")
    yield _document("signed-without-a-serial", "RP-1", "whose key is it?", _sealed(bare, DEVICE))
    yield _document("a-statement", "EN-3", "a statement in the place of a report", WORLD.signed(WORLD.model()).raw)
    as_statement = ("envelope", _sealed(whole, DEVICE))
    yield case("envelope/a-report", "EN-3", "a report in the place of a statement", "envelope", as_statement)
    yield _document("two-signatures", "EN-4", "one is the most", _sealed(whole, DEVICE, THIEF))
    yield _document("too-long", "EN-1", "8 KiB and a byte", b" " * 8193)
    yield _document("payload-too-long", "EN-4", "a document of 4,097 bytes", _sealed(b" " * 4097))
    for name, old, new in (
        ("format-two", b'"format":1', b'"format":2'),
        ("number-zero", b'"number":7', b'"number":0'),
        ("number-twice", b'"number":7', b'"number":6,"number":7'),
        ("number-beyond", b'"number":7', b'"number":9007199254740992'),
        ("another-event", b"rolled-back", b"exploded"),
        ("another-zone", b"T12:00:00Z", b"T12:00:00+00:00"),
        ("device-in-capitals", _report().device.encode(), _report().device.upper().encode()),
        ("blank", b'{"format"', b'{ "format"'),
        ("unknown-member", b'"reason"', b'"x":"","reason"'),
        ("serial-with-a-slash", b"A-1", b"A/1"),
        ("reason-with-a-line-feed", b"exit 3", b"exit\\n3"),
    ):
        yield _document(
            name,
            "RP-1",
            f"{name.replace('-', ' ')}: another spelling, or out of bounds",
            _sealed(whole.replace(old, new)),
        )


def _by(name: str, rule: str, comment: str, raw: bytes, **more: Any) -> Case:
    serial = WORLD.signed(WORLD.serial(DEVICE.public, "A-1", **more)).raw
    parts = [("anchor", WORLD.root.raw), ("held", WORLD.signed(WORLD.brand()).raw), ("serial", serial), ("report", raw)]
    return case(f"report/{name}", rule, comment, "report", *parts, authority="acme", at=AT)


def _signed() -> Cases:
    whole = encode(_report())
    yield _by("signed", ACCEPTED, "by the key of its serial: it counts", _sealed(whole, DEVICE))
    yield _by("nobody-s", "RP-3", "nobody has signed it", _sealed(whole))
    yield _by("thief-s", "RP-3", "by another key", _sealed(whole, THIEF))
    forged = envelope_bytes(REPORT_TYPE, whole, {KeyId(DEVICE.id): bytes(64)})
    yield _by("zeros", "RP-3", "a signature of zeros under the right name", forged)
    other = _sealed(whole, DEVICE, over=PAYLOAD_TYPE)
    yield _by("signed-as-a-statement", "RP-3", "the key signed these bytes as a statement", other)
    yield _by("of-another-serial", "RP-3", "it names another serial", _sealed(encode(_report(serial="A-2")), DEVICE))
    yield _by("of-another-model", "RP-3", "another model", _sealed(encode(_report(model="acme/gate")), DEVICE))
    yield _by("of-another-root", "RP-3", "another root", _sealed(encode(_report(root="e" * 64)), DEVICE))
    yield _by("serial-expired", "TM-1", "its serial has ended", _sealed(whole, DEVICE), expires=NOW, issued=NOW - DAY)


def _halt(
    name: str, rule: str, comment: str, at: datetime, raw: bytes = b"", leaf: Head | None = None, **more: Any
) -> Case:
    seen = {"seen": more.pop("seen")} if "seen" in more else {}
    release = more.pop("release_statement", RELEASE)
    base: dict[str, Any] = {"format": 1, "root": WORLD.root_id, "release": RELEASE.subject, "id": ID}
    document = raw or encode(Halt(**{**base, "reason": "3 of 10 devices failed", "time": NOW, **more}))
    value = (leaf or halt_head(document, 9)).to_bytes()
    parts = [("root", ROOT), ("release", WORLD.signed(release).raw), ("leaf", value), ("halt", document)]
    return case(f"halt/{name}", rule, comment, "halt", *parts, at=spell(at), **seen)


def _halts() -> Cases:
    second = timedelta(seconds=1)
    yield _halt("binds", "HL-3", "from its time on", NOW)
    yield _halt("last-second", "HL-3", "until the plan's limit", NOW + DAY - second)
    yield _halt("over", ACCEPTED, "and no second longer", NOW + DAY)
    yield _halt("dated-ahead", "HL-3", "a date ahead counts from now", NOW, time=NOW + 3000 * DAY)
    yield _halt(
        "dated-anew", ACCEPTED, "each day another date: it counts from the first", NOW + DAY, time=NOW + DAY, seen=AT
    )
    yield _halt("of-another-id", ACCEPTED, "the brand has signed another release since", NOW, id="b" * 64)
    yield _halt("no-plan", ACCEPTED, "a release without a plan", NOW, release_statement=WORLD.release(2))
    yield _halt("of-another-release", "HL-1", "in another's place", NOW, release="acme/other/latest/stable")
    yield _halt("of-another-root", "HL-1", "of another root", NOW, root="e" * 64)
    yield _halt("another-leaf", "HL-1", "the leaf names other bytes", NOW, leaf=halt_head(b"other", 9))
    yield _halt("removed", "HL-1", "the leaf is a removal", NOW, leaf=Head.tombstone(9))
    document = encode(Halt(format=1, root=WORLD.root_id, release=RELEASE.subject, id=ID, reason="", time=NOW))
    yield _halt("no-reason", "HL-3", "a reason may be empty", NOW, raw=document)
    yield _halt("blank", "HL-1", "another spelling", NOW, raw=document.replace(b",", b", ", 1))
    yield _halt("too-long", "HL-1", "1,025 bytes", NOW, raw=b" " * 1025)
    yield _halt(
        "another-zone", "HL-1", "another spelling of an instant", NOW, raw=document.replace(b"00Z", b"00+00:00")
    )
