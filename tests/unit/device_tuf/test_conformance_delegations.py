"""Delegated roles: who is asked, in which order, and who is believed (SPEC TF-12)."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

from sealring_client.decide.tuf import TufExpired
from sealring_client.tuf_folder import begin_folder
from sealring_client.tuf_repository import download
from tests.tuf_repository import signer
from tests.tuf_tree import TOP, TufTree
from tests.unit.device_tuf.clients import NOW
from tests.unit.device_tuf.conftest import Stand
from tests.unit.device_tuf.serving import Client, served


@dataclass(frozen=True)
class Edge:
    """One delegation."""

    above: str
    role: str
    paths: tuple[str, ...] = ("*",)
    terminating: bool = False


@dataclass(frozen=True)
class Graph:
    """Delegations, and the order in which a search for a file that nobody has asks the roles."""

    edges: list[Edge]
    asked: str
    roles: str = field(default="")


GRAPHS = {
    "one": Graph([Edge("targets", "A")], "A"),
    "two": Graph([Edge("targets", "A"), Edge("targets", "B")], "AB"),
    "in depth first": Graph(
        [Edge("targets", "A"), Edge("targets", "B"), Edge("A", "C"), Edge("A", "D"), Edge("C", "E")], "ACEDB"
    ),
    "the second has more": Graph([Edge("targets", "A"), Edge("targets", "B"), Edge("B", "C")], "ABC"),
    "terminating at the top": Graph([Edge("targets", "A", terminating=True), Edge("targets", "B")], "A"),
    "terminating below": Graph(
        [Edge("targets", "A"), Edge("targets", "B"), Edge("A", "C", terminating=True), Edge("A", "D"), Edge("C", "E")],
        "ACE",
    ),
    "terminating, and not asked": Graph(
        [Edge("targets", "A", ("*.py",), terminating=True), Edge("targets", "B"), Edge("A", "C")], "B"
    ),
    "a branch of other paths": Graph(
        [Edge("targets", "A"), Edge("targets", "B"), Edge("A", "C", ("*.py",)), Edge("C", "D")], "AB"
    ),
    "in a circle": Graph(
        [Edge("targets", "A"), Edge("targets", "B"), Edge("B", "C"), Edge("C", "D"), Edge("D", "B"), Edge("D", "A")],
        "ABCD",
    ),
    "itself": Graph([Edge("targets", "A"), Edge("A", "A"), Edge("targets", "B")], "AB"),
    "two ways to one": Graph([Edge("targets", "A"), Edge("targets", "B"), Edge("B", "C"), Edge("A", "C")], "ACB"),
    "two ways, one covers": Graph(
        [Edge("targets", "A"), Edge("targets", "B"), Edge("B", "C"), Edge("A", "C", ("*.py",))], "ABC"
    ),
}


@pytest.mark.parametrize("consistent", [True, False], ids=["consistent", "plain"])
@pytest.mark.parametrize("name", GRAPHS)
def test_roles_are_asked_in_pre_order(name: str, consistent: bool, tmp_path: Path) -> None:
    """SPEC TF-12; TUF's specification, 5.6.7."""
    tree, graph = TufTree(NOW, consistent=consistent), GRAPHS[name]
    for edge in graph.edges:
        tree.delegate(edge.above, edge.role, edge.paths, terminating=edge.terminating)
    tree.publish_all()
    with served(tree) as here:
        client = Client(here, tmp_path)
        assert client.init() == 0
        assert client.download("missing") == 1
        version = "1." if consistent else ""
        assert here.asked_for()[4:] == [f"{version}{role}" for role in graph.asked]
        # What was kept is as good as what is fetched, and only asked roles were kept.
        assert client.download("missing") == 1
        assert here.asked_for() == ["2.root", "timestamp"]
        assert set(client.roles()) == {*TOP, *graph.asked}


