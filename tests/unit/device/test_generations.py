"""Generations move as a whole, and the start repairs what a trial left."""

import json
import os
from pathlib import Path

import pytest

from sealring_client.apply.generation_file import Damaged, encode, parse
from sealring_client.apply.generations import Generations, Recovered
from sealring_client.apply.images import ImageStore
from sealring_client.apply.mount import CannotUnmount
from sealring_client.part import Part


def part(letter: str, revision: int = 1, package: str = "acme/tool") -> Part:
    return Part(package, revision, "amd64", f"1.{revision}", letter * 64, 10, "1" * 64, "2" * 64)


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    return Generations(tmp_path)


def commit(generations: Generations, *parts: Part) -> int:
    number = generations.stage(parts)
    generations.try_(number)
    generations.commit(number)
    return number


def everything(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        kind = os.readlink(path) if path.is_symlink() else "folder" if path.is_dir() else path.read_text()
        found[str(path.relative_to(folder))] = kind
    return found


def test_a_staged_generation_is_complete_and_nothing_points_at_it(generations: Generations, tmp_path: Path) -> None:
    """SPEC GN-1."""
    parts = (part("b", package="zeta/x"), part("a"), part("c", package="acme/other"))
    assert generations.stage(parts) == 1
    assert os.listdir(tmp_path) == ["generations"]
    assert os.listdir(tmp_path / "generations") == ["1"]
    assert generations.parts(1) == tuple(sorted(parts))
    (tmp_path / "mounts" / ("a" * 64)).mkdir(parents=True)
    link = tmp_path / "generations" / "1" / "acme" / "tool"
    assert link.resolve() == generations.mount_point(part("a")) == tmp_path / "mounts" / ("a" * 64)
    assert (generations.current(), generations.good(), generations.previous_good()) == (None, None, None)


def test_a_package_is_there_once(generations: Generations) -> None:
    with pytest.raises(ValueError, match="once"):
        generations.stage([part("a"), part("b")])


def test_the_way_of_two_generations_and_back(generations: Generations) -> None:
    """SPEC GN-2: what a rollback finds is the newest committed one before the current."""
    assert commit(generations, part("a")) == 1
    assert generations.previous_good() is None
    assert commit(generations, part("b", 2)) == 2
    failed = generations.stage([part("c", 3)])
    generations.try_(failed)
    assert (generations.current(), generations.good(), generations.previous_good()) == (3, 2, 1)
    assert generations.back() == 2
    assert commit(generations, part("d", 4)) == 4
    assert generations.previous_good() == 2  # not 3: it never was good
    generations.try_(2)
    generations.commit(2)
    assert (generations.current(), generations.good(), generations.previous_good()) == (2, 2, 1)


def test_only_what_runs_can_be_committed(generations: Generations) -> None:
    commit(generations, part("a"))
    other = generations.stage([part("b")])
    with pytest.raises(ValueError, match="what runs"):
        generations.commit(other)
    assert generations.good() == 1


def test_interrupted_trial_is_undone_at_the_next_start(generations: Generations) -> None:
    """SPEC GN-3: a reboot in a trial is what a bad update looks like."""
    commit(generations, part("a"))
    generations.try_(generations.stage([part("b")]))
    assert generations.recover() == Recovered(current=1, undone=2)
    assert generations.recover() == Recovered(current=1, undone=None)


def test_interrupted_first_trial_leaves_nothing_running(generations: Generations) -> None:
    """SPEC GN-3."""
    generations.try_(generations.stage([part("a")]))
    assert generations.recover() == Recovered(current=None, undone=1)
    assert generations.current() is None


def test_recovery_of_a_sound_state_changes_nothing(generations: Generations, tmp_path: Path) -> None:
    assert generations.recover() == Recovered(None, None)
    commit(generations, part("a"))
    before = everything(tmp_path)
    assert generations.recover() == Recovered(1, None)
    assert everything(tmp_path) == before


def test_leftovers_are_deleted_and_links_in_them_not_followed(generations: Generations, tmp_path: Path) -> None:
    commit(generations, part("a"))
    before = everything(tmp_path / "generations")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_bytes(b"")
    for name in (".new", ".gone-7"):
        (tmp_path / "generations" / name / "acme").mkdir(parents=True)
        (tmp_path / "generations" / name / "acme" / "tool").symlink_to(tmp_path / "precious")
    generations.recover()
    assert everything(tmp_path / "generations") == before
    assert (tmp_path / "precious" / "file").exists()


def test_current_that_is_no_link_of_ours_goes_back_to_good(generations: Generations, tmp_path: Path) -> None:
    commit(generations, part("a"))
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("../../elsewhere")
    with pytest.raises(Damaged):
        generations.current()
    assert generations.recover() == Recovered(1, None)
    assert generations.current() == 1


def test_an_incomplete_generation_is_never_tried(generations: Generations, tmp_path: Path) -> None:
    commit(generations, part("a"))
    (tmp_path / "generations" / "2").mkdir()
    with pytest.raises(Damaged):
        generations.try_(2)
    assert generations.current() == 1


def test_collection_keeps_current_good_and_previous(generations: Generations, tmp_path: Path) -> None:
    """SPEC GN-4."""
    images = ImageStore(tmp_path / "images")
    images.folder.mkdir()
    for letter in "abcdef":
        (images.folder / (letter * 64)).write_bytes(b"")
        (tmp_path / "mounts" / (letter * 64)).mkdir(parents=True)
    for letter in "abc":
        commit(generations, part(letter))
    generations.stage([part("d")])
    generations.try_(generations.stage([part("e")]))
    gone = []

    def unmount(at: Path) -> None:
        gone.append(at.name[0])
        at.rmdir()

    deleted = generations.collect(images, unmount=unmount)
    assert [digest[0] for digest in deleted] == gone == ["a", "d", "f"]
    assert generations.numbers() == [2, 3, 5]
    assert [digest[0] for digest in images.digests()] == ["b", "c", "e"]
    assert os.listdir(tmp_path / "generations").count(".gone-1") == 0


def test_what_a_program_runs_from_is_collected_later(generations: Generations, tmp_path: Path) -> None:
    images = ImageStore(tmp_path / "images")
    images.folder.mkdir()
    (tmp_path / "mounts" / ("a" * 64)).mkdir(parents=True)
    for letter in "abc":
        (images.folder / (letter * 64)).write_bytes(b"")

    def busy(at: Path) -> None:
        raise CannotUnmount(at, "target is busy")

    assert generations.collect(images, keep=["b" * 64], unmount=busy) == ("c" * 64,)
    assert [digest[0] for digest in images.digests()] == ["a", "b"]


RAW = encode(3, (part("a"), part("b", package="acme/other")))


def test_the_file_reads_back_and_is_json() -> None:
    parts = (part("a"), part("b", package="acme/other"))
    assert parse(RAW, 3, Path("g")) == parts
    assert json.loads(RAW)["format"] == 1
    assert list(json.loads(RAW)) == ["format", "generation", "parts", "check"]


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        pytest.param(b"", 3, id="empty"),
        pytest.param(RAW[:-1], 3, id="cut"),
        pytest.param(RAW, 4, id="another number"),
        pytest.param(RAW.replace(b"amd64", b"arm64", 1), 3, id="edited"),
        pytest.param(RAW + b"\n", 3, id="trailing"),
        pytest.param(b"\0" * len(RAW), 3, id="zeros after a power cut"),
    ],
)
def test_a_damaged_file_is_refused(raw: bytes, number: int) -> None:
    with pytest.raises(Damaged):
        parse(raw, number, Path("generation.json"))


@pytest.mark.parametrize(
    "member",
    [
        {"package": "../x"},
        {"package": "acme/.."},
        {"package": "acme"},
        {"sha256": "../" * 10},
        {"sha256": "A" * 64},
        {"revision": -1},
        {"revision": True},
        {"size": "1"},
        {"version": "a\nb"},
        {"release": ""},
    ],
)
def test_a_part_that_leads_out_of_its_folder_can_not_be_made(member: dict[str, object]) -> None:
    members: dict[str, object] = json.loads(encode(1, (part("a"),)))["parts"][0]
    with pytest.raises(ValueError, match="bounds"):
        Part(**{**members, **member})  # type: ignore[arg-type]
