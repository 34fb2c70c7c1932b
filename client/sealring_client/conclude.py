"""How a check ends: its outcome and exit code, its report, and what the next poll compares (SPEC DV-8)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sealring.moment import Expired
from sealring.names import spell
from sealring.statement import Model, Release
from sealring_client.apply.health import Unhealthy
from sealring_client.decide.choose import Missing, Package
from sealring_client.decide.state import read_small
from sealring_client.disk import write_durably
from sealring_client.poll import poll_bytes
from sealring_client.report import Outcome, PackageLine, Refusal, Report, StoreLine
from sealring_client.survey import Survey

LONGEST_QUIET = timedelta(days=1)  # between whole checks while a store is not as it should be


def write_poll(survey: Survey) -> None:
    """Last of all, what the next poll compares; only after a check that left nothing to do (DV-8)."""
    for link in survey.links.values():
        link.close()
    deadline = deadline_of(survey)
    outcome, _ = outcome_of(survey)
    if outcome not in ("none", "installed") or deadline is None:
        return
    stores = [
        {
            "name": name,
            "urls": survey.links[name].urls,
            "etag": tuf.etag if tuf is not None else None,
            "sha256": (tuf.sha256 if tuf is not None else None) or "",
        }
        for name in survey.store_names()
        for tuf in [survey.tufs.get(name)]
    ]
    floor = survey.times.floor
    raw = poll_bytes(spell(deadline), spell(floor) if floor is not None else "", stores)
    if raw != read_small(survey.folder / "poll.json", len(raw)):
        write_durably(survey.folder / "poll.json", raw)


def deadline_of(survey: Survey) -> datetime | None:
    """Until when "nothing new" is a true answer; None where there is no ground for any."""
    if survey.grounds is None:
        return None
    fresh = [view for name, view in survey.views.items() if survey.lines[name].word == "fresh"]
    ends = [view.expires for view in fresh] + [view.store.statement.expires for view in fresh]
    ends += [survey.grounds.model.statement.expires, survey.trusted.chain.root.statement.expires]
    ends += [brand.statement.expires for brand in survey.grounds.brands.values()]
    ends += [wake for package in survey.packages for wake in package.wakes]
    # A store with all its keys can hide the next release; it can't make this one last.
    ends += [release.expires for release in _held_releases(survey)]
    if len(fresh) < len(survey.grounds.model.statement.stores):
        # What was refused today may be mended without a new timestamp.
        ends.append(survey.now() + LONGEST_QUIET)
    return min(ends)


def outcome_of(survey: Survey) -> tuple[Outcome, int]:
    words = [line.word for line in survey.lines.values()]
    if survey.installed is not None:
        return "installed", 0
    if words and all(word == "unreachable" for word in words) and not isinstance(survey.problem, Unhealthy):
        return "unreachable", 10
    if isinstance(survey.problem, Expired):
        return "stale", 4
    if survey.problem is not None:
        stale = isinstance(survey.problem, Missing) and "fresh" not in words and "stale" in words
        return ("stale", 4) if stale else ("failed", survey.problem.exit_code)
    if survey.is_new():
        return "available", 3
    if "fresh" in words:
        # DV-8: after a release has ended, "nothing new" is no answer, however fresh the store's word is.
        ended = any(survey.times.of_statement(one).at >= one.expires for one in _held_releases(survey))
        return ("stale", 4) if ended else ("none", 0)
    if "stale" in words or "behind" in words:
        return "stale", 4
    codes = [refusal.exit_code for line in survey.lines.values() for refusal in line.refusals]
    return "refused", codes[0] if codes else 1


def _held_releases(survey: Survey) -> list[Release]:
    """The highest release seen of each package that runs."""
    subjects = [f"{one.wanted.package}/{one.wanted.channel}" for one in survey.packages if one.running is not None]
    held = [survey.trusted.floors.get(Release, subject) for subject in subjects]
    return [one.statement for one in held if one is not None]


def report(survey: Survey) -> Report:
    """What this check found."""
    outcome, code = outcome_of(survey)
    return Report(
        outcome,
        code,
        survey.now(),
        survey.times.proven,
        survey.disk.generations.current(),
        tuple(_lines(survey)),
        tuple(_package_line(survey, package) for package in survey.packages),
        Refusal.of(survey.device.model, survey.problem) if survey.problem is not None else None,
        deadline_of(survey),
    )


def _lines(survey: Survey) -> Iterable[StoreLine]:
    model = survey.trusted.floors.get(Model, survey.device.model)
    for name in model.statement.stores if model is not None else survey.lines:
        unknown = Refusal(name, "SR-3", f"store {name}: no statement held, so no address", "", 24)
        yield survey.lines.get(name) or StoreLine(name, "unreachable", (unknown,))


def _package_line(survey: Survey, package: Package) -> PackageLine:
    part, release = package.part(), package.approved.ground.statement if package.approved else None
    held = survey.trusted.floors.get(Release, f"{package.wanted.package}/{package.wanted.channel}")
    sequence = release.sequence if release is not None else (held.statement.sequence if held is not None else None)
    return PackageLine(
        package.wanted.package,
        package.running.revision if package.running is not None else None,
        part.revision if part is not None else None,
        part.version if part is not None else None,
        sequence,
        package.store,
        tuple(package.refusals),
    )
