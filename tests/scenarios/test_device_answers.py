"""Whatever an answer says, the device ends where the plain paths would have led it (SPEC AN-2, AN-3, BN-3)."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from sealring.bundle import (
    Entry,
    PathEntry,
    ProofEntry,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
    in_order,
    read_bundle,
    write_bundle,
)
from sealring.catalogue.view import make_view, parse_view
from sealring.envelope import Envelope
from sealring.statement import Release
from sealring.statement.software import Rollout
from sealring_client.decide.trusted import Trusted
from sealring_client.report import Report
from sealring_client.status import read_status
from tests.scenarios.devices import Rig, image_of, line, new_device
from tests.scenarios.scene import A, Scene, rules, words
from tests.simulated import SimulatedStore
from tests.world import DAY, NOW, World, key_set, sign

Spoil = Callable[[list[Entry]], list[Entry] | bytes]


@pytest.fixture
def scene() -> Iterator[Scene]:
    with new_device(NOW) as device:
        found = Scene(device)
        assert device.refresh().outcome == "installed"
        yield found


def others(kind: type[Entry]) -> Spoil:
    return lambda entries: [entry for entry in entries if not isinstance(entry, kind)]


def spoilt(kind: type[Any], member: str) -> Spoil:
    """One bit of the data of each such entry is another."""

    def change(entry: Entry) -> Entry:
        if not isinstance(entry, kind):
            return entry
        raw: bytes = getattr(entry, member)
        return replace(entry, **{member: raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:]})  # type: ignore[no-any-return]

    return lambda entries: [change(entry) for entry in entries]


def forged_model(entries: list[Entry]) -> list[Entry]:
    """A model that nobody has signed, above the genuine one, which it hides."""
    world = World(at=NOW)
    forged = sign(world.model(sequence=99, stores=["acme/main"]), *world.delegate_keys())
    return [StatementEntry(forged.raw), *entries]


def forged_steps(entries: list[Entry]) -> list[Entry]:
    """A next root, and the brand's second version, that nobody has signed who may."""
    world = World(at=NOW)
    root = sign(world.root_statement(sequence=2, root=world.root_id), *world.delegate_keys())
    brand = sign(world.brand(sequence=2), *world.delegate_keys())
    return [StatementEntry(root.raw), StatementEntry(brand.raw), *entries]


def old_timestamp(entries: list[Entry]) -> list[Entry]:
    """Every TUF file with the name of the one before it in the list: a stale one, or another role's."""
    files = [entry for entry in entries if isinstance(entry, TufEntry)]
    moved = [TufEntry(one.name, other.data) for one, other in zip(files, files[1:] + files[:1], strict=True)]
    return [*(entry for entry in entries if not isinstance(entry, TufEntry)), *moved]


def of_another_model(entries: list[Entry]) -> list[Entry]:
    """The view of another model under the digest's place, and its proof."""
    views = [entry for entry in entries if isinstance(entry, ViewEntry)]
    made = [make_view(parse_view(v.data).root, "acme/door-2", parse_view(v.data).heads) for v in views]
    return [*(entry for entry in entries if not isinstance(entry, ViewEntry)), *(ViewEntry(v.raw) for v in made)]


LIES: list[Any] = [
    pytest.param(lambda _: b"", id="nothing"),
    pytest.param(lambda _: [], id="an empty bundle"),
    pytest.param(lambda entries: write_bundle(in_order(entries))[:-20], id="cut off"),
    pytest.param(lambda entries: write_bundle(in_order(entries)) + b"!", id="with something behind it"),
    pytest.param(lambda _: b"{}" * 1000, id="no bundle"),
    pytest.param(lambda _: bytes(17 * 1024 * 1024), id="huge"),
    pytest.param(forged_steps, id="forged steps to keys"),
    *(
        pytest.param(others(kind), id=f"without {kind.__name__}")
        for kind in (StatementEntry, TufEntry, ViewEntry, ProofEntry, ViewDifferenceEntry, PathEntry)
    ),
    pytest.param(spoilt(StatementEntry, "envelope"), id="statements spoilt"),
    pytest.param(spoilt(TufEntry, "data"), id="TUF files spoilt"),
    pytest.param(spoilt(ViewEntry, "data"), id="view spoilt"),
    pytest.param(spoilt(ProofEntry, "proof"), id="proof spoilt"),
    pytest.param(spoilt(ViewDifferenceEntry, "data"), id="difference spoilt"),
    pytest.param(spoilt(PathEntry, "path"), id="path spoilt"),
    pytest.param(forged_model, id="a forged model"),
    pytest.param(old_timestamp, id="TUF files exchanged"),
    pytest.param(of_another_model, id="another model's view"),
]


