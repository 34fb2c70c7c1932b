"""The operator's pages: server-rendered, without any script, each from bounded questions (SPEC HT-6)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, current_app, render_template, request

from sealring_server.alarms import ROOT_SOON, renewal_due
from sealring_server.failures import KINDS, OUTCOMES, Kind
from sealring_server.operator import packages, publications
from sealring_server.operator.charts import chart_of
from sealring_server.operator.checks import KINDS_SAID, MONTH, WEEKS, Level, checks
from sealring_server.operator.facts import Facts, Watch
from sealring_server.operator.rollouts import Fleet
from sealring_server.operator.words import relative
from sealring_server.tuf_repo import LIVES, ROOT_LIFE

FLEET = 1_000  # lines of the fleet
SHOWN = 60  # lines of the calendar
MONTHS = 36
MOST_BRANDS = 60
LABELS = ("Good", "Not changed", "Refused", "Too many", "Failed")
_SUBJECT = re.compile(r"[!#-\[\]-~]{1,512}")
_FORMAT = re.compile(r"[1-9][0-9]{0,8}")
_NUMBER = re.compile(r"[1-9][0-9]{0,14}")
_KEY = re.compile(r"[0-9a-f]{64}")

bp = Blueprint("pages", __name__)


@dataclass(frozen=True)
class Role:
    """One TUF role's life, in seconds."""

    name: str
    left: float
    life: float
    ends: datetime
    again: str
    level: Level


@dataclass(frozen=True)
class Line:
    """One line of the calendar."""

    at: datetime
    what: str
    who: str
    level: Level


def _watch() -> Watch:
    found = current_app.extensions["sealring_watch"]
    assert isinstance(found, Watch)
    return found


def _page(template: str, title: str, here: str, facts: Facts, **more: Any) -> Response:
    store = _watch().here.folder.name
    text = render_template(template, title=title, here=here, facts=facts, store=store, all_checks=checks(facts), **more)
    return Response(text, 200, content_type="text/html; charset=utf-8")


@bp.get("/")
def overview() -> Response:
    """What is wrong now; else how it is known that nothing is."""
    facts = _watch().look()
    return _page("overview.html", "Overview", "/", facts, roles=[*_roles(facts)])


@bp.get("/fleet")
def fleet_page() -> Response:
    """What runs where."""
    facts, devices = _with_devices()
    lines = list(devices.lines) if devices else []
    whole: dict[tuple[str, str], int] = {}
    for line in lines:
        whole[line.model, line.package] = whole.get((line.model, line.package), 0) + line.counted
    found = [(line, whole[line.model, line.package]) for line in lines[:FLEET]]
    models = [(model, [*some]) for model, some in groupby(found, key=lambda one: one[0].model)]
    cut = len(lines) > FLEET
    return _page("fleet.html", "Fleet", "/fleet", facts, devices=devices, models=models, cut=cut, most=FLEET)


@bp.get("/rollouts")
def rollout_page() -> Response:
    """How releases go out, and what is halted."""
    facts, devices = _with_devices()
    courses = [(one, chart_of(one)) for one in devices.courses] if devices else []
    courses.sort(key=lambda one: (one[0].halt is None, one[0].release))
    return _page("rollouts.html", "Rollouts", "/rollouts", facts, devices=devices, courses=courses, seconds=_seconds)


def _with_devices() -> tuple[Facts, Fleet | None]:
    facts = _watch().look()
    with _watch().here.database.reading() as connection:
        return facts, _watch().devices(connection, facts.entry.sequence if facts.entry else 0)


def _seconds(number: int) -> timedelta:
    return timedelta(seconds=number)


@bp.get("/packages")
def package_page() -> Response:
    """What channels point at, and who said so."""
    facts, after = _watch().look(), _after()
    with _watch().here.database.reading() as connection:
        found, onward = packages.channels(connection, after)
        brands = packages.brands(connection, MOST_BRANDS)
    links = _links("/packages", onward, after)
    listed = [kind for kind in packages.LISTED if kind in facts.statements]
    return _page(
        "packages.html",
        "Packages",
        "/packages",
        facts,
        channels=found,
        brands=brands if len(brands) > 1 else (),
        onward=links,
        after=after[0],
        listed=listed,
    )


@bp.get("/statements/<kind>")
def statement_page(kind: str) -> Response:
    """The current statements of one type, and who signed them."""
    if kind not in packages.LISTED:
        abort(404)
    facts, after = _watch().look(), _after()
    with _watch().here.database.reading() as connection:
        found, onward = packages.current(connection, kind, after)
    links = _links(f"/statements/{kind}", onward, after)
    listed = [each for each in packages.LISTED if each in facts.statements]
    return _page(
        "statements.html",
        f"Statements: {kind}",
        "/packages",
        facts,
        kind=kind,
        found=found,
        onward=links,
        after=after[0],
        listed=listed,
    )


