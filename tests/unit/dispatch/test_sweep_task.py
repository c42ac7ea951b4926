"""A controller that does not get on with its Redis says so once."""

from __future__ import annotations

import asyncio

import pytest
import redis

from netpulse_broker.dispatch import sweep_task
from netpulse_broker.dispatch.dispatcher import Dispatcher
from netpulse_broker.dispatch.schedulers import SCHEDULERS
from netpulse_broker.errors import QueueUnavailable
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import FORMAT, check_server
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.settings import Settings
from tests.lab.redis_server import RedisServer
from tests.unit.dispatch.conftest import submission


def _dispatcher(server: RedisServer, sealer: Sealer) -> Dispatcher:
    return Dispatcher(Settings(redis=server.settings), sealer, SCHEDULERS["greedy"], controller="c1")


async def test_without_redis_it_is_said_once(
    private_redis_server: RedisServer,
    sealer: Sealer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tries = 0

    def counted(client: redis.Redis) -> None:
        nonlocal tries
        tries += 1
        check_server(client)

    monkeypatch.setattr(sweep_task, "check_server", counted)
    monkeypatch.setattr(sweep_task, "SWEEP_INTERVAL", 0.01)
    with private_redis_server.away():
        made = _dispatcher(private_redis_server, sealer)
        await made.start()
        try:
            while tries < 20:  # noqa: ASYNC110  # the sweeper has nothing to wait for
                await asyncio.sleep(0.01)
        finally:
            await made.stop()
    said = capsys.readouterr().out
    assert said.count("sweep_interrupted") == 1
    assert said.count("replies_interrupted") == 1


async def test_a_redis_of_another_version_is_refused(
    private_redis_server: RedisServer, sealer: Sealer, capsys: pytest.CaptureFixture[str]
) -> None:
    client = private_redis_server.client()
    check_server(client)
    assert client.get(keys.FORMAT) == str(FORMAT).encode()
    check_server(client)
    client.set(keys.FORMAT, FORMAT + 1)
    with pytest.raises(QueueUnavailable, match="another version of NetPulse"):
        check_server(client)
    made = _dispatcher(private_redis_server, sealer)
    await made.start()
    try:
        while not (await made.health()).unfit:  # noqa: ASYNC110  # the condition lies in Redis
            await asyncio.sleep(0.01)
        health = await made.health()
        assert (health.condition, health.ready) == ("degraded", False)
        assert "run one version on all machines" in health.detail
        with pytest.raises(QueueUnavailable, match="another version of NetPulse"):
            await made.submit(submission())
        client.delete(keys.FORMAT)
        while (await made.health()).unfit:  # noqa: ASYNC110  # the condition lies in Redis
            await asyncio.sleep(0.01)
    finally:
        await made.stop()
        client.close()
    assert capsys.readouterr().out.count("redis_refused") == 1
