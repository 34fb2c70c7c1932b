"""Each lie of a store that holds its real keys is found, and the evidence proves it to anybody (SPEC CT-1 to CT-5)."""

from datetime import timedelta
from typing import Any

import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring.catalogue.entry import make_entry
from sealring.catalogue.follows import CatalogueRollback
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.log import root_of
from sealring.catalogue.sparse import map_of
from sealring.catalogue.view import make_view, parse_view, view_key
from sealring.halt import Halt, halt_head, halt_key
from sealring.strict import encode
from sealring.tuf_form import NotVouched
from sealring_server.audit.errors import Contradiction, NotShown
from tests.unit.server.audit.conftest import MODEL, Liar, Scene, copy_of, served

KEY = b"\x07" * 32


def a_leaf(number: int = 1) -> dict[bytes, Head]:
    """A leaf that stands for anything."""
    return {KEY: Head(number, bytes([number]) * 32, bytes([number + 1]) * 32)}


LIES: list[tuple[str, str, dict[str, Any]]] = [
    ("previous", "CT-3", {"previous": b"\x01" * 32}),
    ("log", "LG-1", {"log": b"\x01" * 32}),
    ("time", "CT-1", {"time": None}),
    ("root", "CT-1", {"root": b"\x01" * 32}),
    ("sequence", "CT-3", {"sequence": 6}),
]


@pytest.mark.parametrize(("rule", "lie"), [pytest.param(r, lie, id=name) for name, r, lie in LIES])
def test_an_entry_that_does_not_follow_is_proven(scene: Scene, rule: str, lie: dict[str, Any]) -> None:
    """CT-1, CT-3, LG-1: its own keys signed it, or a later entry whose log or `previous` has it."""
    scene.audit()
    liar = scene.liar()
    if "time" in lie:
        lie = {"time": scene.shop.at - timedelta(days=1)}
    for after in (0, 1, 2):
        liar.cut(3)
        liar.show({}, **lie)
        for _ in range(after):
            liar.show({}, **({"sequence": len(liar.forger.log) + 3} if "sequence" in lie else {}))
        for state in (copy_of(scene.state, f"seen-{after}"), scene.state.with_name(f"new-{after}")):
            assert scene.caught(rule, state=state).signed, (after, state)


def test_changes_that_do_not_give_the_map_are_kept_as_an_answer_without_a_signature(scene: Scene) -> None:
    """CT-4: a changed leaf under an honest entry: the entry is signed, the answer is not, and the words say so."""
    liar = scene.liar()
    changes = dict(liar.changes[1])
    key = min(changes)
    changes[key] = Head(changes[key].sequence + 1, changes[key].id, changes[key].envelope)
    liar.unsigned["/v1/changes/2"] = served(changes)
    found = scene.caught("CT-4")
    assert not found.signed
    assert "anybody on the way" in found.about
    del liar.unsigned["/v1/changes/2"]
    assert scene.audit().found.entry.sequence == 3  # by another way it goes on


@pytest.mark.parametrize("left_out", [0, 3])
def test_an_omitted_change_is_found(scene: Scene, left_out: int) -> None:
    """CT-4: nothing can be taken from what an entry changed."""
    liar = scene.liar()
    liar.unsigned["/v1/changes/2"] = served(dict(sorted(liar.changes[1].items())[left_out + 1 :]))
    assert not scene.caught("CT-4").signed


@pytest.mark.parametrize(
    ("rule", "lie", "signed"), [("CT-4", {"map": b"\x01" * 32}, False), ("CT-4", {"size": 99}, True)]
)
@pytest.mark.parametrize("after", [0, 2])
def test_an_entry_with_another_map_or_size_is_found(
    scene: Scene, rule: str, lie: dict[str, Any], signed: bool, after: int
) -> None:
    """CT-4: the map is recomputed; its size follows from the map before, so that the keys alone prove the lie."""
    liar = scene.liar()
    liar.show(a_leaf(), **lie)
    for _ in range(after):
        liar.show({})
    assert scene.caught(rule).signed is signed


