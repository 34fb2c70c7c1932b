"""What a publisher says beside the statements: what is only announced, and that a cut is meant (SPEC PB-4, PB-9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from sealring.chain import Claim
from sealring.command.files import load_claim
from sealring.statement import Brand, Delegation, Root


@dataclass(frozen=True)
class Terms:
    """One publisher's word on one publication; `following` are announced and not published."""

    following: tuple[Claim, ...] = ()
    cut: bool = False

    @property
    def query(self) -> str:
        """Part of the address of a publication's first and last step."""
        said = [f"next={','.join(sorted(c.envelope.id for c in self.following))}"] if self.following else []
        said += ["cut=yes"] if self.cut else []
        return f"?{'&'.join(said)}" if said else ""

    def query_with(self, more: str) -> str:
        """The same with one more member, such as `commit=yes`."""
        return f"{self.query}&{more}" if self.query else f"?{more}"


def announced(paths: Sequence[Path]) -> tuple[Claim, ...]:
    """The roots, brands and delegations in these files, or a word on what is none."""
    claims = tuple(load_claim(path) for path in paths)
    for claim in claims:
        if not isinstance(claim.statement, Root | Brand | Delegation):
            raise click.UsageError(f"--next wants a root, a brand or a delegation, {claim.statement.title} found")
    return claims
