"""The store's clock: the one place that looks at the machine's."""

from datetime import UTC, datetime


def system_clock() -> datetime:
    """Now, aware, UTC."""
    return datetime.now(UTC)
