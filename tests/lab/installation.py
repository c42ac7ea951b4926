"""A broker spread over processes as an operator spreads it over machines: one Redis, each role started by itself."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

from tests.lab.redis_server import RedisServer
from tests.lab.running_broker import DEVICES_HERE

START_WITHIN = 120.0


class RoleProcess:
    """One role. Started by an `Installation`, which also ends it."""

    def __init__(self, kind: str, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.kind = kind
        self.name = name
        self.log = log
        options = ["--host", "127.0.0.1", "--port", "0"] if kind == "controller" else ["--name", name]
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "netpulse_broker.cli", kind, *options],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def said(self, event: str) -> dict[str, Any] | None:
        """The first line of its log that tells of this event."""
        for line in self.log.read_text().splitlines():
            with suppress(ValueError):
                entry = json.loads(line)
                if entry.get("event") == event:
                    return dict(entry)
        return None

    def alive(self) -> bool:
        """Still runs; fails with its log when it does not."""
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}: {self.log.read_text()}"
        return True

    def below(self) -> list[psutil.Process]:
        """Its fork server and workers."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> list[psutil.Process]:
        """SIGKILL to the role alone; what stood below it then."""
        orphans = self.below()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return orphans


class Installation:
    """Use as a context manager; no process stays.

    Args:
        settings: environment variables of all roles.
        redis_url: of a Redis that somebody else runs; None: one of its own.
    """

    def __init__(self, *, settings: Mapping[str, str] | None = None, redis_url: str | None = None) -> None:
        self.api_key = secrets.token_urlsafe(24)
        self._settings = dict(settings or {})
        self._redis_url = redis_url
        self._exit = ExitStack()
        self.roles: list[RoleProcess] = []
        self.directory = Path()

    def __enter__(self) -> Self:
        with ExitStack() as started:
            self.directory = Path(tempfile.mkdtemp(prefix="np-installation-"))
            started.callback(shutil.rmtree, self.directory, ignore_errors=True)
            if self._redis_url is None:
                self._redis_url = started.enter_context(RedisServer()).url
            self._environment = {name: value for name, value in os.environ.items() if not name.startswith("NETPULSE_")}
            self._environment |= {
                "NETPULSE_REDIS__URL": self._redis_url,
                "NETPULSE_SECURITY__MASTER_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
                "NETPULSE_API_KEY": self.api_key,
                "NETPULSE_STATE_DIR": str(self.directory),
                "NETPULSE_LOG__FORMAT": "json",
                **DEVICES_HERE,
            } | self._settings
            started.callback(self._end_roles)
            self._exit = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def stop(self, *names: str) -> None:
        """SIGTERM to the roles of these names, all at once; each must end with status 0."""
        roles = [role for role in self.roles if role.name in names and role.process.poll() is None]
        for role in roles:
            role.process.terminate()
        assert {role.name: role.process.wait(timeout=90) for role in roles} == {role.name: 0 for role in roles}

    def _end_roles(self) -> None:
        left: list[psutil.Process] = []
        for role in self.roles:
            if role.process.poll() is None:
                left += role.below()
                role.process.kill()
                role.process.wait()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=10)

    def start(self, kind: str, name: str, *, settings: Mapping[str, str] | None = None) -> RoleProcess:
        """Start a role, not waiting for it."""
        log = self.directory / f"{name}-{len(self.roles)}.log"
        role = RoleProcess(kind, name, self._environment | dict(settings or {}), log)
        self.roles.append(role)
        return role

    def nodes(self, *names: str, **settings: str) -> dict[str, RoleProcess]:
        """Nodes that have their leases and can start workers, by name."""
        roles = {name: self.start("node", name, settings=settings) for name in names}
        return {name: self._ready(role, "fork_server_ready") for name, role in roles.items()}

    def fifo(self, name: str, **settings: str) -> RoleProcess:
        """A pool, likewise."""
        return self._ready(self.start("fifo", name, settings=settings), "fork_server_ready")

    def controller(self, name: str = "controller", **settings: str) -> httpx.Client:
        """A controller that answers, as a client with the API key; closed with the installation."""
        role = self._ready(self.start("controller", name, settings=settings), "ready")
        said = role.said("listening")
        assert said is not None
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{said['port']}", headers={"X-API-KEY": self.api_key}, timeout=120
        )
        return self._exit.enter_context(client)

    @staticmethod
    def _ready(role: RoleProcess, event: str) -> RoleProcess:
        end = time.monotonic() + START_WITHIN
        while role.alive() and role.said(event) is None:
            assert time.monotonic() < end, f"{role.name} is not ready: {role.log.read_text()}"
            time.sleep(0.02)
        return role
