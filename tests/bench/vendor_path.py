"""A vendor module, unchanged: through the broker beside stock network_cli, on the same devices in the same run."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.bench.figures import Target, table
from tests.bench.one_device import COMMAND
from tests.bench.sizes import Sizes, VendorCase
from tests.lab.running_broker import RunningBroker
from tests.parity.vendor_ansible import REPOSITORY, VendorAnsible

MOST_FORKS = 10
"""Ansible's forks: one a host, up to so many."""

DEFAULT_READ = 0.1
"""netcommon's default of persistent_buffer_read_timeout, seconds: how long it listens on after a prompt."""


@dataclass(frozen=True, slots=True)
class Stock:
    """A contestant: stock network_cli with one SSH library and one persistent_buffer_read_timeout (s)."""

    library: str
    read: float

    @property
    def name(self) -> str:
        return f"network_cli, {self.library}, read timeout {self.read:g} s"


STOCK = tuple(Stock(library, read) for library in ("libssh", "paramiko") for read in (DEFAULT_READ, 0.0))
COLD, WARM = "broker, cold", "broker, warm"
NOTHING = "Ansible alone: the tasks ask no device"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookRun:
    """One ansible-playbook: seconds until it ended, CPU seconds of all that it started, helper processes, logins."""

    wall: float
    cpu: float
    helpers: int
    logins: int


