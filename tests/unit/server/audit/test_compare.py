"""Observations of one store, compared: the same, one history, or a fork that anybody can check (SPEC CT-5, LG-2)."""

from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from sealring.bundle import Entry, ProofEntry, StatementEntry, ViewEntry
from sealring.catalogue.follows import HistoryNotShown
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.view import parse_view, view_key
from sealring.errors import TrustError
from sealring_server.audit.asking import Asking
from sealring_server.audit.compare import Compared, NeedsHistory, Sources, compare
from sealring_server.audit.errors import OtherStore, ProvesNothing
from sealring_server.audit.evidence import Evidence
from sealring_server.audit.observation import Observation, load_observation, read_files
from sealring_server.audit.state import open_state
from sealring_server.audit.verdict import judge
from tests.hostile import NOT_THERE, between, from_folder
from tests.stores import make_folder
from tests.unit.server.audit.conftest import BOUNDS, Scene
from tests.world import World

LEAF = {b"\x07" * 32: Head(1, b"\x01" * 32, b"\x02" * 32)}


def seen(state: Path) -> Observation:
    """What this witness saw last."""
    return load_observation(state / "observation.bundle")


def by_state(state: Path, one: Observation, other: Observation) -> Compared:
    """Compared by who has this state."""
    with open_state(state) as found:
        return compare(one, other, Sources([found]))


def by_store(scene: Scene, one: Observation, other: Observation) -> Compared:
    """Compared by asking the store."""
    with closing(Asking(scene.line.url, BOUNDS)) as ask:
        return compare(one, other, Sources(ask=ask))


def test_two_witnesses_of_an_honest_store_agree(scene: Scene) -> None:
    """CT-5: the same bytes, the next entry, or a later one by the path from a state's log or from the store."""
    early = scene.state.with_name("early")
    scene.audit(state=early)
    a = seen(early)
    assert compare(a, a, Sources()).words == "the same: both are entry 3"
    scene.release(3)
    scene.audit()
    assert compare(seen(scene.state), a, Sources()).evidence is None  # the next entry names the one before
    scene.release(4)
    scene.audit()
    b = seen(scene.state)
    with pytest.raises(NeedsHistory):
        compare(a, b, Sources())
    assert by_state(scene.state, b, a).words == "one history: entry 3 stands in the log of entry 5"
    found = by_store(scene, a, b)
    assert (found.early.sequence, found.late.sequence, found.evidence) == (3, 5, None)


@pytest.mark.parametrize("lengths", [(1, 1), (1, 2), (1, 4), (3, 2), (2, 5)])
def test_two_histories_shown_to_two_witnesses_are_found_when_they_compare(
    scene: Scene, lengths: tuple[int, int]
) -> None:
    """CT-3, CT-5: each history is whole in itself, so each witness alone finds nothing."""
    states = [scene.state.with_name(name) for name in "ab"]
    for which, (state, length) in enumerate(zip(states, lengths, strict=True)):
        liar = scene.liar()
        for number in range(length):
            liar.show(LEAF if which and not number else {})
        if which:
            liar.unsigned[f"/v1/statements/{'02' * 32}"] = None
        scene.audit(state=state, models=["acme/door-1"])
    one, other = (seen(state) for state in states)
    # The line still shows the second history.
    ways: list[Callable[[], Compared]] = [
        partial(by_state, states[0], one, other),
        partial(by_state, states[1], one, other),
    ]
    if lengths[1] >= lengths[0]:
        ways.append(partial(by_store, scene, one, other))
    proven = 0
    for way in ways:
        with suppress(NeedsHistory):  # the state of the older one knows nothing of the newer one's history
            found = way()
            assert found.evidence is not None
            assert judge(found.evidence, scene.pin).rule == "CT-3"
            proven += 1
    assert proven >= len(ways) - 1


def test_a_store_that_gives_no_path_shows_no_history(scene: Scene) -> None:
    """LG-2: no evidence, and no agreement either."""
    early = scene.state.with_name("early")
    scene.audit(state=early)
    for number in (3, 4):
        scene.release(number)
    scene.audit()
    scene.line.change = lambda path, reply: NOT_THERE if path.startswith("/v1/log/") else reply
    with pytest.raises(HistoryNotShown):
        by_store(scene, seen(early), seen(scene.state))


