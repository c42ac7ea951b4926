# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plug-ins of this collection have in common: options, one HTTP connection a task, errors, masking."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.netpulse.broker.plugins.module_utils._broker_client import BrokerClient, BrokerError
from ansible_collections.netpulse.broker.plugins.module_utils._conditions import ConditionError
from ansible_collections.netpulse.broker.plugins.module_utils._jobs import (
    JobRunner,
    JobUnfinished,
    outcome_unknown,
    summary_of,
)
from ansible_collections.netpulse.broker.plugins.module_utils._secrets import Mask, hide_options, secrets_in
from ansible_collections.netpulse.broker.plugins.plugin_utils import _options
from ansible_collections.netpulse.broker.plugins.plugin_utils._playbook_run import PlaybookRun

# The broker's own defaults, in seconds; they only bound how long a task waits when it sets no others.
USUAL_TTL = 300
USUAL_TIMEOUT = 60

# Seconds for placing a job and for handing its result back, beyond its waiting and running.
MARGIN = 30

# What ansible-core sets for an item of a loop. The first two hold names of further ones.
_LOOP_VARIABLES = ("ansible_loop_var", "ansible_index_var", "ansible_loop")


class BrokerAction(ActionBase):
    """Base of an action that runs jobs on the broker. Subclasses say what to send and what to make of the answer.

    Attributes:
        argument_spec: all arguments of the module.
        conditions: mutually_exclusive and the like.
        options: validated options, once ``run`` has begun.
    """

    # Whether a job that has begun is stopped when the playbook run is killed. In the middle of a change it is not.
    stops_when_cancelled = False

    _requires_connection = False
    _supports_async = False
    TRANSFERS_FILES = False

    argument_spec: ClassVar[dict[str, Any]] = {}
    conditions: ClassVar[dict[str, Any]] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        del tmp
        self._result: dict[str, Any] = result
        self._jobs: list[dict[str, Any]] = []
        self.task_vars = task_vars or {}
        self._choose_device()
        mask = Mask(secrets_in(dict(self._task.args)))
        try:
            gathered = _options.gather(
                dict(self._task.args), variable=self._variable, play_context=self._context_of_the_device()
            )
            gathered = _options.texts_as_lists(gathered, argument_spec=self.argument_spec)
            mask = Mask(secrets_in(gathered))
            self.options = _options.validate(gathered, argument_spec=self.argument_spec, conditions=self.conditions)
            arguments = _options.connection_args(self.options, read_key_file=self.read_file)
            mask = Mask(secrets_in(gathered) | secrets_in(arguments))
            self.mask = mask
            with self._client() as client:
                self._runner = JobRunner(
                    client, patience=self._patience(), announce=lambda line: self._display.warning(mask(line))
                )
                with PlaybookRun.of_this_process().watch(self._abandon):
                    self.work(self._request(arguments))
        except JobUnfinished as error:
            self._note_job(error.job)
            self._fail(error)
        except BrokerError as error:
            self._fail(error)
        except (_options.OptionError, ConditionError) as error:
            result.update(failed=True, msg=str(error))
        return self._finished(mask)

    def _abandon(self) -> None:
        """The playbook run is gone: free the device. Called in another thread."""
        with contextlib.suppress(BrokerError), self._client() as client:
            self._runner.abandon(client, stop_started=self.stops_when_cancelled)

    def work(self, request: dict[str, Any]) -> None:
        """Do the task: fill ``self._result``. ``request`` holds what every job of this task has in common."""
        raise NotImplementedError

    def run_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one job to its end and note it in the result."""
        job = self._runner.run(request)
        self._note_job(job)
        return job

    @property
    def device_name(self) -> str:
        """The device for people: inventory name, with the address where that is another."""
        host = self.options["host"]
        name = self._task.delegate_to if self._delegated else self.task_vars.get("inventory_hostname")
        return f"{name} ({host})" if name and name != host else str(host)

    # -- sources of options -------------------------------------------------------------------------------------------

    def _choose_device(self) -> None:
        """Whose variables count: the inventory host's, or those of the device that the task is delegated to.

        The latter's templates are rendered with its variables as well. With the inventory host's, an address such as
        ``ansible_host: "{{ management_address }}"`` would lead to the wrong device.
        """
        self._delegated = False
        self._device_vars = self.task_vars
        self._device_templar = self._templar
        delegate = self._task.delegate_to
        if not delegate or delegate in constants.LOCALHOST:
            return
        variables = dict(self.task_vars.get("ansible_delegated_vars", {}).get(delegate, {}))
        variables.setdefault("ansible_host", delegate)
        # The loop is the task's; ansible-core does not count its variables among the delegated ones.
        names = (*_LOOP_VARIABLES, *(self.task_vars.get(name) for name in _LOOP_VARIABLES[:2]))
        loop = {name: self.task_vars[name] for name in names if name in self.task_vars}
        templar = self._templar.copy_with_new_env(available_variables={**variables, **loop})
        if templar.template(variables.get("ansible_connection")) == "local":
            return
        self._delegated = True
        self._device_vars = variables
        self._device_templar = templar

    def _context_of_the_device(self) -> Any:
        # For a task delegated to this machine the play context speaks of this machine, not of the device.
        if self._task.delegate_to and not self._delegated:
            return None
        return self._play_context

    def _variable(self, name: str) -> Any:
        value = self._device_vars.get(name)
        if name == "netpulse_enable" and value is None:
            return self._wants_enable()
        return self._device_templar.template(value)

    def _wants_enable(self) -> bool | None:
        """True when Ansible's own become asks for enable mode; None leaves it to the driver."""
        become = self._device_templar.template(self._device_vars.get("ansible_become"))
        if become is None:
            become = self._task.become
        method = self._device_templar.template(self._device_vars.get("ansible_become_method"))
        method = method or self._task.become_method
        wanted = str(become).lower() in ("true", "yes", "on", "1")
        return True if wanted and str(method).rpartition(".")[2] == "enable" else None

    def read_file(self, path: str) -> str:
        """Text of a file on the Ansible side, decrypted where Ansible Vault encrypted it.

        Raises:
            OptionError: it cannot be read.
        """
        try:
            with open(self._loader.get_real_file(path), encoding="utf-8") as file:
                return file.read()
        except (OSError, UnicodeError, AnsibleError) as error:
            raise _options.OptionError(f"{path!r} cannot be read: {error}") from None

    # -- request and result -------------------------------------------------------------------------------------------

    def _client(self) -> BrokerClient:
        options = self.options
        validate_certs = options.get("validate_certs")
        timeout = options.get("connect_timeout")
        return BrokerClient(
            options.get("broker_url") or _options.DEFAULT_URL,
            api_key=options.get("api_key"),
            validate_certs=True if validate_certs is None else validate_certs,
            ca_path=options.get("ca_path"),
            connect_timeout=_options.DEFAULT_CONNECT_TIMEOUT if timeout is None else timeout,
        )

    def _patience(self) -> float:
        return (self.options.get("ttl") or USUAL_TTL) + (self.options.get("timeout") or USUAL_TIMEOUT) + MARGIN

    def _request(self, connection_args: dict[str, Any]) -> dict[str, Any]:
        request: dict[str, Any] = {
            "driver": self.options.get("driver") or _options.DEFAULT_DRIVER,
            "connection_args": connection_args,
            "driver_args": self.options.get("driver_args") or {},
            "options": _options.queue_options(self.options),
        }
        if self.options.get("device"):
            request["device"] = self.options["device"]
        if self.options.get("enable") is not None:
            request["enable_mode"] = self.options["enable"]
        if self.options.get("answers"):
            request["answers"] = [
                {name: value for name, value in answer.items() if value is not None}
                for answer in self.options["answers"]
            ]
        return request

    def _note_job(self, job: dict[str, Any]) -> None:
        self._jobs.append(job)

    def _fail(self, error: BrokerError) -> None:
        self._result.update(failed=True, msg=f"{self.device_name}: {error.message}", error=error.to_dict())

    def _finished(self, mask: Callable[[Any], Any]) -> dict[str, Any]:
        result = self._result
        for key in ("msg", "error", "exception", "warnings"):
            if key in result:
                result[key] = mask(result[key])
        result.setdefault("changed", False)
        if self._jobs:
            result["jobs"] = [summary_of(job) for job in self._jobs]
            result["job_id"] = self._jobs[-1]["id"]
            result["session_reused"] = all(bool(job.get("session_reused")) for job in self._jobs)
            if any(outcome_unknown(job) for job in self._jobs):
                result["outcome"] = "unknown"
        shown = getattr(self, "options", None)
        result["invocation"] = {"module_args": mask(hide_options(dict(self._task.args) if shown is None else shown))}
        return result
