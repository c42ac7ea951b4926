"""One connection to Redis for one worker, without the layers in between.

A worker makes three calls a job, one after the other, on a connection of its own. redis-py's client takes a connection
from its pool for each call and gives it back, and wraps each call in retries that are switched off here: twice the
processor time of the call itself. Connecting, authentication, TLS and Sentinel stay redis-py's.
"""

from __future__ import annotations

from hashlib import sha1
from typing import Any

import redis
from redis.exceptions import NoScriptError, ResponseError

from netpulse_broker.queueing.scripts import ScriptName, source


class Line:
    """A connection that is kept until it breaks. For one thread."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._connection: Any = None

    def call(self, *words: Any) -> Any:
        """Send one command and read its answer.

        Raises:
            redis.ConnectionError, redis.TimeoutError: whether the command was carried out is not known; the next call
                connects anew.
            redis.ResponseError: Redis refused the command; the connection lives on.
        """
        connection = self._connection
        if connection is None:
            connection = self._connection = self._pool.get_connection()
        try:
            connection.send_packed_command(connection.pack_command(*words), check_health=False)
            return connection.read_response()
        except ResponseError:
            raise
        except BaseException:
            # Broken, or interrupted between a command and its answer: the next answer would belong to this command.
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
            self._pool.release(connection)


class LineScripts:
    """The scripts on a line; called as ``queueing.scripts.Scripts`` is."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._digests: dict[ScriptName, str] = {}

    def __call__(self, name: ScriptName, *, keys: list[str] | None = None, args: list[Any] | None = None) -> Any:
        digest = self._digests.get(name)
        if digest is None:
            # Redis names scripts by SHA-1 (EVALSHA); it guards nothing here.
            digest = self._digests[name] = sha1(source(name).encode(), usedforsecurity=False).hexdigest()
        words = (len(keys or ()), *(keys or ()), *(args or ()))
        try:
            return self._line.call("EVALSHA", digest, *words)
        except NoScriptError:
            return self._line.call("EVAL", source(name), *words)
