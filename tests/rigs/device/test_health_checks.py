"""Health checks of a hostile publisher, run for real from a mounted image."""

import contextlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sealring_client.apply.health import (
    FIRST_USER,
    TAIL,
    USERS,
    CheckFailed,
    CheckTimedOut,
    OutsideImage,
    Unhealthy,
    run_check,
)
from sealring_client.apply.mount import mount_image
from tests.rigs.device.conftest import MakeImage

Run = Callable[..., tuple[float, bytes]]
PACKAGE = "acme/tool"
PYTHON = "#!/usr/bin/python3 -IS\n"


@pytest.fixture
def run(make_image: MakeImage, open_folder: Path) -> Run:
    def run_script(script: str, *arguments: str, seconds: float = 10, **more: str) -> tuple[float, bytes]:
        image, digest = make_image({"bin/check": script, **more})
        at = open_folder / digest
        mount_image(image, at, digest=digest)
        healthy = run_check(at, ["bin/check", *arguments], seconds, package=PACKAGE)
        return healthy.seconds, healthy.output

    return run_script


def alive(mark: str) -> list[str]:
    """Command lines of the processes that have this word in theirs; a dead one that nobody has buried has none."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.append(file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return [line for line in found if mark in line]


def test_a_good_check_sees_nothing_of_the_device(run: Run) -> None:
    """SPEC HC-2: unprivileged, minimal environment, no input, nothing inherited."""
    script = "#!/bin/sh\nenv | sort; id; pwd; cat; ls /proc/self/fd; grep NoNewPrivs /proc/self/status; ulimit -c"
    _, output = run(script + '; echo "$@"', "one", "two words")
    lines = output.decode().splitlines()
    environment = {line.split("=")[0]: line for line in lines if "=" in line and not line.startswith("uid")}
    assert set(environment) == {"HOME", "LANG", "PATH", "PWD", "SEALRING_PACKAGE"}
    assert environment["SEALRING_PACKAGE"] == f"SEALRING_PACKAGE={PACKAGE}"
    assert environment["HOME"] == "HOME=/nonexistent"
    identity = next(line for line in lines if line.startswith("uid"))
    found = re.fullmatch(r"uid=(\d+) gid=(\d+) groups=(\d+)", identity)
    assert found is not None, identity
    assert all(FIRST_USER <= int(number) < FIRST_USER + USERS for number in found.groups())
    assert lines[lines.index("0") : lines.index("0") + 4] == ["0", "1", "2", "3"]  # 3 is the folder that ls reads
    assert "NoNewPrivs:\t1" in lines
    assert lines[-2:] == ["0", "one two words"]


def test_another_exit_code_is_unhealthy_with_what_it_said(run: Run) -> None:
    """SPEC HC-1."""
    with pytest.raises(CheckFailed) as caught:
        run("#!/bin/sh\necho cannot open the '\\033[31m' database >&2; exit 3")
    assert (caught.value.code, caught.value.exit_code, caught.value.rule) == (3, 27, "HC-1")
    assert str(caught.value).endswith("it said: cannot open the ?[31m database")


def test_a_signal_is_a_failure(run: Run) -> None:
    with pytest.raises(CheckFailed) as caught:
        run("#!/bin/sh\nkill -SEGV $$")
    assert caught.value.code == 128 + 11


HANGS = {
    "hangs": "#!/bin/sh\nexec -a {mark} sleep 100",
    "ignores signals": "#!/bin/bash\ntrap '' TERM INT HUP\nwhile :; do exec -a {mark} sleep 100; done",
    "forks": "#!/bin/bash\nfor i in 1 2 3; do (exec -a {mark} sleep 100) & done; wait",
    "leaves the session": "#!/bin/bash\nfor i in 1 2 3; do setsid bash -c 'exec -a {mark} sleep 100' & done; wait",
    "closes its output": "#!/bin/bash\nexec >&- 2>&-; exec -a {mark} sleep 100",
}


@pytest.mark.timeout(30)  # what hangs, hangs for 100 seconds
@pytest.mark.parametrize("script", [pytest.param(text, id=name) for name, text in HANGS.items()])
def test_a_check_that_hangs_is_killed_with_all_it_started(script: str, run: Run) -> None:
    """SPEC HC-1: in time, and nothing of it lives on."""
    mark = f"hanging-{os.getpid()}-{time.monotonic_ns()}"
    with pytest.raises(CheckTimedOut) as caught:
        run(script.replace("#!/bin/sh", "#!/bin/bash").format(mark=mark), seconds=0.5)
    assert caught.value.exit_code == 27
    assert alive(mark) == []


def test_what_a_good_check_leaves_running_is_killed(run: Run) -> None:
    """SPEC HC-1: a daemon left behind would hold the image, and run unseen."""
    mark = f"left-{os.getpid()}"
    run(f"#!/bin/bash\nsetsid bash -c 'exec -a {mark} sleep 100' & sleep 0.1; exit 0")
    assert alive(mark) == []


def test_a_flood_of_output_costs_no_memory_and_ends_in_time(run: Run) -> None:
    """SPEC HC-2."""
    with pytest.raises(CheckTimedOut) as caught:
        run("#!/bin/sh\nexec yes", seconds=0.7)
    assert len(caught.value.output) == TAIL
    _, output = run("#!/bin/sh\nhead -c 300000 /dev/zero; echo end")
    assert len(output) == TAIL
    assert output.endswith(b"\0end\n")


def test_a_fork_bomb_ends(run: Run, open_folder: Path) -> None:
    """SPEC HC-1, HC-2: the user's processes are counted, and all of them die."""
    with pytest.raises(Unhealthy):
        run(f"{PYTHON}import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n", seconds=1)
    assert alive(str(open_folder)) == []


