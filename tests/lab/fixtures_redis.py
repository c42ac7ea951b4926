"""Redis fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.lab.redis_server import RedisServer


@pytest.fixture(scope="session")
def shared_redis_server() -> Iterator[RedisServer]:
    """One server for all tests that only need an empty database."""
    with RedisServer(aof=False) as server:
        yield server


@pytest.fixture
def redis_server(shared_redis_server: RedisServer) -> RedisServer:
    """The shared server, emptied."""
    with shared_redis_server.client() as client:
        client.flushall()
    return shared_redis_server


@pytest.fixture
def redis_client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A client of the emptied shared server."""
    with redis_server.client() as client:
        yield client


@pytest.fixture
def private_redis_server() -> Iterator[RedisServer]:
    """A server of this test alone, with an append-only file: it may be killed."""
    with RedisServer() as server:
        yield server
