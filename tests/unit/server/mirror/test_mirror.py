"""A mirror shows what its store shows, byte for byte, however that grew (SPEC MI-1, MI-2)."""

from hashlib import sha256

import pytest
from sqlalchemy import select

from sealring.names import instant
from sealring.statement.authorities import RootRoles
from sealring_server.app import create_app
from sealring_server.audit.compare import Sources, compare
from sealring_server.audit.observation import load_observation
from sealring_server.audit.state import open_state
from sealring_server.fsck.run import check_folder
from sealring_server.mirror.errors import OtherMirror
from sealring_server.mirror.folder import NoRoot, make_mirror
from sealring_server.mirror.noted import read_noted
from sealring_server.schema import statements
from sealring_server.settings import Mirror
from sealring_server.status import status_of_folder
from sealring_server.tuf_packages import remake, turn_off, turn_on
from sealring_server.tuf_repo import metadata_bytes
from tests.hostile import SILENCE, only
from tests.rotations import rotate
from tests.stores import next_software, tuf_root_signer
from tests.unit.server.mirror.conftest import Scene
from tests.unit.server.test_admission import CUT
from tests.world import key_set, sign

MODEL = "acme/door-1"


def paths_of(scene: Scene) -> list[str]:
    """Every kind of path that the store answers, with all that it has of it."""
    ask = create_app(scene.shop.here).test_client()
    found = ["/tuf/timestamp.json", "/tuf/1.root.json", "/v1/entries/1", "/v1/roots/1", "/v1/brands/acme/1"]
    found += ["/v1/heads/model/1/acme/door-1", "/v1/authorities/acme", "/v1/log/3/1", "/v1/answers/acme/door-1"]
    newest = ask.get("/v1/entries/1").data
    assert newest
    with scene.shop.here.database.reading() as connection:
        for role in ("targets", "snapshot"):
            assert metadata_bytes(connection, role) is not None
        found += [f"/v1/statements/{name}" for name in connection.scalars(select(statements.c.envelope))]
    found += [f"/v1/{kind}/{number}" for kind in ("changes", "news") for number in (1, 2, 3)]
    return found


def test_a_mirror_answers_as_its_store_does(scene: Scene) -> None:
    """MI-1: the same bytes on every path, and a check of the folder finds one true story."""
    taken = scene.look()
    assert (taken.entries, taken.found.statements, taken.images.lacking) == (3, 8, [])
    assert scene.is_whole()
    ask = create_app(scene.shop.here).test_client()
    for path in paths_of(scene):
        assert scene.get(path) == (200, ask.get(path).data), path
    report, entry = check_folder(scene.folder, scene.shop.at, quick=False)
    assert (report.wrong, entry) == ([], 3)
    assert not (scene.folder / "keys").exists()


def test_the_next_look_asks_only_for_what_is_new(scene: Scene) -> None:
    """MI-1: a mirror that looks every minute is no burden."""
    scene.look()
    scene.line.asked.clear()
    assert scene.look().entries == 0
    assert [path for path in scene.line.asked if path.startswith("/v1/")] == []
    scene.release(3)
    scene.line.asked.clear()
    assert scene.look().entries == 1
    assert sorted(path.rsplit("/", 1)[0] for path in scene.line.asked if path.startswith("/v1/")) == [
        "/v1/blobs", "/v1/changes", "/v1/news"
    ]  # fmt: skip
    scene.later(days=2)
    assert scene.look().entries == 1
    assert scene.is_whole()


def test_it_follows_every_change_of_who_may_speak(scene: Scene) -> None:
    """MI-1: rotations of root and brand (two versions in one entry), delegations, lists, counter-signatures."""
    scene.look()
    shop, world = scene.shop, scene.shop.world
    new = [world.key(f"new-root-{n}") for n in "ab"]
    roles = RootRoles(key_set(2, *new), key_set(1, *world.brand_role))
    root = sign(world.root_statement(sequence=2, root=world.root_id, roles=roles), *world.root_keys[:2], *new)
    shop.publish([root])
    shop.publish([world.signed(world.brand(sequence=number)) for number in (2, 3, 4)])
    image = b"by a partner"
    delegated = sign(world.delegation(), *world.brand_keys("acme")[:2])
    revision = sign(world.revision(7, image), *world.delegate_keys())
    shop.publish([delegated, revision, sign(world.release(7, sequence=7), *world.delegate_keys())], [image])
    shop.publish([sign(world.release(7, sequence=7), *world.brand_keys("acme")[1:])])  # one more signature
    shop.publish([world.signed(world.revocations(1, ("revision acme/tool/7/amd64", "stop")))], terms=CUT)
    assert scene.look().entries == 5
    assert scene.is_whole()
    assert [scene.get(f"/v1/brands/acme/{number}")[0] for number in (1, 2, 3, 4, 5)] == [200, 200, 200, 200, 404]
    assert check_folder(scene.folder, scene.shop.at, quick=False)[0].wrong == []


