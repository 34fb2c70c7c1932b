"""One update in a process of its own, to be killed in: stage, try, commit, collect. Argument: the state folder."""

import sys
from pathlib import Path

from sealring.errors import SealringError
from sealring_client.apply.generations import Generations
from sealring_client.apply.images import ImageStore
from sealring_client.disk import lock
from sealring_client.part import Part


def parts(letter: str) -> list[Part]:
    """Two packages of two brands, whose images are named by `letter`."""
    names = ("acme/tool", "bolt/base")
    return [Part(name, 1, "amd64", "1", (letter + name[0]) * 32, 3, "1" * 64, "2" * 64) for name in names]


def switch(state: Path, letter: str) -> int:
    """Exit code of the update."""
    generations = Generations(state)
    try:
        with lock(state):
            generations.recover()
            number = generations.stage(parts(letter))
            generations.try_(number)
            generations.commit(number)
            generations.collect(ImageStore(state / "images"))
    except SealringError as err:
        return err.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(switch(Path(sys.argv[1]), sys.argv[2]))