def test_what_a_device_keeps_is_an_observation(scene: Scene, tmp_path: Path) -> None:
    """CT-5: its folder of a store holds the newest root, the TUF files and the catalogue."""
    scene.audit()
    whole = seen(scene.state)
    folder = tmp_path / "acme" / "main"
    folder.mkdir(parents=True)
    files = {"root.json": whole.roots[-1], "timestamp.json": whole.timestamp, "snapshot.json": whole.snapshot}
    for name, data in (files | {"targets.json": whole.targets, "catalogue.json": whole.catalogue}).items():
        (folder / name).write_bytes(data)
    assert compare(load_observation(folder), whole, Sources()).words == "the same: both are entry 3"
    (folder / "snapshot.json").unlink()
    with pytest.raises(ProvesNothing):
        load_observation(folder)


def test_observations_of_two_stores_are_not_compared(scene: Scene, tmp_path: Path) -> None:
    """CT-5: two stores have two histories, and that accuses nobody."""
    scene.audit()
    other = make_folder(World(salt="other"), tmp_path / "other")
    with between(from_folder(other.folder, lambda: scene.shop.at)) as line:
        mine, scene.line = scene.line, line
        scene.audit(state=tmp_path / "second", pin=None, trust_first=True)
        scene.line = mine
    with pytest.raises(OtherStore):
        compare(seen(scene.state), seen(tmp_path / "second"), Sources())


def test_a_bit_flipped_in_evidence_proves_nothing_else(scene: Scene) -> None:
    """CT-5: whatever rots or is invented, the verdict is the true one or a refusal."""
    scene.audit()
    liar = scene.liar()
    liar.show({}, previous=b"\x01" * 32)
    scene.caught("CT-3")
    raw = scene.evidence()
    for at in range(0, len(raw), 7):
        bad = raw[:at] + bytes([raw[at] ^ (1 << at % 8)]) + raw[at + 1 :]
        with pytest.raises(TrustError):
            judge(bad)
    with pytest.raises(ProvesNothing):
        judge(raw, "0" * 64)
    with pytest.raises(TrustError):
        judge(raw[:-1])


def test_two_entries_that_can_both_be_true_accuse_nobody(scene: Scene) -> None:
    """CT-5: a file that says "fork" over an honest history is refused."""
    scene.audit()
    early = seen(scene.state)
    scene.release(3)
    scene.audit()
    late = seen(scene.state)
    for a, b in ((early, late), (late, early), (late, late)):
        with pytest.raises(ProvesNothing):
            judge(Evidence("fork", a.files("a/") | b.files("b/")).to_bytes())
    assert read_files(late.to_bytes()) == late.files()


def test_evidence_that_leaves_statements_out_accuses_nobody(scene: Scene) -> None:
    """VW-2: who invents evidence against an honest view can leave out what leads to its rows; that proves nothing."""
    scene.audit()
    shown, liar = seen(scene.state), scene.liar()
    root, map = liar.forger.root, liar.map(3)
    leaf = map.get(view_key(root, "acme/door-1"))
    assert leaf is not None
    view = parse_view(scene.line.upstream(f"/v1/views/{leaf.envelope.hex()}", {}).body)
    keys = sorted([view_key(root, view.model), *(map_key(root, *about) for about in view.heads)])
    rows = [head.envelope.hex() for about, head in view.heads.items() if about[0] in ("model", "root")]
    statements = [StatementEntry(scene.line.upstream(f"/v1/statements/{digest}", {}).body) for digest in rows]
    files = {**shown.files("b/"), "entry.json": shown.catalogue, "model": b"acme/door-1"}
    more: tuple[Entry, ...] = (*statements, ViewEntry(view.raw), ProofEntry(map.root, tuple(keys), map.prove(keys)))
    found = judge(Evidence("view", files, more).to_bytes())
    assert not found.signed
    assert "to which none of these statements leads" in found.what
