"""Commands of a real device against a real store, broken off at one system call, and what has to hold afterwards.

The oracle has code of its own wherever that is short: what the device says of itself is not asked for proof.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from msgspec import UNSET

from sealring.bundle import StatementEntry, write_bundle
from sealring.envelope import Envelope
from sealring.statement.fleet import Wanted
from sealring.statement.software import Health
from sealring_client.apply import mount
from sealring_client.command.main import main
from sealring_client.decide.state import TrustState, load_trust
from sealring_client.decide.trusted import Trusted
from sealring_client.device_file import load_device
from sealring_client.fetch.fetcher import Fetcher
from sealring_client.outside import Fetches
from sealring_client.refresh import refresh
from sealring_server.making import TufPinned
from tests.rigs.device.strace import IN_TOOL, TOOL_FAULTS, NotStruck, Point, Ran, points_of, strike
from tests.scenarios.devices import Rig, image_of, now
from tests.stores import RunningStore, make_folder
from tests.world import World

PACKAGES = ("base", "tool")  # the second one has a health check
TRIES = 4  # for a fault to strike where it should
Software = Mapping[str, int]  # package: revision
Third = Literal["healthy", "unhealthy", "stopping"]


def both(number: int) -> dict[str, int]:
    return {f"acme/{name}": number for name in PACKAGES}


def text_of(name: str, number: int) -> str:
    return f"{name}-{number}"


@dataclass(frozen=True)
class Left:
    """What a broken command left (`old`, `new`, or a `trial` that did not end), its exit code, what a replay met."""

    found: str
    code: int
    replay: str


class Stage:
    """A store at its third catalogue, its own past at the first, and devices to be copied from.

    Args:
        third: what the third catalogue brings: a release that passes its health check or does not, or a list that
            stops what runs.
    """

    def __init__(self, strace: Path, folder: Path, *, third: Third = "healthy") -> None:
        self.strace, self.folder, self.third = strace, folder, third
        self.world = World(at=now())
        self.store = make_folder(self.world, folder / "store")
        self.past = RunningStore(self.world, folder / "past", TufPinned(*self.store.pin))
        self.images: dict[str, tuple[str, int]] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator["Stage"]:
        """Both stores are up until the block ends."""
        try:
            self._make()
            yield self
        finally:
            for store in (self.store, self.past):
                if store.process is not None:
                    store.stop()
                    store.kill()
            take_down(self.folder)

    def _make(self) -> None:
        self.folder.chmod(0o755)
        old = Rig(self.folder / "old", now())
        self.store.start()
        self.first = [
            self.world.signed(self.world.brand()),
            self.world.signed(self.world.model(packages=self._wanted())),
            self.world.signed(self.world.store(self.store.url, self.store.pin)),
        ]
        self._publish(1, self.first)
        old.provision(self.world.root, self.first)
        assert old.refresh().outcome == "installed"
        self.store.stop()
        shutil.copytree(self.store.folder, self.past.folder, symlinks=True)
        self.store.start(port=self.store.port)
        self.past.start()
        self._publish(2, [])
        old.at = now()
        assert old.refresh().outcome == "installed"
        take_down(old.folder)
        # New keys and a new model in the same update: pass one writes the trust state, step by step.
        root = self.world.signed(self.world.root_statement(sequence=2, root=self.world.root_id))
        model = self.world.signed(self.world.model(sequence=2, packages=self._wanted()))
        if self.third == "stopping":
            stopped = self.world.revocations(1, ("revision acme/tool/2/amd64", "stop"))
            self.store.publish([root, model, self.world.signed(stopped)])
        else:
            self._publish(3, [root, model])
        (self.folder / "root.json").write_bytes(self.world.root.raw)
        (self.folder / "seed").write_bytes(write_bundle([StatementEntry(one.raw) for one in self.first]))
        new = Rig(self.copy("old", self.folder / "new"), now())
        assert [new.refresh().exit_code for _ in range(2)] == [0, 0]
        # Loads all that a command loads: what the first one alone had to compile would shift its points.
        assert tell("status", new.folder)[0] == 0
        take_down(new.folder)
        (self.folder / "none").mkdir()

    def _wanted(self) -> list[Wanted]:
        return [Wanted(f"acme/{name}", "latest/stable", "app", "required") for name in PACKAGES]

    def _publish(self, number: int, more: list[Envelope]) -> None:
        statements, images = list(more), []
        for name in PACKAGES:
            end = "exit 7" if self.third == "unhealthy" and number == 3 else "exit 0"
            image = image_of(text_of(name, number), end)
            self.images[hashlib.sha256(image).hexdigest()] = (f"acme/{name}", number)
            health = Health(["bin/check"], 5, 0) if name == "tool" else UNSET
            statements.append(self.world.signed(self.world.revision(number, image, package=name, health=health)))
            statements.append(self.world.signed(self.world.release(number, package=name)))
            images.append(image)
        self.store.publish(statements, images)

    # --- devices

    def copy(self, template: str, state: Path) -> Path:
        """A device like the template's after a restart: nothing is mounted."""
        shutil.copytree(self.folder / template, state, symlinks=True)
        return state

    @cached_property
    def floors(self) -> dict[str, dict[str, int]]:
        """What each template's device had seen: no later state may be below."""
        return {name: floors_of(self.folder / name) for name in ("old", "new")}

    def connect_past(self, url: str) -> Fetches:
        """The store as it was at its first catalogue, under today's address."""
        return Fetcher(self.past.url if url == self.store.url else url)


