"""A whole broker as a user starts it: `netpulse up` in a directory of its own, and a client to talk to it."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

_READY = re.compile(r"ready at (?P<url>\S+) \(API key in (?P<key>.+)\)")


class BrokerDidNotStart(RuntimeError):
    """`netpulse up` ended, or was not ready in time; the text is what it said."""


DEVICES_HERE = {"NETPULSE_DEVICES__ALLOWED_NETWORKS": "127.0.0.0/8, ::1/128"}
"""The lab's devices listen on this machine, where a broker otherwise dials nothing."""

_ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()
"""Told to end when the thread that started it ends, however it ends: a killed test run leaves none."""


class RunningBroker:
    """Start with the context, stop with it; no process stays.

    Args:
        settings: environment variables for it, e.g. ``{"NETPULSE_NODE__CAPACITY": "2"}``.
        state_dir: kept afterwards when given; else a temporary one that goes.
        start_within: seconds.
    """

    def __init__(
        self, *, settings: Mapping[str, str] | None = None, state_dir: Path | None = None, start_within: float = 120.0
    ) -> None:
        self._settings = dict(settings or {})
        self._own_directory = state_dir is None
        self.state_dir = state_dir or Path(tempfile.mkdtemp(prefix="np-broker-"))
        self._start_within = start_within
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        self.api_key = ""
        self.client = httpx.Client()

    def start(self) -> None:
        """Start it and wait until it says that it is ready.

        Raises:
            BrokerDidNotStart
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NETPULSE_")}
        self.process = subprocess.Popen(
            [
                *_ENDS_WITH_US,
                *(sys.executable, "-m", "netpulse_broker.cli", "up", "--port", "0"),
                *("--state-dir", str(self.state_dir)),
            ],
            env=environment | {"NETPULSE_DRIVERS__HOST_KEY_POLICY": "accept-new"} | DEVICES_HERE | self._settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        readable, _, _ = select.select([self.process.stdout], [], [], self._start_within)
        line = self.process.stdout.readline() if readable else ""
        ready = _READY.search(line)
        if ready is None:
            self.stop()
            said = line + self.process.stderr.read()
            raise BrokerDidNotStart(said or f"`netpulse up` was not ready within {self._start_within:.0f} s")
        self.url = ready["url"]
        self.api_key = Path(ready["key"]).read_text().strip()
        self.client = httpx.Client(base_url=self.url, headers={"X-API-KEY": self.api_key}, timeout=120)

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self.client.close()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=90)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self._own_directory:
            shutil.rmtree(self.state_dir, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self.process is not None and self.process.stdout is not None and self.process.stderr is not None:
            self.process.stdout.close()
            self.process.stderr.close()

    # -- REST ---------------------------------------------------------------------------------------------------------

    def post(self, path: str, body: Mapping[str, Any], *, expect: int = 201) -> Any:
        """The ``data`` of the answer; fails with the whole answer when its status is another."""
        answer = self.client.post(path, json=body)
        assert answer.status_code == expect, f"{answer.status_code}: {answer.text}"
        return answer.json()["data"]

    def get(self, path: str, **query: str | int) -> Any:
        """The ``data`` of the answer."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text}"
        return answer.json()["data"]

    def execute(self, connection_args: Mapping[str, Any], *, wait: float = 60, **fields: Any) -> Any:
        """POST /device/execute with netmiko, waiting for the end; the job object."""
        options = {"wait": wait} | fields.pop("options", {})
        body = {"driver": "netmiko", "connection_args": dict(connection_args), "options": options} | fields
        return self.post("/device/execute", body)

    # -- processes ----------------------------------------------------------------------------------------------------

    def descendants(self) -> list[psutil.Process]:
        """All processes below `netpulse up`."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def worker_pid(self, device: str) -> int:
        """Process id of the device's pinned worker, from the API; waits until there is one."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = [worker["pid"] for worker in self.get("/worker", host=device) if worker["pid"]]
            if found:
                return int(found[0])
            time.sleep(0.01)
        raise AssertionError(f"no worker serves {device}")
