"""Devices of the lab in the place of the addresses that the pages write."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.documentation.pages import ROOT
from tests.lab.running_broker import RunningBroker
from tests.lab.webhook_receiver import WebhookReceiver

ACCOUNT = {"username": "admin", "password": "device-password", "secret": "enable-password"}
"""What the pages log in with."""

RECEIVER = "https://hooks.example.net/netpulse"


class _Echo(socketserver.StreamRequestHandler):
    """The device of the driver that docs/write-a-driver.md writes."""

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


class _EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@dataclass(frozen=True, slots=True)
class Address:
    """Where a documented address leads."""

    host: str
    port: int

    @property
    def name(self) -> str:
        """The device's name for the broker."""
        return f"{self.host}:{self.port}"


class DocumentedNetwork:
    """A broker with the plug-in of the pages, and everything that the pages' addresses stand for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._exit = ExitStack()
        self.lab = SimulatorLab()
        self.receiver = WebhookReceiver()
        self.running = RunningBroker(
            settings={
                "NETPULSE_DRIVERS__PLUGIN_DIRS": str(directory / "plugins"),
                "NETPULSE_FILES__CERTIFICATES": str(directory / "certificates"),
                "NETPULSE_WEBHOOKS__ALLOWED_NETWORKS": '["127.0.0.1/32"]',
            }
        )
        self.certificate = directory / "certificates" / "switches.pem"
        self.certificate.parent.mkdir()
        self.addresses: dict[str, Address] = {}
        self.old: SimulatedDevice

    def __enter__(self) -> Self:
        self._write_plugin()
        with ExitStack() as started:
            for part in (self.lab, self.receiver, self.running):
                started.enter_context(part)
            for number in (11, 12):
                router = self.lab.add(name=f"r{number}", platform="ios", privilege=15, **ACCOUNT)
                self.addresses[f"192.0.2.{number}"] = Address(router.host, router.port)
                # The pages speak of a network that is in use.
                assert self.running.execute(router.netmiko(), command="show version")["status"] == "finished"
            self.old = self.lab.add(name="old", platform="ios", ssh_profile="old_algorithms", **ACCOUNT)
            switch = self.lab.add(name="switch", platform="eos", https_port=0, **ACCOUNT)
            assert switch.https_port is not None
            self.addresses["192.0.2.20"] = Address(switch.host, switch.https_port)
            self.certificate.write_text(switch.certificate)
            echo = started.enter_context(_EchoServer(("127.0.0.1", 0), _Echo))
            threading.Thread(target=echo.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            started.callback(echo.shutdown)
            self.addresses["192.0.2.1"] = Address("127.0.0.1", echo.server_address[1])
            self._exit = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def _write_plugin(self) -> None:
        """The driver of the page, copied and pasted."""
        text = (ROOT / "docs" / "write-a-driver.md").read_text()
        code, listing, *_ = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        package = self._directory / "plugins" / "custom"
        package.mkdir(parents=True)
        (package / "custom.py").write_text(code)
        (package / "__init__.py").write_text(listing)

    def translate(self, text: str) -> str:
        """A documented request with addresses, files and receiver of this lab. A documented port stays."""

        def host(found: re.Match[str]) -> str:
            stands_for = self.addresses[found[1]]
            return f'"host": "{stands_for.host}", "port": {stands_for.port}'

        text = re.sub(r'"host": "(192\.0\.2\.\d+)"', host, text)
        text = re.sub(r'"device": "(192\.0\.2\.\d+)"', lambda found: f'"device": "{self._name(found)}"', text)
        text = re.sub(r"(?<=/device/)(192\.0\.2\.\d+)", self._name, text)
        return text.replace(RECEIVER, self.receiver.url)

    def _name(self, found: re.Match[str]) -> str:
        return self.addresses[found[1]].name

    def member(self, line: str, *, jump: dict[str, Any]) -> dict[str, Any]:
        """A documented member of ``connection_args``; jump hosts are replaced by the lab's."""
        (name, value), *_ = json.loads("{" + line + "}").items()
        if name != "proxy_jump":
            return {name: value}
        spoken = f"{jump['username']}@{jump['host']}:{jump['port']}"
        if isinstance(value, str):
            return {name: ",".join(spoken for _ in value.split(","))}

        def hop(shown: Any) -> Any:
            return spoken if isinstance(shown, str) else {key: jump[key] for key in shown} | {"port": jump["port"]}

        return {name: [hop(one) for one in value] if isinstance(value, list) else hop(value)}
