"""Nothing of the lab outlives the process that started it: no daemon, no namespace, no file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.lab.fixtures_real import require
from tests.lab.real import FrrLab, SshdHost
from tests.lab.real.enclosure import NamespaceEnclosure, ProcessEnclosure
from tests.lab.real.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]

OWNER = """
import json, sys, threading, time
from tests.lab.real import FrrLab, SshdHost

def start():
    for part in (FrrLab(), SshdHost()):
        part.__enter__()
        parts.append(part)

parts = []
thread = threading.Thread(target=start)  # the lab has to live on when the thread that started it ends
thread.start()
thread.join()
lab, host = parts
enclosures = [router.enclosure for router in lab._routers.values()] + [host._enclosure]
print(json.dumps({
    "inits": [enclosure.init_pid for enclosure in enclosures],
    "directories": [str(enclosure.state_dir) for enclosure in enclosures],
    "logins": [lab.logins("r1"), host.logins()],
}), flush=True)
time.sleep(600)
"""


def processes_in_namespace(link: str) -> list[int]:
    """PIDs of the live processes whose PID namespace is the one that `link` (target of /proc/PID/ns/pid) names."""
    found = []
    for process in psutil.process_iter():
        try:
            inside = str(Path(f"/proc/{process.pid}/ns/pid").readlink()) == link
            # a zombie only waits for the machine's init process to take note of its end
            if inside and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (FileNotFoundError, PermissionError, psutil.NoSuchProcess):
            continue  # it ended meanwhile, or is a kernel thread
    return found


@pytest.mark.frr
def test_a_killed_owner_takes_the_whole_lab_along() -> None:
    require(FrrLab.available())
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, cwd=REPOSITORY) as owner:
        assert owner.stdout is not None
        lab = json.loads(owner.stdout.readline())
        links = [str(Path(f"/proc/{pid}/ns/pid").readlink()) for pid in lab["inits"]]
        per_namespace = [len(processes_in_namespace(link)) for link in links]
        # init, zebra, staticd, bgpd, ospfd and sshd in a router; init and sshd in a host
        assert per_namespace[0] >= 6
        assert per_namespace[1] >= 6
        assert per_namespace[2] >= 2

        owner.send_signal(signal.SIGKILL)

    wait_until(lambda: not any(processes_in_namespace(link) for link in links), what="the end of the lab's processes")
    wait_until(lambda: not any(map(os.path.exists, lab["directories"])), what="the lab's directories to be removed")


@pytest.mark.frr
def test_a_killed_keeper_takes_its_namespace_along() -> None:
    require(FrrLab.available())
    enclosure = NamespaceEnclosure(name="test", net=True)
    link = str(Path(f"/proc/{enclosure.init_pid}/ns/pid").readlink())
    daemon = enclosure.spawn(["sleep", "600"])
    wait_until(lambda: len(processes_in_namespace(link)) == 2, what="the daemon to run inside")

    enclosure._keeper.kill()

    wait_until(lambda: not processes_in_namespace(link), what="the end of the namespace")
    assert daemon.wait(60) != 0
    enclosure.close()
    assert not enclosure.state_dir.exists()


def test_without_namespaces_daemons_that_detach_are_held_too(tmp_path: Path) -> None:
    enclosure = ProcessEnclosure(name="test")
    pid_file = tmp_path / "pid"
    detached_script = f"echo $$ >{pid_file}.new; mv {pid_file}.new {pid_file}; exec sleep 600"
    enclosure.spawn(["/bin/sh", "-c", f"setsid sh -c '{detached_script}' & exec sleep 600"])
    wait_until(pid_file.exists, what="the detached process")
    detached = psutil.Process(int(pid_file.read_text()))

    enclosure.close()

    assert not detached.is_running()
    assert not enclosure.state_dir.exists()


def test_the_keeper_ends_with_the_status_of_its_command() -> None:
    enclosure = ProcessEnclosure(name="test")
    assert enclosure.spawn(["/bin/sh", "-c", "exit 7"]).wait(60) == 7
    assert enclosure.state_dir.exists(), "the caller may still want to read a log"
    enclosure.close()
    assert not enclosure.state_dir.exists()


@pytest.mark.sshd
def test_closing_removes_everything_and_may_be_repeated() -> None:
    require(SshdHost.available())
    with SshdHost() as host:
        enclosure = host._enclosure
        assert enclosure is not None
        listener = host._sshd._listener
    host.close()
    assert not listener.is_running()
    assert not enclosure.state_dir.exists()
