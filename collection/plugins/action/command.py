# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs commands through the broker; documented in the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible_collections.netpulse.broker.plugins.module_utils._argument_spec import (
    COMMAND_ARGUMENTS,
    with_broker_arguments,
)
from ansible_collections.netpulse.broker.plugins.module_utils._conditions import Condition, unmet
from ansible_collections.netpulse.broker.plugins.module_utils._jobs import failure_of, outputs_of, succeeded
from ansible_collections.netpulse.broker.plugins.plugin_utils._broker_action import BrokerAction
from ansible_collections.netpulse.broker.plugins.plugin_utils._commands import Command, read_commands, same_job


class ActionModule(BrokerAction):
    """Queries. Nothing is ever reported as changed."""

    stops_when_cancelled = True

    argument_spec = with_broker_arguments(COMMAND_ARGUMENTS)

    def work(self, request: dict[str, Any]) -> None:
        options = self.options
        commands = read_commands(
            options["commands"], driver_args=request["driver_args"], parsing=options.get("parsing")
        )
        pending = [Condition(text) for text in options.get("wait_for") or []]
        runs = [one for one in commands if one.only_reads] if self._task.check_mode else commands
        self._result.update(stdout=[], stdout_lines=[])
        if len(runs) < len(commands):
            skipped = ", ".join(repr(one.text) for one in commands if not one.only_reads)
            self._display.warning(self.mask(f"check mode: not sent, because it may change something: {skipped}"))
            pending = []  # they would look at outputs that do not exist
        for attempt in range(options["retries"] + 1):
            if attempt:
                self._runner.pause(options["interval"])
            data = self._ask(request, commands, runs)
            if data is None:
                return
            pending = unmet(pending, data, match=options["match"])
            if not pending:
                return
        self._result.update(
            failed=True,
            msg=f"{self.device_name}: one or more conditions of wait_for do not hold after {options['retries'] + 1} "
            f"tries: {'; '.join(one.text for one in pending)}",
            failed_conditions=[one.text for one in pending],
        )

    def _ask(self, request: dict[str, Any], commands: list[Command], runs: list[Command]) -> dict[str, Any] | None:
        """Run the commands once. None: it failed, and the result says how."""
        outputs: dict[int, dict[str, Any]] = {}
        failure = None
        for group in same_job(runs):
            body = {**request, "command": [one.text for one in group], "driver_args": group[0].driver_args}
            if group[0].parsing is not None:
                body["options"] = {**request["options"], "parsing": group[0].parsing}
            job = self.run_job(body)
            outputs.update(zip([one.position for one in group], outputs_of(job), strict=False))
            if not succeeded(job):
                failure = failure_of(job, device=self.device_name)
                break
        answered = [outputs.get(one.position) for one in commands]
        if failure:
            while answered and answered[-1] is None:
                answered.pop()
        stdout = ["" if one is None else one.get("output", "") for one in answered]
        parsed = [None if one is None else one.get("parsed") for one in answered]
        self._result.update(
            stdout=stdout, stdout_lines=[one.splitlines() if isinstance(one, str) else one for one in stdout]
        )
        if any(one is not None for one in parsed):
            self._result["parsed"] = parsed
        if failure:
            self._result.update(failure)
            return None
        return {"result": stdout, "parsed": parsed}