def test_a_sequence_that_falls_in_the_map_is_found(scene: Scene) -> None:
    """MP-5: the store takes a release back in its own map."""
    scene.release(3)
    liar = scene.liar()
    key = map_key(liar.forger.root, "release", 1, "acme/tool/latest/stable")
    older = liar.changes[2][key]
    map = liar.map(4)
    assert older.sequence == 2
    # The product's own map refuses this, so its root is made without the leaf that it takes back.
    without = {one: head for one, head in map if one != key}
    liar.changes.append({key: older})
    last = liar.forger.log[-1]
    entry = make_entry(
        root=last.root,
        map=map_of([*without.items(), (key, older)]).root,
        size=len(map),
        sequence=5,
        time=last.time,
        previous=last.digest,
        log=root_of([one.leaf for one in liar.forger.log]),
    )
    liar.forger.log.append(entry)
    liar.forger.show(entry)
    assert scene.caught("MP-5").signed


def view_without(liar: Liar, scene: Scene, *left_out: str, add: bool = False) -> None:
    """One more entry whose view of the model lacks the rows of these types, or has one too many."""
    root = liar.forger.root
    key = view_key(root, MODEL)
    digest = liar.map(len(liar.changes)).get(key)
    assert digest is not None
    raw = scene.line.upstream(f"/v1/views/{digest.envelope.hex()}", {}).body
    heads = {about: head for about, head in parse_view(raw).heads.items() if about[0] not in left_out}
    if add:
        heads["release", 1, "acme/other/latest/stable"] = Head(1, b"\x01" * 32, b"\x02" * 32)
    view = make_view(root, MODEL, heads)
    liar.forger.files[f"/v1/views/{view.digest.hex()}"] = view.raw
    liar.show({key: view.leaf(len(liar.forger.log) + 1)})


@pytest.mark.parametrize("only", [[], [MODEL]], ids=["all", "one model"])
@pytest.mark.parametrize("left_out", ["root", "brand", "release", "revision", "model"])
def test_a_view_that_omits_a_row_is_proven(scene: Scene, left_out: str, only: list[str]) -> None:
    """VW-2: a store with its keys hides a release from one model; map and statements prove that it was there."""
    view_without(scene.liar(), scene, left_out)
    found = scene.caught("VW-2", models=only)
    assert found.signed
    assert f"omits {left_out}" in found.what


def test_a_view_that_lists_what_is_not_there_is_proven(scene: Scene) -> None:
    """VW-2: and the other way round."""
    view_without(scene.liar(), scene, add=True)
    found = scene.caught("VW-2")
    assert found.signed
    assert "which the map has not" in found.what


def test_a_leaf_that_names_another_statement_is_proven(scene: Scene) -> None:
    """MP-1, MP-2: at the release's place stands the brand's envelope, with its true digest and id."""
    liar = scene.liar()
    root, map = liar.forger.root, liar.map(3)
    brand = map.get(map_key(root, "brand", 1, "acme"))
    assert brand is not None
    place = map_key(root, "release", 1, "acme/tool/latest/stable")
    liar.show({place: Head(9, brand.id, brand.envelope)})
    assert scene.caught("MP-2").signed


def test_a_view_at_another_model_s_place_is_proven(scene: Scene) -> None:
    """VW-3: the view of one model, shown to the devices of another."""
    liar = scene.liar()
    leaf = liar.map(3).get(view_key(liar.forger.root, MODEL))
    assert leaf is not None
    liar.show({view_key(liar.forger.root, "acme/door-2"): Head(4, leaf.id, leaf.envelope)})
    assert scene.caught("VW-3").signed


def test_a_rewritten_history_is_proven_from_what_was_seen(scene: Scene) -> None:
    """CT-3: an entry that was shown is replaced, and the new history is as long, longer by one, or by two."""
    scene.audit()
    for more in (0, 1):
        liar = scene.liar()
        liar.cut(2)
        for number in range(1 + more):
            liar.show(a_leaf(number + 1))
        assert scene.caught("CT-3").signed
        scene.line.change = None


def test_a_rewritten_history_that_is_much_longer_is_proven_by_its_log(scene: Scene) -> None:
    """CT-3, LG-1: the later entry's log has another entry in the place of the one that was seen."""
    scene.audit()
    liar = scene.liar()
    liar.cut(2)
    for number in range(4):
        liar.show(a_leaf(number + 1))
    found = scene.caught("CT-3")
    assert found.signed


def test_a_log_that_was_cut_and_signed_again_is_proven(scene: Scene) -> None:
    """CT-2: a newer timestamp over an older entry."""
    scene.liar().show(a_leaf())
    scene.line.change = None
    liar = scene.liar()
    liar.show({})
    scene.audit()
    liar.cut(2)
    liar.forger.show(liar.forger.log[-1])
    assert scene.caught("CT-2").signed


