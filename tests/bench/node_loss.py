"""A killed node: when its idle devices are served elsewhere. And what a job costs in Redis commands."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import psutil

from netpulse_broker.queueing.redis import keys
from netpulse_lab import SimulatorLab
from tests.bench.one_device import COMMAND
from tests.bench.rest_client import RestClient, request_body
from tests.bench.sizes import Sizes
from tests.lab.redis_server import RedisServer
from tests.lab.running_broker import DEVICES_HERE, RunningBroker


@dataclass(slots=True, kw_only=True)
class NodeLoss:
    """What was measured. Times are seconds, one entry a killed node."""

    devices: int
    lease_ttl: float
    first: list[float] = field(default_factory=list)
    """From the kill until the first answer of a device that the node had served."""
    last: list[float] = field(default_factory=list)
    """Until every device has answered."""
    lease_left: list[float] = field(default_factory=list)
    """What was left of the node's lease when it was killed: nobody may serve its devices before."""
    redis_commands: dict[str, float] = field(default_factory=dict)
    """Commands that Redis carries out for one job, by name, those inside scripts included."""


def measure(lab: SimulatorLab, sizes: Sizes) -> NodeLoss:
    """Kill the node that serves idle devices, and ask for all of them at that moment.

    Two nodes share a Redis with a controller whose own node is full. A fresh standby precedes each kill.
    """
    *devices, filling = lab.devices[: sizes.node_devices + 1]
    measured = NodeLoss(devices=len(devices), lease_ttl=sizes.lease_ttl)
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        environment = {
            "NETPULSE_REDIS__URL": redis.url,
            "NETPULSE_SECURITY__MASTER_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "NETPULSE_NODE__LEASE_TTL": str(sizes.lease_ttl),
            "NETPULSE_NODE__LEASE_RENEW": str(sizes.lease_ttl / 5),
        }
        own = {"NETPULSE_NODE__CAPACITY": "1", "NETPULSE_NODE__NAME": "full"}
        broker = stack.enter_context(RunningBroker(settings=environment | own))
        environment |= {"NETPULSE_STATE_DIR": str(broker.state_dir)}
        callers = [stack.enter_context(RestClient(broker)) for _ in devices]
        bodies = [request_body(device.netmiko(), COMMAND) for device in devices]
        callers[0].finished(request_body(filling.netmiko(), COMMAND))
        serving = stack.enter_context(_Node("node-0", environment, redis))
        _ask_all(callers, bodies)
        measured.redis_commands = _commands_of_a_job(redis, callers[0], bodies[0], sizes.counted_jobs)
        for number in range(1, sizes.node_kills + 1):
            standby = stack.enter_context(_Node(f"node-{number}", environment, redis))
            assert serving.devices() == len(devices)
            measured.lease_left.append(serving.lease_left())
            killed = time.monotonic()
            serving.kill()
            answered = _ask_all(callers, bodies)
            measured.first.append(min(answered) - killed)
            measured.last.append(max(answered) - killed)
            serving = standby
    return measured


def _ask_all(callers: Sequence[RestClient], bodies: Sequence[bytes]) -> list[float]:
    """Ask all devices at once; when (monotonic) each has answered."""

    def ask(caller: RestClient, body: bytes) -> float:
        caller.finished(body)
        return time.monotonic()

    with ThreadPoolExecutor(len(callers)) as pool:
        return list(pool.map(ask, callers, bodies))


def _commands_of_a_job(redis: RedisServer, caller: RestClient, body: bytes, jobs: int) -> dict[str, float]:
    with redis.client() as client:
        client.config_resetstat()
        for _ in range(jobs):
            caller.finished(body)
        stats = client.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): int(row["calls"]) / jobs for name, row in stats.items()}
    # What is sent by the clock (leases, sweeps) is no job's; over a few jobs it stays far below one each.
    return {name: each for name, each in sorted(calls.items(), key=lambda item: -item[1]) if each >= 0.5}


class _Node:
    """A node of its own beside the one of `netpulse up`; ready when the context begins."""

    def __init__(self, name: str, environment: Mapping[str, str], redis: RedisServer) -> None:
        self._name = name
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith("NETPULSE_")}
        self._environment |= DEVICES_HERE | dict(environment)
        self._redis = redis.client()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "netpulse_broker.cli", "node", "--name", self._name],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while not self._redis.exists(keys.lease(self._name)):
            assert self._process.poll() is None, f"{self._name} ended with {self._process.returncode}"
            assert time.monotonic() < end, f"{self._name} did not take its lease"
            time.sleep(0.02)
        return self

    def devices(self) -> int:
        """How many devices it serves."""
        return int(self._redis.scard(keys.node_devices(self._name)))

    def lease_left(self) -> float:
        """Seconds until its lease passes."""
        return int(self._redis.pttl(keys.lease(self._name))) / 1000

    def kill(self) -> None:
        """SIGKILL for it and everything below it, as when the machine goes."""
        assert self._process is not None
        with suppress(psutil.NoSuchProcess):
            node = psutil.Process(self._process.pid)
            below = node.children(recursive=True)
            node.kill()
            for process in below:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._redis.close()
