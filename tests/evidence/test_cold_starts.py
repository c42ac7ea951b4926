"""Many devices that nobody serves yet, asked in one bulk: every one answers, each was logged in to once."""

from __future__ import annotations

import time
from collections import Counter

import psutil
import pytest

from netpulse_lab import SimulatorLab
from tests.evidence.conftest import LONG
from tests.lab.running_broker import RunningBroker

SIZES = (100, 400, 1000) if LONG else (40,)

MEMORY = 16 * 1024 * 1024
"""Bytes that this machine must have free for each device."""


@pytest.mark.parametrize("count", SIZES)
def test_cold_starts(count: int) -> None:
    if psutil.virtual_memory().available < count * MEMORY:
        pytest.skip(f"{count} devices take {count * MEMORY / 1e9:.0f} GB, more than this machine has free")
    settings = {"NETPULSE_NODE__CAPACITY": str(count), "NETPULSE_LOG__LEVEL": "info"}
    with SimulatorLab(count=count, platforms=["ios"]) as lab, RunningBroker(settings=settings) as broker:
        body = {
            "driver": "netmiko",
            "connection_args": {},
            "devices": [device.netmiko() for device in lab.devices],
            "command": "show clock",
            "options": {"wait": 110, "timeout": 100},
        }
        walls = []
        for _ in range(2):
            began = time.monotonic()
            answer = broker.post("/device/bulk", body)
            walls.append(time.monotonic() - began)
            assert answer["failed"] == []
            assert Counter(job["status"] for job in answer["succeeded"]) == {"finished": count}
        assert Counter(lab.counters(device).logins for device in lab.devices) == {1: count}
        said = "\n".join(path.read_text() for path in broker.state_dir.glob("log/*"))
        assert "fork_server_ready" in said
        assert "fork_server_lost" not in said
    print(f"{count} devices: cold {walls[0]:.1f} s ({1000 * walls[0] / count:.0f} ms a device), warm {walls[1]:.2f} s")
