"""For each type of statement: options of `sealring create`, and the members that they must make."""

import base64
from hashlib import sha256
from typing import Any

from tests.unit.command.creating import WORLD, later_key
from tests.world import Key

Given = tuple[list[str], dict[str, Any]]
"""Arguments, and what stands in the members after them: a path of names, `[]` behind a list that it passes through."""


def _public(*names: str) -> list[str]:
    return [base64.b64encode(Key(name).public.public).decode() for name in names]


def _keys(option: str, path: str, family: str) -> list[Given]:
    classical = {"family": "classical", "threshold": 2, "presence": "required"}
    later = {"family": "ml-dsa", "threshold": 1, "presence": "if_known"}
    names = ["a", "b", "q"]
    said = {
        f"{path}.keys[].name": names,
        f"{path}.keys[].type": ["ed25519", "ed25519", "ml-dsa-65"],
        f"{path}.keys[].public": [*_public("a", "b"), base64.b64encode(later_key().public).decode()],
    }
    thresholds = {f"{path}.thresholds[].{name}": [classical[name], later[name]] for name in classical}
    files = [word for name in names for word in (f"{option}key", f"{{desk}}/{name}.pub")]
    return [(files, said), ([f"{option}threshold", "2", f"{option}family-threshold", family], thresholds)]


