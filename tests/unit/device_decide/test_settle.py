"""Packages looked at together: fixpoints by hand, without any store."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sealring.approve import Approved
from sealring.authentic import Verified
from sealring.envelope import parse_envelope
from sealring.moment import Moment
from sealring.names import KeyId
from sealring.statement import Common
from sealring.statement.fleet import Wanted
from sealring.statement.software import Requirement
from sealring_client.decide.package import Package
from sealring_client.decide.settle import missing, settle
from sealring_client.part import Part
from tests.world import World

WORLD = World()
AT = Moment(datetime(2026, 3, 1, tzinfo=UTC))


def verified(statement: Common) -> Verified[Any]:
    envelope = parse_envelope(WORLD.signed(statement).raw)
    return Verified(statement, envelope, frozenset({KeyId("a")}), moment=AT)


def package(
    name: str,
    running: int | None,
    chosen: int | None,
    *needs: tuple[str, int],
    stack: int | None = None,
    presence: str = "required",
) -> Package:
    wanted = Wanted(f"acme/{name}", "latest/stable", "app", presence)  # type: ignore[arg-type]
    part = None
    if running is not None:
        part = Part(wanted.package, running, "amd64", "1", f"{running:064x}", 1, "1" * 64, "2" * 64)
    found = Package(wanted, part, stack=("acme/line", stack) if stack is not None else None)
    if chosen is not None:
        more: dict[str, Any] = {"requires": [Requirement(f"acme/{n}", number) for n, number in needs]} if needs else {}
        revision = WORLD.revision(chosen, f"{name} {chosen}".encode(), package=name, **more)
        found.approved = Approved(wanted, verified(WORLD.release(chosen, package=name)), verified(revision))
    return found


def plan(*packages: Package) -> dict[str, int | None]:
    settle(packages)
    parts = {one.name.removeprefix("acme/"): one.part() for one in packages}
    return {name: part.revision if part is not None else None for name, part in parts.items()}


def rules(one: Package) -> list[str]:
    return [refusal.rule for refusal in one.refusals]


def test_two_that_need_each_other_go_together() -> None:
    """SPEC RQ-1: neither is held against the other."""
    assert plan(package("a", 1, 2, ("b", 2)), package("b", 1, 2, ("a", 2))) == {"a": 2, "b": 2}


def test_a_row_of_needs_falls_like_dominoes() -> None:
    """SPEC RQ-1: what is left as it was may be what another needs; who needs nothing goes on."""
    found = [package("a", 1, 2, ("b", 2)), package("b", 1, 2, ("c", 2)), package("c", 1, None), package("d", 1, 2)]
    assert plan(*found) == {"a": 1, "b": 1, "c": 1, "d": 2}
    assert [rules(one) for one in found] == [["RQ-1"], ["RQ-1"], [], []]


def test_what_runs_is_not_judged_again() -> None:
    """SPEC RQ-1: it speaks of what is installed; what runs goes on."""
    assert plan(package("a", 2, 2, ("b", 9)), package("b", 1, None)) == {"a": 2, "b": 1}


def test_a_missing_part_leaves_its_whole_stack() -> None:
    """SPEC SK-3: and only the stack."""
    found = [package("a", 1, 2, stack=2), package("b", 1, None, stack=2), package("c", 1, 2)]
    assert plan(*found) == {"a": 1, "b": 1, "c": 2}
    assert rules(found[0]) == ["SK-3"]


def test_a_part_that_runs_already_is_as_the_stack_says() -> None:
    """SPEC SK-3: nothing has to change for it."""
    assert plan(package("a", 1, 2, stack=2), package("b", 2, None, stack=2)) == {"a": 2, "b": 2}


def test_a_need_within_a_stack_leaves_all_of_it() -> None:
    """SPEC SK-3, RQ-1."""
    found = [package("a", 1, 2, ("c", 2), stack=2), package("b", 1, 2, stack=2), package("c", 1, None)]
    assert plan(*found) == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize(
    ("presence", "stopped", "lacks"),
    [("required", False, True), ("required", True, False), ("optional", False, False)],
)
def test_what_is_required_and_not_there_is_missing(presence: str, stopped: bool, lacks: bool) -> None:
    """SPEC DV-7, RK-6: nobody waits for what was stopped."""
    found = package("a", None, None, presence=presence)
    found.stopped = stopped
    assert (missing([found]) is not None) == lacks
