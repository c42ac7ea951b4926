"""Strict order, each job once, and what a caller learns when a process dies."""

from __future__ import annotations

import os
import signal
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psutil
import pytest

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.evidence.conftest import LONG
from tests.lab.real.waiting import wait_until
from tests.lab.running_broker import RunningBroker

CLIENTS = 10


def device_of(device: SimulatedDevice) -> str:
    return f"{device.host}:{device.port}"


def wait_for_end(broker: RunningBroker, job_id: str) -> dict[str, Any]:
    def ended() -> bool:
        return broker.get(f"/job/{job_id}")["status"] in {"finished", "failed", "stopped", "canceled"}

    wait_until(ended, what=f"the end of job {job_id}", timeout=90)
    job: dict[str, Any] = broker.get(f"/job/{job_id}")
    return job


def test_500_jobs_of_10_clients_run_once_each_in_the_order_of_seq(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="order", platform="ios")
    each = 50
    jobs: list[dict[str, Any]] = []
    lock = threading.Lock()

    def client(number: int) -> None:
        for count in range(each):
            command = f"show clock | include {number:02d}-{count:03d}"
            job = broker.execute(device.netmiko(), command=command)
            with lock:
                jobs.append(job)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))
    assert len(jobs) == CLIENTS * each
    assert {job["status"] for job in jobs} == {"finished"}
    by_sequence = sorted(jobs, key=lambda job: job["seq"])
    assert [job["seq"] for job in by_sequence] == list(range(1, len(jobs) + 1))
    asked = [job["result"]["outputs"][0]["command"] for job in by_sequence]
    seen = [line for line in lab.commands(device) if line.startswith("show clock | include")]
    assert seen == asked
    assert lab.counters(device).logins == 1


def test_a_killed_worker_is_reported_at_once_and_the_queue_goes_on(broker: RunningBroker, lab: SimulatorLab) -> None:
    """20 times: kill -9 of a busy worker; the waiting caller, and the jobs behind."""
    tries = 20 if LONG else 5
    device = lab.add(name="killed", platform="ios")
    lab.set_faults(device, commands=[{"match": "show users", "action": "hang"}])
    knows: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        for number in range(tries):
            running = pool.submit(broker.execute, device.netmiko(), command="show users")
            wait_until(lambda: "show users" in lab.commands(device), what="the command on the device", timeout=60)
            behind = [
                broker.execute(device.netmiko(), wait=0, command=f"show clock | include {number}-{place}")["id"]
                for place in range(3)
            ]
            os.kill(broker.worker_pid(device_of(device)), signal.SIGKILL)
            killed = time.monotonic()
            lost = running.result(timeout=60)
            knows.append(time.monotonic() - killed)
            assert (lost["status"], lost["outcome"]) == ("failed", "unknown")
            assert lost["result"]["error"]["code"] == "worker_lost"
            after = [wait_for_end(broker, job_id) for job_id in behind]
            assert [job["status"] for job in after] == ["finished"] * 3
            seen = [line for line in lab.commands(device) if line.startswith("show clock")]
            assert seen == [f"show clock | include {number}-{place}" for place in range(3)]
            lab.reset(device)
    milliseconds = sorted(value * 1000 for value in knows)
    print(
        f"\nkill -9 of a busy worker, {tries} tries: the waiting caller knew after p50"
        f" {statistics.median(milliseconds):.1f} ms, max {milliseconds[-1]:.1f} ms (over HTTP)"
    )


def test_redis_is_killed_under_load_and_every_job_ends_once(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="redis-loss", platform="ios")
    broker.execute(device.netmiko(), command="show clock")
    accepted: list[str] = []
    stop = threading.Event()

    def client() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            body = {
                "driver": "netmiko",
                "connection_args": device.netmiko(),
                "command": f"show clock | include {threading.get_ident()}-{number}",
            }
            answer = broker.client.post("/device/execute", json=body)
            if answer.status_code == 201:
                accepted.append(answer.json()["data"]["id"])
            else:
                assert answer.status_code == 503, answer.text
                time.sleep(0.05)

    clients = [threading.Thread(target=client) for _ in range(3)]
    for one in clients:
        one.start()

    def more_than(count: int) -> bool:
        return len(accepted) > count

    try:
        for _ in range(3 if LONG else 1):
            before = len(accepted)
            wait_until(partial(more_than, before + 30), what="jobs under way", timeout=60)
            os.kill(embedded_server(broker).pid, signal.SIGKILL)
            before = len(accepted)
            wait_until(partial(more_than, before + 10), what="jobs accepted again", timeout=60)
    finally:
        stop.set()
        for one in clients:
            one.join()
    ended = [wait_for_end(broker, job_id) for job_id in accepted]
    assert {job["status"] for job in ended} == {"finished"}
    asked = [job["result"]["outputs"][0]["command"] for job in sorted(ended, key=lambda job: job["seq"])]
    seen = [line for line in lab.commands(device) if line.startswith("show clock | include")]
    assert len(seen) == len(set(seen)), "a job ran twice"
    assert [line for line in seen if line in set(asked)] == asked
    assert lab.counters(device).logins == 1, "the session was dropped"


def embedded_server(broker: RunningBroker) -> psutil.Process:
    """The private Valkey or Redis process of this broker: its working directory lies in the state directory."""
    for process in psutil.process_iter():
        try:
            named = process.name().startswith(("valkey-server", "redis-server"))
            if named and str(broker.state_dir) in process.cwd() + " ".join(process.cmdline()):
                return process
        except psutil.Error:
            continue
    raise AssertionError("the embedded server is not running")


@pytest.fixture
def own_broker() -> Any:
    """A broker that a test may break."""
    settings = {"NETPULSE_NODE__LEASE_TTL": "3", "NETPULSE_NODE__LEASE_RENEW": "0.5"}
    with RunningBroker(settings=settings) as running:
        yield running


def test_a_killed_node_comes_back_and_never_shares_a_device(own_broker: RunningBroker, lab: SimulatorLab) -> None:
    idle, busy = lab.add(name="idle", platform="ios"), lab.add(name="busy", platform="ios")
    lab.set_faults(busy, latency=0.0, commands=[{"match": "show inventory", "action": "hang", "times": 1}])
    own_broker.execute(idle.netmiko(), command="show clock")
    own_broker.execute(busy.netmiko(), command="show clock")
    hanging = own_broker.execute(
        busy.netmiko(), wait=0, command="show inventory", driver_args={"read_timeout": 6}, options={"timeout": 6}
    )["id"]
    wait_until(lambda: "show inventory" in lab.commands(busy), what="the hanging command", timeout=60)
    worker = own_broker.worker_pid(device_of(idle))
    (node,) = [process for process in own_broker.descendants() if process.cmdline()[-3:][:1] == ["node"]]
    node.kill()
    killed = time.monotonic()
    wait_until(lambda: not psutil.pid_exists(worker), what="the idle worker leaving with its node", timeout=60)
    served = own_broker.execute(idle.netmiko(), command="show clock")
    seconds = time.monotonic() - killed
    assert served["status"] == "finished"
    behind = own_broker.execute(busy.netmiko(), command="show clock | include behind")
    assert behind["status"] == "finished"
    first = wait_for_end(own_broker, hanging)
    assert first["status"] == "failed"
    assert first["ended_at"] <= behind["started_at"], "two workers had the device at once"
    print(f"\nkill -9 of the node: an idle device answered again after {seconds:.2f} s (lease TTL 3 s)")
