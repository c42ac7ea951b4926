"""What an execute request becomes, and what its answer looks like; from the client's side of the contract."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest

from netpulse_broker.models.job import Job
from tests.unit.api.conftest import body
from tests.unit.api.memory_dispatch import MemoryDispatch


async def submit(client: httpx.AsyncClient, dispatch: MemoryDispatch, **change: Any) -> Any:
    answer = await client.post("/device/execute", json=body(**change))
    assert answer.status_code in {201, 202}, answer.text
    return dispatch.submissions[-1]


async def test_a_query_with_every_default(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    made = await submit(client, dispatch)
    assert made.payload.model_dump() == {
        "operation": "query",
        "driver": "lab",
        "connection_args": {"host": "192.0.2.11", "username": "admin", "password": "d3vice-pa55word"},
        "commands": ["show version"],
        "driver_args": {},
        "change": None,
        "enable": None,
        "answers": [],
        "parsing": None,
        "timeout": 60.0,
    }
    assert (made.device, made.host, made.strategy) == ("192.0.2.11", "192.0.2.11", "pinned")
    assert (made.ttl, made.result_ttl, made.priority) == (300, 3600, "normal")
    assert (made.idempotent, made.idempotency_key) == (False, None)


async def test_every_option(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    options = {
        "queue_strategy": "fifo",
        "ttl": 7,
        "timeout": 8.5,
        "wait": 1,
        "result_ttl": 90,
        "priority": "batch",
        "idempotent": True,
        "idempotency_key": "k1",
    }
    for change in ({"options": options}, options):  # in their object, and flat as v0.2 clients write them
        made = await submit(client, dispatch, **change)
        assert (made.strategy, made.ttl, made.payload.timeout, made.result_ttl) == ("fifo", 7, 8.5, 90)
        assert (made.priority, made.idempotent, made.idempotency_key) == ("batch", True, "k1")


async def test_the_same_option_in_both_places_with_one_value(
    client: httpx.AsyncClient, dispatch: MemoryDispatch
) -> None:
    made = await submit(client, dispatch, ttl=9, queue_strategy="fifo", options={"ttl": 9, "priority": "batch"})
    assert (made.ttl, made.strategy, made.priority) == (9, "fifo", "batch")


async def test_null_means_not_given(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    request = body() | {"config": None, "device": None, "ttl": None, "options": {"ttl": None, "parsing": None}}
    answer = await client.post("/device/execute", json=request)
    assert answer.status_code == 201, answer.text
    assert dispatch.submissions[-1].ttl == 300


@pytest.mark.parametrize(
    "places", [{"ttl": None, "options": {"ttl": 7, "wait": None}}, {"ttl": 7, "options": {"ttl": None}}]
)
async def test_null_contradicts_nobody(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, places: dict[str, Any]
) -> None:
    answer = await client.post("/device/execute", json=body() | places)
    assert answer.status_code == 201, answer.text
    assert dispatch.submissions[-1].ttl == 7


async def test_the_driver_says_where_queries_run(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    assert (await submit(client, dispatch, driver="lab")).strategy == "pinned"
    assert (await submit(client, dispatch, driver="open")).strategy == "fifo"
    assert (await submit(client, dispatch, driver="open", queue_strategy="pinned")).strategy == "pinned"


async def test_a_change_keeps_the_device_s_order(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    made = await submit(client, dispatch, driver="open", command=None, config="x", queue_strategy="fifo")
    assert made.strategy == "pinned"
    assert made.queue == "device:192.0.2.11"


@pytest.mark.parametrize(
    ("command", "place"),
    [("show clock\nreload", 0), (["show clock", "show users\rreload"], 1), ("show clock\r\nreload\n", 0)],
)
async def test_a_command_does_not_smuggle_another_one(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, command: Any, place: int
) -> None:
    answer = await client.post("/device/execute", json=body(command=command))
    assert answer.status_code == 422
    assert f"command.{place}" in answer.text
    assert "give several commands as a list" in answer.text
    answer = await client.post("/device/bulk", json=body(command=command, devices=[{}]))
    assert "give several commands as a list" in answer.text
    assert dispatch.submissions == []


async def test_the_line_end_behind_a_command_is_no_part_of_it(
    client: httpx.AsyncClient, dispatch: MemoryDispatch
) -> None:
    made = await submit(client, dispatch, command=["show clock\n", "show users\r\n"])
    assert made.payload.commands == ["show clock", "show users"]


@pytest.mark.parametrize(
    ("config", "lines"),
    [
        ("vlan 10", ["vlan 10"]),
        ("vlan 10\n name a\r\nvlan 11", ["vlan 10", " name a", "vlan 11"]),
        (["vlan 10", " name a"], ["vlan 10", " name a"]),
        (["vlan 10\n name a", "vlan 11"], ["vlan 10\n name a", "vlan 11"]),
        (["crypto pki authenticate TP\r\nMIIB\rAAAA\nquit\n"], ["crypto pki authenticate TP\nMIIB\nAAAA\nquit"]),
        ("vlan 10\n", ["vlan 10"]),
        (["banner motd ^", "", "^"], ["banner motd ^", "", "^"]),
    ],
)
async def test_lines_of_a_change(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, config: Any, lines: list[str]
) -> None:
    made = await submit(client, dispatch, command=None, config=config)
    assert made.payload.operation == "change"
    assert made.payload.commands == lines
    assert made.payload.change == {
        "ensure": None,
        "dry_run": False,
        "save": False,
        "message": None,
        "revert_in": None,
        "replace": False,
    }


async def test_extras_of_a_change(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    extras = {"save": True, "dry_run": True, "revert_in": 60, "message": "ticket 7", "enable_mode": True}
    for change in (extras, {"options": extras}):
        made = await submit(client, dispatch, command=None, config="x", **change)
        assert made.payload.change == {
            "ensure": None,
            "dry_run": True,
            "save": True,
            "message": "ticket 7",
            "revert_in": 60.0,
            "replace": False,
        }
        assert made.payload.enable is True


async def test_saving_alone(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    made = await submit(client, dispatch, command=None, config=[], save=True)
    assert made.payload.commands == []
    assert made.payload.change["save"] is True


@pytest.mark.parametrize("policy", [{"backup": True}, {"save_when": "modified"}])
async def test_policy_that_wants_something_without_a_line(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, policy: dict[str, Any]
) -> None:
    made = await submit(client, dispatch, command=None, config=[], ensure=policy)
    assert made.payload.commands == []
    assert made.payload.change["ensure"] | policy == made.payload.change["ensure"]


async def test_ensure(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    made = await submit(client, dispatch, command=None, config="x", ensure=True)
    assert made.payload.change["ensure"]["match"] == "line"
    policy = {"parents": ["interface e1"], "save_when": "changed", "backup": True}
    made = await submit(client, dispatch, command=None, config="x", options={"ensure": policy})
    assert made.payload.change["ensure"] | policy == made.payload.change["ensure"]
    made = await submit(client, dispatch, command=None, config="x", ensure=False)
    assert made.payload.change["ensure"] is None


@pytest.mark.parametrize("where", ["top", "options", "driver_args", "connection_args"])
async def test_enable_mode_works_wherever_it_is_written(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, where: str
) -> None:
    asked = {"enable_mode": True}
    change: dict[str, Any] = asked if where == "top" else {where: asked}
    if where == "connection_args":
        change = {where: {"host": "192.0.2.11"} | asked}
    made = await submit(client, dispatch, **change)
    assert made.payload.enable is True
    assert "enable_mode" not in made.payload.driver_args
    assert "enable_mode" not in made.payload.connection_args


@pytest.mark.parametrize(
    ("change", "device"),
    [
        ({"connection_args": {"host": "SW1.Example.NET."}}, "sw1.example.net"),
        ({"connection_args": {"host": "192.0.2.11", "port": 2222}}, "192.0.2.11:2222"),
        ({"connection_args": {"host": "192.0.2.11", "port": 443}}, "192.0.2.11"),
        ({"connection_args": {"host": "2001:DB8:0::1"}}, "2001:db8::1"),
        ({"device": "core-1"}, "core-1"),
    ],
)
async def test_which_device(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, change: dict[str, Any], device: str
) -> None:
    assert (await submit(client, dispatch, **change)).device == device


async def test_the_aliases_of_v0_2(client: httpx.AsyncClient) -> None:
    assert (await client.post("/device/exec", json=body(wait=5))).status_code == 201
    probe = body(command=None)
    assert (await client.post("/device/test", json=probe)).json()["data"]["success"] is True


async def test_the_job_object(client: httpx.AsyncClient) -> None:
    answer = await client.post("/device/execute", json=body(command=["show a", "show b"], wait=5))
    job = answer.json()["data"]
    Job.model_validate(job)
    assert set(job) == set(Job.model_fields)
    assert job["created_at"] == "2026-01-02T03:04:05.678901+00:00"
    assert datetime.fromisoformat(job["ended_at"]).utcoffset() is not None
    assert job["queue_time"] == pytest.approx(0.002)
    assert job["duration"] == pytest.approx(0.25)
    assert job["session_reused"] is True
    assert job["outcome"] == "ok"
    assert job["result"]["type"] == 1
    assert job["result"]["retval"] == {"show a": "SHOW A", "show b": "SHOW B"}
    assert [entry["command"] for entry in job["result"]["outputs"]] == ["show a", "show b"]


async def test_a_failed_job_is_an_answer_with_its_error(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    error = {
        "type": "CommandRefused",
        "code": "command_refused",
        "phase": "execute",
        "retryable": False,
        "message": "the device refused 'show b'",
        "device_output": "% Invalid input",
        "details": [],
    }
    dispatch.work = lambda _: {
        "type": 2,
        "retval": {"show a": "A"},
        "error": error,
        "outputs": [{"command": "show a", "output": "A", "elapsed": 0.1, "failed": False}],
        "duration": 0.2,
        "session_reused": False,
    }
    answer = await client.post("/device/execute", json=body(command=["show a", "show b"], wait=5))
    assert answer.status_code == 201
    job = answer.json()["data"]
    Job.model_validate(job)
    assert (job["status"], job["outcome"], job["result"]["type"]) == ("failed", "failed", 2)
    assert job["result"]["error"] == error
    assert job["result"]["retval"] == {"show a": "A"}


async def test_output_that_json_cannot_say(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    result: dict[str, Any] = {"type": 1, "error": None, "outputs": [], "duration": 0.1, "session_reused": False}
    dispatch.work = lambda _: result | {"retval": {"a": float("nan"), "b": "\ud800 x", "c": "ä\x00"}}
    answer = await client.post("/device/execute", json=body(wait=5))
    assert answer.status_code == 201
    retval = answer.json()["data"]["result"]["retval"]
    assert retval["b"] == "\ud800 x"
    assert retval["c"] == "ä\x00"


async def test_listing_and_paging(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    for number in range(5):
        await submit(client, dispatch, connection_args={"host": f"192.0.2.{number % 2}"})
    page = (await client.get("/job", params={"limit": 3})).json()
    assert [job["seq"] for job in page["data"]] == [5, 4, 3]
    rest = (await client.get("/job", params={"limit": 3, "cursor": page["next_cursor"]})).json()
    assert [job["seq"] for job in rest["data"]] == [2, 1]
    assert rest["next_cursor"] is None
    of_host = (await client.get("/job", params={"host": "192.0.2.1", "status": "queued"})).json()["data"]
    assert [job["seq"] for job in of_host] == [4, 2]
    one = of_host[0]["id"]
    assert [job["id"] for job in (await client.get("/job", params={"id": one})).json()["data"]] == [one]
    assert (await client.get("/job", params={"id": one, "status": "failed"})).json()["data"] == []


async def test_cancelling(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    first = (await client.post("/device/execute", json=body())).json()["data"]["id"]
    second = (await client.post("/device/execute", json=body())).json()["data"]["id"]
    assert (await client.delete("/job", params={"id": first})).json()["data"] == [first]
    assert (await client.delete("/job", params={"host": "192.0.2.11"})).json()["data"] == [second]
    assert (await client.delete("/job", params={"host": "192.0.2.11"})).json()["data"] == []


ANSWERS = [{"question": "assword", "answer": "open-sesame", "secret": True, "once": True}, {"question": "confirm"}]


@pytest.mark.parametrize("where", [{"answers": ANSWERS}, {"options": {"answers": ANSWERS}}])
@pytest.mark.parametrize("work", [{"command": "x"}, {"command": None, "config": "x"}])
async def test_announced_questions(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, where: dict[str, Any], work: dict[str, Any]
) -> None:
    made = await submit(client, dispatch, driver="open", **where, **work)
    assert made.payload.answers == [ANSWERS[0], {"question": "confirm", "answer": "", "secret": False}]
    assert "open-sesame" not in repr(made)


async def test_questions_for_a_driver_that_answers_none(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    answer = await client.post("/device/execute", json=body(answers=ANSWERS))
    assert answer.status_code == 400
    assert "cannot answer questions" in answer.text
    assert dispatch.submissions == []


@pytest.mark.parametrize("wrong", [[{"question": "("}], [{"question": "x", "answer": "a\nb"}], [{}] * 33, "yes"])
async def test_questions_that_are_none(client: httpx.AsyncClient, wrong: Any) -> None:
    answer = await client.post("/device/execute", json=body(driver="open", answers=wrong))
    assert answer.status_code == 422
    assert "answers" in answer.text
