from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import redis

from netpulse_broker.queueing.redis.connection import connect_async
from netpulse_broker.queueing.redis.shared_connection import AsyncLine, AsyncLineScripts
from tests.lab.redis_server import RedisServer


def line(server: RedisServer, *, timeout: float = 10.0) -> AsyncLine:
    return AsyncLine(connect_async(server.settings), timeout=timeout)


async def test_each_caller_gets_its_own_answer(redis_server: RedisServer) -> None:
    shared = line(redis_server)
    answers = await asyncio.gather(*(shared.call("ECHO", f"{number} " + "x" * (number * 50)) for number in range(500)))
    assert [answer.split()[0] for answer in answers] == [str(number).encode() for number in range(500)]
    shared.close()


async def test_a_refusal_is_one_caller_s_alone(redis_server: RedisServer) -> None:
    shared = line(redis_server)
    await shared.call("SET", "k", "v")
    answers: Sequence[Any] = await asyncio.gather(
        shared.call("INCR", "k"),
        shared.call("GET", "k"),
        shared.call("EVAL", "return {1, {'a', false}, redis.error_reply('E inside')}", 0),
        return_exceptions=True,
    )
    refused, got, nested = answers
    assert isinstance(refused, redis.ResponseError)
    assert got == b"v"
    assert nested[:2] == [1, [b"a", None]]
    shared.close()


async def test_a_caller_who_leaves_takes_no_answer_along(redis_server: RedisServer) -> None:
    shared = line(redis_server)
    await shared.call("PING")
    leaving = asyncio.ensure_future(shared.call("ECHO", "for the one who left"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await shared.call("ECHO", "mine") == b"mine"
    shared.close()


async def test_a_script_that_redis_has_forgotten_is_sent_again(redis_server: RedisServer) -> None:
    shared = line(redis_server)
    scripts = AsyncLineScripts(shared)
    assert await scripts("nodes", args=[""]) == []
    await shared.call("SCRIPT", "FLUSH")
    assert await scripts("nodes", args=[""]) == []
    shared.close()


async def test_a_server_that_says_nothing_is_a_timeout_for_all(redis_server: RedisServer) -> None:
    shared = line(redis_server, timeout=0.05)
    with pytest.raises(redis.TimeoutError):
        await shared.call("BLPOP", "nothing", 5)
    assert await shared.call("PING") == b"PONG"
    shared.close()


async def test_it_breaks_for_all_and_connects_anew(private_redis_server: RedisServer) -> None:
    shared = line(private_redis_server)
    waiting = [asyncio.ensure_future(shared.call("BLPOP", "nothing", 5)) for _ in range(3)]
    with private_redis_server.client() as client:
        while not client.info("clients")["blocked_clients"]:  # noqa: ASYNC110  # the condition lies in Redis
            await asyncio.sleep(0.01)
    with private_redis_server.away():
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(end) for end in ended] == [redis.ConnectionError] * 3
        with pytest.raises(redis.ConnectionError):
            await shared.call("PING")
    assert await shared.call("PING") == b"PONG"
    shared.close()


async def test_a_master_that_became_a_replica_is_left(private_redis_server: RedisServer) -> None:
    shared = line(private_redis_server)
    with private_redis_server.client() as operator:
        await shared.call("PING")
        operator.replicaof("127.0.0.1", "1")
        with pytest.raises(redis.ConnectionError, match="replica"):
            await shared.call("SET", "k", "w")
        operator.replicaof("no", "one")
    assert await shared.call("SET", "k", "w") == b"OK"
    shared.close()


async def test_whoever_blocks_in_a_master_that_becomes_a_replica_has_lost_it(private_redis_server: RedisServer) -> None:
    shared = line(private_redis_server)
    client = connect_async(private_redis_server.settings)
    waiting: list[asyncio.Future[Any]] = [
        asyncio.ensure_future(shared.call("BLPOP", "nothing", 60)),
        asyncio.ensure_future(client.blpop(["nothing"], timeout=60)),  # type: ignore[arg-type]
    ]
    with private_redis_server.client() as operator:
        while operator.info("clients")["blocked_clients"] < 2:  # noqa: ASYNC110  # the condition lies in Redis
            await asyncio.sleep(0.01)
        operator.replicaof("127.0.0.1", "1")
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(end) for end in ended] == [redis.ConnectionError] * 2
        operator.replicaof("no", "one")
    assert await shared.call("PING") == b"PONG"
    assert await client.ping()
    shared.close()
    await client.aclose()
