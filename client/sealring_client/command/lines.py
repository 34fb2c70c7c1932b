"""What a report and a status say to people, line by line."""

from collections.abc import Iterable
from typing import Any

from sealring_client.report import Report, Vulnerable
from sealring_client.status import Status

_TURNS = {"waiting": ", waiting for its turn", "chosen": ", its turn in the rollout", "halted": ", halted", None: ""}


def report_lines(report: Report) -> list[str]:
    """The end of a check or refresh."""
    said = {
        "none": "nothing new",
        "available": "an update is there",
        "installed": f"installed generation {report.generation}",
        "stopped": f"stopped what was revoked: generation {report.generation}",
        "stale": "stale: no store has a current answer",
        "unreachable": "no store could be reached; what runs is untouched",
        "refused": "refused: no store's answer can be trusted; what runs is untouched",
        "failed": "not installed; what ran before still runs",
    }
    lines = [said[report.outcome] + ("" if report.proven else " (time: unproven)")]
    for package in report.packages:
        step = f"{package.running or 'none'} -> {package.chosen or 'none'}"
        revision = str(package.running or "none") if package.running == package.chosen else step
        version = f" ({package.version})" if package.version else ""
        kind = f"stack {package.stack}" if package.stack else "release"
        origin = f", {kind} {package.sequence}" + (f" from {package.store}" if package.store else "")
        turn = _TURNS[package.rollout]
        lines.append(f"  {package.package}: revision {revision}{version}{origin if package.sequence else ''}{turn}")
        lines += [f"    {one.about}: {one.message} [{one.rule}]" for one in package.refusals]
    for store in report.stores:
        shown = f", catalogue {store.catalogue}" if store.catalogue else ""
        lines.append(f"  store {store.name}: {store.word}{shown}")
        for one in store.refusals:
            lines.append(
                f"    {one.address}: {one.message} [{one.rule}]" if one.address else f"    {one.message} [{one.rule}]"
            )
    lines += _taken_back(report.stopped, report.vulnerable, report.evidence)
    lines += [f"note: {text}" for text in report.notes]
    return lines


def status_lines(found: Status) -> list[str]:
    """What a device is, runs and trusts."""
    lines = [f"{found.model}: generation {found.current or 'none'}, good {found.good or 'none'}, root {found.root}"]
    for part in found.packages:
        release = f", release {part.sequence}" if part.sequence else ""
        lines.append(f"  {part.package}: revision {part.revision} ({part.version}){release}, {part.integrity}")
    lines += [f"time: {found.time}" + (f", not before {found.time_floor}" if found.time_floor else "")]
    for store in found.stores:
        seen = f", catalogue {store.catalogue} of {store.time}" if store.catalogue else ""
        lines.append(f"store {store.store}: {store.word}{seen}")
    lines.append(f"next whole check: {found.deadline or 'due'}")
    for failure in found.failures:
        until = failure["not_before"] or "it changes"
        lines.append(f"kept away: release {failure['release'][:16]} of {failure['package']}, until {until}")
    if found.serial is not None:
        lines.append(f"serial: {found.serial}")
    if found.reports is None:
        lines.append("reports: none are made")
    elif found.reports:
        lines.append(f"reports: {found.reports} not sent yet")
    if found.groups:
        lines.append(f"rollout groups: {', '.join(found.groups)}")
    for one in found.delegations:
        lines.append(f"delegation {one['delegation']}: sequence {one['sequence']}, until {one['expires']}")
    for one in found.revocations:
        force = "in force" if one["counts"] else "weakened: its keys no longer count"
        lines.append(f"revocations of {one['issuer']}: sequence {one['sequence']}, {one['lines']} lines, {force}")
    lines += _taken_back(found.stopped, found.vulnerable, found.evidence)
    lines += [f"evidence against a store, whose view and map disagree: {path}" for path in found.accused]
    lines += [f"warning: {text}" for text in found.warnings]
    return lines


def _taken_back(
    stopped: Iterable[Vulnerable], vulnerable: Iterable[Vulnerable], evidence: Iterable[dict[str, Any]]
) -> list[str]:
    lines = [f"stopped: {one.package} revision {one.revision}: {one.why}" for one in stopped]
    lines += [f"vulnerable: {one.package} revision {one.revision}: {one.why}" for one in vulnerable]
    for one in evidence:
        ids = " and ".join(found[:16] for found in one["ids"])
        end = "neither is installed" if one["stands"] else "settled"
        lines.append(f"conflict: {one['about']}, sequence {one['sequence']}, ids {ids}: {end}")
    return lines
