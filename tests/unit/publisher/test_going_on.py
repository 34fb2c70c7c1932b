"""Whatever breaks off, the publication goes on where it was, and its receipt is proved (SPEC PB-8, PB-11)."""

import json
import signal
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.publisher.conftest import Scene

MEGABYTE = 1_000_000
LARGE = 8 * MEGABYTE
Spoil = Callable[[Path], object]


def image(number: int, size: int = LARGE) -> bytes:
    """Bytes that no other test has."""
    return b"%032d" % number * (size // 32)


def proved(out: str) -> list[str]:
    """The subjects that the receipt proved, with the store's signatures."""
    said = json.loads(out)
    assert said["signatures_checked"] is True
    return [each["subject"] for each in said["published"]]


def test_a_line_that_is_cut_again_and_again_gets_an_image_through(scene: Scene) -> None:
    """SPEC PB-11: no connection lives for a whole image; without going on from where it was it would never end."""
    arguments = scene.written(2, image(2))
    scene.line.limit = 3 * MEGABYTE
    code, out, err = scene.publish(*arguments)
    assert (code, err) == (0, "")
    assert proved(out) == [f"acme/{scene.package}/2/amd64", f"acme/{scene.package}/latest/stable"]
    assert scene.line.cuts >= 2
    assert scene.line.sent < LARGE + (scene.line.cuts + 1) * MEGABYTE, "only what was lost is sent again"
    assert scene.slept
    assert max(scene.slept) < 1, "each cut brought it further, so no pause grows"
    assert scene.kept == []


def test_several_images_go_side_by_side_over_such_a_line(scene: Scene) -> None:
    """SPEC PB-11: four connections for seven images, and each is cut in its own place."""
    files = scene.several("side", [image(100 + number, 2 * MEGABYTE) for number in range(7)])
    scene.line.limit = 1_300_000
    code, out, err = scene.publish(*files)
    assert (code, err) == (0, "")
    assert len(proved(out)) == 14
    assert scene.line.cuts >= 7


def test_a_publisher_that_was_killed_goes_on_where_it_was(scene: Scene) -> None:
    """SPEC PB-11: SIGKILL midway; the next run sends the rest only. Nobody else can read what it kept meanwhile."""
    arguments = scene.written(3, image(3))
    scene.line.hold = 5 * MEGABYTE
    process = scene.start(*arguments)
    assert scene.line.held.wait(15)
    process.kill()
    said = "".join(process.communicate(timeout=20))
    (kept,) = scene.kept
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    token = json.loads(kept.read_text())["publication"]
    assert token not in said
    scene.line.cut_all()
    scene.line.hold, before = 0, scene.line.sent
    code, out, err = scene.publish(*arguments)
    assert (code, err) == (0, "")
    assert token not in out
    assert len(proved(out)) == 2
    assert scene.line.sent - before < LARGE - 3 * MEGABYTE
    assert scene.kept == []
    assert scene.newest() == 3


def test_ctrl_c_says_that_the_same_command_goes_on(scene: Scene) -> None:
    """SPEC PB-11, exit 130: four uploads are under way, and all of them end at once."""
    files = scene.several("stop", [image(200 + number, 3 * MEGABYTE) for number in range(5)])
    scene.line.hold = 4 * MEGABYTE
    process = scene.start(*files)
    assert scene.line.held.wait(15)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    said = json.loads(err)
    assert said["message"].startswith("interrupted: nothing of this publication is to be seen")
    assert said["hint"] == "the same command goes on from here; the store keeps what it got for a day"
    scene.line.cut_all()
    scene.line.hold, before = 0, scene.line.sent
    code, out, _ = scene.publish(*files)
    assert code == 0
    assert len(proved(out)) == 10
    assert scene.line.sent - before < 13 * MEGABYTE


def test_a_store_that_was_killed_and_serves_again_has_what_it_said(scene: Scene) -> None:
    """SPEC PB-11: power is cut at the store; the publisher asks how much is there, and goes on."""
    arguments = scene.written(4, image(4))
    scene.line.hold = 4 * MEGABYTE

    def restart() -> None:
        assert scene.line.held.wait(15)
        port = scene.store.port
        scene.store.kill()
        scene.line.hold = 0
        scene.line.cut_all()
        scene.store.start(port=port)

    thread = threading.Thread(target=restart)
    thread.start()
    process = scene.start(*arguments)
    out, err = process.communicate(timeout=90)
    thread.join(60)
    assert (process.returncode, err) == (0, "")
    assert len(proved(out)) == 2


def test_a_lost_answer_to_the_last_step_is_asked_for_again(scene: Scene) -> None:
    """SPEC PB-8: it was published, and the publisher does not know: the same again is no news, and proved."""
    arguments = scene.written(5, image(5, 64))
    first = scene.publish(*arguments)
    again = scene.publish(*arguments)
    assert (first[0], again[0]) == (0, 0)
    assert json.loads(first[1])["published"] == json.loads(again[1])["published"]
    assert scene.kept == []


@pytest.mark.parametrize(
    ("number", "spoil"),
    [
        pytest.param(
            61, lambda path: path.write_bytes(b'{"publication":"' + b"f" * 64 + b'","missing":[]}'), id="ended"
        ),
        pytest.param(62, lambda path: path.write_bytes(b"{"), id="damaged"),
        pytest.param(63, lambda path: path.chmod(0o644), id="readable by others"),
        pytest.param(64, lambda path: (path.unlink(), path.symlink_to("/dev/null")), id="a link"),
    ],
)
def test_what_is_kept_and_can_not_be_used_counts_as_nothing(scene: Scene, number: int, spoil: Spoil) -> None:
    """SPEC PB-11, PB-7: a token is a help; whatever became of it, the publication begins again and is proved."""
    arguments = scene.written(1, image(number, 4 * MEGABYTE), f"spoilt-{number}")
    scene.line.hold = 2 * MEGABYTE
    process = scene.start(*arguments)
    assert scene.line.held.wait(15)
    process.kill()
    process.communicate(timeout=20)
    spoil(scene.kept[0])
    scene.line.cut_all()
    scene.line.hold = 0
    code, out, err = scene.publish(*arguments)
    assert (code, err) == (0, "")
    assert len(proved(out)) == 2


def test_two_runs_of_one_command_do_not_take_each_others_token(scene: Scene) -> None:
    """SPEC PB-11: impatient, a person starts it twice: the second begins on its own, and both are proved."""
    arguments = scene.written(7, image(7, 4 * MEGABYTE))
    scene.line.hold = 2 * MEGABYTE
    first = scene.start(*arguments)
    assert scene.line.held.wait(15)
    code, out, err = scene.publish(*arguments, url=scene.store.url)
    assert (code, err) == (0, "")
    scene.line.hold = 0
    scene.line.cut_all()
    out, err = first.communicate(timeout=60)
    assert (first.returncode, err) == (0, "")
    assert len(proved(out)) == 2


def test_the_command_is_a_program_that_needs_no_home(scene: Scene) -> None:
    """Where nothing can be kept it works all the same: a build machine's user may have no folder."""
    arguments = scene.written(8, image(8, 64))
    (scene.folder / "state").write_text("no folder")
    done = subprocess.run(scene.start(*arguments).args, capture_output=True, text=True, timeout=60, env={}, check=False)
    assert done.returncode == 0, done.stderr
