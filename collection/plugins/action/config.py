# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes configuration through the broker; documented in the module of the same name.

One job does it all on the broker: reading the running configuration, comparing, sending what is missing, saving. This
side only renders ``src`` and writes the backup file.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.netpulse.broker.plugins.module_utils._argument_spec import (
    CONFIG_ARGUMENTS,
    CONFIG_CONDITIONS,
    with_broker_arguments,
)
from ansible_collections.netpulse.broker.plugins.module_utils._jobs import failure_of, outcome_unknown, succeeded
from ansible_collections.netpulse.broker.plugins.plugin_utils._backup import backup_place, write_backup
from ansible_collections.netpulse.broker.plugins.plugin_utils._broker_action import BrokerAction
from ansible_collections.netpulse.broker.plugins.plugin_utils._options import OptionError
from ansible_collections.netpulse.broker.plugins.plugin_utils._source import render_source

_POLICY = (
    "parents",
    "before",
    "after",
    "match",
    "replace",
    "save_when",
    "backup",
    "running_config",
    "diff_ignore_lines",
)


class ActionModule(BrokerAction):
    """An idempotent change; check mode asks for the same job as a dry run."""

    argument_spec = with_broker_arguments(CONFIG_ARGUMENTS)
    conditions = CONFIG_CONDITIONS

    def work(self, request: dict[str, Any]) -> None:
        options = self.options
        lines = self._lines()
        if not any(line.strip() for line in lines) and not options["backup"] and options["save_when"] == "never":
            if options.get("lines") is None and options.get("src") is None:
                raise OptionError("there is nothing to do: give lines, src, backup or save_when")
            # A list or a template that is empty for this host: in place already, as for the vendors' modules.
            self._report({}, {})
            return
        place = None
        if options["backup"]:
            place = backup_place(
                options.get("backup_options") or {}, base=self._base_folder(), host=self._inventory_name()
            )
        body = {**request, "config": lines, "ensure": self._policy(), "dry_run": bool(self._task.check_mode)}
        if options.get("comment"):
            body["message"] = options["comment"]
        job = self.run_job(body)
        account = job.get("result") or {}
        self._report(job, account)
        if not succeeded(job):
            self._result.update(failure_of(job, device=self.device_name))
        if place and account.get("backup") is not None:
            try:
                self._result.update(write_backup(place, account["backup"]))
            except OSError as error:
                self._result.update(failed=True, msg=f"the backup cannot be written to {place.path}: {error.strerror}")

    def _lines(self) -> list[str]:
        if self.options.get("src") is not None:
            path = self._find_needle("templates", self.options["src"])
            template, base = self.read_file(path), self._loader.get_basedir()
            text = render_source(self._templar, template, path=path, task_vars=self.task_vars, base=base)
            return text.splitlines()
        return list(self.options.get("lines") or [])

    def _policy(self) -> dict[str, Any]:
        return {name: self.options[name] for name in _POLICY if self.options.get(name) is not None}

    def _report(self, job: dict[str, Any], account: dict[str, Any]) -> None:
        applied = list(account.get("applied") or _applied_before_refusal(account))
        saved = bool(account.get("saved"))
        # Saving is a change when the two configurations may have differed; with save_when=changed the lines tell.
        counts_as_change = saved and self.options["save_when"] in ("always", "modified")
        changed = account.get("changed", False)  # null: the broker cannot tell, and says why in the warnings
        stays_in_force = bool(account.get("error") and applied)
        self._result.update(
            changed=changed is None or bool(changed) or stays_in_force or counts_as_change or outcome_unknown(job),
            commands=applied,
            updates=applied,
            saved=saved,
        )
        if account.get("warnings"):
            self._result["warnings"] = [*self._result.get("warnings", []), *account["warnings"]]
        if self._task.diff:
            self._result["diff"] = {"prepared": account.get("diff") or ""}

    def _base_folder(self) -> str:
        # In a role that is the role's folder, as `role_path` tells tasks; else the playbook's.
        return str(self.task_vars.get("role_path") or self._loader.get_basedir())

    def _inventory_name(self) -> str:
        return str(self.task_vars.get("inventory_hostname") or self.options["host"])


def _applied_before_refusal(account: dict[str, Any]) -> list[str]:
    """The lines that a device took before it refused one, where they stay in force."""
    details = (account.get("error") or {}).get("details") or []
    return [line for one in details if isinstance(one, dict) for line in one.get("applied") or []]
