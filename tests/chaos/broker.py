"""A broker under test: nodes and pools as real processes, a dispatcher in this one, and a way to see their children."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from netpulse_broker.dispatch.dispatcher import Dispatcher
from netpulse_broker.dispatch.schedulers import SCHEDULERS
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.settings import Settings
from tests.chaos.line_device import LineDevice
from tests.lab.redis_server import RedisServer

PLUGINS = Path(__file__).parent / "plugins"
BROKEN_MACHINE = Path(__file__).parent / "broken_machine"


def await_condition(condition: Callable[[], Any], *, within: float = 60.0, why: str = "") -> None:
    """Wait until a condition of the outside world holds."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within} s: {why or condition}"
        time.sleep(0.005)


class Role:
    """A node or pool process."""

    def __init__(self, role: str, settings: Path, log: Path, **broken: str) -> None:
        self.settings = settings
        self._log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.role", role, str(settings)],
            env=os.environ | ({"PYTHONPATH": str(BROKEN_MACHINE)} | broken if broken else {}),
            stdin=subprocess.DEVNULL,
            stderr=self._log,
            cwd=Path(__file__).parents[2],
        )
        self.descendants: list[psutil.Process] = []

    @property
    def pid(self) -> int:
        return self.process.pid

    def fork_server(self) -> psutil.Process:
        """Its fork server, once there is one."""
        found: list[psutil.Process] = []

        def look() -> bool:
            found[:] = [
                child
                for child in psutil.Process(self.pid).children()
                if "netpulse_broker.workers.node.fork_server" in " ".join(child.cmdline())
            ]
            return bool(found)

        await_condition(look, why="a fork server")
        return found[0]

    def remember(self) -> list[psutil.Process]:
        """All processes below it now; kept so that their end can be awaited after its own."""
        self.descendants = psutil.Process(self.pid).children(recursive=True)
        return self.descendants

    def kill(self) -> None:
        self.remember()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self, *, within: float = 60.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    def clean_up(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self.remember()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for process in self.descendants:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._log.close()


class BrokerUnderTest:
    """Use as an async context manager."""

    def __init__(self, redis: RedisServer, directory: Path, /, **overrides: Any) -> None:
        self.redis = redis
        self.directory = directory
        self.key = base64.urlsafe_b64encode(os.urandom(32)).decode()
        self.log = directory / "roles.log"
        self.overrides = overrides
        self.roles: list[Role] = []
        self.client = redis.client()
        self.settings = Settings(**self._values("controller"))
        self.sealer = Sealer.from_text([self.key])
        self.dispatcher = Dispatcher(self.settings, self.sealer, SCHEDULERS["load_weighted_random"], controller="test")

    def _values(self, name: str) -> dict[str, Any]:
        values: dict[str, Any] = {
            "redis": {"url": self.redis.url},
            "security": {"master_key": self.key},
            "node": {"name": name, "lease_ttl": 3.0, "lease_renew": 0.5},
            "fifo": {"name": f"{name}-fifo", "processes": 2},
            "drivers": {"plugin_dirs": [str(PLUGINS)]},
            "devices": {"allowed_networks": ["127.0.0.0/8"]},
            "log": {"level": "debug", "format": "json"},
            "shutdown_grace": 20.0,
            "state_dir": str(self.directory),
        }
        for section, entries in self.overrides.items():
            if isinstance(entries, dict):
                values[section] = values.get(section, {}) | entries
            else:
                values[section] = entries
        return values

    async def __aenter__(self) -> Self:
        await self.dispatcher.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.dispatcher.stop()
        for role in self.roles:
            role.clean_up()
        self.client.close()
        if kind is not None:
            print(self.log.read_text()[-6000:])

    async def start(
        self,
        role: str = "node",
        name: str = "n1",
        *,
        clock_ahead: float = 0.0,
        fork_server: bool = True,
        **daemon: Any,
    ) -> Role:
        """Start a node or pool and wait until its lease is there.

        Args:
            clock_ahead: seconds by which the clock of its machine is wrong.
            fork_server: False: none can be started there.
        """
        started = self.begin(role, name, clock_ahead=clock_ahead, fork_server=fork_server, **daemon)
        lease = keys.lease(name if role == "node" else f"{name}-fifo")

        def holds() -> bool:
            assert started.process.poll() is None, f"{role} ended with {started.process.returncode}"
            value = self.client.get(lease)
            return isinstance(value, bytes) and value.split(b"|")[1] == str(started.pid).encode()

        await asyncio.to_thread(await_condition, holds, why=f"{role} holds its lease")
        return started

    def begin(self, role: str, name: str, *, clock_ahead: float = 0.0, fork_server: bool = True, **daemon: Any) -> Role:
        """Start the process and wait for nothing; see ``start``."""
        path = self.directory / f"{role}-{name}-{len(self.roles)}.json"
        path.write_text(json.dumps({"settings": self._values(name), "daemon": daemon}))
        broken = {"WRONG_CLOCK_SECONDS": str(clock_ahead)} if clock_ahead else {}
        broken |= {} if fork_server else {"NO_FORK_SERVER": "yes"}
        started = Role(role, path, self.log, **broken)
        self.roles.append(started)
        return started

    def job(self, device: LineDevice, *commands: str, name: str = "", **options: Any) -> JobSubmission:
        """A submission for a line device."""
        submission = {
            key: options.pop(key)
            for key in ("ttl", "strategy", "idempotent", "priority", "wait")
            if key in options
        }  # fmt: skip
        payload = {
            "operation": "query",
            "driver": "line",
            "connection_args": device.connection_args,
            "commands": list(commands),
            "timeout": 60.0,
        } | options
        return JobSubmission(
            payload=JobPayload(**payload),
            device=name or f"127.0.0.1:{device.port}",
            host="127.0.0.1",
            owner="tester",
            **submission,
        )

    async def run(self, device: LineDevice, *commands: str, within: float = 60.0, **options: Any) -> JobRecord:
        """Submit and wait for the end."""
        record = await self.dispatcher.submit_and_wait(self.job(device, *commands, **options), within)
        assert record.final, f"the job has not ended within {within} s: {record.status}"
        return record

    async def ended(self, job_id: str, *, within: float = 60.0) -> JobRecord:
        """The final record of a job."""
        end = time.monotonic() + within
        while True:
            record = await self.dispatcher.get(job_id)
            if record.final:
                return record
            assert time.monotonic() < end, f"job still {record.status} after {within} s"
            await asyncio.sleep(0.01)

    def worker_pid(self, device: LineDevice) -> int:
        """The process that serves the device; 0 when none does."""
        return int(self.client.hget(keys.device(f"127.0.0.1:{device.port}"), "pid") or 0)

    def kill_worker(self, device: LineDevice) -> int:
        pid = self.worker_pid(device)
        os.kill(pid, signal.SIGKILL)
        return pid