@dataclass(frozen=True)
class Command:
    """One command to be broken off, and what may be found afterwards.

    Args:
        template: the device that it begins with.
        before, after: what runs there at first, and at the end; None for nothing.
        arguments: of `sealring-device`, without `--state`.
        tools: calls of the tools that it starts.
        premounted: the release whose images are still mounted.
        trial: what is tried in between.
        third: what the store's third catalogue brings.
        since: the place of the first call at which it is broken off; the first of all where it is empty.
    """

    name: str
    template: str
    before: Software | None
    after: Software
    arguments: tuple[str, ...]
    tools: tuple[str, ...] = ()
    premounted: int = 0
    trial: Software | None = None
    third: Third = "healthy"
    since: str = ""

    def prepare(self, stage: Stage, folder: Path) -> Path:
        folder.mkdir()
        folder.chmod(0o755)
        state = stage.copy(self.template, folder / "state")
        for digest, (_, number) in stage.images.items():
            if number == self.premounted:
                mount.mount_image(state / "images" / digest, state / "mounts" / digest, digest=digest)
        return state

    def argv(self, stage: Stage, state: Path) -> list[str]:
        arguments = [one.format(folder=stage.folder) for one in self.arguments]
        return [sys.executable, "-B", "-m", "sealring_client.command.main", *arguments, "--state", str(state), "--json"]

    def points(self, stage: Stage, folder: Path) -> list[Point]:
        """All points of this command; what the device looks like afterwards is the measure for leftovers."""
        state = self.prepare(stage, folder)
        found = points_of(stage.strace, self.argv(stage, state), state, folder / "log")
        places = [point.place for point in found]
        found = found[places.index(self.since) if self.since else 0 :]
        # Each tool makes its one call, and all of them meet the fault.
        found += [Point(call, 1, IN_TOOL, fault) for call in self.tools for fault in TOOL_FAULTS[call]]
        self.finish(stage, state)
        (stage.folder / f"{self.name}.names").write_text(json.dumps(names_below(state)))
        take_down(folder)
        shutil.rmtree(folder)
        return found

    def interrupt(self, stage: Stage, folder: Path, point: Point) -> Left:
        """Break the command off at this point, and see that everything holds that SPEC promises.

        Raises:
            AssertionError, NotStruck: with the point's words.
        """
        for _ in range(TRIES - 1):
            # How often the interpreter opens files before is not the same each time.
            with contextlib.suppress(NotStruck):
                return self._interrupt(stage, folder, point)
        return self._interrupt(stage, folder, point)

    def _interrupt(self, stage: Stage, folder: Path, point: Point) -> Left:
        state = self.prepare(stage, folder)
        try:
            ran = strike(stage.strace, self.argv(stage, state), state, folder / "log", point)
            assert "Traceback" not in ran.said, ran.said
            left = self._look(stage, folder, state, ran)
            self.finish(stage, state)
            expected = json.loads((stage.folder / f"{self.name}.names").read_text())
            found = names_below(state)
            assert found == expected, sorted(set(found) ^ set(expected))
            return left
        finally:
            take_down(folder)
            shutil.rmtree(folder)

    def _look(self, stage: Stage, folder: Path, state: Path, ran: Ran) -> Left:
        """What was left, before anything is undone or finished."""
        wait_for_orphans(folder)
        found = software_of(stage, state)
        assert found in (self.before, self.after, self.trial), found
        word = "old" if found == self.before else "new"
        if found is not None and os.readlink(state / "current") != os.readlink(state / "good"):
            word = "trial"
        if self.template == "none":
            return Left(word, ran.code, "")
        assert tell("status", state)[0] == 0
        before, held = stage.floors[self.template], floors_of(state)
        assert all(held.get(what, 0) >= floor for what, floor in before.items()), (before, held)
        return Left(word, ran.code, self._replay(stage, folder, state))

    def _replay(self, stage: Stage, folder: Path, state: Path) -> str:
        """After a restart what runs is mounted and works, and the store's own past is refused."""
        side = Rig(folder / "side", now(), {})
        shutil.copytree(state, side.folder, symlinks=True, ignore=lambda at, _: _inside_mounts(state, at))
        outside = side.outside()
        report = refresh(load_device(side.folder), type(outside)(stage.connect_past, *_rest(outside)), apply=True)
        assert [line.word for line in report.stores] == ["refused"], report.as_json()
        found = software_of(stage, side.folder)
        assert found in (self.before, self.after, self.trial), found
        if self.third == "stopping" and "revocations acme/acme" in floors_of(state):
            # RK-6: the list is held, so no store has to be heard for it.
            assert found == self.after, found
        for package, number in (found or {}).items():
            assert side.says(package) == text_of(package.partition("/")[2], number)
        take_down(side.folder)
        shutil.rmtree(side.folder)
        return report.stores[0].refusals[-1].rule

    def finish(self, stage: Stage, state: Path) -> None:
        """The next start without a fault ends well, with nothing left mounted or attached that is not in use."""
        self._again(stage, state)
        code, said = tell("refresh", state)
        assert software_of(stage, state) == self.after, said
        assert os.readlink(state / "current") == os.readlink(state / "good")
        assert code == 0 or self.trial, said
        # Once more in whole: there is nothing left to do.
        assert Rig(state, now()).refresh().outcome == "none"
        for package, number in self.after.items():
            assert Rig(state, now()).says(package) == text_of(package.partition("/")[2], number)
        assert tell("status", state)[0] == 0
        mounted = [path.name for path in mounts_below(state)]
        assert len(mounted) == len(set(mounted)), mounted
        wait_until(lambda: len(loops_below(state)) == len(mounted) or len(squashfuses(state)) > 0)

    def _again(self, stage: Stage, state: Path) -> None:
        """What a person repeats: a provisioning or rollback that did not end. A refresh comes again by itself."""
        if self.arguments[0] == "refresh":
            return
        if self.arguments[0] == "provision" and not (state / "device.json").exists():
            arguments = [one.format(folder=stage.folder) for one in self.arguments[1:]]
            assert tell("provision", state, *arguments)[0] == 0
        elif self.arguments[0] == "rollback":
            assert tell("refresh", state)[0] in (0, 27)
            if software_of(stage, state) != self.after:
                code, said = tell("rollback", state)
                assert code == 0, said


