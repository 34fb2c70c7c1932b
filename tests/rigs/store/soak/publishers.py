"""Publishers by the command's own code, each with a package of its own; a process for all of them.

python -m tests.rigs.store.soak.publishers SCENE FIRST-REVISION RECEIPTS RESULT
"""

import io
import json
import random
import sys
import tempfile
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

from sealring.authentic import read_claim
from sealring.catalogue.leaf import map_key
from sealring.command.outside import Outside
from sealring.command.patience import GaveUp
from sealring.command.receipt import verify_receipt
from sealring.command.sending import send
from sealring.command.store_http import StoreClient
from sealring.command.terms import Terms
from sealring.command.tuf_files import load_tuf_root
from sealring.command.uploading import ImageFile
from sealring.envelope import Envelope
from sealring.errors import SealringError
from tests.rigs.store.soak.scene import PUBLISHERS, Scene, image_of, load_scene, name_of, software
from tests.rigs.store.soak.tally import Tally
from tests.stores import now

PAUSE = (1.0, 4.0)  # seconds between two publications of one publisher


class Publisher:
    """One publisher.

    Args:
        receipts: a file to which each receipt's facts are added as soon as it was checked.
    """

    def __init__(self, scene: Scene, number: int, folder: Path, receipts: Path, tally: Tally) -> None:
        self.scene, self.number, self.folder, self.receipts, self.tally = scene, number, folder, receipts, tally
        self.chance = random.Random(number)
        self.tuf_root = load_tuf_root(receipts.parent / "1.root.json")

    def live(self, revision: int) -> None:
        """One revision and its release after the other, until the soak ends."""
        world, package = self.scene.world, name_of(self.number)
        while time.time() < self.scene.ends:
            self.publish(software(world, package, revision), image_of(package, revision))
            revision += 1
            time.sleep(self.chance.uniform(*PAUSE))

    def publish(self, envelopes: list[Envelope], image: bytes) -> None:
        """Publish them, by the same command again where it gave up; a refusal is wrong."""
        claims = [read_claim(one.raw) for one in envelopes]
        file = self.folder / "image"
        file.write_bytes(image)
        digest = sha256(image).hexdigest()
        begin = time.perf_counter()
        while True:
            try:
                images = {digest: ImageFile(file, digest, len(image))}
                raw = send(self._outside(), StoreClient(self.scene.url), claims, images, Terms(), quiet=True)
                receipt = verify_receipt(raw, claims, self.tuf_root, now())
            except GaveUp:
                self.tally.failed("publication", "publisher tries again")
                continue
            except SealringError as err:
                if err.exit_code != 10 or time.time() > self.scene.ends + 60:
                    self.tally.failed("publication", f"{type(err).__name__}: {err}")
                    return
                self.tally.failed("publication", "publisher tries again")
                time.sleep(1)
                continue
            break
        self.tally.add("publication, to its receipt", time.perf_counter() - begin)
        root = bytes.fromhex(self.scene.world.root_id)
        said: dict[str, Any] = {"entry": receipt.entry.raw.decode(), "statements": []}
        for claim in claims:
            one = claim.statement
            key = map_key(root, one.type, one.format, one.subject).hex()
            said["statements"].append([key, one.sequence, claim.envelope.id, claim.envelope.digest])
        with self.receipts.open("a") as file_of_all:
            file_of_all.write(json.dumps(said) + "\n")

    def _outside(self) -> Outside:
        def sleep(seconds: float) -> None:
            self.tally.failed("publication", "publisher tries again")
            time.sleep(seconds)

        out = io.StringIO()
        return Outside(now, out, out, False, False, self.folder / "state", sleep, self.chance.random)


def main(scene: str, revision: str, receipts: str, result: str) -> None:
    """All publishers."""
    tally, told = Tally(), load_scene(Path(scene))

    def live(number: int, folder: Path) -> None:
        folder.mkdir()
        try:
            Publisher(told, number, folder, Path(receipts), tally).live(int(revision))
        except Exception as err:  # noqa: BLE001 - a publisher that stops is counted as wrong
            tally.failed("publisher", f"stopped: {type(err).__name__}: {err}")

    with tempfile.TemporaryDirectory() as name:
        threads = [threading.Thread(target=live, args=(n, Path(name) / str(n))) for n in range(PUBLISHERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    Path(result).write_text(json.dumps(tally.as_json()))


if __name__ == "__main__":
    main(*sys.argv[1:])
