"""The workspace is what the README and the licence say, and the device needs nothing of the store."""

import os
import re
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.run import CACHE, UV_VERSION, command_for, outside

ROOT = Path(__file__).resolve().parents[3]
MEMBERS = {"trust": "sealring", "server": "sealring_server", "client": "sealring_client"}


def project(folder: str) -> dict[str, Any]:
    """The `project` table of one member, or of the workspace (`.`)."""
    table: dict[str, Any] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def readme_blocks() -> list[str]:
    """The README's shell blocks, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("folder", [".", *MEMBERS])
def test_the_licence_travels_with_each_distribution(folder: str) -> None:
    """A member is published by itself, so it carries the whole text itself."""
    text = (ROOT / folder / "LICENSE").read_bytes()
    assert text == (ROOT / "LICENSE").read_bytes()
    assert b"Apache License" in text
    assert b"END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize(("folder", "package"), MEMBERS.items())
def test_a_member_is_typed_says_what_it_is_and_has_no_src_level(folder: str, package: str) -> None:
    assert (ROOT / folder / package / "__init__.py").exists()
    assert (ROOT / folder / package / "py.typed").exists()
    assert (ROOT / folder / "README.md").exists()
    assert project(folder)["license"] == "Apache-2.0"
    assert project(folder)["requires-python"] == project(".")["requires-python"] == ">=3.11"


def test_siblings_are_pinned_to_the_one_version() -> None:
    """A device whose core is another edition than the one it was tested with decides by other rules."""
    versions = {project(folder)["version"] for folder in (".", *MEMBERS)}
    assert len(versions) == 1
    for folder in ("server", "client"):
        siblings = [d for d in project(folder)["dependencies"] if d.startswith("sealring")]
        assert siblings == [f"sealring=={versions.copy().pop()}"]
    assert not [d for d in project("trust")["dependencies"] if d.startswith("sealring")]


def test_the_lock_names_the_public_registry_only() -> None:
    """An address of one machine in the lock would make the checkout useless on every other."""
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r'registry = "([^"]*)"', lock)) == {"https://pypi.org/simple"}
    assert set(re.findall(r'url = "(https?://[^/"]*)', lock)) == {"https://files.pythonhosted.org"}


def test_the_readme_begins_with_the_two_commands() -> None:
    """They are what a stranger types first, and what `.ci/run` takes out of the README and runs."""
    assert readme_blocks()[:2] == ["python3 tests/run.py demo\n", "python3 tests/run.py tests\n"]
    assert command_for("demo", ["--keep"])[1:] == ["-m", "tests.demo", "--keep"]
    assert command_for("tests", ["-k", "x"])[-2:] == ["-k", "x"]


# --- the two below build and install for real: 3 to 10 s


def uv(*args: str, **env: str) -> str:
    """Runs the set-up's uv in the checkout; gives back what it said."""
    program = CACHE / f"uv-{UV_VERSION}" / "uv"
    assert program.exists(), "run `python3 tests/run.py setup` first"
    done = subprocess.run(
        [program, *args], cwd=ROOT, env=outside(os.environ) | env, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


LOOK_AROUND = """
import importlib, importlib.util, pkgutil, sys
import sealring_client
for module in pkgutil.walk_packages(sealring_client.__path__, "sealring_client."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
strangers = ["flask", "sqlalchemy", "granian", "sealring_server", "click", "rich"]
print([name for name in strangers if importlib.util.find_spec(name)], sealring_client.__file__)
"""


def test_the_device_installs_and_imports_without_anything_of_the_store(tmp_path: Path) -> None:
    """A wheel of the client alone, with the locked versions: what only the store needs, a device never carries."""
    venv = tmp_path / "venv"
    # Refreshed: uv would take a wheel that it once built from an older state of these folders.
    fresh = [f"--refresh-package={name}" for name in ("sealring", "sealring-client")]
    only_the_client = ["--frozen", "--package", "sealring-client", "--no-dev", "--no-editable"]
    uv("sync", *only_the_client, *fresh, UV_PROJECT_ENVIRONMENT=str(venv))
    look = subprocess.run([venv / "bin/python", "-I", "-c", LOOK_AROUND], capture_output=True, text=True, timeout=60)
    assert look.returncode == 0, look.stderr
    found, _, where = look.stdout.strip().partition("] ")
    assert found == "["
    assert where.startswith(str(venv)), "installed, not the checkout"


def test_each_wheel_carries_its_licence_its_types_and_nothing_else(tmp_path: Path) -> None:
    """What is published is the package, and no test, key or setting of ours."""
    uv("build", "--all-packages", "--wheel", "--out-dir", str(tmp_path))
    wheels = {path.name.split("-")[0]: zipfile.ZipFile(path).namelist() for path in tmp_path.glob("*.whl")}
    assert set(wheels) == set(MEMBERS.values())
    for package, names in wheels.items():
        assert f"{package}/py.typed" in names
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
        assert {name.split("/")[0].split("-")[0] for name in names} == {package}
