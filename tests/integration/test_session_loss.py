"""What becomes of interactive sessions when somebody vanishes: caller, worker, controller, Redis, time."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.integration.session_caller import Caller, b64, connection_args, exchange, unb64, wait_until
from tests.lab.running_broker import RunningBroker


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    with RunningBroker() as broker:
        yield broker


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab(devices=[{"name": "first", "platform": "ios"}]) as lab:
        yield lab


@pytest.fixture
def device(lab: SimulatorLab) -> Iterator[SimulatedDevice]:
    """A device of this test alone."""
    device = lab.add(name=f"d-{secrets.token_hex(3)}", platform="ios")
    yield device
    lab.remove(device)


def where(device: SimulatedDevice) -> str:
    return f"{device.host}:{device.port}"


def ended_with(caller: Caller) -> str:
    """Waits for the end of the interactive session; the reason that its caller is told."""
    wait_until(lambda: caller.heartbeat() == 404, why="the interactive session has ended")
    message: str = caller.broker.client.post(f"/session/{caller.id}/heartbeat").json()["message"]
    return message


def next_job_is_at_login_privilege(broker: RunningBroker, device: SimulatedDevice) -> None:
    job = broker.execute(connection_args(device), command="show privilege")
    assert job["result"]["retval"] == {"show privilege": "Current privilege level is 1"}, job


def test_silent_caller_loses_the_session_and_leaves_no_trace(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device, heartbeat=0.5)
    caller.enable(device)
    caller.do(b"configure terminal")
    # Nothing more is heard of him. The next job waits for its turn, no longer than three heartbeats.
    next_job_is_at_login_privilege(broker, device)
    assert "heartbeat" in ended_with(caller)
    assert lab.counters(device).logins == 1


def test_heartbeats_alone_and_use_alone_keep_it(broker: RunningBroker, device: SimulatedDevice) -> None:
    caller = Caller(broker, device, heartbeat=1.0)
    for act in (caller.heartbeat, lambda: caller.do(b"show privilege")):
        end = time.monotonic() + 4.0  # longer than three heartbeats
        while time.monotonic() < end:
            act()
            time.sleep(0.2)
    assert caller.heartbeat() == 200
    caller.release()


def test_long_exchange_outlasts_the_heartbeat_while_its_caller_waits(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device, heartbeat=0.5)
    lab.set_faults(device, latency=3.0)
    slow = caller.do(b"show privilege")
    assert slow["error"] is None
    lab.clear_faults(device)
    caller.release()
    assert lab.counters(device).logins == 1


def test_hold_has_an_end(broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice) -> None:
    caller = Caller(broker, device, max_hold=1.0)
    caller.enable(device)
    next_job_is_at_login_privilege(broker, device)
    assert "max_hold" in ended_with(caller)
    assert lab.counters(device).logins == 1


def test_hold_ends_in_the_middle_of_an_exchange(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device, max_hold=1.5)
    lab.set_faults(device, latency=30.0)
    half = caller.do(b"show privilege", timeout=60)
    assert half["lease_open"] is False
    assert half["error"]["code"] == "session_lost"
    lab.clear_faults(device)
    next_job_is_at_login_privilege(broker, device)
    assert lab.counters(device).logins == 2


def test_caller_who_hangs_up_before_the_grant_is_forgotten(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device)
    address, port = re.fullmatch(r"http://(.+):(\d+)", broker.url).groups()  # type: ignore[union-attr]
    body = json.dumps({"connection_args": connection_args(device), "options": {"wait": 60}}).encode()
    with socket.create_connection((address, int(port))) as wire:
        head = (
            f"POST /session HTTP/1.1\r\nHost: broker\r\nX-API-KEY: {broker.api_key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        wire.sendall(head.encode() + body)
        wait_until(lambda: len(broker.get("/session", host=where(device))) == 2, why="the second request is queued")
    wait_until(lambda: len(broker.get("/session", host=where(device))) == 1, why="it was taken back")
    jobs = broker.get("/job", host=where(device))
    assert sorted(job["status"] for job in jobs) == ["canceled", "started"]
    caller.release()


def test_killed_worker_ends_the_session_and_says_so(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device)
    lab.set_faults(device, latency=30.0)
    with ThreadPoolExecutor(1) as thread:
        half = thread.submit(
            caller.broker.client.post,
            f"/session/{caller.id}/exchange",
            json=exchange(1, b"show privilege", timeout=60.0),
        )
        wait_until(lambda: "show privilege" in lab.commands(device), why="the exchange is under way")
        os.kill(broker.worker_pid(where(device)), signal.SIGKILL)
        answer = half.result(60)
    assert answer.status_code == 404
    assert "worker was lost" in answer.json()["message"]
    assert "not known" in answer.json()["message"]
    lab.clear_faults(device)
    assert broker.client.delete(f"/session/{caller.id}").status_code == 200
    next_job_is_at_login_privilege(broker, device)
    job = broker.get(f"/job/{caller.id}")
    assert (job["status"], job["outcome"]) == ("failed", "unknown")
    assert lab.commands(device).count("show privilege") == 2  # the one that was lost, and the next job's


def test_worker_killed_between_exchanges(broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice) -> None:
    caller = Caller(broker, device)
    caller.enable(device)
    caller.do(b"configure terminal")
    os.kill(broker.worker_pid(where(device)), signal.SIGKILL)
    next_job_is_at_login_privilege(broker, device)
    assert "worker was lost" in ended_with(caller)


def test_stopped_job_ends_the_session(broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice) -> None:
    caller = Caller(broker, device)
    stopped = broker.client.delete("/job", params={"id": caller.id})
    assert stopped.json()["data"] == [caller.id]
    assert "stopped" in ended_with(caller)
    next_job_is_at_login_privilege(broker, device)


def test_connection_that_breaks_in_an_exchange(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device)
    lab.set_faults(device, latency=1.0)
    with ThreadPoolExecutor(1) as thread:
        half = thread.submit(caller.do, b"show privilege")
        wait_until(lambda: "show privilege" in lab.commands(device), why="the exchange is under way")
        lab.drop(device, "rst")
        result = half.result(60)
    assert result["error"]["code"] == "session_lost"
    assert result["lease_open"] is False
    lab.clear_faults(device)
    next_job_is_at_login_privilege(broker, device)


def test_release_in_the_middle_of_an_exchange_closes_the_session(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device)
    lab.set_faults(device, latency=30.0)
    with ThreadPoolExecutor(1) as thread:
        half = thread.submit(caller.do, b"show privilege", timeout=60)
        wait_until(lambda: "show privilege" in lab.commands(device), why="the exchange is under way")
        caller.release()
        result = half.result(60)
    assert (result["error"]["code"], result["lease_open"]) == ("session_lost", False)
    lab.clear_faults(device)
    next_job_is_at_login_privilege(broker, device)
    assert lab.counters(device).logins == 2


def test_worker_that_is_told_to_leave_lets_the_session_end_first(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device)
    broker.client.delete("/worker", params={"host": where(device)}).raise_for_status()
    assert caller.do(b"show privilege")["error"] is None
    caller.release()
    next_job_is_at_login_privilege(broker, device)
    assert lab.counters(device).logins == 2


def test_dead_kept_session_costs_a_reconnect_not_an_error(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    Caller(broker, device).release()
    lab.drop(device, "close")
    wait_until(lambda: lab.counters(device).open_sessions == 0, why="the session is dead")
    again = Caller(broker, device)
    assert again.opened["fresh"] is True
    again.release()
    assert lab.counters(device).logins == 2


# -- controllers and Redis --------------------------------------------------------------------------------------------


def controller_of(broker: RunningBroker) -> psutil.Process:
    return next(process for process in broker.descendants() if "controller" in process.cmdline())


def test_session_survives_its_controller(lab: SimulatorLab, device: SimulatedDevice) -> None:
    with RunningBroker() as broker:
        caller = Caller(broker, device)
        answered = caller.ask(exchange(1, b"show privilege"))
        os.kill(controller_of(broker).pid, signal.SIGKILL)

        def reachable() -> bool:
            try:
                return broker.client.get("/health/live").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(reachable, why="the controller is back")
        assert caller.ask(exchange(1, b"show privilege")) == answered
        shown = caller.ask(exchange(2, b"show clock"))
        assert shown["error"] is None
        caller.release()
    assert lab.counters(device).logins == 1
    assert lab.commands(device).count("show privilege") == 1


def test_session_survives_a_short_silence_of_redis(lab: SimulatorLab, device: SimulatedDevice) -> None:
    with RunningBroker() as broker:
        server = next(
            process for process in broker.descendants() if "valkey" in process.name() or "redis" in process.name()
        )
        caller = Caller(broker, device, heartbeat=2.0)
        caller.do(b"show privilege")
        threading.Timer(2.0, server.resume).start()
        server.suspend()
        slow = caller.do(b"show clock")
        assert slow["error"] is None
        assert b"UTC" in unb64(slow["response"])
        caller.release()
    assert lab.commands(device).count("show clock") == 1
    assert lab.counters(device).logins == 1


def test_nothing_of_the_dialogue_lies_open(lab: SimulatorLab, device: SimulatedDevice) -> None:
    with RunningBroker() as broker:
        caller = Caller(broker, device)
        caller.enable(device)
        caller.do(b"show running-config | include hostname")
        caller.release()
        wanted = [
            device.secret.encode(),
            device.password.encode(),
            b"show running-config",
            b64(device.secret.encode()).encode(),
        ]
        wanted.append(base64.b64encode(b"show running-config | include hostname"))
        files = [path for path in broker.state_dir.rglob("*") if path.is_file()]
        assert any("aof" in path.name for path in files)
        for path in files:
            data = path.read_bytes()
            assert [secret for secret in wanted if secret in data] == [], path
