"""Server-sent events (WHATWG HTML, "Server-sent events") as an ASGI answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from netpulse_broker.api.request_metrics import RequestFigures
from netpulse_broker.api.waiting import WaitingRoom
from netpulse_broker.queueing.observe.events import Event, EventFeed, Listener
from netpulse_broker.queueing.redis.connection import Lost

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that proxies keep the connection and dead ones are noticed."""

RETRY = 2000
"""Milliseconds after which a client is asked to connect again when the stream ends."""

Wanted = Callable[[Event], bool]


class Put(Protocol):
    """Sends a piece of the stream."""

    async def __call__(self, text: str, *, more: bool = True) -> None: ...


class EventStream(Response):
    """Events until the caller leaves, falls too far behind, or the controller stops.

    Args:
        last_id: the last event that the caller has seen; what followed it comes first. None: only what is new.
        wanted: which events to send.
    """

    media_type = "text/event-stream"

    def __init__(
        self, feed: EventFeed, room: WaitingRoom, figures: RequestFigures, *, last_id: str | None, wanted: Wanted
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._feed = feed
        self._room = room
        self._figures = figures
        self._last_id = last_id
        self._wanted = wanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def put(text: str, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": more})

        self._figures.streams.inc()
        try:
            async with self._room.wait(Request(scope, receive)) as wait, self._feed.listen() as listener:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await put(f"retry: {RETRY}\n: events follow\n\n")
                await self._serve(listener, put)
            if wait.ended != "caller_gone":
                await put("", more=False)
        finally:
            self._figures.streams.dec()

    async def _serve(self, listener: Listener, put: Put) -> None:
        sent = await self._missed(put)
        while not (listener.behind and listener.empty):
            event = await listener.next(HEARTBEAT)
            if event is None:
                await put(": still here\n\n")
            elif event.later_than(sent) and self._wanted(event):
                await put(_written(event))
        await put("event: behind\ndata: {}\n\n")

    async def _missed(self, put: Put) -> str:
        """Send what followed the caller's last event; the id of the newest one looked at."""
        last = self._last_id
        if last is None:
            return "0-0"
        try:
            if not await self._feed.kept(last):
                await put("event: gap\ndata: {}\n\n")
            async for event in self._feed.since(last):
                last = event.id
                if self._wanted(event):
                    await put(_written(event))
        except Lost:
            await put("event: gap\ndata: {}\n\n")
        return last


def _written(event: Event) -> str:
    # JSON has no raw line breaks, so one data line holds it.
    data = json.dumps({"kind": event.kind, **event.fields}, separators=(",", ":"))
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n"
