"""The driver of docs/write-a-driver.md, copied and pasted, loads and answers."""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path

from netpulse_drivers import DriverRegistry
from netpulse_drivers.errors import DriverError
from netpulse_drivers.netmiko import NetmikoConnectionArgs

DOCS = Path(__file__).parents[3] / "docs"


def blocks(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / document).read_text(), flags=re.DOTALL)


def test_the_documented_driver_works(tmp_path: Path) -> None:
    code, init, *_ = blocks("write-a-driver.md")
    (tmp_path / "custom").mkdir()
    (tmp_path / "custom" / "custom.py").write_text(code)
    (tmp_path / "custom" / "__init__.py").write_text(init)
    registry = DriverRegistry([tmp_path], points=[])
    assert registry.failures == []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def echo() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(peer.recv(1024))

        server = threading.Thread(target=echo, daemon=True)
        server.start()
        host, port = listener.getsockname()
        driver = registry.get("custom").from_request({"host": host, "port": port})
        session = driver.connect()
        assert driver.send(session, "hello") == "hello"
        driver.disconnect(session)
        server.join(60)
    assert not server.is_alive()


def test_every_error_code_is_documented() -> None:
    text = (DOCS / "drivers.md").read_text()
    found = [DriverError]
    for error in found:
        found += error.__subclasses__()
    mine = {error.code for error in found if error.__module__ == "netpulse_drivers.errors"} - {"internal_error"}
    assert [code for code in sorted(mine) if f"`{code}`" not in text] == []


def test_every_connection_argument_is_documented() -> None:
    text = (DOCS / "drivers.md").read_text()
    assert [name for name in NetmikoConnectionArgs.model_fields if f"`{name}`" not in text] == []
