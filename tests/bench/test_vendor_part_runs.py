"""The vendor part of the benchmark runs from end to end. What its times are is not looked at."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench import vendor_path
from tests.bench.__main__ import vendor
from tests.bench.sizes import TINY, VendorCase
from tests.parity.vendor_ansible import VendorAnsible

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(420)  # twelve playbook runs
def test_every_contestant_has_its_row() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--part", "vendor", "--size", "tiny"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
        | {"NETPULSE_VENDOR_ANSIBLE": str(VendorAnsible.required())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in run.stdout.splitlines() if "|" in line]
    for hosts, title in (("2", "2 hosts, 1 task"), ("1", "1 host, 2 tasks")):
        assert f"#### {title}" in run.stdout
        # Logins and helper processes of a contestant are facts, other than its times.
        counted = {(row[0], *row[5:7]) for row in rows if len(row) == 8}
        for name, logins, helpers in (
            ("network_cli, libssh, read timeout 0.1 s", hosts, hosts),
            ("network_cli, paramiko, read timeout 0.1 s", hosts, hosts),
            ("broker, cold", hosts, "0"),
            ("broker, warm", "0", "0"),
            ("Ansible alone: the tasks ask no device", "0", "0"),
        ):
            assert (name, logins, helpers) in counted
    assert ("network_cli, libssh, read timeout 0 s", "1", "1") in counted, "one host is also asked without the wait"
    aims = [row for row in rows if ": wall / " in row[0] or ": CPU / " in row[0]]
    assert len(aims) == 8
    assert all(re.fullmatch(r"met|aim missed by \d+%(, floor met|, FLOOR MISSED by \d+%)?", row[-1]) for row in aims)


def test_without_vendor_collections_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VendorAnsible, "environment", staticmethod(lambda: None))
    monkeypatch.delenv("CI", raising=False)
    assert vendor(TINY).startswith("Vendor modules: left out (no Ansible with the vendors' collections")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(SystemExit, match="CI has to measure vendor modules"):
        vendor(TINY)


def test_a_playbook_that_does_not_end_is_named() -> None:
    sizes = replace(TINY, vendor_cases=(VendorCase(1, 1, rounds=1),), playbook_seconds=0.2)
    printed = vendor_path.report(vendor_path.measure(VendorAnsible.required(), sizes))
    for name in (vendor_path.STOCK[0].name, vendor_path.COLD, vendor_path.WARM, vendor_path.NOTHING):
        assert f"Left out: 1 host, 1 task, {name}: it had not ended after 0.2 s." in printed


def test_cpu_of_an_orphan_is_counted(tmp_path: Path) -> None:
    """A daemon that outlives the command and has spent CPU time: it is found, counted and ended."""
    daemon = (
        "import os, time\n"
        "ready, told = os.pipe()\n"
        "if os.fork():\n"
        "    os.read(ready, 1)\n"
        "    raise SystemExit(7)\n"
        "os.setsid()\n"
        "if os.fork():\n"
        "    os._exit(0)\n"
        "while time.process_time() < 0.5:\n"
        "    pass\n"
        "os.write(told, b'.')\n"
        "time.sleep(600)\n"
    )
    report = tmp_path / "report.json"
    subprocess.run(
        [sys.executable, "-m", "tests.bench.accounted", str(report), sys.executable, "-c", daemon],
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    told = json.loads(report.read_text())
    assert told["returncode"] == 7
    assert told["helpers"] == 1
    assert told["cpu"] >= 0.5
