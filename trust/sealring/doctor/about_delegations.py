"""Findings about what brands delegate: used by nobody, or wider than it need be (SPEC AU-3)."""

from collections.abc import Iterator

from sealring.authentic import Authentic
from sealring.doctor.commands import renew
from sealring.doctor.findings import Finding
from sealring.doctor.rests import Rests
from sealring.statement import Common, Delegation, RevisionStatement


def about_delegations(rests: Rests) -> Iterator[Finding]:
    """`unused-delegation` and `delegation-wide`."""
    for subject, one in sorted(rests.world.chain.delegations.items()):
        used = rests.used_by(subject)
        if not used:
            words = "nothing in force is vouched for by it: its keys are a risk without a use"
            advice = f"let it expire, or revoke it: `sealring create revocations` with a line `delegation {subject}`"
            yield Finding("unused-delegation", "warning", one.statement.title, words, advice)
        words = "; ".join(_wide(one, used))
        if words:
            yield Finding("delegation-wide", "warning", one.statement.title, words, renew(rests.world, one))


def _wide(one: Authentic[Delegation], used: tuple[Authentic[Common], ...]) -> Iterator[str]:
    said = one.statement
    for what, patterns in (("packages", said.packages), ("models", said.models)):
        if any(pattern.endswith("/*") for pattern in patterns):
            yield f"it covers all {what} of {said.authority}, also those to come"
    kinds = {use.statement.kind for use in used if isinstance(use.statement, RevisionStatement)}
    spare = [kind for kind in said.kinds if kind not in kinds]
    if kinds and spare:
        yield f"its holders built {', '.join(sorted(kinds))} only, and may build {', '.join(spare)} too"