def end_of(scene: Scene, report: Report) -> tuple[Any, ...]:
    """What came of a check, as far as answers have no part in it."""
    kept = [path for path in scene.device.everything() if path.startswith("statements/")]
    stores = [replace(one, requests=0, transferred=0) for one in report.stores]
    return report.outcome, stores, report.packages, kept, scene.device.says()


def news(scene: Scene) -> None:
    """Two entries: a newer model and brand, then a release."""
    w = scene.world
    scene.publish([w.signed(w.brand(sequence=2))])
    scene.publish([w.signed(w.brand(sequence=3)), w.signed(w.delegation())])
    scene.publish([w.signed(w.model(sequence=2, stores=["acme/main", "acme/other"]))])
    scene.release(2)


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_costs_requests_and_nothing_else(lie: Spoil) -> None:
    """SPEC AN-3: wrong, missing, stale or foreign in any part: the end is that of plain paths at both stores."""
    ends = []
    for spoil in (None, lie):
        with new_device(NOW) as device:
            scene = Scene(device)
            for store in (scene.main, scene.other):
                store.answer = spoil
            first = device.refresh()
            assert first.outcome == "installed"
            news(scene)
            ends.append((end_of(scene, device.refresh()), end_of(scene, device.refresh())))
    assert ends[0] == ends[1]


def test_an_honest_answer_ends_where_plain_paths_do() -> None:
    """SPEC AN-2, AN-3: the same end, and one request a store."""
    ends = []
    for spoil in (None, list):
        with new_device(NOW) as device:
            scene = Scene(device)
            for store in (scene.main, scene.other):
                store.answer = spoil
            device.refresh()
            news(scene)
            report = device.refresh()
            ends.append(end_of(scene, report))
            if spoil is not None:
                assert [one.requests for one in report.stores] == [1, 1]
    assert ends[0] == ends[1]


def test_another_stores_answer_is_no_answer(scene: Scene) -> None:
    """SPEC TF-8, AN-3: signed by other keys; the store's own paths decide."""
    scene.main.answer = None
    scene.release(2)
    main, other = scene.main, scene.other
    fetch = main._file
    main._file = lambda path: other._file(path) if path.startswith("v1/answers/") else fetch(path)  # type: ignore[method-assign]
    report = scene.device.refresh()
    assert words(report) == {"main": "fresh", "other": "fresh"}
    assert line(report, "acme/main").requests > 2
    assert scene.device.says() == "2"


def test_a_delegation_that_was_narrowed_is_heard_of(scene: Scene) -> None:
    """SPEC AU-6, VW-2: it leaves the view, so no answer brings it; the device asks for what has become of it."""
    w = scene.world
    scene.publish([w.signed(w.delegation())])
    scene.device.refresh()
    narrowed = w.delegation(sequence=2, packages=["acme/other-tool"])

    def listed(heads: dict[Any, Any]) -> dict[Any, Any]:
        return {about: head for about, head in heads.items() if about[0] != "delegation"}

    for store in (scene.main, scene.other):
        store.listed = listed
    scene.publish([w.signed(narrowed)])
    assert words(scene.device.refresh()) == {"main": "fresh", "other": "fresh"}
    assert held(scene.device)["delegation", "acme/partner"] == 2
    # It has been heard: from now on the answers are enough again.
    scene.release(2)
    report = scene.device.refresh()
    assert [one.requests for one in report.stores] == [1, 1]