@dataclass(slots=True, kw_only=True)
class Measured:
    """All runs of a case, by contestant."""

    hosts: int
    tasks: int
    runs: dict[str, list[PlaybookRun]] = field(default_factory=dict)

    def wall(self, name: str) -> float:
        return statistics.median(run.wall for run in self.runs[name])

    def cpu(self, name: str) -> float:
        return statistics.median(run.cpu for run in self.runs[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorPath:
    """What was measured, with what, and what was left out."""

    cases: Sequence[Measured]
    versions: str
    left_out: Sequence[str]


def measure(environment: Path, sizes: Sizes) -> VendorPath:
    """Measure the cases in their order, each at least once."""
    stock = [one for one in STOCK if _has(environment, one.library)]
    left_out = sorted({f"{one.library}: not installed in {environment}" for one in STOCK if one not in stock})
    began = time.monotonic()
    cases: list[Measured] = []
    with (
        tempfile.TemporaryDirectory(prefix="np-vendor-") as folder,
        SimulatorLab(count=max(case.hosts for case in sizes.vendor_cases)) as lab,
        RunningBroker() as broker,
    ):
        runner = _Runner(VendorAnsible(environment, Path(folder)), broker, lab, limit=sizes.playbook_seconds)
        for case in sizes.vendor_cases:
            measured = Measured(hosts=case.hosts, tasks=case.tasks)
            cases.append(measured)
            against = [one for one in stock if case.unwaiting or one.read == DEFAULT_READ]
            for number in range(case.rounds):
                if number and time.monotonic() - began > sizes.vendor_seconds:
                    left_out.append(f"{_title(measured)}: {case.rounds - number} of {case.rounds} rounds, for time")
                    break
                runner.round(measured, against)
                print(
                    f"bench: {_title(case)}, round {number + 1} of {case.rounds}: {time.monotonic() - began:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
        return VendorPath(cases=cases, versions=runner.vendor.versions(), left_out=left_out + runner.hung)


def _has(environment: Path, library: str) -> bool:
    module = {"libssh": "pylibsshext"}.get(library, library)
    return any(environment.glob(f"lib/python3*/site-packages/{module}/__init__.py"))


class _Runner:
    """Runs playbooks and counts. ``limit``: seconds for one; ``hung``: those that took longer, in words."""

    def __init__(self, vendor: VendorAnsible, broker: RunningBroker, lab: SimulatorLab, *, limit: float) -> None:
        self.vendor = vendor
        self.hung: list[str] = []
        self._limit = limit
        self._broker = broker
        self._lab = lab
        self._report = vendor.folder / "report.json"

    def round(self, measured: Measured, stock: Sequence[Stock]) -> None:
        """Each contestant once."""
        devices = self._lab.devices[: measured.hosts]
        task = {"cisco.ios.ios_command": {"commands": [COMMAND]}}
        for one in stock:
            variables = {
                "ansible_connection": "ansible.netcommon.network_cli",
                "ansible_network_cli_ssh_type": one.library,
                "ansible_buffer_read_timeout": one.read,
            }
            self._play(measured, one.name, devices, task, variables)
        variables = {
            "ansible_connection": "netpulse.broker.network_cli",
            "netpulse_broker_url": self._broker.url,
            "netpulse_api_key": self._broker.api_key,
        }
        self._without_workers()
        self._play(measured, COLD, devices, task, variables)
        self._play(measured, WARM, devices, task, variables)
        nothing = {"ansible.builtin.assert": {"that": ["true"]}}
        self._play(measured, NOTHING, devices, nothing, {"ansible_connection": "ansible.builtin.local"})

    def _without_workers(self) -> None:
        """Nothing of the devices in the broker any more: neither a session nor a worker."""
        for worker in self._pinned():
            answer = self._broker.client.delete("/worker", params={"name": worker["name"]})
            assert answer.status_code == 200, answer.text
        deadline = time.monotonic() + 60
        while left := self._pinned():
            assert time.monotonic() < deadline, left
            time.sleep(0.02)

    def _pinned(self) -> list[dict[str, Any]]:
        return [worker for worker in self._broker.get("/worker") if worker["device"]]

    def _play(
        self,
        measured: Measured,
        name: str,
        devices: Sequence[SimulatedDevice],
        task: dict[str, Any],
        variables: dict[str, Any],
    ) -> None:
        playbook = self.vendor.folder / "bench.yml"
        playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task] * measured.tasks}]))
        hosts = {device.name: _reached(device) | variables for device in devices}
        command, environment = self.vendor.prepare(playbook, hosts=hosts)
        before = self._logins()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.accounted", str(self._report), *command],
            cwd=REPOSITORY,
            env=environment | {"ANSIBLE_FORKS": str(min(MOST_FORKS, len(devices)))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            output, errors = process.communicate(timeout=self._limit)
        except subprocess.TimeoutExpired:
            _kill_tree(process)
            self.hung.append(f"{_title(measured)}, {name}: it had not ended after {self._limit:g} s")
            return
        if process.returncode != 0:
            raise RuntimeError(f"{name}: {errors[-4000:]}")
        report = json.loads(self._report.read_text())
        if report.pop("returncode") != 0:
            raise RuntimeError(f"{name}: {output[-4000:]}{errors[-2000:]}")
        measured.runs.setdefault(name, []).append(PlaybookRun(**report, logins=self._logins() - before))

    def _logins(self) -> int:
        return sum(one.logins for one in self._lab.all_counters().values())


def _kill_tree(process: subprocess.Popen[str]) -> None:
    """The process and all below it, helpers included: it is the one that orphans are handed to."""
    below = psutil.Process(process.pid).children(recursive=True)
    everyone: list[psutil.Process | subprocess.Popen[str]] = [*below, process]
    for one in everyone:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.communicate()


def _reached(device: SimulatedDevice) -> dict[str, Any]:
    return {
        "ansible_host": device.host,
        "ansible_port": device.port,
        "ansible_user": device.username,
        "ansible_password": device.password,
        "ansible_network_os": "cisco.ios.ios",
    }


# -- what is printed --------------------------------------------------------------------------------------------------


def report(path: VendorPath) -> str:
    """Aims, a table for each case, and what was left out."""
    parts = [_aims(path), *(_case(one) for one in path.cases), path.versions]
    parts += [f"Left out: {one}." for one in path.left_out]
    return "\n\n".join(parts)


def _aims(path: VendorPath) -> str:
    rows = []
    for one in path.cases:
        for stock in (stock for stock in STOCK if WARM in one.runs and stock.name in one.runs):
            wall = one.wall(WARM) / one.wall(stock.name)
            if 1 < one.hosts <= MOST_FORKS and one.tasks == 1:
                cpu = one.cpu(WARM) / one.cpu(stock.name)
                rows.append(_target(one, "wall", stock, wall, aim=0.25, floor=0.30))
                rows.append(_target(one, "CPU", stock, cpu, aim=0.15, floor=0.20))
            elif one.hosts == 1 and one.tasks > 1:
                rows.append(_target(one, "wall", stock, wall, aim=0.25, floor=0.30))
    title = "### Vendor modules: `cisco.ios.ios_command` through the broker, warm, beside stock network_cli"
    return f"{title}\n\n{table(['what', 'measured', 'aim', 'floor', 'verdict'], [row.cells() for row in rows])}"


def _target(case: Measured, what: str, stock: Stock, value: float, *, aim: float, floor: float) -> Target:
    return Target(what=f"{_title(case)}: {what} / {stock.name}", value=value, aim=aim, floor=floor, digits=3)


def _case(one: Measured) -> str:
    rows = []
    for name, runs in one.runs.items():
        ratios = [f"{one.wall(WARM) / one.wall(name):.3f}", f"{one.cpu(WARM) / one.cpu(name):.3f}"]
        rows.append(
            [
                name,
                f"{one.wall(name):.2f}",
                f"{one.cpu(name):.2f}",
                *(ratios if WARM in one.runs else ("", "")),
                f"{statistics.median(run.logins for run in runs):g}",
                f"{statistics.median(run.helpers for run in runs):g}",
                str(len(runs)),
            ]
        )
    head = ["a playbook run", "wall s", "CPU s", "warm / this: wall", "CPU", "logins", "helpers", "runs"]
    return f"#### {_title(one)}\n\n{table(head, rows)}"


def _title(case: Measured | VendorCase) -> str:
    hosts = "1 host" if case.hosts == 1 else f"{case.hosts} hosts"
    return f"{hosts}, {'1 task' if case.tasks == 1 else f'{case.tasks} tasks'}"
