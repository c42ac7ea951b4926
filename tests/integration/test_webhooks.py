"""Webhooks from end to end: a whole broker, simulated devices, a receiver on the loopback."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator

import psutil
import pytest

from netpulse_broker.webhooks.signature import signature
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.real.waiting import wait_until
from tests.lab.running_broker import RunningBroker
from tests.lab.webhook_receiver import WebhookReceiver

SECRET = "webhook-signing-secret"
TOKEN = "path-with-a-t0ken"


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    settings = {
        "NETPULSE_WEBHOOKS__ALLOWED_NETWORKS": '["127.0.0.1/32"]',
        "NETPULSE_WEBHOOKS__BACK_OFF": "0.1",
        "NETPULSE_WEBHOOKS__ATTEMPTS": "3",
        "NETPULSE_FIFO__PROCESSES": "2",
    }
    with RunningBroker(settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


@pytest.fixture
def device(lab: SimulatorLab, request: pytest.FixtureRequest) -> SimulatedDevice:
    return lab.add(name=re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[-40:], platform="ios")


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running


def test_the_job_that_ended_is_told(broker: RunningBroker, device: SimulatedDevice, receiver: WebhookReceiver) -> None:
    webhook = {"url": f"{receiver.url}/{TOKEN}", "secret": SECRET, "headers": {"X-Site": "lab"}}
    job = broker.execute(device.netmiko(), command="show clock", options={"webhook": webhook})
    wait_until(lambda: receiver.received, what="the call", timeout=60)
    (got,) = receiver.received
    assert json.loads(got.body) == job
    assert got.headers["x-site"] == "lab"
    made = signature(
        SECRET, delivery=got.headers["webhook-id"], timestamp=int(got.headers["webhook-timestamp"]), body=got.body
    )
    assert got.headers["webhook-signature"] == made
    logged = wait_until(lambda: "webhook_delivered" in (text := logs(broker)) and text, what="the log", timeout=60)
    assert isinstance(logged, str)
    assert SECRET not in logged
    assert TOKEN not in logged


def logs(broker: RunningBroker) -> str:
    return "".join(path.read_text() for path in (broker.state_dir / "log").iterdir())


def test_a_failed_job_is_told_as_well(
    broker: RunningBroker, device: SimulatedDevice, receiver: WebhookReceiver
) -> None:
    job = broker.execute(device.netmiko(), command="show nothing", webhook={"url": receiver.url})
    assert job["status"] == "failed"
    wait_until(lambda: receiver.received, what="the call", timeout=60)
    assert json.loads(receiver.received[0].body)["result"]["error"]["code"] == "command_refused"


def test_attempts_end_in_a_dead_letter_that_can_be_sent_again(
    broker: RunningBroker, device: SimulatedDevice, receiver: WebhookReceiver
) -> None:
    receiver.answers = [500, 503, 404]
    job = broker.execute(device.netmiko(), command="show clock", webhook={"url": f"{receiver.url}/{TOKEN}"})
    (letter,) = wait_until(lambda: broker.get("/webhook/dead"), what="the dead letter", timeout=60)
    assert (letter["job"], letter["attempts"]) == (job["id"], 3)
    assert letter["error"] == "the receiver answered 404"
    assert TOKEN not in json.dumps(letter)
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1
    broker.post(f"/webhook/dead/{letter['id']}/retry", {})
    wait_until(lambda: len(receiver.received) == 4, what="the attempt asked for", timeout=60)
    assert json.loads(receiver.received[3].body)["id"] == job["id"]
    wait_until(lambda: broker.get("/webhook/dead") == [], what="an empty list", timeout=60)
    assert broker.client.post(f"/webhook/dead/{letter['id']}/retry").status_code == 404


def test_a_fifo_worker_killed_in_a_delivery(
    broker: RunningBroker, device: SimulatedDevice, receiver: WebhookReceiver
) -> None:
    """kill -9 while the receiver has the call in hand: another worker makes it again, under the same id."""
    receiver.gate.clear()
    broker.execute(device.netmiko(), command="show clock", webhook={"url": receiver.url, "timeout": 60})
    wait_until(lambda: receiver.received, what="the first call", timeout=60)
    (busy,) = [worker for worker in broker.get("/worker", queue="fifo") if worker["status"] == "busy"]
    psutil.Process(busy["pid"]).send_signal(signal.SIGKILL)
    wait_until(lambda: len(receiver.received) == 2, what="the second call", timeout=60)
    receiver.gate.set()
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    attempt = f"{first.headers['webhook-id']}.1"
    ended = wait_until(
        lambda: (job := broker.get(f"/job/{attempt}"))["status"] == "finished" and job, what="its end", timeout=60
    )
    assert ended["operation"] == "webhook"
    assert len(receiver.received) == 2


@pytest.mark.parametrize("host", ["169.254.169.254", "[::1]", "127.0.0.2"])
def test_targets_that_are_not_allowed(broker: RunningBroker, device: SimulatedDevice, host: str) -> None:
    answer = broker.client.post(
        "/device/execute",
        json={
            "driver": "netmiko",
            "connection_args": device.netmiko(),
            "command": "show clock",
            "webhook": {"url": f"http://{host}/"},
        },
    )
    assert answer.status_code == 400
    assert "in a denied network" in answer.json()["message"]
