"""He has the key of the role `packages`, and the line: what clients that know TUF only see is his (SPEC TF-11, 16).

They trust the store, so it works on them; that is said wherever the role is offered. No device of sealring's reads it.
"""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from tuf.api.metadata import Metadata, Role, TargetFile, Targets
from tuf.api.serialization.json import CanonicalJSONSerializer
from tuf.ngclient import Updater

from sealring_server.clock import system_clock
from sealring_server.here import open_store
from sealring_server.tuf_packages import turn_on
from tests.hostile import Line, Reply, between, over_http
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import Rig, image_of, line, new_device
from tests.stores import RunningStore, first_software, next_software, now, running_store
from tests.world import World

HOLDER = "the key of the role packages"
NAME = "acme~tool~1~amd64.img"
EVIL = b"hsqs" + b"what nobody released " * 1000


class Thief:
    """He signs his own list of images under the number of the honest one, and answers for the image."""

    def __init__(self, store: RunningStore) -> None:
        self.here = open_store(store.folder, system_clock)
        assert turn_on(self.here)

    def lie(self, path: str, reply: Reply) -> Reply:
        """Change what is the role's, and nothing else: he has no other key."""
        if path.endswith(".packages.json") and reply.status == 200:
            with self.here.database.reading() as connection:
                (row,) = connection.exec_driver_sql("select key from tuf_packages").one()
            metadata = Metadata[Targets].from_bytes(reply.body)
            metadata.signed.targets = {NAME: TargetFile(len(EVIL), {"sha256": sha256(EVIL).hexdigest()}, NAME)}
            message = CanonicalJSONSerializer().serialize(metadata.signed)
            role = Role([json.loads(row)["keyid"]], 1)
            metadata.signatures = {one.keyid: one for one in self.here.online.sign("packages", role, message)}
            return replace(reply, body=metadata.to_bytes())
        return Reply(200, (), EVIL) if path.endswith(f"{sha256(EVIL).hexdigest()}.{NAME}") else reply


@cell(HOLDER, "install anything", "install an old revision", "stop what runs")
def test_what_a_foreign_client_sees_moves_no_device(tmp_path: Path) -> None:
    """TF-11, DV-4: the same list that makes python-tuf's client take his file is never asked for by a device."""
    world = World(at=now())
    with running_store(world, tmp_path / "store") as store, between(over_http(store.url)) as way:
        software = first_software(world, store, image_of("one"), url=way.url)
        store.publish(software, [image_of("one")])
        thief = Thief(store)
        with new_device() as device:
            device.provision(world.root, software[:3])
            way.change, way.answers = thief.lie, True
            assert _foreign(store, way, tmp_path).read_bytes() == EVIL
            _nothing_of_it(device, way)
            store.publish(next_software(world, image_of("two"), 2), [image_of("two")])
            assert _foreign(store, way, tmp_path).read_bytes() == EVIL
            assert (device.refresh().outcome, device.says()) == ("installed", "two")


def _nothing_of_it(device: Rig, way: Line) -> None:
    way.asked.clear()
    report = device.refresh()
    assert (report.outcome, line(report, "acme/main").word, device.says()) == ("installed", "fresh", "one")
    assert [path for path in way.asked if "packages" in path or "~" in path] == []
    assert device.check().outcome == "none"


def _foreign(store: RunningStore, way: Line, folder: Path) -> Path:
    """What python-tuf's client downloads under that name."""
    (folder / "foreign").mkdir(exist_ok=True)
    client = Updater(
        str(folder / "foreign"),
        f"{way.url}/tuf/",
        target_dir=str(folder / "foreign"),
        target_base_url=f"{way.url}/tuf/targets/",
        bootstrap=(store.folder / "1.root.json").read_bytes(),
    )
    found = client.get_targetinfo(NAME)
    assert found is not None
    return Path(client.download_target(found))
