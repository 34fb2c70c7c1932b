"""How a check ends: its outcome and exit code, its report, and what the next poll compares (SPEC DV-8)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sealring.authentic import Authentic
from sealring.moment import Expired
from sealring.names import spell
from sealring.statement import Model, Release, Stack
from sealring_client.apply.health import Unhealthy
from sealring_client.decide.package import Package
from sealring_client.decide.reach import stopped_lines, vulnerable
from sealring_client.decide.refusals import Missing
from sealring_client.decide.state import read_small
from sealring_client.disk import write_durably
from sealring_client.fetch.link import Cost
from sealring_client.poll import poll_bytes
from sealring_client.report import Outcome, PackageLine, Refusal, Report, StoreLine
from sealring_client.survey import Survey

LONGEST_QUIET = timedelta(days=1)  # between whole checks while a store is not as it should be


def write_poll(survey: Survey) -> None:
    """Last of all, what the next poll compares; only after a check that left nothing to do (DV-8)."""
    for link in survey.links.values():
        link.close()
    for content in survey.contents.values():
        content.close()
    deadline = deadline_of(survey)  # None after bundles, which are no answer of any store's
    outcome, _ = outcome_of(survey)
    if outcome not in ("none", "installed", "stopped") or deadline is None:
        return
    stores = [
        {
            "name": name,
            # DV-6: the address that agreed is polled first, so that one that lies does not make every poll a check.
            "urls": survey.links[name].in_order,
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
    if survey.grounds is None or survey.sticks is not None:
        return None
    fresh = [view for name, view in survey.views.items() if survey.lines[name].word == "fresh"]
    ends = [view.expires for view in fresh] + [view.store.statement.expires for view in fresh]
    ends += [survey.trusted.chain.root.statement.expires]
    # A store with all its keys can hide the next release; it can't make this one last.
    rest = [survey.grounds.model, *survey.grounds.current_brands(), *_held_grounds(survey)]
    ends += [survey.times.end_of(one) for one in rest if one.envelope.id not in survey.lifted]
    ends += [wake for package in survey.packages for wake in package.wakes]
    if len(fresh) < len(survey.grounds.model.statement.stores):
        # What was refused today may be mended without a new timestamp.
        ends.append(survey.now() + LONGEST_QUIET)
    return min(ends)


def outcome_of(survey: Survey) -> tuple[Outcome, int]:
    words = [line.word for line in survey.lines.values()]
    if survey.installed is not None:
        return "installed", 0
    nobody = bool(words) and all(word == "unreachable" for word in words) and survey.sticks is None
    if nobody and not isinstance(survey.problem, Unhealthy):
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
        held = [one for one in _held_grounds(survey) if one.envelope.id not in survey.lifted]
        if any(survey.times.is_over(one) for one in held):
            return "stale", 4
        return ("stopped" if survey.stopped_now else "none"), 0
    if "stale" in words or "behind" in words:
        return "stale", 4
    codes = [refusal.exit_code for line in survey.lines.values() for refusal in line.refusals]
    return "refused", codes[0] if codes else 1


def _held_grounds(survey: Survey) -> list[Authentic[Release] | Authentic[Stack]]:
    """The highest release, or stack, seen of each package that runs."""
    floors = survey.trusted.floors
    found: list[Authentic[Release] | Authentic[Stack] | None] = []
    for package in survey.packages:
        if package.running is not None:
            stack = package.stack
            found.append(floors.get(Stack, stack[0]) if stack is not None else floors.get(Release, package.channel))
    return [one for one in found if one is not None]


def _notes(survey: Survey) -> Iterable[str]:
    """EL-2: what has ended, and is not enforced because of a final release."""
    brands = survey.trusted.chain.brands.values()
    for one in (*brands, *survey.trusted.floors.highest.values()):
        if one.envelope.id in survey.lifted and survey.times.is_over(one):
            yield f"{one.statement.title} expired {spell(one.statement.expires)}, which a final release has lifted"
    for name, view in survey.views.items():
        if survey.sticks is not None and view.expires <= survey.clock.at:
            yield f"store {name}: its answer ended {spell(view.expires)}, and is granted to a bundle by the model"


def report(survey: Survey) -> Report:
    """What this check found."""
    outcome, code = outcome_of(survey)
    runs = {part.package: part for part in survey.disk.parts_of(survey.disk.generations.current())}
    stopped = {name: part for name, part in survey.stopped.items() if name not in runs}
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
        vulnerable=tuple(vulnerable(survey.trusted, survey.device.model, runs.values())),
        stopped=tuple(stopped_lines(survey.trusted, stopped)),
        evidence=tuple(pair.as_json(survey.trusted) for pair in survey.disputes.pairs),
        notes=tuple(_notes(survey)),
    )


def _lines(survey: Survey) -> Iterable[StoreLine]:
    model = survey.trusted.floors.get(Model, survey.device.model)
    for name in model.statement.stores if model is not None else survey.lines:
        unknown = Refusal(name, "SR-3", f"store {name}: no statement held, so no address", "", 24)
        line, cost = (
            survey.lines.get(name) or StoreLine(name, "unreachable", (unknown,)),
            survey.costs.get(name, Cost()),
        )
        yield replace(line, requests=cost.requests, transferred=cost.transferred)


def _package_line(survey: Survey, package: Package) -> PackageLine:
    part, ground = package.part(), package.approved.ground.statement if package.approved else None
    floors, stack = survey.trusted.floors, package.stack
    held = floors.get(Stack, stack[0]) if stack is not None else floors.get(Release, package.channel)
    sequence = ground.sequence if ground is not None else (held.statement.sequence if held is not None else None)
    return PackageLine(
        package.wanted.package,
        package.running.revision if package.running is not None else None,
        part.revision if part is not None else None,
        part.version if part is not None else None,
        sequence,
        package.store,
        tuple(package.refusals),
        stack[0] if stack is not None else None,
        package.rollout,
        package.halted,
    )
