"""``netpulse up`` with real processes: coming up, staying up, and leaving nothing behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from netpulse_broker.cli.status import status
from tests.integration.supervised import STAND_INS, Up, processes_of
from tests.lab.real.waiting import wait_until

Start = Callable[..., Up]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Up] = []

    def starts(**options: Any) -> Up:
        started.append(Up(tmp_path / "state", **options))
        return started[-1]

    yield starts
    for up in started:
        up.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_tells_its_address_once_and_stops_on_a_signal(start: Start, number: signal.Signals) -> None:
    handler = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whatever nohup or the like has made of it
    up = start()
    signal.signal(signal.SIGHUP, handler)

    line = up.ready()

    expected = rf"NetPulse is ready at http://127\.0\.0\.1:\d+ \(API key in {up.state_dir}/api-key\)\n"
    assert re.fullmatch(expected, line)
    assert len(processes_of(up.state_dir)) == 7  # supervisor, keeper, server, three roles, one worker
    up.send(number)
    assert up.wait() == 0
    assert processes_of(up.state_dir) == []
    assert up.stdout == ""


def test_started_with_nohup_it_goes_on_without_its_terminal(start: Start) -> None:
    up = start(command=("nohup", *STAND_INS))
    up.ready()

    ignored = re.search(r"SigIgn:\s*(\w+)", Path(f"/proc/{up.process.pid}/status").read_text())

    assert ignored is not None
    assert int(ignored[1], 16) & 1 << (signal.SIGHUP - 1)
    up.send(signal.SIGTERM)
    assert up.wait() == 0


@pytest.mark.parametrize("name", ["supervisor.lock", "api-key", "log/supervisor.log", "server/keeper.lock", "url"])
def test_a_file_that_cannot_be_written_is_told(start: Start, tmp_path: Path, name: str) -> None:
    """As on a full or a read-only disk. What fails after logging has begun must not stand in the log alone."""
    (tmp_path / "state" / name).mkdir(mode=0o700, parents=True)
    for directory in (tmp_path / "state", (tmp_path / "state" / name).parent):
        directory.chmod(0o700)

    up = start()

    assert up.wait() == 2
    told = up.stderr
    assert "Traceback" not in told
    last = told.splitlines()[-1]
    assert last.startswith("netpulse: cannot ")
    assert f"{up.state_dir}/{name}" in last
    assert processes_of(up.state_dir) == []


@pytest.mark.parametrize("name", ["", "supervisor.lock"])
def test_the_status_of_what_cannot_be_looked_into(tmp_path: Path, name: str) -> None:
    state_dir = tmp_path / "state"
    if name:
        (state_dir / name).mkdir(parents=True)
    else:
        state_dir.touch()
    found = status(state_dir)
    assert not found.running
    assert found.text.startswith(f"cannot look into {state_dir}: ")


def test_keys_are_private_and_stay_the_same(start: Start) -> None:
    first = start()
    first.ready()
    api_key = (first.state_dir / "api-key").read_text()
    master_key = (first.state_dir / "master-key").read_text()
    with first.client() as client:
        client.set("kept", "yes")
    first.send(signal.SIGTERM)
    assert first.wait() == 0

    second = start()
    second.ready()

    assert (second.state_dir / "api-key").read_text() == api_key
    assert (second.state_dir / "master-key").read_text() == master_key
    with second.client() as client:
        assert client.get("kept") == b"yes"
    for name in ("api-key", "master-key", "server/password"):
        assert stat.S_IMODE((second.state_dir / name).stat().st_mode) == 0o600
    for name in (".", "server", "log"):
        assert stat.S_IMODE((second.state_dir / name).stat().st_mode) == 0o700


def test_no_secret_stands_in_arguments_environment_or_logs(start: Start) -> None:
    up = start(env={"NETPULSE_API_KEY": "an-api-key-of-the-environment"})
    line = up.ready()
    assert "(API key from NETPULSE_API_KEY)" in line
    assert not (up.state_dir / "api-key").exists()
    secrets = [
        b"an-api-key-of-the-environment",
        (up.state_dir / "master-key").read_bytes().strip(),
        (up.state_dir / "server" / "password").read_bytes().strip(),
    ]

    for process in processes_of(up.state_dir):
        told = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        if process.pid != up.process.pid:  # its own environment is what the caller has made it
            told += Path(f"/proc/{process.pid}/environ").read_bytes()
        assert not [secret for secret in secrets if secret in told]
    for log in (up.state_dir / "log").iterdir():
        assert not [secret for secret in secrets if secret in log.read_bytes()]


def test_killed_supervisor_leaves_no_process(start: Start) -> None:
    up = start()
    up.ready()

    up.send(signal.SIGKILL)
    up.wait()

    up.wait_until_gone()


def test_server_outlives_a_killed_supervisor_while_a_job_runs(start: Start) -> None:
    up = start()
    up.ready()
    (up.state_dir / "job-runs").touch()
    worker, server, node = psutil.Process(up.pid_of("worker")), up.server(), up.pid_of("node")

    up.send(signal.SIGKILL)
    up.wait()
    wait_until(lambda: not psutil.pid_exists(up.pid_of("controller")), what="the controller's end")

    with up.client() as client:
        assert client.ping()
    assert worker.is_running()
    assert server.is_running()
    (up.state_dir / "job-runs").unlink()
    up.wait_until_gone()
    assert not psutil.pid_exists(node)


def test_next_supervisor_attaches_to_the_server_that_a_running_job_holds(start: Start) -> None:
    first = start()
    first.ready()
    (first.state_dir / "job-runs").touch()
    server = first.server()
    first.send(signal.SIGKILL)
    first.wait()

    second = start()
    second.ready()

    assert second.server() == server
    (second.state_dir / "job-runs").unlink()
    second.send(signal.SIGTERM)
    assert second.wait() == 0
    second.wait_until_gone()


def test_second_supervisor_is_refused_and_told_who_is_there(start: Start) -> None:
    first = start()
    first.ready()

    second = start()

    assert second.wait() == 2
    assert f"another `netpulse up` (process {first.process.pid}) already serves" in second.stderr
    assert first.process.poll() is None


def test_address_in_use_is_told_before_anything_starts(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        up = start(env={"NETPULSE_CONTROLLER__PORT": str(port)})

        assert up.wait() == 2
    assert f"127.0.0.1 port {port} is in use by another program" in up.stderr
    assert not (up.state_dir / "server").exists()


def test_dead_role_is_started_again(start: Start) -> None:
    up = start()
    up.ready()
    before = {name: up.pid_of(name) for name in ("controller", "node", "fifo")}

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    for name, pid in before.items():
        wait_until(partial(lambda role, before: up.pid_of(role) != before, name, pid), what=f"another {name}")
    assert up.process.poll() is None
    log = (up.state_dir / "log" / "supervisor.log").read_text()
    assert log.count('"event": "role_died"') == 3
    up.send(signal.SIGTERM)
    assert up.wait() == 0
    assert processes_of(up.state_dir) == []


def test_role_that_cannot_start_ends_the_command_with_its_words(start: Start, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "broken-fifo").touch()

    up = start()

    assert up.wait() == 1
    told = up.stderr
    assert "the fifo ended with status 1 while starting" in told
    assert "fifo is broken on purpose" in told
    assert processes_of(up.state_dir) == []


def test_stopping_waits_for_a_running_job(start: Start) -> None:
    up = start()
    up.ready()
    (up.state_dir / "job-runs").touch()

    up.send(signal.SIGTERM)

    assert up.process.stderr is not None
    assert "waiting up to 75 s for running jobs" in up.process.stderr.readline()
    with up.client() as client:
        assert client.ping()
    assert psutil.pid_exists(up.pid_of("controller"))
    (up.state_dir / "job-runs").unlink()
    assert up.wait() == 0
    assert processes_of(up.state_dir) == []


def test_second_signal_does_not_wait_for_a_running_job(start: Start) -> None:
    up = start()
    up.ready()
    (up.state_dir / "job-runs").touch()
    up.send(signal.SIGINT)
    assert up.process.stderr is not None
    up.process.stderr.readline()

    up.send(signal.SIGINT)

    assert up.wait() == 0
    assert processes_of(up.state_dir) == []


def test_grace_ends(start: Start) -> None:
    up = start(env={"NETPULSE_SHUTDOWN_GRACE": "0.5"})
    up.ready()
    (up.state_dir / "job-runs").touch()

    up.send(signal.SIGTERM)

    assert up.wait() == 0
    assert processes_of(up.state_dir) == []
    assert '"event": "jobs_cut_short"' in (up.state_dir / "log" / "supervisor.log").read_text()


def test_killed_keeper_is_replaced_and_nothing_is_lost(start: Start) -> None:
    up = start()
    up.ready()
    with up.client() as client:
        client.set("kept", "yes")
    keeper, server = up.keeper(), up.server()
    roles = {name: up.pid_of(name) for name in ("controller", "node", "fifo")}

    keeper.kill()

    def kept() -> object:
        with contextlib.suppress(redis.ConnectionError, redis.BusyLoadingError), up.client() as client:
            return client.get("kept")
        return None

    wait_until(lambda: not server.is_running(), what="the server's end")
    assert wait_until(kept, what="the server to answer") == b"yes"
    assert up.keeper() != keeper
    assert {name: up.pid_of(name) for name in roles} == roles
    up.send(signal.SIGTERM)
    assert up.wait() == 0
    assert processes_of(up.state_dir) == []