@bp.get("/publications")
def publication_page() -> Response:
    """Entries, the newest first."""
    asked = _argument("before", _NUMBER)
    before = int(asked) if asked else None
    facts = _watch().look()
    with _watch().here.database.reading() as connection:
        found = publications.newest_publications(connection, before)
    links = [("/publications", "Newest")] if before is not None else []
    if found and found[-1].sequence > 1:
        links.append((f"/publications?before={found[-1].sequence}", "Earlier"))
    return _page("publications.html", "Publications", "/publications", facts, found=found, onward=links)


@bp.get("/publications/<int:sequence>")
def one_publication(sequence: int) -> Response:
    """What one entry brought, and who signed it."""
    after, facts = _argument("after", _KEY), _watch().look()
    if sequence >= 2**53:
        abort(404)
    with _watch().here.database.reading() as connection:
        found = publications.publication(connection, sequence, bytes.fromhex(after))
    if found is None:
        abort(404)
    one, onward = found
    links = [(f"/publications/{sequence}", "From the first")] if after else []
    if onward:
        links.append((f"/publications/{sequence}?after={onward.hex()}", "More of this entry"))
    links.append(("/publications", "All entries"))
    title = f"Entry {sequence}"
    return _page("publication.html", title, "/publications", facts, one=one, onward=links)


@bp.get("/expiry")
def expiry_page() -> Response:
    """What ends when, soonest first and by month."""
    facts = _watch().look()
    ends = facts.ends
    lines = sorted([*_role_lines(facts), *_statement_lines(facts)], key=lambda one: one.at)
    months = list(ends.months.items())[:MONTHS] if ends else []
    rows = [(name, sorted(found.items()), found.total()) for name, found in months]
    total = len(facts.expires) + (sum(found.total() for found in ends.months.values()) if ends else 0)
    return _page(
        "expiry.html",
        "Expiry",
        "/expiry",
        facts,
        ends=ends,
        soonest=lines[:SHOWN],
        total=total,
        months=rows,
        most=max((count for _, _, count in rows), default=0),
    )


@bp.get("/faults")
def fault_page() -> Response:
    """Everything that was looked at, and what the store answered since its start."""
    facts = _watch().look()
    return _page("faults.html", "Faults", "/faults", facts, requests=[_requests(facts, kind) for kind in KINDS])


def _requests(facts: Facts, kind: Kind) -> dict[str, Any]:
    counts = [(label, facts.failures.requests(kind, outcome)) for label, outcome in zip(LABELS, OUTCOMES, strict=True)]
    (*_, answered), seconds = facts.failures.durations(kind)
    mean = f"{1000 * seconds / answered:.1f} ms" if answered else "none"
    return {"name": KINDS_SAID[kind], "counts": counts, "mean": mean}


def _roles(facts: Facts) -> Iterable[Role]:
    for name, ends in facts.expires.items():
        life = LIVES.get(name, ROOT_LIFE).total_seconds()
        left = max(0.0, (ends - facts.at).total_seconds())
        again = "by its holders" if name == "root" else f"{relative(renewal_due(name, ends), facts.at)} at the latest"
        yield Role(name, min(left, life), life, ends, again, _level(ends - facts.at, _soon(name)))


def _soon(role: str) -> timedelta:
    """What is left of a role's life when it needs somebody."""
    return ROOT_SOON if role not in LIVES else LIVES[role] / 2 - timedelta(days=1)


def _level(left: timedelta, soon: timedelta) -> Level:
    if left <= timedelta(0):
        return "bad"
    return "soon" if left <= soon else "good"


def _role_lines(facts: Facts) -> Iterable[Line]:
    for name, ends in facts.expires.items():
        who = "the store, by itself" if name in LIVES else "the holders of the store's TUF root"
        yield Line(ends, f"TUF {name}", who, _level(ends - facts.at, _soon(name)))


def _statement_lines(facts: Facts) -> Iterable[Line]:
    for one in facts.ends.soonest if facts.ends else ():
        soon = WEEKS if one.type in ("release", "stack") else MONTH
        who = "the root's holders" if one.authority == "root" else f"{one.authority}, or whom it has delegated to"
        yield Line(one.at, f"{one.type} {one.subject}", who, _level(one.at - facts.at, soon))


def _argument(name: str, form: re.Pattern[str]) -> str:
    """One member of the query, in its one form; empty where it is left out."""
    found = request.args.get(name, "")
    if found and not form.fullmatch(found):
        abort(404)
    return found


def _after() -> tuple[str, int]:
    """After which subject and format a list goes on."""
    return _argument("after", _SUBJECT), int(_argument("format", _FORMAT) or 0)


def _links(path: str, onward: tuple[str, int] | None, after: tuple[str, int]) -> list[tuple[str, str]]:
    found = [(path, "From the first")] if after[0] else []
    if onward is not None:
        found.append((f"{path}?{urlencode({'after': onward[0], 'format': onward[1]})}", "More"))
    return found
