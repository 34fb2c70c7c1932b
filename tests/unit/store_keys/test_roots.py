"""The store's TUF root changes by ceremony and becomes visible in one step (SPEC TF-1, TF-9)."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Root

from sealring.moment import Expired
from sealring.request.tuf_root import BadTufRoot, parse_root, unsigned
from sealring.tuf_keys import tuf_key
from sealring_server.held import Held
from sealring_server.here import open_store
from sealring_server.key_folder import ONLINE_ROLES, KeyFolder, KeyMissing
from sealring_server.making import begin_store, finish_store, is_begun, make_store
from sealring_server.tuf_repo import metadata_bytes, newest_root
from sealring_server.tuf_roots import Change, NoSuchRootKey, publish_root, request_root
from tests.oracle import check_store
from tests.stores import maintain, signer, tuf_root_signer
from tests.unit.server.conftest import Shop, shop, template
from tests.unit.store_keys.ceremony import HOLDER, rotate, signed_by
from tests.world import DAY, World, sign

__all__ = ["shop", "template"]  # fixtures


def root_of(shop: Shop) -> Root:
    """The newest."""
    with shop.here.database.reading() as connection:
        return parse_root(newest_root(connection)).signed


def secrets_in(folder: Path) -> set[str]:
    """Names of the key files."""
    return {file.name for file in (folder / "keys").glob("*.key")}


def test_each_role_has_a_key_of_its_own(shop: Shop) -> None:
    """TF-1: a stolen timestamp key signs timestamps, and nothing else."""
    keys = [root_of(shop).roles[role].keyids for role in ("root", *ONLINE_ROLES)]
    assert len({ident for idents in keys for ident in idents}) == 4
    listed = {one.role: one for one in shop.here.online.keys.read()}
    assert {role: [one.id] for role, one in listed.items()} == dict(zip(ONLINE_ROLES, keys[1:], strict=True))


def test_a_rotation_signs_everything_anew_and_deletes_what_was(shop: Shop) -> None:
    """TF-9: one step; then the old secrets are gone from the disk, and the list knows the new ones only."""
    shop.first()
    before, old = root_of(shop), secrets_in(shop.folder)
    rotate(shop)
    after = root_of(shop)
    assert after.version == 2
    assert not {i for r in ONLINE_ROLES for i in before.roles[r].keyids} & set(after.keys)
    assert not old & secrets_in(shop.folder)
    assert {one.id for one in shop.here.online.keys.read()} == {i for r in ONLINE_ROLES for i in after.roles[r].keyids}
    assert len(list((shop.folder / "keys").iterdir())) == 7
    shop.publish([shop.world.signed(shop.world.model("gate"))])
    shop.check()


def test_another_process_signs_by_the_new_keys_at_once(shop: Shop) -> None:
    """TF-9: who had the old keys in memory when another process published asks the root row, not its memory."""
    shop.first()
    rotating = open_store(shop.folder, lambda: shop.at)
    for number in range(3):
        shop.publish([shop.world.signed(shop.world.model(f"gate-{number}"))])
        request = request_root(rotating, Change(dict.fromkeys(ONLINE_ROLES)))
        publish_root(rotating, signed_by(request, shop))
        shop.publish([shop.world.signed(shop.world.model(f"door-{number}"))])
        shop.check()


def test_pending_keys_wait_and_are_asked_for_once(shop: Shop) -> None:
    """TF-9: a request keeps its new keys pending; the same request again uses them; only the named ones stay."""
    first = request_root(shop.here, Change({"timestamp": None}))
    again = request_root(shop.here, Change({"timestamp": None}, life=timedelta(days=30)))
    assert first.draft.signed.roles["timestamp"].keyids == again.draft.signed.roles["timestamp"].keyids
    request_root(shop.here, Change({"snapshot": None}))
    maintain(shop.here)
    assert len(secrets_in(shop.folder)) == 5
    publish_root(shop.here, signed_by(first, shop))
    assert len(secrets_in(shop.folder)) == 3
    shop.check()


def test_holders_change_by_both_thresholds(shop: Shop) -> None:
    """TF-9: keys join and leave and the threshold rises; the old and the new root must both be met."""
    world = shop.world
    add = [world.key(name).public for name in ("ann", "bob", "cid")]
    fingerprint = world.key(HOLDER).public.id
    request = request_root(shop.here, Change(add=add, remove=[fingerprint[:12]], threshold=2))
    for short in ((HOLDER,), ("ann", "bob"), (HOLDER, "ann")):
        with pytest.raises(BadTufRoot) as refused:
            publish_root(shop.here, signed_by(request, shop, *short))
        assert (refused.value.rule, refused.value.exit_code) == ("TF-9", 21)
    publish_root(shop.here, signed_by(request, shop, HOLDER, "ann", "bob"))
    assert (root_of(shop).roles["root"].threshold, len(root_of(shop).roles["root"].keyids)) == (2, 3)
    rotate(shop, "timestamp", holders=("bob", "cid"))
    shop.check()
    for wrong in (["1234567"], ["0" * 16], ["zz"]):
        with pytest.raises(NoSuchRootKey):
            request_root(shop.here, Change(remove=wrong))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda root: setattr(root, "version", 3), id="a version is passed over"),
        pytest.param(lambda root: setattr(root, "version", 1), id="the same version again"),
        pytest.param(lambda root: setattr(root, "consistent_snapshot", False), id="no consistent snapshots"),
        pytest.param(lambda root: root.unrecognized_fields.update(x=1), id="a member that nobody knows"),
        pytest.param(lambda root: setattr(root.roles["targets"], "threshold", 2), id="a threshold beyond the keys"),
        pytest.param(lambda root: root.roles["targets"].keyids.clear(), id="a role without keys"),
        pytest.param(
            lambda root: root.add_key(tuf_key(World().key("mallory").public), "timestamp"), id="a key that is not here"
        ),
    ],
)
def test_what_the_store_can_t_carry_out_is_refused_and_changes_nothing(shop: Shop, change: object) -> None:
    """TF-9: signed by its holders all the same: a root that no client would follow must not become the store's."""
    request = request_root(shop.here, Change({"timestamp": None}))
    said = parse_root(request.draft.raw).signed
    change(said)  # type: ignore[operator]
    if len(said.roles["timestamp"].keyids) == 2:
        said.roles["timestamp"].threshold = 2
    draft = unsigned(said)
    one = tuf_root_signer(shop.world).sign(draft.signed_bytes)
    before = {file: file.read_bytes() for file in sorted(shop.folder.rglob("*")) if file.is_file()}
    with pytest.raises((BadTufRoot, KeyMissing)):
        publish_root(shop.here, draft.with_signatures({one.keyid: one.signature}).raw)
    assert root_of(shop).version == 1
    assert {name for name in before if name.suffix in (".key", ".passphrase")} <= set(shop.folder.rglob("*"))
    shop.check()


