"""What a brand gives away and takes back, on the stage: a partner with keys of his own, and lists of revocations.

The partner is `acme/partner`; unless a test says otherwise he builds and releases acme/tool, and nothing else.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sealring.envelope import Envelope
from sealring.statement import Common
from sealring.statement.software import Target
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.stage import Stage
from tests.scenarios.devices import image_of
from tests.world import Key, sign

NEW = ["app 2", "tool 2", "gadget 1"]
HIGHEST = 2**53 - 1
MALLORY = image_of("mallory")
PARTNER = "delegation acme/partner"


def delegated(stage: Stage, **more: Any) -> Envelope:
    """The brand's word on what the partner may sign."""
    return stage.world.signed(stage.world.delegation(**more))


def partner_key(stage: Stage, generation: int = 1) -> Key:
    """The one key that his threshold asks for."""
    return stage.world.delegate_keys("partner", generation)[0]


def by_partner(stage: Stage, *statements: Common) -> list[Envelope]:
    """These, signed by the partner alone."""
    return [sign(one, partner_key(stage)) for one in statements]


def bad_tool(stage: Stage, number: int = 9, sequence: int = 9, **more: Any) -> list[Common]:
    """A revision of acme/tool that says `mallory`, and its release, unsigned."""
    targets = [Target("amd64", number, 2)]
    return [
        stage.revision("acme/tool", number, "mallory", **more),
        stage.release("acme/tool", number, sequence=sequence, targets=targets),
    ]


def listed(stage: Stage, sequence: int, *lines: tuple[str, str], **more: Any) -> Envelope:
    """A list of revocations, by default the brand acme's own, signed by its authority's keys."""
    return stage.world.signed(stage.world.revocations(sequence, *lines, **more))


def root_list(stage: Stage, keys: Sequence[Key], *lines: tuple[str, str], sequence: int = 1) -> Envelope:
    """The root's list of what it takes back, signed by these keys."""
    return sign(stage.world.revocations(sequence, *lines, brand="root"), *keys)


def at_this_time(thieves: Sequence[Forger], at: datetime) -> None:
    """The stores date what they show from now on."""
    for thief in thieves:
        thief.at = at
