"""An assertion in plain words: every member that is signed is said, each in a row of its own.

A holder signs what is shown here, so nothing may be left out (test `test_every_member_is_said`).
"""

from collections.abc import Sequence
from datetime import datetime
from functools import singledispatch

import msgspec

from sealring.keys import KeySet, PublicKey
from sealring.names import spell
from sealring.statement import (
    Brand,
    Common,
    Delegation,
    Model,
    Release,
    RevisionStatement,
    Revocations,
    Root,
    SerialStatement,
    Stack,
    Store,
)
from sealring.statement.software import Image

Rows = list[tuple[str, str]]
ALWAYS = ("issued", "expires")  # a reviewer looks at the dates even where they stay


def grouped(digest: str) -> str:
    """A digest in groups of eight, for comparing by eye or voice."""
    return " ".join(digest[at : at + 8] for at in range(0, len(digest), 8))


def duration(seconds: int) -> str:
    """A length of time in words."""
    for size, name in ((24 * 3600, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {name}{'' if seconds == size else 's'}"
    return "0 seconds"


def describe(statement: Common) -> Rows:
    """All that the statement says, as (what, how) with each `what` standing once."""
    rows = [("means", _means(statement)), *_says(statement)]
    rows += [("format", str(statement.format)), ("authority", statement.authority)]
    rows += [("sequence", str(statement.sequence)), ("root", statement.root)]
    rows += [("issued", spell(statement.issued)), ("expires", _until(statement))]
    if isinstance(statement.not_before, datetime):
        rows.append(("not before", spell(statement.not_before)))
    if isinstance(statement.x, dict):
        rows += [(f"extra {name}", value) for name, value in statement.x.items()]
    return rows


def difference(before: Common, after: Common) -> list[tuple[str, str, str]]:
    """What changes, and the dates in any case, as (what, before, after); `-` where a side says nothing."""
    old, new = dict(describe(before)), dict(describe(after))
    names = [*new, *(name for name in old if name not in new)]
    shown = [n for n in names if n in ALWAYS or (n != "means" and old.get(n) != new.get(n))]
    return [(n, old.get(n, "-"), new.get(n, "-")) for n in shown]


def describe_key(key: PublicKey) -> Rows:
    """A public key, with the fingerprint that two people compare."""
    return [("name", key.name), ("type", key.type), ("fingerprint", grouped(key.id))]


def _until(statement: Common) -> str:
    seconds = int((statement.expires - statement.issued).total_seconds())
    return f"{spell(statement.expires)} (lives {duration(seconds)})"


def _keys(keys: KeySet, of: str = "") -> Rows:
    rows = [
        (f"{of}threshold {t.family}", f"{t.threshold} of {len(keys.keys)} keys, {t.presence.replace('_', ' ')}")
        for t in keys.thresholds
    ]
    return rows + [(f"{of}key {key.name}", f"{key.type} {key.id}") for key in keys.keys]


def _thresholds(keys: KeySet) -> str:
    return " and ".join(f"{t.threshold} of {len(keys.keys)} {t.family}" for t in keys.thresholds)


def set_in_words(keys: KeySet) -> str:
    """A key set in one line: how many of whom, such as `2 of 3 classical: alice, bob, carol`."""
    return f"{_thresholds(keys)}: {', '.join(key.name for key in keys.keys)}"


def _names(values: Sequence[str]) -> str:
    return ", ".join(values) or "none"


def _optional(rows: Sequence[tuple[str, object]]) -> Rows:
    return [(name, str(value)) for name, value in rows if value is not msgspec.UNSET]


@singledispatch
def _means(statement: Common) -> str:
    return f"{statement.authority} states {statement.title}"


@singledispatch
def _says(statement: Common) -> Rows:
    raise AssertionError(f"no words for {statement.type}")


@_means.register
def _(statement: Root) -> str:
    root, brand = _thresholds(statement.roles.root), _thresholds(statement.roles.brand)
    return f"version {statement.sequence} of the root: {root} keys change it, {brand} keys certify brands"


@_says.register
def _(statement: Root) -> Rows:
    return _keys(statement.roles.root, "root ") + _keys(statement.roles.brand, "brand ")


@_means.register
def _(statement: Brand) -> str:
    return f"{_thresholds(statement.keys)} keys speak for everything named {statement.brand}/..."


@_says.register
def _(statement: Brand) -> Rows:
    return [("brand", statement.brand), *_keys(statement.keys), ("revocations", str(statement.revocations))]


@_means.register
def _(statement: Delegation) -> str:
    return f"{_thresholds(statement.keys)} keys sign {_names(statement.roles)} for {statement.authority}"


@_says.register
def _(statement: Delegation) -> Rows:
    rows = [("name", statement.delegation), *_keys(statement.keys), ("roles", _names(statement.roles))]
    rows += [("packages", _names(statement.packages)), ("models", _names(statement.models))]
    return [*rows, ("kinds", _names(statement.kinds))]


@_means.register
def _(statement: Model) -> str:
    return f"devices of model {statement.name} run {len(statement.packages)} packages, from {_names(statement.stores)}"


@_says.register
def _(statement: Model) -> Rows:
    rows = [("model", statement.name), ("architecture", statement.architecture)]
    for wanted in statement.packages:
        rows.append((f"package {wanted.package}", f"follows {wanted.channel}, {wanted.kind}, {wanted.presence}"))
    rows += [("stores, in order", _names(statement.stores)), ("stores that must agree", str(statement.agree))]
    rows += [("offline age", duration(statement.offline_age)), ("serial", statement.serial)]
    rows += [("supported until", spell(statement.end_of_support)), ("revocations", str(statement.revocations))]
    return rows + _optional([("stack", statement.stack)])


@_means.register
def _(statement: RevisionStatement) -> str:
    what = f"{statement.name} revision {statement.revision} for {statement.architecture}"
    return f"{what} is version {statement.version}, {statement.image.size} bytes, a {statement.purpose} build"


@_says.register
def _(statement: RevisionStatement) -> Rows:
    rows = [("package", statement.name), ("revision", str(statement.revision))]
    rows += [("architecture", statement.architecture), ("kind", statement.kind), ("version", statement.version)]
    rows += [("epoch", str(statement.epoch)), *_image(statement.image), ("purpose", statement.purpose)]
    if isinstance(statement.requires, list):
        rows += [(f"requires {r.package}", f"revision {r.revision} or later") for r in statement.requires]
    if statement.health is not msgspec.UNSET:
        rows.append(("health command", " ".join(repr(a) if " " in a else a for a in statement.health.command)))
        rows.append(("health time limit", duration(statement.health.timeout)))
        rows.append(("health soak", duration(statement.health.soak)))
    if isinstance(statement.advisories, list):
        rows += [(f"advisory {number}", text) for number, text in enumerate(statement.advisories, 1)]
    return rows + _optional([("SBOM SHA-256", statement.sbom)])


def _image(image: Image) -> Rows:
    rows = [("image SHA-256", image.sha256), ("image size", f"{image.size} bytes"), ("image content", image.content)]
    return rows + _optional([("dm-verity root", image.verity)])


@_means.register
def _(statement: Release) -> str:
    targets = _names([f"revision {t.revision} on {t.architecture}" for t in statement.targets])
    return f"devices that follow {statement.name} {statement.channel} run {targets}"


@_says.register
def _(statement: Release) -> Rows:
    rows = [("package", statement.name), ("channel", statement.channel)]
    for target in statement.targets:
        before = "" if target.previous is msgspec.UNSET else f", before it {target.previous}"
        rows.append((f"on {target.architecture}", f"revision {target.revision}, never below {target.minimum}{before}"))
    rows.append(("revocations", str(statement.revocations)))
    if statement.rollout is not msgspec.UNSET:
        plan = statement.rollout
        rows += [("rollout seed", plan.seed), ("rollout share", f"{plan.share / 100} %")]
        rows += [("rollout groups", _names(plan.groups)), ("rollout start", spell(plan.start))]
        rows += [("rollout error threshold", f"{plan.error_threshold / 100} %")]
        rows += [("rollout silence", duration(plan.silence)), ("rollout halt", duration(plan.halt))]
    if statement.final is not msgspec.UNSET:
        final = statement.final
        rows += [("final, brand", final.brand), ("final, models", _names(final.models))]
        rows += [("final, revisions", _names(final.revisions))]
    return rows


@_means.register
def _(statement: Store) -> str:
    return f"devices of {statement.authority} may use the store {statement.name} for {_names(statement.packages)}"


@_says.register
def _(statement: Store) -> Rows:
    rows = [("store", statement.name), ("URLs, in order", _names(statement.urls))]
    rows += [("TUF root version", str(statement.tuf.version)), ("TUF root SHA-256", statement.tuf.sha256)]
    rows += [("answers count for", duration(statement.max_age)), ("packages", _names(statement.packages))]
    return [*rows, ("may halt", "yes" if statement.may_halt else "no"), ("revocations", str(statement.revocations))]


@_says.register
def _(statement: SerialStatement) -> Rows:
    rows = [("model", statement.model), ("serial", statement.serial)]
    return [*rows, (f"key {statement.key.name}", f"{statement.key.type} {statement.key.id}")]


@_says.register
def _(statement: Revocations) -> Rows:
    rows = [("issuer", statement.issuer)]
    return rows + [(f"revoked {r.what}", f"{r.action} since {spell(r.since)}: {r.why}") for r in statement.revoked]


@_says.register
def _(statement: Stack) -> Rows:
    parts = [(f"part {p.package} on {p.architecture}", f"revision {p.revision}") for p in statement.parts]
    return [("stack", statement.stack), *parts, ("revocations", str(statement.revocations))]
