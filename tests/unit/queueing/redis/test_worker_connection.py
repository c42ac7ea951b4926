from __future__ import annotations

from typing import Any

import pytest
import redis

from netpulse_broker.queueing.redis.connection import connect
from netpulse_broker.queueing.redis.worker_connection import Line, LineScripts
from tests.lab.redis_server import RedisServer


def test_commands_and_refusals(redis_client: redis.Redis) -> None:
    line = Line(redis_client)
    assert line.call("SET", "k", "v") == b"OK"
    with pytest.raises(redis.ResponseError):
        line.call("INCR", "k")
    assert line.call("GET", "k") == b"v"
    line.close()
    assert line.call("GET", "k") == b"v"


def test_a_script_that_redis_has_forgotten_is_sent_again(redis_client: redis.Redis) -> None:
    scripts = LineScripts(Line(redis_client))
    assert scripts("nodes", args=[""]) == []
    redis_client.script_flush()
    assert scripts("nodes", args=[""]) == []


def test_it_breaks_and_connects_anew(private_redis_server: RedisServer) -> None:
    with connect(private_redis_server.settings) as client:
        line = Line(client)
        line.call("SET", "k", "v")
        with private_redis_server.away(), pytest.raises(redis.ConnectionError):
            line.call("GET", "k")
        assert line.call("GET", "k") == b"v"
        line.close()


def test_an_answer_that_nobody_waited_for_goes_to_nobody(redis_client: redis.Redis) -> None:
    """A call that is interrupted leaves its answer on the way; the next call must not take it for its own."""
    line = Line(redis_client)
    line.call("PING")
    link = line._link
    assert link is not None
    link._reader = _Interrupted()  # type: ignore[assignment]  # a stand-in
    with pytest.raises(KeyboardInterrupt):
        line.call("SET", "k", "first")
    assert line.call("GET", "k") == b"first"


class _Interrupted:
    """A parser whose work is interrupted."""

    def gets(self) -> Any:
        raise KeyboardInterrupt


def test_a_server_that_says_nothing_is_a_timeout(redis_server: RedisServer) -> None:
    with connect(redis_server.settings.model_copy(update={"socket_timeout": 0.05})) as client:
        line = Line(client)
        with pytest.raises(redis.TimeoutError):
            line.call("BLPOP", "nothing", 30)
        assert line.call("PING") == b"PONG"
        line.close()


def test_a_master_that_became_a_replica_is_left(private_redis_server: RedisServer) -> None:
    with connect(private_redis_server.settings) as client, private_redis_server.client() as operator:
        line = Line(client)
        line.call("SET", "k", "v")
        operator.replicaof("127.0.0.1", "1")
        with pytest.raises(redis.ConnectionError, match="replica"):
            line.call("SET", "k", "w")
        operator.replicaof("no", "one")
        assert line.call("SET", "k", "w") == b"OK"
        line.close()
