"""The stop-switch's own state: `stopped.json`, the order of the links, and no way back."""

import os
from pathlib import Path

import pytest

from sealring_client.apply.generations import Generations, Recovered
from sealring_client.failures import load_failures
from sealring_client.part import Part
from sealring_client.stopped import load_stopped, save_stopped


def part(letter: str, package: str = "acme/tool") -> Part:
    return Part(package, 1, "amd64", "1.1", letter * 64, 10, "1" * 64, "2" * 64)


def test_what_is_stopped_is_remembered_and_nothing_is_written_for_nothing(tmp_path: Path) -> None:
    """SPEC RK-6."""
    save_stopped(tmp_path, [])
    assert list(tmp_path.iterdir()) == []
    save_stopped(tmp_path, [part("a"), part("b", "acme/base")])
    assert load_stopped(tmp_path) == {"acme/base": part("b", "acme/base"), "acme/tool": part("a")}
    before = (tmp_path / "stopped.json").stat().st_mtime_ns
    save_stopped(tmp_path, [part("b", "acme/base"), part("a")])
    assert (tmp_path / "stopped.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"format":1,"stopped":[{"package":"acme/tool"}]}', b'{"format":2,"stopped":[]}']
)
def test_rot_in_what_only_helps_stops_no_device(raw: bytes, tmp_path: Path) -> None:
    """SPEC DV-13: one bad block of flash must not be the last update that there was."""
    (tmp_path / "stopped.json").write_bytes(raw)
    (tmp_path / "failures.json").write_bytes(raw)
    assert (load_stopped(tmp_path), load_failures(tmp_path)) == ({}, {})
    save_stopped(tmp_path, [part("a")])
    assert load_stopped(tmp_path).keys() == {part("a").package}


def test_a_replacement_is_good_before_it_is_current(tmp_path: Path) -> None:
    """SPEC RK-6, GN-3: broken off in between, the next start goes on to it and not back."""
    generations = Generations(tmp_path)
    old = generations.stage([part("a"), part("b", "acme/base")])
    generations.try_(old)
    generations.commit(old)
    new = generations.stage([part("b", "acme/base")])
    generations.replace(new)
    assert (generations.current(), generations.good(), generations.previous_good()) == (new, new, old)
    os.unlink(tmp_path / "current")
    os.symlink(f"generations/{old}", tmp_path / "current")
    assert generations.recover() == Recovered(new, old)
    generations.forget(old)
    assert (generations.current(), generations.previous_good(), generations.numbers()) == (new, None, [new])


def test_a_generation_may_be_empty(tmp_path: Path) -> None:
    """SPEC RK-6: where all that ran was stopped."""
    generations = Generations(tmp_path)
    number = generations.stage([])
    generations.replace(number)
    assert generations.parts(number) == ()
