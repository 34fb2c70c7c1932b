"""He holds all keys of the store `main`, and shows this model a view that its map contradicts (SPEC VW-4).

To a device that goes by views alone both are the store's word; one that was told to be paranoid asks the map.
"""

from collections.abc import Iterable

from sealring.bundle import ProofEntry, TufEntry, ViewEntry, read_bundle
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.sparse import SparseMap
from sealring.catalogue.view import Subjects, make_view, view_key
from sealring.envelope import Envelope
from sealring.statement import parse_statement
from sealring_client.refresh import refresh
from sealring_client.report import Report
from sealring_client.status import read_status
from tests.hostile import SILENCE, Reply
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.stage import Play, Stage, rules
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import MODEL, line

OLD, NEW = ["app 1", "tool 1", "gadget 1"], ["app 2", "tool 2", "gadget 1"]


def heads_of(statements: Iterable[Envelope]) -> dict[Subjects, Head]:
    found = {}
    for envelope in statements:
        said = parse_statement(envelope.payload)
        head = Head(said.sequence, bytes.fromhex(envelope.id), bytes.fromhex(envelope.digest))
        found[str(said.type), 1, said.subject] = head
    return found


def show(stage: Stage, in_view: list[Envelope], in_map: list[Envelope]) -> Forger:
    """One more entry of `main`, by its own keys; the other store is out of reach."""
    thief = stage.forger()
    thief.commit(in_view)
    view = make_view(thief.root, MODEL, heads_of(in_view))
    leaves = {map_key(thief.root, *about): head for about, head in heads_of(in_map).items()}
    made = SparseMap.empty().with_updates({**leaves, view_key(thief.root, MODEL): view.leaf(1)})
    thief.show(thief.entry(made))

    def change(path: str, reply: Reply) -> Reply:
        prefix = f"/v1/proofs/{made.root.hex()}/"
        if path.startswith(prefix):
            return Reply(200, (), made.prove([bytes.fromhex(key) for key in path.removeprefix(prefix).split(",")]))
        return thief.change(path, reply)

    stage.main.line.change = change
    stage.second.line.change = lambda *_: SILENCE
    return thief


def paranoid(play: Play) -> Report:
    return refresh(play.rig.device, play.rig.outside(), apply=True, paranoid=True)


def check_refused(play: Play, report: Report, what: str) -> None:
    """The store's line says so, nothing was installed, and anybody can check what is kept."""
    refusal = line(report, "acme/main").refusals[-1]
    assert (line(report, "acme/main").word, refusal.rule, refusal.exit_code) == ("refused", "VW-4", 25)
    assert what in refusal.message
    assert play.runs() == OLD
    (path,) = play.rig.folder.glob("evidence/view.*")
    assert read_status(play.rig.device, play.rig.at).accused == [str(path)]
    entries = read_bundle(path.read_bytes())
    assert {one.name for one in entries if isinstance(one, TufEntry)} >= {"timestamp.json", "catalogue.json"}
    assert any(isinstance(one, ViewEntry) for one in entries)
    proofs = [one for one in entries if isinstance(one, ProofEntry)]
    assert len(proofs) == 2
    for one in proofs:
        verify_proof(one.proof, one.root, one.keys)
    before = path.stat().st_mtime_ns
    assert "VW-4" in rules(paranoid(play))
    assert path.stat().st_mtime_ns == before  # kept once


@cell("all store keys", "show two views", says="bounded")
def test_a_list_that_the_view_leaves_out(stage: Stage, yesterday: Play) -> None:
    """VW-4: everybody but this model is shown that a revision was taken back."""
    gone = stage.world.signed(stage.world.revocations(1, ("revision acme/tool/2/amd64", "replace")))
    listed = stage.statements(*stage.latest)
    show(stage, listed, [*listed, gone])
    check_refused(yesterday, paranoid(yesterday), "revocations acme/acme")
    # Without that it is the store's word that there is no list; the brand's numbers in later releases end it (RC-1).
    assert yesterday.refresh().outcome == "installed"
    assert yesterday.runs() == NEW


@cell("all store keys", "show two views", says="bounded")
def test_a_release_that_the_map_hides(stage: Stage, yesterday: Play) -> None:
    """VW-4: this model alone is shown today's software; mirrors and auditors, who read the map, see yesterday's."""
    show(stage, stage.statements(*stage.latest), stage.statements(*stage.first))
    check_refused(yesterday, paranoid(yesterday), "release acme/")
