"""With which code and in which words a command ends, by what was refused (SPEC section 15)."""

from datetime import datetime
from inspect import signature
from typing import Any

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
from sealring.revocation import Action, Revoked
from sealring.strict import Malformed, TooLarge
from sealring.threshold import TooFewSigners, UpdaterTooOld
from tests.world import NOW

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
FACTS: dict[Any, Any] = {
    str: "a name",
    bytes: b"\1" * 32,
    int: 7,
    int | None: 7,
    datetime: NOW,
    Action: "keep",
    tuple[str, ...]: ("one", "two"),
    tuple[bytes, str]: (b"\1", "acme/door-1"),
    tuple[str, int, str]: ("a", 1, "b"),
}


def refusal(kind: type[SealringError]) -> SealringError:
    """One of this kind, with any facts."""
    facts: dict[str, Any] = {name: FACTS[one.annotation] for name, one in signature(kind).parameters.items()}
    return kind(**facts)


@pytest.mark.parametrize("code", CODES)
def test_what_is_refused_ends_with_the_code_of_its_kind(code: int) -> None:
    """Who runs an updater by a script tells a wrong clock from a thief by it."""
    assert {kind.__name__: kind.exit_code for kind in CODES[code]} == {kind.__name__: code for kind in CODES[code]}


@pytest.mark.parametrize("code", CODES)
def test_a_refusal_says_what_was_found_and_what_to_do(code: int) -> None:
    """In one printable line each, with the code that it ends with: an operator reads it, and a script."""
    for kind in CODES[code]:
        found = refusal(kind)
        assert (found.exit_code, str(found).isprintable(), found.hint().isprintable()) == (code, True, True)
        assert "a name" in str(found) or "7" in str(found) or "01" in str(found) or "acme" in str(found)
