"""Whose turn it is at a device: lanes, stops, shared answers, repeated requests; told by the device's own log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.real.waiting import wait_until
from tests.lab.running_broker import RunningBroker

FINAL = {"finished", "failed", "stopped", "canceled"}


def ended(broker: RunningBroker, job_id: str) -> dict[str, Any]:
    wait_until(lambda: broker.get(f"/job/{job_id}")["status"] in FINAL, what=f"the end of {job_id}", timeout=90)
    job: dict[str, Any] = broker.get(f"/job/{job_id}")
    return job


def marked(lab: SimulatorLab, device: SimulatedDevice) -> list[str]:
    """The marks of the commands that the device got, in order."""
    lines = [line for line in lab.commands(device) if line.startswith("show clock | include ")]
    return [line.rpartition(" ")[2] for line in lines]


def clock(mark: str) -> str:
    return f"show clock | include {mark}"


def test_an_interactive_query_waits_for_the_running_batch_job_and_not_for_those_behind_it(
    broker: RunningBroker, lab: SimulatorLab
) -> None:
    device = lab.add(name="lanes", platform="ios")
    login = device.netmiko()

    def queue(*marks: str, **options: Any) -> str:
        job = broker.execute(login, wait=0, command=[clock(mark) for mark in marks], options=options)
        return str(job["id"])

    broker.execute(login, command="show version")
    long = [f"long-{number}" for number in range(200)]
    jobs = [queue(*long, priority="batch")]
    wait_until(lambda: marked(lab, device), what="the batch job on the device", timeout=30)
    lab.set_faults(device, frozen=True)  # so that it still runs when the others are queued, however slow this machine
    assert broker.get(f"/job/{jobs[0]}")["status"] == "started"
    batch = [f"batch-{number}" for number in range(20)]
    jobs += [queue(mark, priority="batch") for mark in batch]
    jobs += [queue("normal-1"), queue("urgent-1", priority="interactive"), queue("normal-2")]
    jobs += [queue("urgent-2", priority="interactive")]
    lab.set_faults(device, frozen=False)
    done = [ended(broker, job) for job in jobs]
    assert {job["status"] for job in done} == {"finished"}
    assert marked(lab, device) == [*long, "urgent-1", "urgent-2", "normal-1", "normal-2", *batch]
    assert lab.counters(device).logins == 1
    urgent = done[-3]
    print(
        f"\na batch job of {len(long)} commands ran, {len(batch)} batch jobs waited behind it:"
        f" the interactive query began {_milliseconds(done[0], urgent):.1f} ms after the running job's end"
    )


def _milliseconds(before: dict[str, Any], after: dict[str, Any]) -> float:
    """From the end of one job to the start of another."""
    pause = datetime.fromisoformat(after["started_at"]) - datetime.fromisoformat(before["ended_at"])
    return pause.total_seconds() * 1000


def test_a_stopped_job_leaves_the_device_and_its_queue_usable(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="stopped", platform="ios")
    lab.set_faults(device, commands=[{"match": "show users", "action": "hang"}])
    login = device.netmiko()
    running = broker.execute(login, wait=0, command=[clock("before"), "show users", clock("never")])["id"]
    wait_until(lambda: "show users" in lab.commands(device), what="the command on the device", timeout=30)
    waiting = [broker.execute(login, wait=0, command=clock(mark))["id"] for mark in ("cancelled", "kept")]
    assert broker.client.delete("/job", params={"id": waiting[0]}).json()["data"] == [waiting[0]]
    assert broker.client.delete("/job", params={"id": running}).json()["data"] == [running]
    stopped, cancelled, kept = (ended(broker, job) for job in (running, *waiting))
    assert (stopped["status"], stopped["result"]["type"]) == ("stopped", 3)
    assert list(stopped["result"]["retval"]) == [clock("before")]
    assert cancelled["status"] == "canceled"
    assert (kept["status"], kept["session_reused"]) == ("finished", False)
    assert marked(lab, device) == ["before", "kept"]
    again = broker.client.delete("/job", params={"id": running})
    assert (again.status_code, again.json()["data"]["error"]) == (409, "conflict")


def test_callers_who_ask_the_same_share_one_answer(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="shared", platform="ios", privilege=15)
    login = device.netmiko()
    broker.execute(login, command="show version")
    lab.set_faults(device, frozen=True)
    asked: dict[str, Any] = {"command": clock("same"), "options": {"max_age": 60}}
    with ThreadPoolExecutor(8) as pool:
        first = broker.execute(login, wait=0, **asked)
        others = [pool.submit(broker.execute, login, **asked) for _ in range(8)]
        lab.set_faults(device, frozen=False)
        jobs = [other.result(timeout=90) for other in others]
    assert {job["id"] for job in jobs} == {first["id"]}
    assert {job["result"]["cached"] for job in jobs} == {True}
    assert marked(lab, device) == ["same"]
    broker.execute(login, config=["interface GigabitEthernet0/1", "description outdates"])
    fresh = broker.execute(login, **asked)
    assert "cached" not in fresh["result"]
    assert marked(lab, device) == ["same", "same"]


def test_a_repeated_request_finds_its_job(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="repeated", platform="ios", privilege=15)
    login = device.netmiko()
    change: dict[str, Any] = {
        "config": ["interface GigabitEthernet0/2", "description once"],
        "options": {"idempotency_key": "repeated-1"},
    }
    with ThreadPoolExecutor(6) as pool:
        jobs = [job.result(timeout=90) for job in [pool.submit(broker.execute, login, **change) for _ in range(6)]]
    assert len({job["id"] for job in jobs}) == 1
    assert {job["status"] for job in jobs} == {"finished"}
    assert lab.commands(device).count("description once") == 1
    body = {"driver": "netmiko", "connection_args": login, "options": {"idempotency_key": "repeated-1"}}
    answer = broker.client.post("/device/execute", json=body | {"config": ["hostname other"]})
    assert (answer.status_code, answer.json()["data"]["error"]) == (409, "idempotency_conflict")


def test_pages_of_jobs_hold_each_job_once_while_others_are_made(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="pages", platform="ios")
    login = device.netmiko()
    name = f"{device.host}:{device.port}"
    ids = [broker.execute(login, command=clock(str(number)))["id"] for number in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = broker.client.get("/job", params={"host": name, "limit": 3, **({"cursor": cursor} if cursor else {})})
        seen += [job["id"] for job in page.json()["data"]]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
        broker.execute(login, command="show version")  # newer than the listing's beginning, so on none of its pages
    assert seen == ids[::-1]
