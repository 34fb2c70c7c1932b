"""The role `packages`: plain TUF targets for clients that know TUF only (SPEC TF-11)."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from tuf.ngclient import Updater

from sealring_server.here import open_store
from sealring_server.schedule import sign_due
from sealring_server.tuf_packages import EVERY, MAX_TARGETS, remake, turn_off, turn_on
from sealring_server.tuf_repo import metadata_bytes
from sealring_server.tuf_roots import tidy_keys
from tests.stores import RunningStore, ask, first_software, maintain, next_software, now, running_store
from tests.unit.server.conftest import Shop, shop, template
from tests.world import World

__all__ = ["shop", "template"]  # fixtures

IMAGE = b"hsqs" + b"a real image " * 5000


def foreign(store: RunningStore, folder: Path) -> Updater:
    """python-tuf's own client, as an installer elsewhere would use it."""
    folder.mkdir(exist_ok=True)
    return Updater(
        metadata_dir=str(folder),
        metadata_base_url=f"{store.url}/tuf/",
        target_dir=str(folder),
        target_base_url=f"{store.url}/tuf/targets/",
        bootstrap=(store.folder / "1.root.json").read_bytes(),
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A running store with a released image."""
    world = World(at=now())
    with running_store(world, tmp_path_factory.mktemp("foreign") / "store") as store:
        store.publish(first_software(world, store, IMAGE), [IMAGE])
        yield store


def test_a_foreign_client_downloads_a_real_image_while_the_role_is_on(served: RunningStore, tmp_path: Path) -> None:
    """TF-11: off at first; on, `tuf.ngclient` finds the image by name; off again, it finds nothing, nor does a URL."""
    name, path = "acme~tool~1~amd64.img", f"/tuf/targets/{sha256(IMAGE).hexdigest()}.acme~tool~1~amd64.img"
    assert foreign(served, tmp_path / "before").get_targetinfo(name) is None
    assert ask(served.url, path).status == 404
    here = open_store(served.folder, now)
    assert turn_on(here)
    assert not turn_on(here)
    client = foreign(served, tmp_path / "on")
    info = client.get_targetinfo(name)
    assert info is not None
    assert Path(client.download_target(info)).read_bytes() == IMAGE
    part = ask(served.url, path, Range="bytes=0-3")
    assert (part.status, part.body) == (206, b"hsqs")
    # One image, one URL: no cache can be filled with copies of it under other names.
    assert ask(served.url, path.replace("~1~", "~2~")).status == 404
    assert ask(served.url, path.replace(sha256(IMAGE).hexdigest(), "0" * 64)).status == 404
    again = foreign(served, tmp_path / "on").get_targetinfo("catalogue.json")
    assert again is not None
    assert turn_off(here)
    tidy_keys(here)
    assert not [one for one in here.online.keys.read() if one.role == "packages"]
    assert foreign(served, tmp_path / "on").get_targetinfo(name) is None
    assert ask(served.url, path).status == 404


def listed(shop: Shop) -> set[str]:
    """The targets of the newest list."""
    with shop.here.database.reading() as connection:
        return set(json.loads(metadata_bytes(connection, "packages") or b"{}")["signed"]["targets"])


def test_the_list_follows_releases_at_most_every_ten_minutes(shop: Shop) -> None:
    """TF-11: no publication waits for it; the worker makes it again, and signs only what changed."""
    shop.first()
    turn_on(shop.here)
    assert listed(shop) == {"acme~tool~1~amd64.img"}
    shop.publish(next_software(shop.world, b"image 2", 2), [b"image 2"])
    assert listed(shop) == {"acme~tool~1~amd64.img"}
    assert remake(shop.here)
    assert "acme~tool~2~amd64.img" in listed(shop)
    shop.publish(next_software(shop.world, b"image 3", 3), [b"image 3"])
    assert not remake(shop.here)
    shop.at += EVERY
    assert remake(shop.here)
    assert "acme~tool~3~amd64.img" in listed(shop)
    shop.at += EVERY
    assert not remake(shop.here)
    shop.check()


def test_it_is_no_part_of_what_devices_trust(shop: Shop) -> None:
    """TF-11: one pattern, terminating, an Ed25519 key under the id that TUF computes; at most 10,000 targets."""
    turn_on(shop.here)
    with shop.here.database.reading() as connection:
        said = json.loads(metadata_bytes(connection, "targets") or b"")["signed"]
    (role,) = said["delegations"]["roles"]
    assert (role["name"], role["paths"], role["terminating"]) == ("packages", ["*"], True)
    ((ident, key),) = said["delegations"]["keys"].items()
    assert (key["keytype"], role["keyids"]) == ("ed25519", [ident])
    assert set(said["targets"]) == {"catalogue.json"}
    assert MAX_TARGETS == 10_000


def test_lists_do_not_pile_up(shop: Shop) -> None:
    """A list may have megabytes: of many that were made the newest few are kept."""
    turn_on(shop.here)
    for _ in range(8):
        shop.later(days=16)
        maintain(shop.here)
        sign_due(shop.here)
    with shop.here.database.reading() as connection:
        count = connection.exec_driver_sql("SELECT count(*), max(version) FROM tuf WHERE role = 'packages'").one()
    assert count[0] <= 3
    assert count[1] >= 8
