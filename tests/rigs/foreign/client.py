"""One download by python-tuf: python client.py STORE-URL FOLDER TARGET, with the trusted root in FOLDER/root.json."""

import sys
from pathlib import Path

from tuf.ngclient import Updater


def run(url: str, folder: Path, target: str) -> None:
    """Refresh, look the target up, and download it."""
    state = folder / "metadata"
    state.mkdir(exist_ok=True)
    client = Updater(
        metadata_dir=str(state),
        metadata_base_url=f"{url}/tuf/",
        target_dir=str(folder),
        target_base_url=f"{url}/tuf/targets/",
        bootstrap=(folder / "root.json").read_bytes(),
    )
    found = client.get_targetinfo(target)
    if found is None:
        sys.exit(f"{target} is not there")
    client.download_target(found, str(folder / "image"))


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