def test_what_nobody_vouches_for_any_more_is_shown_as_it_is(scene: Scene) -> None:
    """MI-1: a brand's new keys cut off what the old ones signed; it was true when it was said, and devices judge it."""
    shop, world = scene.shop, scene.shop.world
    keys = world.brand_keys("acme", 2)
    brand = sign(world.brand(sequence=2, keys=key_set(2, *keys)), *world.brand_role, *world.brand_keys("acme")[:2])
    shop.publish([brand], terms=CUT)
    # Today no `store` statement counts: who begins now must be told which TUF root is the store's.
    assert scene.refused().rule == "TF-8"
    assert scene.look(pin=scene.shop.pin[1]).entries == 4
    assert scene.is_whole()


def test_new_tuf_roots_come_along(scene: Scene) -> None:
    """MI-1, TF-3: also while nobody looked for a while; every version is served, from the first on."""
    scene.look()
    for _ in range(3):
        scene.shop.at = scene.shop.at.replace(microsecond=0)
        rotate(scene.shop.folder, tuf_root_signer(scene.shop.world), scene.shop.at)
    scene.shop.here.online.close()
    scene.release(3)
    scene.look()
    assert scene.is_whole()
    assert [scene.get(f"/tuf/{number}.root.json")[0] for number in (1, 2, 3, 4, 5)] == [200, 200, 200, 200, 404]


def test_a_mirror_that_begins_at_a_later_root_serves_the_first_too(scene: Scene) -> None:
    """TF-3: its operator pins today's root, its devices may have been given an older one."""
    rotate(scene.shop.folder, tuf_root_signer(scene.shop.world), scene.shop.at)
    with scene.shop.here.database.reading() as connection:
        newest = metadata_bytes(connection, "root", 2) or b""
    scene.look(pin=sha256(newest).hexdigest())
    assert scene.is_whole()
    assert scene.get("/tuf/1.root.json")[0] == 200


def test_the_role_for_other_tuf_clients_comes_along(scene: Scene) -> None:
    """TF-11, MI-1: such a client downloads from a mirror as from its store, and is told when the role is off."""
    turn_on(scene.shop.here)
    scene.look()
    with scene.shop.here.database.reading() as connection:
        raw = metadata_bytes(connection, "packages")
    assert scene.get("/tuf/1.packages.json") == (200, raw)
    name = f"{sha256(b'image 2').hexdigest()}.acme~tool~2~amd64.img"
    assert scene.get(f"/tuf/targets/{name}") == (200, b"image 2")
    scene.release(3)
    scene.shop.later(hours=1)
    assert remake(scene.shop.here)
    scene.look()
    assert scene.get("/tuf/2.packages.json")[0] == 200
    turn_off(scene.shop.here)
    scene.look()
    assert scene.get(f"/tuf/targets/{name}")[0] == 404
    assert scene.is_whole()


@pytest.mark.parametrize(
    ("images", "models", "held"),
    [("all", [], {1, 2, 3}), ("released", [], {2, 3}), ("none", [], set()), ("all", [MODEL], {2, 3})],
)
def test_it_holds_the_images_that_its_operator_wants(
    scene: Scene, images: str, models: list[str], held: set[int]
) -> None:
    """MI-2: what it lacks is not there; everything else is whole."""
    scene.release(3)
    scene.make(images=images, models=models)
    scene.look()
    shown = {number for number in (1, 2, 3) if scene.get(f"/v1/blobs/{digest(number)}")[0] == 200}
    # The one before the release is a release's own way back, where the release names it.
    assert shown <= held
    assert (3 in shown) == (3 in held)
    assert scene.is_whole()


def test_pruning_removes_what_no_release_names_any_more(scene: Scene) -> None:
    """MI-2: its disk does not grow with the store's history."""
    scene.look()
    scene.release(3, 4)
    scene.look()
    kept = [number for number in (1, 2, 3, 4) if scene.get(f"/v1/blobs/{digest(number)}")[0] == 200]
    assert kept == [2, 4]
    assert scene.look(prune=True).pruned == (1, len(b"image 2"))
    assert scene.get(f"/v1/blobs/{digest(2)}")[0] == 404
    assert scene.get(f"/v1/blobs/{digest(4)}") == (200, b"image 4")
    assert check_folder(scene.folder, scene.shop.at, quick=False)[0].wrong == []


