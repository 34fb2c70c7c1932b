"""What became known later: revocations that reach back to a date by their `since` (SPEC RK-1)."""

from datetime import datetime

from sealring.doctor.world import World
from sealring.names import spell
from sealring.statement import Common, Revocations


class Hindsight:
    """What is known today of that time: the lines of every list that ever counted, by what they name."""

    def __init__(self, now: World) -> None:
        self._lines: dict[str, list[tuple[Revocations, datetime, str]]] = {}
        for claim in now.claims:
            said = claim.statement
            if isinstance(said, Revocations) and now.vouched_once(claim):
                for line in said.revoked:
                    self._lines.setdefault(line.what, []).append((said, line.since, line.why))

    def taken_back(self, said: Common, identity: str, at: datetime) -> str:
        """What was said later, that this was not to be believed on that date already; empty where nothing was."""
        for what in (identity, said.title):
            for listed, since, why in self._lines.get(what, ()):
                if since <= at and listed.authority == said.authority:
                    return f"taken back since {spell(since)}, said {spell(listed.issued)} by {listed.subject}: {why}"
        return ""
