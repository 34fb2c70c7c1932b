"""docs/publishing.md can be followed as it is written, at a store that is being served."""

import shutil
from pathlib import Path

from tests.sessions.runner import console_blocks, parse_session, run_session
from tests.stores import first_software, now, running_store
from tests.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "publishing.md"


def test_the_page_leads_to_a_proved_publication(tmp_path: Path) -> None:
    """PB-8, PB-12: what would change, the publication with its image, and the same once more."""
    world = World(at=now())
    with running_store(world, tmp_path / "store") as store:
        store.publish(first_software(world, store, b"image 1"), [b"image 1"])
        (tmp_path / "tool-2.json").write_bytes(world.signed(world.revision(2, b"image 2")).raw)
        (tmp_path / "release-2.json").write_bytes(world.signed(world.release(2)).raw)
        (tmp_path / "tool-2.squashfs").write_bytes(b"image 2")
        shutil.copy(store.folder / "1.root.json", tmp_path)
        page = PAGE.read_text(encoding="utf-8").replace("https://store.example", store.url)
        steps = parse_session(console_blocks(page))
        assert len(steps) == 3
        run_session(steps, tmp_path)
        assert store.get("/v1/heads/release/1/acme/tool/latest/stable").status == 200