LARGE_FILE = """#!/bin/sh
file=/tmp/sealring-rig-$$
head -c 20000000 /dev/zero > $file; code=$?
rm $file; exit $code
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(f"{PYTHON}x = bytearray(1200 * 2**20)", id="memory"),
        pytest.param(
            "#!/bin/sh\nhead -c 20000000 /dev/zero > /tmp/sealring-rig-$$; s=$?; rm /tmp/sealring-rig-$$; exit $s",
            id="file",
        ),
        pytest.param("#!/bin/sh\necho x > ../written", id="state folder"),
        pytest.param("#!/nonexistent/interpreter\n", id="no interpreter"),
    ],
)
def test_a_check_that_wants_too_much_fails(script: str, run: Run) -> None:
    """SPEC HC-2."""
    with pytest.raises(CheckFailed):
        run(script)


@pytest.mark.parametrize(
    "named", ["/bin/true", "../bin/true", "bin/../../true", "absolute", "climbs", "circle", "folder/up/bin/true",
              "none", "bin", "", "bin/check\0x"],
)  # fmt: skip
def test_a_program_outside_the_image_is_never_run(named: str, make_image: MakeImage, open_folder: Path) -> None:
    """SPEC HC-3: the publisher's own links are the way out that it would take."""
    image, digest = make_image({
        "bin/check": "#!/bin/sh\n",
        "absolute": "->/bin/true",
        "climbs": "->../../../../../bin/true",
        "circle": "->circle",
        "folder/up": "->../../../../../..",
    })  # fmt: skip
    mount_image(image, open_folder / "at", digest=digest)
    with pytest.raises(OutsideImage) as caught:
        run_check(open_folder / "at", [named], 5, package=PACKAGE)
    assert (caught.value.rule, caught.value.exit_code) == ("HC-3", 27)


def test_no_command_at_all_is_refused(open_folder: Path) -> None:
    with pytest.raises(OutsideImage):
        run_check(open_folder, [], 5, package=PACKAGE)


def test_links_inside_the_image_are_fine(open_folder: Path, make_image: MakeImage) -> None:
    image, digest = make_image({"bin/real": "#!/bin/sh\nexit 0\n", "check": "->bin/real"})
    mount_image(image, open_folder / "mounted", digest=digest)
    (open_folder / "link").symlink_to("mounted")
    assert run_check(open_folder / "link", ["check"], 5, package=PACKAGE).output == b""


def test_a_check_runs_where_other_users_can_t_come(run: Run, open_folder: Path) -> None:
    """SPEC HC-2: the folders above the image may be closed to all but root; the check starts inside."""
    open_folder.chmod(0o700)
    _, output = run("#!/bin/sh\ncat data && bin/other\n", data="here", **{"bin/other": "#!/bin/sh\necho and there\n"})
    assert output == b"hereand there\n"
