"""The comparison with other tools runs from end to end. What its figures are is not looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.bench.peers.comparison import OURS, PEERS

ROOT = Path(__file__).parents[2]


def test_every_contestant_answers_for_every_device() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--part", "peers", "--size", "tiny"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")} | {"CI": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    rows = {
        cells[0].strip(): [cell.strip() for cell in cells[1:]]
        for line in run.stdout.splitlines()
        if line.startswith("| ") and len(cells := line.strip("| ").split("|")) == 8
    }
    for title in (OURS, *PEERS.values()):
        assert title in rows, run.stdout
        loops = title != PEERS["nornir"]
        assert all(rows[title][:4]), f"no figure in {rows[title]}"
        assert all(rows[title][4:6]) is loops, f"a loop is for sessions that stay open: {rows[title]}"
    assert "scrapli 2025." in run.stdout
