"""Waiting for a job without outliving its reason: the caller who left, and the controller that stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import Literal, Self, TypeVar

from fastapi import Request

from netpulse_broker.errors import QueueUnavailable

GRACE = 0.25
"""Seconds before a waiting request starts to look whether its caller is still there. Most jobs end sooner."""


Outcome = TypeVar("Outcome")


class CallerGone(Exception):
    """The caller closed the connection while the answer was being waited for."""


class ControllerStopping(QueueUnavailable):
    """The controller stops and broke the wait off; what was begun goes on."""


class WaitingRoom:
    """The waits of all requests, so that they can be ended together when the controller stops."""

    def __init__(self) -> None:
        self._waits: set[Wait] = set()
        self._closed = False

    def wait(self, request: Request) -> Wait:
        """A scope to wait in, for what is answered piece by piece; ``hold`` for the rest."""
        return Wait(self, request)

    async def hold(
        self, request: Request, work: Awaitable[Outcome], *, then: str = "send the request again"
    ) -> Outcome:
        """The outcome of ``work``, which is broken off when the caller leaves or the controller stops.

        Args:
            then: what a caller is told to do when the controller stops.

        Raises:
            CallerGone, ControllerStopping
        """
        async with self.wait(request) as wait:
            return await work
        if wait.ended == "caller_gone":
            raise CallerGone
        raise ControllerStopping(f"this controller is stopping; {then}")

    def close(self) -> None:
        """End all waits: their requests answer with the job as it stands."""
        self._closed = True
        for wait in list(self._waits):
            wait.end("stopping")

    def enter(self, wait: Wait) -> None:
        self._waits.add(wait)
        if self._closed:
            wait.end("stopping")

    def leave(self, wait: Wait) -> None:
        self._waits.discard(wait)


class Wait:
    """``async with``: what runs inside is broken off when the caller leaves or the controller stops.

    The job is not touched by that. ``ended`` tells afterwards: None (the inside ran to its end), ``caller_gone`` or
    ``stopping``.
    """

    def __init__(self, room: WaitingRoom, request: Request) -> None:
        self._room = room
        self._request = request
        self._scope = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None
        self.ended: Literal["caller_gone", "stopping"] | None = None

    async def __aenter__(self) -> Self:
        await self._scope.__aenter__()
        self._room.enter(self)
        self._timer = asyncio.get_running_loop().call_later(GRACE, self._start_watching)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._room.leave(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        try:
            await self._scope.__aexit__(kind, error, traceback)
        except TimeoutError:
            if self.ended is None:
                raise
            return True
        return False

    def end(self, reason: Literal["caller_gone", "stopping"]) -> None:
        """Break the wait off."""
        if self.ended is None:
            self.ended = reason
            self._scope.reschedule(asyncio.get_running_loop().time())

    def _start_watching(self) -> None:
        self._watch = asyncio.create_task(self._watch_caller(), name="caller watch")

    async def _watch_caller(self) -> None:
        # The body has been read: all that can still come is the end of the connection.
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
        self.end("caller_gone")
