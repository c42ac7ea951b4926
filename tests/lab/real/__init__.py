"""Real devices for tests: FRRouting routers and OpenSSH hosts, on loopback, without a trace on the machine."""

from __future__ import annotations

from tests.lab.real.device import Device
from tests.lab.real.errors import LabError, LabUnavailable
from tests.lab.real.frr import FrrLab
from tests.lab.real.sshd_host import SshdHost

__all__ = ["Device", "FrrLab", "LabError", "LabUnavailable", "SshdHost"]
