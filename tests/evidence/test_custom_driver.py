"""A driver that a user drops in, written as the contract's own example tells."""

from __future__ import annotations

import socketserver
import threading
from pathlib import Path

from tests.lab.running_broker import RunningBroker

DRIVER = """
import socket

from netpulse_drivers import BaseDriver


class CustomDriver(BaseDriver):
    driver_name = "custom"

    def connect(self):
        seconds = self.call.deadline.remaining(at_most=10)
        return socket.create_connection((self.host, self.port), timeout=seconds).makefile("rw")

    def send(self, session, command):
        print(command, file=session, flush=True)
        return session.readline().strip()

    def disconnect(self, session):
        session.close()
"""


class Shouting(socketserver.StreamRequestHandler):
    """A device that answers each line in capitals."""

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line.upper())


def test_it_answers_over_rest(tmp_path: Path) -> None:
    package = tmp_path / "drivers" / "custom"
    package.mkdir(parents=True)
    (package / "driver.py").write_text(DRIVER)
    (package / "__init__.py").write_text("from .driver import CustomDriver\n\n__all__ = [CustomDriver]\n")
    broken = tmp_path / "drivers" / "broken"
    broken.mkdir()
    (broken / "__init__.py").write_text("this is no python")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Shouting) as device:
        threading.Thread(target=device.serve_forever, daemon=True).start()
        device.daemon_threads = True
        with RunningBroker(settings={"NETPULSE_DRIVERS__PLUGIN_DIRS": str(tmp_path / "drivers")}) as broker:
            host, port = device.server_address[:2]
            for reused in (False, True):
                job = broker.execute({"host": host, "port": port}, driver="custom", command="hello")
                assert job["status"] == "finished", job
                assert job["result"]["retval"] == {"hello": "HELLO"}
                assert job["session_reused"] is reused
            drivers = broker.get("/health")["drivers"]
            assert "custom" in drivers["known"]
            assert len(drivers["failed"]) == 1
        device.shutdown()
