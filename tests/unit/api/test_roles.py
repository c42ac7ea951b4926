"""What keys of each role may do, over every operation that the API has."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from netpulse_broker.api.auth import KeyRing, Principal
from netpulse_broker.api.server import whole_app
from netpulse_broker.dispatch.dispatcher import Dispatcher
from netpulse_broker.dispatch.schedulers import SCHEDULERS
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.settings import Settings
from netpulse_drivers.registry import DriverRegistry

STORED = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text())["paths"]

OPERATIONS = [(method.upper(), path) for path, item in STORED.items() for method in item]

ALIASES = [("POST", "/device/exec"), ("POST", "/device/test")]

KEYS = {
    "key-of-a-viewer": Principal("vera", "viewer"),
    "key-of-an-operator": Principal("olaf", "operator"),
    "key-of-an-admin": Principal("ada", "admin"),
}


def may_look(method: str, path: str) -> bool:
    """What a viewer may do: read what there is, but no file of a device; and work on templates, which reach nothing."""
    if path.startswith("/template/"):
        return True
    return method == "GET" and path != "/session/{id}/file"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The whole API; its Redis is not there, so what is let through ends in some other way."""
    key = base64.urlsafe_b64encode(bytes(32)).decode()
    settings = Settings(redis={"url": "redis://127.0.0.1:1/0"}, security={"master_key": key})
    sealer = Sealer.from_text([key])
    dispatcher = Dispatcher(settings, sealer, SCHEDULERS["greedy"], controller="roles")
    app = whole_app(settings, dispatcher, sealer, drivers=DriverRegistry(points=[]), keys=KeyRing(KEYS))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://broker") as made:
        yield made
    await dispatcher.client.aclose()


@pytest.mark.parametrize(("method", "path"), [*OPERATIONS, *ALIASES])
@pytest.mark.parametrize("key", KEYS)
async def test_a_viewer_looks_and_everybody_else_may_do_it(
    client: httpx.AsyncClient, key: str, method: str, path: str
) -> None:
    address = re.sub(r"\{[^}]*\}", "x", path)
    answer = await client.request(
        method, address, headers={"X-API-KEY": key}, json={} if method in {"POST", "PUT"} else None
    )
    decides = path.startswith("/login")  # what devices refused concerns all callers: an admin resets it
    allowed = KEYS[key].role == "admin" or (not decides and (KEYS[key].role == "operator" or may_look(method, path)))
    assert (answer.status_code == 403) == (not allowed), answer.text
    if not allowed:
        assert answer.json()["data"]["error"] == "forbidden"
        assert ("admin" if decides else "operator") in answer.json()["message"]
