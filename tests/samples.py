"""One statement of every type, and one with every optional member, for tests that want all of them."""

import msgspec

from sealring.keys import FamilyThreshold, KeySet, PublicKey
from sealring.statement import Common, Delegation, Revocations, SerialStatement, Stack
from sealring.statement.fleet import Revoked
from sealring.statement.software import Final, Health, Image, Requirement, Rollout, StackPart, Target
from tests.world import NOW, Key, World, key_set

WORLD = World()
DIGESTS = [f"{n:064x}" for n in range(1, 4)]


def _delegation() -> Delegation:
    return Delegation(
        delegation="builders",
        keys=key_set(1, Key("builder")),
        roles=["model", "release", "revision", "revocations", "serial", "store"],
        packages=["acme/*", "acme/tool"],
        models=["acme/door-1"],
        kinds=["app", "base", "boot", "kernel", "os"],
        **WORLD.common("acme", 300),
    )


def _stack() -> Stack:
    parts = [StackPart("acme/tool", "amd64", 3), StackPart("acme/tool", "arm64", 4)]
    return Stack(stack="line", parts=parts, revocations=2, **WORLD.common("acme", 90))


def _serial() -> SerialStatement:
    key = Key("device").public
    return SerialStatement(model="door-1", serial="A-0001.b_2", key=key, **WORLD.common("acme", 7300))


def _revocations() -> Revocations:
    lines = [
        Revoked(DIGESTS[0], NOW, "a stolen laptop", "stop"),
        Revoked("revision acme/tool/3/amd64", NOW, "", "replace"),
        Revoked("store acme/main", NOW, "closed", "keep"),
    ]
    return Revocations(issuer="acme", revoked=lines, **WORLD.common("acme", 300))


def _whole_revision() -> Common:
    revision = WORLD.revision(
        7,
        not_before=NOW,
        x={"build": "1234", "ticket": "none"},
        kind="os",
        version="7.0 (final) [rc#1]",
        epoch=3,
        purpose="security",
        requires=[Requirement("acme/base", 2), Requirement("evil/tool", 1)],
        health=Health(["/bin/check", "--all it takes"], 60, 0),
        advisories=["CVE-2026-0001", "CVE-2026-0002"],
        sbom=DIGESTS[2],
    )
    return msgspec.structs.replace(revision, image=Image(DIGESTS[0], 2**40, "raw", DIGESTS[1]))


def _whole_release() -> Common:
    return WORLD.release(
        7,
        channel="22.04-lts/candidate",
        targets=[Target("amd64", 7, 5, 6), Target("arm64", 7, 7)],
        revocations=4,
        rollout=Rollout(DIGESTS[0], 2_500, ["canary", "factory"], NOW, 10_000, 3600, 604_800),
        final=Final(DIGESTS[0], [DIGESTS[1]], DIGESTS[1:]),
    )


def _two_families() -> KeySet:
    later = PublicKey("later", "ml-dsa-65", b"\x01" * 1952)
    thresholds = [FamilyThreshold("classical", 1, "required"), FamilyThreshold("ml-dsa", 1, "if_known")]
    return KeySet([Key("one").public, later], thresholds)


EVERY_TYPE: dict[str, Common] = {
    "root": WORLD.root_statement(root="0" * 64),
    "brand": WORLD.brand(),
    "brand-two-families": WORLD.brand(keys=_two_families(), revocations=9),
    "delegation": _delegation(),
    "model": WORLD.model(),
    "model-with-stack": WORLD.model(stack="acme/line", serial="required", offline_age=86_400),
    "revision": WORLD.revision(),
    "revision-with-all": _whole_revision(),
    "release": WORLD.release(),
    "release-with-all": _whole_release(),
    "stack": _stack(),
    "store": WORLD.store("https://store.example:8443/stores/acme.v2", (3, "a" * 64)),
    "serial": _serial(),
    "revocations": _revocations(),
}
