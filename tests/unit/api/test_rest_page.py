"""docs/rest.md: every request body in it is accepted, every answer in it has the documented shape. And the bodies of
docs/commit-confirm.md are accepted too."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from netpulse_broker.models.device import ConnectionTest
from netpulse_broker.models.envelope import Answer, Failure
from netpulse_broker.models.job import Job
from netpulse_broker.models.options import JobOptions
from tests.unit.api.memory_dispatch import MemoryDispatch

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "rest.md").read_text()

BLOCK = re.compile(r"^```json(?: (\w+) ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)

BLOCKS = [(kind, head, json.loads(text)) for kind, head, text in BLOCK.findall(PAGE)]

REQUESTS = [(head.split(), body) for kind, head, body in BLOCKS if kind == "request"]

TIMED = [(head.split(), json.loads(text)) for _, head, text in BLOCK.findall((DOCS / "commit-confirm.md").read_text())]


@pytest.mark.parametrize(("head", "body"), [*REQUESTS, *TIMED])
async def test_requests_are_accepted(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, head: list[str], body: dict[str, Any]
) -> None:
    method, path = head
    assert body["driver"] in {"netmiko", "pyeapi"}
    answer = await client.request(method, path, json=body | {"driver": "open"})
    assert answer.status_code in {200, 201}, answer.text
    assert answer.json()["data"].get("failed", []) == []


def test_there_are_requests_for_every_way_to_make_a_job() -> None:
    assert {tuple(head) for head, _ in REQUESTS} == {
        ("POST", "/device/execute"),
        ("POST", "/device/bulk"),
        ("POST", "/device/confirm"),
        ("POST", "/device/rollback"),
        ("POST", "/device/test-connection"),
    }


def test_answers_have_the_documented_shape() -> None:
    shapes: TypeAdapter[Any] = TypeAdapter(Answer[Job] | Answer[ConnectionTest])
    answers = [body for kind, _, body in BLOCKS if kind == "answer"]
    assert len(answers) == 3
    for body in answers:
        shapes.validate_python(body)
        if "seq" in body["data"]:
            assert set(body["data"]) == set(Job.model_fields)
    failures = [body for kind, _, body in BLOCKS if not kind and body.get("code") == -1]
    assert len(failures) == 1
    Failure.model_validate(failures[0])


def test_every_option_is_described() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert set(JobOptions.model_fields) <= named
