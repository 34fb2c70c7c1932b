"""Whatever a line or a thief of the store's keys shows, a mirror takes the truth or nothing (SPEC MI-1)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from sealring.bundle import StatementEntry, read_bundle, write_bundle
from sealring.catalogue.leaf import Head, map_key
from sealring.envelope import Envelope
from sealring.errors import SealringError
from sealring.statement import Common
from sealring_server.audit.asking import Bounds
from sealring_server.audit.errors import Contradiction
from sealring_server.audit.verdict import judge
from sealring_server.mirror.errors import NotTaken
from sealring_server.mirror.folder import make_mirror
from sealring_server.mirror.run import Look, look
from sealring_server.settings import Mirror
from tests.hostile import NOT_THERE, SILENCE, Reply, flipped, only
from tests.stores import next_software
from tests.unit.server.audit.conftest import Liar
from tests.unit.server.mirror.conftest import Scene
from tests.world import World, sign

PATHS = ("/tuf/timestamp.json", "/tuf/", "/v1/entries/", "/v1/changes/", "/v1/news/", "/v1/blobs/")
BAD: dict[str, Callable[[Reply], Reply]] = {
    "a bit": flipped,
    "cut": lambda reply: replace(reply, body=reply.body[:-1]),
    "more": lambda reply: replace(reply, body=reply.body + b"x"),
    "nothing": lambda _: NOT_THERE,
    "silence": lambda _: SILENCE,
    "endless": lambda reply: replace(reply, endless=True),
}


@pytest.mark.parametrize(
    ("path", "bad"),
    [
        *((path, bad) for path in PATHS for bad in ("a bit", "nothing")),
        *(("/v1/changes/", bad) for bad in BAD if bad not in ("a bit", "nothing")),
    ],
)
def test_what_a_line_spoils_is_never_shown(scene: Scene, path: str, bad: str) -> None:
    """MI-1, HF-1: the mirror shows what it showed before, or the store's very bytes; the next honest look is whole."""
    scene.look()
    scene.shop.at += timedelta(minutes=1)
    scene.release(3)
    before = scene.rows()
    scene.line.change = only(path, BAD[bad])
    here = scene.here()
    refused = None
    try:
        look(here, Look(bounds=Bounds(read_seconds=0.3, answer_seconds=0.6)))
    except SealringError as err:
        refused = err
    here.database.close()
    if refused is not None:
        assert refused.exit_code in (10, 11, 22, 23, 25, 26), repr(refused)
        assert scene.rows() == before
    scene.line.reset()
    scene.look()
    assert scene.is_whole()
    assert scene.get(f"/v1/blobs/{sha256(b'image 3').hexdigest()}") == (200, b"image 3")


def a_leaf(envelope: Envelope, said: Common, world: World) -> dict[bytes, Head]:
    """The change that this statement makes."""
    key = map_key(bytes.fromhex(world.root_id), said.type, said.format, said.subject)
    return {key: Head(said.sequence, bytes.fromhex(envelope.id), bytes.fromhex(envelope.digest))}


@pytest.mark.parametrize("who", ["nobody", "one of two", "another brand", "a delegate of nobody"])
def test_a_thief_of_the_store_s_keys_can_t_make_a_mirror_show_what_nobody_signed(scene: Scene, who: str) -> None:
    """MI-1: the map, the log and the TUF files are all genuine; the signatures on one statement in it are not."""
    scene.look()
    world, liar = scene.shop.world, Liar.of(scene.shop)
    scene.line.change = liar.answer
    said = world.serial(world.key("device").public, "device-9")
    keys = {
        "nobody": [world.key("thief")],
        "one of two": world.brand_keys("acme")[:1],
        "another brand": world.brand_keys("bolt")[:2],
        "a delegate of nobody": world.delegate_keys(),
    }[who]
    forged = sign(said, *keys)
    liar.unsigned |= {f"/v1/statements/{forged.digest}": forged.raw, "/v1/news/4": None}
    liar.show(a_leaf(forged, said, world))
    refused = scene.refused()
    assert isinstance(refused, NotTaken)
    assert (refused.rule, refused.exit_code) == ("MI-1", 25)
    assert said.title in str(refused)


def test_two_histories_are_told_and_proven_and_nothing_of_the_second_is_taken(scene: Scene) -> None:
    """MI-1, CT-3: the evidence lies beside, and convinces a stranger."""
    scene.look()
    liar = Liar.of(scene.shop)
    liar.cut(2)
    liar.show({})
    liar.show({})
    scene.line.change = liar.answer
    refused = scene.refused()
    assert isinstance(refused, Contradiction)
    (path,) = (scene.folder / "mirror" / "witness" / "evidence").iterdir()
    assert judge(path.read_bytes(), scene.shop.pin[1]).rule == "CT-3"
    scene.line.reset()
    assert scene.look().entry.sequence == 3


@pytest.mark.parametrize("entries", [0, 1, 2], ids=["shorter", "as long", "longer"])
def test_a_mirror_that_lost_its_witness_proves_a_second_history_all_the_same(scene: Scene, entries: int) -> None:
    """CT-3, CT-5: what it serves was signed too; its own rows are evidence, and nothing of the second is taken."""
    scene.look()
    liar = Liar.of(scene.shop)
    liar.cut(1)
    for _ in range(entries + 1):
        liar.show({})
    scene.line.change = liar.answer
    for number in range(2):  # the second look finds what the first one left of the other history
        forget_witness(scene) if not number else None
        assert scene.refused().rule == "CT-3"
        (path,) = (scene.folder / "mirror" / "witness" / "evidence").iterdir()
        assert judge(path.read_bytes(), scene.shop.pin[1]).rule == "CT-3"
    scene.line.reset()
    forget_witness(scene)
    assert scene.look().entry.sequence == 3


