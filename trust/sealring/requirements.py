"""What a package needs beside it (SPEC RQ): judged over the whole generation, and held against the needy alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sealring.errors import TrustError
from sealring.statement import RevisionStatement


@dataclass(eq=False)
class RequirementUnmet(TrustError):
    """Another package that it needs is not there, or too old (SPEC RQ-1)."""

    what: str
    package: str
    found: int | None
    needed: int
    rule: ClassVar[str] = "RQ-1"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        found = "not there" if self.found is None else f"at revision {self.found}"
        return f"{self.what}: {self.package} is {found}, revision {self.needed} or later needed"

    def hint(self) -> str:
        return f"release {self.package} at revision {self.needed} or later for this model"


def check_requirements(revision: RevisionStatement, plan: Mapping[str, int]) -> None:
    """Raise unless all that the revision requires is in the plan.

    Args:
        plan: revision by package of the next generation, what stays as it is included.
    """
    for one in revision.requires if isinstance(revision.requires, list) else []:
        found = plan.get(one.package)
        if found is None or found < one.revision:
            raise RequirementUnmet(revision.title, one.package, found, one.revision)
