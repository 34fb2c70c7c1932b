"""Findings about revocation lists: not here, lagging behind, or naming what devices need (SPEC RC-1, RK-1)."""

from collections.abc import Iterator

from sealring.authentic import Authentic
from sealring.doctor.commands import file_of, renew
from sealring.doctor.findings import Finding
from sealring.doctor.rests import Rests
from sealring.floors import Subject
from sealring.statement import Brand, Common, Model, Release, Stack, Store


def about_revocations(rests: Rests) -> Iterator[Finding]:
    """`revocations-missing`, `revocations-behind` and `revoked`."""
    for subject, one in rests.world.held.items():
        if rests.matters(subject):
            yield from _numbers(rests, one)
    needed = _needed(rests)
    for subject in sorted(needed):
        yield from _revoked(rests, subject)


def _numbers(rests: Rests, one: Authentic[Common]) -> Iterator[Finding]:
    said = one.statement
    if not isinstance(said, Brand | Model | Release | Stack | Store):
        return
    authority = said.brand if isinstance(said, Brand) else said.authority
    held = rests.world.chain.revocations.sequence(authority)
    if said.revocations > held:
        words = f"it names revocation list {said.revocations}, {held or 'none'} is here: devices act on nothing by it"
        advice = f"publish the list {authority}/{authority}, signed by today's keys"
        yield Finding("revocations-missing", "problem", said.title, words, advice, 24)
    elif said.revocations < held:
        words = f"it names revocation list {said.revocations}, {held} is in force: a store could withhold the newer one"
        listed = rests.world.held[("revocations", f"{authority}/{authority}")]
        command = f"{renew(rests.world, one)} --revocations-list {file_of(rests.world, listed)}"
        yield Finding("revocations-behind", "warning", said.title, words, command)


def _needed(rests: Rests) -> set[Subject]:
    found: set[Subject] = set()
    for model in rests.models:
        found |= rests.touched(model)
    return found


def _revoked(rests: Rests, subject: Subject) -> Iterator[Finding]:
    one = rests.world.held.get(subject)
    if one is None or not rests.revoked(subject):
        return
    line = rests.world.chain.revocations.strongest(one.statement, one.envelope.id)
    assert line is not None  # asked just above
    words = f"taken back by {line.issuer} ({line.action}: {line.line.why}), and devices need it"
    yield Finding("revoked", "warning", one.statement.title, words, renew(rests.world, one))
