"""``max_age``: who asks the device, and who takes an answer that is there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.chaos.broker import PLUGINS
from tests.chaos.line_device import LineDevice
from tests.lab.running_broker import RunningBroker


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    with RunningBroker(settings={"NETPULSE_DRIVERS__PLUGIN_DIRS": str(PLUGINS)}) as running:
        yield running


@pytest.fixture
def device() -> Iterator[LineDevice]:
    with LineDevice() as found:
        yield found


def body(device: LineDevice, **more: Any) -> dict[str, Any]:
    options = {"wait": 60, "queue_strategy": "pinned"} | more.pop("options", {})
    return {"driver": "line", "connection_args": device.connection_args, "options": options} | more


def ask(broker: RunningBroker, device: LineDevice, command: str, **options: Any) -> Any:
    return broker.post("/device/execute", body(device, command=command, options=options))


def test_a_kept_answer_is_marked_and_a_change_outdates_it(broker: RunningBroker, device: LineDevice) -> None:
    first = ask(broker, device, "show", max_age=600)
    again = ask(broker, device, "show", max_age=600)
    assert first["result"].get("cached") is None
    assert (again["id"], again["result"]["cached"]) == (first["id"], True)
    assert again["result"]["age"] >= 0
    assert again["result"]["retval"] == {"show": "did show"}
    assert device.commands == ["show"]
    # Not asked for, another query, or an answer that is too old: the device is asked.
    ask(broker, device, "show")
    ask(broker, device, "show other", max_age=600)
    assert ask(broker, device, "show", max_age=0)["result"].get("cached") is None
    assert device.commands == ["show", "show", "show other", "show"]
    broker.post("/device/execute", body(device, config="set this"))
    assert ask(broker, device, "show", max_age=600)["result"].get("cached") is None
    assert device.commands[-2:] == ["set this", "show"]
    assert ask(broker, device, "show", max_age=600)["result"]["cached"] is True


def test_identical_queries_at_the_same_time_ask_the_device_once(broker: RunningBroker, device: LineDevice) -> None:
    with ThreadPoolExecutor(8) as pool:
        running = pool.submit(ask, broker, device, "hold", max_age=0)
        device.wait_for_command("hold")
        others = [pool.submit(ask, broker, device, "hold", max_age=0, wait=0) for _ in range(3)]
        ids = {other.result(timeout=30)["id"] for other in others}
        waiting = [pool.submit(ask, broker, device, "hold", max_age=0) for _ in range(3)]
        bulk = pool.submit(
            broker.post,
            "/device/bulk",
            body(device, command="hold", devices=[{"host": "127.0.0.1"}], options={"max_age": 0}),
        )
        device.release.set()
        first = running.result(timeout=60)
        jobs = [job.result(timeout=60) for job in waiting] + bulk.result(timeout=60)["succeeded"]
    assert ids == {first["id"]}
    assert first["status"] == "finished"
    joined = [job for job in jobs if job["id"] == first["id"]]
    assert all(job["result"]["cached"] is True for job in joined)
    # A request that came after the end made a job of its own; while the first ran, nobody did.
    assert len(device.commands) == 1 + len({job["id"] for job in jobs} - {first["id"]})


def test_nothing_is_shared_across_a_change_that_waits_or_runs(broker: RunningBroker, device: LineDevice) -> None:
    before = ask(broker, device, "show", max_age=600)
    change = broker.post("/device/execute", body(device, config="hold", options={"wait": 0}))
    device.wait_for_command("hold")
    after = ask(broker, device, "show", max_age=600, wait=0)
    device.release.set()
    assert after["id"] not in (before["id"], change["id"])
    assert ask(broker, device, "last")["status"] == "finished"
    assert device.commands == ["show", "hold", "show", "last"]


def test_another_login_shares_nothing(broker: RunningBroker, device: LineDevice) -> None:
    ask(broker, device, "show", max_age=600)
    wrong = device.connection_args | {"password": "not-this-one"}
    job = broker.post("/device/execute", body(device, command="show", connection_args=wrong, options={"max_age": 600}))
    assert (job["status"], job["result"]["error"]["code"]) == ("failed", "authentication_failed")


def test_it_says_what_it_goes_with(broker: RunningBroker, device: LineDevice) -> None:
    answer = broker.client.post("/device/execute", json=body(device, config="x", options={"max_age": 5}))
    assert answer.status_code == 400
    assert "max_age" in answer.json()["message"]
