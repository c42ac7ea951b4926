"""Settings of a Redis server by which accepted work would be lost."""

from __future__ import annotations

from typing import Any

import pytest

from netpulse_broker.errors import QueueUnavailable
from netpulse_broker.queueing.redis.connection import check_server
from netpulse_broker.queueing.redis.server_checks import judge_server, server_problems
from tests.lab.redis_server import RedisServer

GOOD = {"redis_version": "7.2.4", "valkey_version": "9.1.2", "aof_enabled": 1, "maxmemory": 0}


def judged(*, off: bool | None = False, **info: Any) -> list[tuple[bool, str]]:
    return [(problem.fatal, problem.text) for problem in judge_server(GOOD | info, default_user_off=off)]


def test_nothing_is_wrong_with_the_server_that_we_bring(private_redis_server: RedisServer) -> None:
    with private_redis_server.client() as client:
        assert server_problems(client) == []


def test_a_server_that_evicts_keys_is_refused(private_redis_server: RedisServer) -> None:
    with private_redis_server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        check_server(client)  # nothing is ever evicted without a limit
        client.config_set("maxmemory", "100mb")
        with pytest.raises(QueueUnavailable, match="set maxmemory-policy noeviction"):
            check_server(client)
        client.config_set("maxmemory-policy", "noeviction")
        check_server(client)


def test_a_server_without_an_append_only_file_is_warned_of(
    private_redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with private_redis_server.client() as client:
        client.config_set("appendonly", "no")
        check_server(client)
    assert "set appendonly yes" in capsys.readouterr().out


def test_an_old_server_is_refused() -> None:
    assert judged(redis_version="6.2.14", valkey_version="") == [
        (True, "Redis 6.2.14 is too old: NetPulse needs Redis 7.0 or Valkey 7.2, or newer")
    ]


@pytest.mark.parametrize(
    ("redis_version", "valkey_version", "off", "fatal"),
    [
        ("7.0.15", "", True, [True]),
        ("7.2.5", "", True, [True]),
        ("7.2.4", "8.1.0", True, [True]),
        ("8.0.3", "", True, [False]),
        ("7.2.4", "9.1.2", True, []),
        ("7.2.4", "9.1.2", None, []),
        ("7.0.15", "", None, [False]),
        ("7.0.15", "", False, []),
    ],
)
def test_who_replays_a_scripts_writes_as_the_default_user(
    redis_version: str, valkey_version: str, off: bool | None, fatal: list[bool]
) -> None:
    found = judged(redis_version=redis_version, valkey_version=valkey_version, off=off)
    assert [problem[0] for problem in found] == fatal
    assert all("leave the user 'default' on" in text for _, text in found)
    assert judged(redis_version=redis_version, valkey_version=valkey_version, off=off, aof_enabled=0)[0][0] is False


def test_a_default_user_that_is_off_is_seen(private_redis_server: RedisServer) -> None:
    with private_redis_server.client() as client:
        client.execute_command("ACL SETUSER np on >password ~* &* +@all")
        client.execute_command("AUTH np password")
        client.execute_command("ACL SETUSER default off")
        assert server_problems(client) == []  # our Valkey replays all