LIST = [(["--revocations", "7"], {"revocations": 7})]
FINAL = [
    *("--final-brand", "{desk}/brand.json", "--final-model", "{desk}/model.json"),
    *("--final-revision", "{desk}/amd64.json", "--final-revision", "{desk}/arm64.json"),
]
LINE = ["--action", "replace", "--why", "gone", "--since", "2026-01-01T00:00:00Z"]
COMMON: list[Given] = [
    (["--root", "{desk}/root.json"], {"root": WORLD.root_id}),
    (["--sequence", "9"], {"sequence": 9}),
    (["--issued", "2026-03-02T00:00:00Z"], {"issued": "2026-03-02T00:00:00Z"}),
    (["--expires", "2026-05-02T00:00:00Z"], {"expires": "2026-05-02T00:00:00Z"}),
    (["--not-before", "2026-03-03T00:00:00Z"], {"not_before": "2026-03-03T00:00:00Z"}),
    (["--x", "ticket=12 = 3", "--x", "build=7"], {"x": {"build": "7", "ticket": "12 = 3"}}),
]
GIVEN: dict[str, list[Given]] = {
    "root": [
        *_keys("--root-", "roles.root", "ml-dsa=1"),
        *_keys("--brand-", "roles.brand", "ml-dsa=1:if_known"),
        ([], {"authority": "root"}),
    ],
    "brand": [
        (["--brand", "acme"], {"authority": "root", "brand": "acme"}),
        *_keys("--", "keys", "ml-dsa=1:if_known"),
        *LIST,
    ],
    "delegation": [
        (["--delegation", "acme/builders"], {"authority": "acme", "delegation": "builders"}),
        *_keys("--", "keys", "ml-dsa=1:if_known"),
        (["--role", "store", "--role", "release"], {"roles": ["release", "store"]}),
        (["--packages", "acme/tool", "--packages", "acme/*"], {"packages": ["acme/*", "acme/tool"]}),
        (["--models", "acme/door-1"], {"models": ["acme/door-1"]}),
        (["--kind", "os", "--kind", "boot"], {"kinds": ["boot", "os"]}),
    ],
    "model": [
        (["--model", "acme/door-1"], {"authority": "acme", "model": "door-1"}),
        (["--architecture", "arm64"], {"architecture": "arm64"}),
        (
            ["--package", "acme/tool=2.0/beta:os:optional", "--package", "acme/base=latest/stable"],
            {
                "packages[].package": ["acme/base", "acme/tool"],
                "packages[].channel": ["latest/stable", "2.0/beta"],
                "packages[].kind": ["app", "os"],
                "packages[].presence": ["required", "optional"],
            },
        ),
        (["--store", "acme/main", "--store", "acme/back-up"], {"stores": ["acme/main", "acme/back-up"]}),
        (["--agree", "2"], {"agree": 2}),
        (["--offline-age", "30d"], {"offline_age": 30 * 24 * 3600}),
        (["--serial", "required"], {"serial": "required"}),
        (["--end-of-support", "2040-01-01T00:00:00Z"], {"end_of_support": "2040-01-01T00:00:00Z"}),
        (["--stack", "acme/line"], {"stack": "acme/line"}),
        *LIST,
    ],
    "revision": [
        (["--package", "acme/tool"], {"authority": "acme", "package": "tool"}),
        (["--revision", "3"], {"revision": 3}),
        (["--architecture", "arm64"], {"architecture": "arm64"}),
        (["--kind", "kernel"], {"kind": "kernel"}),
        (["--version", "3.0 (last)"], {"version": "3.0 (last)"}),
        (["--epoch", "4"], {"epoch": 4}),
        (
            ["--image", "{desk}/image", "--content", "raw", "--verity", "ab" * 32],
            {
                "image.sha256": sha256(b"hsqs and more").hexdigest(),
                "image.size": 13,
                "image.content": "raw",
                "image.verity": "ab" * 32,
            },
        ),
        (["--purpose", "security"], {"purpose": "security"}),
        (["--requires", "acme/base=2"], {"requires[].package": ["acme/base"], "requires[].revision": [2]}),
        (
            ["--health", "bin/check --all 'a b'", "--health-timeout", "30", "--health-soak", "5m"],
            {"health.command": ["bin/check", "--all", "a b"], "health.timeout": 30, "health.soak": 300},
        ),
        (["--advisory", "CVE-2026-2", "--advisory", "CVE-2026-1"], {"advisories": ["CVE-2026-2", "CVE-2026-1"]}),
        (["--sbom", "{desk}/sbom"], {"sbom": sha256(b"{}").hexdigest()}),
    ],
    "release": [
        (["--package", "acme/tool"], {"authority": "acme", "package": "tool"}),
        (["--channel", "2.0/edge"], {"channel": "2.0/edge"}),
        (
            ["--revision", "arm64=9:8:7", "--revision", "amd64=6:5:4"],
            {
                "targets[].architecture": ["amd64", "arm64"],
                "targets[].revision": [6, 9],
                "targets[].minimum": [5, 8],
                "targets[].previous": [4, 7],
            },
        ),
        (["--rollout-seed", "cd" * 32], {"rollout.seed": "cd" * 32}),
        (["--rollout-share", "12.5%"], {"rollout.share": 1250}),
        (["--rollout-group", "office", "--rollout-group", "canary"], {"rollout.groups": ["canary", "office"]}),
        (["--rollout-start", "2026-03-04T00:00:00Z"], {"rollout.start": "2026-03-04T00:00:00Z"}),
        (["--rollout-error-threshold", "0.25%"], {"rollout.error_threshold": 25}),
        (["--rollout-silence", "6h"], {"rollout.silence": 6 * 3600}),
        (["--rollout-halt", "2d"], {"rollout.halt": 2 * 24 * 3600}),
        (
            [
                "--final",
                "--final-brand",
                "{desk}/brand.json",
                "--final-model",
                "{desk}/model.json",
                "--final-revision",
                "{desk}/amd64.json",
                "--final-revision",
                "{desk}/arm64.json",
            ],
            {"final.brand": "of brand.json", "final.models": ["of model.json"]}
            | {"final.revisions": ["of amd64.json", "of arm64.json"]},
        ),
        *LIST,
    ],
    "stack": [
        (["--stack", "acme/line"], {"authority": "acme", "stack": "line"}),
        (
            ["--part", "acme/tool/arm64=4", "--part", "acme/base/amd64=3"],
            {
                "parts[].package": ["acme/base", "acme/tool"],
                "parts[].architecture": ["amd64", "arm64"],
                "parts[].revision": [3, 4],
            },
        ),
        *LIST,
    ],
    "store": [
        (["--store", "acme/main"], {"authority": "acme", "store": "main"}),
        (
            ["--url", "https://b.example", "--url", "https://a.example"],
            {"urls": ["https://b.example", "https://a.example"]},
        ),
        (["--tuf-root", "{desk}/tuf"], {"tuf.version": 1, "tuf.sha256": "of tuf"}),
        (["--max-age", "2d"], {"max_age": 2 * 24 * 3600}),
        (["--packages", "evil/*", "--packages", "acme/tool"], {"packages": ["acme/tool", "evil/*"]}),
        (["--may-halt"], {"may_halt": True}),
        *LIST,
    ],
    "serial": [
        (["--model", "acme/door-1"], {"authority": "acme", "model": "door-1"}),
        (["--serial", "A-0001.b_2"], {"serial": "A-0001.b_2"}),
        (
            ["--key", "{desk}/d.pub"],
            {"key.name": "d", "key.type": "ed25519", "key.public": _public("d")[0]},
        ),
    ],
    "revocations": [
        (["--issuer", "acme/builders"], {"authority": "acme", "issuer": "builders"}),
        (
            [
                *["--action", "replace", "--since", "2026-01-01T00:00:00Z", "--why", "gone", "--revoke"],
                "store acme/builders-2",
            ],
            {
                "revoked[].what": ["store acme/builders-2"],
                "revoked[].since": ["2026-01-01T00:00:00Z"],
                "revoked[].why": ["gone"],
                "revoked[].action": ["replace"],
            },
        ),
    ],
}
