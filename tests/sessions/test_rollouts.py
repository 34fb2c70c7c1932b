"""docs/rollouts.md can be followed as it is written, on a store whose devices have reported."""

import shutil
from pathlib import Path

from tests.sessions.runner import console_blocks, parse_session, run_session
from tests.stores import make_folder, now
from tests.unit.server.conftest import Shop
from tests.unit.server.reports.conftest import make_factory
from tests.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rollouts.md"


def test_the_page_leads_through_a_halted_rollout_and_on(tmp_path: Path) -> None:
    """RO-1, HL-2: a brand's plan, what the operator sees, and the brand's way on."""
    world = World(at=now())
    made = make_folder(world, tmp_path / "shop")
    factory = make_factory(Shop(world, made.folder, made.pin, world.at))
    for number, device in enumerate(factory.many(10)):
        device.says("begun", *(["good"] if number < 7 else ["rolled-back"] if number < 9 else []))
    assert factory.judge() == ["acme/tool/latest/stable"]
    factory.shop.here.database.close()
    (tmp_path / "release-1.json").write_bytes(world.signed(world.release(1)).raw)
    steps = parse_session(console_blocks(PAGE.read_text(encoding="utf-8")))
    assert len(steps) == 5
    run_session(steps, tmp_path)
    shutil.rmtree(tmp_path / "shop")
