"""The OpenAPI document tells the truth, and its page needs nothing from outside."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from netpulse_broker.api.app import create_app
from netpulse_broker.api.openapi import OPEN_PATHS
from netpulse_broker.settings import Settings
from tests.unit.api.conftest import API_KEY
from tests.unit.api.memory_dispatch import MemoryDispatch
from tests.unit.api.sample_drivers import SampleDrivers

ROOT = Path(__file__).parents[3]

STORED: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text())
"""What a controller serves: compared below, and with a running one in tests/documentation."""

TEMPLATE = {200, 400, 401, 403, 413, 422, 429, 500, 503}

EXPECTED = {
    ("post", "/device/execute"): {201, 202, 400, 401, 403, 409, 413, 422, 429, 500, 503},
    ("post", "/device/bulk"): {201, 202, 400, 401, 403, 413, 422, 429, 500, 503},
    ("post", "/device/confirm"): {201, 202, 400, 401, 403, 409, 413, 422, 429, 500, 503},
    ("post", "/device/rollback"): {201, 202, 400, 401, 403, 409, 413, 422, 429, 500, 503},
    ("post", "/device/test-connection"): {200, 400, 401, 403, 413, 422, 429, 500, 503, 504},
    ("get", "/job"): {200, 400, 401, 403, 404, 422, 429, 500, 503},
    ("delete", "/job"): {200, 400, 401, 403, 404, 409, 422, 429, 500, 503},
    ("get", "/job/{id}"): {200, 401, 403, 404, 429, 500, 503},
    ("get", "/worker"): {200, 401, 403, 422, 429, 500, 503},
    ("delete", "/worker"): {200, 400, 401, 403, 404, 422, 429, 500, 503},
    ("post", "/template/render"): TEMPLATE,
    ("post", "/template/render/{name}"): TEMPLATE,
    ("post", "/template/parse"): TEMPLATE,
    ("post", "/template/parse/{name}"): TEMPLATE,
    ("get", "/webhook/dead"): {200, 401, 403, 404, 422, 429, 500, 503},
    ("post", "/webhook/dead/{id}/retry"): {201, 401, 403, 404, 409, 429, 500, 503},
    ("delete", "/webhook/dead/{id}"): {200, 401, 403, 404, 429, 500, 503},
    ("get", "/health"): {200, 401, 403, 429, 500},
    ("get", "/health/live"): {200},
    ("get", "/health/ready"): {200, 503},
    ("post", "/session"): {201, 400, 401, 403, 413, 422, 429, 500, 502, 503, 504},
    ("get", "/session"): {200, 401, 403, 422, 429, 500, 503},
    ("post", "/session/{id}/exchange"): {200, 400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 504},
    ("post", "/session/{id}/heartbeat"): {200, 401, 403, 404, 429, 500, 503},
    ("delete", "/session/{id}"): {200, 401, 403, 404, 429, 500, 503, 504},
    ("post", "/session/reset"): {200, 400, 401, 403, 413, 422, 429, 500, 502, 503, 504},
    ("put", "/session/{id}/file"): {200, 400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 504},
    ("get", "/session/{id}/file"): {200, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504},
    ("get", "/device/{name}"): {200, 401, 403, 404, 422, 429, 500, 503},
    ("post", "/device/pause"): {200, 400, 401, 403, 413, 422, 429, 500, 503},
    ("post", "/device/resume"): {200, 400, 401, 403, 413, 422, 429, 500, 503},
    ("post", "/device/release"): {200, 400, 401, 403, 413, 422, 429, 500, 503, 504},
    ("get", "/login"): {200, 401, 403, 429, 500, 503},
    ("post", "/login/reset"): {200, 401, 403, 413, 422, 429, 500, 503},
    ("get", "/node"): {200, 401, 403, 429, 500, 503},
    ("post", "/node/{name}/drain"): {202, 401, 403, 404, 409, 422, 429, 500, 503},
    ("get", "/metrics"): {200, 401, 403, 429, 500},
    ("get", "/events"): {200, 401, 403, 422, 429, 500, 503},
}

OTHER_CONTENT = {
    ("get", "/metrics"): "text/plain",
    ("get", "/events"): "text/event-stream",
    ("get", "/session/{id}/file"): "application/octet-stream",
}
"""Operations whose good answer is no JSON."""


def operations(made: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(method, path): found for path, item in made["paths"].items() for method, found in item.items()}


def test_the_stored_document_is_the_served_one() -> None:
    """To store a new one: `make openapi`."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "tools" / "openapi.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr


