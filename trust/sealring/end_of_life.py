"""The last release of a product: what its expiry no longer stops (SPEC EL)."""

from msgspec import UNSET

from sealring.authentic import Authentic
from sealring.chain import Chain
from sealring.statement import Release
from sealring.threshold import check_threshold


def final_ids(chain: Chain, release: Authentic[Release]) -> frozenset[str]:
    """The ids whose expiry is reported and not enforced because of this release; none where it is not final.

    Raises:
        TooFewSigners, UpdaterTooOld: the root's role `brand` has not signed it, so it is no last word (EL-1).
    """
    final = release.statement.final
    if final is UNSET:
        return frozenset()
    # EL-1: a brand alone can't make its software live for ever; whoever certifies brands agrees to this very end.
    check_threshold(
        release.envelope, chain.root.statement.roles.brand, f"final {release.statement.title} by the role brand"
    )
    return frozenset((release.envelope.id, final.brand, *final.models, *final.revisions))
