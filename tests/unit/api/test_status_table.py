"""Each row of the status table, seen from the client, with the envelope that belongs to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from io import StringIO

import httpx
import pytest

from netpulse_broker.api.app import create_app
from netpulse_broker.errors import NoWorker, QueueUnavailable
from netpulse_broker.settings import Settings
from tests.unit.api.conftest import API_KEY, body
from tests.unit.api.memory_dispatch import MemoryDispatch
from tests.unit.api.sample_drivers import SampleDrivers


def failed(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """Check the failure envelope and return its data."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    envelope = answer.json()
    assert set(envelope) == {"code", "message", "data"}
    assert envelope["code"] == -1
    assert envelope["message"]
    assert "\n" not in envelope["message"]
    assert set(envelope["data"]) == {"error", "phase", "retryable", "details"}
    assert envelope["data"]["error"] == code
    return envelope["data"]


async def test_200_reads_and_201_makes_a_job(client: httpx.AsyncClient) -> None:
    made = await client.post("/device/execute", json=body())
    assert made.status_code == 201
    assert made.json()["code"] == 200
    assert made.json()["message"] == "success"
    job = made.json()["data"]
    assert job["status"] == "queued"
    read = await client.get(f"/job/{job['id']}")
    assert read.status_code == 200
    assert read.json() == {"code": 200, "message": "success", "data": job}


async def test_201_with_wait_holds_the_answer_until_the_job_has_ended(client: httpx.AsyncClient) -> None:
    answer = await client.post("/device/execute", json=body(options={"wait": 5}))
    assert answer.status_code == 201
    assert answer.json()["data"]["status"] == "finished"
    assert answer.json()["data"]["result"]["retval"] == {"show version": "SHOW VERSION"}


async def test_202_when_the_wait_runs_out(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    dispatch.held = True
    answer = await client.post("/device/execute", json=body(options={"wait": 0.05}))
    assert answer.status_code == 202
    job = answer.json()["data"]
    assert answer.json()["code"] == 200
    assert job["status"] == "started"
    assert job["result"] is None
    assert job["outcome"] is None
    assert job["duration"] is None


async def test_400_semantic_error(client: httpx.AsyncClient) -> None:
    data = failed(await client.post("/device/execute", json=body(config="x")), 400, "bad_request")
    assert data["phase"] == "validate"
    assert data["retryable"] is False


async def test_401_without_a_key(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/job")
    failed(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_403_with_a_wrong_key(anonymous: httpx.AsyncClient) -> None:
    failed(await anonymous.get("/job", headers={"X-API-KEY": "not-this-one"}), 403, "forbidden")


async def test_404_unknown_job_worker_and_path(client: httpx.AsyncClient) -> None:
    failed(await client.get("/job/nobody"), 404, "unknown_job")
    failed(await client.get("/job", params={"id": "nobody"}), 404, "unknown_job")
    failed(await client.delete("/job", params={"id": "nobody"}), 404, "unknown_job")
    failed(await client.delete("/worker", params={"name": "nobody"}), 404, "unknown_worker")
    failed(await client.get("/nowhere"), 404, "not_found")


async def test_405_names_every_method_of_the_path(client: httpx.AsyncClient) -> None:
    answer = await client.put("/job")
    failed(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET"
    failed(await client.get("/device/execute"), 405, "method_not_allowed")


async def test_409_cancel_of_an_ended_job(client: httpx.AsyncClient) -> None:
    job = (await client.post("/device/execute", json=body(wait=5))).json()["data"]
    failed(await client.delete("/job", params={"id": job["id"]}), 409, "conflict")


async def test_409_idempotency_key_with_another_body(client: httpx.AsyncClient) -> None:
    first = await client.post("/device/execute", json=body(idempotency_key="once"))
    again = await client.post("/device/execute", json=body(idempotency_key="once"))
    assert first.json()["data"]["id"] == again.json()["data"]["id"]
    other = await client.post("/device/execute", json=body(idempotency_key="once", command="show clock"))
    failed(other, 409, "idempotency_conflict")


async def test_413_by_declared_length(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    answer = await client.post("/device/execute", json=body(command="x" * 10_000_000))
    failed(answer, 413, "too_large")
    assert "65536 bytes" in answer.json()["message"]
    assert dispatch.submissions == []


async def test_413_while_streaming(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 4096
            yield b" " * 4096

    answer = await client.post("/device/execute", content=endless(), headers={"Content-Type": "application/json"})
    failed(answer, 413, "too_large")
    assert dispatch.submissions == []
    assert sent <= 65536 + 2 * 4096, "reading went on after the limit"


async def test_422_lists_where_and_why(client: httpx.AsyncClient) -> None:
    answer = await client.post("/device/execute", json=body(connection_args={"username": "admin"}))
    data = failed(answer, 422, "invalid_request")
    assert data["details"] == [{"loc": "connection_args.host", "msg": "Field required", "type": "missing"}]
    assert "connection_args.host: Field required" in answer.json()["message"]


async def test_429_with_retry_after(dispatch: MemoryDispatch, drivers: SampleDrivers) -> None:
    settings = Settings(security={"api_key": API_KEY}, controller={"max_requests": 1})
    app = create_app(settings, dispatch=dispatch, drivers=drivers)
    dispatch.held = True
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://broker", headers={"X-API-KEY": API_KEY}
    ) as client:
        first = asyncio.create_task(client.post("/device/execute", json=body(wait=30)))
        await asyncio.wait_for(dispatch.someone_waits.wait(), 10)
        refused = await client.get("/job")
        data = failed(refused, 429, "too_many_requests")
        assert data["retryable"] is True
        assert refused.headers["retry-after"] == "1"
        assert (await client.get("/health/live")).status_code == 200, "probes are always answered"
        await dispatch.release()
        assert (await first).status_code == 201
        assert (await client.get("/job")).status_code == 200


@pytest.mark.parametrize("error", [NoWorker("no node has room"), QueueUnavailable("Redis cannot be reached")])
async def test_503_with_retry_after(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, error: NoWorker | QueueUnavailable
) -> None:
    dispatch.refuse = error
    for options in ({}, {"wait": 5}):
        answer = await client.post("/device/execute", json=body(options=options))
        data = failed(answer, 503, error.code)
        assert answer.headers["retry-after"] == "2"
        assert data["retryable"] is True
        assert data["phase"] == "queue"


async def test_504_when_a_connection_test_does_not_end(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netpulse_broker.api.routes.device.QUEUEING", 0.0)
    dispatch.held = True
    request = {"driver": "lab", "connection_args": {"host": "192.0.2.11"}, "timeout": 0.05}
    failed(await client.post("/device/test-connection", json=request), 504, "wait_timed_out")
    (record,) = dispatch.records.values()
    assert record.status == "canceled", "nobody reads it any more"


async def test_500_has_a_reference_and_no_traceback(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, logged: StringIO
) -> None:
    def defect(_: object) -> dict[str, object]:
        raise ZeroDivisionError("the secret inner workings")

    dispatch.work = defect
    answer = await client.post("/device/execute", json=body(wait=5))
    failed(answer, 500, "internal_error")
    assert "ZeroDivisionError" not in answer.text
    assert "inner workings" not in answer.text
    reference = answer.json()["message"].rpartition(" ")[2]
    assert reference in logged.getvalue()
    assert "ZeroDivisionError: the secret inner workings" in logged.getvalue()
