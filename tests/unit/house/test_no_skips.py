"""A run that left something out is not a green run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param("pass", 0, id="a run without skips is green"),
        pytest.param("import pytest; pytest.skip('no such thing here')", 1, id="one skip is a failure"),
        pytest.param("import pytest; pytest.xfail('some day')", 1, id="so is one expected failure"),
    ],
)
def test_the_run_fails_where_a_test_was_left_out(body: str, outcome: int, tmp_path: Path) -> None:
    """A missing component must not turn a rig's promise into silence."""
    (tmp_path / "test_one.py").write_text(f"def test_other():\n    pass\n\n\ndef test_one():\n    {body}\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        "--rootdir",
        str(tmp_path),
        "-c",
        "/dev/null",
    ]
    done = subprocess.run([*command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == outcome, done.stdout
    assert ("left out" in done.stdout) == bool(outcome)
