"""`make demo`: the main job on real input. A playbook looks at and changes devices through the broker, twice.

Starts a lab (simulated IOS and EOS devices; as root with FRRouting installed also two real routers), `netpulse up`
with a private Redis, and `ansible-playbook playbooks/demo.yml` two times. Prints for each device what was run and
changed, and how many logins the *device* counted over both runs. Leaves no process behind.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from netpulse_lab import SimulatorLab  # noqa: E402
from tests.lab.real import FrrLab  # noqa: E402  # the lab lies beside the tests
from tests.lab.running_broker import RunningBroker  # noqa: E402

TOOLS = Path(sys.executable).parent
console = Console()


@dataclass
class Target:
    """A device of the demo, and how to ask it for the logins it has seen."""

    name: str
    group: str
    variables: dict[str, Any]
    logins: Any
    runs: list[dict[str, int]] = field(default_factory=list)


def simulated(lab: SimulatorLab) -> list[Target]:
    """One target per simulated device."""
    return [
        Target(
            device.name,
            f"demo_{device.platform}",
            {
                "ansible_host": device.host,
                "ansible_port": device.port,
                "ansible_user": device.username,
                "ansible_password": device.password,
                "ansible_become_password": device.secret,
            },
            lambda device=device: lab.counters(device).logins,
        )
        for device in lab.devices
    ]


def real(lab: FrrLab) -> list[Target]:
    """One target per FRR router."""
    return [
        Target(
            device.name,
            "demo_frr",
            {
                "ansible_host": device.host,
                "ansible_port": device.port,
                "ansible_user": device.username,
                "ansible_password": device.password,
            },
            lambda device=device: lab.logins(device.name),
        )
        for device in lab.routers
    ]


def write_inventory(targets: list[Target], path: Path) -> None:
    """An inventory as a user would write it; it holds passwords, so only its owner may read it."""
    groups: dict[str, Any] = {}
    for target in targets:
        groups.setdefault(target.group, {"hosts": {}})["hosts"][target.name] = target.variables
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump({"demo": {"children": groups}}))


def install_collection(directory: Path) -> None:
    """Build and install the collection as `ansible-galaxy` does for every user."""
    environment = os.environ | {
        "HOME": str(directory),
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        "ANSIBLE_COLLECTIONS_PATH": str(directory / "collections"),
    }
    galaxy = TOOLS / "ansible-galaxy"
    subprocess.run(
        [galaxy, "collection", "build", ROOT / "collection", "--output-path", directory],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    (tarball,) = directory.glob("netpulse-broker-*.tar.gz")
    subprocess.run(
        [galaxy, "collection", "install", tarball, "-p", directory / "collections", "--offline"],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )


def play(directory: Path, broker: RunningBroker, *, more: list[str]) -> float:
    """One run of the playbook; its wall time in seconds. Ends the demo when the playbook fails."""
    environment = os.environ | {
        "HOME": str(directory),
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        "ANSIBLE_COLLECTIONS_PATH": str(directory / "collections"),
        "ANSIBLE_HOST_KEY_CHECKING": "false",
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_FORKS": "10",
        "NETPULSE_URL": broker.url,
        "NETPULSE_API_KEY": broker.api_key,
    }
    playbook, inventory = ROOT / "playbooks" / "demo.yml", directory / "inventory.yml"
    command: list[Path | str] = [TOOLS / "ansible-playbook", "-i", inventory, playbook, *more]
    started = time.monotonic()
    ended = subprocess.run(command, env=environment, check=False)
    if ended.returncode:
        raise SystemExit(f"the playbook failed with code {ended.returncode}; the log is above")
    return time.monotonic() - started


def count(broker: RunningBroker, target: Target, since: set[str]) -> dict[str, int]:
    """Commands run and changes made on a device in the jobs that are not in ``since``."""
    host, port = target.variables["ansible_host"], target.variables["ansible_port"]
    jobs = [job for job in broker.get("/job", host=f"{host}:{port}", limit=500) if job["id"] not in since]
    since |= {job["id"] for job in jobs}
    results = [job["result"] for job in jobs]
    return {
        "commands": sum(len(result["outputs"]) for result in results),
        "changed": sum(bool(result.get("changed")) for result in results),
    }


def report(targets: list[Target], walls: list[float]) -> bool:
    """Print the table; True when every device saw one login."""
    table = Table(title=f"{len(targets)} devices, the same playbook twice, one broker")
    table.add_column("device")
    table.add_column("kind")
    for number in ("first", "second"):
        table.add_column(f"commands\n{number}", justify="right")
        table.add_column(f"changed\n{number}", justify="right")
    table.add_column("logins, as the\ndevice counts", justify="right")
    once = True
    for target in targets:
        logins = target.logins()
        once = once and logins == 1
        cells = [str(value) for run in target.runs for value in (run["commands"], run["changed"])]
        kind = "FRR, real" if target.group == "demo_frr" else f"{target.group.removeprefix('demo_')}, sim."
        table.add_row(target.name, kind, *cells, f"[{'green' if logins == 1 else 'red'}]{logins}")
    console.print(table)
    console.print(f"wall time: first run {walls[0]:.2f} s, second run {walls[1]:.2f} s")
    return once


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=6, help="simulated devices, half IOS and half EOS (default 6)")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="netpulse-demo-"))
    try:
        with ExitStack() as stack:
            lab = stack.enter_context(
                SimulatorLab(count=options.devices, platforms=["ios", "eos"], secret="enable-secret")  # noqa: S106
            )
            targets = simulated(lab)
            possible, reason = FrrLab.available()
            if possible:
                targets += real(stack.enter_context(FrrLab()))
            else:
                console.print(f"[yellow]without the two real FRRouting routers: {reason}")
            write_inventory(targets, directory / "inventory.yml")
            install_collection(directory)
            broker = stack.enter_context(RunningBroker())
            console.print(f"NetPulse runs at {broker.url}")
            seen: dict[str, set[str]] = {target.name: set() for target in targets}
            walls = []
            for number in ("first", "second"):
                console.rule(f"{number} run")
                walls.append(play(directory, broker, more=[]))
                for target in targets:
                    target.runs.append(count(broker, target, seen[target.name]))
            once = report(targets, walls)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if not once:
        console.print("[red]a device saw another number of logins than one")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
