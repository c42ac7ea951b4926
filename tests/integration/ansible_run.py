"""Real ansible-playbook runs with the collection installed from its tarball, as users install it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
_TOOLS = Path(sys.executable).parent
_LIMIT = 300
"""Seconds after which a run has hung."""


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """One task on one host, of the module ``action``. ``state``: ok, failed, unreachable or skipped."""

    state: str
    host: str
    task: str
    action: str
    args: dict[str, Any]
    result: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PlaybookRun:
    """A finished run of ansible-playbook."""

    returncode: int
    output: str
    results: list[TaskResult]

    @property
    def only(self) -> TaskResult:
        """The result of a run that had exactly one."""
        assert len(self.results) == 1, self.output
        return self.results[0]

    def changed(self) -> list[str]:
        """Names of the tasks that reported a change, one for each host."""
        return [one.task for one in self.results if one.result.get("changed")]


def build_collection(source: Path, target: Path) -> Path:
    """The tarball that ansible-galaxy makes of ``source``."""
    _tool("ansible-galaxy", "collection", "build", str(source), "--output-path", str(target), home=target)
    (tarball,) = target.glob("*.tar.gz")
    return tarball


def install_collection(tarball: Path, target: Path) -> Path:
    """Install into ``target``, an ANSIBLE_COLLECTIONS_PATH; answers where the collection lies."""
    _tool("ansible-galaxy", "collection", "install", str(tarball), "-p", str(target), "--offline", home=target)
    return target / "ansible_collections" / "netpulse" / "broker"


def documented_modules(collections: Path) -> dict[str, Any]:
    """What ansible-doc knows of the installed collection's modules."""
    text = _tool(
        "ansible-doc", "--json", "-t", "module", "netpulse.broker.command", "netpulse.broker.config", home=collections
    )
    return dict(json.loads(text))


class Ansible:
    """Runs playbooks in ``folder`` with the collections of ``collections``."""

    def __init__(self, *, collections: Path, folder: Path) -> None:
        self._collections = collections
        self.folder = folder
        self._runs = 0

    def tasks(
        self,
        *tasks: Mapping[str, Any],
        hosts: Mapping[str, Any],
        arguments: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        **play: Any,
    ) -> PlaybookRun:
        """Run a play of these tasks on these hosts (name: variables)."""
        playbook = self.folder / "play.yml"
        playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": list(tasks), **play}]))
        inventory = self.folder / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": dict(hosts)}}))
        return self.playbook(playbook, inventory, arguments=arguments, environment=environment)

    def playbook(
        self,
        playbook: Path,
        inventory: Path,
        *,
        arguments: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> PlaybookRun:
        self._runs += 1
        record = self.folder / f"results-{self._runs}.jsonl"
        record.touch()
        done = subprocess.run(
            [str(_TOOLS / "ansible-playbook"), "-i", str(inventory), str(playbook), *arguments],
            env={
                **_environment(self._collections),
                "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "ansible_callbacks"),
                "ANSIBLE_CALLBACKS_ENABLED": "result_recorder",
                "RESULT_RECORD": str(record),
                **(environment or {}),
            },
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        results = [TaskResult(**json.loads(line)) for line in record.read_text().splitlines()]
        return PlaybookRun(returncode=done.returncode, output=done.stdout + done.stderr, results=results)


def _environment(collections: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "NETPULSE_"))}
    return {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_HOME": str(collections / ".home"),
        "ANSIBLE_NOCOLOR": "1",
        "LC_ALL": "C.UTF-8",
    }


def _tool(name: str, *arguments: str, home: Path) -> str:
    done = subprocess.run(
        [str(_TOOLS / name), *arguments],
        env=_environment(home),
        capture_output=True,
        text=True,
        timeout=_LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