def test_an_old_copy_of_the_store_proves_nothing_and_is_refused(scene: Scene) -> None:
    """TF-4, CT-2: whoever stands on the way can show yesterday's files; that accuses nobody."""
    old = scene.line.upstream("/tuf/timestamp.json", {})
    scene.release(3)
    scene.audit()
    scene.line.change = lambda path, reply: old if path == "/tuf/timestamp.json" else reply
    with pytest.raises((NotVouched, CatalogueRollback)) as refused:
        scene.audit()
    assert refused.value.exit_code == 25
    assert not (scene.state / "evidence").exists()


def test_what_only_the_way_can_have_changed_accuses_nobody(scene: Scene) -> None:
    """LG-1: entries that no signed one stands behind are an answer, not the store's word."""
    liar = scene.liar()
    other = Liar.of(scene.shop)
    other.cut(1)
    first = other.show(a_leaf())
    other.show(a_leaf(2))
    pages = b"".join(len(e.raw).to_bytes(2, "big") + e.raw for e in (liar.forger.log[0], first))
    liar.unsigned["/v1/entries/1"] = pages
    with pytest.raises(Contradiction) as refused:
        scene.audit()
    assert refused.value.evidence == ""
    assert not (scene.state / "evidence").exists()
    liar.unsigned.clear()
    assert scene.audit().found.entries == 3


@pytest.mark.parametrize("path", ["/v1/entries/1", "/v1/changes/2"])
@pytest.mark.parametrize("answer", [None, b"", b"\0", b"\xff" * 500, b"\0\1x"])
def test_an_answer_of_another_form_is_refused(scene: Scene, path: str, answer: bytes | None) -> None:
    """CT-4: cut, empty or invented; the next run asks again."""
    liar = scene.liar()
    liar.unsigned[path] = answer
    with pytest.raises((NotShown, Contradiction)):
        scene.audit()
    liar.unsigned.clear()
    assert scene.audit().found.entries in (2, 3)


def test_a_statement_that_is_withheld_is_told(scene: Scene) -> None:
    """CT-4: a leaf whose statement nobody may see."""
    liar = scene.liar()
    digests = [head.envelope.hex() for head in liar.changes[2].values() if head.id != head.envelope]
    liar.unsigned[f"/v1/statements/{digests[0]}"] = None
    liar.unsigned["/v1/news/3"] = None
    with pytest.raises(NotShown):
        scene.audit()


@pytest.mark.parametrize("answer", [None, b"", b"no bundle", write_bundle([]), write_bundle([StatementEntry(b"{}")])])
def test_an_answer_for_all_that_an_entry_brought_decides_nothing(scene: Scene, answer: bytes | None) -> None:
    """CT-4: without it, and where a stranger gives it, each statement comes by its digest."""
    liar = scene.liar()
    liar.unsigned |= {"/v1/news/2": answer, "/v1/news/3": answer}
    found = scene.audit().found
    assert (found.entries, found.statements, found.views) == (3, 8, 2)
    assert len([path for path in scene.line.asked if path.startswith("/v1/statements/")]) == 8


@pytest.mark.parametrize(("off", "rule", "signed"), [(0, "", True), (1, "HL-1", True), (-1, "CT-4", False)])
def test_a_halt_that_says_another_entry_than_its_own_is_found(
    scene: Scene, *, off: int, rule: str, signed: bool
) -> None:
    """HL-1: the leaf's sequence says since when it is there. One that is to come yet, the leaf alone proves."""
    liar = scene.liar()
    subject, own = "acme/tool/latest/stable", len(liar.forger.log) + 1
    root = liar.forger.root.hex()
    raw = encode(Halt(format=1, root=root, release=subject, id="1" * 64, reason="3 of 9 failed", time=scene.shop.at))
    head = halt_head(raw, own + off)
    liar.unsigned[f"/v1/halts/{head.envelope.hex()}"] = raw
    liar.show({halt_key(liar.forger.root, subject): head})
    if not off:
        assert scene.audit().found.halts == 1
    elif signed:
        assert scene.caught(rule).signed
    else:
        with pytest.raises(Contradiction, match=f"halt came at entry {own - 1}") as caught:
            scene.audit()
        assert caught.value.rule == rule
