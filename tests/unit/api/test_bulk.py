"""Many devices in one request: each stands for itself."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from netpulse_broker.errors import NoWorker
from netpulse_broker.models.device import BulkAnswer
from tests.unit.api.memory_dispatch import MemoryDispatch


def request(*devices: Any, **more: Any) -> dict[str, Any]:
    shared = {"username": "admin", "password": "d3vice-pa55word"}
    made = {"driver": "lab", "connection_args": shared, "devices": list(devices), "command": "show version"} | more
    return {name: value for name, value in made.items() if value is not None}


async def test_devices_are_merged_over_what_they_share(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    answer = await client.post(
        "/device/bulk",
        json=request(
            {"host": "192.0.2.1"},
            {"host": "192.0.2.2", "username": "other", "command": ["show a", "show b"]},
            {"host": "192.0.2.3", "config": "vlan 1", "device": "core"},
        ),
    )
    assert answer.status_code == 201
    BulkAnswer.model_validate(answer.json()["data"])
    assert answer.json()["data"]["failed"] == []
    assert [job["host"] for job in answer.json()["data"]["succeeded"]] == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    first, second, third = (made.payload for made in dispatch.submissions)
    assert (first.operation, first.commands) == ("query", ["show version"])
    assert first.connection_args == {"host": "192.0.2.1", "username": "admin", "password": "d3vice-pa55word"}
    assert (second.commands, second.connection_args["username"]) == (["show a", "show b"], "other")
    assert (third.operation, third.commands) == ("change", ["vlan 1"])
    assert dispatch.submissions[2].device == "core"
    assert {made.ttl for made in dispatch.submissions} == {600}


async def test_one_bad_device_stops_none_of_the_rest(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    dispatch.refuse_hosts["192.0.2.9"] = NoWorker("no node has room")
    answer = await client.post(
        "/device/bulk",
        json=request(
            {"port": 22},
            {"host": "192.0.2.1"},
            {"host": "192.0.2.2", "port": "ssh"},
            {"host": "192.0.2.9"},
            {"host": "192.0.2.3", "command": 7},
            {"host": "192.0.2.4", "command": "a", "config": "b"},
            {"host": 5},
            {"host": "192.0.2.5", "device": 5},
            {"host": "192.0.2.6"},
        ),
    )
    assert answer.status_code == 201
    data = answer.json()["data"]
    BulkAnswer.model_validate(data)
    assert [job["host"] for job in data["succeeded"]] == ["192.0.2.1", "192.0.2.6"]
    assert [(failure["index"], failure["host"], failure["error"]) for failure in data["failed"]] == [
        (0, None, "invalid_request"),
        (2, "192.0.2.2", "invalid_request"),
        (3, "192.0.2.9", "no_worker"),
        (4, "192.0.2.3", "invalid_request"),
        (5, "192.0.2.4", "bad_request"),
        (6, None, "invalid_request"),
        (7, "192.0.2.5", "invalid_request"),
    ]
    assert data["failed"][0]["details"][0]["loc"] == "connection_args.host"
    assert data["failed"][2]["retryable"] is True
    assert data["failed"][3]["details"][0]["loc"] == "devices.4.command"


async def test_duplicates_of_a_host_keep_their_order(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    devices = [{"host": "192.0.2.1", "command": f"show {number}"} for number in range(4)]
    await client.post("/device/bulk", json=request(*devices))
    assert [made.payload.commands for made in dispatch.submissions] == [[f"show {number}"] for number in range(4)]


async def test_with_wait_jobs_come_back_ended(client: httpx.AsyncClient) -> None:
    answer = await client.post("/device/bulk", json=request({"host": "a"}, {"host": "b"}, wait=5))
    assert answer.status_code == 201
    assert [job["status"] for job in answer.json()["data"]["succeeded"]] == ["finished", "finished"]


async def test_202_when_the_wait_runs_out(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    dispatch.held = True
    answer = await client.post("/device/bulk", json=request({"host": "a"}, wait=0.05))
    assert answer.status_code == 202
    assert answer.json()["data"]["succeeded"][0]["status"] == "started"


async def test_an_idempotency_key_counts_per_device(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    devices = [{"host": "a"}, {"host": "b"}]
    first = await client.post("/device/bulk", json=request(*devices, idempotency_key="k"))
    again = await client.post("/device/bulk", json=request(*devices, idempotency_key="k"))
    assert [job["id"] for job in first.json()["data"]["succeeded"]] == [
        job["id"] for job in again.json()["data"]["succeeded"]
    ]
    assert len(dispatch.submissions) == 2


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"devices": []}, 422, "devices: "),
        ({"devices": [{"host": "a"}] * 1001}, 422, "devices: "),
        ({"devices": None}, 422, "devices: Field required"),
        ({"devices": ["a"]}, 422, "devices.0: "),
        ({"config": "x"}, 400, "exclude each other"),
        ({"device": "core"}, 422, "device: "),
        ({"webhook": {"url": "http://127.0.0.1/x"}}, 400, "webhook: the target's address is in a denied network"),
    ],
)
async def test_what_is_wrong_for_all(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, change: dict[str, Any], status: int, words: str
) -> None:
    answer = await client.post("/device/bulk", json=request({"host": "a"}) | change)
    if change.get("devices", 1) is None:
        answer = await client.post("/device/bulk", json={"driver": "lab", "command": "x"})
    assert answer.status_code == status
    assert words in answer.json()["message"]
    assert dispatch.submissions == []


async def test_neither_command_nor_config_fails_each_device_that_brings_none(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/device/bulk", json=request({"host": "a"}, {"host": "b", "command": "show c"}, command=None)
    )
    data = answer.json()["data"]
    assert [job["host"] for job in data["succeeded"]] == ["b"]
    assert [failure["host"] for failure in data["failed"]] == ["a"]
