"""A real AAA server: FreeRADIUS on loopback, with a configuration of its own, which counts what it refuses.

`pam` is what an sshd's PAM stack needs to ask it (`SshdHost(pam_auth=...)`), by libpam-radius-auth.
"""

from __future__ import annotations

import re
import secrets
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.real.enclosure import ProcessEnclosure
from tests.lab.real.errors import LabError
from tests.lab.real.sshd import find_tool
from tests.lab.real.waiting import wait_until

HOST = "127.0.0.1"

CONFIGURATION = """\
prefix = /usr
localstatedir = {directory}
logdir = {directory}
run_dir = {directory}
libdir = /usr/lib/freeradius
pidfile = {directory}/pid
log {{
    destination = files
    file = {directory}/log
    auth = yes
}}
client lab {{
    ipaddr = 127.0.0.1
    secret = {shared}
}}
modules {{
    pap {{
    }}
    files {{
        usersfile = {directory}/users
    }}
}}
server default {{
    listen {{
        type = auth
        ipaddr = 127.0.0.1
        port = {port}
    }}
    authorize {{
        files
        pap
    }}
    authenticate {{
        pap
    }}
}}
"""


class RadiusServer:
    """One server with one account; a context manager."""

    def __init__(self, *, username: str) -> None:
        self.username = username
        self.password = secrets.token_urlsafe(12)
        self._enclosure: ProcessEnclosure | None = None

    @staticmethod
    def available() -> tuple[bool, str]:
        """Whether it can run here, and if not, what to do."""
        folders = Path("/lib").glob("*/security")
        modules = [folder / "pam_radius_auth.so" for folder in folders if (folder / "pam_radius_auth.so").exists()]
        if find_tool("freeradius") is None or not modules:
            return False, "freeradius or libpam-radius-auth is missing; run tools/install-lab.sh"
        return True, ""

    @property
    def pam(self) -> str:
        """The module of a PAM stack, with its arguments."""
        return f"pam_radius_auth.so conf={self._directory}/pam"

    @property
    def refused(self) -> int:
        """How many logins it has refused, by its own log."""
        return len(re.findall(r"Login incorrect", self._log()))

    @property
    def accepted(self) -> int:
        return len(re.findall(r"Login OK", self._log()))

    def __enter__(self) -> Self:
        self._enclosure = ProcessEnclosure(name="radius")
        try:
            self._start(self._enclosure)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop it and remove every trace; a second call does nothing."""
        if self._enclosure is not None:
            self._enclosure.close()
            self._enclosure = None

    @property
    def _directory(self) -> Path:
        assert self._enclosure is not None, "the server runs"
        return self._enclosure.state_dir

    def _log(self) -> str:
        path = self._directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _start(self, enclosure: ProcessEnclosure) -> None:
        server = find_tool("freeradius")
        if server is None:
            raise LabError("there is no freeradius; run tools/install-lab.sh")
        directory, shared = enclosure.state_dir, secrets.token_urlsafe(12)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        text = CONFIGURATION.format(directory=directory, shared=shared, port=port)
        (directory / "radiusd.conf").write_text(text)
        (directory / "dictionary").write_text("")
        (directory / "users").write_text(f'{self.username} Cleartext-Password := "{self.password}"\n')
        (directory / "pam").write_text(f"{HOST}:{port} {shared} 10\n")
        for path in directory.iterdir():
            path.chmod(0o600)
        process = enclosure.spawn([server, "-f", "-d", str(directory), "-n", "radiusd"])
        wait_until(
            lambda: "Ready to process requests" in self._log() or process.poll() is not None,
            what="FreeRADIUS to be ready",
        )
        if process.poll() is not None:
            raise LabError(f"freeradius ended with status {process.returncode}: {self._log().strip()}")
