from __future__ import annotations

import pytest
import redis

from netpulse_broker.queueing.connection import connect
from netpulse_broker.queueing.line import Line, LineScripts
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
    connection = line._connection
    assert connection is not None
    read, connection.read_response = connection.read_response, _interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        line.call("SET", "k", "first")
    connection.read_response = read  # type: ignore[method-assign]
    assert line.call("GET", "k") == b"first"


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
