"""What a refusal is: facts in fields, words at the end, one exit code a family.

Two families leave the verifying core, and nothing else does: `TrustError`, when a rule said no, and
`Unreachable`, when an answer could not be had and may be had later. Each rule has a class of its own,
next to the code that applies it; its `rule` is the id in SPEC.md.

Exit codes (SPEC section "Exit codes"): 20 spelling and limits, 21 signatures and authority, 22 time,
23 rollback and conflict, 24 identity and scope, 25 the store's statement, 26 the image, 27 health.
"""

from typing import ClassVar


class SealringError(Exception):
    """Anything that this product says to a person; never raised itself."""

    exit_code: ClassVar[int] = 1
    rule: ClassVar[str] = ""

    def hint(self) -> str:
        """What the person can do now; empty where nothing helps."""
        return ""


class TrustError(SealringError):
    """A rule said no. The bytes that it refused are kept by the caller for its report."""

    exit_code: ClassVar[int] = 20


class RuledError(TrustError):
    """A refusal that several rules share: `by`, a field of each subclass, names the one that spoke."""

    by: str

    @property
    def rule(self) -> str:  # type: ignore[override]
        """The rule that spoke."""
        return self.by


class Unreachable(SealringError):
    """No answer could be had: try later. It never means that something is untrusted."""

    exit_code: ClassVar[int] = 10
