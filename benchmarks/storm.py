"""Publishers without a pause, in a process of their own, until they are ended: `python -m benchmarks.storm URL FOLDER`.

The folder has publications as files, which are sent once each, by two threads.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.stores import ask

PUBLISHERS = 2


def send(url: str, file: Path) -> None:
    """One publication."""
    answer = ask(url, "/v1/publications?commit=yes", "POST", file.read_bytes())
    assert answer.status == 200, answer.body[:200]


def main(url: str, folder: str) -> None:
    """Send them all."""
    with ThreadPoolExecutor(PUBLISHERS) as pool:
        list(pool.map(lambda file: send(url, file), sorted(Path(folder).iterdir())))


if __name__ == "__main__":
    main(*sys.argv[1:])
