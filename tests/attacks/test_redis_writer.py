"""Somebody who has come to write to Redis: what stands there is data, and none of it is believed."""

from __future__ import annotations

from typing import Any

import redis

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