LISTED = [
    ("targets", "top"),
    ("A", "README.md"),
    ("C", "releases/x/x_v1"),
    ("D", "releases/y/y_v1.zip"),
    ("D", "releases/z/z_v1.zip"),
    ("C", "releases/x/deeper/x_v1"),
    ("C", "secret/file"),
    ("F", "1/2"),
    ("F", "1/a"),
]
FOUND = {
    "top": (True, ""),
    "README.md": (True, "A"),
    "releases/x/x_v1": (True, "BC"),
    "releases/y/y_v1.zip": (True, "BD"),
    "releases/z/z_v1.zip": (False, "B"),
    "releases/x/deeper/x_v1": (False, ""),
    "secret/file": (False, ""),
    "1/2": (True, "F"),
    "1/a": (False, ""),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_role_is_believed_only_about_what_its_delegation_covers(name: str, stand: Stand) -> None:
    """SPEC TF-12: patterns are compared segment by segment; a role that lists more than it may is not heard."""
    tree = stand.tree
    tree.delegate("targets", "A", ["*.doc", "*.md"])
    tree.delegate("targets", "B", ["releases/*/*"])
    tree.delegate("B", "C", ["releases/x/*", "secret/*"])
    tree.delegate("B", "D", ["releases/y/*.zip"])
    tree.delegate("targets", "F", ["1/[0-9]"])
    for role, each in LISTED:
        tree.add(role, each, each.encode())
    tree.publish_all()
    found, asked = FOUND[name]
    assert stand.client.init() == 0
    assert stand.client.download(name) == (0 if found else 1)
    assert list(stand.client.downloaded().values()) == ([name.encode()] if found else [])
    assert stand.here.asked_for()[4 : 4 + len(asked)] == [f"1.{role}" for role in asked]


@pytest.mark.parametrize("bits", [1, 4, 10])
def test_bins_by_hash(bits: int, stand: Stand) -> None:
    """SPEC TF-12: one bin of each name is asked, and nothing after it."""
    bins = stand.tree.delegate_bins("targets", bits, "bin")
    names = [f"folder {n}/file {n}" for n in range(4)]
    for name in names:
        stand.tree.add(bins.get_role_for_target(name), name, name.encode())
    stand.tree.publish_all()
    assert stand.client.init() == 0
    assert [stand.client.download(name) for name in names] == [0] * 4
    assert sorted(stand.client.downloaded().values()) == [name.encode() for name in names]
    assert {role for role in stand.client.roles() if role not in TOP} == {bins.get_role_for_target(n) for n in names}


def test_hash_prefixes(stand: Stand) -> None:
    """SPEC TF-12: of the name's SHA-256, not of the file's."""
    prefix = sha256(b"folder/file").hexdigest()
    stand.tree.delegate("targets", "A", prefixes=["zz", "f" + prefix[1:4]])
    stand.tree.delegate("targets", "B", prefixes=[prefix[:3]])
    for role in "AB":
        stand.tree.add(role, "folder/file", role.encode())
    stand.tree.publish_all()
    assert stand.client.init() == 0
    assert stand.client.download("folder/file") == 0
    assert list(stand.client.downloaded().values()) == [b"B" if prefix[0] != "f" else b"A"]


def test_a_role_that_comes_first_can_not_be_hidden_by_spoiling_it(begun: Stand) -> None:
    """SPEC TF-12: or a thief of one role's file could make another role's word count."""
    tree = begun.tree
    for role in "AB":
        tree.delegate("targets", role)
        tree.add(role, "file", role.encode())
    tree.publish_all()
    del tree.metadata["1.A.json"]
    assert begun.client.download("file") == 1
    tree.metadata["1.A.json"] = tree.metadata["1.B.json"]
    assert begun.client.download("file") == 1
    assert begun.client.downloaded() == {}


def test_at_most_32_delegated_roles_are_asked(begun: Stand) -> None:
    """SPEC TF-12."""
    tree = begun.tree
    for number in range(33):
        tree.delegate("targets", f"r{number:02}")
    for number in (31, 32):
        tree.add(f"r{number:02}", f"file {number}", b"data")
    tree.publish_all()
    assert [begun.client.download(f"file {number}") for number in (31, 32)] == [0, 1]
    assert len(begun.client.roles()) == 4 + 32


def test_a_role_whose_delegator_changed_its_keys_is_judged_by_the_new_ones(begun: Stand) -> None:
    """SPEC TF-12: what lies in the folder was good once, and is looked at again."""
    tree = begun.tree
    tree.delegate("targets", "A")
    tree.add("A", "file", b"data")
    tree.publish_all()
    assert begun.client.download("file") == 0
    tree.roles["targets"].revoke_key(tree.signers["A"][0].public_key.keyid, "A")
    tree.roles["targets"].add_key(signer("new A").public_key, "A")
    tree.publish("targets")
    assert begun.client.download("file") == 1


@pytest.mark.parametrize("seen", [False, True], ids=["at first", "after it was good"])
def test_an_expired_delegated_role_says_nothing(seen: bool, tmp_path: Path) -> None:
    """SPEC TF-6, TF-12: neither fresh from the repository nor from the folder."""
    tree = TufTree(NOW)
    tree.delegate("targets", "A", ["a/*"])
    tree.add("A", "a/1", b"1")
    tree.add("A", "a/2", b"2")
    tree.roles["A"].expires = tree.in_days(3)
    tree.publish_all()
    trusted, files = tmp_path / "trusted", tmp_path / "files"
    with served(tree) as here:
        begin_folder(trusted, tree.raw("root"))

        def bring(name: str, days: float) -> bytes:
            at = tree.in_days(days)
            return download(trusted, here.metadata_url, name, here.targets_url, files, at).brought.path.read_bytes()

        if seen:
            assert bring("a/1", 1) == b"1"
        for role in ("timestamp", "snapshot"):
            getattr(tree, role).expires = tree.in_days(90)
        tree.roles["targets"].expires = tree.in_days(90)
        tree.publish("targets")
        with pytest.raises(TufExpired) as refused:
            bring("a/2", 4)
        assert refused.value.file == "A.json"
        assert (trusted / "A.json").exists() is seen
        # The folder's own timestamp has expired by then, and is a floor all the same.
        tree.roles["A"].expires = tree.in_days(90)
        tree.publish("A")
        assert bring("a/2", 18) == b"2"
