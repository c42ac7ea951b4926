"""How the API writes times: ISO 8601 in UTC with the offset ``+00:00``."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(time: datetime | None) -> str | None:
    """An aware time as the API writes it; None for None."""
    return time.astimezone(UTC).isoformat() if time is not None else None


def utc_of(seconds: float) -> str:
    """Seconds since the epoch as the API writes them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
