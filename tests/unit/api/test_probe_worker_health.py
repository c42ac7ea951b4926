"""The connection test, workers, and health."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx

from netpulse_broker.models.device import ConnectionTest
from netpulse_broker.models.health import Health
from netpulse_broker.models.worker import Worker
from netpulse_broker.queueing.nodes.worker_index import WorkerRecord
from netpulse_broker.states import WorkerState
from netpulse_drivers.registry import PluginFailure
from tests.unit.api.memory_dispatch import MemoryDispatch
from tests.unit.api.sample_drivers import SampleDrivers

PROBE = {"driver": "lab", "connection_args": {"host": "192.0.2.11", "password": "d3vice-pa55word"}}


async def test_a_connection_test_runs_on_a_worker(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    answer = await client.post("/device/test-connection", json=PROBE)
    assert answer.status_code == 200
    data = answer.json()["data"]
    ConnectionTest.model_validate(data)
    assert data == {
        "success": True,
        "connection_time": 0.125,
        "error_message": None,
        "error": None,
        "device_info": {"prompt": "sw1#"},
        "timestamp": "2026-01-02T03:04:05.930901+00:00",
    }
    (made,) = dispatch.submissions
    assert (made.payload.operation, made.payload.commands, made.strategy) == ("probe", [], "fifo")
    assert made.payload.timeout == 30


async def test_a_failed_login_is_an_answer(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    def refused(_: object) -> dict[str, Any]:
        error = {"code": "authentication_failed", "message": "the device refused the password"}
        return {"type": 2, "retval": None, "error": error, "outputs": [], "duration": 1.0, "session_reused": False}

    dispatch.work = refused
    answer = await client.post("/device/test-connection", json=PROBE)
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert (data["success"], data["error_message"]) == (False, "the device refused the password")
    assert data["connection_time"] is None
    assert data["error"]["code"] == "authentication_failed"


async def test_a_connection_test_may_take_the_device_s_worker(
    client: httpx.AsyncClient, dispatch: MemoryDispatch
) -> None:
    await client.post("/device/test-connection", json=PROBE | {"queue_strategy": "pinned", "timeout": 7})
    assert (dispatch.submissions[0].strategy, dispatch.submissions[0].payload.timeout) == ("pinned", 7)


async def test_what_a_connection_test_does_not_take(client: httpx.AsyncClient) -> None:
    assert (await client.post("/device/test-connection", json=PROBE | {"command": "x"})).status_code == 422
    answer = await client.post("/device/test-connection", json={"driver": "lab", "connection_args": {}})
    assert answer.json()["data"]["details"][0]["loc"] == "connection_args.host"


def a_worker(name: str, **change: Any) -> WorkerRecord:
    made = WorkerRecord(
        name=name,
        kind="pinned",
        status=WorkerState.IDLE,
        pid=4711,
        node="node-1",
        device="192.0.2.11",
        queue="device:192.0.2.11",
        sessions=1,
        job="",
        heartbeat=datetime(2026, 1, 2, tzinfo=UTC),
        counters={"successful": 3, "failed": 1, "busy_seconds": 0.5},
    )
    return replace(made, **change)


async def test_workers(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    dispatch.worker_records = [
        a_worker("node-1.1"),
        a_worker("pool.1", kind="fifo", device="", queue="fifo", node="pool", sessions=0, heartbeat=None, pid=0),
    ]
    data = (await client.get("/worker")).json()["data"]
    for worker in data:
        Worker.model_validate(worker)
    assert data[0]["heartbeat"] == "2026-01-02T00:00:00+00:00"
    assert (data[1]["device"], data[1]["heartbeat"], data[1]["pid"]) == (None, None, None)
    for query, names in (
        ({"queue": "fifo"}, ["pool.1"]),
        ({"host": "192.0.2.11"}, ["node-1.1"]),
        ({"node": "pool"}, ["pool.1"]),
        ({"node": "none"}, []),
    ):
        answer = await client.get("/worker", params=query)
        assert [worker["name"] for worker in answer.json()["data"]] == names
    stopped = await client.delete("/worker", params={"name": "node-1.1"})
    assert stopped.json()["data"] == ["node-1.1"]


async def test_health_tells_what_is_wrong(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, drivers: SampleDrivers
) -> None:
    async def status() -> str:
        answer = await client.get("/health")
        assert answer.status_code == 200
        Health.model_validate(answer.json()["data"])
        return str(answer.json()["data"]["status"])

    assert await status() == "ok"
    drivers.failures.append(PluginFailure("/plugins/acme", "SyntaxError"))
    assert await status() == "degraded"
    assert (await client.get("/health")).json()["data"]["drivers"] == {
        "known": ["lab", "open"],
        "failed": [{"source": "/plugins/acme", "message": "SyntaxError"}],
    }
    drivers.failures.clear()
    well = dispatch.state
    dispatch.state = replace(well, full=True, detail="all nodes are full")
    assert await status() == "full"
    dispatch.state = replace(well, full=True, livelocked=("n1",))
    assert await status() == "livelocked"
    drivers.failures.append(PluginFailure("/plugins/acme", "SyntaxError"))
    assert await status() == "livelocked"
    drivers.failures.clear()
    dispatch.state = replace(well, pinned_nodes=0, detail="no node runs")
    assert await status() == "degraded"
    dispatch.state = replace(dispatch.state, redis=False)
    assert await status() == "down"


async def test_probes(anonymous: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    assert (await anonymous.get("/health/ready")).json()["data"] == {"status": "ready"}
    dispatch.state = replace(dispatch.state, pinned_nodes=0)
    answer = await anonymous.get("/health/ready")
    assert (answer.status_code, answer.json()["data"]["error"]) == (503, "no_worker")
    dispatch.state = replace(dispatch.state, redis=False)
    answer = await anonymous.get("/health/ready")
    assert (answer.status_code, answer.json()["data"]["error"]) == (503, "queue_unavailable")
    assert "retry-after" in answer.headers
    assert (await anonymous.get("/health/live")).json()["data"] == {"status": "live"}
