"""Times as RQ 3.0 stores them."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_time(value: str) -> datetime | None:
    """RQ's time format (ISO 8601, ``Z``) as an aware datetime; None for ""."""
    return datetime.fromisoformat(value) if value else None


def time_iso(moment: datetime) -> str:
    """A moment in the format that RQ 3.0 reads (``%Y-%m-%dT%H:%M:%S.%fZ``); as texts they sort by time."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def now_iso() -> str:
    """Now, in the format that RQ 3.0 reads."""
    return time_iso(datetime.now(UTC))
