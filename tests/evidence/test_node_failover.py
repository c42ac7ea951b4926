"""Three nodes, many devices, each scheduler: who gets what, and what happens when a node is killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import psutil
import pytest

from netpulse_broker.dispatch.schedulers import SCHEDULERS
from netpulse_broker.settings import DispatchSettings
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.evidence.conftest import LONG
from tests.lab.installation import Installation, RoleProcess
from tests.lab.real.waiting import wait_until

DEVICES = 60 if LONG else 12
CAPACITY = 40 if LONG else 8
"""Of each of the three nodes: two of them can take all devices, and one alone cannot."""

LEASE_TTL = 10.0 if LONG else 3.0
MAX_LOGINS = 4
"""At the same time, on each node."""

LOGIN_TIME = 0.2
"""Seconds that a device takes to judge a password."""

BUSY = 2
"""Devices of the killed node that are in the middle of a command."""

FINAL = {"finished", "failed", "stopped", "canceled"}


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatorLab]:
    with SimulatorLab(count=DEVICES, platforms=["ios"], faults={"auth_delay": LOGIN_TIME}) as lab:
        yield lab


@pytest.fixture
def installation() -> Iterator[Installation]:
    settings = {
        "NETPULSE_NODE__LEASE_TTL": str(LEASE_TTL),
        "NETPULSE_NODE__LEASE_RENEW": str(LEASE_TTL / 6),
        "NETPULSE_NODE__CAPACITY": str(CAPACITY),
        "NETPULSE_NODE__MAX_LOGINS": str(MAX_LOGINS),
    }
    with Installation(settings=settings) as running:
        yield running


def curve(times: list[float]) -> str:
    """Seconds after the kill, and how many devices were there by then; eleven points."""
    times = sorted(times)
    points = {int((len(times) - 1) * part / 10) for part in range(11)}
    return "  ".join(f"{times[point]:.2f}s:{point + 1}" for point in sorted(points))


def name_of(device: SimulatedDevice) -> str:
    return f"{device.host}:{device.port}"


def execute(client: httpx.Client, device: SimulatedDevice, command: str, *, wait: float = 90, **more: Any) -> Any:
    """POST /device/execute, once: a refusal fails the test."""
    body = {
        "driver": "netmiko",
        "connection_args": device.netmiko(),
        "command": command,
        "options": {"wait": wait, "timeout": 90},
    }
    answer = client.post("/device/execute", json=body | more)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def loads(client: httpx.Client) -> dict[str, int]:
    """Devices of each node, from the API."""
    return {node["name"]: node["load"] for node in client.get("/node").json()["data"] if node["state"] == "ready"}


def spread(client: httpx.Client, fleet: SimulatorLab, mark: str) -> dict[str, str]:
    """One job on each device, all asked for at once; the commands by the jobs' ids."""
    shared = {name: value for name, value in fleet.devices[0].netmiko().items() if name not in {"host", "port"}}
    body: dict[str, Any] = {
        "driver": "netmiko",
        "connection_args": shared,
        "devices": [{"host": device.host, "port": device.port} for device in fleet.devices],
        "command": f"show clock | include {mark}",
        "options": {"wait": 120, "timeout": 110},
    }
    answer = client.post("/device/bulk", json=body, timeout=150)
    assert answer.status_code == 201, answer.text
    made = answer.json()["data"]
    assert made["failed"] == []
    assert Counter(job["status"] for job in made["succeeded"]) == {"finished": DEVICES}
    return {job["id"]: body["command"] for job in made["succeeded"]}


