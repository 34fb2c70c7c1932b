"""docs/soak.md: the newest run of each storage."""

import json
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[4]
FOLDER = CHECKOUT / ".cache" / "soak"
PAGE = CHECKOUT / "docs" / "soak.md"
REQUESTS = ("answer", "by its path", "image", "poll", "report")
TITLES = {"postgres": "PostgreSQL and S3", "folder": "SQLite and a folder"}


def write_page(found: dict[str, Any]) -> None:
    """Keep this run, and write the page anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{found['storage']}.json").write_text(json.dumps(found))
    runs = [json.loads(file.read_text()) for name in TITLES if (file := FOLDER / f"{name}.json").exists()]
    PAGE.write_text(page(runs))


def page(runs: list[dict[str, Any]]) -> str:
    """The page for docs."""
    head = """# A store under a fleet, publishers and kills

`make sweep-soak` and `make sweep-soak STORAGE=folder` wrote this page.

Devices poll, check by the one answer, fetch images and send signed reports, all by the device's own code. Publishers
publish a revision with its image and the release of it, again and again, by the publisher's own code. Workers of the
store are killed by SIGKILL at random moments, and others follow. Beside them a reader verifies every state as it
comes. At the end each receipt that a publisher was given must still be proved under its own map and stand in the
newest log, and `sealring-store fsck` must find nothing.

An error here is a request without an answer, or one with "try again later": the device's and publisher's own code then
tries again, and did. Anything else, above all any answer that does not verify or goes back, would be a wrong answer.
"""
    return "\n".join([head, *(_run(one) for one in runs)])


def _run(run: dict[str, Any]) -> str:
    requests = sum(one["n"] for name, one in run["times"].items() if name in REQUESTS)
    rows = [
        f"| {name} | {one['n']:,} | {one['p50']:.1f} | {one['p99']:.1f} | {one['most']:.0f} |"
        for name, one in run["times"].items()
    ]
    errors = [f"| {name} | {number:,} |" for name, number in run["errors"].items()] or ["| none | 0 |"]
    wrong = [f"- {one}" for one in run["wrong"]] or ["None."]
    before, after = run["memory"]
    said = (
        f"{run['at']}, {run['machine']}; load of the machine {run['load'][0]} before, {run['load'][1]} at the end."
        f" {run['seconds'] / 60:.0f} minutes, {run['devices']} devices, 5 publishers, {run['workers']} workers,"
        f" **{run['kills']} of them killed**. {run['entries']:,} entries at the end."
    )
    memory = (
        f"Memory of the worker that was never killed: {before} MiB after a third of the time, {after} MiB at the end;"
        f" {run['slope']:+.2f} MiB a minute between."
    )
    total = f"**{requests:,} requests of devices, {run['receipts']:,} receipts, {len(run['wrong'])} wrong answers.**"
    times = ["| what | number | p50 ms | p99 ms | most ms |", "|---|---|---|---|---|", *rows]
    table = ["| error that was tried again | number |", "|---|---|", *errors]
    parts = [said, "", total, "", *times, "", *table, "", memory, "", "Wrong answers:", "", *wrong]
    return "\n".join([f"## {TITLES[run['storage']]}", "", *parts, ""])
