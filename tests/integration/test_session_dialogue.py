"""Interactive sessions as a caller sees them, through a whole broker."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
def device(lab: SimulatorLab, request: pytest.FixtureRequest) -> Iterator[SimulatedDevice]:
    """A device of this test alone."""
    device = lab.add(name=f"d-{secrets.token_hex(3)}", platform="ios", privilege=getattr(request, "param", 1))
    yield device
    lab.remove(device)


def privilege_of_next_job(broker: RunningBroker, device: SimulatedDevice) -> str:
    job = broker.execute(connection_args(device), command="show privilege")
    assert job["status"] == "finished", job
    text: str = job["result"]["retval"]["show privilege"]
    return text


def test_dialogue_in_exec_and_config_mode(broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice) -> None:
    caller = Caller(broker, device)
    assert caller.opened["fresh"] is True
    assert caller.opened["privilege"] == 1
    assert unb64(caller.opened["prompt"]).endswith(b">")
    caller.enable(device)
    caller.do(b"configure terminal")
    done = caller.do(b"hostname renamed")
    assert done["error"] is None
    assert unb64(done["matched_prompt"]) == b"\nrenamed(config)#"
    refused = caller.do(b"nonsense here")
    assert refused["error"]["code"] == "stderr_match"
    assert b"% Invalid input" in unb64(refused["error"]["response"])
    assert refused["lease_open"] is True
    caller.do(b"end")
    shown = caller.do(b"show privilege")
    assert unb64(shown["response"]) == b"show privilege\r\nCurrent privilege level is 15\r\nrenamed#"
    caller.release()
    assert lab.counters(device).logins == 1
    assert privilege_of_next_job(broker, device) == "Current privilege level is 1"
    assert lab.counters(device).logins == 1


def test_a_session_that_a_job_opened_is_fresh_for_its_first_session(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    """Its terminal is not yet set up as the caller's platform wants it."""
    privilege_of_next_job(broker, device)
    for fresh in (True, False):
        caller = Caller(broker, device)
        assert caller.opened["fresh"] is fresh
        caller.release()
    assert lab.counters(device).logins == 1


@pytest.mark.parametrize("left_in", [b"configure terminal", b"interface Loopback0"])
def test_mode_and_privilege_left_behind_are_not_the_next_jobs(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice, left_in: bytes
) -> None:
    caller = Caller(broker, device)
    caller.enable(device)
    caller.do(b"configure terminal")
    if left_in != b"configure terminal":
        caller.do(left_in)
    caller.release()
    assert privilege_of_next_job(broker, device) == "Current privilege level is 1"
    again = Caller(broker, device)
    assert again.opened["fresh"] is False
    assert unb64(again.opened["prompt"]).endswith(b">")
    again.release()
    assert lab.counters(device).logins == 1


@pytest.mark.parametrize("device", [15], indirect=True)
def test_who_logs_in_at_15_is_never_disabled(broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice) -> None:
    caller = Caller(broker, device)
    assert caller.opened["privilege"] == 15
    caller.do(b"configure terminal")
    caller.release()
    assert privilege_of_next_job(broker, device) == "Current privilege level is 15"
    assert "disable" not in lab.commands(device)


@pytest.mark.parametrize("device", [15], indirect=True)
def test_session_whose_privilege_was_given_up_is_closed(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device)
    caller.do(b"disable")
    caller.release()
    assert privilege_of_next_job(broker, device) == "Current privilege level is 15"
    assert lab.counters(device).logins == 2
    assert "enable" not in lab.commands(device)


def test_repeated_number_gets_the_stored_answer(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device)
    first = caller.ask(exchange(1, b"show clock"))
    assert caller.ask(exchange(1, b"show clock")) == first
    assert lab.commands(device).count("show clock") == 1
    assert caller.ask(exchange(3, b"show clock"), expect=409)["data"]["error"] == "exchange_order"
    caller.ask(exchange(2, b"show privilege"))
    caller.release()
    # For a while after the end the answers are still there, and nothing else.
    assert caller.ask(exchange(1, b"show clock")) == first
    ended = caller.ask(exchange(3, b"show clock"), expect=404)
    assert ended["data"]["error"] == "unknown_session"
    assert "released" in ended["message"]
    caller.release()


def test_open_question_is_never_answered(broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice) -> None:
    caller = Caller(broker, device)
    caller.enable(device)
    timed_out = caller.do(b"reload", timeout=0.3)
    assert timed_out["error"]["code"] == "command_timeout"
    assert b"[confirm]" in unb64(timed_out["response"])
    assert timed_out["lease_open"] is False
    wait_until(lambda: caller.heartbeat() == 404, why="the interactive session has ended")
    assert privilege_of_next_job(broker, device) == "Current privilege level is 1"
    assert "reload" not in lab.event_names(device)
    assert lab.counters(device).logins == 2


def test_question_left_open_by_the_caller_closes_the_session(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device)
    caller.enable(device)
    caller.do(b"reload", sendonly=True)
    caller.release()
    assert privilege_of_next_job(broker, device) == "Current privilege level is 1"
    assert "reload" not in lab.event_names(device)
    assert lab.counters(device).logins == 2


