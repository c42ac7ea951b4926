"""The REST API as a caller meets it: a controller, a node and a FIFO pool as processes of their own, a real Redis, and
a driver from a plug-in directory that answers without a device.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from netpulse_broker.models.device import BulkAnswer, ConnectionTest
from netpulse_broker.models.health import Health
from netpulse_broker.models.job import Job
from netpulse_broker.models.worker import Worker
from tests.lab.redis_server import RedisServer
from tests.lab.running_broker import DEVICES_HERE

API_KEY = "integration-api-key"
PASSWORD = "Pa55word-of-the-device"

PLUGIN = '''
import time

from netpulse_drivers import AuthenticationFailed, BaseDriver, ChangeResult, CommandRefused, Output


class PaperDriver(BaseDriver):
    """Answers with the command in capitals, after as many seconds as it asks for."""

    driver_name = "paper"

    def connect(self):
        if self.args.password is not None and self.args.password.get_secret_value() == "wrong":
            raise AuthenticationFailed("the device refused the password")
        return object()

    def send(self, session, command):
        verb, _, seconds = command.partition(" ")
        if verb == "sleep":
            while not self.call.deadline.passed and float(seconds) > 0:
                self.call.before_write()
                time.sleep(0.02)
                seconds = float(seconds) - 0.02
        if verb == "refuse":
            raise CommandRefused("the device refused 'refuse'", device_output="% Invalid input")
        return command.upper()

    def config(self, session, change):
        return ChangeResult(outputs=[Output(line, "") for line in change.lines], changed=True, applied=change.lines)

    def disconnect(self, session):
        pass

    def device_info(self, session):
        return {"prompt": "paper#"}


__all__ = [PaperDriver]
'''

BROKEN_PLUGIN = "import a_module_that_does_not_exist"


@dataclass
class Roles:
    """Roles of the broker as processes, each logging into a file."""

    directory: Path
    redis: RedisServer
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, role: str, **settings: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NETPULSE_")}
        environment |= {
            "NETPULSE_REDIS__URL": self.redis.url,
            "NETPULSE_API_KEY": API_KEY,
            "NETPULSE_SECURITY__MASTER_KEY": base64.urlsafe_b64encode(b"m" * 32).decode(),
            "NETPULSE_STATE_DIR": str(self.directory / "state"),
            "NETPULSE_DRIVERS__PLUGIN_DIRS": str(self.directory / "plugins"),
            "NETPULSE_CONTROLLER__PORT": "0",
            "NETPULSE_NODE__NAME": "node-1",
            "NETPULSE_FIFO__NAME": "pool-1",
            "NETPULSE_FIFO__PROCESSES": "1",
            "NETPULSE_LOG__LEVEL": "debug",
        }
        environment |= DEVICES_HERE | settings
        with self.log(role).open("wb") as output:
            self.processes[role] = subprocess.Popen(
                [sys.executable, "-m", "netpulse_broker.cli", role], env=environment, stdout=output, stderr=output
            )

    def log(self, role: str) -> Path:
        return self.directory / f"{role}.log"

    def stop(self, role: str, number: signal.Signals = signal.SIGTERM) -> int:
        process = self.processes.pop(role)
        process.send_signal(number)
        return process.wait(timeout=60)

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for role in list(self.processes):
            self.stop(role)

    def address(self) -> str:
        """Where the controller listens, from its own words."""

        def told() -> str | None:
            for line in self.log("controller").read_text().splitlines():
                event = json.loads(line)
                if event["event"] == "listening":
                    return f"{'https' if event['tls'] else 'http'}://127.0.0.1:{event['port']}"
            assert self.processes["controller"].poll() is None, self.log("controller").read_text()
            return None

        return until(told)


def until(condition: Callable[[], Any], *, within: float = 60.0) -> Any:
    """Wait for something to become true and return it."""
    end = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {within} s"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roles]:
    directory = tmp_path_factory.mktemp("rest")
    for name, text in {"paper": PLUGIN, "broken": BROKEN_PLUGIN}.items():
        package = directory / "plugins" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(text)
    with RedisServer(aof=False) as server:
        made = Roles(directory, server)
        for role in ("controller", "node", "fifo"):
            made.start(role)
        try:
            yield made
        finally:
            made.stop_all()


@pytest.fixture(scope="module")
def client(roles: Roles) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=roles.address(), headers={"X-API-KEY": API_KEY}, timeout=60) as made:
        until(lambda: made.get("/health/ready").status_code == 200)
        until(lambda: made.get("/health").json()["data"]["nodes"]["fifo"] == 1)
        yield made


def everything_in(client: redis.Redis, key: bytes) -> Any:
    """The whole value of a key, whatever its type."""
    read: dict[bytes, Callable[[], Any]] = {
        b"string": lambda: client.get(key),
        b"hash": lambda: client.hgetall(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
        b"stream": lambda: client.xrange(key),
        b"none": lambda: None,  # it expired in between
    }
    return read[client.type(key)]()


def request(host: str, **more: Any) -> dict[str, Any]:
    connection = {"host": host, "username": "admin", "password": PASSWORD}
    made = {"driver": "paper", "connection_args": connection, "command": "show clock"} | more
    return {name: value for name, value in made.items() if value is not None}


def test_a_query_runs_on_the_device_s_worker_and_the_second_reuses_its_session(client: httpx.Client) -> None:
    jobs = []
    for _ in range(2):
        answer = client.post("/device/execute", json=request("sw1", wait=20))
        assert answer.status_code == 201, answer.text
        jobs.append(answer.json()["data"])
        Job.model_validate(jobs[-1])
    assert [(job["status"], job["outcome"], job["seq"]) for job in jobs] == [
        ("finished", "ok", 1),
        ("finished", "ok", 2),
    ]
    assert [job["session_reused"] for job in jobs] == [False, True]
    assert jobs[0]["result"]["retval"] == {"show clock": "SHOW CLOCK"}
    assert jobs[0]["worker"] == jobs[1]["worker"]
    read = client.get(f"/job/{jobs[1]['id']}").json()["data"]
    assert read["result"] == jobs[1]["result"]


def test_without_wait_the_job_is_there_to_be_asked_for(client: httpx.Client) -> None:
    job = client.post("/device/execute", json=request("sw2")).json()["data"]
    assert job["status"] == "queued"
    ended = until(lambda: (found := client.get(f"/job/{job['id']}").json()["data"])["ended_at"] and found)
    assert (ended["status"], ended["result"]["type"]) == ("finished", 1)
    assert client.get("/job", params={"host": "sw2"}).json()["data"][0]["id"] == job["id"]


def test_a_change(client: httpx.Client) -> None:
    answer = client.post("/device/execute", json=request("sw3", command=None, config="vlan 1\n name a", wait=20))
    result = answer.json()["data"]["result"]
    assert (result["changed"], result["applied"]) == (True, ["vlan 1", " name a"])


def test_a_refused_command_is_a_failed_job_that_keeps_what_was_completed(client: httpx.Client) -> None:
    answer = client.post("/device/execute", json=request("sw4", command=["show a", "refuse", "show b"], wait=20))
    assert answer.status_code == 201
    job = answer.json()["data"]
    Job.model_validate(job)
    assert (job["status"], job["outcome"], job["result"]["type"]) == ("failed", "failed", 2)
    assert job["result"]["error"]["code"] == "command_refused"
    assert job["result"]["error"]["device_output"] == "% Invalid input"
    assert job["result"]["retval"]["show a"] == "SHOW A"
    assert "show b" not in job["result"]["retval"]


def test_a_wait_that_runs_out_and_a_stop_of_the_running_job(client: httpx.Client) -> None:
    answer = client.post("/device/execute", json=request("sw5", command="sleep 55", wait=0.5))
    assert answer.status_code == 202
    job = answer.json()["data"]
    until(lambda: client.get(f"/job/{job['id']}").json()["data"]["status"] == "started")
    stopped = client.delete("/job", params={"id": job["id"]})
    assert stopped.json()["data"] == [job["id"]], stopped.text
    ended = client.get(f"/job/{job['id']}").json()["data"]
    Job.model_validate(ended)
    assert (ended["status"], ended["result"]["type"]) == ("stopped", 3)
    again = client.delete("/job", params={"id": job["id"]})
    assert (again.status_code, again.json()["data"]["error"]) == (409, "conflict")


def test_queued_jobs_are_cancelled_by_host(client: httpx.Client) -> None:
    running = client.post("/device/execute", json=request("sw6", command="sleep 55", wait=0.2)).json()["data"]
    queued = [client.post("/device/execute", json=request("sw6")).json()["data"]["id"] for _ in range(2)]
    ended = set(client.delete("/job", params={"host": "sw6"}).json()["data"])
    assert ended == {running["id"], *queued}
    found = client.get(f"/job/{queued[0]}").json()["data"]
    assert (found["status"], found["result"]["error"]["code"]) == ("canceled", "job_canceled")


def test_bulk(client: httpx.Client) -> None:
    devices = [{"host": f"bulk{number}"} for number in range(5)] + [{"port": 1}]
    body = {"driver": "paper", "connection_args": {"password": PASSWORD}, "devices": devices, "command": "show x"}
    answer = client.post("/device/bulk", json=body | {"wait": 30})
    assert answer.status_code == 201, answer.text
    data = answer.json()["data"]
    BulkAnswer.model_validate(data)
    assert [job["host"] for job in data["succeeded"]] == [f"bulk{number}" for number in range(5)]
    assert {job["status"] for job in data["succeeded"]} == {"finished"}
    assert [failure["index"] for failure in data["failed"]] == [5]


def test_connection_tests(client: httpx.Client) -> None:
    body = {"driver": "paper", "connection_args": {"host": "sw7", "password": PASSWORD}}
    found = client.post("/device/test-connection", json=body).json()["data"]
    ConnectionTest.model_validate(found)
    assert (found["success"], found["device_info"], found["error_message"]) == (True, {"prompt": "paper#"}, None)
    assert found["connection_time"] >= 0
    body["connection_args"] = {"host": "sw7", "password": "wrong"}
    found = client.post("/device/test", json=body).json()["data"]
    assert (found["success"], found["error"]["phase"]) == (False, "auth")
    assert found["error_message"] == "the device refused the password"


def test_idempotency_keys(client: httpx.Client) -> None:
    first = client.post("/device/execute", json=request("sw8", idempotency_key="one", wait=20)).json()["data"]
    again = client.post("/device/execute", json=request("sw8", idempotency_key="one", wait=20)).json()["data"]
    assert again["id"] == first["id"]
    assert again["status"] == "finished"
    other = client.post("/device/execute", json=request("sw8", idempotency_key="one", command="show other"))
    assert (other.status_code, other.json()["data"]["error"]) == (409, "idempotency_conflict")


def test_paging(client: httpx.Client) -> None:
    ids = [client.post("/device/execute", json=request("sw9", wait=20)).json()["data"]["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while len(seen) < 5:
        query = {"host": "sw9", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = client.get("/job", params=query).json()
        assert len(page["data"]) <= 2
        seen += [job["id"] for job in page["data"]]
        cursor = page["next_cursor"]
    assert seen == ids[::-1]
    assert client.get("/job", params={"cursor": "nonsense"}).status_code == 400


def test_workers_are_listed_and_stopped(client: httpx.Client) -> None:
    client.post("/device/execute", json=request("sw10", wait=20))
    # The worker tells of its session once the job's answer is out.
    until(lambda: client.get("/worker", params={"host": "sw10"}).json()["data"][0]["sessions"] == 1)
    (worker,) = client.get("/worker", params={"host": "sw10"}).json()["data"]
    Worker.model_validate(worker)
    assert (worker["kind"], worker["node"], worker["device"], worker["sessions"]) == ("pinned", "node-1", "sw10", 1)
    assert client.delete("/worker", params={"host": "sw10"}).json()["data"] == [worker["name"]]
    until(lambda: client.get("/worker", params={"host": "sw10"}).json()["data"] == [])
    assert client.delete("/worker", params={"host": "sw10"}).status_code == 404
    answer = client.post("/device/execute", json=request("sw10", wait=20)).json()["data"]
    assert (answer["status"], answer["session_reused"]) == ("finished", False)


def test_health_names_the_broken_plug_in(client: httpx.Client) -> None:
    health = client.get("/health").json()["data"]
    Health.model_validate(health)
    assert health["status"] == "degraded"
    assert "paper" in health["drivers"]["known"]
    (failed,) = health["drivers"]["failed"]
    assert failed["source"].endswith("plugins/broken")
    assert "a_module_that_does_not_exist" in failed["message"]


def test_a_body_of_10_mb_is_refused_and_the_connection_lives_on(client: httpx.Client) -> None:
    answer = client.post("/device/execute", json=request("sw11", command="x" * 10_000_000))
    assert (answer.status_code, answer.json()["data"]["error"]) == (413, "too_large")
    assert client.get("/job", params={"limit": 1}).status_code == 200


def test_a_body_that_streams_past_the_limit_is_refused(client: httpx.Client) -> None:
    chunks = (b" " * 65536 for _ in range(160))
    answer = client.post("/device/execute", content=chunks, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["data"]["error"]) == (413, "too_large")


def test_many_callers_wait_at_once(client: httpx.Client) -> None:
    answers: list[int] = []

    def call(number: int) -> None:
        answers.append(
            httpx.post(
                f"{client.base_url}/device/execute",
                json=request(f"many{number % 4}", wait=30),
                headers={"X-API-KEY": API_KEY},
                timeout=30,
            ).json()["data"]["result"]["type"]
        )

    threads = [threading.Thread(target=call, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [1] * 24


def test_a_caller_who_leaves_does_not_cancel_the_job(client: httpx.Client) -> None:
    url = httpx.URL(client.base_url)
    content = json.dumps(request("sw12", command="sleep 1.5", wait=60)).encode()
    with socket.create_connection((url.host, url.port or 0)) as connection:
        connection.sendall(
            f"POST /device/execute HTTP/1.1\r\nHost: x\r\nX-API-KEY: {API_KEY}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        until(lambda: client.get("/health").json()["data"]["waiting"] == 1)
        (job,) = until(lambda: client.get("/job", params={"host": "sw12", "status": "started"}).json()["data"])
    until(lambda: client.get("/health").json()["data"]["waiting"] == 0)
    assert client.get(f"/job/{job['id']}").json()["data"]["status"] == "started", "the wait ended before the job"
    ended = until(lambda: (found := client.get(f"/job/{job['id']}").json()["data"])["ended_at"] and found)
    assert ended["status"] == "finished"


def test_no_password_is_left_in_logs_or_in_redis(client: httpx.Client, roles: Roles) -> None:
    client.post("/device/execute", json=request("sw13", wait=20))
    client.post("/device/execute", json=request("sw13", port="x"))
    for role in ("controller", "node", "fifo"):
        assert PASSWORD not in roles.log(role).read_text()
        assert API_KEY not in roles.log(role).read_text()
    with roles.redis.client() as stored:
        keys = list(stored.scan_iter(count=1000))
        assert len(keys) > 10
        for key in keys:
            content = repr(everything_in(stored, key))
            assert PASSWORD not in content
            assert API_KEY not in content


def test_every_line_of_the_controller_s_output_is_a_structured_event(roles: Roles, client: httpx.Client) -> None:
    client.get("/health")
    events = [json.loads(line) for line in roles.log("controller").read_text().splitlines()]
    assert all({"event", "level", "timestamp", "role"} <= set(event) for event in events)
    assert [event["event"] for event in events].count("ready") == 1


def test_no_worker_is_a_503(roles: Roles, client: httpx.Client) -> None:
    client.post("/device/execute", json=request("sw14", wait=20))
    assert roles.stop("node") == 0
    answer = client.post("/device/execute", json=request("sw15", wait=20))
    assert (answer.status_code, answer.json()["data"]["error"]) == (503, "no_worker")
    assert int(answer.headers["retry-after"]) >= 1
    assert client.get("/health/ready").status_code == 503
    roles.start("node")
    until(lambda: client.get("/health/ready").status_code == 200)
    assert client.post("/device/execute", json=request("sw15", wait=20)).status_code == 201


def test_sigterm_ends_waits_with_the_job_as_it_stands_and_exits_with_0(roles: Roles, client: httpx.Client) -> None:
    answers: list[httpx.Response] = []

    def call() -> None:
        answers.append(
            httpx.post(
                f"{client.base_url}/device/execute",
                json=request("sw16", command="sleep 55", wait=600),
                headers={"X-API-KEY": API_KEY},
                timeout=60,
            )
        )

    caller = threading.Thread(target=call)
    caller.start()
    (job,) = until(lambda: client.get("/job", params={"host": "sw16", "status": "started"}).json()["data"])
    assert roles.stop("controller") == 0
    caller.join(60)
    assert answers[0].status_code == 202
    assert (answers[0].json()["data"]["id"], answers[0].json()["data"]["status"]) == (job["id"], "started")
    roles.start("controller")
    with httpx.Client(base_url=roles.address(), headers={"X-API-KEY": API_KEY}, timeout=60) as other:
        until(lambda: other.get("/health/ready").status_code == 200)
        assert other.delete("/job", params={"id": job["id"]}).json()["data"] == [job["id"]]
