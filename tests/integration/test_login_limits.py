"""Logins of many workers at once, counted by the device's side."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.broker import BrokerUnderTest
from tests.chaos.line_device import LineDevice
from tests.lab.redis_server import RedisServer

DEVICES = 6


class Doorman:
    """Counts who is logging in, and lets each in once ``crowd`` are at the door together (or have been)."""

    def __init__(self, crowd: int) -> None:
        self._crowd = crowd
        self._changed = threading.Condition()
        self.inside = 0
        self.most = 0

    def __enter__(self) -> None:
        with self._changed:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self._crowd, 20)

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self.inside -= 1


class SlowDevice(LineDevice):
    """Asks the doorman before a login is answered."""

    def __init__(self, doorman: Doorman) -> None:
        self.doorman = doorman
        super().__init__()

    def judge(self) -> None:
        with self.doorman:
            pass


@pytest.mark.parametrize(("limit", "crowd"), [(2, 2), (DEVICES, DEVICES)])
async def test_no_more_logins_at_a_time_than_the_node_allows(
    redis_server: RedisServer, tmp_path: Path, limit: int, crowd: int
) -> None:
    """The second case shows that without a tight limit they do come together."""
    doorman = Doorman(crowd)
    with ExitStack() as stack:
        devices = [stack.enter_context(SlowDevice(doorman)) for _ in range(DEVICES)]
        async with BrokerUnderTest(
            redis_server, tmp_path, node={"max_logins": limit, "name": "n1"}, logins={"protect": False}
        ) as broker:
            await broker.start()
            jobs = await asyncio.gather(*(broker.run(device, "show") for device in devices))
            assert {job.status for job in jobs} == {"finished"}
            assert [device.logins for device in devices] == [1] * DEVICES
            assert doorman.most == crowd


async def test_a_devices_rate_holds_across_its_workers(redis_server: RedisServer, tmp_path: Path) -> None:
    worker = {"logins_per_minute": 1, "login_burst": 2}
    async with BrokerUnderTest(redis_server, tmp_path, worker=worker) as broker:
        with LineDevice() as device:
            await broker.start()
            first = await broker.run(device, "one")
            broker.kill_worker(device)
            second = await broker.run(device, "two")
            broker.kill_worker(device)
            third = await broker.run(device, "three", timeout=5.0)
            assert (first.status, second.status) == ("finished", "finished")
            assert (third.status, third.error) == ("failed", "login_limited")
            assert third.result is not None
            assert third.result["error"]["retryable"] is True
            assert device.logins == 2
