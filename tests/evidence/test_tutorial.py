"""The lines of the first steps, copied and pasted."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from netpulse_lab import SimulatorLab
from tests.lab.running_broker import RunningBroker

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"


def test_the_curl_lines_work(broker: RunningBroker, tmp_path: Path) -> None:
    """Exactly the block of the page; only addresses and key file are those of this test's broker and lab."""
    (block,) = re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert "URL=http://127.0.0.1:9000\n" in block
    block = block.replace("URL=http://127.0.0.1:9000\n", f"URL={broker.url}\n")
    # Loopback addresses of this process's own, so that several runs of the tests may stand beside each other.
    network = f"127.{64 + os.getpid() // 256 % 128}.{os.getpid() % 256}"
    block = block.replace("127.0.10.", f"{network}.")
    (tmp_path / "netpulse-state").mkdir()
    (tmp_path / "netpulse-state" / "api-key").write_text(broker.api_key)
    with SimulatorLab(
        count=20,
        first_address=f"{network}.1",
        own_addresses=True,
        port=2222,
        username="admin",
        password="admin-password",
        secret="enable-secret",
    ):
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    tested, query, change, bulk, jobs, workers = (json.loads(line)["data"] for line in ran.stdout.splitlines())
    assert tested["success"]
    assert "Cisco IOS" in query["result"]["retval"]["show version"]
    assert (change["status"], change["result"]["changed"], change["result"]["saved"]) == ("finished", True, True)
    assert len(bulk["succeeded"]) == 20
    assert bulk["failed"] == []
    assert {job["status"] for job in bulk["succeeded"]} == {"finished"}
    assert [job["device"] for job in jobs] == [f"{network}.1:2222"] * 3
    assert [worker["device"] for worker in workers] == [f"{network}.1:2222"]
