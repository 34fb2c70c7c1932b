"""Whose turn is it, and which revision follows from that (SPEC RO-1 to RO-3)."""

from typing import Literal

from msgspec import UNSET

from sealring.approve import revision_for
from sealring.authentic import Authentic
from sealring.rollout import is_chosen
from sealring.statement import Release
from sealring_client.decide.grounds import Grounds
from sealring_client.decide.package import Package


def turn_of(grounds: Grounds, package: Package, release: Authentic[Release]) -> Literal["waiting", "chosen"] | None:
    """Whether this device is chosen for the release's rollout; None where it has none."""
    plan = release.statement.rollout
    if plan is UNSET:
        return None
    at = grounds.times.of_statement(release).at
    who = grounds.identity
    return (
        "chosen" if is_urgent(grounds, package, release) or is_chosen(plan, who.secret, who.groups, at) else "waiting"
    )


def is_urgent(grounds: Grounds, package: Package, release: Authentic[Release]) -> bool:
    """RO-3: what is revoked or no longer acceptable does not wait for its turn."""
    running, found = grounds.past.revisions.get(package.name), grounds.past.reached.get(package.name)
    target = release.statement.target(grounds.architecture)
    is_below = running is not None and target is not None and running.revision < target.minimum
    return is_below or (found is not None and found.action != "keep")


def number_of(grounds: Grounds, package: Package, release: Authentic[Release]) -> int | None:
    """The revision that this release means for this device now; None where it has none for its architecture."""
    target = release.statement.target(grounds.architecture)
    if target is None:
        return None
    return revision_for(target, chosen=turn_of(grounds, package, release) != "waiting")
