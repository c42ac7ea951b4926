"""A wrong password for many devices at once, counted by the AAA server that is asked: FreeRADIUS behind sshd's PAM."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import Any

from tests.evidence.conftest import LONG
from tests.lab.fixtures_real import require
from tests.lab.real import SshdHost
from tests.lab.real.many_addresses import ManyAddresses
from tests.lab.real.radius import RadiusServer
from tests.lab.running_broker import RunningBroker

DEVICES = 300 if LONG else 40
SETTINGS = {"NETPULSE_NODE__CAPACITY": "400", "NETPULSE_DRIVERS__HOST_KEY_POLICY": "off"}


def bulk(broker: RunningBroker, devices: ManyAddresses, password: str, *, addresses: list[str]) -> Counter[str]:
    """How the jobs of one bulk request ended: `finished`, or the error's code."""
    body: dict[str, Any] = {
        "driver": "netmiko",
        "connection_args": {
            "device_type": "linux",
            "username": "labuser",
            "password": password,
            "port": devices.port,
            "auth_timeout": 60,
        },
        "devices": [{"host": address} for address in addresses],
        "command": "echo here",
        "options": {"wait": 240, "timeout": 200, "queue_strategy": "pinned"},
    }
    answer = broker.client.post("/device/bulk", json=body, timeout=300)
    assert answer.status_code == 201, answer.text
    assert not answer.json()["data"]["failed"]
    jobs = answer.json()["data"]["succeeded"]
    return Counter(job["result"]["error"]["code"] if job["status"] == "failed" else job["status"] for job in jobs)


def test_a_wrong_password_reaches_the_aaa_server_five_times() -> None:
    require(RadiusServer.available())
    require(SshdHost.available(password=True))
    with (
        RadiusServer(username="labuser") as radius,
        SshdHost(password=True, public_key=False, pam_auth=radius.pam) as host,
        ManyAddresses(host.device.host, host.device.port, number=DEVICES) as devices,
    ):
        everywhere = devices.addresses
        with RunningBroker(settings=SETTINGS | {"NETPULSE_LOGINS__PROTECT": "false"}) as broker:
            ended = bulk(broker, devices, "Not-this-one-7", addresses=everywhere)
            before = radius.refused
            print(f"\n{DEVICES} devices, one wrong password, unprotected: {before} refused logins at the AAA server")
            assert ended == {"authentication_failed": DEVICES}
            assert before == DEVICES
        with RunningBroker(settings=SETTINGS) as broker:
            ended = bulk(broker, devices, "Not-this-one-7", addresses=everywhere)
            refused = radius.refused - before
            print(f"the same, protected: {refused}; the jobs: {dict(ended)}")
            assert 1 <= refused <= 5
            assert ended == {"authentication_failed": refused, "login_suspended": DEVICES - refused}
            ended = bulk(broker, devices, "Not-this-one-7", addresses=everywhere)
            assert ended == {"login_suspended": DEVICES}, "nor is it tried again by the next request"
            (suspended,) = broker.get("/login")

            assert bulk(broker, devices, radius.password, addresses=everywhere[:1]) == {"finished": 1}
            assert bulk(broker, devices, radius.password, addresses=everywhere) == {"finished": DEVICES}
            assert radius.refused - before == refused
            print(f"the right password then: {radius.accepted} accepted, for {DEVICES} devices")
            assert radius.accepted == DEVICES

            command = ["login", "reset", "--credential", suspended["credential"], "--state-dir", str(broker.state_dir)]
            told = subprocess.run(
                [sys.executable, "-m", "netpulse_broker.cli", *command], capture_output=True, text=True, check=True
            )
            assert f"{len(suspended['devices']) + 1} suspensions have ended" in told.stdout
            assert broker.get("/login") == []
            ended = bulk(broker, devices, "Not-this-one-7", addresses=everywhere[:1])
            assert ended == {"authentication_failed": 1}, "after a reset it is tried again"
