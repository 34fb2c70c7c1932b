"""Delegations and revocation lists that a person brings to a check, each refused aloud where it does not count.

A device passes over what it can't use; who names a file wants to know why it is of no use (SPEC AU-2, RK-2).
"""

from collections.abc import Sequence
from pathlib import Path

from sealring.chain import Chain, WrongStatement
from sealring.command.files import load_claim
from sealring.furnished import furnished
from sealring.statement import Common, Delegation, Revocations


def with_brought(chain: Chain, delegations: Sequence[Path], lists: Sequence[Path]) -> Chain:
    """The chain with what its brands delegate and revoke by these files.

    Args:
        delegations: signed by their brands' keys of today.
        lists: of the root, of brands, or of the delegations given beside them.

    Raises:
        TrustError: where a file is not what its option says, or nobody of today vouches for it.
    """
    raws = [_authentic(chain, path, Delegation) for path in delegations]
    held = furnished(chain, raws)
    # Lists come second: a delegation's own is vouched for by the delegation.
    raws += [_authentic(held, path, Revocations) for path in lists]
    return furnished(held, raws)


def _authentic(chain: Chain, path: Path, kind: type[Common]) -> bytes:
    claim = load_claim(path)
    if not isinstance(claim.statement, kind):
        raise WrongStatement(str(path), claim.statement.title, f"a {kind.__struct_config__.tag}", "ST-6")
    return chain.authenticate(claim.envelope.raw, kind, claim.statement.authority).envelope.raw
