"""A repository behind a real HTTP server, and the command that reads it, run as its user runs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sealring_client.command.main import main
from tests.tuf_tree import TufTree


class Served:
    """A repository at an address, below `/deep/path/`; `asked` are the paths of all requests."""

    def __init__(self, tree: TufTree, server: ThreadingHTTPServer) -> None:
        self.tree, self.asked = tree, list[str]()
        base = f"http://127.0.0.1:{server.server_address[1]}/deep/path"
        self.metadata_url, self.targets_url = f"{base}/metadata/", f"{base}/targets"
        self.missing = 404

    def find(self, path: str) -> bytes | None:
        """The file at a path as it was asked for."""
        _, _, rest = path.partition("/deep/path/")
        folder, _, name = rest.partition("/")
        self.asked.append(rest)
        return (self.tree.metadata if folder == "metadata" else self.tree.targets).get(name)

    def asked_for(self) -> list[str]:
        """The metadata files that were asked for since the last call, without `.json`."""
        found = [path.removeprefix("metadata/").removesuffix(".json") for path in self.asked]
        self.asked.clear()
        return found


@contextmanager
def served(tree: TufTree) -> Iterator[Served]:
    """Serve a repository until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = here.find(self.path)
            self.send_response(here.missing if found is None else 200)
            self.send_header("Content-Length", str(len(found or b"")))
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, format: str, *_: object) -> None:
            del format

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Served(tree, server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Client:
    """`sealring-device tuf` with two folders of its own, called as suites of conformance tests call a client."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served = served
        self.metadata, self.files = folder / "metadata", folder / "files"
        self._root = folder / "initial.json"

    def init(self, root: bytes | None = None) -> int:
        """Trust this root, or the repository's first."""
        self._root.write_bytes(root or self.served.tree.metadata["1.root.json"])
        return main(["tuf", "--metadata-dir", str(self.metadata), "init", str(self._root)])

    def refresh(self) -> int:
        """Bring the metadata up to date."""
        return main(
            ["tuf", "--metadata-url", self.served.metadata_url, "--metadata-dir", str(self.metadata), "refresh"]
        )

    def download(self, name: str) -> int:
        """Bring one target."""
        where = ["--metadata-url", self.served.metadata_url, "--metadata-dir", str(self.metadata)]
        what = ["--target-name", name, "--target-dir", str(self.files), "--target-base-url", self.served.targets_url]
        return main(["tuf", *where, *what, "download"])

    def roles(self) -> dict[str, bytes]:
        """What it trusts: files by role, in the spelling of their names."""
        return {path.stem: path.read_bytes() for path in sorted(self.metadata.glob("*.json"))}

    def downloaded(self) -> dict[str, bytes]:
        """Every file in the folder of targets, temporary ones too."""
        return {path.name: path.read_bytes() for path in self.files.iterdir()} if self.files.exists() else {}
