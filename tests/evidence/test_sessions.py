"""Sessions that are dropped, freeze, or are left at a question."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from netpulse_lab import SimulatorLab
from tests.evidence.test_order_and_loss import device_of
from tests.lab.real import FrrLab
from tests.lab.real.waiting import wait_until
from tests.lab.running_broker import RunningBroker


def test_a_session_dropped_while_idle_costs_one_reconnect(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="dropped", platform="ios")
    for action in ("close", "rst"):
        broker.execute(device.netmiko(), command="show clock")
        before = lab.counters(device).logins
        lab.drop(device, action)  # type: ignore[arg-type]
        wait_until(lambda: lab.counters(device).open_sessions == 0, what="the device dropping its session", timeout=60)
        after = broker.execute(device.netmiko(), command="show clock")
        assert after["status"] == "finished", after
        assert lab.counters(device).logins == before + 1


def test_a_frozen_peer_is_noticed_by_keepalive(broker: RunningBroker, frr_lab: FrrLab) -> None:
    """SIGSTOP of the router's sshd: the session is dropped within the keepalive and its deadline."""
    router = frr_lab.routers[0]
    login = router.netmiko() | {"keepalive": 1}
    device = f"{router.host}:{router.port}"
    assert broker.execute(login, command="show version")["status"] == "finished"
    # A first keepalive must have been answered before silence means anything.
    wait_until(lambda: sessions(broker, device) == 1, what="a kept session", timeout=60)
    with frozen(frr_lab, router.name):
        wait_until(lambda: sessions(broker, device) == 0, what="the worker dropping the frozen session", timeout=60)
    after = broker.execute(login, command="show version")
    assert after["status"] == "finished"
    assert not after["session_reused"]


def sessions(broker: RunningBroker, device: str) -> int:
    """Sessions that the device's worker holds, as the API shows them."""
    return sum(worker["sessions"] for worker in broker.get("/worker", host=device))


@contextlib.contextmanager
def frozen(lab: FrrLab, name: str) -> Iterator[None]:
    lab.freeze(name)
    try:
        yield
    finally:
        lab.thaw(name)


def test_a_question_left_open_is_never_answered(broker: RunningBroker, lab: SimulatorLab) -> None:
    """`reload` asks for a RETURN; the command times out, and nothing that follows may type one."""
    device = lab.add(name="reload", platform="ios", privilege=15)
    broker.execute(device.netmiko(), command="show clock")
    job = broker.execute(device.netmiko(), command="reload", driver_args={"read_timeout": 1})
    assert job["status"] == "failed"
    assert job["result"]["error"]["code"] == "command_timeout"
    assert "confirm" in job["result"]["error"]["device_output"]
    after = broker.execute(device.netmiko(), command="show clock")
    assert after["status"] == "finished"
    assert not after["session_reused"]
    assert "reload" not in lab.event_names(device)
    of_first_session = [line for line in lab.log(device) if line.session == 1]
    assert of_first_session[-1].line == "reload", "something was typed after the question"


def test_the_device_with_old_algorithms_logs_in(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="old", platform="ios", ssh_profile="old_algorithms")
    tested = broker.post(
        "/device/test-connection", {"driver": "netmiko", "connection_args": device.netmiko()}, expect=200
    )
    assert tested["success"], tested
    assert tested["device_info"]["ssh"]["kex"] == "diffie-hellman-group14-sha1"
    assert broker.execute(device.netmiko(), command="show clock")["status"] == "finished"
    assert broker.get("/worker", host=device_of(device))
