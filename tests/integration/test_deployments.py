"""Ways to run the broker that the other tests do not take: an ordinary user, TLS, Redis behind Sentinel."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.integration.test_rest_server import certificate
from tests.lab.installation import Installation
from tests.lab.real.waiting import wait_until
from tests.lab.running_broker import DEVICES_HERE, RunningBroker
from tests.lab.sentinel import SentinelRedis

USER = 61_234
"""Nobody's user id: no account has it."""


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


# -- an ordinary user -------------------------------------------------------------------------------------------------


def as_ordinary_user() -> list[str]:
    """What a command begins with to run as one. As an ordinary user: nothing.

    The interpreter and the sources may lie where only root can look; the user may read there, and nothing more.
    """
    if os.geteuid() != 0:
        return []
    reads = "+dac_read_search"
    return [
        *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs"),
        *("--bounding-set", f"-all,{reads}", "--inh-caps", f"-all,{reads}", "--ambient-caps", f"-all,{reads}"),
    ]


@pytest.fixture
def home() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="np-home-"))
    if os.geteuid() == 0:
        os.chown(directory, USER, USER)
    yield directory
    shutil.rmtree(directory)


def processes_below(home: Path) -> list[psutil.Process]:
    """Processes whose home it is."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_up_needs_no_root(home: Path, lab: SimulatorLab) -> None:
    device = lab.add(name="for-a-user", platform="ios", privilege=15)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NETPULSE_", "XDG_"))}
    with subprocess.Popen(
        [*as_ordinary_user(), sys.executable, "-m", "netpulse_broker.cli", "up", "--port", "0"],
        env=environment | DEVICES_HERE | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as up:
        try:
            assert up.stdout is not None
            assert up.stderr is not None
            line = up.stdout.readline()
            assert line, up.stderr.read()
            state = home / ".local" / "state" / "netpulse"
            assert line.strip().endswith(f"(API key in {state / 'api-key'})")
            owner = os.geteuid() or USER
            everything = psutil.Process(up.pid).children(recursive=True)
            assert len(everything) >= 4
            assert {uid for process in (psutil.Process(up.pid), *everything) for uid in process.uids()} == {owner}
            for path in (state, *state.rglob("*")):
                found = path.lstat()
                assert found.st_uid == owner, path
                assert stat.S_ISLNK(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077 == 0, path
            key = (state / "api-key").read_text().strip()
            with httpx.Client(base_url=line.split()[4], headers={"X-API-KEY": key}, timeout=120) as client:
                for strategy in ("pinned", "fifo"):
                    body = {
                        "driver": "netmiko",
                        "connection_args": device.netmiko(),
                        "command": "show clock",
                        "parsing": {"name": "textfsm"},
                        "options": {"wait": 60, "queue_strategy": strategy},
                    }
                    job = client.post("/device/execute", json=body).json()["data"]
                    assert job["status"] == "finished", job
                    assert job["result"]["outputs"][0]["parsed"]
                rendered = client.post("/template/render", json={"template": "{{ a }}", "context": {"a": "b"}})
                assert rendered.json()["data"] == "b"
        finally:
            up.send_signal(signal.SIGTERM)
            assert up.wait(timeout=90) == 0
    assert processes_below(home) == []


def test_up_stops_in_good_order_when_nobody_reads_what_it_says(lab: SimulatorLab) -> None:
    """A terminal that was closed, or ``netpulse up | head -1``."""
    device = lab.add(name="unread", platform="ios")
    lab.set_faults(device, commands=[{"match": "show users", "action": "hang"}])
    broker = RunningBroker(settings={"NETPULSE_SHUTDOWN_GRACE": "60"})
    with broker:
        process = broker.process
        assert process is not None
        assert process.stdout is not None
        assert process.stderr is not None
        # Long enough for the supervisor to say that it waits.
        job = broker.execute(device.netmiko(), wait=0, command="show users", driver_args={"read_timeout": 8})["id"]
        wait_until(lambda: "show users" in lab.commands(device), what="the command on the device", timeout=30)
        assert broker.get(f"/job/{job}")["status"] == "started"
        below = broker.descendants()
        process.stdout.close()
        process.stderr.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=90) == 0
        _, left = psutil.wait_procs(below, timeout=30)
        assert left == []


# -- TLS --------------------------------------------------------------------------------------------------------------


def test_up_with_tls(tmp_path: Path, lab: SimulatorLab) -> None:
    device = lab.add(name="over-tls", platform="ios")
    cert_file, key_file = certificate(tmp_path)
    settings = {"NETPULSE_CONTROLLER__TLS_CERT": str(cert_file), "NETPULSE_CONTROLLER__TLS_KEY": str(key_file)}
    with RunningBroker(settings=settings) as broker:
        assert broker.url.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=str(cert_file))
        headers = {"X-API-KEY": broker.api_key}
        with httpx.Client(base_url=broker.url, headers=headers, timeout=120, verify=trusted) as client:
            body = {"driver": "netmiko", "connection_args": device.netmiko(), "command": "show clock", "wait": 60}
            assert client.post("/device/execute", json=body).json()["data"]["status"] == "finished"
        with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"), httpx.Client(base_url=broker.url) as stranger:
            stranger.get("/health/live")
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(broker.url.replace("https", "http") + "/health/live")
        asked = subprocess.run(
            [sys.executable, "-m", "netpulse_broker.cli", "status", "--state-dir", str(broker.state_dir)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert asked.returncode == 0, asked.stdout + asked.stderr
        assert broker.url in asked.stdout


def test_up_with_a_certificate_that_cannot_be_used_starts_nothing(tmp_path: Path) -> None:
    cert_file, _ = certificate(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-m", "netpulse_broker.cli", "up", "--port", "0", "--state-dir", str(tmp_path / "state")],
        env=os.environ | {"NETPULSE_CONTROLLER__TLS_CERT": str(cert_file)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2, ran.stderr
    assert "tls_key" in ran.stderr
    assert not (tmp_path / "state").exists()


# -- Sentinel ---------------------------------------------------------------------------------------------------------


def run(client: httpx.Client, device: SimulatedDevice, command: str) -> dict[str, Any]:
    """The ended job; while Redis is away the controller says so and is asked again."""
    body = {
        "driver": "netmiko",
        "connection_args": device.netmiko(),
        "command": command,
        "options": {"wait": 60, "idempotency_key": command.replace(" ", "_")},
    }
    while True:
        answer = client.post("/device/execute", json=body)
        if answer.status_code == 201:
            job: dict[str, Any] = answer.json()["data"]
            return job
        assert (answer.status_code, answer.json()["data"]["retryable"]) == (503, True), answer.text


def alone(like: httpx.Client, device: SimulatedDevice, command: str) -> dict[str, Any]:
    """The same over a connection of its own."""
    with httpx.Client(base_url=like.base_url, headers=like.headers, timeout=120) as client:
        return run(client, device, command)


def test_redis_behind_sentinel_through_a_failover(lab: SimulatorLab) -> None:
    device = lab.add(name="behind-sentinel", platform="ios")
    settings = {"NETPULSE_NODE__LEASE_TTL": "20", "NETPULSE_NODE__LEASE_RENEW": "0.5"}
    with SentinelRedis() as redis, Installation(settings=settings, redis_url=redis.url) as installation:
        installation.nodes("n1")
        installation.fifo("pool")
        client = installation.controller()
        assert run(client, device, "show clock | include first")["status"] == "finished"
        # More requests at a time than a pool has connections.
        others = [lab.add(name=f"sentinel-{number}", platform="ios") for number in range(4)]
        with ThreadPoolExecutor(120) as pool:
            jobs = list(pool.map(lambda n: alone(client, others[n % 4], f"show clock | include many-{n}"), range(120)))
        assert {job["status"] for job in jobs} == {"finished"}
        redis.kill_primary()
        after = run(client, device, "show clock | include after")
        assert (after["status"], after["session_reused"]) == ("finished", True), after
        fifo = {"driver": "netmiko", "connection_args": device.netmiko(), "command": "show version", "wait": 60}
        job = client.post("/device/execute", json=fifo | {"queue_strategy": "fifo"}).json()["data"]
        assert job["status"] == "finished", job
        assert client.get("/health").json()["data"]["status"] == "ok"
        got = [line for line in lab.commands(device) if line.startswith("show clock")]
        assert got == ["show clock | include first", "show clock | include after"]
        assert lab.counters(device).logins == 2, "the pinned session, and that of the FIFO job"
        log = "".join(role.log.read_text() for role in installation.roles)
        assert redis.password not in log
        installation.stop("n1", "pool")
