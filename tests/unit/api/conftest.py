from __future__ import annotations

import logging
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI

from netpulse_broker.api.app import create_app
from netpulse_broker.settings import LogSettings, Settings
from netpulse_broker.telemetry.logging import configure_logging
from tests.unit.api.memory_dispatch import MemoryDispatch
from tests.unit.api.sample_drivers import SampleDrivers

API_KEY = "unit-test-api-key"


def body(**more: Any) -> dict[str, Any]:
    """A good execute request, with changes; None takes a field out."""
    connection = {"host": "192.0.2.11", "username": "admin", "password": "d3vice-pa55word"}
    made = {"driver": "lab", "connection_args": connection, "command": "show version"} | more
    return {name: value for name, value in made.items() if value is not None}


@pytest.fixture
def dispatch() -> MemoryDispatch:
    return MemoryDispatch()


@pytest.fixture
def drivers() -> SampleDrivers:
    return SampleDrivers()


@pytest.fixture
def settings() -> Settings:
    return Settings(security={"api_key": API_KEY}, controller={"max_body": 65536})


@pytest.fixture
def app(settings: Settings, dispatch: MemoryDispatch, drivers: SampleDrivers) -> FastAPI:
    return create_app(settings, dispatch=dispatch, drivers=drivers)


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller without a key."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://broker") as client:
        yield client


@pytest.fixture
async def client(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """A caller with the key."""
    anonymous.headers["X-API-KEY"] = API_KEY
    return anonymous


@pytest.fixture
def logged() -> Iterator[StringIO]:
    """Everything this process logs, at the lowest level and in the product's own format."""
    root = logging.getLogger()
    before, level, hooks = root.handlers, root.level, (sys.excepthook, threading.excepthook)
    stream = StringIO()
    configure_logging(LogSettings(level="debug"), role="controller", stream=stream)
    yield stream
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    root.handlers, root.level = before, level
    sys.excepthook, threading.excepthook = hooks
