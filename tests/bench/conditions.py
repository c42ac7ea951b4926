"""On what, with what and under which load was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

from tests.lab.redis_server import binary

_PACKAGES = ("netmiko", "paramiko", "rq", "redis", "fastapi", "uvicorn", "pydantic", "asyncssh")


def conditions(load_at_start: tuple[float, float, float]) -> str:
    """A few lines; the load averages at the end are those of now."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    server = subprocess.run([binary(), "--version"], capture_output=True, text=True, check=True).stdout
    load = f"load average {_shown(load_at_start)} at the start, {_shown(os.getloadavg())} at the end"
    return "\n".join(
        [
            f"{_processor()}, {os.cpu_count()} cores; {load}",
            f"{platform.system()} {platform.release()}, Python {platform.python_version()} in {sys.base_prefix}, "
            + server.split(" sha=")[0].strip(),
            versions,
            "everything on loopback: callers, broker, Redis and devices share the cores",
        ]
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _shown(load: tuple[float, float, float]) -> str:
    return " ".join(f"{value:.2f}" for value in load)
