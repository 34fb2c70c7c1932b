"""Publishers at the same time: each publication stands in exactly one entry, whole (SPEC PB-3, PB-10)."""

import json
from concurrent.futures import ThreadPoolExecutor

from sealring.catalogue.leaf import map_key
from tests.unit.publisher.conftest import Scene

PUBLISHERS = 3
EACH = 3  # publications, one after the other
IMAGES = 3  # of each publication


def test_publications_of_several_processes_never_interleave(scene: Scene) -> None:
    """SPEC PB-3: real processes with images of some size: what one of them sent is in one entry, and all of it."""
    names = [[f"p{who}-{turn}" for turn in range(EACH)] for who in range(PUBLISHERS)]
    work = [
        [scene.several(name, [f"{name} {n} ".encode() * 40_000 for n in range(IMAGES)]) for name in turns]
        for turns in names
    ]

    def publish(turns: list[list[str]]) -> list[dict[str, object]]:
        said = []
        for arguments in turns:
            process = scene.start(*arguments, url=scene.store.url)
            out, err = process.communicate(timeout=120)
            assert (process.returncode, err) == (0, "")
            said.append(json.loads(out))
        return said

    with ThreadPoolExecutor(PUBLISHERS) as pool:
        receipts = [one for found in pool.map(publish, work) for one in found]
    changed = changes(scene)
    for receipt in receipts:
        published = receipt["published"]
        assert receipt["signatures_checked"] is True
        assert isinstance(published, list)
        assert len(published) == 2 * IMAGES
        root = bytes.fromhex(scene.world.root_id)
        keys = {map_key(root, one["type"], 1, one["subject"]) for one in published}
        holding = [number for number, those in changed.items() if keys & those]
        assert len(holding) == 1, "in one entry"
        assert keys <= changed[holding[0]], "and whole"
        catalogue = receipt["catalogue"]
        assert isinstance(catalogue, dict)
        assert catalogue["sequence"] == holding[0], "the one that its receipt proves"


def changes(scene: Scene) -> dict[int, set[bytes]]:
    """The keys that each entry changed."""
    found: dict[int, set[bytes]] = {}
    while (answer := scene.store.get(f"/v1/changes/{len(found) + 1}")).status == 200:
        raw = answer.body
        found[len(found) + 1] = {raw[at : at + 32] for at in range(0, len(raw), 104)}
    return found
