"""A replicated Redis watched by Sentinel: a primary, a replica, and one Sentinel that fails over within a second."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from tests.lab.redis_server import binary

SERVICE = "netpulse"
START_WITHIN = 30.0


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class SentinelRedis:
    """Use as a context manager. ``url`` is what `NETPULSE_REDIS__URL` takes."""

    def __init__(self, *, password: str = "password-of-the-data-nodes") -> None:
        self.password = password
        self._directory = Path(tempfile.mkdtemp(prefix="np-sentinel-"))
        self._nodes: dict[int, subprocess.Popen[bytes]] = {}
        self._sentinel: subprocess.Popen[bytes] | None = None
        self.sentinel_port = 0

    @property
    def url(self) -> str:
        return f"redis+sentinel://:{self.password}@127.0.0.1:{self.sentinel_port}/{SERVICE}/0"

    def __enter__(self) -> Self:
        try:
            primary, replica, self.sentinel_port = free_port(), free_port(), free_port()
            self._start_node(primary)
            self._start_node(replica, "--replicaof", "127.0.0.1", str(primary))
            with self._client(replica) as client:
                self._until(lambda: client.info("replication").get("master_link_status") == "up", "replication")
            config = self._directory / "sentinel.conf"
            config.write_text(
                f"port {self.sentinel_port}\nbind 127.0.0.1\ndir {self._directory}\n"
                f"sentinel monitor {SERVICE} 127.0.0.1 {primary} 1\n"
                f"sentinel auth-pass {SERVICE} {self.password}\n"
                f"sentinel down-after-milliseconds {SERVICE} 500\n"
                f"sentinel failover-timeout {SERVICE} 5000\n"
            )
            self._sentinel = self._start(str(config), "--sentinel")
            with redis.Redis(port=self.sentinel_port, protocol=2) as watch:
                self._until(lambda: len(watch.sentinel_slaves(SERVICE)) == 1, "the Sentinel knowing the replica")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def primary(self) -> int:
        """The port of the data node that the Sentinel calls the primary."""
        with redis.Redis(port=self.sentinel_port, protocol=2) as watch:
            _, port = watch.sentinel_get_master_addr_by_name(SERVICE)
        return int(port)

    def kill_primary(self) -> None:
        """SIGKILL, and wait until the Sentinel has promoted the other one."""
        port = self.primary()
        self._nodes[port].send_signal(signal.SIGKILL)
        self._nodes[port].wait()
        self._until(lambda: self.primary() != port, "the failover")

    def _start_node(self, port: int, *more: str) -> None:
        directory = self._directory / str(port)
        directory.mkdir()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", ""]
        options += ["--requirepass", self.password, "--masterauth", self.password, "--maxmemory-policy", "noeviction"]
        self._nodes[port] = self._start(*options, *more)
        with self._client(port) as client:
            self._until(client.ping, f"the data node on port {port}")

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([binary(), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _client(self, port: int) -> redis.Redis:
        return redis.Redis(port=port, password=self.password, protocol=2)

    @staticmethod
    def _until(condition: object, what: str) -> None:
        end = time.monotonic() + START_WITHIN
        while time.monotonic() < end:
            try:
                if condition():  # type: ignore[operator]
                    return
            except redis.RedisError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"{what} did not come within {START_WITHIN:g} s")

    def _stop(self) -> None:
        for process in (self._sentinel, *self._nodes.values()):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)
