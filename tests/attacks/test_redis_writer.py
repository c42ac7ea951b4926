"""Somebody who has come to write to Redis: what stands there is data, and none of it is believed."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.running_broker import RunningBroker


def test_what_the_broker_did_not_write_breaks_no_listing(
    broker: RunningBroker, store: redis.Redis, login: dict[str, Any]
) -> None:
    job = broker.execute(login, command="show clock")
    store.set("rq:job:text", "x")
    store.hset("rq:job:odd", mapping={"seq": "one", "status": "queued", "created_at": "yesterday"})
    store.hset("np:node:ghost", mapping={"kind": "pinned", "capacity": "many"})
    store.sadd("np:nodes", "ghost")
    store.hset("np:session:odd", mapping={"state": "ajar"})
    store.hset("np:webhook:odd", mapping={"job": "j"})
    store.hset(f"np:commits:{job['device']}", mapping={"odd": "{", "odder": '{"state": "perhaps"}'})
    for index in ("np:jobs", f"np:jobs:{job['device']}", "np:sessions", "np:webhooks:dead"):
        store.zadd(index, {b"\xff\xfe": 2e12, b"text": 1.0, b"odd": 2.0, b"": 3.0, b"max": float("inf")})
    try:
        assert job["id"] in [found["id"] for found in broker.get("/job", limit=1000)]
        assert [found["id"] for found in broker.get("/job", device=job["device"])] == [job["id"]]
        paths = (
            "/job",
            "/session",
            "/webhook/dead",
            "/node",
            "/worker",
            "/health",
            "/metrics",
            f"/device/{job['device']}",
        )
        answers = {path: broker.client.get(path) for path in paths}
        assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 200)
        for path in ("/job/odd", "/job/text"):
            assert broker.client.get(path).status_code == 404
        assert broker.execute(login, command="show clock")["status"] == "finished"
    finally:
        store.srem("np:nodes", "ghost")
        store.delete("np:node:ghost")


def test_a_job_that_a_worker_has_executed_is_not_executed_again(
    broker: RunningBroker, store: redis.Redis, lab: SimulatorLab, device: SimulatedDevice, login: dict[str, Any]
) -> None:
    """Put back into the queue, as it was, with everything that says it was done taken away."""
    job = broker.execute(login, config=["hostname replayed"], wait=0, options={"ttl": 3600})
    before: Any = store.hgetall(f"rq:job:{job['id']}")  # sealed arguments included
    done = broker.execute(login, command="show clock")  # behind it, in the device's order
    assert done["status"] == "finished"
    sent = lab.commands(device).count("hostname replayed")
    assert sent == 1
    store.delete(f"np:executed:{job['id']}", f"rq:results:{job['id']}", f"rq:job:{job['id']}")
    store.hset(f"rq:job:{job['id']}", mapping=before | {b"status": b"queued", b"due": b"9999999999999"})
    store.rpush(f"rq:queue:device:{job['device']}", job["id"])
    assert broker.execute(login, command="show clock")["status"] == "finished"  # behind the replayed one
    assert lab.commands(device).count("hostname replayed") == sent
    assert broker.get(f"/job/{job['id']}")["status"] in ("failed", "finished")


@pytest.mark.parametrize(
    ("setting", "word"),
    [("maxmemory", "maxmemory"), ("min-replicas-to-write", "replicas")],
    ids=["memory_full", "no_replica"],
)
def test_a_redis_that_takes_no_writes_is_told_and_loses_nothing(
    broker: RunningBroker, store: redis.Redis, login: dict[str, Any], setting: str, word: str
) -> None:
    device = broker.execute(login, command="show clock")["device"]
    broker.post("/device/pause", {"device": device}, expect=200)
    accepted = [broker.execute(login, command="show clock", wait=0)["id"] for _ in range(3)]
    body = {"driver": "netmiko", "connection_args": login, "command": "show clock"}
    store.config_set(setting, "1")
    try:
        for path, request in (
            ("/device/execute", body),
            ("/device/execute", body | {"options": {"wait": 5}}),
            ("/session", {"connection_args": login}),
        ):
            refused = broker.client.post(path, json=request)
            assert refused.status_code == 503, (path, refused.text)
            assert refused.json()["data"]["error"] == "queue_unavailable"
            assert int(refused.headers["retry-after"]) > 0
            assert word in refused.json()["message"]
        bulk = broker.post("/device/bulk", body | {"devices": [{}, {}]})
        assert bulk["succeeded"] == []
        assert [one["error"] for one in bulk["failed"]] == ["queue_unavailable"] * 2
        ready = broker.client.get("/health/ready")
        assert ready.status_code == 503
        assert word in ready.json()["message"]
        assert broker.get("/health")["status"] != "ok"
        assert {broker.get(f"/job/{job}")["status"] for job in accepted} == {"queued"}
    finally:
        store.config_set(setting, "0")
    broker.post("/device/resume", {"device": device}, expect=200)
    assert broker.execute(login, command="show clock")["status"] == "finished"
    assert {broker.get(f"/job/{job}")["status"] for job in accepted} == {"finished"}
    assert broker.client.get("/health/ready").status_code == 200
