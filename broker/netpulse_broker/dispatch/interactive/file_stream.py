"""A file between a caller and the worker that copies it, through Redis, a few sealed chunks at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import redis.asyncio

from netpulse_broker.errors import InternalError
from netpulse_broker.queueing.interactive.channel import (
    FILE_CHUNK,
    FILE_KEPT,
    FILE_PARTS,
    FILE_WINDOW,
    MORE,
    NO_MORE,
    ChannelSeals,
)
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.sealing import SealBroken

TURN = 1.0
"""Seconds that are waited for the worker before looking whether it has given its answer."""

Answer = asyncio.Task[dict[str, Any]]


class FileStream:
    """The file that exchange ``seq`` of an interactive session copies."""

    def __init__(self, client: redis.asyncio.Redis, seals: ChannelSeals, session_id: str, seq: int) -> None:
        self._client = client
        self._seals = seals
        self._seq = seq
        self._parts = {part: keys.session_file(session_id, part) for part in FILE_PARTS}

    async def prepare(self) -> None:
        """Nothing of an earlier copy may be found. Before the worker is asked."""
        await self._client.delete(*self._parts.values())

    async def send(self, stream: AsyncIterator[bytes], *, until: Answer) -> None:
        """Hand the stream to the worker; stops when the worker has given its answer, whatever is left of it.

        Raises:
            Whatever the stream raises (the worker is told).
            redis.ConnectionError, redis.TimeoutError
        """
        number, held = 0, bytearray()
        try:
            async for data in stream:
                held += data
                while len(held) >= FILE_CHUNK:
                    if not await self._push(bytes(held[:FILE_CHUNK]), number, until):
                        return
                    del held[:FILE_CHUNK]
                    number += 1
            for last in (bytes(held), None) if held else (None,):
                if not await self._push(last, number, until):
                    return
                number += 1
        except BaseException:
            gone = self._seals.abandonment(direction="to_worker", seq=self._seq, number=number)
            await self._client.rpush(self._parts["up"], gone)
            raise

    async def _push(self, data: bytes | None, number: int, until: Answer) -> bool:
        while number >= FILE_WINDOW and await self._client.blpop([self._parts["credit"]], timeout=TURN) is None:
            if until.done():
                return False
        if until.done():
            return False
        sealed = self._seals.chunk(data, direction="to_worker", seq=self._seq, number=number)
        await self._client.rpush(self._parts["up"], sealed)
        await self._client.expire(self._parts["up"], FILE_KEPT)
        return True

    async def receive(self, *, until: Answer) -> AsyncIterator[bytes]:
        """What the worker sends. Ends early, without an error of its own, when its answer says why.

        Raises:
            InternalError: a chunk does not open.
            redis.ConnectionError, redis.TimeoutError
        """
        number = 0
        while True:
            popped: Any = await self._client.blpop([self._parts["down"]], timeout=TURN)
            if popped is None:
                if until.done() and not await self._client.exists(self._parts["down"]):
                    return
                continue
            try:
                data = self._seals.open_chunk(popped[1], direction="to_caller", seq=self._seq, number=number)
            except SealBroken as error:
                raise InternalError(f"a chunk of the file does not open: {error}") from None
            number += 1
            if data is None:
                return
            await self._client.rpush(self._parts["credit"], MORE)
            yield data

    async def stop_sender(self) -> None:
        """Nobody reads any more: tell the worker, who may be waiting for room."""
        await self._client.rpush(self._parts["credit"], NO_MORE)
        await self._client.expire(self._parts["credit"], FILE_KEPT)
