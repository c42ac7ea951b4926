"""Metrics and events of a whole broker, as an operator's tools see them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from netpulse_lab import SimulatorLab
from tests.lab.real.waiting import wait_until
from tests.lab.running_broker import RunningBroker


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    with RunningBroker() as running:
        yield running


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


class Stream:
    """A reader of ``/events`` that knows the format's three fields."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.last_id = ""

    def next(self) -> tuple[str, dict[str, Any]]:
        kind, data = "", ""
        for line in self._lines:
            if not line and data:
                return kind, json.loads(data)
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data = value
        raise AssertionError("the stream ended")

    def until(self, **wanted: str) -> list[tuple[str, dict[str, Any]]]:
        """Events up to the one that has these fields."""
        seen = []
        while True:
            kind, data = self.next()
            seen.append((kind, data))
            if all(data.get(name) == value for name, value in wanted.items()):
                return seen


@contextmanager
def events(broker: RunningBroker, *, last_id: str = "", **query: str) -> Iterator[Stream]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with broker.client.stream("GET", "/events", params=query, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines).startswith("retry:")
        yield Stream(lines)


def metrics(broker: RunningBroker) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = broker.client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0.0)


def test_events_tell_a_jobs_life_and_go_on_where_they_were_left(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="events", platform="ios")
    with events(broker, kind="job") as stream:
        job = broker.execute(device.netmiko(), command="show clock")
        states = [data["state"] for _, data in stream.until(id=job["id"], state="finished") if data["id"] == job["id"]]
        assert states == ["queued", "started", "finished"]
        left_at = stream.last_id
    missed = broker.execute(device.netmiko(), command="show clock")
    with events(broker, last_id=left_at) as stream:
        found = stream.until(id=missed["id"], state="finished")
    assert [data["state"] for kind, data in found if kind == "job"] == ["queued", "started", "finished"]
    assert all(job["id"] != data["id"] for _, data in found)


def test_events_name_workers_and_sessions_and_never_contents(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="contents", platform="ios", privilege=15)
    login = device.netmiko()
    name = f"{login['host']}:{login['port']}"
    with events(broker, device=name) as stream:
        broker.execute(login, command="show clock")
        seen = stream.until(state="sessions")
        broker.client.delete("/worker", params={"host": name})
        seen += stream.until(kind="worker", state="ended")
    assert ("worker", "started") in {(kind, data["state"]) for kind, data in seen}
    assert all(data["device"] == name for _, data in seen)
    said = json.dumps([data for _, data in seen])
    for secret in ("show clock", str(login["password"]), str(login["username"])):
        assert secret not in said


def test_a_stream_needs_a_key_and_a_true_id(broker: RunningBroker) -> None:
    assert httpx.get(broker.url + "/events").status_code == 401
    assert httpx.get(broker.url + "/metrics").status_code == 401
    assert broker.client.get("/events", headers={"Last-Event-ID": "yesterday"}).status_code == 422
    assert broker.client.get("/events", params={"kind": "rumour"}).status_code == 422


def test_an_id_from_before_what_is_kept_is_told_of_the_gap(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="gap", platform="ios")
    broker.execute(device.netmiko(), command="show clock")
    with events(broker, last_id="1-1") as stream:  # nothing has been trimmed yet: no gap
        assert stream.next()[0] != "gap"


def test_metrics_count_what_has_happened(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="metrics", platform="ios")
    login = device.netmiko()

    def ended(figures: dict[Any, float]) -> float:
        return sum(number for (name, _), number in figures.items() if name == "netpulse_jobs_total")

    def all_are_counted() -> bool:
        jobs = broker.client.get("/job", params={"limit": 1000}).json()["data"]
        return ended(metrics(broker)) >= sum(1 for job in jobs if job["ended_at"])

    # A worker with several jobs hands over what it has added up when it rests.
    wait_until(all_are_counted, what="the jobs of other tests in the metrics", timeout=60)
    before = metrics(broker)
    broker.execute(login, command="show clock")
    broker.execute(login, command="show clock")
    refused = broker.execute(login, command="show nonsense")
    wrong = broker.execute(login | {"password": "wrong-for-sure"}, command="show clock")
    assert (refused["status"], wrong["result"]["error"]["phase"]) == ("failed", "auth")
    wait_until(lambda: ended(metrics(broker)) >= ended(before) + 4, what="four jobs in the metrics", timeout=60)
    after = metrics(broker)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    of = {"driver": "netmiko", "operation": "query"}
    assert grown("netpulse_jobs_total", **of, status="finished", outcome="ok") == 2
    assert grown("netpulse_jobs_total", **of, status="failed", outcome="failed") == 2
    assert grown("netpulse_job_errors_total", code="authentication_failed") == 1
    assert grown("netpulse_job_errors_total", code="command_refused") == 1
    assert grown("netpulse_job_duration_seconds_count", **of) == 4
    assert grown("netpulse_job_duration_seconds_bucket", **of, le="+Inf") == 4
    assert grown("netpulse_job_queue_seconds_count") == 4
    assert grown("netpulse_job_duration_seconds_sum", **of) > 0
    executed = {"method": "POST", "route": "/device/execute"}
    assert grown("netpulse_http_requests_total", **executed, status="201") == 4
    assert grown("netpulse_http_request_seconds_count", **executed) == 4
    assert value(after, "netpulse_nodes", kind="pinned", state="ready") == 1
    assert value(after, "netpulse_redis_up") == 1
    wait_until(
        lambda: value(metrics(broker), "netpulse_device_sessions", driver="netmiko") >= 1,
        what="the open session in the metrics",
        timeout=60,
    )
    hosts = {dict(labels).get("device") or dict(labels).get("host") for _, labels in after}
    assert hosts == {None}


def test_open_metrics_are_served_to_those_who_ask(broker: RunningBroker) -> None:
    answer = broker.client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_who_asks_for_no_version_that_there_is_gets_the_plain_format(broker: RunningBroker) -> None:
    answer = broker.client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=newest"})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain")


def test_a_wrong_method_is_told_all_that_the_path_has(broker: RunningBroker) -> None:
    answer = broker.client.post("/session/none/file")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")


def test_a_stopping_controller_ends_its_streams_in_good_order(lab: SimulatorLab) -> None:
    device = lab.add(name="stopping", platform="ios")
    with RunningBroker() as own, events(own) as stream:
        own.execute(device.netmiko(), command="show clock")
        stream.until(kind="job", state="finished")
        assert own.process is not None
        own.process.send_signal(signal.SIGTERM)
        with pytest.raises(AssertionError, match="the stream ended"):  # not a broken connection
            stream.until(state="nothing has this state")
        assert own.process.wait(timeout=90) == 0
