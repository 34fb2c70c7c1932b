"""A real closed store and real devices: who runs it gets its images, and nobody else does (SPEC RD-2)."""

from pathlib import Path

import pytest

from sealring_client.serial import install_serial, own_key
from tests.scenarios.devices import image_of, new_device
from tests.stores import ask, first_software, make_folder, next_software, now
from tests.world import World


@pytest.mark.timeout(240)
def test_a_device_with_its_serial_installs_and_a_stranger_gets_nothing(tmp_path: Path) -> None:
    """RD-2, SN-1: each release, also after the store was served anew; what was revoked is let in no more."""
    world = World(at=now())
    store = make_folder(world, tmp_path / "store")
    (store.folder / "store.toml").write_text("[reading]\nclosed = true\n")
    store.start()
    try:
        with new_device() as rig:
            image = image_of("one")
            needed = first_software(world, store, image)
            needed[1] = world.signed(world.model(serial="required"))
            rig.provision(world.root, needed[:3])
            serial = world.signed(world.serial(own_key(rig.device, None)))
            store.publish([*needed, serial], [image])
            install_serial(rig.device, serial.raw, rig.at)

            digest = world.revision(1, image).image.sha256
            refused = store.get(f"/v1/blobs/{digest}")
            assert refused.status == 401
            assert refused.headers["accept-signature"] == 'device=("@method" "@authority" "@path");created;keyid'
            assert refused.headers["cache-control"] == "no-store"
            assert "," in refused.headers["date"]
            assert refused.headers["date"].count(",") == 1  # one Date, or a device would not sign

            assert rig.refresh().outcome == "installed"
            assert rig.says() == "one"

            store.stop()
            store.start(port=store.port)
            store.publish(next_software(world, image_of("two"), 2), [image_of("two")])
            assert rig.refresh().outcome == "installed"
            assert rig.says() == "two"

            # Whatever else a stranger asks for is answered as ever.
            assert ask(store.url, "/tuf/timestamp.json").status == 200
            store.publish([world.signed(world.revocations(1, ("serial acme/door-1/SN-1", "keep")))])
            store.publish(next_software(world, image_of("three"), 3), [image_of("three")])
            assert rig.refresh().outcome != "installed"
            assert rig.says() == "two"
    finally:
        store.stop()
        store.kill()
