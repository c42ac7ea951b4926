"""One reader per controller that turns the replies in its stream into finished futures."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import redis
import structlog

from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.cancel_task import end_task
from netpulse_broker.queueing.redis.connection import BLOCK
from netpulse_broker.queueing.redis.scripts import pairs, text
from netpulse_broker.queueing.redis.shared_connection import AsyncLine

log = structlog.get_logger(__name__)

MOST_READ_ENTRIES = 100
"""Entries that have been read and may stay in the stream; they hold whole results."""

KEPT = 120
"""Seconds that the stream of a controller stays that has gone; its reader says so again four times as often."""

Reply = Mapping[str, bytes]
"""Fields of one stream entry: id, status, outcome, error, started_at, ended_at, worker_name, node, sealed, look
("1": the result is not carried, it is to be looked up)."""


class ReplyReader:
    """Holds job id -> future and one blocking XREAD on the controller's stream.

    Args:
        line: the reader's own; its time-out stands above ``BLOCK``.
        controller: name of this controller, unique per process.
        reconcile: called with the ids still waited for after the connection was lost (the stream may have been too);
            it returns those that are final already. A future finished with None tells its owner to read the job.
    """

    def __init__(
        self,
        line: AsyncLine,
        *,
        controller: str,
        reconcile: Callable[[list[str]], Awaitable[list[str]]],
    ) -> None:
        self._line = line
        self._stream = keys.replies(controller)
        self._reconcile = reconcile
        self._futures: dict[str, list[asyncio.Future[Reply | None]]] = {}
        self._last = "0-0"
        self._read_entries = 0
        self._kept_until = -math.inf
        self._task: asyncio.Task[None] | None = None

    def expect(self, job_id: str) -> asyncio.Future[Reply | None]:
        """A future for a job's end; call it before the job is submitted so that no reply can slip by."""
        future: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self._futures.setdefault(job_id, []).append(future)
        return future

    def forget(self, job_id: str, future: asyncio.Future[Reply | None]) -> None:
        """Nobody waits for this future any more."""
        waiting = self._futures.get(job_id)
        if waiting and future in waiting:
            waiting.remove(future)
        if not waiting:
            self._futures.pop(job_id, None)

    @property
    def waiting(self) -> int:
        """Number of jobs that somebody waits for."""
        return len(self._futures)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._read(), name="replies")

    async def stop(self) -> None:
        """End the reader; whoever still waits is told to look for himself."""
        if self._task is not None:
            await end_task(self._task)
        self._line.close()
        for job_id in list(self._futures):
            self._settle(job_id, None)

    def _settle(self, job_id: str, reply: Reply | None) -> None:
        for future in self._futures.pop(job_id, []):
            if not future.done():
                future.set_result(reply)

    async def _trim(self) -> None:
        """Take what has been read out of the stream: nobody else reads it."""
        milliseconds, _, number = self._last.partition("-")
        await self._line.call("XTRIM", self._stream, "MINID", f"{milliseconds}-{int(number) + 1}")
        self._read_entries = 0

    async def _keep(self) -> None:
        """See to it that there is a stream: who replies writes to one that is there, and makes none."""
        now = time.monotonic()
        if now < self._kept_until:
            return
        if not await self._line.call("EXPIRE", self._stream, KEPT):
            await self._line.call("XADD", self._stream, "*", "id", "", "sealed", "")
            await self._line.call("EXPIRE", self._stream, KEPT)
            for job_id in await self._reconcile(list(self._futures)):
                self._settle(job_id, None)  # it ended while nobody could tell
        self._kept_until = now + KEPT / 4

    async def _read(self) -> None:
        broken = said = quiet = False
        while True:
            try:
                if broken:
                    for job_id in await self._reconcile(list(self._futures)):
                        self._settle(job_id, None)
                    broken = False
                await self._keep()
                if self._read_entries >= MOST_READ_ENTRIES or (quiet and self._read_entries):
                    await self._trim()
                answer: Any = await self._line.call(
                    "XREAD", "COUNT", 200, "BLOCK", int(BLOCK * 1000), "STREAMS", self._stream, self._last
                )
            except redis.RedisError as error:  # whatever it is: a controller without replies is deaf for good
                if not said:
                    log.warning(
                        "replies_interrupted", waiting=len(self._futures), reason=f"{type(error).__name__}: {error}"
                    )
                broken = said = True
                self._kept_until = -math.inf
                await asyncio.sleep(0.1)
                continue
            said = False
            quiet = not answer
            if quiet:
                self._kept_until = -math.inf  # who looks in a quiet moment finds a stream that was lost
            for _, entries in answer or []:
                for entry_id, fields in entries:
                    self._last = text(entry_id)
                    self._read_entries += 1
                    reply = pairs(fields)
                    whole = reply["sealed"] or reply.get("look") == b""
                    self._settle(text(reply["id"]), reply if whole else None)
            # Whoever has waited answers his caller first; asking for more replies can wait so long.
            await asyncio.sleep(0)
