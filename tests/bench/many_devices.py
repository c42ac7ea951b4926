"""Many devices in a closed loop (each caller waits for its answer before asking again), and their workers' memory."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import psutil
from netmiko import BaseConnection, ConnectHandler

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.bench.one_device import COMMAND
from tests.bench.rest_client import RestClient, request_body
from tests.bench.sizes import Sizes
from tests.lab.running_broker import RunningBroker


@dataclass(slots=True, kw_only=True)
class ManyDevices:
    """What was measured. Rates are commands a second, one entry a slice; memory is in bytes, one entry a worker."""

    devices: int
    broker: list[float] = field(default_factory=list)
    stock: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    """CPU seconds a command, by process, while the broker was measured."""
    stock_cpu: dict[str, float] = field(default_factory=dict)
    """The same while stock netmiko was."""
    uss: list[int] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Of the rates over all slices."""
        return statistics.median(self.broker) / statistics.median(self.stock)


def measure(broker: RunningBroker, lab: SimulatorLab, sizes: Sizes) -> ManyDevices:
    """Let broker and stock netmiko take turns on the same devices."""
    devices = lab.devices[: sizes.devices]
    measured = ManyDevices(devices=len(devices))
    with ExitStack() as stack, ThreadPoolExecutor(len(devices)) as pool:
        clients = [stack.enter_context(RestClient(broker)) for _ in devices]
        bodies = [request_body(device.netmiko(), COMMAND) for device in devices]
        connections: list[BaseConnection] = [
            stack.enter_context(one) for one in pool.map(lambda device: ConnectHandler(**device.netmiko()), devices)
        ]
        asks = [
            lambda client=client, body=body: client.finished(body) for client, body in zip(clients, bodies, strict=True)
        ]
        sends = [lambda one=one: one.send_command(COMMAND) for one in connections]
        for calls in (asks, sends):
            list(pool.map(lambda call: call(), calls))  # logs in; the first command of a session costs more
        processes = Processes(broker, lab, devices)
        asked = sent = 0
        for _ in range(sizes.slices):
            processes.begin()
            done, seconds = _closed_loop(asks, sizes.slice_seconds)
            processes.end(measured.cpu)
            asked += done
            measured.broker.append(done / seconds)
            processes.begin()
            done, seconds = _closed_loop(sends, sizes.slice_seconds)
            processes.end(measured.stock_cpu)
            sent += done
            measured.stock.append(done / seconds)
        measured.cpu = {name: seconds / asked for name, seconds in measured.cpu.items()}
        measured.stock_cpu = {name: seconds / sent for name, seconds in measured.stock_cpu.items()}
        # At least so many for each, whatever the loop has given it. All at once: the broker closes idle connections.
        list(pool.map(lambda call: [call() for _ in range(sizes.commands_before_memory)], asks))
        for pid in (broker.worker_pid(identity(device)) for device in devices):
            memory = psutil.Process(pid).memory_full_info()
            measured.uss.append(memory.uss)
            measured.rss.append(memory.rss)
    return measured


def identity(device: SimulatedDevice) -> str:
    """The broker's name of a device on a port of its own."""
    return f"{device.host}:{device.port}"


def _closed_loop(calls: Sequence[Callable[[], object]], seconds: float) -> tuple[int, float]:
    """Each call in a thread of its own, again and again; how many ended in how many seconds."""
    counts = [0] * len(calls)
    start = threading.Barrier(len(calls) + 1)
    end = 0.0

    def run(number: int) -> None:
        start.wait()
        while time.perf_counter() < end:
            calls[number]()
            counts[number] += 1

    with ThreadPoolExecutor(len(calls)) as pool:
        running = [pool.submit(run, number) for number in range(len(calls))]
        began = time.perf_counter()
        end = began + seconds
        start.wait()
        for one in running:
            one.result()
        return sum(counts), time.perf_counter() - began


class Processes:
    """CPU time by part of the system."""

    def __init__(self, broker: RunningBroker, lab: SimulatorLab, devices: Sequence[SimulatedDevice]) -> None:
        self._parts = {"caller": [psutil.Process()], "devices": [psutil.Process(lab.pid)]}
        workers = {broker.worker_pid(identity(device)) for device in devices}
        for process in broker.descendants():
            name = "workers" if process.pid in workers else _part(process.cmdline())
            self._parts.setdefault(name, []).append(process)
        self._before: dict[str, float] = {}

    def _spent(self) -> dict[str, float]:
        return {
            name: sum(sum(process.cpu_times()[:2]) for process in processes) for name, processes in self._parts.items()
        }

    def begin(self) -> None:
        self._before = self._spent()

    def end(self, into: dict[str, float]) -> None:
        """Add what has been spent since ``begin``."""
        for name, seconds in self._spent().items():
            into[name] = into.get(name, 0.0) + seconds - self._before[name]


def _part(command_line: Sequence[str]) -> str:
    text = " ".join(command_line)
    if "valkey" in text or "redis-server" in text:
        return "Redis"
    if "netpulse_broker.cli controller" in text:
        return "controller"
    return "node and FIFO pool"
