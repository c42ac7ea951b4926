"""Waits that end before their job: the caller leaves, the controller stops."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from netpulse_broker.api import waiting
from netpulse_broker.api.server import _config, _Server
from netpulse_broker.settings import Settings
from tests.unit.api.conftest import API_KEY, body
from tests.unit.api.memory_dispatch import MemoryDispatch


@pytest.fixture
async def port(app: FastAPI, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The application behind a real server: only there a connection can end."""
    monkeypatch.setattr(waiting, "GRACE", 0.0)
    listener = socket.create_server(("127.0.0.1", 0))
    started = asyncio.Event()
    bound = listener.getsockname()[1]
    config = _config(app, settings.controller)
    server = _Server(config, settings.controller, listener, on_started=started.set, on_stopping=lambda: None)
    serving = asyncio.create_task(server.serve([]))
    await asyncio.wait_for(started.wait(), 10)
    yield bound
    server.stop()
    await serving


async def request_bytes(port: int, path: str, request: object) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    content = json.dumps(request).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: broker\r\nX-API-KEY: {API_KEY}\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(content) + content)
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize(
    ("path", "request_body"),
    [
        ("/device/execute", body(wait=60)),
        ("/device/bulk", body(wait=60, connection_args={}, devices=[{"host": "a"}, {"host": "b"}])),
        ("/device/test-connection", body(command=None)),
    ],
)
async def test_a_caller_who_leaves_ends_the_wait_and_not_the_job(
    app: FastAPI, dispatch: MemoryDispatch, port: int, path: str, request_body: object
) -> None:
    dispatch.held = True
    _, writer = await request_bytes(port, path, request_body)
    async with asyncio.timeout(10):
        await dispatch.someone_waits.wait()
        assert dispatch.waiting == 1
        writer.close()
        await writer.wait_closed()
        await dispatch.nobody_waits.wait()
    assert all(record.status != "canceled" for record in dispatch.records.values())
    assert not app.state.context.waiting._waits


async def test_a_job_that_ends_answers_the_caller_who_is_being_watched(dispatch: MemoryDispatch, port: int) -> None:
    dispatch.held = True
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"X-API-KEY": API_KEY}) as client:
        answer = asyncio.create_task(client.post("/device/execute", json=body(wait=60)))
        async with asyncio.timeout(10):
            await dispatch.someone_waits.wait()
            await dispatch.release()
            assert (await answer).json()["data"]["status"] == "finished"
        # The connection is still good for the next request.
        assert (await client.get("/job")).status_code == 200


async def test_a_controller_that_stops_answers_with_the_job_as_it_stands(
    app: FastAPI, client: httpx.AsyncClient, dispatch: MemoryDispatch
) -> None:
    dispatch.held = True
    answer = asyncio.create_task(client.post("/device/execute", json=body(wait=600)))
    async with asyncio.timeout(10):
        await dispatch.someone_waits.wait()
        app.state.context.waiting.close()
        ended = await answer
    assert ended.status_code == 202
    assert ended.json()["data"]["status"] == "started"
    late = await client.post("/device/execute", json=body(wait=600))
    assert late.status_code in {202, 503}, "a wait that begins while stopping ends at once"


async def test_an_error_inside_a_wait_is_passed_on() -> None:
    room = waiting.WaitingRoom()
    request = httpx.Request("GET", "http://x")
    with pytest.raises(TimeoutError, match="own"):
        async with room.wait(request):  # type: ignore[arg-type]
            raise TimeoutError("own")
    with pytest.raises(asyncio.CancelledError):
        async with room.wait(request):  # type: ignore[arg-type]
            raise asyncio.CancelledError
    assert not room._waits


async def test_start_and_stop_reach_the_queue(app: FastAPI, dispatch: MemoryDispatch) -> None:
    async with app.router.lifespan_context(app):
        assert dispatch.running
    assert not dispatch.running
