"""A key goes, another comes: the whole rotation by the team's own commands, with a real store and a real device."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealring.chain import read_claim
from sealring.keyfile import create_key_file, public_file
from sealring_server.making import make_store
from tests.scenarios.devices import Rig, image_of, new_device, now
from tests.stores import RunningStore, tuf_root_signer
from tests.world import World

PROGRAM = str(Path(sys.executable).parent / "sealring")
SECRET = b"open sesame"
HOLDERS = ("ruth", "bert", "alice", "bob", "carol", "dave", "ci", "bea")
IMAGES = ("one", "two")


class Desk:
    """The holders' folder: their keys, and the commands that they type."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in HOLDERS:
            public = create_key_file(folder / f"{name}.key", name, SECRET, strength="interactive")
            (folder / f"{name}.pub").write_bytes(public_file(public))
        (folder / "pass").write_bytes(SECRET)
        for text in IMAGES:
            (folder / f"{text}.squashfs").write_bytes(image_of(text))

    def run(self, line: str, *, code: int = 0) -> str:
        """One command, typed as one line; all that it said."""
        words = [PROGRAM, *shlex.split(line)]
        done = subprocess.run(words, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == code, f"sealring {line}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def raw(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def ceremony(self, name: str, drafts: str, *signers: str, given: str = "", root: str = "--root root.json") -> None:
        """Drafts become assertions in the folder `name`: each signer has a copy of the request, and signs it."""
        self.run(f"request {drafts} {root} {given} -o {name}.request")
        for signer in signers:
            (self.folder / f"{name}-{signer}").write_bytes(self.raw(f"{name}.request"))
            self.run(f"sign {name}-{signer} --key {signer}.key {root} --passphrase-file pass --yes")
        self.run(f"assemble {' '.join(f'{name}-{signer}' for signer in signers)} {root} -o {name}")

    def files(self, name: str) -> str:
        return " ".join(sorted(str(path.relative_to(self.folder)) for path in (self.folder / name).iterdir()))

    def contents(self, bundle: str) -> set[tuple[str, str]]:
        """(title, sequence) of the statements in a bundle, as `bundle list` tells them."""
        lines = [line.split(", ") for line in self.run(f"bundle list {bundle}").splitlines() if ", sequence " in line]
        return {(line[0].removeprefix("  statement  "), line[1]) for line in lines}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Desk, RunningStore]]:
    """The root has been made, and a store for it is served."""
    found = Desk(tmp_path / "desk")
    keys = "--root-key ruth.pub --root-threshold 1 --brand-key bert.pub --brand-threshold 1"
    found.run(f"create root {keys} -o first.json")
    found.ceremony("genesis", "first.json", "ruth", root="")
    (found.folder / "root.json").write_bytes(found.raw("genesis/root-1.json"))
    world = World(at=now())
    pin = make_store(tmp_path / "store", [found.raw("root.json")], tuf_root_signer(world), now)
    store = RunningStore(world, tmp_path / "store", pin).start()
    try:
        yield found, store
    finally:
        store.stop()
        store.kill()


def release_all(desk: Desk, store: RunningStore) -> None:
    """The brand, what it delegates, a model, a store, a list and software: signed by alice and by carol, published."""
    pinned = store.folder / "1.root.json"
    under = "--root root.json"
    keys = "--key alice.pub --key bob.pub --key carol.pub --threshold 2"
    desk.run(f"create brand --brand acme {keys} {under} -o d-brand.json")
    builders = "--delegation acme/builders --key ci.pub --threshold 1 --role revision --packages acme/*"
    desk.run(f"create delegation {builders} {under} -o d-builders.json")
    follows = "--architecture amd64 --package acme/tool=latest/stable --store acme/main"
    desk.run(f"create model --model acme/door-1 {follows} {under} -o d-model.json")
    where = f"--url {store.url} --tuf-root {pinned} --packages acme/*"
    desk.run(f"create store --store acme/main {where} {under} -o d-store.json")
    line = "--revoke 'store acme/old' --action keep --why 'switched off'"
    desk.run(f"create revocations --issuer acme {line} {under} -o d-list.json")
    build = "--package acme/tool --revision 1 --architecture amd64 --version 1.0 --image one.squashfs"
    desk.run(f"create revision {build} {under} -o d-tool.json")
    desk.run(f"create release --package acme/tool --channel latest/stable --revision amd64=1 {under} -o d-release.json")
    drafts = " ".join(f"d-{name}.json" for name in ("brand", "builders", "model", "store", "list", "tool", "release"))
    desk.ceremony("first", drafts, "bert", "alice", "carol")
    desk.run(f"publish {store.url} {desk.files('first')} --image one.squashfs --tuf-root {pinned}")


def provisioned(desk: Desk, device: Rig) -> Rig:
    """A device with the root and what it began with."""
    seed = ("brand-acme-1", "model-acme-door-1-1", "store-acme-main-1")
    root, *rest = (read_claim(desk.raw(n)).envelope for n in ("root.json", *(f"first/{name}.json" for name in seed)))
    device.provision(root, rest)
    return device


