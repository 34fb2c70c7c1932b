"""With which code a command ends, by what was refused (SPEC section 15)."""

import pytest

from sealring.agreement import TooFewStores
from sealring.algorithm import NotEcdsa
from sealring.approve import BelowMinimum, EpochFell, MinimumFell, RevocationsMissing, SerialMissing
from sealring.authentic import Conflict, Rollback, SecondImage, WrongStatement
from sealring.bundle.form import BadBundleEntry, BadBundleOrder, BundleTooLarge, NotABundle, UnknownBundleKind
from sealring.catalogue.follows import CatalogueRollback, Fork, HistoryNotShown, OtherCatalogueRoot, OtherPrevious
from sealring.catalogue.log import BadFrontier, NotInLog
from sealring.catalogue.proof import BadProof, BadQuestion, OtherMapRoot
from sealring.catalogue.view import BadRow, BadView, OtherViewDigest, OtherViewSubject
from sealring.delegation import NotDelegated
from sealring.envelope import BadEnvelope
from sealring.errors import SealringError
from sealring.keys import BadKeySet
from sealring.moment import Expired, FromTheFuture, TooEarly
from sealring.requirements import RequirementUnmet
from sealring.revocation import Revoked
from sealring.strict import Malformed, TooLarge
from sealring.threshold import TooFewSigners, UpdaterTooOld

SPELLING = (BadKeySet, BadEnvelope, TooLarge, Malformed, BadView, BadRow)
BUNDLES = (NotABundle, BadBundleEntry, UnknownBundleKind, BundleTooLarge, BadBundleOrder)
BACKWARDS = (Rollback, Conflict, SecondImage, BelowMinimum, MinimumFell, EpochFell)
ELSEWHERE = (WrongStatement, NotDelegated, UpdaterTooOld, RequirementUnmet, RevocationsMissing, SerialMissing)
STORES = (TooFewStores, OtherCatalogueRoot, CatalogueRollback, Fork, OtherPrevious, HistoryNotShown)
PROOFS = (BadQuestion, BadProof, OtherMapRoot, BadFrontier, NotInLog, OtherViewDigest, OtherViewSubject)
CODES: dict[int, tuple[type[SealringError], ...]] = {
    20: (*SPELLING, *BUNDLES),
    21: (TooFewSigners, Revoked, NotEcdsa),
    22: (Expired, FromTheFuture, TooEarly),
    23: BACKWARDS,
    24: ELSEWHERE,
    25: (*STORES, *PROOFS),
}


@pytest.mark.parametrize("code", CODES)
def test_what_is_refused_ends_with_the_code_of_its_kind(code: int) -> None:
    """Who runs an updater by a script tells a wrong clock from a thief by it."""
    assert {kind.__name__: kind.exit_code for kind in CODES[code]} == {kind.__name__: code for kind in CODES[code]}
