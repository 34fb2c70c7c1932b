"""Rules that one statement and one device decide: serials, agreement, needs, rollouts (SPEC SN, AG, RQ, RO-1)."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

from msgspec import UNSET

from sealring.keys import PublicKey
from sealring.names import spell
from sealring.rollout import is_chosen
from sealring.statement import Common
from sealring.statement.software import Requirement, Rollout, Target
from sealring.strict import encode
from tests.vectors.cases.chain import HELD, Part
from tests.vectors.cases.common import ACCEPTED, AT, WORLD, Case, Cases, case
from tests.vectors.cases.delegation import OWN, PARTNER, WIDE, given, listed
from tests.world import DAY, NOW, Key, sign

DEVICE = Key("device")
SERIAL = WORLD.serial(DEVICE.public)
WANTS = WORLD.model(serial="required")


def _serial(
    name: str,
    rule: str,
    comment: str,
    *more: Part,
    model: Common = WANTS,
    serial: Common | None = SERIAL,
    by: list[Key] = OWN,
    device: bytes | None = DEVICE.public.public,
    at: str = AT,
) -> Case:
    parts = [*HELD, *more, ("model", sign(model, *OWN).raw)]
    parts += [("serial", sign(serial, *by).raw)] if serial is not None else []
    parts += [("device", device)] if device is not None else []
    return case(f"serial/{name}", rule, comment, "serial", *parts, authority="acme", at=at)


def _serials() -> Cases:
    yield _serial("good", ACCEPTED, "the statement for this device's key")
    yield _serial("not-asked", ACCEPTED, "a model for any device", model=WORLD.model(), serial=None, device=None)
    yield _serial("missing", "SN-1", "no statement", serial=None)
    yield _serial("no-key", "SN-1", "no key", device=None)
    yield _serial("clone", "SN-1", "the statement of another device", device=Key("clone").public.public)
    other = WORLD.serial(DEVICE.public, model="door-2")
    yield _serial("another-model", "SN-1", "for another model", serial=other)
    bytes_alike = WORLD.serial(PublicKey("device", "x25519", DEVICE.public.public))
    yield _serial("another-type", "SN-1", "the same bytes as a key of another type", serial=bytes_alike)
    yield _serial("forged", "TH-1", "the brand did not sign it", by=OWN[:1])
    end = SERIAL.expires
    ever = WORLD.model(serial="required", issued=end - DAY)
    expired = WORLD.serial(DEVICE.public, issued=NOW - 7000 * DAY)
    yield _serial("expired", "TM-1", "too old", serial=expired)
    old = WORLD.serial(DEVICE.public, issued=NOW - 7000 * DAY + timedelta(seconds=1))
    yield _serial("last-second", ACCEPTED, "not yet", serial=old)
    waits = WORLD.serial(DEVICE.public, not_before=NOW + DAY)
    yield _serial("waits", "TM-3", "not before its day", serial=waits)
    gone = listed(1, ("serial acme/door-1/SN-1", "keep"))
    yield _serial("revoked", "RK-1", "a device that was stolen", gone)
    yield _serial("of-delegate", ACCEPTED, "made by a factory that was given the role", given(**WIDE), by=PARTNER[:1])
    narrow = given(**{**WIDE, "models": ["acme/door-2"]})
    yield _serial("of-delegate-outside", "AU-3", "for another model", narrow, by=PARTNER[:1])
    yield _serial("model-expired", "TM-1", "by a model that is over", model=ever, at=spell(end))


def _bad_keys() -> Cases:
    for name, kind, public, comment in (
        ("short", "ed25519", bytes(31), "an Ed25519 key of 31 bytes"),
        ("long", "ed25519", bytes(33), "or of 33"),
        ("compressed", "ecdsa-p256", b"\x02" + bytes(32), "a compressed point"),
        ("hybrid", "ecdsa-p256", b"\x06" + bytes(64), "a point that begins with 06"),
        ("of-another-curve", "ecdsa-p384", b"\x04" + bytes(64), "the length of another curve"),
        ("ml-dsa-44", "ml-dsa-65", bytes(1312), "the length of another parameter set"),
    ):
        payload = encode(WORLD.serial(PublicKey("device", kind, public)))
        yield case(f"statement/serial-key-{name}", "KY-2", comment, "statement", ("payload", payload))
    for name, kind, public, comment in (
        ("unknown", "rsa", bytes(7), "a key of an unknown type is not judged"),
        ("no-point", "ecdsa-p256", b"\x04" + bytes(64), "nor whether it is a point"),
    ):
        payload = encode(WORLD.serial(PublicKey("device", kind, public)))
        yield case(f"statement/serial-key-{name}", ACCEPTED, comment, "statement", ("payload", payload))


def _agreements() -> Cases:
    a, b, c, d = (sha256(word.encode()).digest() for word in ("a", "b", "c", "d"))
    for name, agree, shown, apart, comment in (
        ("one", 1, [a], 1, "one store, one needed"),
        ("none", 1, [], 0, "nobody has shown it"),
        ("two", 2, [a, b], 2, "two stores with keys of their own"),
        ("shared", 2, [a + b, b + c], 1, "two stores with a common key are one witness"),
        ("same", 2, [a, a], 1, "a store under two names"),
        ("mirror", 2, [a + b, a, b], 2, "a store that shares keys with both hides neither"),
        ("in-a-row", 3, [a + b, b + c, c + d], 2, "each has a key in common with the next"),
        ("ring", 2, [a + b, b + c, c + d, d + a], 2, "opposite stores of a ring"),
        ("star", 2, [a + b + c, a, a + d], 1, "one key in all of them"),
        ("enough", 2, [a, b, c], 3, "more than needed"),
        ("eight", 8, [bytes([n]) * 32 for n in range(8)], 8, "as many as a model can name"),
        ("eight-less-one", 8, [bytes([max(n, 1)]) * 32 for n in range(8)], 7, "less one"),
    ):
        rule = ACCEPTED if apart >= agree else "AG-1"
        facts = {} if rule else {"stores": str(apart)}
        parts = [("shown", keys) for keys in shown]
        yield case(f"agreement/{name}", rule, comment, "agreement", *parts, agree=str(agree), **facts)


def _requirements() -> Cases:
    needy = WORLD.revision(requires=[Requirement("acme/base", 3), Requirement("evil/x", 1)])
    for name, rule, comment, generation in (
        ("met", ACCEPTED, "at the revisions named", "acme/base=3 evil/x=1"),
        ("later", ACCEPTED, "or later ones", "acme/base=9 acme/tool=1 evil/x=2"),
        ("older", "RQ-1", "one below", "acme/base=2 evil/x=1"),
        ("missing", "RQ-1", "one not there", "acme/base=3"),
        ("another", "RQ-1", "another package of that name", "acme/base=3 acme/x=1"),
        ("alone", "RQ-1", "nothing is there", ""),
    ):
        headers = {"generation": generation} if generation else {}
        parts = (("payload", encode(needy)),)
        yield case(f"requires/{name}", rule, comment, "requires", *parts, **headers)
    yield case("requires/nothing", ACCEPTED, "it needs nothing", "requires", ("payload", encode(WORLD.revision())))


def _rollout(name: str, comment: str, plan: Rollout | None, secret: bytes, chosen: str, **headers: str) -> Case:
    release = WORLD.release(5, rollout=plan or UNSET, targets=[Target("amd64", 5, 2, 4), Target("arm64", 5, 5, 4)])
    facts: dict[str, str] = {"at": AT, "architecture": "amd64", "revision": "5" if chosen == "yes" else "4"}
    parts: tuple[Part, ...] = (("payload", encode(release)), ("secret", secret))
    return case(f"rollout/{name}", ACCEPTED, comment, "rollout", *parts, **{**facts, "chosen": chosen, **headers})


def _rollouts() -> Cases:
    def plan(share: int, **more: Any) -> Rollout:
        base: dict[str, Any] = {"groups": [], "start": NOW, "error_threshold": 100, "silence": 3600, "halt": 3600}
        return Rollout(**{"seed": "5" * 64, "share": share, **base, **more})

    secret = sha256(b"a device").digest()
    place = next(n for n in range(10_000) if is_chosen(plan(n + 1), secret, (), NOW))
    yield _rollout("below-share", "its place lies below the share", plan(place + 1), secret, "yes")
    yield _rollout("at-share", "its place is the share", plan(place), secret, "no")
    yield _rollout("another-seed", "another seed, another place", plan(place + 1, seed="6" * 64), secret, "no")
    yield _rollout("nobody", "a share of 0", plan(0), secret, "no")
    yield _rollout("everybody", "a share of 100 %", plan(10_000), secret, "yes")
    first = next(s for n in range(100_000) if is_chosen(plan(1), s := sha256(b"%d" % n).digest(), (), NOW))
    yield _rollout("first-of-all", "the first place of all", plan(1), first, "yes")
    yield _rollout("first-of-all-nobody", "is not below 0", plan(0), first, "no")
    last = next(s for n in range(100_000) if not is_chosen(plan(9_999), s := sha256(b"%d" % n).digest(), (), NOW))
    yield _rollout("last-of-all", "the last place waits for the whole", plan(9_999), last, "no")
    yield _rollout("last-of-all-whole", "which it is part of", plan(10_000), last, "yes")
    canary = plan(0, groups=["canary", "lab"])
    yield _rollout("group", "a device of the group", canary, secret, "yes", groups="front lab")
    yield _rollout("another-group", "a device of another", canary, secret, "no", groups="front")
    soon = plan(10_000, start=NOW + timedelta(seconds=1), groups=["lab"])
    yield _rollout("before-start", "a second before its start it is nobody's turn", soon, secret, "no", groups="lab")
    yield _rollout("none", "a release without a rollout is for all", None, secret, "yes")
    yield _rollout(
        "previous-below-minimum",
        "who is not chosen has nothing to wait with",
        plan(0),
        secret,
        "no",
        architecture="arm64",
        revision="5",
    )


def cases() -> Cases:
    for part in (_serials, _bad_keys, _agreements, _requirements, _rollouts):
        yield from part()
