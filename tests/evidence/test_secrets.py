"""No password anywhere, and no code for those who can write to Redis."""

from __future__ import annotations

import json
import pickle
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import redis

from netpulse_broker.embedded.paths import ServerPaths
from netpulse_broker.queueing.redis import keys
from netpulse_lab import SimulatorLab
from tests.lab.real.waiting import wait_until
from tests.lab.running_broker import RunningBroker

PASSWORD = "P4ssw0rd-of-the-device-7f3a"
SECRET = "S3cret-of-the-device-9c1d"
WRONG = "Wr0ng-password-of-a-user-52be"


def private_redis(broker: RunningBroker) -> redis.Redis:
    """The embedded server, as somebody who has broken into it."""
    paths = ServerPaths(broker.state_dir)
    return redis.Redis(unix_socket_path=str(paths.socket), password=paths.password.read_text().strip(), protocol=2)


def test_no_password_in_redis_logs_or_answers(broker: RunningBroker, lab: SimulatorLab) -> None:
    device = lab.add(name="secrets", platform="ios", password=PASSWORD, secret=SECRET)
    login = device.netmiko()
    answers: list[Any] = [
        broker.execute(login, command="show clock"),
        broker.execute(login, config=["interface Loopback1", "description x"], save=True),
        broker.execute(login, command="show running-config", enable_mode=True),
        broker.execute(login, command="no such command"),
        broker.execute(login, config=["no such line"]),
        broker.execute(login | {"password": WRONG}, command="show clock"),
        broker.execute(login | {"secret": WRONG}, command="show clock", enable_mode=True),
        broker.execute(login | {"port": 1}, command="show clock"),
        broker.client.post("/device/execute", json={"driver": "netmiko", "connection_args": login}).json(),
        broker.client.post("/device/execute", json={"driver": "netmiko", "connection_args": [PASSWORD]}).json(),
        broker.client.post("/device/execute", content=f'{{"password": "{PASSWORD}", '.encode()).json(),
        broker.post("/device/test-connection", {"driver": "netmiko", "connection_args": login}, expect=200),
        broker.get("/job", limit=1000),
        broker.get("/worker"),
        broker.get("/health"),
    ]
    said = json.dumps(answers)
    with private_redis(broker) as client:
        client.bgrewriteaof()
        wait_until(lambda: not client.info("persistence")["aof_rewrite_in_progress"], what="the rewrite", timeout=60)
        dump = b"".join(client.dump(key) or b"" for key in client.keys("*"))
    files = [path for path in broker.state_dir.rglob("*") if path.is_file()]
    assert any("appendonly" in str(path) for path in files)
    assert any(path.suffix == ".log" for path in files)
    for secret in (PASSWORD, SECRET, WRONG):
        assert secret not in said
        assert secret.encode() not in dump
        for path in files:
            assert secret.encode() not in path.read_bytes(), path


class Trap:
    """Unpickling it leaves a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, tuple[list[str]]]:
        return subprocess.check_call, (["touch", str(self._path)],)


@pytest.mark.parametrize("forgery", ["pickle", "function", "callback", "order"])
def test_a_forged_job_executes_nothing(broker: RunningBroker, lab: SimulatorLab, tmp_path: Path, forgery: str) -> None:
    """Written straight into Redis, into a live worker's queue."""
    device = lab.add(name=f"forged-{forgery}", platform="ios")
    broker.execute(device.netmiko(), command="show clock")
    name = f"{device.host}:{device.port}"
    trap = tmp_path / "executed"
    call = json.dumps(["os.system", None, [f"touch {trap}"], {}]).encode()
    stamp = "2026-01-01T00:00:00.000000Z"
    fields: dict[str, Any] = {
        "data": pickle.dumps(("subprocess.check_call", None, (Trap(trap),), {})) if forgery == "pickle" else call,
        "status": "queued",
        "seq": 999,
        "origin": f"device:{name}",
        "operation": "query" if forgery != "order" else "os.system",
        "created_at": stamp,
        "enqueued_at": stamp,
        "timeout": 60,
        "expires": time.time() + 300,
        "func_name": "os.system",
        "success_callback_name": "os.system",
        "failure_callback_name": "os.system",
        "stopped_callback_name": "os.system",
    }
    with private_redis(broker) as client:
        if forgery == "order":
            node = next(name.decode().rsplit(":", 1)[-1] for name in client.keys("np:node:*") if b"devices" not in name)
            client.rpush(keys.orders(node), call, pickle.dumps(Trap(trap)), '{"operation": "os.system"}')
        client.hset(keys.rq_job("forged"), mapping=fields)
        client.rpush(keys.rq_queue(f"device:{name}"), "forged")
        client.rpush(keys.wake(f"device:{name}"), "1")
        wait_until(lambda: client.hget(keys.rq_job("forged"), "status") == b"failed", what="the refusal", timeout=60)
        client.delete(keys.rq_job("forged"), keys.rq_results("forged"))
    assert broker.execute(device.netmiko(), command="show clock")["status"] == "finished"
    assert not trap.exists()