REFRESH = Command("refresh", "old", both(2), both(3), ("refresh",), ("mount", "umount2"), premounted=1)
UNHEALTHY = Command(
    "refresh to an unhealthy release",
    "old",
    both(2),
    {"acme/base": 3, "acme/tool": 2},
    ("refresh",),
    trial=both(3),
    third="unhealthy",
    since="current",
)
STOPPING = Command(
    "refresh that stops what runs",
    "old",
    both(2),
    {"acme/base": 2},
    ("refresh",),
    ("umount2",),
    premounted=2,
    third="stopping",
)
ROLLBACK = Command("rollback", "new", both(3), both(2), ("rollback",), ("mount",), premounted=3)
PROVISION = Command(
    "provision",
    "none",
    None,
    both(3),
    ("provision", "--root", "{folder}/root.json", "--seed", "{folder}/seed", "--model", "acme/door-1"),
)
COMMANDS = (REFRESH, UNHEALTHY, STOPPING, ROLLBACK, PROVISION)


# --- what is seen


def tell(command: str, state: Path, *arguments: str) -> tuple[int, str]:
    """A command of the device without the start of a process: exit code, and what it said."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([command, *arguments, "--state", str(state), "--json"])
    return code, out.getvalue() + err.getvalue()


def software_of(stage: Stage, state: Path) -> dict[str, int] | None:
    """What `current` points at, which has to be whole: each link, and each byte of each image."""
    if not os.path.lexists(state / "current"):
        return None
    target = state / os.readlink(state / "current")
    named = {p["package"]: p["sha256"] for p in json.loads((target / "generation.json").read_text())["parts"]}
    links = {f"{link.parent.name}/{link.name}": os.readlink(link) for link in target.glob("*/*")}
    assert links == {package: f"../../../mounts/{digest}" for package, digest in named.items()}
    for package, digest in named.items():
        assert hashlib.sha256((state / "images" / digest).read_bytes()).hexdigest() == digest
        assert stage.images[digest][0] == package
    return {package: stage.images[digest][1] for package, digest in named.items()}


def floors_of(state: Path) -> dict[str, int]:
    """Every sequence that the device will not go below, from its disk, nothing repaired."""
    held: TrustState = load_trust(state, repair=False)
    trusted = Trusted.begin(load_device(state).anchor, held.statements.values())
    found = {f"{kind} {subject}": one.statement.sequence for (kind, subject), one in trusted.floors.highest.items()}
    found |= {f"brand {name}": one.statement.sequence for name, one in trusted.chain.brands.items()}
    found["root"] = trusted.chain.root.statement.sequence
    for name, seen in held.stores.items():
        found[f"tuf root of {name}"] = seen.root.number
        found[f"catalogue of {name}"] = seen.catalogue.number if seen.catalogue is not None else 0
    return found


def names_below(state: Path) -> list[str]:
    """Every name on the device but those inside mounts; the running generation is called N, the one before it M."""
    current = os.path.basename(os.readlink(state / "current"))
    older = sorted((name for name in os.listdir(state / "generations") if name != current), reverse=True)
    called = {current: "N", **dict(zip(older, ("M", "L"), strict=False))}
    found = []
    for at, folders, files in os.walk(state):
        if _inside_mounts(state, at):
            folders.clear()
            continue
        links = [name for name in folders if os.path.islink(os.path.join(at, name))]
        parts = Path(os.path.relpath(at, state)).parts
        if parts[:1] == ("generations",) and len(parts) > 1:
            parts = ("generations", called.get(parts[1], parts[1]), *parts[2:])
        found += ["/".join((*parts, name)) for name in (*files, *links)] or ["/".join(parts)]
    return sorted(found)


def _inside_mounts(state: Path, at: str) -> list[str]:
    """All names of a folder that is a mount's place (for `copytree` to leave out), else none."""
    return os.listdir(at) if Path(at).parent == state / "mounts" else []


def _rest(outside: Any) -> tuple[Any, Any, Any]:
    return outside.clock, outside.sleep, outside.progress


def mounts_below(folder: Path) -> list[Path]:
    """Mount points below a folder, the last mounted first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [at for line in reversed(lines) if (at := Path(line.split(" ")[4])).is_relative_to(folder)]


def loops_below(folder: Path) -> list[str]:
    """Files below a folder that a loop device holds."""
    found = []
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            found.append(path.read_text().strip())
    return [name for name in found if Path(name).is_relative_to(folder)]


def squashfuses(folder: Path) -> list[int]:
    return [pid for pid, command in _processes(folder) if command.startswith("squashfuse")]


def _processes(folder: Path) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if f"{folder}/" in command:
                yield int(entry.parent.name), command


def wait_for_orphans(folder: Path) -> None:
    """A tool that outlives the command ends by itself; else the next start would race with it."""
    wait_until(lambda: all(command.startswith("squashfuse") for _, command in _processes(folder)))


def wait_until(holds: Any, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not come to an end"
        time.sleep(0.01)


def take_down(folder: Path) -> None:
    """Unmount all below a folder, as a restart does."""
    for at in mounts_below(folder):
        subprocess.run(["umount", str(at)], check=True, capture_output=True)
