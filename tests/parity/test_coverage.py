"""Nothing of what is promised is missing from the playbooks that are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

from tests.parity.conftest import PLAYBOOKS
from tests.parity.vendor_modules import PLAYBOOKS as VENDOR_MODULES

OPTIONS = {
    "cisco.ios.ios_command": {"commands", "wait_for", "match", "retries", "prompt", "answer", "check_all"},
    "cisco.ios.ios_facts": {"gather_subset", "gather_network_resources"},
    "cisco.ios.ios_config": {
        *("lines", "parents", "src", "before", "after", "match", "replace"),
        *("backup", "save_when", "diff_against", "intended_config"),
    },
    "cisco.ios.ios_banner": {"banner", "text", "state"},
    "arista.eos.eos_command": {"commands", "wait_for", "prompt", "answer", "output"},
    "arista.eos.eos_config": {"lines", "parents", "backup", "save_when"},
    "arista.eos.eos_facts": {"gather_subset", "gather_network_resources"},
    "cisco.iosxr.iosxr_command": {"commands", "wait_for"},
    "junipernetworks.junos.junos_command": {"commands", "display"},
    "ansible.netcommon.cli_command": {"command", "prompt", "answer", "check_all", "sendonly"},
    "ansible.netcommon.cli_config": {"config", "backup"},
    "ansible.netcommon.cli_backup": {"dir_path", "filename"},
    "ansible.netcommon.cli_restore": {"filename", "path"},
    "ansible.netcommon.net_ping": {"dest", "count", "state"},
    "ansible.netcommon.net_get": {"src", "dest", "protocol"},
    "ansible.netcommon.net_put": {"src", "dest", "protocol"},
    "ansible.utils.cli_parse": {"command", "parser"},
}
"""Modules, and their options that some compared task uses."""

RESOURCES = {
    *(f"cisco.ios.ios_{name}" for name in ("vlans", "interfaces", "l2_interfaces", "l3_interfaces", "static_routes")),
    *(f"arista.eos.eos_{name}" for name in ("vlans", "interfaces", "l2_interfaces", "l3_interfaces", "static_routes")),
}
"""Resource modules, each of which goes through all its states."""

STATES = ("merged", "replaced", "overridden", "deleted", "gathered")


def _plays() -> Iterator[dict[str, Any]]:
    for folder in (PLAYBOOKS, VENDOR_MODULES):
        for file in sorted(folder.glob("*.yml")):
            for play in yaml.safe_load(file.read_text()):
                if "hosts" in play:
                    yield play


def _words(value: Any) -> set[str]:
    """All keys in it, at any depth."""
    if isinstance(value, dict):
        return {str(key) for key in value}.union(*map(_words, value.values()))
    if isinstance(value, list):
        return set().union(*map(_words, value))
    return set()


def test_modules_and_their_options() -> None:
    used: dict[str, set[str]] = {}
    for play in _plays():
        for task in play["tasks"]:
            for module in OPTIONS.keys() & task.keys():
                used.setdefault(module, set()).update(_words(task[module]))
    missing = {module: options - used.get(module, set()) for module, options in OPTIONS.items()}
    assert {module: options for module, options in missing.items() if options or module not in used} == {}


def test_resource_modules_go_through_their_states() -> None:
    resources = [one for play in _plays() for task in play["tasks"] for one in task.get("loop", []) if "module" in one]
    assert {one["module"] for one in resources} == RESOURCES
    for one in resources:
        assert {"merged", "replaced", "overridden", "deleted"} <= one.keys(), one["module"]


def test_each_state_comes_twice() -> None:
    """By the tasks that those resources are handed to."""
    states = yaml.safe_load((VENDOR_MODULES / "resource_states.yml").read_text())
    twice = yaml.safe_load((VENDOR_MODULES / "resource_twice.yml").read_text())
    assert Counter(task["args"]["state"] for task in twice if "action" in task) == {"{{ state }}": 2}
    counted = Counter({state: 2 for task in states for state in task.get("loop", [])})
    counted.update(task["args"]["state"] for task in states if "action" in task)
    assert {state: counted[state] for state in STATES} == dict.fromkeys(STATES, 2)
