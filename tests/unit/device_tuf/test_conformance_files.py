"""Names that lead nowhere else, and files that are whole, right or not there (SPEC TF-5, TF-12, DK-1)."""

import json
import os
import re
from contextlib import suppress
from hashlib import new as hash_of
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.formats import encode_canonical
from tuf.api.metadata import TargetFile

from sealring.errors import TrustError
from sealring_client.decide.tuf.names import role_file, target_file
from sealring_client.tuf_folder import hold
from tests.tuf_tree import TufTree
from tests.unit.device_tuf.clients import NOW
from tests.unit.device_tuf.conftest import Stand
from tests.unit.device_tuf.serving import Client, served

# --- names


@pytest.mark.parametrize("role", ["?", "#", "/a", "../a", "..", "a b", "%2e%2e", "1.a", "ä/ö", "a+b", "\\", "\n"])
@pytest.mark.parametrize("consistent", [True, False], ids=["consistent", "plain"])
def test_names_of_roles_lead_nowhere(role: str, consistent: bool, tmp_path: Path) -> None:
    """SPEC TF-12: neither out of the folder nor to another address."""
    tree = TufTree(NOW, consistent=consistent)
    tree.delegate("targets", role)
    tree.add(role, "file", b"data")
    tree.publish_all()
    with served(tree) as here:
        client = Client(here, tmp_path / "deep")
        (tmp_path / "deep").mkdir()
        assert client.init() == 0
        assert client.download("file") == 0
        assert here.asked_for()[4] == f"{'1.' if consistent else ''}{quote(role, safe='')}"
        assert len(client.roles()) == 5
        assert client.downloaded() == {"file": b"data"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep"]


@pytest.mark.parametrize("role", ["", "root", "timestamp", "targets", "a" * 240, "ä" * 50, "\ud800"])
def test_names_that_no_role_can_have_are_refused(role: str, begun: Stand) -> None:
    """SPEC TF-12: a role named `root` would replace the root."""
    tree = begun.tree
    tree.delegate("targets", "a")
    tree.publish("targets", "a")
    found = json.loads(tree.raw("targets"))
    found["signed"]["delegations"]["roles"][0]["name"] = role
    payload = str(encode_canonical(found["signed"])).encode(errors="surrogatepass")
    found["signatures"] = [one.sign(payload).to_dict() for one in tree.signers["targets"]]
    tree.put("targets", json.dumps(found).encode(), 2)
    before = begun.client.roles()["root"]
    assert begun.client.refresh() == 1
    assert begun.client.roles()["root"] == before


@pytest.mark.parametrize("name", ["file.txt", "path/to/a/file", "a b?c#d%20", "ä", "~@:+,=", ".hidden", "root.json"])
@pytest.mark.parametrize("consistent", [True, False], ids=["consistent", "plain"])
def test_names_of_targets(name: str, consistent: bool, tmp_path: Path) -> None:
    """SPEC TF-12: any folders and characters; one file, in one folder."""
    tree = TufTree(NOW, consistent=consistent)
    tree.add("targets", name, b"data")
    tree.publish_all()
    with served(tree) as here:
        client = Client(here, tmp_path)
        assert client.init() == 0
        assert client.download(name) == 0
        assert client.downloaded() == {quote(name, safe=""): b"data"}


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/../x", "/x", "a//x", "a/", "a" * 241])
def test_names_that_no_target_can_have(name: str, begun: Stand) -> None:
    """SPEC TF-12."""
    begun.tree.roles["targets"].targets[name] = TargetFile.from_data(name, b"data", ["sha256"])
    begun.tree.publish("targets")
    assert begun.client.download(name) == 1
    assert begun.client.downloaded() == {}


# --- downloads


@pytest.mark.parametrize("consistent", [True, False], ids=["consistent", "plain"])
def test_what_is_there_and_right_is_not_fetched_again(consistent: bool, tmp_path: Path) -> None:
    tree = TufTree(NOW, consistent=consistent)
    tree.add("targets", "a/file", b"data")
    tree.publish_all()
    with served(tree) as here:
        client = Client(here, tmp_path)
        assert client.init() == 0
        assert client.download("a/file") == 0
        prefix = f"{sha256(b'data').hexdigest()}." if consistent else ""
        assert here.asked_for()[-1] == f"targets/a/{prefix}file"
        assert client.download("a/file") == 0
        assert here.asked_for()[-1] == "timestamp"
        (client.files / "a%2Ffile").write_bytes(b"rots")
        assert client.download("a/file") == 0
        assert here.asked_for()[-1].endswith("file")
        assert client.downloaded() == {"a%2Ffile": b"data"}


@pytest.mark.parametrize("data", [b"other", b"longer than it should be", b"x", b""])
def test_other_bytes_never_become_the_file(data: bytes, begun: Stand) -> None:
    """SPEC TF-5, TF-12: nor do they take away the file that is there."""
    tree = begun.tree
    tree.add("targets", "a", b"first")
    tree.add("targets", "b", b"genuine")
    tree.publish("targets")
    assert begun.client.download("a") == 0
    tree.add("targets", "a", b"second")
    tree.publish("targets")
    for path in tree.targets:
        tree.targets[path] = data
    assert begun.client.download("a") == 1
    assert begun.client.download("b") == 1
    assert begun.client.downloaded() == {"a": b"first"}


@pytest.mark.parametrize("there", ["link", "dangling link", "link to itself", "pipe"])
def test_what_stands_in_the_file_s_place_is_replaced_and_not_followed(there: str, begun: Stand) -> None:
    """SPEC TF-12: a link that somebody left must not lead the write elsewhere."""
    begun.tree.add("targets", "a", b"data")
    begun.tree.publish("targets")
    begun.client.files.mkdir()
    place, other = begun.client.files / "a", begun.client.files.parent / "other"
    other.write_bytes(b"data")
    match there:
        case "link":
            place.symlink_to(other)
        case "dangling link":
            place.symlink_to("nowhere")
        case "link to itself":
            place.symlink_to("a")
        case _:
            os.mkfifo(place)
    assert begun.client.download("a") == 0
    assert (place.is_symlink(), place.read_bytes(), other.read_bytes()) == (False, b"data", b"data")


@given(st.text(max_size=90), st.text(max_size=90))
def test_two_names_never_share_a_file_and_none_leads_elsewhere(one: str, other: str) -> None:
    """SPEC TF-12."""
    found = []
    for name in (one, other):
        with suppress(TrustError):
            found.append(target_file(name))
            assert unquote(found[-1]) == name
            assert re.fullmatch(r"(?!\.{1,2}$)[A-Za-z0-9_.~%-]{1,240}", found[-1])
        with suppress(TrustError):
            assert unquote(role_file(name, "x").removesuffix(".json")) == name
            assert "/" not in role_file(name, "x")
    assert len(set(found)) == len(found) or one == other


def test_a_target_that_changes_keeps_its_file(begun: Stand) -> None:
    for number in range(3):
        begun.tree.add("targets", "a", str(number).encode())
        begun.tree.publish("targets")
        assert begun.client.download("a") == 0
        assert begun.client.downloaded() == {"a": str(number).encode()}


def test_an_empty_target(begun: Stand) -> None:
    begun.tree.add("targets", "a", b"")
    begun.tree.publish("targets")
    assert begun.client.download("a") == 0
    assert begun.client.downloaded() == {"a": b""}


@pytest.mark.parametrize("algorithms", [("sha512",), ("sha512", "sha256"), ("sha256", "sha512"), ("sha384",)])
def test_every_hash_is_checked_and_the_first_is_the_address(algorithms: tuple[str, ...], begun: Stand) -> None:
    """SPEC TF-5, TF-12."""
    tree = begun.tree
    tree.add("targets", "a", b"data", algorithms)
    tree.publish("targets")
    assert begun.client.download("a") == 0
    assert begun.here.asked_for()[-1] == f"targets/{hash_of(min(algorithms), b'data').hexdigest()}.a"
    hashes = tree.roles["targets"].targets["a"].hashes
    last = max(hashes)
    hashes[last] = hashes[last][::-1]
    tree.serve("a", b"data", hashes.values())
    tree.publish("targets")
    (begun.client.files / "a").unlink()
    assert begun.client.download("a") == 1


def test_an_unknown_hash_beside_a_good_one_is_skipped_and_alone_is_refused(begun: Stand) -> None:
    """SPEC TF-12: nobody may rely on MD5, and a new algorithm must blind no device."""
    tree = begun.tree
    tree.add("targets", "a", b"data", ("md5", "sha256"))
    tree.roles["targets"].targets["a"].hashes["new-1"] = "0"
    tree.add("targets", "b", b"data", ("md5",))
    tree.publish("targets")
    assert begun.client.download("a") == 0
    assert begun.client.download("b") == 1


def test_metadata_and_targets_never_share_a_folder(begun: Stand) -> None:
    """SPEC TF-12: a target named `root.json` would become what is trusted."""
    begun.tree.add("targets", "root.json", b"data")
    begun.tree.publish("targets")
    begun.client.files = begun.client.metadata
    assert begun.client.download("root.json") == 1
    assert begun.client.roles()["root"] == begun.tree.raw("root")


def test_a_folder_is_worked_on_by_one_at_a_time(begun: Stand) -> None:
    """SPEC DK-1: the temporary names are fixed."""
    with hold(begun.client.metadata):
        assert begun.client.refresh() == 1
    assert begun.client.refresh() == 0
