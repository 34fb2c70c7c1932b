"""Whose turn is it? A release that goes out in phases, judged on the device alone (SPEC RO)."""

import hmac
from collections.abc import Collection
from datetime import datetime

from sealring.statement.software import Rollout

WHOLE = 10_000  # hundredths of a percent


def is_chosen(plan: Rollout, secret: bytes, groups: Collection[str], at: datetime) -> bool:
    """Whether a device takes the release now; a wider share of the same seed keeps every device chosen before.

    Args:
        secret: the device's own 32 bytes, which never leave it: nobody can choose a victim by the seed (RO-1).
        groups: names that the device was given when it was provisioned.
        at: instant of the check.
    """
    if at < plan.start:
        return False
    return bool(set(groups) & set(plan.groups)) or _place(secret, plan.seed) < plan.share


def _place(secret: bytes, seed: str) -> int:
    """Where this device stands in the queue of this seed, from 0 to 9,999 (RO-1)."""
    drawn = hmac.digest(secret, bytes.fromhex(seed), "sha256")[:8]
    return int.from_bytes(drawn, "big") * WHOLE >> 64
