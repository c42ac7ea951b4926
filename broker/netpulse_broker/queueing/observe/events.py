"""What happens in the broker, as it happens: one capped stream in Redis that the scripts append to.

An entry has ``kind`` (job, worker, session, device), ``id``, ``state`` and a few names beside them (device, node,
worker, driver, operation, outcome, error, reason, sessions): never a command, an output or an argument. One reader per
controller hands the entries to everybody who listens there; a listener that was away reads what it missed from the
stream itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import redis.asyncio
import structlog

from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.cancel_task import end_task
from netpulse_broker.queueing.redis.connection import BLOCK
from netpulse_broker.queueing.redis.scripts import text

log = structlog.get_logger(__name__)

BACKLOG = 2000
"""Events that a listener may be behind; one that reads more slowly is let go and has to ask for the rest."""

PAGE = 500
_ID = re.compile(r"[0-9]{1,20}-[0-9]{1,20}")
_LARGEST = 2**64 - 1


def is_event_id(value: str) -> bool:
    """Whether this can be the id of an event that others follow: two numbers of 64 bits, as Redis has them."""
    return _ID.fullmatch(value) is not None and max(_order(value)) <= _LARGEST and min(_order(value)) < _LARGEST


def _order(event_id: str) -> tuple[int, int]:
    major, minor = event_id.split("-")
    return int(major), int(minor)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``id`` grows; ``fields`` has no empty values."""

    id: str
    kind: str
    fields: Mapping[str, str]

    def later_than(self, event_id: str) -> bool:
        """Whether this happened after that event."""
        return _order(self.id) > _order(event_id)


class Listener:
    """What one listener has not read yet."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Event] = asyncio.Queue(BACKLOG)
        self.behind = False

    def put(self, event: Event) -> None:
        """Hand an event over; a listener whose backlog was full once gets no further ones.

        Were it given some again when it has read a few, the ones between would be missing, and nobody could tell.
        """
        if self.behind:
            return
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            self.behind = True

    @property
    def empty(self) -> bool:
        """Nothing is left to read."""
        return self._events.empty()

    async def next(self, timeout: float) -> Event | None:
        """The next event; None when none came within ``timeout`` seconds, or none will (``behind``)."""
        if self.behind and self._events.empty():
            return None
        try:
            return await asyncio.wait_for(self._events.get(), timeout)
        except TimeoutError:
            return None


class EventFeed:
    """The stream, read once for all listeners of this process; only while there are any."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._listeners: set[Listener] = set()
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    async def reachable(self) -> None:
        """Raise what Redis raises when it cannot be reached."""
        await self._client.ping()

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[Listener]:
        """A listener that gets every event from now on.

        Raises:
            redis.ConnectionError, redis.TimeoutError
        """
        listener = Listener()
        async with self._starting:  # two who come at the same moment share one reader
            if self._reader is None or self._reader.done():
                # The reader begins where the stream ends now, not where its first XREAD happens to find it.
                self._reader = asyncio.create_task(self._read(await self._newest()), name="events")
            self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners and self._reader is not None:
                reader, self._reader = self._reader, None
                await end_task(reader)

    async def since(self, event_id: str, until: str = "+") -> AsyncIterator[Event]:
        """What has happened after that event, oldest first, as far as it is kept."""
        while True:
            entries: Any = await self._client.xrange(keys.EVENTS, f"({event_id}", until, count=PAGE)
            for entry_id, fields in entries:
                yield _event(entry_id, fields)
            if len(entries) < PAGE:
                return
            event_id = text(entries[-1][0])

    async def kept(self, event_id: str) -> bool:
        """Whether everything after that event is still there."""
        first: Any = await self._client.xrange(keys.EVENTS, count=1)
        if not first:
            return True
        if _order(event_id) >= _order(text(first[0][0])):
            return True
        about: Any = await self._client.xinfo_stream(keys.EVENTS)
        added = about.get("entries-added", about.get(b"entries-added"))
        return added is not None and int(added) == int(about["length"])

    async def _newest(self) -> str:
        last: Any = await self._client.xrevrange(keys.EVENTS, count=1)
        return text(last[0][0]) if last else "0-0"

    async def _read(self, last: str) -> None:
        broken = False
        while True:
            try:
                answer: Any = await self._client.xread({keys.EVENTS: last}, count=PAGE, block=int(BLOCK * 1000))
            except redis.RedisError as error:
                if not broken:
                    log.warning("events_interrupted", reason=f"{type(error).__name__}: {error}")
                broken = True
                await asyncio.sleep(0.2)
                continue
            broken = False
            for _, entries in answer or []:
                for entry_id, fields in entries:
                    last = text(entry_id)
                    event = _event(entry_id, fields)
                    for listener in self._listeners:
                        listener.put(event)


def _event(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Event:
    plain = {text(name): text(value) for name, value in fields.items()}
    kind = plain.pop("kind", "")
    return Event(text(entry_id), kind, {name: value for name, value in plain.items() if value})
