"""All contestants take turns on the same devices: cold, warm, in a loop. What each took of wall, CPU and memory."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import metadata
from types import TracebackType
from typing import Any, Protocol, Self

import httpx
import psutil

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.bench.figures import ms, table
from tests.bench.peers.contestant import COMMAND, CONTESTANTS
from tests.bench.rest_client import request_body
from tests.bench.sizes import Sizes
from tests.lab.running_broker import RunningBroker

OURS = "NetPulse"
PEERS = {
    "nornir": "nornir + netmiko, 30 threads, connects for each run",
    "scrapli": "scrapli over asyncssh, sessions open",
    "threads": "stock netmiko, a thread a device, sessions open",
}
REQUIRES = ("nornir", "nornir-netmiko", "scrapli", "asyncssh", "netmiko")


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """One run: commands answered, wall and CPU seconds of all that the contestant consists of."""

    commands: int
    wall: float
    cpu: float


@dataclass(slots=True, kw_only=True)
class Compared:
    """One contestant's runs. ``memory``: bytes that its processes hold for themselves (USS), after the warm runs."""

    cold: Took
    warm: list[Took] = field(default_factory=list)
    loop: list[Took] = field(default_factory=list)
    memory: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersRun:
    """What was measured with how many devices."""

    devices: int
    contestants: dict[str, Compared]


class _Contestant(Protocol):
    """Something that is asked to run."""

    loops: bool

    def run(self, order: dict[str, Any]) -> Took: ...

    def memory(self) -> int: ...


class _Process:
    """A peer: a process of its own that is told by lines of JSON."""

    def __init__(self, name: str, devices: Sequence[SimulatedDevice]) -> None:
        self.loops = name != "nornir"
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.bench.peers.contestant", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._ask({"devices": [device.netmiko() for device in devices]})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"contestant ended with {self._process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def run(self, order: dict[str, Any]) -> Took:
        before = _spent(self._all())
        answer = self._ask(order)
        return Took(commands=answer["commands"], wall=answer["seconds"], cpu=_spent(self._all()) - before)

    def memory(self) -> int:
        return sum(process.memory_full_info().uss for process in self._all())

    def _all(self) -> list[psutil.Process]:
        own = psutil.Process(self._process.pid)
        return [own, *own.children(recursive=True)]


class _Broker:
    """The whole broker, its Redis included, and this caller: one bulk request a run, in the loop a connection each."""

    loops = True

    def __init__(self, broker: RunningBroker, devices: Sequence[SimulatedDevice]) -> None:
        self._broker, self._devices = broker, devices
        self._bodies = [request_body(device.netmiko(), COMMAND) for device in devices]

    def run(self, order: dict[str, Any]) -> Took:
        before, began = self._cpu(), time.perf_counter()
        commands = self._bulk() if order["run"] == "once" else asyncio.run(self._loop(order["seconds"]))
        return Took(commands=commands, wall=time.perf_counter() - began, cpu=self._cpu() - before)

    def _bulk(self) -> int:
        body = {
            "driver": "netmiko",
            "command": COMMAND,
            "connection_args": {
                name: value for name, value in self._devices[0].netmiko().items() if name not in {"host", "port"}
            },
            "devices": [{"host": device.host, "port": device.port} for device in self._devices],
            "options": {"wait": 120, "queue_strategy": "pinned"},
        }
        answer = self._broker.client.post(
            f"{self._broker.url}/device/bulk", json=body, headers={"X-API-KEY": self._broker.api_key}, timeout=150
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return sum(1 for job in answer.json()["data"]["succeeded"] if job["status"] == "finished")

    async def _loop(self, seconds: float) -> int:
        host, _, port = self._broker.url.removeprefix("http://").partition(":")
        end = time.monotonic() + seconds

        async def again(body: bytes) -> int:
            head = (
                f"POST /device/execute HTTP/1.1\r\nHost: {host}\r\nX-API-KEY: {self._broker.api_key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode()
            reader, writer = await asyncio.open_connection(host, int(port))
            done = 0
            while time.monotonic() < end:
                writer.write(head + body)
                status, length = await reader.readline(), 0
                assert b" 201 " in status, status
                while (line := await reader.readline()) != b"\r\n":
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                assert json.loads(await reader.readexactly(length))["data"]["status"] == "finished"
                done += 1
            writer.close()
            await writer.wait_closed()
            return done

        return sum(await asyncio.gather(*(again(body) for body in self._bodies)))

    def _cpu(self) -> float:
        return _spent([*self._broker.descendants(), psutil.Process()])

    def memory(self) -> int:
        return sum(process.memory_full_info().uss for process in self._broker.descendants())


def _spent(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def measure(devices: int, sizes: Sizes) -> PeersRun:
    """Cold once each, then turns of warm runs and loops; a peer without open sessions has no loop."""
    with ExitStack() as stack:
        lab = stack.enter_context(SimulatorLab(count=devices))
        broker = stack.enter_context(RunningBroker(settings={"NETPULSE_NODE__CAPACITY": str(devices)}))
        contestants: dict[str, _Contestant] = {OURS: _Broker(broker, lab.devices)}
        for name, title in PEERS.items():
            assert name in CONTESTANTS
            contestants[title] = stack.enter_context(_Process(name, lab.devices))
        compared = {}
        for title, one in contestants.items():
            compared[title] = Compared(cold=_whole(one.run({"run": "once"}), devices))
        for _ in range(sizes.peer_rounds):
            for title, one in contestants.items():
                compared[title].warm.append(_whole(one.run({"run": "once"}), devices))
            for title, one in contestants.items():
                if one.loops:
                    compared[title].loop.append(one.run({"run": "loop", "seconds": sizes.slice_seconds}))
        for title, one in contestants.items():
            compared[title].memory = one.memory()
        return PeersRun(devices=devices, contestants=compared)


def _whole(took: Took, devices: int) -> Took:
    assert took.commands == devices, f"{took.commands} of {devices} devices answered"
    return took


def report(runs: Sequence[PeersRun]) -> str:
    """One table for each number of devices."""
    parts = []
    for run in runs:
        rows = []
        for title, one in run.contestants.items():
            warm = [f"{statistics.median(getattr(took, what) for took in one.warm):.2f}" for what in ("wall", "cpu")]
            loop = ["", ""]
            if one.loop:
                loop = [
                    f"{statistics.median(took.commands / took.wall for took in one.loop):.0f}",
                    ms(statistics.median(took.cpu / took.commands for took in one.loop)),
                ]
            memory = f"{one.memory / 1_000_000:.0f}"
            rows.append([title, f"{one.cold.wall:.2f}", f"{one.cold.cpu:.2f}", *warm, *loop, memory])
        head = ["what", "cold, s", "CPU, s", "warm, s", "CPU, s", "loop, commands/s", "CPU ms a command", "memory, MB"]
        parts.append(f"### {run.devices} devices beside other tools, `{COMMAND}`\n\n{table(head, rows)}")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in REQUIRES)
    notes = (
        "Cold: the first run, which logs in (a broker that stands, workers that do not). Warm: the same again, median. "
        "Memory: what the processes hold for themselves (USS), the broker's with Redis. CPU: all processes of the "
        f"contestant, the broker's caller included, the devices' not.\n\n{versions}"
    )
    return "\n\n".join([*parts, notes])


def missing() -> str:
    """What is not installed, or ''."""
    absent = []
    for name in REQUIRES:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            absent.append(name)
    return ", ".join(absent)
