"""Reports and a halt over HTTP, by a store that is served (SPEC RP-1, RP-2, HL-1, HL-2)."""

from pathlib import Path

import pytest

from sealring.bundle import ReportEntry, write_bundle
from sealring.halt import halt_key, parse_halt
from sealring.report import report_bytes
from tests.stores import RunningStore, ask, make_folder, now
from tests.unit.server.conftest import Shop
from tests.unit.server.reports.conftest import Factory, make_factory
from tests.world import World

RELEASE = "acme/tool/latest/stable"


@pytest.mark.timeout(120)
def test_devices_report_over_http_and_the_store_halts_by_itself(tmp_path: Path) -> None:
    """RP-2, HL-2: what was answered with 204 survives a kill; the halt is found by its leaf, as a device looks."""
    world = World(at=now())
    store = make_folder(world, tmp_path / "store")
    factory = make_factory(Shop(world, store.folder, store.pin, world.at))
    devices = factory.many(3)
    factory.shop.here.database.close()
    store.start(workers=2)
    try:
        for device in devices:
            raws = [report_bytes(device.report(event), device.key) for event in ("begun", "failed")]
            body = write_bundle([ReportEntry(raw) for raw in raws])
            for _ in range(2):
                assert ask(store.url, "/v1/reports", "POST", body).status == 204
        store.kill()
        store.start()  # it looks as it starts, and then every minute
        check_halt_is_shown(factory, store)
    finally:
        store.kill()


def check_halt_is_shown(factory: Factory, store: RunningStore) -> None:
    """From the newest entry's changes to the document."""
    (halt,) = factory.halts()
    changes = store.get(f"/v1/changes/{halt.entry}").body
    key = halt_key(bytes.fromhex(factory.shop.world.root_id), RELEASE)
    found = {changes[at : at + 32]: changes[at + 32 : at + 104] for at in range(0, len(changes), 104)}
    assert list(found) == [key]
    document = store.get(f"/v1/halts/{found[key][8:40].hex()}")
    assert (document.status, parse_halt(document.body).id) == (200, factory.ground)
    factory.shop.here.database.close()