def test_an_expired_root_is_no_way_out(shop: Shop) -> None:
    """TF-3: devices take nothing by a root that has ended, so it is not published."""
    request = request_root(shop.here, Change(life=timedelta(days=1)))
    shop.later(days=2)
    with pytest.raises(Expired):
        publish_root(shop.here, signed_by(request, shop))
    shop.check()


def test_publishing_once_more_changes_nothing(shop: Shop) -> None:
    """TF-9: after a crash the operator repeats the command: what was done stays done."""
    raw = signed_by(request_root(shop.here, Change({"timestamp": None})), shop)
    publish_root(shop.here, raw)
    with shop.here.database.reading() as connection:
        before = metadata_bytes(connection, "timestamp")
    publish_root(shop.here, raw)
    with shop.here.database.reading() as connection:
        assert metadata_bytes(connection, "timestamp") == before


def test_a_planted_list_of_keys_names_no_foreign_file(shop: Shop, tmp_path: Path) -> None:
    """Deleting goes by the list: whoever could write it must not make the store delete files elsewhere."""
    victim = tmp_path / "victim"
    victim.write_text("stays")
    keys = shop.here.online.keys
    said = json.loads(keys.list.read_bytes())
    for place in (str(victim), "../../victim", ".."):
        said["keys"].append(
            {"id": "0" * 64, "role": "timestamp", "place": place, "secret": f"file:{victim}", "root": 1}
        )
    keys.list.write_bytes(json.dumps(said, separators=(",", ":")).encode())
    maintain(shop.here)
    assert victim.read_text() == "stays"
    assert len(keys.read()) == 3


