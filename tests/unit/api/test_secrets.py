"""No answer and no log line ever repeats what a caller sent as a secret, whatever else was wrong with it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import httpx
import pytest

from netpulse_broker.models.device import BulkRequest, ExecuteRequest, TestConnectionRequest
from tests.unit.api.conftest import API_KEY
from tests.unit.api.memory_dispatch import MemoryDispatch

SECRET = "Hunter2-Pa55"

CONNECTION = {"host": "192.0.2.11", "username": "admin", "password": SECRET, "secret": SECRET}


def request(**change: Any) -> dict[str, Any]:
    made = {"driver": "lab", "connection_args": CONNECTION, "command": "show version"} | change
    return {name: value for name, value in made.items() if value is not None}


REQUESTS: list[tuple[str, Any]] = [
    ("/device/execute", request()),
    ("/device/execute", request(options={"wait": 5})),
    ("/device/execute", request(driver="nobody")),
    ("/device/execute", request(command=None)),
    ("/device/execute", request(command=[SECRET, 5])),
    ("/device/execute", request(config=SECRET)),
    ("/device/execute", request(options={"ttl": SECRET, "wait": SECRET, "priority": SECRET})),
    ("/device/execute", request(ensure=SECRET)),
    ("/device/execute", request(driver_args={"read_timeout": SECRET})),
    ("/device/execute", request(unknown=SECRET)),
    ("/device/execute", request(webhook={"auth": SECRET})),
    ("/device/execute", request(connection_args=SECRET)),
    ("/device/execute", request(connection_args=[SECRET])),
    ("/device/execute", request(connection_args=CONNECTION | {"password": [SECRET]})),
    ("/device/execute", request(connection_args=CONNECTION | {"port": SECRET})),
    ("/device/execute", request(connection_args=CONNECTION | {"username": f"a {SECRET}"})),
    ("/device/execute", request(connection_args=CONNECTION | {"device_type": SECRET})),
    ("/device/execute", request(connection_args=CONNECTION | {"keepalive": {"a": SECRET}})),
    ("/device/execute", request(connection_args={"password": SECRET})),
    ("/device/execute", request(connection_args=CONNECTION | {"host": f"{SECRET} {SECRET}"})),
    ("/device/execute", SECRET),
    ("/device/execute", [SECRET]),
    ("/device/bulk", request(devices=[{"host": "a"}, {"password": SECRET, "port": SECRET}])),
    ("/device/bulk", request(devices=SECRET)),
    ("/device/bulk", request(devices=[SECRET])),
    ("/device/bulk", request(devices=[{"host": "a", "command": {"x": SECRET}}])),
    ("/device/test-connection", request(command=None)),
    ("/device/test-connection", request(command=SECRET)),
]


@pytest.mark.parametrize(("path", "body"), REQUESTS)
async def test_no_answer_and_no_log_line_holds_a_secret(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, logged: StringIO, path: str, body: Any
) -> None:
    for defect in (False, True):
        if defect:

            def fail(_: object) -> dict[str, Any]:
                raise RuntimeError("something broke")

            dispatch.work = fail
        answer = await client.post(path, json=body)
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        assert SECRET not in answer.text + head
    assert '"event": "request"' in logged.getvalue(), "the log is not looked at"
    assert SECRET not in logged.getvalue()
    assert API_KEY not in logged.getvalue()


@pytest.mark.parametrize("cut", [40, 90, 150])
async def test_malformed_json_is_not_quoted(client: httpx.AsyncClient, logged: StringIO, cut: int) -> None:
    content = json.dumps({"connection_args": CONNECTION} | request()).encode()[:cut]
    answer = await client.post("/device/execute", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert SECRET not in answer.text + logged.getvalue()


async def test_wrong_keys_are_not_quoted(anonymous: httpx.AsyncClient, logged: StringIO) -> None:
    for headers in ({"X-API-KEY": SECRET}, {"Authorization": f"Bearer {SECRET}"}):
        answer = await anonymous.get("/job", headers=headers)
        assert answer.status_code == 403
        assert SECRET not in answer.text + logged.getvalue()


async def test_stored_jobs_show_no_arguments(client: httpx.AsyncClient) -> None:
    await client.post("/device/execute", json=request(wait=5))
    listing = await client.get("/job")
    assert len(listing.json()["data"]) == 1
    assert SECRET not in listing.text
    assert "connection_args" not in listing.text


def test_reprs_of_requests_hold_no_secret() -> None:

    shown = [
        repr(ExecuteRequest.model_validate(request())),
        repr(BulkRequest.model_validate(request(devices=[CONNECTION]))),
        repr(TestConnectionRequest.model_validate(request(command=None))),
    ]
    assert all(SECRET not in text for text in shown)
