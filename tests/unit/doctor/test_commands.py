"""The two commands over folders, bundles and real stores: what they read, what they print, how they end."""

import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from sealring.bundle import StatementEntry, TufEntry, write_bundle
from sealring.command.main import run
from sealring.command.outside import Outside
from sealring.envelope import Envelope
from sealring.names import spell
from tests.stores import RunningStore, now, running_store
from tests.unit.doctor.worlds import RELEASE, WHOLE, WORLD
from tests.world import DAY, NOW, World, sign

AT = ["--at", spell(NOW)]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def sealring(*arguments: str | Path, out: io.StringIO | None = None, at: datetime = NOW) -> tuple[int, str, str]:
    """One run: exit code, stdout, stderr."""
    out, err = out or io.StringIO(), io.StringIO()
    world = Outside(clock=lambda: at, out=out, err=err, interactive=False, color=isinstance(out, Terminal))
    code = run([str(argument) for argument in arguments], world)
    return code, out.getvalue(), err.getvalue()


def told(*arguments: str | Path, at: datetime = NOW) -> tuple[int, dict[str, Any]]:
    """One run with --json: exit code and the object."""
    code, out, err = sealring(*arguments, "--json", at=at)
    assert err == ""
    found: dict[str, Any] = json.loads(out)
    return code, found


def ids(found: dict[str, Any], level: str = "") -> set[str]:
    return {one["id"] for one in found["findings"] if level in ("", one["level"])}


def fill(folder: Path, *envelopes: Envelope) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(envelopes):
        (folder / f"{number}.json").write_bytes(one.raw)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root that the person trusts."""
    path = tmp_path / "root.json"
    path.write_bytes(WORLD.root.raw)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a whole healthy world."""
    return fill(tmp_path / "assertions", *WHOLE)


def test_a_folder_is_read_with_all_that_lies_below(folder: Path, root: Path) -> None:
    """Foreign files, hidden ones and links are passed over; what looks like a statement and is none is said."""
    fill(folder / "deep" / "er", WORLD.signed(WORLD.model("door-2")))
    (folder / "notes.txt").write_text("nothing")
    (folder / ".old.json").write_bytes(b'{"payload":broken')
    (folder / "loop").symlink_to(folder)
    (folder / "broken.json").write_bytes(RELEASE.raw[:-1])
    code, found = told("doctor", folder, "--root", root)
    assert (code, ids(found, "warning")) == (0, {"unread"})
    assert {one["subject"] for one in found["deadlines"] if one["type"] == "model"} == {"acme/door-1", "acme/door-2"}