def test_three_holders_make_a_store_together(tmp_path: Path) -> None:
    """TF-1, TF-9: begun with public keys only, finished by what two of three signed; never with another root."""
    world = World()
    holders = [world.key(name) for name in ("ann", "bob", "cid")]
    folder = tmp_path / "store"
    request = begin_store(folder, [world.root.raw], [one.public for one in holders], 2, lambda: world.at)
    assert is_begun(folder)
    one = {s.keyid: s.signature for s in (signer(key).sign(request.draft.signed_bytes) for key in holders[:1])}
    two = one | {s.keyid: s.signature for s in (signer(key).sign(request.draft.signed_bytes) for key in holders[2:])}
    with pytest.raises(BadTufRoot):
        finish_store(folder, request.with_signatures(one).draft.raw, lambda: world.at)
    other = parse_root(request.draft.raw).signed
    other.expires += DAY
    foreign = unsigned(other)
    signatures = {s.keyid: s.signature for s in (signer(key).sign(foreign.signed_bytes) for key in holders)}
    with pytest.raises(BadTufRoot):
        finish_store(folder, foreign.with_signatures(signatures).raw, lambda: world.at)
    finish_store(folder, request.with_signatures(two).draft.raw, lambda: world.at)
    assert not is_begun(folder)
    assert check_store(folder).entry == 1
    assert (folder / "1.root.json").read_bytes() == request.with_signatures(two).draft.raw


def test_a_new_store_leads_devices_older_than_its_newest_root(tmp_path: Path) -> None:
    """RT-2: the history of roots is served from the first day on; only the last must be current."""
    world = World()
    late = world.at + 400 * DAY  # when the first has expired
    later = (sign(world.root_statement(sequence=n, issued=late), *world.root_keys[:2]) for n in (2, 3))
    first, second, third = (world.root, *later)
    with pytest.raises(Expired):
        make_store(tmp_path / "store", [first.raw], tuf_root_signer(world), lambda: late)
    make_store(tmp_path / "store", [third.raw, first.raw, second.raw], tuf_root_signer(world), lambda: late)
    here = open_store(tmp_path / "store", lambda: late)
    with here.database.reading() as connection:
        held = Held(connection)
        assert [held.version("root", str(n), n) for n in (1, 2, 3)] == [first.raw, second.raw, third.raw]
    assert check_store(tmp_path / "store").entry == 1


def test_a_key_list_in_two_spellings_is_refused(tmp_path: Path) -> None:
    """Two readers must not see two lists of keys: one spelling, bounded."""
    folder = KeyFolder(tmp_path)
    folder.create()
    one, _ = folder.make("timestamp", 1)
    folder.add([one])
    folder.list.write_bytes(folder.list.read_bytes().replace(b'"format":1', b'"format": 1'))
    with pytest.raises(Exception, match="spelling"):
        folder.read()


def test_metadata_is_what_python_tuf_would_write(shop: Shop) -> None:
    """TF-1: the fast writer's files are read back by python-tuf to the same objects, and verify."""
    with shop.here.database.reading() as connection:
        root = Metadata[Root].from_bytes(newest_root(connection)).signed
        for role in ONLINE_ROLES:
            metadata: Metadata[Root] = Metadata.from_bytes(metadata_bytes(connection, role) or b"")
            root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
