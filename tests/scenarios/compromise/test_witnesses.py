"""He holds all keys of the store `main` and shows one history to some and another to others (SPEC CT-5, section 16).

Two databases forked from one, served by two real stores under one set of TUF keys. Each is whole in itself, so nobody
who sees one alone can tell; who compares what two have seen holds a proof.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from sealring_server.clock import system_clock
from sealring_server.command.given import Outside
from sealring_server.command.main import run
from sealring_server.making import TufPinned
from tests.hostile import over_http
from tests.scenarios.compromise.stage import Devices, Play, Stage, publish_in
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of, line
from tests.stores import RunningStore


@dataclass(frozen=True)
class Done:
    """What `sealring-store audit` said."""

    code: int
    out: str
    err: str


def command(*words: str | Path) -> Done:
    """`sealring-store audit` as a witness runs it."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(["audit", *map(str, words)], Outside(system_clock, str))
    return Done(code, out.getvalue(), err.getvalue())


class Split:
    """The two histories; `a` releases revision 3 of acme/tool, `b` hides it and has one of evil/gadget."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder = stage, folder
        self.stores: list[RunningStore] = []
        self.pin = stage.main.store.pin[1]

    def begin(self) -> None:
        """Fork the database, and serve both."""
        for name, package, number in (("a", "acme/tool", 3), ("b", "evil/gadget", 2)):
            folder = self.folder / name
            shutil.copytree(self.stage.main.today, folder)
            image = image_of(f"{package.partition('/')[2]} {number}")
            publish_in(folder, self.stage.software(package, number, issued=self.stage.at), [image], self.stage.at)
            self.stores.append(RunningStore(self.stage.world, folder, TufPinned(*self.stage.main.store.pin)).start())

    def audit(self, which: int, state: Path) -> Done:
        """One of the two, by the witness with this state."""
        return command(self.stores[which].url, "--state", state, "--tuf-root", self.pin, "--json")

    def show(self, play: Play, which: int) -> Path:
        """A device refreshes from one of the two; its folder of the store."""
        self.stage.main.line.upstream = over_http(self.stores[which].url)
        self.stage.main.line.change = None
        report = play.refresh()
        assert line(report, "acme/main").word == "fresh", report
        return play.rig.folder / "stores" / "acme" / "main"

    def end(self) -> None:
        """Stop the stores."""
        for store in self.stores:
            store.stop()
            store.kill()


@pytest.fixture(scope="module")
def split(theatre: tuple[Stage, Devices], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Split]:
    """Both stores are served."""
    found = Split(theatre[0], tmp_path_factory.mktemp("split"))
    try:
        found.begin()
        yield found
    finally:
        found.end()


@cell("all store keys", "show two views", says="bounded")
@cell("the store's machine", "show two views", says="bounded")
@pytest.mark.usefixtures("stage")
def test_two_views_are_proven_when_two_compare(theatre: tuple[Stage, Devices], split: Split, tmp_path: Path) -> None:
    """CT-3, CT-5: neither witness and neither device finds anything; any two of them from different sides do."""
    states = [tmp_path / "witness-a", tmp_path / "witness-b"]
    with theatre[1].new("today") as one, theatre[1].new("today") as other:
        devices = [split.show(one, 0), split.show(other, 1)]
        assert [play.runs()[1] for play in (one, other)] == ["tool 3", "tool 2"]
        assert [split.audit(which, state).code for which, state in enumerate(states)] == [0, 0]
        seen = [state / "observation.bundle" for state in states]
        assert command("compare", seen[0], devices[0]).code == 0
        for number, pair in enumerate(((seen[0], seen[1]), (devices[0], devices[1]), (seen[0], devices[1]))):
            kept = tmp_path / f"evidence-{number}"
            done = command("compare", *pair, "--state", states[1], "--evidence", kept, "--json")
            assert (done.code, json.loads(done.err)["rule"]) == (25, "CT-5")
            verdict = json.loads(command("verify", kept, "--tuf-root", split.pin, "--json").out)
            assert (verdict["rule"], verdict["signed"]) == ("CT-3", True)
            assert verdict["tuf_root"]["sha256"] == split.pin
    # What an observer saw stands for ever against what others are shown since.
    for number in (4, 5):
        software = split.stage.software("acme/tool", number, issued=split.stage.at)
        split.stores[1].publish(software, [image_of(f"tool {number}")])
    assert split.audit(1, states[1]).code == 0
    for way in (["--state", str(states[1])], ["--url", split.stores[1].url]):
        kept = tmp_path / f"later{way[0]}"
        assert command("compare", *seen, "--evidence", kept, *way).code == 25
        assert command("verify", kept, "--tuf-root", split.pin).code == 0


@cell("all store keys", "show two views", says="bounded")
@cell("the store's machine", "show two views", says="bounded")
def test_a_witness_to_whom_both_are_shown_has_the_proof_at_once(split: Split, tmp_path: Path) -> None:
    """CT-3: the store can't change what it shows a witness without leaving him a proof."""
    state = tmp_path / "witness"
    assert split.audit(0, state).code == 0
    done = split.audit(1, state)
    assert (done.code, json.loads(done.err)["rule"]) == (25, "CT-3")
    (kept,) = (state / "evidence").iterdir()
    found = command("verify", kept, "--tuf-root", split.pin)
    assert found.code == 0
    assert found.out.startswith("proven [CT-3]: ")
