"""A contestant in a process of its own, so that its CPU time and memory are its own.

``python -m tests.bench.peers.contestant NAME`` reads one JSON object a line: first ``{"devices": [...]}``
(netmiko's arguments), then ``{"run": "once"}`` (the command on every device) or ``{"run": "loop", "seconds": s}`` (each
device asked again and again). It answers each with a line ``{"commands": n, "seconds": s}``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

COMMAND = "show version"
THREADS = 30
"""Of nornir: what it opens connections with at a time, and what its users commonly set."""


class Contestant(Protocol):
    """What can be measured. Each method returns how many commands were answered."""

    def once(self) -> int:
        """The command on every device, once."""
        ...

    def loop(self, seconds: float) -> int:
        """Each device asked again and again, the next time when its answer is there."""
        ...


class Nornir:
    """nornir with nornir-netmiko: connects for each run, as its users' scripts do."""

    def __init__(self, devices: Sequence[dict[str, Any]]) -> None:
        from nornir.core import Nornir as Core  # noqa: PLC0415 - each contestant imports its own alone
        from nornir.core.inventory import ConnectionOptions, Defaults, Groups, Host, Hosts, Inventory  # noqa: PLC0415
        from nornir.core.plugins.connections import ConnectionPluginRegister  # noqa: PLC0415
        from nornir.plugins.runners import ThreadedRunner  # noqa: PLC0415
        from nornir_netmiko import netmiko_send_command  # noqa: PLC0415

        ConnectionPluginRegister.auto_register()
        self._task = netmiko_send_command
        hosts = Hosts()
        for number, device in enumerate(devices):
            hosts[f"r{number}"] = Host(
                name=f"r{number}",
                hostname=device["host"],
                port=device["port"],
                username=device["username"],
                password=device["password"],
                platform=device["device_type"],
                connection_options={"netmiko": ConnectionOptions()},
            )
        inventory = Inventory(hosts=hosts, groups=Groups(), defaults=Defaults())
        self._nornir = Core(inventory=inventory, runner=ThreadedRunner(num_workers=THREADS))

    def once(self) -> int:
        done = self._nornir.run(task=self._task, command_string=COMMAND)
        self._nornir.close_connections()
        return sum(1 for answer in done.values() if not answer.failed and answer[0].result)

    def loop(self, seconds: float) -> int:
        raise NotImplementedError("it connects for each run")


class Scrapli:
    """scrapli over asyncssh, one event loop, sessions kept open in the process."""

    def __init__(self, devices: Sequence[dict[str, Any]]) -> None:
        from scrapli.driver.core import AsyncIOSXEDriver  # noqa: PLC0415 - each contestant imports its own alone

        self._events = asyncio.new_event_loop()
        self._connections = [
            AsyncIOSXEDriver(
                host=device["host"],
                port=device["port"],
                auth_username=device["username"],
                auth_password=device["password"],
                auth_strict_key=False,
                default_desired_privilege_level="exec",  # as the others: a query needs no more
                transport="asyncssh",
                timeout_socket=60,
                timeout_transport=60,
                timeout_ops=60,
            )
            for device in devices
        ]
        self._open = False

    async def _ask(self, connection: Any) -> int:
        if not connection.isalive():
            await connection.open()
        answer = await connection.send_command(COMMAND)
        return int(not answer.failed and bool(answer.result))

    def once(self) -> int:
        return self._all(self._ask)

    def loop(self, seconds: float) -> int:
        end = time.monotonic() + seconds

        async def again(connection: Any) -> int:
            done = 0
            while time.monotonic() < end:
                done += await self._ask(connection)
            return done

        return self._all(again)

    def _all(self, work: Callable[[Any], Awaitable[int]]) -> int:
        async def run() -> int:
            return sum(await asyncio.gather(*(work(connection) for connection in self._connections)))

        return self._events.run_until_complete(run())


class Threads:
    """Stock netmiko, a thread for each device, sessions kept open in the process."""

    def __init__(self, devices: Sequence[dict[str, Any]]) -> None:
        from netmiko import ConnectHandler  # noqa: PLC0415 - each contestant imports its own alone

        self._connect = ConnectHandler
        self._devices = devices
        self._connections: dict[int, Any] = {}
        self._pool = ThreadPoolExecutor(len(devices))

    def _ask(self, number: int) -> int:
        if number not in self._connections:
            self._connections[number] = self._connect(**self._devices[number])
        return int(bool(self._connections[number].send_command(COMMAND)))

    def once(self) -> int:
        return sum(self._pool.map(self._ask, range(len(self._devices))))

    def loop(self, seconds: float) -> int:
        start = threading.Barrier(len(self._devices))

        def again(number: int) -> int:
            start.wait()
            end, done = time.monotonic() + seconds, 0
            while time.monotonic() < end:
                done += self._ask(number)
            return done

        return sum(self._pool.map(again, range(len(self._devices))))


CONTESTANTS: dict[str, Callable[[Sequence[dict[str, Any]]], Contestant]] = {
    "nornir": Nornir,
    "scrapli": Scrapli,
    "threads": Threads,
}


def main() -> None:
    """Read what to do, do it, say what it took; end with the input."""
    contestant = CONTESTANTS[sys.argv[1]](json.loads(sys.stdin.readline())["devices"])
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        began = time.perf_counter()
        commands = contestant.once() if order["run"] == "once" else contestant.loop(order["seconds"])
        print(json.dumps({"commands": commands, "seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main()
