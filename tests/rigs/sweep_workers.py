"""The scenarios with each store on PostgreSQL and S3, served by four processes; writes docs/workers.md.

    make sweep-workers
    python -m tests.rigs.sweep_workers TESTS...

What the tests say of a store must hold wherever its rows and images lie, and whichever process answers.
"""

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from tests import elsewhere
from tests.rigs.postgres import postgres_server
from tests.rigs.s3 import s3_server

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "workers.md"
TESTS = ("tests/scenarios", "tests/unit/publisher")
WORKERS = 4
_HEAD = """# Stores beyond one machine

Written by `make sweep-workers` (`tests/rigs/sweep_workers.py`): tests that are written for a store in a folder, run
once more with every store on PostgreSQL and an S3 server, and four processes that answer for it by turns.

"""


def main(tests: list[str]) -> int:
    """Run them; 0 where all held."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as place, postgres_server() as postgres, s3_server(Path(place)) as s3:
        images = s3.settings("elsewhere")
        asked = elsewhere.words(postgres.url("{}"), s3.endpoint, images.credentials, "elsewhere", WORKERS)
        results = Path(place) / "results.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", f"--junitxml={results}", *tests]
        code = subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **asked}).returncode
        if tests == list(TESTS):
            PAGE.write_text(_HEAD + _said(results, time.monotonic() - begun))
    return code


def _said(results: Path, seconds: float) -> str:
    suite = ElementTree.parse(results).getroot()[0]
    number, failed = int(suite.get("tests", 0)), int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}: **{number} tests, {failed} failed**, {seconds / 60:.0f} minutes.",
        "",
    ]
    for case in suite.iter("testcase"):
        for bad in [*case.findall("failure"), *case.findall("error")]:
            why = re.sub(r"[^ -~]+", " ", bad.get("message", ""))[:160].replace("`", "'")
            lines.append(f"- `{case.get('name')}`: `{why}`")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(TESTS)))
