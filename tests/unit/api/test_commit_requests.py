"""What a request to confirm or to roll back becomes, and what is refused before a job is made."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from netpulse_broker.models.job import Job
from tests.unit.api.conftest import body
from tests.unit.api.memory_dispatch import MemoryDispatch


def asked(**more: Any) -> dict[str, Any]:
    return body(driver="open", command=None, **more)


@pytest.mark.parametrize("how", ["confirm", "rollback"])
async def test_with_every_default(client: httpx.AsyncClient, dispatch: MemoryDispatch, how: str) -> None:
    answer = await client.post(f"/device/{how}", json=asked())
    assert answer.status_code == 201, answer.text
    Job.model_validate(answer.json()["data"])
    (made,) = dispatch.submissions
    assert made.payload.model_dump() == {
        "operation": how,
        "driver": "open",
        "connection_args": {"host": "192.0.2.11", "username": "admin", "password": "d3vice-pa55word"},
        "commands": [],
        "driver_args": {},
        "change": None,
        "enable": None,
        "answers": [],
        "parsing": None,
        "timeout": 60.0,
    }
    assert (made.queue, made.ttl, made.result_ttl, made.idempotent) == ("device:192.0.2.11", 300, 3600, False)


@pytest.mark.parametrize("nested", [True, False])
async def test_with_every_option(client: httpx.AsyncClient, dispatch: MemoryDispatch, nested: bool) -> None:
    options = {
        "queue_strategy": "fifo",
        "ttl": 7,
        "timeout": 8.5,
        "wait": 1,
        "result_ttl": 90,
        "priority": "interactive",
        "idempotency_key": "k1",
    }
    more = {"options": options} if nested else options
    answer = await client.post("/device/confirm", json=asked(job="j1", device="sw1", **more))
    assert answer.status_code == 201, answer.text
    (made,) = dispatch.submissions
    assert (made.queue, made.ttl, made.payload.timeout, made.result_ttl) == ("device:sw1/interactive", 7, 8.5, 90)
    assert (made.payload.driver_args, made.idempotency_key) == ({"job": "j1"}, "k1")


async def test_a_wait_that_runs_out(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    dispatch.held = True
    answer = await client.post("/device/rollback", json=asked(wait=0.05))
    assert (answer.status_code, answer.json()["data"]["status"]) == (202, "started")


@pytest.mark.parametrize("how", ["confirm", "rollback"])
async def test_a_driver_without_it_is_refused_before_a_job_is_made(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, how: str
) -> None:
    answer = await client.post(f"/device/{how}", json=asked() | {"driver": "lab"})
    assert (answer.status_code, answer.json()["data"]["error"]) == (400, "unsupported_operation")
    assert "driver 'lab' has no" in answer.json()["message"]
    assert dispatch.submissions == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"command": "show version"},
        {"config": "vlan 1"},
        {"driver_args": {}},
        {"options": {"revert_in": 5}},
        {"options": {"idempotent": True}},
        {"max_age": 5},
        {"job": ""},
        {"job": "two words"},
        {"connection_args": {"username": "admin"}},
    ],
)
async def test_what_says_nothing_about_it_is_refused(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, wrong: dict[str, Any]
) -> None:
    answer = await client.post("/device/confirm", json=asked() | wrong)
    assert answer.status_code == 422, answer.text
    assert dispatch.submissions == []


async def test_one_option_in_two_places(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    answer = await client.post("/device/confirm", json=asked(ttl=5, options={"ttl": 6}))
    assert answer.status_code == 400
    assert (await client.post("/device/confirm", json=asked(ttl=5, options={"ttl": 5}))).status_code == 201


# -- replace ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{"replace": True}, {"options": {"replace": True}}])
async def test_replace(client: httpx.AsyncClient, dispatch: MemoryDispatch, more: dict[str, Any]) -> None:
    answer = await client.post("/device/execute", json=asked(config="vlan 10") | more)
    assert answer.status_code == 201, answer.text
    assert (dispatch.submissions[-1].payload.change or {})["replace"] is True


async def test_replace_in_driver_args_must_agree(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    request = asked(config="vlan 10", driver_args={"replace": True})
    assert (await client.post("/device/execute", json=request | {"replace": True})).status_code == 201
    answer = await client.post("/device/execute", json=request | {"replace": False})
    assert (answer.status_code, answer.json()["data"]["error"]) == (400, "bad_request")
    assert len(dispatch.submissions) == 1


async def test_a_driver_that_cannot_replace_says_so_at_once(
    client: httpx.AsyncClient, dispatch: MemoryDispatch
) -> None:
    answer = await client.post("/device/execute", json=asked(config="vlan 10", replace=True) | {"driver": "lab"})
    assert (answer.status_code, answer.json()["message"]) == (400, "the lab replaces nothing")
    assert dispatch.submissions == []


async def test_replace_says_something_about_a_change(client: httpx.AsyncClient) -> None:
    answer = await client.post("/device/execute", json=body(replace=True))
    assert (answer.status_code, answer.json()["data"]["error"]) == (400, "bad_request")
