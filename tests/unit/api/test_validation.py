"""What callers get wrong, and what they are told."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.unit.api.conftest import body
from tests.unit.api.memory_dispatch import MemoryDispatch

JSON = {"Content-Type": "application/json"}


async def refused(client: httpx.AsyncClient, path: str, **request: Any) -> tuple[int, str, list[dict[str, Any]]]:
    answer = await client.post(path, **request)
    assert answer.json()["code"] == -1
    return answer.status_code, answer.json()["message"], answer.json()["data"]["details"]


async def test_malformed_json_says_where(client: httpx.AsyncClient) -> None:
    status, message, details = await refused(
        client, "/device/execute", content=b'{"driver": "lab",\n  "command": "x",,}', headers=JSON
    )
    assert status == 422
    assert "line 2, column 18" in message
    assert details[0]["type"] == "json_invalid"


@pytest.mark.parametrize("content", [b"[]", b"null", b'"text"', b"17"])
async def test_body_that_is_no_object(client: httpx.AsyncClient, content: bytes) -> None:
    status, _, details = await refused(client, "/device/execute", content=content, headers=JSON)
    assert status == 422
    assert details[0]["loc"] == "body"
    assert "JSON object" in details[0]["msg"] or "body is missing" in details[0]["msg"]


async def test_missing_body(client: httpx.AsyncClient) -> None:
    status, _, details = await refused(client, "/device/execute")
    assert (status, details[0]["msg"]) == (422, "the body is missing: send a JSON object")


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", None])
async def test_other_content_types(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    status, message, _ = await refused(client, "/device/execute", content=b'{"driver": "lab"}', headers=headers)
    assert status == 422
    assert "Content-Type: application/json" in message


@pytest.mark.parametrize("content", [b'{"driver": "\xff"}', b"[" * 60000])
async def test_bytes_that_cannot_be_read(client: httpx.AsyncClient, content: bytes) -> None:
    status, _, _ = await refused(client, "/device/execute", content=content, headers=JSON)
    assert status in {400, 422}


async def test_unknown_driver_lists_the_known_ones(client: httpx.AsyncClient) -> None:
    for path, request in {
        "/device/execute": body(driver="netmik"),
        "/device/bulk": body(driver="netmik", devices=[{"host": "192.0.2.1"}]),
        "/device/test-connection": body(driver="netmik", command=None),
    }.items():
        status, message, details = await refused(client, path, json=request)
        assert status == 422
        assert "known drivers: lab, open" in message
        assert details == [
            {
                "loc": "driver",
                "msg": "unknown driver 'netmik'; known drivers: lab, open",
                "type": "unknown_driver",
                "known": ["lab", "open"],
            }
        ]


@pytest.mark.parametrize(
    ("change", "loc"),
    [
        ({"connection_args": {"username": "admin"}}, "connection_args.host"),
        ({"connection_args": {"host": "two words"}}, "connection_args.host"),
        ({"connection_args": None}, "connection_args"),
        ({"connection_args": []}, "connection_args"),
        ({"connection_args": {"host": "a", "port": 99999}}, "connection_args.port"),
        ({"connection_args": {"host": "a", "port": "ssh"}}, "connection_args.port"),
        ({"connection_args": {"host": "a", "hots": 1}}, "connection_args.hots"),
        ({"connection_args": {"host": "a", "device_type": "cisco"}}, "connection_args.device_type"),
        ({"connection_args": {"host": "a", "username": "a b"}}, "connection_args.username"),
        ({"driver": 7}, "driver"),
        ({"driver": None}, "driver"),
        ({"command": 7}, "command"),
        ({"command": [1]}, "command"),
        ({"command": []}, "command"),
        ({"command": ""}, "command"),
        ({"command": "\ud800"}, "command"),
        ({"command": None, "config": 7}, "config"),
        ({"driver_args": []}, "driver_args"),
        ({"driver_args": {"read_timeuot": 3}}, "driver_args.read_timeuot"),
        ({"driver_args": {"read_timeout": "soon"}}, "driver_args.read_timeout"),
        ({"command": None, "config": "x", "driver_args": {"read_timeout": 3}}, "driver_args.read_timeout"),
        ({"options": []}, "options"),
        ({"options": {"tll": 3}}, "options.tll"),
        ({"options": {"ttl": 0}}, "options.ttl"),
        ({"options": {"ttl": 3601}}, "options.ttl"),
        ({"options": {"wait": 601}}, "options.wait"),
        ({"options": {"wait": -1}}, "options.wait"),
        ({"options": {"queue_strategy": "lifo"}}, "options.queue_strategy"),
        ({"options": {"priority": "high"}}, "options.priority"),
        ({"options": {"timeout": 7200}}, "options.timeout"),
        ({"options": {"idempotency_key": ""}}, "options.idempotency_key"),
        ({"ttl": "long"}, "ttl"),
        ({"tll": 3}, "tll"),
        ({"enable_mode": "perhaps"}, "enable_mode"),
        ({"command": None, "config": "x", "ensure": {"mathc": "line"}}, "ensure.mathc"),
        ({"command": None, "config": "x", "ensure": "yes"}, "ensure"),
        ({"connection_args": {"host": "a", "enable_mode": "perhaps"}}, "connection_args.enable_mode"),
    ],
)
async def test_wrong_types_and_names(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, change: dict[str, Any], loc: str
) -> None:
    content = json.dumps(body(**change)).encode()
    status, message, details = await refused(client, "/device/execute", content=content, headers=JSON)
    assert status == 422
    assert [detail["loc"] for detail in details] == [loc]
    assert set(details[0]) == {"loc", "msg", "type"}
    assert f"{loc}: " in message
    assert dispatch.submissions == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config": "x"}, "command and config exclude each other"),
        ({"command": None}, "give command (a query) or config (a change)"),
        ({"command": None, "config": []}, "config is empty"),
        ({"command": None, "config": [], "ensure": True}, "config is empty"),
        ({"command": None, "config": [], "ensure": {"backup": True}, "options": {"replace": True}}, "config is empty"),
        ({"save": True}, "save is only valid with config"),
        ({"options": {"dry_run": True}}, "dry_run is only valid with config"),
        ({"ensure": True}, "ensure is only valid with config"),
        ({"message": "x"}, "message is only valid with config"),
        ({"ttl": 5, "options": {"ttl": 6}}, "ttl stands at the top level and in options"),
        ({"enable_mode": True, "driver_args": {"enable_mode": False}}, "enable_mode stands in several places"),
        ({"command": None, "config": {"vlan": 3}}, "config is an object"),
        ({"device": "no/slashes"}, "device:"),
    ],
)
async def test_semantic_errors(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, change: dict[str, Any], words: str
) -> None:
    answer = await client.post("/device/execute", json=body(**change))
    assert answer.status_code == 400
    assert answer.json()["data"]["error"] == "bad_request"
    assert words in answer.json()["message"]
    assert dispatch.submissions == []


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"parsing": {"name": "textfsm", "template": "x", "template_file": "y"}}, "not both"),
        ({"parsing": {"name": "ttp"}}, "ttp needs a template"),
        ({"parsing": {"template": "no sign"}}, "does not show what parses with it"),
        ({"parsing": {"name": "textfsm", "template": "file:///etc/passwd"}}, "templates are not fetched"),
        ({"parsing": {"name": "textfsm", "template_file": "a"}}, "no template directory is configured"),
        ({"parsing": [{"name": "textfsm"}, None]}, "parsing has 2 entries for 1 commands"),
        ({"rendering": {"template": "x"}}, "give texts or a template, not both"),
        ({"rendering": {"template": "x"}, "command": {}}, "does not show what renders it"),
        ({"rendering": {"name": "jinja2"}, "command": {}}, "give a template"),
        ({"command": {"a": 1}}, "which needs options.rendering"),
        ({"webhook": {"url": "http://localhost.invalid/", "name": "pager"}}, "unknown webhook caller 'pager'"),
        ({"webhook": {"url": "http://169.254.169.254/latest"}}, "in a denied network"),
        ({"webhook": {"url": "http://0x7f.1/"}}, "in a denied network"),
        ({"webhook": {"url": "http://[::ffff:127.0.0.1]/"}}, "in a denied network"),
    ],
)
async def test_templates_and_webhooks_that_cannot_be(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, option: dict[str, Any], words: str
) -> None:
    answer = await client.post("/device/execute", json=body(**option))
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["message"]
    assert dispatch.submissions == []


@pytest.mark.parametrize(
    ("webhook", "words"),
    [
        ({}, "webhook.url: Field required"),
        ({"url": "ftp://a/"}, "http://host[:port]/path"),
        ({"url": "http://user:hidden@a/"}, "must hold no user or password"),
        ({"url": "http://a/", "headers": {"Host": "b"}}, "set by the broker"),
        ({"url": "http://a/", "headers": {"X-A": "b\r\nX-B: c"}}, "printable ASCII on one line"),
        ({"url": "http://a/", "headers": {"X A": "b"}}, "a header's name"),
        ({"url": "http://a/", "auth": {"username": "hidden"}}, "username and password, or token"),
        ({"url": "http://a/", "cookies": {"a": "b; c"}}, "a cookie's name and value"),
        ({"url": "http://a/", "timeout": 0}, "greater than or equal to 0.5"),
        ({"url": "http://a/", "retries": 3}, "Extra inputs"),
    ],
)
async def test_a_webhook_that_does_not_validate(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, webhook: dict[str, Any], words: str
) -> None:
    answer = await client.post("/device/execute", json=body(webhook=webhook))
    assert answer.status_code == 422, answer.text
    assert words in answer.text
    assert "hidden" not in answer.text
    assert dispatch.submissions == []


async def test_a_driver_may_refuse_the_whole(client: httpx.AsyncClient) -> None:
    status, message, _ = await refused(client, "/device/execute", json=body(command="get_nothing"))
    assert (status, message) == (422, "unknown getter; see the driver's page")


async def test_many_problems_are_counted(client: httpx.AsyncClient) -> None:
    request = body(**{f"unknown{number}": 1 for number in range(80)})
    status, message, details = await refused(client, "/device/execute", json=request)
    assert status == 422
    assert "and 50 more, see details" in message
    assert len(details) == 51
    assert details[-1]["msg"] == "and 30 more"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/job?stauts=failed"), ("GET", "/worker?hots=a"), ("DELETE", "/job?hots=a")]
)
async def test_misspelt_filters_are_refused(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 422
    assert answer.json()["data"]["details"][0]["type"] == "extra_forbidden"


async def test_deleting_without_a_filter_is_refused(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    await client.post("/device/execute", json=body())
    for path in ("/job", "/worker"):
        answer = await client.delete(path)
        assert answer.status_code == 400
    assert all(record.status == "queued" for record in dispatch.records.values())


async def test_list_filters_are_checked(client: httpx.AsyncClient) -> None:
    for query in ({"status": "done"}, {"limit": 0}, {"limit": 1001}):
        assert (await client.get("/job", params=query)).status_code == 422
