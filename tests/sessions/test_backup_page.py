"""docs/backup.md can be followed as it is written, on a store with its first publication."""

from pathlib import Path

from tests.sessions.runner import console_blocks, parse_session, run_session
from tests.stores import make_folder, now
from tests.unit.server.conftest import Shop
from tests.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "backup.md"


def test_the_page_leads_to_a_store_that_goes_on(tmp_path: Path) -> None:
    """BK-1, BK-2, BN-6: saved, verified from the root, restored, silent until its operator spoke, and on a stick."""
    world = World(at=now())
    made = make_folder(world, tmp_path / "shop")
    shop = Shop(world, made.folder, made.pin, world.at)
    shop.first()
    shop.here.database.close()
    (tmp_path / "root.json").write_bytes(world.root.raw)
    steps = parse_session(console_blocks(PAGE.read_text(encoding="utf-8")))
    assert len(steps) == 7
    run_session(steps, tmp_path)
