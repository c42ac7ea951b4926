"""One asyncio connection to Redis that many callers share, without the layers in between.

Redis answers in the order of the commands (RESP, section "Pipelining"), so callers write one after the other and each
answer belongs to the oldest call. redis-py's asyncio client spends ten times the processor time of such a call on its
pool, retries (switched off here) and streams. Connecting, authentication, TLS and Sentinel stay redis-py's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from hashlib import sha1
from typing import Any

import hiredis
import redis
import redis.asyncio

from netpulse_broker.queueing.redis.connection import LOADING_PAUSE
from netpulse_broker.queueing.redis.scripts import ScriptName, source
from netpulse_broker.queueing.redis.worker_connection import refusal


class AsyncLine:
    """A connection that is kept until it breaks; then all calls under way fail, and the next call connects anew.

    Args:
        timeout: seconds that an answer may take.
        loading_timeout: seconds for which a call is repeated while Redis loads its data: it carries nothing out then.
    """

    def __init__(self, client: redis.asyncio.Redis, *, timeout: float, loading_timeout: float = 0.0) -> None:
        self._pool = client.connection_pool
        self._timeout = timeout
        self._loading_timeout = loading_timeout
        self._link: _Link | None = None
        self._connecting = asyncio.Lock()

    async def call(self, *words: Any) -> Any:
        """Send one command and wait for its answer.

        Raises:
            redis.ConnectionError, redis.TimeoutError: whether the command was carried out is not known.
            redis.BusyLoadingError: Redis still loads its data; the command was not carried out.
            redis.ResponseError: Redis refused the command.
        """
        end: float | None = None
        while True:
            link = self._link
            if link is None or link.closed:
                link = await self._connect()
            try:
                return await link.send(words)
            except redis.BusyLoadingError:
                now = asyncio.get_running_loop().time()
                end = now + self._loading_timeout if end is None else end
                if now >= end:
                    raise
                await asyncio.sleep(LOADING_PAUSE)

    async def _connect(self) -> _Link:
        async with self._connecting:
            if self._link is not None and not self._link.closed:
                return self._link
            connection: Any = self._pool.make_connection()  # type: ignore[no-untyped-call]
            await connection.connect()
            self._link = _Link(connection, timeout=self._timeout)
            return self._link

    def close(self) -> None:
        """Close; calls under way fail."""
        link, self._link = self._link, None
        if link is not None:
            link.fail(redis.ConnectionError("closed"))


class _Link(asyncio.Protocol):
    """A connection that redis-py has made and authenticated, read and written by ourselves from then on.

    Answers come in order, so one timer for the oldest call watches over all of them.
    """

    def __init__(self, connection: Any, *, timeout: float) -> None:
        self._reader = hiredis.Reader(protocolError=redis.InvalidResponse, replyError=refusal)
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._timeout = timeout
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self.closed = False
        # redis-py has no public way to its transport. Nothing is in its buffers between two commands; without streams
        # its connection counts as closed. The writer is kept: newer Pythons close the transport with it.
        self._writer, connection._writer, connection._reader = connection._writer, None, None  # noqa: SLF001
        self._transport: asyncio.WriteTransport = self._writer.transport
        self._transport.set_protocol(self)

    def send(self, words: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Write a command; a future of its answer."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        end = self._loop.time() + self._timeout
        self._waiting.append((answer, end))
        if self._timer is None:
            self._timer = self._loop.call_at(end, self._look_at_the_oldest)
        self._transport.write(hiredis.pack_command(words))
        return answer

    def _look_at_the_oldest(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        _, end = self._waiting[0]
        if end <= self._loop.time():
            self.fail(redis.TimeoutError("Redis did not answer in time"))
        else:
            self._timer = self._loop.call_at(end, self._look_at_the_oldest)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (value := self._reader.gets()) is not False:
                answer, _ = self._waiting.popleft()
                if answer.done():
                    continue
                if isinstance(value, Exception):
                    answer.set_exception(value)
                else:
                    answer.set_result(value)
                if isinstance(value, redis.ConnectionError) and not isinstance(value, redis.BusyLoadingError):
                    self.fail(value)
        except (redis.InvalidResponse, IndexError) as error:
            self.fail(redis.ConnectionError(f"Redis and this process are out of step: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(redis.ConnectionError(f"connection to Redis lost: {exc or 'closed by the server'}"))

    def fail(self, error: Exception) -> None:
        """Close at once and tell everybody who waits."""
        if self.closed:
            return
        self.closed = True
        self._transport.abort()
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            answer, _ = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(error)


class AsyncLineScripts:
    """The scripts on a shared line; called as ``queueing.redis.scripts.AsyncScripts`` is, without pipelines."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line
        self._digests: dict[ScriptName, str] = {}

    async def __call__(self, name: ScriptName, *, keys: list[str] | None = None, args: list[Any] | None = None) -> Any:
        digest = self._digests.get(name)
        if digest is None:
            # Redis names scripts by SHA-1 (EVALSHA); it guards nothing here.
            digest = self._digests[name] = sha1(source(name).encode(), usedforsecurity=False).hexdigest()
        words = (len(keys or ()), *(keys or ()), *(args or ()))
        try:
            return await self._line.call("EVALSHA", digest, *words)
        except redis.exceptions.NoScriptError:
            return await self._line.call("EVAL", source(name), *words)
