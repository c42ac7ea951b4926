"""Connections to Redis.

redis-py retries silently by default; a repeated command after a lost answer enqueued a job twice and lost a blocking
pop's reply. All clients here have retries off: whoever gets a ConnectionError decides what to look at first.

The one exception: a server that was restarted answers ``LOADING`` until it has read its data, and carries nothing out.
So the controller's clients ask again (``redis.loading_timeout``); workers and nodes wait in their own ways.

Besides redis-py's URLs (``redis://``, ``rediss://``, ``unix://``) there is ``redis+sentinel://user:password@host:port,
host:port/service/db`` (``rediss+sentinel`` for TLS): user and password are those of the data nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import redis
import redis.asyncio
import redis.asyncio.connection
import redis.asyncio.sentinel
import redis.connection
import redis.sentinel
import structlog
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry

from netpulse_broker.errors import QueueUnavailable
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.server_checks import server_problems

if TYPE_CHECKING:
    from netpulse_broker.settings import RedisSettings

log = structlog.get_logger(__name__)

BLOCK = 5.0
"""Longest time (s) that any client blocks in Redis in one call; socket time-outs stand well above it."""

CONNECTIONS = 32
"""Connections of an asyncio client at most, the blocking reader's included."""

LOADING_PAUSE = 0.1
"""Seconds between two attempts while Redis loads its data."""

Lost = (redis.ConnectionError, redis.TimeoutError)
"""What a client raises when Redis cannot be reached; the state of the last command is unknown."""

DEMOTED = {"READONLY": redis.ConnectionError, "UNBLOCKED": redis.ConnectionError}
"""What a server that has become a replica answers to a write, and to whoever blocks in it. Like a broken connection it
is over with the next connection, to the new primary."""


class WritesRefused(redis.ResponseError):
    """Redis answers and takes no writes: its memory or disk is full, or too few replicas follow it. A script that is
    refused has written nothing.
    """


REFUSING = {"OOM": WritesRefused, "MISCONF": WritesRefused, "NOREPLICAS": WritesRefused}
"""The words with which a server refuses writes for a while."""

Unusable = (*Lost, WritesRefused)
"""What a client raises while Redis cannot be worked with; it passes."""

FORMAT = 1
"""Raised with each change by which versions of the broker cannot work on one Redis side by side."""


@contextmanager
def redis_needed(then: str = "try again") -> Iterator[None]:
    """What is ``Unusable`` within is the 503 that a caller gets.

    Args:
        then: what the message tells the caller to do.

    Raises:
        QueueUnavailable
    """
    try:
        yield
    except Unusable as error:
        raise QueueUnavailable(f"{unusable(error)}; {then}") from None


def unusable(error: Exception) -> str:
    """What to say of an ``Unusable``."""
    if isinstance(error, WritesRefused):
        return f"Redis takes no writes ({error}), nothing was accepted"
    if isinstance(error, redis.BusyLoadingError):
        return "Redis was restarted and has not loaded its data within redis.loading_timeout"
    return f"Redis cannot be reached ({type(error).__name__})"


def _url(settings: RedisSettings) -> str:
    if settings.url is None:
        raise QueueUnavailable(
            "no Redis is configured: set NETPULSE_REDIS__URL, e.g. redis://:password@127.0.0.1:6379/0"
        )
    return settings.url.get_secret_value()


def _parser(stock: Any) -> Any:
    """redis-py's parser, for which a demoted server is a lost one; its connection is closed."""
    return type(stock.__name__, (stock,), {"EXCEPTION_CLASSES": stock.EXCEPTION_CLASSES | DEMOTED | REFUSING})


_BLOCKING_PARSER = _parser(redis.connection.DefaultParser)
_ASYNC_PARSER = _parser(redis.asyncio.connection.DefaultParser)


def _options(settings: RedisSettings) -> dict[str, Any]:
    return {
        "socket_timeout": settings.socket_timeout + BLOCK,
        "socket_connect_timeout": settings.connect_timeout,
        "health_check_interval": 0,
        "driver_info": None,  # two commands for each connection that nobody reads
        "protocol": 2,  # answers have one shape, whatever redis-py prefers
    }


def _sentinel(url: str) -> tuple[list[tuple[str, int]], str, dict[str, Any]] | None:
    """Sentinel addresses, service name and data-node options of a ``+sentinel`` URL; None for other URLs."""
    parts = urlsplit(url)
    if not parts.scheme.endswith("+sentinel"):
        return None
    credentials, _, addresses = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    service, _, database = parts.path.strip("/").partition("/")
    hosts = []
    for address in addresses.split(","):
        host, _, port = address.rpartition(":") if ":" in address else (address, "", "")
        hosts.append((host.strip("[]"), int(port or 26379)))
    options: dict[str, Any] = {"db": int(database or 0), "ssl": parts.scheme.startswith("rediss")}
    if user:
        options["username"] = unquote(user)
    if password:
        options["password"] = unquote(password)
    return hosts, service, options


def connect(settings: RedisSettings) -> redis.Redis:
    """A blocking client without silent retries. One per thread of control; never carried across a fork."""
    url = _url(settings)
    options = _options(settings) | {"retry": Retry(NoBackoff(), 0), "parser_class": _BLOCKING_PARSER}
    sentinel = _sentinel(url)
    if sentinel is None:
        return redis.Redis.from_url(url, **options)
    hosts, service, data = sentinel
    watch = redis.sentinel.Sentinel(hosts, sentinel_kwargs=_options(settings))  # type: ignore[no-untyped-call]
    master: redis.Redis = watch.master_for(service, **options, **data)  # type: ignore[no-untyped-call]
    return master


def connect_async(settings: RedisSettings) -> redis.asyncio.Redis:
    """An asyncio client without silent retries, but for a server that loads its data."""
    url = _url(settings)
    attempts = int(settings.loading_timeout / LOADING_PAUSE)
    while_loading = AsyncRetry(ConstantBackoff(LOADING_PAUSE), attempts, supported_errors=(redis.BusyLoadingError,))
    options = _options(settings) | {"retry": while_loading, "parser_class": _ASYNC_PARSER}
    sentinel = _sentinel(url)
    if sentinel is None:
        # Callers queue for a connection: a thousand requests at once are a short wait, not a thousand connections.
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=settings.socket_timeout + BLOCK + settings.loading_timeout,
            **options,
        )
        return redis.asyncio.Redis.from_pool(pool)
    hosts, service, data = sentinel
    watch = redis.asyncio.sentinel.Sentinel(hosts, sentinel_kwargs=_options(settings))  # type: ignore[no-untyped-call]
    master: redis.asyncio.Redis = watch.master_for(service, **options, **data)
    return master


def check_server(client: redis.Redis) -> None:
    """Refuse a server by which accepted work would be lost, or that a version of the broker uses which writes another
    format; warn of what may be meant.

    Raises:
        QueueUnavailable: saying what is needed.
    """
    problems = server_problems(client)
    fatal = [problem.text for problem in problems if problem.fatal]
    if fatal:
        raise QueueUnavailable("; ".join(fatal))
    for problem in problems:
        log.warning("redis_unsafe", reason=problem.text)
    found = client.get(keys.FORMAT)
    if found is None:
        client.set(keys.FORMAT, FORMAT, nx=True)
    elif found != str(FORMAT).encode():
        raise QueueUnavailable(
            f"this Redis is used by another version of NetPulse (format {found!r} instead of {FORMAT}): run one "
            "version on all machines, or give this one a database of its own (NETPULSE_REDIS__URL)"
        )