@pytest.mark.timeout(900)
def test_carol_goes_and_dave_comes_and_nothing_falls(desk: tuple[Desk, RunningStore]) -> None:
    """SPEC CE-6, CE-7, PB-4, PB-9: fetch, countersign, request, announce, rotate; every device goes on."""
    team, store = desk
    release_all(team, store)
    with new_device() as device, new_device() as fresh:
        assert provisioned(team, device).refresh().outcome == "installed"
        everything = "--root root.json --model acme/door-1"
        team.run(f"bundle fetch {store.url} {everything} -o released.bundle")
        before = team.contents("released.bundle")
        assert len(before) == 7

        team.run(
            "create brand --replaces first/brand-acme-1.json --key alice.pub --key bob.pub --key dave.pub -o next.json"
        )
        given = "--root root.json --brand first/brand-acme-1.json"
        said = team.run(f"request next.json {given} --released released.bundle -o unready.request", code=21)
        assert "leave 6 in force without enough signatures" in said
        assert "[CE-6]" in said

        # What is released gets dave's signature unread; the delegation says who may sign, so it goes with the request.
        team.run(
            f"countersign released.bundle --key dave.key {given} --next next.json --passphrase-file pass -o by-dave"
        )
        released = "--released released.bundle --released by-dave/000001.bundle"
        drafts = "next.json first/delegation-acme-builders-1.json"
        brand = "--brand first/brand-acme-1.json"
        team.ceremony("second", drafts, "bert", "alice", "carol", "dave", given=f"{brand} {released}")
        following, builders = "second/brand-acme-2.json", "second/delegation-acme-builders-1.json"

        assert "[PB-9]" in team.run(f"publish {store.url} {following}", code=21)
        team.run(f"publish {store.url} by-dave/000001.bundle {builders} --next {following}")
        assert device.refresh().outcome == "none", "carol's word still counts, and dave's is there beside it"
        team.run(f"publish {store.url} {following}")

        team.run(f"bundle fetch {store.url} {everything} -o after.bundle")
        assert team.contents("after.bundle") == before - {("brand acme", "sequence 1")} | {("brand acme", "sequence 2")}
        report = device.refresh()
        assert (report.outcome, report.problem, device.says()) == ("none", None, "one")
        assert provisioned(team, fresh).refresh().outcome == "installed"
        assert fresh.says() == "one"

        # The new keys alone release what follows, and every device takes it.
        under = "--replaces first/revision-acme-tool-1-amd64-1.json"
        team.run(f"create revision {under} --revision 2 --version 2.0 --image two.squashfs -o tool-2.json")
        old = "first/release-acme-tool-latest-stable-1.json"
        team.run(f"create release --replaces {old} --revision amd64=2 -o release-2.json")
        newer = f"--brand first/brand-acme-1.json --brand {following}"
        team.ceremony("third", "tool-2.json release-2.json", "bob", "dave", given=newer)
        team.run(f"publish {store.url} {team.files('third')} --image two.squashfs")
        for one in (device, fresh):
            assert one.refresh().outcome == "installed"
            assert one.says() == "two"


@pytest.mark.timeout(900)
def test_bert_goes_and_bea_comes_and_neither_brand_nor_last_release_falls(desk: tuple[Desk, RunningStore]) -> None:
    """SPEC CE-6, CE-7, EL-1, PB-9: brands go by the request, final releases in bulk; then the root follows."""
    team, store = desk
    release_all(team, store)
    with new_device() as device:
        assert provisioned(team, device).refresh().outcome == "installed"
        held = {n: f"first/{n}-1.json" for n in ("brand-acme", "model-acme-door-1", "revision-acme-tool-1-amd64")}
        rests = " ".join(f"--final-{n.partition('-')[0]} {path}" for n, path in held.items())
        release = "--replaces first/release-acme-tool-latest-stable-1.json"
        team.run(f"create release {release} --final {rests} -o last.json")
        team.ceremony("last", "last.json", "alice", "bob", "bert", given=f"--brand {held['brand-acme']}")
        team.run(f"publish {store.url} {team.files('last')}")
        assert device.refresh().problem is None

        team.run(f"bundle fetch {store.url} --root root.json --model acme/door-1 -o released.bundle")
        team.run("create root --replaces root.json --brand-key bea.pub --brand-threshold 1 -o root-2.json")
        known = "--released released.bundle"
        said = team.run(f"request root-2.json --root root.json {known} -o unready.request", code=21)
        assert "[CE-6]" in said
        given = f"--root root.json --brand {held['brand-acme']} --next root-2.json --passphrase-file pass"
        assert "signed now" in team.run(f"countersign released.bundle --key bea.key {given} -o by-bea")
        assert team.contents("by-bea/000001.bundle") == {("release acme/tool/latest/stable", "sequence 2")}
        signed = f"{known} --released by-bea/000001.bundle"
        team.ceremony("second", f"root-2.json {held['brand-acme']}", "ruth", "bea", given=signed)

        following, brand = "second/root-2.json", "second/brand-acme-1.json"
        assert "[PB-9]" in team.run(f"publish {store.url} {following}", code=21)
        team.run(f"publish {store.url} by-bea/000001.bundle {brand} --next {following}")
        team.run(f"publish {store.url} {following}")
        report = device.refresh()
        assert (report.outcome, report.problem, device.says()) == ("none", None, "one")
        said = team.run(f"bundle fetch {store.url} --root root.json --model acme/door-1 -o after.bundle")
        assert "root is version 2" in said
        assert team.contents("after.bundle") == team.contents("released.bundle")
