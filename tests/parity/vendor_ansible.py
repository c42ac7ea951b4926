"""An Ansible with the vendors' collections: the reference for what their modules say over stock network_cli.

The extra ``parity`` brings it (PyPI's ``ansible`` package with ``ansible-pylibssh``). NETPULSE_VENDOR_ANSIBLE names
another environment, say with another ansible-core:

    python3.12 -m venv /tmp/newest
    /tmp/newest/bin/pip install ansible ansible-pylibssh
    NETPULSE_VENDOR_ANSIBLE=/tmp/newest make test PYTEST_ARGS=tests/parity

`make matrix` does that for several.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CALLBACKS = REPOSITORY / "tests" / "integration" / "ansible_callbacks"
COLLECTIONS = "lib/python3*/site-packages/ansible_collections"
LIMIT = 600
"""Seconds after which a run has hung."""

SHOWN = ("ansible.netcommon", "ansible.utils", "cisco.ios", "arista.eos")


@dataclass(frozen=True, kw_only=True)
class TaskOutcome:
    """One task on one host, of the module ``action``. ``state``: ok, failed, unreachable or skipped."""

    state: str
    host: str
    task: str
    action: str
    args: dict[str, Any]
    result: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished ansible-playbook."""

    returncode: int
    output: str
    outcomes: list[TaskOutcome]

    def of(self, task: str) -> TaskOutcome:
        """The outcome of a task that ran once."""
        found = [one for one in self.outcomes if one.task == task]
        assert len(found) == 1, f"{task!r} has {len(found)} outcomes\n{self.output}"
        return found[0]


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(f"CI has to run this test, but {what}", pytrace=False)
    pytest.skip(what)


class VendorAnsible:
    """Runs playbooks of the vendor environment in ``folder``, the working tree's collection beside the vendors'."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self._bin = environment / "bin"
        self.folder = folder
        self._runs = 0
        namespace = folder / "collections" / "ansible_collections" / "netpulse"
        namespace.mkdir(parents=True)
        (namespace / "broker").symlink_to(REPOSITORY / "collection")

    def add_older(self, name: str) -> None:
        """Bring a collection that the current ``ansible`` does not hold; `make` fetches it, tools/older-collections.py.

        Without it the test is skipped, or fails when this is CI.
        """
        namespace, _, own = name.partition(".")
        found = Path(sys.prefix) / "older-collections" / "ansible_collections" / namespace / own
        if not found.is_dir():
            _missing(f"{name} is not there; tools/older-collections.py fetches it")
        place = self.folder / "collections" / "ansible_collections" / namespace
        place.mkdir(exist_ok=True)
        if not (place / own).exists():
            (place / own).symlink_to(found)

    @staticmethod
    def required() -> Path:
        """The same for a test: without it the test is skipped, or fails when this is CI (environment variable CI)."""
        environment = VendorAnsible.environment()
        if environment is None:
            _missing("there is no Ansible with the vendors' collections; see tests/parity/vendor_ansible.py")
        return environment

    @staticmethod
    def environment() -> Path | None:
        """Where it is installed; None when it is not."""
        for place in (os.environ.get("NETPULSE_VENDOR_ANSIBLE"), sys.prefix):
            if place and list(Path(place).glob(f"{COLLECTIONS}/cisco/ios/MANIFEST.json")):
                return Path(place)
        return None

    def collection(self, name: str) -> Path:
        """The folder of an installed collection."""
        (found,) = self._bin.parent.glob(f"{COLLECTIONS}/{name.replace('.', '/')}")
        return found

    def versions(self) -> str:
        """What is compared, for the table's head."""
        core = self._tool("ansible", "--version").splitlines()[0].split()[-1].rstrip("]")
        parts = [f"ansible-core {core}"]
        for name in SHOWN:
            manifest = json.loads((self.collection(name) / "MANIFEST.json").read_text())
            parts.append(f"{name} {manifest['collection_info']['version']}")
        return ", ".join(parts)

    def play(
        self,
        playbook: Path,
        *,
        hosts: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
        tags: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Run:
        """Run ``playbook`` on these hosts (name: variables), or only its tasks with ``tags``; ``extra``: variables."""
        record = self.folder / f"outcomes-{self._runs}.jsonl"
        record.touch()
        done = self._run(
            [
                *self._command(playbook, hosts),
                *(["--tags", tags] if tags else []),
                *(["--extra-vars", json.dumps(extra)] if extra else []),
            ],
            {
                "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
                "ANSIBLE_CALLBACKS_ENABLED": "result_recorder",
                "RESULT_RECORD": str(record),
                **(environment or {}),
            },
        )
        outcomes = [TaskOutcome(**json.loads(line)) for line in record.read_text().splitlines()]
        return Run(returncode=done.returncode, output=done.stdout + done.stderr, outcomes=outcomes)

    def start(self, playbook: Path, *, hosts: Mapping[str, Any]) -> subprocess.Popen[str]:
        """Start ``playbook`` and do not wait for its end; what it says is to be read from ``stdout``."""
        command, environment = self.prepare(playbook, hosts=hosts)
        return subprocess.Popen(
            command,
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def prepare(self, playbook: Path, *, hosts: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
        """Command line and environment of a run in ``folder``, for who starts it otherwise."""
        command = self._command(playbook, hosts)
        return [str(self._bin / command[0]), *command[1:]], self._environment({})

    def _command(self, playbook: Path, hosts: Mapping[str, Any]) -> list[str]:
        self._runs += 1
        inventory = self.folder / f"hosts-{self._runs}.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": dict(hosts)}}))
        return ["ansible-playbook", "-i", str(inventory), str(playbook)]

    def tasks(self, *tasks: Mapping[str, Any], hosts: Mapping[str, Any], **more: Any) -> Run:
        """Run a play of these tasks; further arguments are ``play``'s."""
        playbook = self.folder / "play.yml"
        playbook.write_text(
            yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [dict(one) for one in tasks]}])
        )
        return self.play(playbook, hosts=hosts, **more)

    def documentation(self, connection: str) -> Any:
        """What ansible-doc knows of a connection plug-in."""
        text = self._tool("ansible-doc", "--json", "-t", "connection", connection)
        return json.loads(text)[connection]["doc"]

    def _tool(self, name: str, *arguments: str) -> str:
        done = self._run([name, *arguments], {})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _run(self, command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self._bin / command[0]), *command[1:]],
            env=self._environment(environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        # Bytecode is kept as on a user's machine, where pip wrote the vendors' when it installed them.
        left_out = ("ANSIBLE_", "NETPULSE_", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        return {
            **kept,
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_PERSISTENT_CONTROL_PATH_DIR": str(self.folder / "pc"),
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "ANSIBLE_NOCOLOR": "1",
            "LC_ALL": "C.UTF-8",
            # Modules make lists of sets; their order is to be the same in each run.
            "PYTHONHASHSEED": "0",
            **more,
        }