def test_sendonly_and_reading_afterwards(broker: RunningBroker, device: SimulatedDevice) -> None:
    caller = Caller(broker, device)
    sent = caller.do(b"show privilege", sendonly=True)
    assert sent["response"] == ""
    read = caller.do(None)
    assert unb64(read["response"]).endswith(b"Current privilege level is 1\r\n" + unb64(caller.opened["prompt"]))
    standing = caller.do(None)
    assert unb64(standing["response"]) == unb64(caller.opened["prompt"])
    caller.release()


def test_first_exchange_comes_with_the_request(broker: RunningBroker, device: SimulatedDevice) -> None:
    body = {"connection_args": connection_args(device), "exchange": exchange(1, b"show privilege")}
    opened = broker.post("/session", body)
    assert b"level is 1\r\n" in unb64(opened["exchange"]["response"])
    answer = broker.client.post(f"/session/{opened['id']}/exchange", json=exchange(1, b"show privilege"))
    assert answer.json()["data"] == opened["exchange"]
    broker.client.delete(f"/session/{opened['id']}")


def test_messages_between_exchanges_do_not_disturb(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device)
    lab.announce(device, "%LINK-3-UPDOWN: Interface Ethernet0, changed state to down")
    shown = caller.do(b"show privilege")
    assert shown["error"] is None
    assert unb64(shown["response"]).startswith(b"show privilege\r\nCurrent privilege level is 1")
    caller.release()


def test_exclusive_and_in_order_with_jobs(broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice) -> None:
    caller = Caller(broker, device)

    def job(number: int) -> str:
        done = broker.execute(connection_args(device), command=f"show privilege | include {number}")
        assert done["status"] == "finished"
        return str(done["started_at"])

    with ThreadPoolExecutor(4) as threads:
        before = broker.post(
            "/device/execute",
            {"driver": "netmiko", "connection_args": connection_args(device), "command": "show clock"},
        )
        second = threads.submit(Caller, broker, device)
        wait_until(
            lambda: len(broker.get("/session", host=f"{device.host}:{device.port}")) == 2, why="second is queued"
        )
        after = threads.submit(job, 1)
        for _ in range(20):
            caller.do(b"show privilege")
        assert broker.get(f"/job/{before['id']}")["status"] == "queued"
        states = [entry["state"] for entry in broker.get("/session", host=f"{device.host}:{device.port}")]
        assert states == ["open", "queued"]
        caller.release()
        other = second.result(60)
        assert broker.get(f"/job/{before['id']}")["status"] == "finished"
        assert not after.done()
        other.do(b"show version")
        other.release()
        after.result(60)
    order = [line for line in lab.commands(device) if line in {"show clock", "show version"} or "| include" in line]
    assert order == ["show clock", "show version", "show privilege | include 1"]
    assert lab.counters(device).logins == 1


def test_device_that_stays_busy_is_a_504_and_nothing_stays_queued(
    broker: RunningBroker, device: SimulatedDevice
) -> None:
    caller = Caller(broker, device)
    answer = broker.client.post("/session", json={"connection_args": connection_args(device), "options": {"wait": 0.3}})
    assert (answer.status_code, answer.json()["data"]["error"]) == (504, "wait_timed_out")
    where = f"{device.host}:{device.port}"
    wait_until(lambda: len(broker.get("/session", host=where)) == 1, why="the request was taken back")
    caller.release()


def test_failed_login_tells_why(broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice) -> None:
    wrong = connection_args(device, password="not-this")
    answer = broker.client.post("/session", json={"connection_args": wrong})
    assert answer.status_code == 502
    assert answer.json()["data"]["error"] == "authentication_failed"
    assert answer.json()["data"]["phase"] == "auth"
    nowhere = connection_args(device, port=1)
    answer = broker.client.post("/session", json={"connection_args": nowhere})
    assert (answer.status_code, answer.json()["data"]["error"]) == (502, "device_unreachable")


def test_requests_that_make_no_sense(broker: RunningBroker, device: SimulatedDevice) -> None:
    args = connection_args(device)
    for body, status in (
        ({"connection_args": args, "driver": "nonesuch"}, 422),
        ({"connection_args": args, "exchange": exchange(2, b"show clock")}, 400),
        ({"connection_args": args, "exchange": exchange(1, b"x", stdout_re=[[b64(b"(open"), 0]])}, 422),
        ({"connection_args": args | {"device_type": "cisco_nonesuch"}}, 422),
        ({"connection_args": args, "options": {"max_hold": 100_000}}, 422),
    ):
        answer = broker.client.post("/session", json=body)
        assert answer.status_code == status, answer.text
        assert device.password not in answer.text
    assert broker.client.post("/session/nonesuch/heartbeat").status_code == 404
    assert broker.client.delete("/session/nonesuch").status_code == 404
    assert broker.client.post("/session/reset", json={}).status_code == 400


def test_reset_closes_the_kept_session(broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice) -> None:
    Caller(broker, device).release()
    assert broker.post("/session/reset", {"connection_args": connection_args(device)}, expect=200)["closed"] == 1
    wait_until(lambda: lab.counters(device).open_sessions == 0, why="the session is closed")
    Caller(broker, device).release()
    assert lab.counters(device).logins == 2
    where = f"{device.host}:{device.port}"
    assert broker.post("/session/reset", {"device": where}, expect=200) == {"device": where, "closed": 1}
    assert broker.post("/session/reset", {"connection_args": connection_args(device)}, expect=200)["closed"] == 0
    assert lab.counters(device).logins == 2
