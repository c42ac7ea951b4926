"""Devices behind a jump host, and every way to log in, by REST against real OpenSSH servers.

The jump host counts: its own log tells how many logins and channels there were.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.fixtures_real import require
from tests.lab.real import Device, SshdHost
from tests.lab.real.waiting import wait_until
from tests.lab.running_broker import RunningBroker

pytestmark = pytest.mark.sshd

FLEET = 30


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of keys that the operator offers under names."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def broker(keys: Path) -> Iterator[RunningBroker]:
    settings = {"NETPULSE_NODE__CAPACITY": "64", "NETPULSE_JUMP_IDLE": "20", "NETPULSE_FILES__KEYS": str(keys)}
    with RunningBroker(settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def jump() -> Iterator[SshdHost]:
    require(SshdHost.available(password=True))
    with SshdHost(name="bastion", allow_tcp_forwarding=True, password=True, public_key=True) as host:
        yield host


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


def through(host: Device, **more: Any) -> dict[str, Any]:
    hop = {"host": host.host, "port": host.port, "username": host.username, "password": host.password} | more
    return {name: value for name, value in hop.items() if value}


def run(broker: RunningBroker, device: SimulatedDevice, hop: Any, **fields: Any) -> Any:
    arguments = device.netmiko(proxy_jump=hop) | fields.pop("arguments", {})
    return broker.execute(arguments, command="show version", **fields)


def jump_processes(state_dir: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline", "name"])
        if process.info["name"] == "np-jump" and str(state_dir / "jump") in (process.info["cmdline"] or [])
    ]


def error_of(job: Any) -> dict[str, Any]:
    assert job["status"] == "failed", job
    error: dict[str, Any] = job["result"]["error"]
    return error


def jump_entry(error: dict[str, Any]) -> dict[str, Any]:
    (entry,) = [entry for entry in error["details"] if "jump_host" in entry]
    return dict(entry)


def test_thirty_devices_one_session_to_the_jump_host(broker: RunningBroker, jump: SshdHost, lab: SimulatorLab) -> None:
    devices = [lab.add(name=f"far{number}", platform="ios", host=f"127.0.7.{number}") for number in range(1, FLEET + 1)]
    hop = through(jump.device)

    def everywhere(**fields: Any) -> None:
        with ThreadPoolExecutor(FLEET) as pool:
            jobs = list(pool.map(lambda device: run(broker, device, hop, **fields), devices))
        assert [job["status"] for job in jobs] == ["finished"] * FLEET, [job["result"] for job in jobs]

    everywhere()
    assert (jump.logins(), jump.sessions(), jump.jump_opens()) == (1, 1, FLEET)
    everywhere()
    assert [lab.counters(device).logins for device in devices] == [1] * FLEET
    assert (jump.logins(), jump.sessions(), jump.jump_opens()) == (1, 1, FLEET)
    assert len(jump_processes(broker.state_dir)) == 1

    # FIFO workers live under another daemon and share the session all the same.
    job = run(broker, devices[0], hop, options={"queue_strategy": "fifo"})
    assert job["status"] == "finished", job
    assert (jump.logins(), jump.sessions(), jump.jump_opens()) == (1, 1, FLEET + 1)

    request = {"driver": "netmiko", "connection_args": devices[0].netmiko(proxy_jump=hop)}
    tested = broker.post("/device/test-connection", request, expect=200)
    assert f"jump host {jump.device.username}@{jump.device.host} port {jump.device.port}" in json.dumps(tested)
    assert jump.logins() == 1

    # The session is killed under all of them: every device comes back over one new session.
    jump.drop_sessions()
    everywhere()
    assert (jump.logins(), jump.sessions()) == (2, 1)
    assert [lab.counters(device).open_sessions for device in devices] == [1] * FLEET

    for device in devices:
        lab.remove(device)


def test_job_that_runs_when_the_session_dies(broker: RunningBroker, jump: SshdHost, lab: SimulatorLab) -> None:
    device = lab.add(name="slow", platform="ios", host="127.0.8.1")
    assert run(broker, device, through(jump.device))["status"] == "finished"
    lab.set_faults(device, latency=30.0)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, broker, device, through(jump.device))
        wait_until(lambda: lab.commands(device).count("show version") == 2, what="the command to arrive")
        jump.drop_sessions()
        error = error_of(running.result(60))
    assert error["code"] == "session_lost"
    assert error["phase"] == "execute"
    lab.clear_faults(device)
    assert run(broker, device, through(jump.device))["status"] == "finished"


def test_jump_process_killed(broker: RunningBroker, jump: SshdHost, lab: SimulatorLab) -> None:
    device = lab.add(name="orphan", platform="ios", host="127.0.8.2")
    assert run(broker, device, through(jump.device))["status"] == "finished"
    (process,) = jump_processes(broker.state_dir)
    process.kill()
    wait_until(lambda: not jump_processes(broker.state_dir), what="its end")
    assert run(broker, device, through(jump.device))["status"] == "finished"
    assert lab.counters(device).logins == 2


class TestFaults:
    def test_down(self, broker: RunningBroker, lab: SimulatorLab) -> None:
        hop = {"host": "127.0.0.1", "port": 1, "username": "ops", "password": "Pass-of-the-jump"}
        error = error_of(run(broker, lab.add(name="f1", platform="ios", host="127.0.8.3"), hop))
        assert (error["code"], error["phase"]) == ("device_unreachable", "connect")
        assert jump_entry(error) == {"jump_host": "jump host ops@127.0.0.1 port 1", "phase": "connect"}
        assert error["message"].startswith("jump host ops@127.0.0.1 port 1: ")

    def test_wrong_password(self, broker: RunningBroker, jump: SshdHost, lab: SimulatorLab) -> None:
        devices = [lab.add(name=f"w{number}", platform="ios", host=f"127.0.9.{number}") for number in range(1, 6)]
        refused = jump.refused_logins()
        hop = through(jump.device, password="Not-the-password-4711")
        with ThreadPoolExecutor(5) as pool:
            errors = [error_of(job) for job in pool.map(lambda device: run(broker, device, hop), devices)]
        assert {error["phase"] for error in errors} == {"auth"}
        tried = [error for error in errors if error["code"] == "authentication_failed"]
        assert tried
        assert {jump_entry(error)["phase"] for error in tried} == {"auth"}
        assert all(f"jump host {jump.device.username}@" in error["message"] for error in tried)
        # Who came when the first one had been refused was not tried at all.
        kept = [error for error in errors if error not in tried]
        assert {error["code"] for error in kept} <= {"login_suspended"}
        assert all(jump.device.username not in error["message"] for error in kept)
        assert "4711" not in json.dumps(errors)
        assert jump.refused_logins() - refused == 1
        # Nobody who knows the password is held up by that.
        assert run(broker, devices[0], through(jump.device))["status"] == "finished"

    def test_forwarding_refused(self, broker: RunningBroker, lab: SimulatorLab) -> None:
        with SshdHost(name="closed", password=True) as closed:
            error = error_of(run(broker, lab.add(name="f3", platform="ios", host="127.0.8.4"), through(closed.device)))
        assert (error["code"], error["phase"]) == ("forwarding_refused", "connect")
        assert jump_entry(error)["phase"] == "forward"
        assert "AllowTcpForwarding" in error["message"]

    def test_device_behind_it_unreachable(self, broker: RunningBroker, jump: SshdHost, lab: SimulatorLab) -> None:
        device = lab.add(name="f4", platform="ios", host="127.0.8.5")
        error = error_of(run(broker, device, through(jump.device), arguments={"port": 1}))
        assert (error["code"], error["phase"]) == ("device_unreachable", "connect")
        assert f"127.0.8.5 port 1 is unreachable from jump host {jump.device.username}@" in error["message"]
        assert jump_entry(error)["phase"] == "forward"

    def test_bad_requests(self, broker: RunningBroker, lab: SimulatorLab) -> None:
        device = lab.add(name="f5", platform="ios", host="127.0.8.6")
        for hop, complaint in (
            ("ops:secret-in-text@h", "no password in the text"),
            ({"host": "h", "pasword": "x"}, "pasword"),
            ("a@h b@i", "user@host:port"),
        ):
            answer = broker.client.post(
                "/device/execute",
                json={
                    "driver": "netmiko",
                    "connection_args": device.netmiko(proxy_jump=hop),
                    "command": "show version",
                },
            )
            text = answer.text
            if answer.status_code == 201:
                text = json.dumps(broker.execute(device.netmiko(proxy_jump=hop), command="show version"))
                assert "invalid_arguments" in text
            assert complaint in text
            assert "secret-in-text" not in text


class TestLogins:
    def query(self, broker: RunningBroker, host: Device, **credentials: Any) -> Any:
        arguments = {"device_type": "linux", "host": host.host, "port": host.port, "username": host.username}
        return broker.execute(arguments | credentials, command="echo in", options={"queue_strategy": "fifo"})

    def test_key_file_key_text_and_passphrase(self, broker: RunningBroker, jump: SshdHost, keys: Path) -> None:
        from tests.lab.real.sshd import keygen  # noqa: PLC0415

        host = jump.device
        assert host.key_file is not None
        text = Path(host.key_file).read_text()
        (keys / "open").write_text(text)
        locked = keys / "locked"
        locked.write_text(text)
        locked.chmod(0o600)
        keygen("-q", "-p", "-P", "", "-N", "Pass-of-the-key", "-f", str(locked))
        for credentials in (
            {"key_file": "open"},
            {"pkey": text},
            {"pkey": locked.read_text(), "passphrase": "Pass-of-the-key"},
            {"key_file": "locked", "passphrase": "Pass-of-the-key"},
        ):
            job = self.query(broker, host, **credentials)
            assert job["status"] == "finished", job
        assert error_of(self.query(broker, host, key_file="locked"))["code"] == "invalid_arguments"
        error = error_of(self.query(broker, host, key_file="locked", passphrase="Not-the-passphrase"))
        assert "passphrase" in error["message"]

    def test_certificate(self, broker: RunningBroker, keys: Path) -> None:
        with SshdHost(name="certs", certificate=True) as host:
            device = host.device
            assert device.key_file is not None
            certificate = Path(device.key_file + "-cert.pub").read_text()
            text = Path(device.key_file).read_text()
            (keys / "certified").write_text(text)
            (keys / "certified-cert.pub").write_text(certificate)
            for credentials in ({"key_file": "certified"}, {"pkey": text, "certificate": certificate}):
                job = self.query(broker, device, **credentials)
                assert job["status"] == "finished", job
            assert host.logins("publickey") == 2
            assert error_of(self.query(broker, device, pkey=text))["code"] == "authentication_failed"

    def test_keyboard_interactive(self, broker: RunningBroker) -> None:
        require(SshdHost.available(password=True))
        with SshdHost(name="pam", keyboard_interactive=True) as host:
            device = host.device
            job = self.query(broker, device, password=device.password)
            assert job["status"] == "finished", job
            job = self.query(broker, device, keyboard_interactive={"password": device.password})
            assert job["status"] == "finished", job
            assert host.logins("keyboard-interactive/pam") == 2
            error = error_of(self.query(broker, device, keyboard_interactive={"token": "Answer-to-a-token"}))
            assert error["code"] == "authentication_failed"
            assert "Password" in error["message"]
            assert "Answer-to-a-token" not in json.dumps(error)

    def test_jump_host_by_certificate(self, broker: RunningBroker, lab: SimulatorLab) -> None:
        with SshdHost(name="cjump", certificate=True, allow_tcp_forwarding=True) as host:
            device = lab.add(name="c1", platform="ios", host="127.0.8.7")
            job = run(broker, device, through(host.device, password=None, **host.device.key()))
            assert job["status"] == "finished", job
            assert host.logins("publickey") == 1


def test_no_credential_of_a_jump_host_is_left_anywhere(jump: SshdHost, lab: SimulatorLab) -> None:
    """In no file (Redis' own among them), no argument list, no log; and no process stays."""
    device = lab.add(name="quiet", platform="ios", host="127.0.8.8")
    wrong = "Wrong-for-the-jump-host-90125"
    with RunningBroker() as broker:
        assert run(broker, device, through(jump.device))["status"] == "finished"
        error_of(run(broker, device, through(jump.device, password=wrong)))
        (process,) = jump_processes(broker.state_dir)
        shown = json.dumps(process.cmdline()) + json.dumps(process.environ())
        files = b"".join(path.read_bytes() for path in broker.state_dir.rglob("*") if path.is_file())
        answers = json.dumps(broker.get("/job", limit=100))
        for secret in (jump.device.password, wrong):
            assert secret not in shown
            assert secret.encode() not in files
            assert secret not in answers
        assert (broker.state_dir / "jump").stat().st_mode & 0o777 == 0o700
        assert (broker.state_dir / "jump" / "socket").stat().st_mode & 0o777 == 0o600
        broker.stop()
        wait_until(lambda: not process.is_running() or process.status() == "zombie", what="the jump process to end")
