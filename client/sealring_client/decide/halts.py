"""Whether a store has halted a release that this device would begin, by the map that it showed (SPEC HL-3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from msgspec import UNSET

from sealring.authentic import Authentic
from sealring.catalogue.proof import MAX_PROOF, verify_proof
from sealring.errors import TrustError, Unreachable
from sealring.halt import MAX_HALT, Halted, ProvenHalt, check_halt, halt_key, prove_halt
from sealring.statement import Release
from sealring_client.decide.grounds import Grounds
from sealring_client.decide.package import Offer, Package
from sealring_client.decide.tuf import Source
from sealring_client.decide.turn import is_urgent


class From(Protocol):
    """Where the files of a store come from."""

    def __call__(self, store: str, /) -> Source:
        """By its name."""


@dataclass(frozen=True)
class Asked:
    """What the stores of one release have said.

    Args:
        halted: by whom, and until when; None where nobody has.
        silent: stores that have proved neither, with what went wrong.
    """

    halted: tuple[str, Halted] | None
    silent: Mapping[str, TrustError | Unreachable]


def begins(grounds: Grounds, package: Package) -> Authentic[Release] | None:
    """The release with a rollout that this device would begin now, and that a halt may hold back; None if none."""
    approved = package.approved
    if approved is None or not package.is_new or package.rollout != "chosen":
        return None
    ground, revision = approved.ground, approved.revision.statement
    if not isinstance(ground.statement, Release) or ground.statement.rollout is UNSET:
        return None
    release = grounds.trusted.floors.get(Release, package.channel)
    if release is None or release.envelope.id != ground.envelope.id:
        return None
    # HL-3: neither what is revoked or too old on this device, nor what mends a hole, waits for a store's word.
    urgent = revision.purpose == "security" or is_urgent(grounds, package, release)
    return None if urgent else release


def ask_for_halts(
    release: Authentic[Release], offers: list[Offer], source: From, at: datetime, seen: datetime | None
) -> Asked:
    """Ask each store that has shown this release, and may halt.

    Args:
        offers: of the release's channel, of whatever release.
        at: as this release is judged.
        seen: when a halt of it was met first.
    """
    halted: tuple[str, Halted] | None = None
    silent: dict[str, TrustError | Unreachable] = {}
    for offer in offers:
        if offer.ground.envelope.id != release.envelope.id or not offer.view.store.statement.may_halt:
            continue
        try:
            check_halt(
                _proven(offer, release, source(offer.store)), release.statement, release.envelope.id, at, seen=seen
            )
        except Halted as err:
            halted = halted or (offer.store, err)
        except (TrustError, Unreachable) as err:
            silent[offer.store] = err
    return Asked(halted, silent)


def _proven(offer: Offer, release: Authentic[Release], source: Source) -> ProvenHalt | None:
    root, under, subject = offer.view.view.root, offer.view.entry.map, release.statement.subject
    key = halt_key(root, subject)
    proof = source.fetch(f"v1/proofs/{under.hex()}/{key.hex()}", limit=MAX_PROOF)
    head = verify_proof(proof, under, [key]).present.get(key)
    if head is None or head.is_tombstone:
        return None
    raw = source.fetch(f"v1/halts/{head.envelope.hex()}", limit=MAX_HALT)
    return prove_halt(raw, head, root=root.hex(), release=subject)
