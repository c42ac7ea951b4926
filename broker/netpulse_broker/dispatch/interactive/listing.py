"""The interactive sessions that are queued or open, as the listing shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import redis.asyncio

from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.readable import readable
from netpulse_broker.queueing.redis.scripts import text
from netpulse_broker.states import FINAL, InteractiveState


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """An interactive session in the listing. Times are epoch seconds."""

    id: str
    device: str
    host: str
    owner: str
    state: InteractiveState
    worker: str
    since: float
    granted: float | None
    last_heartbeat: float
    exchanges: int
    remaining: float | None


@dataclass(slots=True)
class Listing:
    """What was found.

    Attributes:
        sessions: oldest first.
        over: id -> error code of its job, for those whose job has ended without saying so.
    """

    sessions: list[SessionRecord] = field(default_factory=list)
    over: dict[str, str] = field(default_factory=dict)


async def session_listing(client: redis.asyncio.Redis) -> Listing:
    """Look at all interactive sessions that have not been ended; two round trips whatever their number."""
    ids = [text(name) for name in await client.zrange(keys.SESSIONS, 0, -1)]
    pipeline = client.pipeline(transaction=False)
    pipeline.time()
    for session_id in ids:
        pipeline.hgetall(keys.session(session_id))
        pipeline.hmget(keys.rq_job(session_id), ["status", "error"])
    (seconds, microseconds), *answers = await pipeline.execute(raise_on_error=False)
    now = seconds + microseconds / 1e6
    found, gone = Listing(), []

    def read(session_id: str, answer: tuple[Any, Any]) -> SessionRecord | None:
        fields, job = answer
        if isinstance(fields, Exception) or isinstance(job, Exception):
            raise TypeError("a key of another type")
        status, error = (text(value or b"") for value in job)
        if not fields:
            gone.append(session_id)
            return None
        if status in FINAL:
            found.over[session_id] = error
            return None
        return _record(session_id, {text(name): value for name, value in fields.items()}, now)

    stored = zip(ids, zip(answers[::2], answers[1::2], strict=True), strict=True)
    found.sessions = [session for session in readable("session", stored, read) if session is not None]
    if gone:
        await client.zrem(keys.SESSIONS, *gone)
    return found


def _record(session_id: str, fields: dict[str, bytes], now: float) -> SessionRecord:
    granted = int(fields["granted"]) / 1000 if "granted" in fields else None
    return SessionRecord(
        id=session_id,
        device=text(fields["device"]),
        host=text(fields["host"]),
        owner=text(fields["owner"]),
        state=InteractiveState(text(fields["state"])),
        worker=text(fields.get("worker", b"")),
        since=int(fields["created"]) / 1000,
        granted=granted,
        last_heartbeat=int(fields["heard"]) / 1000,
        exchanges=int(fields["last"]),
        remaining=None if granted is None else max(granted + float(fields["max_hold"]) - now, 0.0),
    )
