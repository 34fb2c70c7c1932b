"""Durable writes, links, the lock and the room that is left."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sealring_client.disk import (
    Busy,
    DiskError,
    NoSpace,
    check_space,
    lock,
    make_folder_durably,
    remove_durably,
    replace_link,
    write_durably,
)


def test_new_bytes_replace_old_ones_and_nothing_else_is_left(tmp_path: Path) -> None:
    """SPEC DK-1."""
    path = tmp_path / "state.json"
    write_durably(path, b"old", 0o600)
    write_durably(path, b"new" * 100_000, 0o640)
    assert path.read_bytes() == b"new" * 100_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["state.json"]


def test_what_a_killed_writer_left_does_not_pile_up(tmp_path: Path) -> None:
    (tmp_path / ".state.json.new").write_bytes(b"half")
    write_durably(tmp_path / "state.json", b"whole")
    assert os.listdir(tmp_path) == ["state.json"]


def test_a_link_under_the_temporary_name_leads_no_write_elsewhere(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / ".state.json.new").symlink_to(victim)
    with pytest.raises(DiskError):
        write_durably(tmp_path / "state.json", b"theirs")
    assert victim.read_bytes() == b"mine"


def test_failed_write_leaves_the_old_and_no_leftover(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    (path / "x").mkdir(parents=True)
    with pytest.raises(DiskError) as caught:
        write_durably(path, b"new")
    assert caught.value.path == path
    assert caught.value.exit_code == 12
    assert os.listdir(tmp_path) == ["state.json"]


def test_missing_folder_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(DiskError):
        write_durably(tmp_path / "no" / "state.json", b"")


def test_a_link_is_switched_whatever_was_left_of_an_earlier_try(tmp_path: Path) -> None:
    replace_link(tmp_path / "current", "generations/1")
    (tmp_path / ".current.new").symlink_to("rubbish")
    replace_link(tmp_path / "current", "generations/2")
    assert os.readlink(tmp_path / "current") == "generations/2"
    assert os.listdir(tmp_path) == ["current"]
    remove_durably(tmp_path / "current")
    remove_durably(tmp_path / "current")
    assert os.listdir(tmp_path) == []


def test_folders_are_made_with_all_above_them(tmp_path: Path) -> None:
    make_folder_durably(tmp_path / "a" / "b" / "c")
    make_folder_durably(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DiskError):
        make_folder_durably(tmp_path / "file" / "c")


def test_second_holder_of_the_lock_is_told_at_once(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from sealring_client.disk import lock\n"
    program += "with lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Busy) as caught:
            with lock(tmp_path):
                pass
        assert caught.value.exit_code == 13
        other.kill()
    with lock(tmp_path):  # the kernel lets go of what the killed process held
        pass


def test_space_is_counted_with_a_reserve(tmp_path: Path) -> None:
    check_space(tmp_path, 4096, reserve=0)
    check_space(tmp_path, -1)
    with pytest.raises(NoSpace) as caught:
        check_space(tmp_path, 2**60)
    assert caught.value.needed > 2**60
    assert 0 < caught.value.found < 2**60
    assert caught.value.exit_code == 12
