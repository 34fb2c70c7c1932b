"""`request`, `review`, `sign` and `assemble` at a terminal and in scripts."""

import io
import json
from hashlib import sha256
from pathlib import Path

import pytest

from sealring.bundle import StatementEntry, read_bundle, write_bundle
from sealring.chain import read_claim
from sealring.command.main import run
from sealring.command.outside import Outside
from sealring.envelope import seal
from sealring.keyfile import create_key_file
from sealring.keys import KeySet, PublicKey
from sealring.request.form import parse_request
from sealring.request.standing import is_final
from sealring.statement import Common
from tests.samples import EVERY_TYPE
from tests.stores import now, running_store
from tests.unit.command.test_command import at_a_terminal
from tests.world import DAY, World, key_set, sign

SECRET = b"open sesame"


def sealring(*arguments: object) -> tuple[int, str, str]:
    """One run of the command: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    code = run([str(one) for one in arguments], Outside(now, out, err, interactive=False, color=False))
    return code, out.getvalue(), err.getvalue()


class Scene:
    """A folder with key files of two holders of acme and one of the role brand, and what is in force."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.world = folder, World(at=now())
        made = {n: create_key_file(folder / f"{n}.key", n, SECRET, strength="interactive") for n in ("alice", "bob")}
        self.alice, self.bob = made["alice"], made["bob"]
        (folder / "pass").write_bytes(SECRET)
        self.put("root.json", self.world.root.raw)
        self.put("acme.json", sign(self.brand(self.alice, self.bob), *self.world.brand_role).raw)

    def brand(self, *keys: PublicKey, **more: int) -> Common:
        thresholds = key_set(2, *self.world.root_keys).thresholds
        return self.world.brand("acme", keys=KeySet(list(keys), thresholds), **more)

    def put(self, name: str, raw: bytes) -> Path:
        (self.folder / name).write_bytes(raw)
        return self.folder / name

    def at(self, name: str) -> str:
        return str(self.folder / name)

    def request(self, name: str, *drafts: Common, context: tuple[str, ...] = ("acme.json",)) -> str:
        files = [self.put(f"{name}-{n}.json", sign(one).raw) for n, one in enumerate(drafts)]
        brands = [part for one in context for part in ("--brand", self.at(one))]
        code, _, err = sealring("request", *files, "--root", self.at("root.json"), *brands, "-o", self.at(name))
        assert code == 0, err
        return self.at(name)

    def sign(self, name: str, key: str, *more: str) -> tuple[int, str, str]:
        words = ("--root", self.at("root.json"), "--passphrase-file", self.at("pass"), "--yes", *more)
        return sealring("sign", name, "--key", self.at(f"{key}.key"), *words)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Made once: a key file takes half a second."""
    return Scene(tmp_path_factory.mktemp("ceremony"))


@pytest.mark.parametrize("kind", [name for name, one in EVERY_TYPE.items() if one.authority == "acme"])
def test_every_type_goes_from_draft_to_assertion(made: Scene, tmp_path: Path, kind: str) -> None:
    """A request, two holders, a folder: for all that a brand says."""
    draft = EVERY_TYPE[kind]
    fields = {name: getattr(draft, name) for name in draft.__struct_fields__}
    moved = type(draft)(**{**fields, "root": made.world.root_id})
    asked = made.request(f"{kind}.request", moved)
    for key in ("alice", "bob"):
        assert made.sign(asked, key)[0] == 0
    if is_final(moved):  # EL-1
        found = parse_request(Path(asked).read_bytes())
        signed = found.drafts[0].envelope
        last = sign(signed.payload, *made.world.brand_role)
        both = seal(signed.payload, {**signed.signatures, **last.signatures})
        Path(asked).write_bytes(found.raw.replace(signed.raw, both.raw))
    code, out, err = sealring("assemble", asked, "--root", made.at("root.json"), "-o", tmp_path / "out")
    assert code == 0, err
    assert "complete" in out
    (path,) = (tmp_path / "out").iterdir()
    assert len(read_claim(path.read_bytes()).envelope.signatures) == (3 if is_final(moved) else 2)


def test_several_assertions_are_written_all_or_none(made: Scene, tmp_path: Path) -> None:
    """SPEC TH-1: one that is short holds back the rest, since they were reviewed as one."""
    world = made.world
    asked = made.request("several", world.release(2), world.model(), world.store(), world.brand("other"))
    for key in ("alice", "bob"):
        assert made.sign(asked, key)[0] == 0
    out = tmp_path / "out"
    code, said, err = sealring("assemble", asked, "--root", made.at("root.json"), "-o", out)
    assert code == 21
    assert "3 of 4 assertions complete" in err
    assert "brand other: not complete" in said
    assert list(tmp_path.iterdir()) == []
    found = parse_request(Path(asked).read_bytes())
    signed = [one.envelope for one in found.drafts]
    last = sign(found.drafts[3].envelope.payload, *world.brand_role)
    copy = made.put("bert.request", found.raw.replace(signed[3].raw, last.raw))
    bundle = tmp_path / "all.bundle"
    assert sealring("assemble", copy, asked, "--root", made.at("root.json"), "--bundle", bundle)[0] == 0
    assert len(read_bundle(bundle.read_bytes())) == 4
    assert sealring("assemble", copy, asked, "--root", made.at("root.json"), "-o", out)[0] == 0
    assert len(list(out.iterdir())) == 4
    assert sealring("assemble", copy, asked, "--root", made.at("root.json"), "-o", out)[0] == 12


def test_a_person_is_shown_the_review_then_asked_then_signs(made: Scene) -> None:
    """SPEC KY-6: the passphrase is typed at a prompt that does not echo it."""
    asked = made.request("asked", made.world.release(3))
    answers = {"sign 1 assertion as alice?": "y", "passphrase of alice": SECRET.decode()}
    code, shown = at_a_terminal(made.folder, ["sign", asked, "--key", "alice.key", "--root", "root.json"], answers)
    assert code == 0, shown
    assert shown.index("devices that follow acme/tool") < shown.index("sign 1 assertion as alice?")
    assert SECRET.decode() not in shown
    before = Path(asked).read_bytes()
    code, shown = at_a_terminal(made.folder, ["sign", asked, "--key", "bob.key"], {"sign 1 assertion as bob?": "n"})
    assert code == 130
    assert "COMPARE THE ROOT'S ID" in shown, "nobody gave a root"
    assert Path(asked).read_bytes() == before


def test_a_script_signs_the_request_that_was_reviewed_or_nothing(made: Scene) -> None:
    """The attack: the file is another when the script signs it."""
    asked = made.request("reviewed", made.world.release(4))
    code, out, _ = sealring("review", asked, "--root", made.at("root.json"), "--json")
    said = json.loads(out)
    assert code == 0
    assert (said["root_is_its_own"], said["drafts"][0]["complete"], said["falls"]) == (False, False, [])
    other = made.request("swapped", made.world.release(4, not_before=now() + DAY))
    assert made.sign(other, "alice", "--request", said["request"])[0] == 24
    assert made.sign(asked, "alice", "--request", said["request"])[0] == 0
    assert made.sign(made.at("acme.json"), "alice", "--request", said["request"])[0] == 2


def test_two_keys_of_one_holder_sign_at_once_and_none_signs_twice(made: Scene) -> None:
    asked = made.request("both", made.world.release(5))
    code, out, err = made.sign(asked, "alice", "--key", made.at("bob.key"))
    assert code == 0, err
    assert "signed by bob, alice" in out or "signed by alice, bob" in out
    raw = Path(asked).read_bytes()
    assert "0 signatures added" in made.sign(asked, "alice")[1]
    assert Path(asked).read_bytes() == raw
    assert made.sign(asked, "alice", "--key", made.at("bob.key"), "--passphrase-fd", "0")[0] == 2


def test_a_holders_own_copy_is_put_beside_what_the_request_shows(made: Scene) -> None:
    """The attack: an old brand is shown as the one in force (SPEC FL-3)."""
    world, two = made.world, made.brand(made.alice, made.bob, sequence=2)
    asked = made.request("stale", made.brand(made.alice, made.bob, sequence=2, revocations=1))
    mine = made.put("mine-draft.json", sign(two, *world.brand_role).raw)
    for key in ("alice", "bob"):
        words = ("--key", made.at(f"{key}.key"), "--passphrase-file", made.at("pass"), "--yes")
        assert sealring("sign", mine, *words)[0] == 0
    root = ("--root", made.at("root.json"))
    assert sealring("review", asked, *root)[0] == 0
    code, _, err = sealring("review", asked, *root, "--brand", mine)
    assert code == 23
    assert "[FL-3]" in err


def test_a_rotation_that_cuts_must_say_so_twice(made: Scene, tmp_path: Path) -> None:
    """SPEC CE-6: when it is drafted, and when it becomes true."""
    world = made.world
    release = sign(world.release(6))
    path = made.put("release-6.json", release.raw)
    for key in ("alice", "bob"):
        words = ("--key", made.at(f"{key}.key"), "--passphrase-file", made.at("pass"), "--yes")
        assert sealring("sign", path, *words)[0] == 0
    bundle = made.put("released.bundle", write_bundle([StatementEntry(path.read_bytes())]))
    fresh = world.brand_keys("acme")[0].public
    draft = made.put("cut.json", sign(made.brand(made.alice, fresh, sequence=2)).raw)
    asked = ["request", draft, "--root", made.at("root.json"), "--brand", made.at("acme.json"), "--released", bundle]
    code, _, err = sealring(*asked, "-o", tmp_path / "cut")
    assert code == 21
    assert "release acme/tool/latest/stable" in err
    assert list(tmp_path.iterdir()) == []
    code, out, _ = sealring(*asked, "--cut", "-o", tmp_path / "cut")
    assert code == 0
    assert "what counts today and would not any more" in out
    for key in ("alice", "bob"):
        assert made.sign(str(tmp_path / "cut"), key)[0] == 0
    found = parse_request((tmp_path / "cut").read_bytes())
    last = sign(found.drafts[0].envelope.payload, *world.brand_role)
    bert = tmp_path / "bert"
    bert.write_bytes(found.raw.replace(found.drafts[0].envelope.raw, last.raw))
    last_word = ["assemble", bert, tmp_path / "cut", "--root", made.at("root.json"), "-o", tmp_path / "out"]
    assert sealring(*last_word)[0] == 21
    assert sealring(*last_word, "--cut")[0] == 0


def test_a_key_is_taken_back_and_the_words_say_what_it_cost(made: Scene, tmp_path: Path) -> None:
    mallory = made.world.key("mallory").public
    asked = made.request("wrong", made.brand(made.alice, made.bob, mallory, sequence=2), made.world.release(7))
    assert made.sign(asked, "alice")[0] == 0
    new = tmp_path / "right"
    words = ("--amend", asked, "--drop-key", mallory.name, "-o", new, "--root", made.at("root.json"))
    code, out, _ = sealring("request", *words, "--json")
    assert code == 0
    assert json.loads(out)["voided"] == [{"assertion": "brand acme", "signatures": 1}]
    assert mallory.name.encode() not in new.read_bytes()
    assert sealring("request", *words)[0] == 12
    for usage in (("--drop-key", "a"), ()):
        assert sealring("request", *usage, "-o", tmp_path / "x")[0] == 2


def test_assemble_wants_one_place(made: Scene, tmp_path: Path) -> None:
    asked = made.request("place", made.world.release(8))
    assert sealring("assemble", asked)[0] == 2
    assert sealring("assemble", asked, "-o", tmp_path / "a", "--bundle", tmp_path / "b")[0] == 2
    code, out, err = sealring("assemble", asked, "-o", tmp_path / "a", "--json")
    assert code == 21
    said = json.loads(out)
    assert (said["complete"], said["drafts"][0]["missing"]) == (False, ["alice", "bob"])
    assert json.loads(err)["rule"] == "TH-1"


def test_a_bundle_is_published_like_its_statements(made: Scene, tmp_path: Path) -> None:
    """What `countersign` and `assemble --bundle` make goes to a store as it is."""
    world = made.world
    raws = [world.signed(world.revision(n, b"image %d" % n)).raw for n in (1, 2)]
    brand = made.put("brand.json", world.signed(world.brand()).raw)
    path = made.put("two.bundle", write_bundle([StatementEntry(raw) for raw in raws]))
    with running_store(world, tmp_path / "store", clock=world.at) as store:
        code, out, err = sealring("publish", store.url, path, brand, "--dry-run", "--json")
    assert code == 0, err
    assert json.loads(out)["new"] == 3
    named = {sha256(b"image %d" % n).hexdigest() for n in (1, 2)}
    assert {one["sha256"] for one in json.loads(out)["missing"]} == named
