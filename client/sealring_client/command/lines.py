"""What a report and a status say to people, line by line."""

from sealring_client.report import Report
from sealring_client.status import Status


def report_lines(report: Report) -> list[str]:
    """The end of a check or refresh."""
    said = {
        "none": "nothing new",
        "available": "an update is there",
        "installed": f"installed generation {report.generation}",
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
        origin = f", release {package.sequence}" + (f" from {package.store}" if package.store else "")
        lines.append(f"  {package.package}: revision {revision}{version}{origin if package.sequence else ''}")
        lines += [f"    {one.about}: {one.message} [{one.rule}]" for one in package.refusals]
    for store in report.stores:
        shown = f", catalogue {store.catalogue}" if store.catalogue else ""
        lines.append(f"  store {store.name}: {store.word}{shown}")
        lines += [f"    {one.message} [{one.rule}]" for one in store.refusals]
    return lines


def status_lines(found: Status) -> list[str]:
    """What a device is, runs and trusts."""
    lines = [f"{found.model}: generation {found.current or 'none'}, good {found.good or 'none'}, root {found.root}"]
    for one in found.packages:
        release = f", release {one.sequence}" if one.sequence else ""
        lines.append(f"  {one.package}: revision {one.revision} ({one.version}){release}, {one.integrity}")
    lines += [f"time: {found.time}" + (f", not before {found.time_floor}" if found.time_floor else "")]
    for store in found.stores:
        seen = f", catalogue {store.catalogue} of {store.time}" if store.catalogue else ""
        lines.append(f"store {store.store}: {store.word}{seen}")
    lines.append(f"next whole check: {found.deadline or 'due'}")
    for failure in found.failures:
        until = failure["not_before"] or "it changes"
        lines.append(f"kept away: release {failure['release'][:16]} of {failure['package']}, until {until}")
    lines += [f"warning: {text}" for text in found.warnings]
    return lines
