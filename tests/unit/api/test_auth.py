"""Who gets in: headers, the ways of v0.2 behind their setting, and what is open."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from netpulse_broker.api.app import create_app
from netpulse_broker.api.auth import KeyRing, Principal
from netpulse_broker.settings import Settings, SettingsError
from tests.unit.api.conftest import API_KEY, body
from tests.unit.api.memory_dispatch import MemoryDispatch
from tests.unit.api.sample_drivers import SampleDrivers

OPEN = [
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/docs",
    "/docs/start.js",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
    "/docs/favicon-32x32.png",
]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-KEY": API_KEY},
        {"x-api-key": API_KEY},
        {"Authorization": f"Bearer {API_KEY}"},
        {"Authorization": f"bearer {API_KEY}"},
    ],
)
async def test_a_key_in_a_header_gets_in(anonymous: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await anonymous.get("/job", headers=headers)).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-API-KEY": ""}, {"Authorization": f"Basic {API_KEY}"}])
async def test_no_key_is_a_401(anonymous: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await anonymous.get("/job", headers=headers)).status_code == 401


@pytest.mark.parametrize("key", [API_KEY[:-1], API_KEY + "x", API_KEY.upper(), "é"])
async def test_a_wrong_key_is_a_403(anonymous: httpx.AsyncClient, key: str) -> None:
    for name, value in (("X-API-KEY", key), ("Authorization", f"Bearer {key}")):
        assert (await anonymous.get("/job", headers=[(name.encode(), value.encode())])).status_code == 403


@pytest.mark.parametrize("path", OPEN)
async def test_open_paths_need_no_key(anonymous: httpx.AsyncClient, path: str) -> None:
    assert (await anonymous.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/device/execute"),
        ("POST", "/device/exec"),
        ("POST", "/device/bulk"),
        ("POST", "/device/test-connection"),
        ("POST", "/device/test"),
        ("GET", "/job"),
        ("GET", "/job/any"),
        ("DELETE", "/job"),
        ("GET", "/worker"),
        ("DELETE", "/worker"),
        ("GET", "/health"),
        ("GET", "/nowhere"),
        ("GET", "/docs/../job"),
    ],
)
async def test_everything_else_needs_one_before_anything_is_read(
    anonymous: httpx.AsyncClient, dispatch: MemoryDispatch, method: str, path: str
) -> None:
    answer = await anonymous.request(method, path, content=b"not json" * 100000 if method == "POST" else None)
    assert answer.status_code == 401
    assert dispatch.submissions == []


async def test_query_and_cookie_are_off_by_default(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/job", params={"X-API-KEY": API_KEY})).status_code == 401
    anonymous.cookies.set("X-API-KEY", API_KEY)
    assert (await anonymous.get("/job")).status_code == 401


async def test_query_and_cookie_behind_the_setting(dispatch: MemoryDispatch, drivers: SampleDrivers) -> None:
    settings = Settings(security={"api_key": API_KEY, "api_key_in_query": True})
    app = create_app(settings, dispatch=dispatch, drivers=drivers)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://broker") as client:
        # The key is no filter of the listing: it is taken out before the query is looked at.
        answer = await client.get("/job", params={"X-API-KEY": API_KEY, "status": "queued"})
        assert answer.status_code == 200
        assert (await client.get("/job", params={"X-API-KEY": "wrong-key"})).status_code == 403
        assert (await client.get("/job", params={"status": "queued"})).status_code == 401
        client.cookies.set("X-API-KEY", API_KEY)
        assert (await client.get("/job")).status_code == 200
        client.cookies.set("X-API-KEY", "wrong-key")
        assert (await client.get("/job")).status_code == 403


async def test_the_key_s_name_owns_the_job_and_the_key_stands_nowhere(
    client: httpx.AsyncClient, dispatch: MemoryDispatch
) -> None:
    await client.post("/device/execute", json=body())
    assert dispatch.submissions[0].owner == "default"


async def test_several_keys(settings: Settings, dispatch: MemoryDispatch, drivers: SampleDrivers) -> None:
    keys = KeyRing({"first-key": Principal("anna", "operator"), "second-key": Principal("ben", "admin")})
    app: FastAPI = create_app(settings, dispatch=dispatch, drivers=drivers, keys=keys)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://broker") as client:
        for key in ("first-key", "second-key"):
            await client.post("/device/execute", json=body(), headers={"X-API-KEY": key})
    assert [submission.owner for submission in dispatch.submissions] == ["anna", "ben"]


def test_the_key_ring_holds_no_key() -> None:
    ring = KeyRing.single("long-and-secret")
    assert "long-and-secret" not in repr(vars(ring))
    assert ring.identify(b"long-and-secret") == Principal("default", "admin")
    assert ring.identify(b"long-and-secre") is None


def test_no_key_no_application(dispatch: MemoryDispatch, drivers: SampleDrivers) -> None:
    with pytest.raises(SettingsError, match="NETPULSE_API_KEY"):
        create_app(Settings(), dispatch=dispatch, drivers=drivers)