def held(device: Rig) -> dict[tuple[str, str], int]:
    from sealring_client.decide.state import load_trust

    raws = load_trust(device.folder, repair=False).statements.values()
    trusted = Trusted.begin(device.device.anchor, raws)
    return {about: one.statement.sequence for about, one in trusted.floors.highest.items()}


def test_a_release_of_which_it_is_not_yet_the_turn_is_not_fetched_again(scene: Scene) -> None:
    """SPEC RO-1, AN-1: its revision is kept beside the trust state, so that the view can be named."""
    w = scene.world
    rollout = Rollout("0" * 64, 0, [], NOW + DAY, 100, 3600, 3600)
    target = replace_target(w.release(2), previous=1)
    revision = w.signed(w.revision(2, image_of("2")))
    scene.publish([revision, w.signed(w.release(2, targets=target, rollout=rollout))], 2)
    assert scene.device.refresh().packages[0].rollout == "waiting"
    kept = scene.device.folder / "stores/acme/main/statements" / revision.digest
    assert kept.read_bytes() == revision.raw
    before = scene.device.everything()
    scene.main.asked.clear()
    report = scene.device.refresh()
    assert [one.requests for one in report.stores] == [2, 2]  # the answer, and "not modified" for the timestamp
    assert f"view={view_digest(scene.main)}" in scene.main.asked[0]
    assert scene.device.everything() == before
    # Lost or damaged, the view that lists it is not named, and everything comes anew.
    for raw in (b"", revision.raw[:-1], None):
        kept.unlink() if raw is None else kept.write_bytes(raw)
        scene.main.asked.clear()
        report = scene.device.refresh()
        assert "view=" not in scene.main.asked[0]
        assert [one.requests for one in report.stores] == [2, 2]
        assert kept.read_bytes() == revision.raw


def replace_target(release: Release, **more: Any) -> Any:
    import msgspec

    return [msgspec.structs.replace(one, **more) for one in release.targets]


def view_digest(store: SimulatedStore) -> str:
    from sealring.catalogue.view import view_key

    head = store.map.get(view_key(store.root, "acme/door-1"))
    assert head is not None
    return head.id.hex()


def test_a_store_fills_no_disk_with_rubbish(scene: Scene) -> None:
    """SPEC AN-1, FL-4: what nobody vouches for is kept up to a bound, and above it the view is not named."""
    w = scene.world
    rubbish = [
        sign(w.release(n, package=f"junk-{n}", targets=[*w.release(n).targets]), *w.delegate_keys("nobody"))
        for n in range(2, 420)
    ]
    scene.publish([*rubbish, *scene.software(2)], 2, stores="m")
    before = size_of(scene.device)
    report = scene.device.refresh()
    assert words(report)["main"] == "fresh"
    assert size_of(scene.device) - before < 400 * 1024
    scene.main.asked.clear()
    assert scene.device.refresh().outcome == "none"
    assert "view=" not in scene.main.asked[0] or view_digest(scene.main) not in scene.main.asked[0]


def size_of(device: Rig) -> int:
    return sum(len(raw) for name, (_, raw) in device.everything().items() if name.startswith("stores/acme/main"))


def test_a_bundle_with_nothing_behind_it_leads_to_the_same_end(scene: Scene) -> None:
    """SPEC AN-3, BN-3: what a stick will be: one file, read as if each part had come from its own path."""
    news(scene)
    with new_device(NOW) as spy:
        shutil.copytree(scene.device.folder, spy.folder, symlinks=True, ignore=shutil.ignore_patterns("mounts"))
        spy.stores = scene.device.stores
        scene.main.asked.clear()
        spy.check()
    raw = scene.main._file(scene.main.asked[0])
    assert raw is not None

    class Stick(SimulatedStore):
        def _file(self, path: str) -> bytes | None:
            if path.startswith("v1/answers/"):
                return raw
            return scene.main._file(path) if path.startswith("v1/blobs/") else None

    with new_device(NOW) as other:
        shutil.copytree(scene.device.folder, other.folder, symlinks=True, ignore=shutil.ignore_patterns("mounts"))
        other.stores = {A: Stick(scene.world.root_id, NOW)}
        found = other.refresh()
        assert words(found)["main"] == "fresh"
        assert line(found, "acme/main").requests == 1
        assert other.says() == "2"


