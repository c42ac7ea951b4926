"""One device at many addresses of the loopback network: connections are passed on to where it listens."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class ManyAddresses:
    """A context manager; `addresses` all lead to `host` and `port`, each on the same `port`.

    Passing on costs a thread of this process; it is for logins and short answers.
    """

    def __init__(self, host: str, port: int, *, number: int) -> None:
        self._target = (host, port)
        self.port = port
        self.addresses = [f"127.77.{n // 200}.{n % 200 + 1}" for n in range(number)]
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._streams: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="many-addresses", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        for address in self.addresses:
            self._servers.append(await asyncio.start_server(self._serve, address, self.port, backlog=64))

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for stream in list(self._streams):
            stream.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(*self._target)
        self._streams |= {writer, inner_writer}
        try:
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        finally:
            for stream in (writer, inner_writer):
                self._streams.discard(stream)
                stream.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
