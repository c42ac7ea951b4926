"""How sessions end: aborted from another thread, disconnected once, by the worker's own, after the abort."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from netpulse_broker.workers.execution.job_result import JobEnd
from netpulse_broker.workers.execution.running_job import RunningJob
from netpulse_broker.workers.execution.session_pool import SessionLimits, SessionPool
from netpulse_drivers import Call, SessionStale
from netpulse_drivers.base import BaseDriver
from tests.unit.workers.execution.test_job_runner import Bench
from tests.unit.workers.scripted_driver import Device, arguments, scripted


class Blocked(Bench):
    """A bench whose device does not answer ``x`` until its session is aborted, or ``released``."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.asked = threading.Event()
        self.device.answers["x"] = self._block

    def _block(self, driver: BaseDriver, _session: int) -> str:
        driver.call.before_write()
        self.asked.set()
        assert self.device.blocked.wait(60)
        raise ConnectionResetError("closed under me")

    def job(self) -> RunningJob:
        assert self.asked.wait(60)
        assert self.running is not None
        return self.running

    def run_and(self, act: Callable[[RunningJob], object], *commands: str) -> JobEnd:
        """Run the commands, and do that in another thread while the device is silent."""
        thread = threading.Thread(target=lambda: act(self.job()))
        thread.start()
        end = self.run(*commands)
        thread.join(60)
        assert not thread.is_alive()
        return end


def closed_once_by_its_worker(device: Device) -> None:
    assert Counter(device.closed) == Counter(range(1, device.logins + 1)), "each session once"
    assert set(device.closed_by) <= {threading.get_ident()}, "by the thread that runs the jobs"
    assert threading.get_ident() not in device.aborted_by


def test_a_stopped_job_is_aborted() -> None:
    bench = Blocked()
    end = bench.run_and(RunningJob.stop, "a", "x", "never")
    assert (end.status, end.error_code, end.result["type"]) == ("stopped", "job_stopped", 3)
    assert end.result["retval"] == {"a": "a on 1"}
    assert bench.device.written == ["a"]
    assert len(bench.table) == 0
    assert len(bench.device.aborted_by) == 1
    closed_once_by_its_worker(bench.device)


def test_an_overdue_job_is_aborted() -> None:
    bench = Blocked()
    end = bench.run_and(RunningJob.expire, "x")
    assert (end.status, end.error_code) == ("failed", "command_timeout")
    assert len(bench.device.aborted_by) == 1
    closed_once_by_its_worker(bench.device)


def test_a_job_that_is_stopped_and_overdue_is_aborted_once() -> None:
    bench = Blocked()

    def both(running: RunningJob) -> None:
        running.stop()
        running.stop()
        running.expire()

    assert bench.run_and(both, "x").status == "stopped"
    assert len(bench.device.aborted_by) == 1
    closed_once_by_its_worker(bench.device)


def test_an_abort_that_blocks_holds_up_nobody_who_watches_and_no_session_is_closed_beside_it() -> None:
    freed = threading.Event()
    seen: list[list[int]] = []

    def block(driver: BaseDriver, session: int) -> None:
        bench.device.blocked.set()
        assert freed.wait(60)
        seen.append(list(bench.device.closed))

    bench = Blocked(abort=block)

    def stop(running: RunningJob) -> None:
        assert running.overdue < 0
        running.stop()
        assert running.overdue >= 0, "counts from the stop: the process that watches will not wait for ever"
        assert bench.device.closed == []
        freed.set()

    assert bench.run_and(stop, "x").status == "stopped"
    assert seen == [[]], "the session was closed while abort() was still running"
    closed_once_by_its_worker(bench.device)


def test_a_driver_without_abort_is_stopped_when_its_call_returns() -> None:
    bench = Blocked(abort=BaseDriver.abort)

    def stop(running: RunningJob) -> None:
        running.stop()
        assert running.overdue >= 0
        assert bench.device.closed == []
        bench.device.blocked.set()  # the device answers at last

    end = bench.run_and(stop, "a", "x", "never")
    assert (end.status, end.error_code) == ("stopped", "job_stopped")
    assert bench.device.written == ["a"]
    closed_once_by_its_worker(bench.device)


def test_an_abort_that_fails_is_told_and_the_job_ends_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(driver: BaseDriver, session: int) -> None:
        bench.device.blocked.set()
        raise RuntimeError("broken plug-in")

    bench = Blocked(abort=fail)
    assert bench.run_and(RunningJob.stop, "x").status == "stopped"
    assert "abort_failed" in capsys.readouterr().out
    closed_once_by_its_worker(bench.device)


@pytest.mark.parametrize(
    ("end", "code"), [(RunningJob.stop, "job_stopped"), (RunningJob.expire, "command_timeout")], ids=["stop", "expire"]
)
def test_what_ends_during_the_login_asks_the_device_nothing(end: Callable[[RunningJob], None], code: str) -> None:
    bench = Bench()

    def on_connect() -> None:
        assert bench.running is not None
        end(bench.running)

    bench.device.on_connect = on_connect
    assert bench.run("a").error_code == code
    assert bench.device.written == []
    assert bench.device.aborted_by == []
    closed_once_by_its_worker(bench.device)


def test_an_overdue_job_logs_in_no_second_time() -> None:
    """Its session turns out to be stale by the abort: that is no reason to begin anew."""
    bench = Blocked()
    bench.run("a")

    def stale(driver: BaseDriver, _session: int) -> str:
        bench.asked.set()
        assert bench.device.blocked.wait(60)
        raise SessionStale("dead")

    bench.device.answers["x"] = stale
    assert bench.run_and(RunningJob.expire, "x").error_code == "command_timeout"
    assert bench.device.logins == 1
    closed_once_by_its_worker(bench.device)


@pytest.mark.parametrize("fresh", [False, True], ids=["kept", "fifo"])
def test_after_all_that_happens_to_sessions_each_was_closed_once(fresh: bool) -> None:
    bench = Bench(fresh=fresh)
    lost = [ConnectionResetError("reset"), SessionStale("dead")]
    bench.device.answers["broken"] = lost[0]
    bench.device.answers["stale"] = lost[1]
    for command in ("a", "broken", "b", "stale", "stale", "c"):
        bench.run(command)
    bench.device.dead = set(range(1, bench.device.logins + 1))
    bench.run("d")
    bench.run("e", connection_args=arguments(username="second"))
    bench.run("f", connection_args=arguments(username="third"))
    bench.run("g", connection_args=arguments(password="wrong"))
    bench.table.close()
    bench.table.close()
    closed_once_by_its_worker(bench.device)


def test_limits_close_a_session_once() -> None:
    device, now = Device(), [0.0]
    kind = scripted(device)
    table = SessionPool(SessionLimits(max_sessions=1, idle_limit=10, age_limit=15), clock=lambda: now[0])
    for seconds in (0.0, 11.0, 9.0, 9.0):
        now[0] += seconds
        table.upkeep()
        table.give_back(table.open(kind, arguments(), Call()))
    table.give_back(table.open(kind, arguments(username="another"), Call()))
    assert table.discard(kind, {}) == 1
    table.close()
    closed_once_by_its_worker(device)
