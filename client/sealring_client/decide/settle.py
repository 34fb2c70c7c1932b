"""What is chosen, looked at together: a stack moves as one, nothing lacks what it needs (SPEC SK-3, RQ-1, DV-7)."""

from collections.abc import Sequence

from sealring.errors import TrustError
from sealring.requirements import check_requirements
from sealring_client.decide.package import Package
from sealring_client.decide.refusals import Missing, StackBroken


def settle(packages: Sequence[Package]) -> None:
    """Leave as they were the packages that can't go into the next generation as it stands.

    What is left changes what others find there, so that it is done until nothing changes any more; only ever fewer
    packages are new, so that it ends.
    """
    while any([_leave_needy(packages), _leave_broken_stacks(packages)]):
        pass


def missing(packages: Sequence[Package]) -> Missing | None:
    """The first package that the model requires and that would not be there (DV-7), but for what was stopped (RK-6)."""
    for package in packages:
        if package.wanted.presence == "required" and package.part() is None and not package.stopped:
            return Missing(package.name)
    return None


def _leave_needy(packages: Sequence[Package]) -> bool:
    """RQ-1: whose requirement is unmet stays as it was, and nobody else waits for it."""
    plan = {package.name: part.revision for package in packages if (part := package.part()) is not None}
    left = False
    for package in packages:
        if package.approved is None or not package.is_new:
            continue
        try:
            check_requirements(package.approved.revision.statement, plan)
        except TrustError as err:
            package.leave(package.name, err)
            left = True
    return left


def _leave_broken_stacks(packages: Sequence[Package]) -> bool:
    """SK-3: a stack is what was tested together, so half of it is nothing."""
    broken: dict[str, str] = {}
    for package in packages:
        if package.stack is not None and not _is_as_the_stack_says(package):
            broken.setdefault(package.stack[0], package.name)
    left = False
    for package in packages:
        if package.stack is not None and package.stack[0] in broken and package.is_new:
            package.leave(package.name, StackBroken(package.stack[0], broken[package.stack[0]]))
            left = True
    return left


def _is_as_the_stack_says(package: Package) -> bool:
    part = package.part()
    return package.stack is not None and part is not None and part.revision == package.stack[1]
