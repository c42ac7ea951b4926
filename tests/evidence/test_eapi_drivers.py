"""Drivers pyeapi and napalm through REST: how many connections they take, what they answer, what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.running_broker import RunningBroker

LINES = ["interface Ethernet1", "description over REST"]


@pytest.fixture
def switch(lab: SimulatorLab) -> Iterator[SimulatedDevice]:
    device = lab.add(name="eapi", platform="eos", http_port=0, https_port=0)
    yield device
    lab.remove(device)


def pyeapi(device: SimulatedDevice, **more: Any) -> dict[str, Any]:
    return {
        "transport": "http",
        "host": device.host,
        "port": device.http_port,
        "username": device.username,
        "password": device.password,
        "enable_password": device.secret,
        **more,
    }


def napalm(device: SimulatedDevice, **more: Any) -> dict[str, Any]:
    return {
        "device_type": "eos",
        "host": device.host,
        "port": device.http_port,
        "username": device.username,
        "password": device.password,
        "secret": device.secret,
        "optional_args": {"transport": "http"},
        **more,
    }


def finished(job: dict[str, Any]) -> dict[str, Any]:
    assert job["status"] == "finished", job
    result: dict[str, Any] = job["result"]
    return result


def test_300_pinned_pyeapi_jobs_take_one_connection(
    broker: RunningBroker, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    options = {"queue_strategy": "pinned"}
    for _ in range(300):
        job = broker.execute(pyeapi(switch), driver="pyeapi", command="show hostname", options=options)
        assert finished(job)["retval"] == {"show hostname": {"hostname": "eapi", "fqdn": "eapi.lab.example"}}
    counters = lab.counters(switch)
    print(f"pyeapi, pinned: 300 jobs, {counters.requests} requests, {counters.connections} connection")
    assert (counters.connections, counters.logins) == (1, 1)
    assert counters.requests == 301


def test_300_commands_of_one_fifo_job_take_one_connection(
    broker: RunningBroker, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    job = broker.execute(pyeapi(switch), driver="pyeapi", command=["show hostname"] * 300)
    assert len(finished(job)["outputs"]) == 300
    assert job["queue"].endswith("fifo")
    assert lab.counters(switch).connections == 1


def test_300_napalm_getters_take_one_connection(
    broker: RunningBroker, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    for _ in range(300):
        job = broker.execute(napalm(switch), driver="napalm", command="get_lldp_neighbors")
        assert finished(job)["retval"] == {"get_lldp_neighbors": {}}
    counters = lab.counters(switch)
    print(f"napalm eos, pinned: 300 jobs, {counters.requests} requests, {counters.connections} connection")
    assert (counters.connections, counters.logins) == (1, 1)


def test_changes_have_the_shapes_of_the_contract(
    broker: RunningBroker, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    dry = finished(broker.execute(pyeapi(switch), driver="pyeapi", config=LINES, options={"dry_run": True}))
    assert dry["changed"]
    assert "over REST" not in lab.running_config(switch)
    done = finished(broker.execute(pyeapi(switch), driver="pyeapi", config=LINES))
    assert done["diff"] == dry["diff"]
    assert done["retval"][:2] == [{}, {}]
    assert not done["saved"]
    merged = finished(broker.execute(napalm(switch), driver="napalm", config=["hostname by-napalm"]))
    assert merged["retval"] == [merged["diff"]]
    assert "+hostname by-napalm" in merged["diff"]


def test_bad_requests_are_refused_before_a_job_is_made(broker: RunningBroker, switch: SimulatedDevice) -> None:
    def refused(status: int, **body: Any) -> Any:
        answer = broker.client.post("/device/execute", json=body)
        assert answer.status_code == status, answer.text
        assert switch.password not in answer.text
        return answer.json()

    getter = {"driver": "napalm", "connection_args": napalm(switch)}
    assert "ping needs destination" in refused(422, **getter, command="ping")["message"]
    refused(422, **getter, command="ping", driver_args={"destination": "192.0.2.1", "count": "five"})
    assert "takes no vrf" in refused(422, **getter, command="get_facts", driver_args={"vrf": "red"})["message"]
    said = str(refused(422, driver="pyeapi", connection_args=pyeapi(switch, transport="socket"), command="show x"))
    assert "never the broker's worker" in said


def test_failures_name_the_phase_and_leave_the_session_usable(
    broker: RunningBroker, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    options = {"queue_strategy": "pinned"}
    login = pyeapi(switch)

    def failed(connection_args: dict[str, Any], command: str, **more: Any) -> dict[str, Any]:
        job = broker.execute(connection_args, driver="pyeapi", command=command, options=options, **more)
        assert job["status"] == "failed", job
        error: dict[str, Any] = job["result"]["error"]
        assert switch.password not in str(job)
        return error

    assert failed(login, "show nonsense")["device_output"].startswith("Invalid input")
    insisting = failed(login, "show clock", driver_args={"encoding": "json"})
    assert '"encoding": "text"' in insisting["message"]
    tls = login | {"transport": "https", "port": switch.https_port}
    error = failed(tls, "show version")
    assert (error["code"], error["phase"]) == ("certificate_untrusted", "connect")
    assert failed(login | {"password": "wrong-password-here"}, "show version")["phase"] == "auth"
    lab.set_faults(switch, tech_support_bytes=50_000_000)
    too_large = failed(login, "show tech-support", driver_args={"encoding": "text"})
    assert too_large["code"] == "output_too_large"
    after = broker.execute(login, driver="pyeapi", command="show hostname", options=options)
    assert finished(after)["session_reused"]


def test_connection_test(broker: RunningBroker, switch: SimulatedDevice) -> None:
    for driver, arguments in (("pyeapi", pyeapi(switch)), ("napalm", napalm(switch))):
        body = {"driver": driver, "connection_args": arguments}
        answer = broker.client.post("/device/test-connection", json=body).json()["data"]
        assert answer["success"], answer
        assert answer["device_info"]["vendor"] == "Arista"
