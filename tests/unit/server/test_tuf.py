"""The store's TUF repository, as an unmodified TUF client and the clock see it (SPEC TF-1, TF-2)."""

import json
from datetime import timedelta
from pathlib import Path

from tuf.api.metadata import Metadata, Root, Targets, Timestamp
from tuf.ngclient import Updater

from sealring.catalogue.entry import parse_entry
from sealring_server.schedule import sign_again
from sealring_server.tuf_repo import metadata_bytes
from tests.stores import RunningStore
from tests.unit.server.conftest import Shop


def refresh(store: RunningStore, folder: Path) -> bytes:
    """What an ordinary TUF client that was given `1.root.json` ends up with."""
    folder.mkdir(exist_ok=True)
    updater = Updater(
        metadata_dir=str(folder),
        metadata_base_url=f"{store.url}/tuf/",
        target_dir=str(folder),
        target_base_url=f"{store.url}/tuf/targets/",
        bootstrap=(store.folder / "1.root.json").read_bytes(),
    )
    updater.refresh()
    info = updater.get_targetinfo("catalogue.json")
    assert info is not None
    return Path(updater.download_target(info)).read_bytes()


def test_an_unmodified_client_follows_every_publication(served: RunningStore, tmp_path: Path) -> None:
    """TF-1, TF-2: python-tuf's own client, with the state that it keeps, over several publications."""
    seen = [parse_entry(refresh(served, tmp_path / "client"))]
    for number in range(3):
        served.publish([served.world.signed(served.world.model(f"tuf-{number}"))])
        seen.append(parse_entry(refresh(served, tmp_path / "client")))
    assert [e.sequence for e in seen] == list(range(seen[0].sequence, seen[0].sequence + 4))
    assert parse_entry(refresh(served, tmp_path / "fresh")) == seen[-1]


def test_layout(shop: Shop) -> None:
    """TF-1: consistent snapshots, one target, a key of its own for each role, a timestamp of a version only."""
    root = Metadata[Root].from_bytes((shop.folder / "1.root.json").read_bytes()).signed
    assert root.consistent_snapshot
    assert len({ident for role in root.roles.values() for ident in role.keyids}) == 4
    with shop.here.database.reading() as connection:
        timestamp = Metadata[Timestamp].from_bytes(metadata_bytes(connection, "timestamp") or b"").signed
        targets = Metadata[Targets].from_bytes(metadata_bytes(connection, "targets") or b"").signed
    assert timestamp.snapshot_meta.to_dict() == {"version": 1}
    assert set(targets.targets) == {"catalogue.json"}
    assert timestamp.expires - shop.at == timedelta(days=7)
    assert targets.expires - shop.at == timedelta(days=30)
    assert root.expires - shop.at == timedelta(days=365)


def versions(shop: Shop) -> dict[str, int]:
    """The newest version of each role."""
    with shop.here.database.reading() as connection:
        roles = ("root", "timestamp", "snapshot", "targets")
        return {r: json.loads(metadata_bytes(connection, r) or b"")["signed"]["version"] for r in roles}


def test_signing_again_renews_the_timestamp_and_daily_the_entry(shop: Shop) -> None:
    """TF-2: within a day a new timestamp only; after it a new entry with the new time, so that all expiries move."""
    assert sign_again(shop.here).sequence == 1
    assert versions(shop) == {"root": 1, "timestamp": 2, "snapshot": 1, "targets": 1}
    shop.later(hours=25)
    assert sign_again(shop.here).sequence == 2
    assert sign_again(shop.here).sequence == 2
    assert versions(shop) == {"root": 1, "timestamp": 4, "snapshot": 2, "targets": 2}
    shop.check()


def test_a_clock_that_went_back_makes_no_older_catalogue(shop: Shop) -> None:
    """The entry's time never falls, or devices would take the newest catalogue for an older one."""
    shop.later(days=2)
    shop.first()
    shop.later(days=-1)
    shop.publish([shop.world.signed(shop.world.model("gate"))])
    assert shop.check().entry == 3
