"""A REST caller with one kept-alive connection, on the standard library's http.client as the Ansible collection is."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.lab.running_broker import RunningBroker


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A job that was waited for, and when. `sent` and `received` are of the clock that the broker stamps jobs with."""

    sent: float
    received: float
    seconds: float
    """By the monotonic clock, from before the request to after the last byte of the answer."""
    job: dict[str, Any]

    @property
    def text(self) -> str:
        """Output of the first command."""
        return str(self.job["result"]["outputs"][0]["output"])

    def stages(self) -> dict[str, float]:
        """Seconds by stage, out of the job's own times."""
        created, started, ended = (
            datetime.fromisoformat(self.job[name]).timestamp() for name in ("created_at", "started_at", "ended_at")
        )
        execute = float(self.job["result"]["stages"]["execute"])
        return {
            "HTTP and controller, in": created - self.sent,
            "queue": started - created,
            "worker": ended - started - execute,
            "driver and device": execute,
            "reply, controller and HTTP, out": self.received - ended,
        }


class RestClient:
    """One caller. Not for use by two threads at a time."""

    def __init__(self, broker: RunningBroker) -> None:
        address = urlsplit(broker.url)
        assert address.hostname
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
        self._headers = {"X-API-KEY": broker.api_key, "Content-Type": "application/json"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def nothing(self) -> float:
        """Seconds of a request that asks for nothing: what the client, HTTP and the server cost by themselves."""
        began = time.perf_counter()
        self._connection.request("GET", "/health/live", headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        seconds = time.perf_counter() - began
        assert answer.status == 200, answer.status
        return seconds

    def execute(self, body: bytes) -> Answered:
        """POST /device/execute, waiting for the end of the job."""
        sent, began = time.time(), time.perf_counter()
        self._connection.request("POST", "/device/execute", body=body, headers=self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        seconds, received = time.perf_counter() - began, time.time()
        assert answer.status == 201, text
        return Answered(sent=sent, received=received, seconds=seconds, job=json.loads(text)["data"])

    def finished(self, body: bytes) -> Answered:
        """The same, of a job that must succeed."""
        answered = self.execute(body)
        assert answered.job["status"] == "finished", answered.job
        return answered


def request_body(connection_args: Mapping[str, Any], command: str) -> bytes:
    """The body of a request that runs one command and waits."""
    return json.dumps(
        {
            "driver": "netmiko",
            "connection_args": dict(connection_args),
            "command": command,
            "options": {"wait": 60, "queue_strategy": "pinned"},
        }
    ).encode()
