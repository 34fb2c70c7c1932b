"""Which sets of keys have spoken, and what they may say (SPEC AU-2, AU-3)."""

from dataclasses import dataclass

from sealring.authentic import Authentic, S
from sealring.delegation import check_covered
from sealring.envelope import Envelope
from sealring.errors import TrustError
from sealring.keys import KeySet
from sealring.names import KeyId
from sealring.statement import Common, Delegation
from sealring.threshold import check_threshold


@dataclass(frozen=True)
class Speaker:
    """A key set that may sign for an authority: its own, or a delegation's."""

    title: str
    keys: KeySet
    delegation: Authentic[Delegation] | None = None

    def check_allowed(self, statement: Common) -> None:
        """Raise `NotDelegated` unless this set may sign the statement; the authority's own may sign any."""
        if self.delegation is not None:
            check_covered(self.delegation.statement, statement)


Met = list[tuple[Speaker, frozenset[KeyId]]]


def met_by(envelope: Envelope, speakers: tuple[Speaker, ...], what: str) -> Met:
    """The sets whose threshold the envelope meets, the authority's own alone where it does; at least one."""
    met: Met = []
    refusal: TrustError | None = None
    for speaker in speakers:
        try:
            signers = check_threshold(envelope, speaker.keys, what)
        except TrustError as err:
            refusal = refusal or err
            continue
        met.append((speaker, signers))
        if speaker.delegation is None:
            return met
    if not met and refusal is not None:
        raise refusal
    return met


def vouched(statement: S, envelope: Envelope, met: Met) -> Authentic[S]:
    """AU-3: of the sets that have signed, those that may sign this very statement; at least one."""
    under: list[Authentic[Delegation]] = []
    signers: frozenset[KeyId] = frozenset()
    refusal: TrustError | None = None
    for speaker, by in met:
        try:
            speaker.check_allowed(statement)
        except TrustError as err:
            refusal = refusal or err
            continue
        signers |= by
        if speaker.delegation is not None:
            under.append(speaker.delegation)
    if not signers and refusal is not None:
        raise refusal
    return Authentic(statement, envelope, signers, tuple(under))
