"""A folder becomes a device: an anchor, a model's name, and a seed of addresses and floors (SPEC DV-11)."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring.bundle import StatementEntry, read_bundle
from sealring.chain import Authentic, WrongStatement, begin_with_root, root_id
from sealring.errors import TrustError
from sealring.statement import Model, Root, Store
from sealring_client.decide.learn import learn_seed, readable
from sealring_client.decide.state import TrustState, save_trust
from sealring_client.decide.trusted import Trusted
from sealring_client.device_file import AlreadyProvisioned, Clock, write_device
from sealring_client.disk import lock, make_folder_durably


@dataclass(eq=False)
class EmptySeed(TrustError):
    """A seed from which the device could never reach a store (SPEC DV-11)."""

    model: str
    lacks: str
    rule: ClassVar[str] = "DV-11"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"seed for {self.model}: no {self.lacks} that verifies under this root"

    def hint(self) -> str:
        return "make the bundle from the brand's certificate, the model and its stores, all of this root"


@dataclass(frozen=True)
class Provisioned:
    """What the new device knows: its model, its root's id, and its stores with their addresses."""

    model: str
    root: str
    stores: dict[str, list[str]]


def provision(
    folder: Path,
    anchor: bytes,
    model: str,
    seed: bytes,
    clock: Clock,
    groups: tuple[str, ...] = (),
    *,
    paranoid: bool = False,
    reports: bool = True,
) -> Provisioned:
    """Make `folder` a device. The seed is trusted as far as it verifies; nothing else of it is kept.

    Args:
        groups: names by which rollouts may choose it before its turn (RO-1).
        paranoid: have every view proved row by row, in each check (VW-4).
        reports: tell the stores how installations end (RP-1).

    Raises:
        AlreadyProvisioned: there is one; nothing has changed.
        TrustError: the anchor is no whole root, or the seed is of another root, or of no use.
    """
    root = begin_with_root(anchor)
    raws = [entry.envelope for entry in read_bundle(seed) if isinstance(entry, StatementEntry)]
    check_same_root(root, raws)
    trusted = learn_seed(Trusted.begin(root, ()), raws)
    found = trusted.floors.get(Model, model)
    if found is None:
        raise EmptySeed(model, "model statement")
    stores = {name: one.statement.urls for name in found.statement.stores if (one := trusted.floors.get(Store, name))}
    if not stores:
        raise EmptySeed(model, "store statement")
    make_folder_durably(folder)
    with lock(folder):
        if (folder / "device.json").exists():
            raise AlreadyProvisioned(folder)
        save_trust(folder, TrustState(), trusted.remembered(()), {})
        write_device(folder, model, clock, anchor, groups, paranoid=paranoid, reports=reports)
    return Provisioned(model, root_id(root), stores)


def check_same_root(root: Authentic[Root], raws: list[bytes]) -> None:
    """Refuse a seed made under another root: its addresses would lead to another world's stores (DV-11)."""
    wanted = root_id(root)
    for claim in readable(raws):
        is_first = isinstance(claim.statement, Root) and claim.statement.sequence == 1
        found = claim.envelope.id if is_first else claim.statement.root
        if found != wanted:
            raise WrongStatement(claim.statement.title, f"root {found[:16]}", f"root {wanted[:16]}", "DV-11")
