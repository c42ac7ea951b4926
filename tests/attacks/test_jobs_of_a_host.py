"""Who ends or lists a host's jobs means all of them."""

from __future__ import annotations

from typing import Any

from netpulse_lab import SimulatedDevice
from tests.lab.running_broker import RunningBroker


def test_all_jobs_of_a_host_are_listed_and_ended(
    broker: RunningBroker, device: SimulatedDevice, login: dict[str, Any]
) -> None:
    """A queue of more jobs than a page, an index or a first look holds, at a port that is part of the device's name."""
    name = f"{device.host}:{device.port}"
    broker.execute(login, command="show clock")
    broker.post("/device/pause", {"device": name}, expect=200)
    body = {
        "driver": "netmiko",
        "connection_args": login,
        "devices": [{} for _ in range(600)],
        "command": "show clock",
        "options": {"ttl": 3600},
    }
    ids = {job["id"] for _ in range(2) for job in broker.post("/device/bulk", body)["succeeded"]}
    assert len(ids) == 1200

    def listed(**wanted: str) -> set[str]:
        found: set[str] = set()
        cursor: dict[str, str] = {}
        while True:
            answer = broker.client.get("/job", params={"limit": 500, **wanted, **cursor}).json()
            found |= {job["id"] for job in answer["data"]}
            if answer["next_cursor"] is None:
                return found
            cursor = {"cursor": answer["next_cursor"]}

    assert ids <= listed(host=device.host)
    assert ids <= listed(device=name)
    ended = broker.client.delete("/job", params={"host": device.host})
    assert ended.status_code == 200, ended.text
    assert set(ended.json()["data"]) == ids
    assert listed(host=device.host, status="queued") == set()
    broker.post("/device/resume", {"device": name}, expect=200)
