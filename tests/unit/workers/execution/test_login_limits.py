from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from netpulse_broker.errors import JobStopped, LoginLimited
from netpulse_broker.queueing.jobs.worker_queue import WorkerQueue
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.workers.execution.login_limits import LoginGate, LoginLimits, LoginSlots
from netpulse_broker.workers.execution.session_pool import FreshSessions, SessionLimits, SessionPool
from netpulse_drivers import AuthenticationFailed, Call, Deadline
from tests.unit.workers.scripted_driver import Device, arguments, scripted


class Records:
    """Counts; says how long to wait from a list."""

    def __init__(self, *delays: float) -> None:
        self.delays = list(delays)
        self.asked: list[tuple[str, float, int]] = []
        self.ended: list[tuple[str, str]] = []
        self.fails = False

    def login_delay(self, device: str, *, interval: float, burst: int) -> float:
        if self.fails:
            raise redis.ConnectionError("away")
        self.asked.append((device, interval, burst))
        return self.delays.pop(0) if self.delays else 0.0

    def login_ended(self, *, driver: str, phase: str, waited: float) -> None:
        assert waited >= 0
        if self.fails:
            raise redis.ConnectionError("away")
        self.ended.append((driver, phase))


HOLDER = """
import os, sys
from netpulse_broker.workers.execution.login_limits import LoginSlots
fd, slots, number = map(int, sys.argv[1:])
taken = [LoginSlots(fd, slots).take() for _ in range(number)]
print(sum(slot is not None for slot in taken), flush=True)
sys.stdin.read()
"""


class OtherProcess:
    """Holds slots of the file until it is killed (or this process ends: its standard input does then)."""

    def __init__(self, fd: int, slots: int, number: int) -> None:
        command = [sys.executable, "-c", HOLDER, str(fd), str(slots), str(number)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[fd], text=True
        )
        assert self._process.stdout is not None
        self.taken = int(self._process.stdout.readline())

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def slots_file() -> Any:
    fd = LoginSlots.create()
    yield fd
    os.close(fd)


def test_processes_share_the_slots_and_a_killed_one_loses_none(slots_file: int) -> None:
    slots = LoginSlots(slots_file, 2)
    other = OtherProcess(slots_file, 2, 1)
    mine = slots.take()
    third = OtherProcess(slots_file, 2, 1)
    assert (other.taken, mine is not None, third.taken) == (1, True, 0)
    assert mine is not None
    third.kill()
    other.kill()
    slots.free(mine)
    fourth = OtherProcess(slots_file, 2, 2)
    assert fourth.taken == 2
    fourth.kill()


def gate_of(records: Records, slots: LoginSlots | None = None, **limits: Any) -> LoginGate:
    return LoginGate("r1", records=records, limits=LoginLimits(**limits), slots=slots)


def test_a_login_waits_for_a_slot_and_says_so_when_none_comes_in_time(slots_file: int) -> None:
    device, records = Device(), Records()
    table = SessionPool(SessionLimits(), logins=gate_of(records, LoginSlots(slots_file, 1)))
    other = OtherProcess(slots_file, 1, 1)
    try:
        with pytest.raises(LoginLimited, match=r"node\.max_logins"):
            table.open(scripted(device), arguments(), Call(deadline=Deadline.after(0.2)))
        assert (device.logins, records.ended) == (0, [])
        threading.Timer(0.1, other.kill).start()
        opened = table.open(scripted(device), arguments(), Call(deadline=Deadline.after(30)))
    except BaseException:
        other.kill()
        raise
    assert not opened.reused
    assert records.ended == [("scripted", "")]
    # The slot is free again, and a session that is open needs none.
    holder = OtherProcess(slots_file, 1, 1)
    table.give_back(opened)
    again = table.open(scripted_again(opened.driver), arguments(), Call(deadline=Deadline.after(5)))
    assert again.reused
    holder.kill()


