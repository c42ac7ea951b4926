"""The simulator as a process: its command line, its start and end, its size."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from netpulse_lab import LabError, SimulatedDevice, SimulatorLab
from tests.lab.raw_shell import RawShell
from tests.lab.real.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "netpulse_lab"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line until it ends by itself."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_it_says_where_its_devices_are_and_ends_on_sigterm(tmp_path: Path) -> None:
    control, state = tmp_path / "control.sock", tmp_path / "state.json"
    options = ["--count", "3", "--platform", "ios", "--platform", "eos", "--telnet", "--privilege", "15"]
    with subprocess.Popen(
        [*COMMAND, *options, "--json", "--control", str(control), "--state-json", str(state)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        assert json.loads(state.read_text()) == line
        devices = [SimulatedDevice(**one) for one in line["devices"]]
        assert [(one.name, one.platform) for one in devices] == [
            ("ios-001", "ios"),
            ("eos-002", "eos"),
            ("ios-003", "ios"),
        ]
        with RawShell(devices[1]) as shell:
            assert shell.read("eos-002#$")
            process.send_signal(signal.SIGTERM)
            assert isinstance(shell.ended(), EOFError)
        assert process.wait(timeout=60) == 0
        assert process.stdout.read() == ""
    assert not control.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((devices[0].host, devices[0].port), timeout=5)


def started(*arguments: str) -> str:
    """What the command says when its devices listen."""
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "ctrl-C ends the lab" in line:
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    return "".join(lines)


def test_it_tells_a_person_where_its_devices_are_and_no_password(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    secrets = ["--username", "ops", "--password", "hidden-word", "--secret", "hidden-secret"]
    said = started("--count", "2", "--platform", "eos", "--telnet", *secrets, "--state-json", str(state))
    assert re.search(r"^name +platform +SSH +Telnet\neos-001 +eos +127\.0\.0\.1:\d+ +127\.0\.0\.1:\d+\neos-002", said)
    assert "2 devices listen. Log in as ops with the password of --password. ctrl-C ends the lab." in said
    assert "hidden" not in said
    assert state.stat().st_mode & 0o777 == 0o600
    assert json.loads(state.read_text())["devices"][0]["password"] == "hidden-word"


def test_one_device_is_enough_and_many_are_cut_short() -> None:
    assert "1 device listens." in started()
    assert "... and 2 more" in started("--count", "32")


def test_dialogues_are_played_from_the_command_line() -> None:
    said = started("--count", "2", "--dialogue", "fortinet", "--dialogue", "cisco_asa")
    assert re.search(r"fortinet-001 +fortinet .*\ncisco_asa-002 +cisco_asa ", said)
    done = run("--dialogue", "no-such-device")
    assert (done.returncode, "no dialogue 'no-such-device'" in done.stderr) == (2, True)


def test_it_ends_when_stdin_closes() -> None:
    with subprocess.Popen(
        [*COMMAND, "--empty", "--exit-on-stdin-eof"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Killed with SIGKILL, a test run cannot clean up; the lab goes with it."""
    program = (
        "import sys, time\nfrom netpulse_lab import SimulatorLab\n"
        "lab = SimulatorLab(count=1)\nlab.start()\nprint(lab.pid, flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        simulator = int(parent.stdout.readline())
        assert not gone(simulator)
        parent.kill()
    wait_until(lambda: gone(simulator), what="the simulator to end")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "cannot read"),
        ("[]", 'must hold {"devices": [...]}'),
        ('{"devices": [{"name": "r1", "colour": "blue"}]}', "unknown field 'colour'"),
        ('{"devices": [{"name": "r1", "platform": "vms"}]}', "unknown platform 'vms'"),
        ('{"devices": [{"name": "r1", "config": "interface Nothing0"}]}', "is refused"),
        ('{"devices": [{"name": "r1", "faults": {"speed": 1}}]}', "unknown fault 'speed'"),
        ('{"devices": [{"name": "r1"}, {"name": "r1"}]}', "already a device 'r1'"),
    ],
)
def test_a_wrong_configuration_is_refused_with_a_reason(tmp_path: Path, config: str, message: str) -> None:
    path = tmp_path / "lab.json"
    path.write_text(config)
    done = run("--config", str(path))
    assert done.returncode == 2
    assert done.stderr.startswith("netpulse-lab: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("--count", "1", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "address already in use" in done.stderr


def test_the_client_tells_why_a_lab_did_not_start() -> None:
    lab = SimulatorLab(devices=[{"name": "r1", "config": "nonsense"}])
    with pytest.raises(LabError, match="configuration line 'nonsense' is refused"):
        lab.start()
    with pytest.raises(LabError, match="does not run"):
        lab.counters("r1")


def test_each_device_can_have_an_address_of_its_own() -> None:
    with SimulatorLab(count=3, first_address="127.0.10.1", own_addresses=True) as lab:
        assert [one.host for one in lab.devices] == ["127.0.10.1", "127.0.10.2", "127.0.10.3"]
        with RawShell(lab.devices[2]) as shell:
            shell.read("ios-003>$")
        assert [one.logins for one in lab.all_counters().values()] == [0, 0, 1]


def host_key(device: SimulatedDevice) -> str:
    async def ask() -> str:
        key = await asyncssh.get_server_host_key(device.host, device.port, config=None)
        assert key is not None
        return key.get_fingerprint()

    return asyncio.run(ask())


def test_devices_share_a_host_key_unless_told_otherwise() -> None:
    devices: list[dict[str, Any]] = [{"name": "a"}, {"name": "b"}, {"name": "c", "own_host_key": True}]
    with SimulatorLab(devices=devices) as lab:
        one, two, three = (host_key(device) for device in lab.devices)
    assert one == two
    assert one != three


@pytest.mark.slow
def test_five_hundred_devices_in_one_process() -> None:
    """500 devices, 500 open sessions, a command on each of them at once: prints commands per second."""
    with SimulatorLab(count=500, platforms=["ios", "eos"]) as lab:
        sent, seconds = asyncio.run(_drive(lab.devices, rounds=10))
        assert sum(one.logins for one in lab.all_counters().values()) == 500
        assert sum(one.commands for one in lab.all_counters().values()) == sent
        resident = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{lab.pid}/status").read_text())
        assert resident is not None
        megabytes = int(resident[1]) / 1024
        print(f"500 devices, 500 sessions: {megabytes:.0f} MB resident, {sent / seconds:.0f} commands/s")
        assert megabytes < 150


async def _drive(devices: list[SimulatedDevice], *, rounds: int) -> tuple[int, float]:
    """Open a session to each device, then `rounds` commands on each; returns commands and the seconds they took."""
    gate = asyncio.Semaphore(20)

    async def login(device: SimulatedDevice) -> tuple[Any, Any]:
        async with gate:
            connection = await asyncssh.connect(
                device.host,
                device.port,
                username=device.username,
                password=device.password,
                known_hosts=None,
                config=None,
                client_keys=None,
            )
            process = await connection.create_process(term_type="vt100", encoding=None)
            await process.stdout.readuntil(b">")
            return connection, process

    sessions = await asyncio.gather(*(login(device) for device in devices))
    began = time.monotonic()

    async def work(process: Any) -> None:
        for _ in range(rounds):
            process.stdin.write(b"show privilege\r")
            await process.stdout.readuntil(b">")

    await asyncio.gather(*(work(process) for _, process in sessions))
    seconds = time.monotonic() - began
    for connection, _ in sessions:
        connection.abort()
    await asyncio.gather(*(connection.wait_closed() for connection, _ in sessions))
    return rounds * len(devices), seconds


def test_no_device_gets_the_port_of_one_that_is_gone() -> None:
    """Whoever knows devices by address and port would take the new one for the old."""
    with SimulatorLab() as lab:
        ports = set()
        for number in range(300):
            device = lab.add(name=f"r{number}", platform="eos", https_port=0)
            ports |= {device.port, device.https_port}
            lab.remove(device)
    assert len(ports) == 600