def digest(number: int) -> str:
    """Of the image of this number."""
    return sha256(b"image %d" % number).hexdigest()


@pytest.mark.parametrize("path", ["/v1/publications", f"/v1/publications/{'0' * 64}/commit", "/v1/reports"])
def test_it_says_where_publications_and_reports_go(scene: Scene, path: str) -> None:
    """MI-2: to its store, and nothing of them is read here."""
    scene.look()
    here = scene.here()
    answer = create_app(here).test_client().post(path, data=b"x" * 100)
    here.database.close()
    assert (answer.status_code, answer.json and answer.json["rule"]) == (403, "MI-2")
    assert scene.line.url in answer.text


def test_its_operator_sees_of_what_it_is_a_mirror_and_how_far_behind(scene: Scene) -> None:
    """MI-1: since when looks fail, and what the last failure said."""
    scene.look()
    good = scene.shop.at
    scene.shop.later(minutes=10)
    scene.line.change = only("/", lambda _: SILENCE)
    scene.refused()
    scene.shop.later(minutes=10)
    scene.refused()
    told = status_of_folder(scene.folder, scene.shop.at)["mirror"]
    assert (told["origin"], instant(told["last_good"]), told["behind_seconds"]) == (scene.line.url, good, 1200)
    assert (instant(told["failing_since"]) - good).total_seconds() == 600
    assert scene.line.url in told["why"]
    scene.line.reset()
    scene.look()
    assert read_noted(scene.folder / "mirror").failing == ""


def test_what_it_saw_can_be_compared_with_what_others_saw(scene: Scene) -> None:
    """CT-5: a mirror is a witness, whose state answers for the history between two observations."""
    scene.look()
    early = load_observation(scene.folder / "mirror" / "witness" / "observation.bundle")
    scene.release(3, 4)
    scene.look()
    late = load_observation(scene.folder / "mirror" / "witness" / "observation.bundle")
    with open_state(scene.folder / "mirror" / "witness") as state:
        found = compare(early, late, Sources([state]))
    assert (found.early.sequence, found.late.sequence, found.evidence) == (3, 5, None)


def test_a_folder_is_one_mirror_of_one_store(scene: Scene) -> None:
    """MI-1: neither a store's own folder nor another's mirror is taken over, and a new one needs the root."""
    root = scene.shop.world.root.raw
    with pytest.raises(OtherMirror):
        make_mirror(scene.shop.folder, Mirror(scene.line.url), root)
    with pytest.raises(NoRoot):
        make_mirror(scene.folder, Mirror(scene.line.url), None)
    scene.make()
    with pytest.raises(OtherMirror):
        make_mirror(scene.folder, Mirror("http://127.0.0.1:1"), root)
    make_mirror(scene.folder, Mirror(scene.line.url), None)


def test_a_witness_that_is_gone_or_ahead_costs_a_new_look_and_nothing_else(scene: Scene) -> None:
    """MI-1: a mirror's database from a backup, or without its witness, is brought up to date all the same."""
    scene.look()
    kept = (scene.folder / "store.db").read_bytes()
    scene.release(3)
    scene.look()
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        (scene.folder / name).unlink(missing_ok=True)
    (scene.folder / "store.db").write_bytes(kept)
    assert scene.look().entries == 1
    assert scene.is_whole()
    for file in (scene.folder / "mirror" / "witness").glob("audit.db*"):
        file.unlink()
    scene.release(4)
    assert scene.look().entries == 1
    assert scene.is_whole()


def test_more_models_and_brands_at_once(scene: Scene) -> None:
    """MI-1: statements of several publishers and models, software and serials, in one entry and in many."""
    shop, world = scene.shop, scene.shop.world
    shop.publish([world.signed(one) for one in (world.brand("bolt"), world.model("gate-2", "acme"))])
    serials = [world.serial(world.key(f"serial-{n}").public, f"SN-{n}") for n in range(30)]
    shop.publish([world.signed(one) for one in serials])
    image = b"image 9"
    shop.publish([*next_software(world, image, 9)], [image])
    scene.make(images="all")
    assert scene.look().entries == 6
    assert scene.is_whole()
    assert check_folder(scene.folder, scene.shop.at, quick=False)[0].wrong == []