def scripted_again(driver: Any) -> Any:
    return type(driver)


def test_a_waiting_login_can_be_stopped(slots_file: int) -> None:
    stopped = threading.Event()

    def before_write() -> None:
        if stopped.is_set():
            raise JobStopped("the job was stopped while it ran")

    other = OtherProcess(slots_file, 1, 1)
    try:
        sessions = FreshSessions(logins=gate_of(Records(), LoginSlots(slots_file, 1)))
        threading.Timer(0.1, stopped.set).start()
        with pytest.raises(JobStopped):
            sessions.open(scripted(Device()), arguments(), Call(deadline=Deadline.after(30), before_write=before_write))
    finally:
        other.kill()


def test_a_failed_login_frees_its_slot_and_is_counted_by_phase(slots_file: int) -> None:
    records = Records()
    sessions = FreshSessions(logins=gate_of(records, LoginSlots(slots_file, 1)))
    device = Device()
    for _ in range(2):
        with pytest.raises(AuthenticationFailed):
            sessions.open(scripted(device), arguments(password="wrong"), Call(deadline=Deadline.after(5)))

    def broken() -> None:
        raise ConnectionRefusedError("no")

    device.on_connect = broken
    with pytest.raises(ConnectionRefusedError):
        sessions.open(scripted(device), arguments(), Call(deadline=Deadline.after(5)))
    assert records.ended == [("scripted", "auth"), ("scripted", "auth"), ("scripted", "connect")]


def test_the_devices_rate_is_waited_for_within_the_jobs_time() -> None:
    records = Records(0.05, 0.01)
    device = Device()
    sessions = FreshSessions(logins=gate_of(records, per_minute=30, burst=3))
    sessions.open(scripted(device), arguments(), Call(deadline=Deadline.after(30)))
    assert records.asked == [("r1", 2.0, 3)] * 3
    records.delays = [60.0]
    began = time.monotonic()
    with pytest.raises(LoginLimited, match=r"worker\.logins_per_minute"):
        sessions.open(scripted(device), arguments(), Call(deadline=Deadline.after(30)))
    assert time.monotonic() - began < 30  # it said so at once
    assert device.logins == 1


def test_without_redis_nobody_is_kept_out() -> None:
    records = Records()
    records.fails = True
    device = Device()
    sessions = FreshSessions(logins=gate_of(records, per_minute=1))
    for _ in range(3):
        sessions.open(scripted(device), arguments(), Call(deadline=Deadline.after(5)))
    assert device.logins == 3


@pytest.fixture
def source(redis_client: redis.Redis) -> WorkerQueue:
    return WorkerQueue(
        redis_client, Sealer([os.urandom(32)]), queue="device:r1", token="n1|1|1|1", worker="n1.1", node="n1"
    )


def test_the_rate_is_one_for_all_and_lets_a_burst_through(redis_client: redis.Redis, source: WorkerQueue) -> None:
    ask: Callable[[str], float] = lambda device: source.login_delay(device, interval=60.0, burst=3)  # noqa: E731
    assert [ask("r1") for _ in range(3)] == [0.0] * 3
    assert 0 < ask("r1") <= 60
    assert ask("r2") == 0.0  # of another device
    assert 60 <= redis_client.pttl(keys.logins("r1")) / 1000 <= 180


def test_logins_are_counted_for_all(redis_client: redis.Redis, source: WorkerQueue) -> None:
    source.login_ended(driver="netmiko", phase="", waited=0.003)
    source.login_ended(driver="netmiko", phase="auth", waited=400.0)
    assert redis_client.hgetall(keys.TOTALS) == {
        b"logins|netmiko|ok": b"1",
        b"logins|netmiko|failed": b"1",
        b"login_failures|netmiko|auth": b"1",
        b"login_wait|0.005": b"1",
        b"login_wait|inf": b"1",
        b"login_wait|sum": b"400003000",
    }
