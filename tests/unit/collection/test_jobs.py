"""Submitting a job and waiting for its end, broken connections included."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.netpulse.broker.plugins.module_utils import _jobs
from ansible_collections.netpulse.broker.plugins.module_utils._broker_client import (
    BrokerClient,
    BrokerUnreachable,
    RequestRefused,
)
from ansible_collections.netpulse.broker.plugins.module_utils._jobs import (
    JobRunner,
    JobUnfinished,
    OutcomeUnknown,
    RunEnded,
    failure_of,
    outcome_unknown,
    succeeded,
)

from tests.unit.collection.contract_server import ContractServer, Reply, error, job, ok, output, refused

REQUEST = {"driver": "netmiko", "connection_args": {}, "command": ["show version"], "options": {"ttl": 9}}


@pytest.fixture
def client(server: ContractServer) -> Iterator[BrokerClient]:
    with BrokerClient(server.url) as client:
        yield client


def runner(client: BrokerClient, *, patience: float = 60, said: list[str] | None = None) -> JobRunner:
    heard: list[str] = [] if said is None else said
    return JobRunner(client, patience=patience, announce=heard.append)


def test_ended_job_comes_back_at_once_and_each_has_its_own_key(server: ContractServer, client: BrokerClient) -> None:
    server.script = [ok(job(), 201)]
    run = runner(client)
    assert run.run(REQUEST)["status"] == "finished"
    run.run(REQUEST)
    first, second = (body["options"] for body in server.bodies())
    assert first["ttl"] == 9
    assert first["wait"] == _jobs.WAIT
    assert first["idempotency_key"] != second["idempotency_key"]
    assert REQUEST["options"] == {"ttl": 9}


def test_job_that_takes_longer_than_one_request_is_asked_for_until_it_ends(
    server: ContractServer, client: BrokerClient
) -> None:
    server.script = [ok(job("queued"), 202), ok(job("started")), ok(job("finished"))]
    assert runner(client).run(REQUEST)["status"] == "finished"
    assert [one.path for one in server.seen] == ["/device/execute", "/job/job-1", "/job/job-1"]


def test_broken_connection_repeats_the_request_with_the_same_key(server: ContractServer, client: BrokerClient) -> None:
    said: list[str] = []
    server.script = [Reply(hang_up=True), refused(503, "restarting", "queue_unavailable", retryable=True), ok(job())]
    assert runner(client, said=said).run(REQUEST)["status"] == "finished"
    assert len({body["options"]["idempotency_key"] for body in server.bodies()}) == 1
    assert len(server.bodies()) == 3
    assert len(said) == 1
    assert said[0].endswith("asking again")


def test_broken_connection_while_waiting_is_survived_too(server: ContractServer, client: BrokerClient) -> None:
    server.script = [ok(job("started"), 202), Reply(hang_up=True), Reply(hang_up=True), ok(job())]
    assert runner(client).run(REQUEST)["status"] == "finished"
    assert len(server.bodies()) == 1


@pytest.mark.parametrize("status", [404, 502])
def test_proxy_that_answers_for_the_broker_while_waiting_is_survived_too(
    server: ContractServer, client: BrokerClient, status: int
) -> None:
    server.script = [ok(job("started"), 202), Reply(status, raw=b"<html>Sorry</html>"), ok(job())]
    assert runner(client).run(REQUEST)["status"] == "finished"
    assert len(server.bodies()) == 1


def test_proxy_that_gives_up_on_the_submission_is_asked_again_with_the_same_key(
    server: ContractServer, client: BrokerClient
) -> None:
    server.script = [Reply(504, raw=b"<html>Sorry</html>"), ok(job())]
    assert runner(client).run(REQUEST)["status"] == "finished"
    assert len(server.bodies()) == 2
    assert len({body["options"]["idempotency_key"] for body in server.bodies()}) == 1


def test_broker_that_stays_away_leaves_the_outcome_unknown(
    server: ContractServer, client: BrokerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_jobs, "SEARCH", 0.1)
    server.script = [Reply(hang_up=True)]
    with pytest.raises(OutcomeUnknown, match="check it before repeating"):
        runner(client).run(REQUEST)


def test_nothing_is_repeated_when_nothing_was_accepted(server: ContractServer, client: BrokerClient) -> None:
    server.script = [refused(503, "no node", "no_worker", retryable=True)]
    with pytest.raises(RequestRefused):
        runner(client).run(REQUEST)
    assert len(server.seen) == 1


def test_broker_that_was_never_there_is_not_waited_for() -> None:
    with socket.socket() as reserved:  # bound, not listening: connections to it are refused
        reserved.bind(("127.0.0.1", 0))
        said: list[str] = []
        with (
            BrokerClient(f"http://127.0.0.1:{reserved.getsockname()[1]}") as gone,
            pytest.raises(BrokerUnreachable),
        ):
            JobRunner(gone, patience=60, announce=said.append).run(REQUEST)
    assert said == []


def test_job_that_does_not_end_is_left_to_the_broker(server: ContractServer, client: BrokerClient) -> None:
    server.script = [ok(job("queued"), 202)]
    with pytest.raises(JobUnfinished, match="job job-1 is still queued") as raised:
        runner(client, patience=0).run(REQUEST)
    assert raised.value.job["id"] == "job-1"


def failed(code: str, phase: str, message: str, said: str = "", **changes: Any) -> dict[str, object]:
    result = {"type": 2, "error": error(code, phase, message, said), "outputs": [output("a", "b")]}
    return job("failed", result=result, **changes)


@pytest.mark.parametrize(
    ("code", "phase", "key"),
    [
        ("device_unreachable", "connect", "unreachable"),
        ("authentication_failed", "auth", "unreachable"),
        ("privilege_refused", "privilege", "failed"),
        ("command_refused", "execute", "failed"),
        ("job_expired", "queue", "failed"),
    ],
)
def test_phase_decides_between_unreachable_and_failed(code: str, phase: str, key: str) -> None:
    ended = failed(code, phase, "it went wrong", "% no\n")
    assert not succeeded(ended)
    failure = failure_of(ended, device="r1")
    assert {name for name in ("failed", "unreachable") if failure.get(name)} == {key}
    assert failure["msg"] == f"r1: {phase}: it went wrong; the device said: % no"
    assert failure["error"]["code"] == code


def test_lost_worker_says_that_the_outcome_is_unknown() -> None:
    ended = failed("worker_lost", "execute", "the worker died", outcome="unknown")
    assert outcome_unknown(ended)
    assert failure_of(ended, device="r1")["msg"] == "r1: outcome unknown, execute: the worker died"


def test_canceled_job_without_a_result_still_has_an_error() -> None:
    ended = {**job("canceled"), "result": None, "outcome": "failed"}
    assert failure_of(ended, device="r1")["error"]["code"] == "job_canceled"


@pytest.mark.parametrize(
    ("status", "stop_started", "canceled"),
    [("queued", False, True), ("started", True, True), ("started", False, False), ("finished", True, False)],
)
def test_job_of_a_run_that_is_gone(
    server: ContractServer, client: BrokerClient, status: str, stop_started: bool, canceled: bool
) -> None:
    """The first request still waits for its answer, so the job's id is not known here yet."""
    with BrokerClient(server.url) as other:
        running = runner(client)
        running._submitted = {**REQUEST, "options": {"idempotency_key": "one", "wait": 55}}
        server.script = [ok(job(status), 202), ok(["job-1"])]
        running.abandon(other, stop_started=stop_started)
    assert server.seen[0].body["options"] == {"idempotency_key": "one", "wait": 0}
    assert [(one.method, one.path) for one in server.seen[1:]] == ([("DELETE", "/job?id=job-1")] if canceled else [])
    with pytest.raises(RunEnded):
        running.run(REQUEST)
    with pytest.raises(RunEnded):
        running.pause(600)
