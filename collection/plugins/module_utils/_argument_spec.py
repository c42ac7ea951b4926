# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument specifications, shared by the module files (documentation, checks) and the action plug-ins (work)."""

from __future__ import annotations

from typing import Any

BROKER_ARGUMENTS: dict[str, dict[str, Any]] = {
    "broker_url": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool"},
    "ca_path": {"type": "path"},
    "connect_timeout": {"type": "float"},
    "driver": {"type": "str"},
    "device_type": {"type": "str"},
    "host": {"type": "str"},
    "port": {"type": "int"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "secret": {"type": "str", "no_log": True},
    "private_key_file": {"type": "path", "no_log": False},
    "private_key_passphrase": {"type": "str", "no_log": True},
    "connection_args": {"type": "dict"},
    "driver_args": {"type": "dict"},
    "device": {"type": "str"},
    "enable": {"type": "bool"},
    "answers": {
        "type": "list",
        "elements": "dict",
        "options": {
            "question": {"type": "str", "required": True},
            "answer": {"type": "str", "default": "", "no_log": False},  # hidden by this side where it is a secret
            "secret": {"type": "bool", "default": False},
            "once": {"type": "bool"},
        },
    },
    "queue_strategy": {"type": "str", "choices": ["pinned", "fifo"]},
    "priority": {"type": "str", "choices": ["interactive", "normal", "batch"]},
    "ttl": {"type": "int"},
    "timeout": {"type": "float"},
}

COMMAND_ARGUMENTS: dict[str, dict[str, Any]] = {
    "commands": {"type": "list", "elements": "raw", "required": True},
    "wait_for": {"type": "list", "elements": "str", "aliases": ["waitfor"]},
    "match": {"type": "str", "choices": ["all", "any"], "default": "all"},
    "retries": {"type": "int", "default": 9},
    "interval": {"type": "float", "default": 1.0},
    "parsing": {"type": "raw"},
}

CONFIG_ARGUMENTS: dict[str, dict[str, Any]] = {
    "lines": {"type": "list", "elements": "str", "aliases": ["commands"]},
    "src": {"type": "str"},
    "parents": {"type": "list", "elements": "str"},
    "before": {"type": "list", "elements": "str"},
    "after": {"type": "list", "elements": "str"},
    "match": {"type": "str", "choices": ["line", "strict", "exact", "none"], "default": "line"},
    "replace": {"type": "str", "choices": ["line", "block"], "default": "line"},
    "running_config": {"type": "str", "aliases": ["config"]},
    "diff_ignore_lines": {"type": "list", "elements": "str"},
    "save_when": {"type": "str", "choices": ["always", "never", "modified", "changed"], "default": "never"},
    "backup": {"type": "bool", "default": False},
    "backup_options": {
        "type": "dict",
        "options": {"filename": {"type": "str"}, "dir_path": {"type": "path"}},
    },
    "comment": {"type": "str"},
}

CONFIG_CONDITIONS: dict[str, Any] = {
    "mutually_exclusive": [("lines", "src"), ("parents", "src")],
    "required_if": [
        ("match", "strict", ("lines", "src"), True),
        ("match", "exact", ("lines", "src"), True),
        ("replace", "block", ("lines",)),
    ],
}

ACTION_PLUGIN_NEEDED = (
    "This module does nothing by itself: the action plug-in of the same name does the work, where Ansible runs. Call "
    "it from a playbook or with 'ansible -m' by its full name netpulse.broker.{0}."
)


def with_broker_arguments(specific: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A module's own arguments together with those that say which broker, which device and how to queue."""
    return {**BROKER_ARGUMENTS, **specific}
