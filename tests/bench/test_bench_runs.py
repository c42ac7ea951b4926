"""The benchmark runs from end to end and prints every row. What the figures are is not looked at."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

AIMS = (
    "simulated device: warm REST command, p50, minus the device's own time",
    "simulated device: warm REST command / stock send_command on an open session",
    "simulated device: connect per call / warm REST command",
    "2 devices closed loop / 2 threads of stock netmiko",
    "memory per pinned worker, USS, mean of 2",
    "killed worker: its caller knows, p50",
    "killed node: first idle device served elsewhere, longest",
)
ROWS = (
    "device's own time: blocking read on an open channel",
    "HTTP request that asks for nothing (GET /health/live)",
    "REST, warm session",
    "stock netmiko send_command, open session",
    "stock netmiko connect, command, disconnect",
    "HTTP and controller, in",
    "queue",
    "worker",
    "driver and device",
    "reply, controller and HTTP, out",
    "whole, as the caller sees it",
    "REST, warm sessions",
    "stock netmiko, threads on open sessions",
    "workers",
    "controller",
    "Redis",
    "USS (its own)",
    "until the caller holds the failed job, ms",
    "first answer, s",
    "all 2 devices, s",
    "evalsha",
)


@pytest.fixture(scope="module")
def printed() -> str:
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--part", "broker", "--size", "tiny", "--no-frr"],
        cwd=ROOT,
        env={
            key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")
        },  # figures, not coverage
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_every_row_is_there_with_figures(printed: str) -> None:
    rows = {cells[0].strip(): cells[1:] for cells in _tables(printed)}
    for name in (*AIMS, *ROWS):
        assert name in rows, f"no row {name!r}"
        assert any(re.search(r"\d", cell) for cell in rows[name]), f"no figure in row {name!r}"


def test_every_aim_has_a_verdict(printed: str) -> None:
    verdicts = {cells[0].strip(): cells[-1].strip() for cells in _tables(printed) if cells[0].strip() in AIMS}
    assert set(verdicts) == set(AIMS)
    for name, verdict in verdicts.items():
        assert re.fullmatch(r"met|aim missed by \d+%(, floor met|, FLOOR MISSED by \d+%)?", verdict), (name, verdict)


def test_it_says_what_was_left_out_and_on_what_it_ran(printed: str) -> None:
    assert "FRR router: left out (asked for by --no-frr)." in printed
    assert re.search(r"\d+ cores; load average [\d. ]+ at the start, [\d. ]+ at the end", printed)
    assert re.search(r"netmiko \d+\.\d+", printed)


def _tables(text: str) -> list[list[str]]:
    return [line.strip("| ").split("|") for line in text.splitlines() if line.startswith("| ")]