def expected_distribution(scheduler: str, found: list[int]) -> bool:
    """Whether the scheduler can have made this of nodes of equal size."""
    if scheduler == "greedy":
        return found == sorted([CAPACITY, DEVICES - CAPACITY, 0])
    if scheduler.startswith("least_load"):
        return found == [DEVICES // 3] * 3
    return sum(found) == DEVICES and found[0] > 0 and found[-1] <= CAPACITY


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_killed_node_s_devices_are_served_by_the_others(
    installation: Installation, fleet: SimulatorLab, scheduler: str
) -> None:
    settings = {"NETPULSE_DISPATCH__SCHEDULER": scheduler}
    names = [f"{scheduler}-{number}" for number in (1, 2, 3)]
    nodes = installation.nodes(*names, **settings)
    client = installation.controller(f"controller-{scheduler}", **settings)
    fleet.reset()
    asked = spread(client, fleet, "before")
    distribution = loads(client)
    print(f"\n{scheduler}: {DEVICES} devices on three nodes of {CAPACITY}: {distribution}")
    assert expected_distribution(scheduler, sorted(distribution.values())), distribution
    assert {fleet.counters(device).logins for device in fleet.devices} == {1}
    # What follows a kill is the same for all of them; the short form looks at the default.
    if LONG or scheduler == DispatchSettings().scheduler:
        victim = max(distribution, key=lambda name: distribution[name])
        kill_and_watch(client, fleet, nodes, victim, asked)
    installation.stop(*names)


def kill_and_watch(
    client: httpx.Client, fleet: SimulatorLab, nodes: dict[str, RoleProcess], victim: str, asked: dict[str, str]
) -> None:
    """Kill the node, ask for all devices at that moment, and account for every job that was ever accepted."""
    served = [worker["device"] for worker in client.get("/worker", params={"node": victim}).json()["data"]]
    lost = [device for device in fleet.devices if name_of(device) in served]
    assert len(lost) == loads(client)[victim]
    # Some of them are in the middle of a command, and have another one waiting, when their node dies.
    busy = lost[:BUSY]
    for device in busy:
        fleet.set_faults(device, commands=[{"match": "show users", "action": "hang", "times": 1}])
        running = execute(client, device, "show users", wait=0, driver_args={"read_timeout": LEASE_TTL + 2})
        behind = execute(client, device, "show clock | include behind", wait=0)
        asked |= {running["id"]: "show users", behind["id"]: "show clock | include behind"}
    for device in busy:
        typed = partial(lambda one: "show users" in fleet.commands(one), device)
        wait_until(typed, what="the command on the device", timeout=30)

    orphans = nodes[victim].kill()
    killed = datetime.now(UTC)
    with ThreadPoolExecutor(DEVICES) as pool:
        after = list(pool.map(lambda device: execute(client, device, "show clock | include after"), fleet.devices))
    psutil.wait_procs(orphans, timeout=60)
    assert not any(process.is_running() for process in orphans)

    by_device = {job["device"]: job for job in after}
    idle = [by_device[name_of(device)] for device in lost if device not in busy]
    others = len(nodes) - 1
    print(
        f"{victim} killed with {len(lost)} devices, {BUSY} of them busy; lease {LEASE_TTL:g} s; a login takes"
        f" {LOGIN_TIME:g} s and the device's greetings, {MAX_LOGINS} at a time on each of {others} nodes.\n"
        f"  idle devices have a worker  {curve(seconds_after(killed, idle, 'started_at'))}\n"
        f"  idle devices have answered  {curve(seconds_after(killed, idle, 'ended_at'))}"
    )
    assert {job["status"] for job in after} == {"finished"}
    asked |= {job["id"]: "show clock | include after" for job in after}
    # Whatever a worker of the killed node did with its last breath: from now on the others serve every device.
    asked |= spread(client, fleet, "again")
    jobs = [client.get(f"/job/{job_id}").json()["data"] for job_id in asked]
    assert {job["status"] for job in jobs} <= FINAL
    once_and_in_order(fleet, jobs, asked)
    remaining = loads(client)
    assert victim not in remaining
    assert sum(remaining.values()) == DEVICES
    # The others' devices kept their sessions; the killed node's were logged in to once more.
    for device in fleet.devices:
        assert fleet.counters(device).logins == (2 if device in lost else 1)
        fleet.set_faults(device, commands=[])


def seconds_after(moment: datetime, jobs: list[dict[str, Any]], which: str) -> list[float]:
    return [(datetime.fromisoformat(job[which]) - moment).total_seconds() for job in jobs]


def once_and_in_order(fleet: SimulatorLab, jobs: list[dict[str, Any]], asked: dict[str, str]) -> None:
    """What each device got, by its own log, is what its jobs asked for, in the order of ``seq``."""
    for device in fleet.devices:
        mine = sorted((job for job in jobs if job["device"] == name_of(device)), key=lambda job: job["seq"])
        got = [line for line in fleet.commands(device) if line.startswith(("show clock", "show users"))]
        assert got == [asked[job["id"]] for job in mine], device.name
