"""Operators' controls through REST, on real worker processes and a device that says what reached it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.chaos.broker import PLUGINS
from tests.chaos.line_device import LineDevice
from tests.lab.real.waiting import wait_until
from tests.lab.running_broker import RunningBroker


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    with RunningBroker(settings={"NETPULSE_DRIVERS__PLUGIN_DIRS": str(PLUGINS)}) as running:
        yield running


@pytest.fixture
def device() -> Iterator[LineDevice]:
    with LineDevice() as found:
        yield found


def name_of(device: LineDevice) -> str:
    return f"127.0.0.1:{device.port}"


def run(broker: RunningBroker, device: LineDevice, *commands: str, **options: Any) -> Any:
    """POST /device/execute; with ``wait`` 60 unless another is given."""
    body = {
        "driver": "line",
        "connection_args": device.connection_args,
        "command": list(commands),
        "options": {"wait": 60, "queue_strategy": "pinned"} | options,
    }
    return broker.post("/device/execute", body)


def ended(broker: RunningBroker, job_id: str) -> Any:
    wait_until(
        lambda: broker.get(f"/job/{job_id}")["status"] in {"finished", "failed", "stopped", "canceled"},
        what=f"the end of {job_id}",
        timeout=60,
    )
    return broker.get(f"/job/{job_id}")


def test_a_paused_queue_holds_through_its_workers_death_and_goes_on_in_order(
    broker: RunningBroker, device: LineDevice
) -> None:
    name = name_of(device)
    run(broker, device, "before")
    pause = broker.post("/device/pause", {"device": name}, expect=200)
    assert pause["device"] == name
    held = [run(broker, device, f"held {number}", wait=0)["id"] for number in range(3)]
    wait_until(
        lambda: broker.get(f"/device/{name}")["state"] == "paused", what="the worker seeing the pause", timeout=60
    )
    os.kill(broker.worker_pid(name), signal.SIGKILL)
    wait_until(
        lambda: (
            broker.get(f"/device/{name}")["state"] in {"none", "paused"}
            and not any(worker["pid"] for worker in broker.get("/worker", host=name))
        ),
        what="the end of the killed worker, and of the one that found nothing to do",
        timeout=60,
    )
    held.append(run(broker, device, "held 3", wait=0)["id"])  # makes a worker again; the pause is older than it
    wait_until(
        lambda: broker.get(f"/device/{name}")["state"] == "paused", what="a new worker under the pause", timeout=60
    )
    view = broker.get(f"/device/{name}")
    assert view["paused"] == pause["paused"]
    assert view["queued"] == {"control": 0, "interactive": 0, "normal": 4, "batch": 0}
    assert view["waiting"] == held
    assert view["running"] is None
    assert device.commands == ["before"]
    assert broker.post("/device/pause", {"device": name}, expect=200) == pause  # the first one stands
    broker.post("/device/resume", {"device": name}, expect=200)
    assert [ended(broker, job)["status"] for job in held] == ["finished"] * 4
    assert device.commands == ["before", "held 0", "held 1", "held 2", "held 3"]
    assert broker.get(f"/device/{name}")["paused"] is None


def test_resume_finds_a_worker_for_a_queue_that_has_none(broker: RunningBroker, device: LineDevice) -> None:
    name = name_of(device)
    broker.post("/device/pause", {"device": name}, expect=200)
    job = run(broker, device, "later", wait=0)["id"]
    wait_until(lambda: broker.get(f"/device/{name}")["state"] == "none", what="the idle worker leaving", timeout=60)
    assert broker.get(f"/device/{name}")["queued"]["normal"] == 1
    assert broker.post("/device/resume", {"host": "127.0.0.1", "port": device.port}, expect=200) == {
        "device": name,
        "queued": 1,
    }
    assert ended(broker, job)["status"] == "finished"


def test_release_closes_the_session_after_the_running_job_and_before_the_waiting_ones(
    broker: RunningBroker, device: LineDevice
) -> None:
    name = name_of(device)
    run(broker, device, "first")
    assert device.sessions == 1
    running = run(broker, device, "hold", wait=0)["id"]
    device.wait_for_command("hold")
    behind = run(broker, device, "behind", wait=0)["id"]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(broker.post, "/device/release", {"device": name}, expect=200)
        wait_until(
            lambda: broker.get(f"/device/{name}")["queued"]["control"] == 1, what="the release in the queue", timeout=60
        )
        view = broker.get(f"/device/{name}")
        assert (view["state"], view["running"]["id"], view["running"]["operation"]) == ("busy", running, "query")
        assert not asked.done()
        device.release.set()
        assert asked.result(timeout=60) == {"device": name, "closed": 1}
    assert ended(broker, running)["status"] == "finished"
    after = ended(broker, behind)
    assert (after["status"], after["session_reused"]) == ("finished", False)
    assert device.logins == 2


def test_release_works_while_paused_and_the_device_is_free_for_people(
    broker: RunningBroker, device: LineDevice
) -> None:
    name = name_of(device)
    run(broker, device, "first")
    broker.post("/device/pause", {"device": name}, expect=200)
    held = run(broker, device, "held", wait=0)["id"]
    assert broker.post("/device/release", {"device": name}, expect=200)["closed"] == 1
    device.wait_until(lambda: device.sessions == 0)
    assert broker.get(f"/job/{held}")["status"] == "queued"
    broker.post("/device/resume", {"device": name}, expect=200)
    assert ended(broker, held)["status"] == "finished"


def test_release_gives_up_when_the_running_job_does_not_end(broker: RunningBroker, device: LineDevice) -> None:
    name = name_of(device)
    running = run(broker, device, "hold", wait=0)["id"]
    device.wait_for_command("hold")
    answer = broker.client.post("/device/release", json={"device": name, "wait": 0.3})
    assert (answer.status_code, answer.json()["data"]["error"]) == (504, "wait_timed_out")
    assert broker.get(f"/device/{name}")["queued"]["control"] == 0
    device.release.set()
    assert ended(broker, running)["status"] == "finished"
    assert device.sessions == 1


def test_what_does_not_exist_is_said_so(broker: RunningBroker) -> None:
    assert broker.client.get("/device/never-heard-of").json()["data"]["error"] == "unknown_device"
    assert broker.client.post("/node/never-heard-of/drain").json()["data"]["error"] == "unknown_node"
    assert broker.client.post("/device/pause", json={"device": "a b"}).status_code == 400
    assert broker.client.post("/device/pause", json={}).status_code == 422
    assert broker.client.post("/device/pause", json={"device": "a", "host": "b"}).status_code == 422
    assert broker.post("/device/release", {"device": "never-heard-of"}, expect=200)["closed"] == 0


def test_a_batch_of_200_commands_lets_an_interactive_query_past_all_but_the_running_job(
    broker: RunningBroker, device: LineDevice
) -> None:
    """Priorities order what waits. What runs is not interrupted, so a batch is made of jobs, not of one long one."""
    run(broker, device, "login")
    batch = [run(broker, device, "hold", wait=0, priority="batch")["id"]]
    device.wait_for_command("hold")
    batch += [run(broker, device, f"batch {number}", wait=0, priority="batch")["id"] for number in range(199)]
    normal = run(broker, device, "normal", wait=0)["id"]
    interactive = [
        run(broker, device, f"interactive {number}", wait=0, priority="interactive")["id"] for number in (1, 2)
    ]
    assert broker.get(f"/device/{name_of(device)}")["queued"] == {
        "control": 0,
        "interactive": 2,
        "normal": 1,
        "batch": 199,
    }
    assert device.commands == ["login", "hold"]
    device.release.set()
    done = [ended(broker, job) for job in (*interactive, normal, batch[-1])]
    assert [job["status"] for job in done] == ["finished"] * 4
    assert [job["priority"] for job in done] == ["interactive", "interactive", "normal", "batch"]
    assert device.commands == [
        "login",
        "hold",
        "interactive 1",
        "interactive 2",
        "normal",
        *(f"batch {number}" for number in range(199)),
    ]
    assert not device.interleaved()
    assert device.logins == 1


def test_one_long_batch_job_is_waited_for_and_nothing_behind_it(broker: RunningBroker, device: LineDevice) -> None:
    commands = ["hold", *(f"step {number}" for number in range(199))]
    long = run(broker, device, *commands, wait=0, priority="batch")["id"]
    device.wait_for_command("hold")
    behind = run(broker, device, "next batch", wait=0, priority="batch")["id"]
    asked = run(broker, device, "interactive", wait=0, priority="interactive")["id"]
    device.release.set()
    assert {ended(broker, job)["status"] for job in (long, behind, asked)} == {"finished"}
    assert device.commands == [*commands, "interactive", "next batch"]


def test_a_drained_node_ends_its_running_job_and_gives_its_devices_back(device: LineDevice) -> None:
    with RunningBroker(settings={"NETPULSE_DRIVERS__PLUGIN_DIRS": str(PLUGINS)}) as broker:
        run(broker, device, "first")
        (node,) = [node for node in broker.get("/node") if node["kind"] == "pinned"]
        assert (node["state"], node["load"]) == ("ready", 1)
        running = run(broker, device, "hold", wait=0)["id"]
        device.wait_for_command("hold")
        drained = broker.post(f"/node/{node['name']}/drain", {}, expect=202)
        assert drained["name"] == node["name"]
        wait_until(
            lambda: [n["state"] for n in broker.get("/node") if n["name"] == node["name"]] == ["draining"],
            what="the node draining",
            timeout=60,
        )
        assert broker.get(f"/job/{running}")["status"] == "started"
        refused = broker.client.post(
            "/device/execute",
            json={
                "driver": "line",
                "connection_args": {**device.connection_args, "host": "127.0.0.2"},
                "command": "x",
                "options": {"queue_strategy": "pinned"},
            },
        )
        assert (refused.status_code, refused.json()["data"]["error"]) == (503, "no_worker")
        device.release.set()
        assert ended(broker, running)["status"] == "finished"
        # `netpulse up` starts its node again: under the same name, a new process, and empty.
        wait_until(
            lambda: (
                [
                    (n["state"], n["load"])
                    for n in broker.get("/node")
                    if n["kind"] == "pinned" and n["pid"] != node["pid"]
                ]
                == [("ready", 0)]
            ),
            what="the node coming back empty",
            timeout=60,
        )
        assert run(broker, device, "again")["status"] == "finished"
