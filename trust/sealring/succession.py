"""Who follows a brand's keys? (SPEC BR-2)"""

from sealring.authentic import Authentic, Conflict, Rollback, WrongStatement, check_floor
from sealring.envelope import Envelope
from sealring.errors import TrustError
from sealring.names import KeyId
from sealring.statement import Brand, Root
from sealring.threshold import TooFewSigners, check_threshold


def follow(
    root: Root, counts: Authentic[Brand] | None, before: Authentic[Brand] | None, statement: Brand, envelope: Envelope
) -> Authentic[Brand]:
    """The next statement of a brand, as far as its predecessor is asked; BR-1 is its caller's.

    Args:
        counts: the brand's statement in force, if one is.
        before: that, or a former one, whose keys still say who follows them (BR-3).

    Raises:
        TooFewSigners, WrongStatement, Rollback, Conflict.
    """
    if before is None or before.envelope.id == envelope.id:
        return Authentic(statement, envelope, frozenset())
    if before.statement.brand != statement.brand:
        raise WrongStatement("next brand", statement.brand, before.statement.brand, "BR-2")
    try:
        return Authentic(statement, envelope, _by_previous_keys(envelope, statement, before))
    except TrustError as refusal:
        signers = _by_role_root(root, envelope, statement, refusal)
    # BR-2: even then never back; but a thief's highest sequence ends with the certificate that it stood on (BR-3).
    check_floor(found := Authentic(statement, envelope, signers), counts)
    return found


def _by_previous_keys(envelope: Envelope, statement: Brand, before: Authentic[Brand]) -> frozenset[KeyId]:
    """BR-2: the brand's own keys say who follows them, so the root's role `brand` alone can't take a brand over."""
    last = before.statement.sequence
    what = f"{statement.title} by the keys of its sequence {last}"
    signers = check_threshold(envelope, before.statement.keys, what)
    # FL-1, FL-3: a step back would bring retired keys to power, which could then name another successor.
    if statement.sequence < last:
        raise Rollback(statement.title, statement.sequence, last)
    if statement.sequence == last:
        raise Conflict(statement.title, last, envelope.id, before.envelope.id)
    if statement.sequence != last + 1:
        raise WrongStatement(
            f"next {statement.title}", f"sequence {statement.sequence}", f"sequence {last + 1}", "BR-2"
        )
    return signers


def _by_role_root(root: Root, envelope: Envelope, statement: Brand, refusal: TrustError) -> frozenset[KeyId]:
    """BR-2: keys lost or stolen; the role `root` stands in for them, and need not follow by one."""
    what = f"{statement.title} without its previous keys, by the role root"
    try:
        return check_threshold(envelope, root.roles.root, what)
    except TooFewSigners as err:
        # Say what stopped the ordinary way, unless nobody who may has signed at all.
        raise (err if isinstance(refusal, TooFewSigners) else refusal) from None