def test_a_mirror_that_lost_its_witness_takes_an_old_state_for_an_old_state(scene: Scene) -> None:
    """CT-2: its store's own history, put back, accuses nobody of two."""
    scene.look()
    forget_witness(scene)
    liar = Liar.of(scene.shop)
    liar.cut(2)
    liar.forger.show(liar.forger.log[-1])
    scene.line.change = liar.answer
    assert scene.refused().rule == "CT-2"
    assert not (scene.folder / "mirror" / "witness" / "evidence").exists()


def forget_witness(scene: Scene) -> None:
    """Its state is gone; the evidence is not."""
    for file in (scene.folder / "mirror" / "witness").glob("audit.db*"):
        file.unlink()


def test_a_line_that_adds_statements_to_the_news_adds_nothing(scene: Scene) -> None:
    """CT-4: genuine ones that the store never published, and ones of nobody's, in the answer that saves requests."""
    scene.look()
    scene.release(3)
    world = scene.shop.world
    extra = [world.signed(world.release(9, sequence=9)), sign(world.brand(sequence=2), world.key("thief"))]

    def add(reply: Reply) -> Reply:
        found = [*read_bundle(reply.body), *(StatementEntry(one.raw) for one in extra)]
        return replace(reply, body=write_bundle(found, parts=True))

    scene.line.change = only("/v1/news/", add)
    scene.look()
    assert scene.is_whole()


@pytest.mark.parametrize("keep", ["an old copy", "an expired one"])
def test_a_line_that_stands_still_changes_nothing(scene: Scene, keep: str) -> None:
    """TF-4, TF-6: genuine files of yesterday are no reason to go back, and expired ones none to go on."""
    scene.look()
    if keep == "an old copy":
        old = {path: scene.line.honest(path, {}) for path in ("/tuf/timestamp.json",)}
        scene.release(3)
        scene.look()
        scene.line.change = old.get
        assert scene.refused().exit_code in (23, 25)
    else:
        scene.shop.at += timedelta(days=40)
        assert scene.refused().exit_code == 22


def test_a_store_under_another_root_or_pin_is_not_taken(scene: Scene, tmp_path: Path) -> None:
    """MI-1: the root is the one thing that its operator gives; a rehearsal's store has another."""
    other = World(salt="other")
    make_mirror(tmp_path / "other", Mirror(scene.line.url), other.root.raw)
    mirror = Scene(scene.shop, scene.line, tmp_path / "other")
    assert mirror.refused().exit_code == 24
    assert scene.refused(pin="0" * 64).rule == "TF-8"
    assert scene.look(pin=scene.shop.pin[1]).entries == 3


def test_who_shows_a_store_of_his_own_first_is_not_believed_for_ever(scene: Scene) -> None:
    """TF-8: without --tuf-root a brand's word must pin what is shown; where none does, nothing of it stays."""
    liar = Liar.of(scene.shop)
    liar.cut(1)  # the root is there, and no statement of any brand
    scene.line.change = liar.answer
    liar.show({})
    assert scene.refused().rule == "TF-8"
    scene.line.reset()
    assert scene.look().entries == 3
    assert scene.is_whole()


def test_an_image_of_other_bytes_is_lacking_and_all_else_is_shown(scene: Scene) -> None:
    """MI-1, MI-2: it is asked for again with the next look."""
    scene.line.change = only("/v1/blobs/", lambda reply: replace(reply, body=b"x" * len(reply.body)))
    taken = scene.look()
    assert len(taken.images.wrong) == len(taken.images.lacking) == 1
    assert scene.get(f"/v1/blobs/{taken.images.wrong[0]}")[0] == 404
    scene.line.reset()
    assert scene.look().images.lacking == []
    assert scene.is_whole()


def test_an_image_goes_on_where_its_line_broke(scene: Scene) -> None:
    """MI-1, HF-4: what came is kept, and not asked for again."""
    image = bytes(range(256)) * 40_000  # three parts
    scene.shop.publish(next_software(scene.shop.world, image, 3), [image])
    seen: list[str] = []

    def breaks(path: str, reply: Reply) -> Reply:
        if not path.startswith("/v1/blobs/"):
            return reply
        seen.append(dict(reply.headers).get("Content-Range", ""))
        return SILENCE if len(seen) in (2, 3, 4) else reply

    scene.line.change = breaks
    scene.refused()
    taken = scene.look()
    assert taken.images.lacking == []
    begins = [part.removeprefix("bytes ").split("-")[0] for part in seen]
    assert begins.count("0") == 1
    assert scene.get(f"/v1/blobs/{sha256(image).hexdigest()}") == (200, image)


def test_a_part_of_something_else_is_no_part(scene: Scene) -> None:
    """HF-4: a download goes on only where the answer says so."""
    wrong = (("Content-Range", "bytes 1-7/8"), ("Content-Type", "application/octet-stream"))
    scene.line.change = only("/v1/blobs/", lambda reply: replace(reply, headers=wrong))
    assert scene.refused().exit_code == 10