def test_every_status_of_every_operation_is_described() -> None:
    found = operations(STORED)
    assert {key: {int(status) for status in value["responses"]} for key, value in found.items()} == EXPECTED
    for key, operation in found.items():
        for status, answer in operation["responses"].items():
            if int(status) < 400 and key in OTHER_CONTENT:
                assert list(answer["content"]) == [OTHER_CONTENT[key]]
                continue
            schema = json.dumps(answer["content"]["application/json"]["schema"])
            assert ("Failure" in schema) == (int(status) >= 400)


def test_what_is_checked_of_a_parameter_has_its_422() -> None:
    limits = ("maxLength", "minLength", "minimum", "maximum", "pattern", "enum", "$ref", "integer", "boolean")
    for path, operations in STORED["paths"].items():
        for method, operation in operations.items():
            text = json.dumps([parameter["schema"] for parameter in operation.get("parameters", [])])
            if any(f'"{limit}"' in text for limit in limits):
                assert "422" in operation["responses"], (method, path)


def test_bodies_are_described_with_what_can_be_wrong_with_them() -> None:
    for (method, path), operation in operations(STORED).items():
        answers = set(operation["responses"])
        assert ("requestBody" in operation) == (method in {"post", "put"} and "413" in answers), (method, path)
        if "requestBody" in operation or any(
            parameter["in"] == "query" for parameter in operation.get("parameters", [])
        ):
            assert "422" in answers, (method, path)


def test_security_is_described_where_it_is_asked_for() -> None:
    for (_, path), operation in operations(STORED).items():
        is_open = path in {"/health/live", "/health/ready"}
        assert operation.get("security", []) == ([] if is_open else [{"apiKey": []}, {"bearer": []}])


def test_no_reference_is_broken_and_no_foreign_error_is_left() -> None:
    text = json.dumps(STORED)
    names = set(re.findall(r"#/components/schemas/([^\"]+)", text))
    assert names == set(STORED["components"]["schemas"])
    assert "HTTPValidationError" not in text


async def test_examples_of_the_document_are_accepted(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    schemas = STORED["components"]["schemas"]
    for path, model in (
        ("/device/execute", "ExecuteRequest"),
        ("/device/bulk", "BulkRequest"),
        ("/device/confirm", "CommitRequest"),
        ("/device/rollback", "CommitRequest"),
        ("/device/test-connection", "TestConnectionRequest"),
    ):
        for example in schemas[model]["examples"]:
            answer = await client.post(path, json=example | {"driver": "open"})
            assert answer.status_code in {200, 201}, answer.text


async def test_the_page_refers_to_this_server_alone(anonymous: httpx.AsyncClient) -> None:
    page = await anonymous.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    wanted = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(wanted) == 4
    for reference in wanted:
        assert "//" not in reference
        part = await anonymous.get(f"/{reference}")
        assert part.status_code == 200
        assert f"/{reference}" in OPEN_PATHS
    policy = page.headers["content-security-policy"]
    assert "http" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; connect-src 'self';")
    start = (await anonymous.get("/docs/start.js")).text
    assert '"url": "openapi.json"' in start
    assert '"validatorUrl": null' in start
    styles = (await anonymous.get("/docs/swagger-ui.css")).text
    assert not [url for url in re.findall(r"url\(['\"]?([^)'\"]{1,20})", styles) if not url.startswith("data:")]
    assert "SwaggerUIBundle" in (await anonymous.get("/docs/swagger-ui-bundle.js")).text


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/docs/swagger-ui.css"])
async def test_the_page_can_be_turned_off(dispatch: MemoryDispatch, drivers: SampleDrivers, path: str) -> None:
    settings = Settings(security={"api_key": API_KEY}, controller={"docs": False})
    app = create_app(settings, dispatch=dispatch, drivers=drivers)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://broker") as client:
        assert (await client.get(path)).status_code == 404
        assert (await client.get("/openapi.json")).status_code == 200