# --- VW-4


def hide(*abouts: tuple[str, str]) -> Callable[[dict[Any, Any]], dict[Any, Any]]:
    return lambda heads: {about: head for about, head in heads.items() if (about[0], about[2]) not in abouts}


def revocation(scene: Scene) -> Envelope:
    return scene.world.signed(scene.world.revocations(1, ("revision acme/tool/9/amd64", "replace")))


def test_a_view_that_leaves_out_a_list_which_the_map_has(scene: Scene) -> None:
    """SPEC VW-4: a store with all of its keys hides a revocation from one model; the paranoid device sees it."""
    scene.main.listed = hide(("revocations", "acme/acme"))
    del scene.device.stores["http://b.test"]
    scene.publish([revocation(scene)], stores="m")
    scene.release(2, stores="m")
    assert words(scene.device.turn(paranoid=True))["main"] == "refused"
    report = scene.device.turn(paranoid=True)
    assert isinstance(report, Report)
    assert rules(report, "main") == ["VW-4"]
    assert scene.device.says() == "1"
    evidence = scene.device.folder / "evidence/view.acme.main"
    assert evidence.stat().st_size < 64 * 1024
    assert read_status(scene.device.device, NOW).accused == [str(evidence)]
    kinds = [type(entry).__name__ for entry in read_bundle(evidence.read_bytes())]
    assert kinds == [*["TufEntry"] * 5, "ViewEntry", *["ProofEntry"] * 2]


def test_a_map_that_hides_what_the_view_shows(scene: Scene) -> None:
    """SPEC VW-4: a release that only the devices of one model are shown."""
    shown = dict(scene.main.heads)
    scene.release(2, stores="m")
    everything = dict(scene.main.heads)
    about = ("release", 1, "acme/tool/latest/stable")
    scene.main.heads = {**everything, about: shown[about]}
    scene.main.listed = lambda _: everything
    scene.main.publish_heads()
    assert scene.device.check().outcome == "available"  # its own keys signed both
    report = scene.device.turn(paranoid=True)
    assert isinstance(report, Report)
    assert rules(report, "main") == ["VW-4"]
    assert "acme/tool/latest/stable" in line(report, "acme/main").refusals[0].message
    assert scene.device.says() == "1"


def test_an_honest_store_satisfies_a_paranoid_device(scene: Scene) -> None:
    """SPEC VW-4: a delegation that was narrowed away is no contradiction, and nothing is kept as evidence."""
    w = scene.world
    scene.publish([w.signed(w.delegation()), revocation(scene)])
    scene.device.refresh()
    for store in (scene.main, scene.other):
        store.listed = hide(("delegation", "acme/partner"))
    scene.publish([w.signed(w.delegation(sequence=2, packages=["acme/other-tool"]))])
    scene.release(2)
    report = scene.device.turn(paranoid=True)
    assert isinstance(report, Report)
    assert (words(report), scene.device.says()) == ({"main": "fresh", "other": "fresh"}, "2")
    assert not (scene.device.folder / "evidence").exists()


def test_keys_that_rotate_come_by_answers(scene: Scene) -> None:
    """SPEC BR-2, AN-2: each version of the brand after the held one, in turn."""
    w = scene.world
    for generation in (2, 3):
        keys = key_set(2, *w.brand_keys("acme", generation))
        brand = w.brand(sequence=generation, keys=keys)
        old, new = w.brand_keys("acme", generation - 1)[:2], w.brand_keys("acme", generation)[:2]
        scene.publish([sign(brand, *w.brand_role, *old, *new)])
    later = [w.model(sequence=2, stores=["acme/main", "acme/other"]), w.store(A, scene.main.pin, sequence=2)]
    later += [w.revision(2, image_of("2")), w.release(2)]
    scene.publish([sign(one, *w.brand_keys("acme", 3)[:2]) for one in later], 2)
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says()) == ("installed", "2")
    assert line(report, "acme/main").requests == 1
