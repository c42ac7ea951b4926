"""One connection to Redis for one worker, without the layers in between.

A worker makes three calls a job, one after the other, on a connection of its own. redis-py's client takes a connection
from its pool for each call and gives it back, and wraps each call, its packing and its parsing in layers: more than
twice the processor time of the call itself. Connecting, authentication, TLS and Sentinel stay redis-py's.
"""

from __future__ import annotations

import socket
import ssl
import struct
import weakref
from hashlib import sha1
from typing import Any

import hiredis
import redis
from redis.exceptions import NoScriptError, ResponseError

from netpulse_broker.queueing.redis.connection import DEMOTED, REFUSING
from netpulse_broker.queueing.redis.scripts import ScriptName, source

RECEIVE_SIZE = 65_536
"""Bytes of one read."""


def refusal(message: str) -> Exception:
    """Redis' error answer as the exception that our clients raise for it."""
    kinds: dict[str, type[Exception]] = {
        "NOSCRIPT": redis.exceptions.NoScriptError,
        "LOADING": redis.BusyLoadingError,
        "NOAUTH": redis.AuthenticationError,
        **DEMOTED,
        **REFUSING,
    }
    return kinds.get(message.partition(" ")[0], redis.ResponseError)(message)


class Line:
    """A connection that is kept until it breaks. For one thread."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._link: _Link | None = None

    def call(self, *words: Any) -> Any:
        """Send one command and read its answer.

        Raises:
            redis.ConnectionError, redis.TimeoutError: whether the command was carried out is not known; the next call
                connects anew.
            redis.ResponseError: Redis refused the command; the connection lives on.
        """
        link = self._link
        if link is None:
            link = self._link = _Link(self._pool.get_connection())
        try:
            link.send(words)
            answer = link.receive()
        except BaseException:
            # Broken, or interrupted between a command and its answer: the next answer would belong to this command.
            self.close()
            raise
        if isinstance(answer, ResponseError):
            raise answer
        if isinstance(answer, Exception):
            self.close()
            raise answer
        return answer

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
            self._pool.release(link.connection)


class _Link:
    """A connection that redis-py has made and authenticated, written and read by ourselves from then on."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._reader = hiredis.Reader(protocolError=redis.InvalidResponse, replyError=refusal)
        # For whoever forgets to close: the socket is closed before the collector could find it open.
        self._forgotten = weakref.finalize(self, connection.disconnect)
        self._forgotten.atexit = False
        if not isinstance(self.socket, ssl.SSLSocket):
            _let_the_kernel_time(self.socket)

    @property
    def socket(self) -> socket.socket:
        """redis-py has no public way to it, and goes on owning it. Nothing is in its buffers between two commands."""
        open_one: socket.socket = self.connection._sock  # noqa: SLF001
        return open_one

    def close(self) -> None:
        """Close the connection."""
        self._forgotten()

    def send(self, words: tuple[Any, ...]) -> None:
        """Write a command."""
        try:
            self.socket.sendall(hiredis.pack_command(words))
        except (TimeoutError, BlockingIOError):
            raise redis.TimeoutError("Redis did not take the command in time") from None
        except OSError as error:
            raise redis.ConnectionError(f"connection to Redis lost: {error}") from error

    def receive(self) -> Any:
        """Redis' next answer; an error answer is returned, not raised."""
        reader, sock = self._reader, self.socket
        try:
            while (answer := reader.gets()) is False:
                data = sock.recv(RECEIVE_SIZE)
                if not data:
                    raise redis.ConnectionError("connection to Redis lost: closed by the server")
                reader.feed(data)
        except (TimeoutError, BlockingIOError):
            raise redis.TimeoutError("Redis did not answer in time") from None
        except OSError as error:
            raise redis.ConnectionError(f"connection to Redis lost: {error}") from error
        except redis.InvalidResponse as error:
            raise redis.ConnectionError(f"Redis and this process are out of step: {error}") from error
        return answer


def _let_the_kernel_time(sock: socket.socket) -> None:
    """Time-outs by SO_RCVTIMEO and SO_SNDTIMEO (socket(7)) instead of Python's, which cost a poll(2) a read."""
    timeout = sock.gettimeout()
    if timeout is None:
        return
    seconds, rest = divmod(timeout, 1)
    value = struct.pack("@ll", int(seconds), int(rest * 1_000_000))
    sock.settimeout(None)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)


class LineScripts:
    """The scripts on a line; called as ``queueing.redis.scripts.Scripts`` is."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._digests: dict[ScriptName, str] = {}

    def __call__(self, name: ScriptName, *, keys: list[str] | None = None, args: list[Any] | None = None) -> Any:
        keys, args = keys or [], args or []
        digest = self._digests.get(name)
        if digest is None:
            # Redis names scripts by SHA-1 (EVALSHA); it guards nothing here.
            digest = self._digests[name] = sha1(source(name).encode(), usedforsecurity=False).hexdigest()
        words = (len(keys), *keys, *args)
        try:
            return self._line.call("EVALSHA", digest, *words)
        except NoScriptError:
            return self._line.call("EVAL", source(name), *words)
