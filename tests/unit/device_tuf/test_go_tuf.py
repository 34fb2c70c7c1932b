"""A repository that go-tuf wrote (go_tuf/make.go): other JSON, other key ids, other signatures, the same verdicts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sealring_client.decide.tuf import TufExpired
from sealring_client.decide.tuf.errors import NoSuchTarget
from sealring_client.tuf_folder import begin_folder
from sealring_client.tuf_repository import download, refresh
from tests.hostile import Reply, between

HERE = Path(__file__).parent / "go_tuf"
AT = datetime(2119, 1, 1, tzinfo=UTC)
ROLES = {"top.txt": "targets", "docs/deep/file.txt": "docs", "anything": "hashed"}


def answer(path: str, _: dict[str, str]) -> Reply:
    file = HERE / path.lstrip("/")
    return Reply(200, body=file.read_bytes()) if file.is_file() else Reply(404)


@pytest.mark.parametrize("name", ROLES)
def test_a_repository_by_go_tuf_is_read(name: str, tmp_path: Path) -> None:
    """SPEC TF-12: three kinds of keys, a second root, thresholds of two and three, patterns, prefixes, two hashes."""
    trusted = tmp_path / "trusted"
    begin_folder(trusted, (HERE / "metadata" / "1.root.json").read_bytes())
    with between(answer) as line:
        urls = f"{line.url}/metadata", f"{line.url}/targets"
        found = download(trusted, urls[0], name, urls[1], tmp_path / "files", AT)
        assert found.role == ROLES[name]
        assert found.brought.path.read_bytes() == f"go-tuf wrote {name}\n".encode()
        assert refresh(trusted, urls[0], AT).versions["root"] == 2
        with pytest.raises(NoSuchTarget):
            download(trusted, urls[0], "docs/file.txt", urls[1], tmp_path / "files", AT)
        with pytest.raises(TufExpired):
            refresh(trusted, urls[0], AT + timedelta(days=366))
