"""A caller of interactive sessions, over REST."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from typing import Any

from netpulse_lab import SimulatedDevice
from tests.lab.running_broker import RunningBroker

PROMPT = rb"[\r\n]?[\w\+\-\.:\/\[\]]+(?:\([^\)]+\)){0,3}(?:[>#]) ?$"
STDERR = (rb"% ?Error", rb"% Invalid", rb"(?:incomplete|ambiguous) command", rb"[\r\n%] Bad passwords")
IGNORECASE = 2


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def connection_args(device: SimulatedDevice, **more: Any) -> dict[str, Any]:
    return {
        "device_type": "cisco_ios",
        "host": device.host,
        "port": device.port,
        "username": device.username,
        "password": device.password,
        "secret": device.secret,
        "host_key_policy": "off",
    } | more


def exchange(seq: int, command: bytes | None, **fields: Any) -> dict[str, Any]:
    """An exchange as cisco.ios would have it."""
    values: dict[str, Any] = {
        "seq": seq,
        "command": None if command is None else b64(command),
        "stdout_re": [[b64(PROMPT), 0]],
        "stderr_re": [[b64(source), IGNORECASE] for source in STDERR],
        "timeout": 60.0,
    }
    for name in ("prompt", "answer"):
        if name in fields:
            fields[name] = [b64(item) for item in fields[name]]
    return values | fields


def enable(seq: int, device: SimulatedDevice) -> dict[str, Any]:
    return exchange(
        seq, b"enable", prompt=[rb"[Pp]assword: ?$"], answer=[device.secret.encode()], prompt_retry_check=True
    )


class Caller:
    """One session.

    Args:
        options: of the session.
    """

    def __init__(self, broker: RunningBroker, device: SimulatedDevice, **options: Any) -> None:
        self.broker = broker
        self.opened: dict[str, Any] = broker.post(
            "/session", {"connection_args": connection_args(device), "options": options}
        )
        self.id: str = self.opened["id"]
        self.seq = 0

    def ask(self, body: Mapping[str, Any], *, expect: int = 200) -> Any:
        answer = self.broker.client.post(f"/session/{self.id}/exchange", json=body)
        assert answer.status_code == expect, answer.text
        return answer.json() if expect != 200 else answer.json()["data"]

    def do(self, command: bytes | None, **fields: Any) -> Any:
        """The next exchange; the result."""
        self.seq += 1
        return self.ask(exchange(self.seq, command, **fields))

    def enable(self, device: SimulatedDevice) -> Any:
        self.seq += 1
        return self.ask(enable(self.seq, device))

    def heartbeat(self) -> int:
        return self.broker.client.post(f"/session/{self.id}/heartbeat").status_code

    def release(self) -> None:
        answer = self.broker.client.delete(f"/session/{self.id}")
        assert answer.status_code == 200, answer.text


def wait_until(condition: Callable[[], Any], *, why: str, within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within} s: {why}"
        time.sleep(0.01)