def test_a_bundle_says_the_same_as_a_folder(folder: Path, root: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "all.bundle"
    bundle.write_bytes(write_bundle([StatementEntry(one.raw) for one in WHOLE]))
    words = [
        [d["subject"] for d in told("doctor", place, "--root", root)[1]["deadlines"]] for place in (folder, bundle)
    ]
    assert words[0] == words[1]


def test_the_object_has_all_that_a_machine_needs(folder: Path, root: Path) -> None:
    """Names and meanings stay: who reads them writes programs."""
    code, found = told("doctor", folder, "--root", root, "--at", "+91d", "--within", "2w")
    assert code == found["exit"] == 22
    assert (found["schema"], found["root"], found["root_version"]) == (1, WORLD.root_id, 1)
    assert (found["at"], found["read"], found["within_seconds"]) == (spell(NOW + 91 * DAY), spell(NOW), 1_209_600)
    first = found["deadlines"][0]
    assert first["state"] == "ended"
    assert first["stops"] == ["devices of acme/door-1 install nothing new"]
    assert [len(by["keys"]) for by in first["signers"]] == [3]
    assert first["signers"][0]["keys"][0] == {
        "name": "acme-a1", "type": "ed25519", "id": WORLD.brand_keys("acme")[0].id
    }  # fmt: skip
    assert first["next"].startswith(f"sealring create release --replaces {folder}/")


def test_people_read_the_urgent_first(folder: Path, root: Path) -> None:
    code, out, _ = sealring("doctor", folder, "--root", root, "--at", "+91d")
    assert code == 22
    assert out.index("ended: devices wait") < out.index("notes") < out.index("deadlines, earliest first")
    assert "next: sealring create release --replaces" in out
    code, coloured, _ = sealring("doctor", folder, "--root", root, "--at", "+91d", out=Terminal())
    assert "\x1b[1;31mended" in coloured


def test_warnings_fail_only_where_that_is_asked_for(folder: Path, root: Path) -> None:
    near = ("doctor", folder, "--root", root, "--at", "+80d")
    codes = [sealring(*near, *more)[0] for more in ([], ["--strict"], ["--strict", "--within", "1d"])]
    assert codes == [0, 1, 0]


def test_who_holds_what_can_be_told(folder: Path, root: Path, tmp_path: Path) -> None:
    """Names of keys are no proof of two people: the team's own list is."""
    list_of = tmp_path / "holders"
    list_of.write_text(f"# who\nacme-a1 alice\n\n{WORLD.brand_keys('acme')[1].id}  alice\nacme-c1 carol\n")
    _, found = told("doctor", folder, "--root", root, "--holders", list_of)
    (alone,) = [one for one in found["findings"] if one["id"] == "one-person"]
    assert alone["words"].startswith("alice alone can sign")
    list_of.write_text("acme-a1\n")
    assert sealring("doctor", folder, "--root", root, "--holders", list_of)[0] == 12


def test_the_calendar_is_written_whole_and_over_the_last_one(folder: Path, root: Path, tmp_path: Path) -> None:
    """It is made anew every night: it replaces the last, all or nothing (SPEC DK-1)."""
    path = tmp_path / "deadlines.ics"
    for _ in range(2):
        assert sealring("doctor", folder, "--root", root, "--ics", path)[0] == 0
    events = Calendar.from_ical(path.read_bytes()).walk("VEVENT")
    assert len(events) == len(told("doctor", folder, "--root", root)[1]["deadlines"])
    assert [entry.name for entry in tmp_path.iterdir() if "ics" in entry.name] == ["deadlines.ics"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["doctor", "nowhere", "--root", "root.json"], 12, id="no such place"),
        pytest.param(["doctor", "root.json", "--root", "nowhere.json"], 12, id="no such root"),
        pytest.param(["doctor", "root.json", "--root", "other.txt"], 20, id="no root"),
        pytest.param(["doctor", "other.txt", "--root", "root.json"], 12, id="a file that says nothing"),
        pytest.param(["doctor", "root.json", "--root", "root.json", "--at", "soon"], 2, id="no instant"),
        pytest.param(["doctor", "root.json", "--root", "root.json", "--at", "+999999w"], 2, id="past all years"),
        pytest.param(["doctor", "root.json", "--root", "root.json", "--within", "1y"], 2, id="no length"),
        pytest.param(["doctor", "root.json", "--root", "root.json", "--model", "door-1"], 2, id="no full name"),
        pytest.param(["doctor", "http://127.0.0.1:1", "--root", "root.json"], 2, id="a store and no model"),
        pytest.param(["doctor", "http://127.0.0.1:1", "--root", "root.json", "--model", "a/b"], 10, id="no store"),
        pytest.param(["doctor", "http://", "--root", "root.json", "--model", "a/b"], 2, id="no address"),
        pytest.param(["audit", "root.json", "--root", "root.json"], 2, id="no date"),
        pytest.param(["audit", "http://127.0.0.1:1", "--root", "root.json", *AT], 2, id="a store and no name"),
        pytest.param(["doctor"], 2, id="nothing"),
        pytest.param(["doctor", "empty", "--root", "root.json"], 11, id="an empty folder"),
        pytest.param(
            ["doctor", "root.json", "--root", "root.json", "--model", "a/b"], 11, id="a model that is not there"
        ),
    ],
)
@pytest.mark.usefixtures("root")
def test_what_can_not_be_looked_at_is_refused(arguments: list[str], code: int, tmp_path: Path) -> None:
    """A typing error in a CI job must not look like health."""
    (tmp_path / "other.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    paths = {name: str(tmp_path / name) for name in ("empty", "root.json", "other.txt", "nowhere", "nowhere.json")}
    assert sealring(*(paths.get(argument, argument) for argument in arguments))[0] == code


def test_the_audit_tells_both_halves(folder: Path, root: Path) -> None:
    fill(folder / "more", WORLD.signed(WORLD.delegation()))
    code, found = told("audit", folder, "--root", root, *AT, "--package", "acme/tool")
    assert (code, found["schema"], found["at"]) == (0, 1, spell(NOW))
    assert [(one["role"], one["by"], one["state"]) for one in found["could"]][2:4] == [
        ("release", "brand acme", "could"), ("revision", "brand acme", "could")
    ]  # fmt: skip
    assert {one["by"] for one in found["could"]} >= {"delegation acme/partner"}
    signed = {f"{one['type']} {one['subject']}": one for one in found["signed"]}
    assert [who["name"] for who in signed["release acme/tool/latest/stable"]["signers"]] == ["acme-a1", "acme-b1"]
    code, out, _ = sealring("audit", folder, "--root", root, *AT)
    assert (code, "who could have signed" in out, "what had been signed" in out) == (0, True, True)


def test_an_audit_before_the_earliest_root_says_so(folder: Path, root: Path) -> None:
    code, _, err = sealring("audit", folder, "--root", root, "--at", spell(NOW - DAY))
    assert (code, "no root of that time is here" in err) == (0, True)


# --- a real store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A store that serves acme/door-1, with a delegation and a second version of the brand."""
    folder = tmp_path_factory.mktemp("doctor")
    world = World(at=now())
    with running_store(world, folder / "store") as running:
        (folder / "store-root.json").write_bytes(world.root.raw)
        first = [world.brand(), world.model(), world.store(running.url, running.pin), world.delegation()]
        running.publish([world.signed(one) for one in first])
        by_partner = sign(world.revision(1, b"image"), world.delegate_keys()[0])
        running.publish([by_partner, world.signed(world.release())], [b"image"])
        running.publish([world.signed(world.brand(sequence=2))])
        yield running


def its_root(store: RunningStore) -> Path:
    return store.folder.parent / "store-root.json"


@pytest.mark.timeout(120)
def test_a_store_is_read_like_a_stranger(store: RunningStore) -> None:
    """SPEC BN-3: statements, view and TUF files by their public paths, judged from the person's own root."""
    code, found = told("doctor", store.url, "--root", its_root(store), "--model", "acme/door-1", at=now())
    assert code == 0
    titles = {f"{one['type']} {one['subject']}": one for one in found["deadlines"]}
    assert {"TUF root of acme/main", "TUF timestamp of acme/main", "TUF catalogue of acme/main"} <= set(titles)
    assert {"release acme/tool/latest/stable", "revision acme/tool/1/amd64", "delegation acme/partner"} <= set(titles)
    assert titles["brand acme"]["sequence"] == 2
    assert titles["TUF root of acme/main"]["stops"] == ["devices of acme/door-1 install nothing new"]
    assert not ids(found) & {"missing", "unused-delegation", "tuf-not-verified", "tuf-not-pinned", "unread"}
    assert (found["notes"], "shared-key" in ids(found)) == ([], False)


@pytest.mark.timeout(120)
def test_a_store_is_judged_as_of_a_later_day(store: RunningStore) -> None:
    """The operator's nightly question: what will have ended in half a year."""
    arguments = ("doctor", store.url, "--root", its_root(store), "--model", "acme/door-1", "--at", "+180d")
    code, found = told(*arguments, at=now())
    ended = {one["about"] for one in found["findings"] if one["level"] == "ended"}
    assert (code, ended) == (22, {"release acme/tool/latest/stable"})


@pytest.mark.timeout(120)
def test_a_store_with_other_tuf_keys_than_its_brand_pinned(store: RunningStore, tmp_path: Path) -> None:
    """SPEC TF-8: whoever took over the address has no keys that the brand has named."""
    world = World(at=now())
    with running_store(world, tmp_path / "thief") as thief:
        pin = (store.pin[0], "ab" * 32)
        first = [world.brand(), world.model(), world.store(thief.url, pin)]
        thief.publish([world.signed(one) for one in first])
        root = tmp_path / "root.json"
        root.write_bytes(world.root.raw)
        code, found = told("doctor", thief.url, "--root", root, "--model", "acme/door-1", at=now())
    assert code == 25
    assert "tuf-not-verified" in ids(found, "problem")


@pytest.mark.timeout(120)
def test_another_root_finds_nothing_of_its_own(store: RunningStore, root: Path) -> None:
    """SPEC ST-4: a store under another root is no store of ours, and is not healthy for being silent."""
    code, found = told("doctor", store.url, "--root", root, "--model", "acme/door-1", at=now())
    assert (code, ids(found, "problem")) == (24, {"foreign-root", "missing"})
    assert {one["type"] for one in found["deadlines"] if not one["type"].startswith("TUF")} == {"root"}


@pytest.mark.timeout(120)
def test_a_stores_history_of_a_brand_is_audited(store: RunningStore) -> None:
    at = spell(now())
    _, found = told("audit", store.url, "--root", its_root(store), "--at", at, "--package", "acme/tool", at=now())
    versions = [one["sequence"] for one in found["signed"] if one["type"] == "brand"]
    assert versions == [2, 1]


def test_tuf_files_in_a_bundle_belong_to_the_store_that_pins_them(store: RunningStore, tmp_path: Path) -> None:
    """SPEC BN-2: a stick carries a store's files too; the pin tells whose they are."""
    raw, timestamp = store.get("/tuf/1.root.json").body, json.loads(store.get("/tuf/timestamp.json").body)
    snapshot = timestamp["signed"]["meta"]["snapshot.json"]["version"]
    names = ["1.root.json", "timestamp.json", f"{snapshot}.snapshot.json", f"{snapshot}.targets.json"]
    entries = [TufEntry(f"acme/main/{name}", store.get(f"/tuf/{name}").body) for name in names]
    targets = json.loads(entries[-1].data)["signed"]["targets"]["catalogue.json"]["hashes"]["sha256"]
    catalogue = f"{targets}.catalogue.json"
    entries.append(TufEntry(f"acme/main/{catalogue}", store.get(f"/tuf/targets/{catalogue}").body))
    world = store.world
    said = [world.brand(), world.store(store.url, store.pin)]
    statements = [StatementEntry(world.signed(one).raw) for one in said]
    path = tmp_path / "stick.bundle"
    path.write_bytes(write_bundle([*statements, *entries]))
    _, found = told("doctor", path, "--root", its_root(store), at=now())
    assert raw == entries[0].data
    assert {one["subject"] for one in found["deadlines"] if one["type"].startswith("TUF")} == {"of acme/main"}
    assert not ids(found) & {"tuf-not-verified", "tuf-not-pinned"}
