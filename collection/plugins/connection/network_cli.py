# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import os
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.connection import Connection as ModuleConnection
from ansible.module_utils.connection import ConnectionError as ModuleConnectionError
from ansible.plugins.action import ActionBase
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display
from ansible_collections.netpulse.broker.plugins.plugin_utils.bytecode import CachedCollections

# Before the imports that profit from it, the platform's own plug-ins' among them.
CachedCollections.install()

from ansible_collections.netpulse.broker.plugins.module_utils._platforms import (
    GENERIC,
    UnknownPlatform,
    device_type_of,
)
from ansible_collections.netpulse.broker.plugins.plugin_utils._options import (
    OptionError,
    connection_args,
    refuse_templates,
)
from ansible_collections.netpulse.broker.plugins.plugin_utils._playbook_run import GONE, PlaybookRun
from ansible_collections.netpulse.broker.plugins.plugin_utils.interactive_session import SessionNotOpened, Target
from ansible_collections.netpulse.broker.plugins.plugin_utils.session_context import rendered_context
from ansible_collections.netpulse.broker.plugins.plugin_utils.session_device import Device, DeviceRequests
from ansible_collections.netpulse.broker.plugins.plugin_utils.session_memory import SessionMemory
from ansible_collections.netpulse.broker.plugins.plugin_utils.session_rpc import RpcService

DOCUMENTATION = r"""
author:
  - The NetPulse broker authors
name: network_cli
short_description: Network devices through the kept-open sessions of a NetPulse broker
description:
  - Takes the place of C(ansible.netcommon.network_cli) for every module that uses it (C(cisco.ios), C(arista.eos),
    C(cisco.nxos), C(cisco.iosxr), C(junipernetworks.junos) over CLI, C(ansible.netcommon.cli_*) and others). Set
    C(ansible_connection=netpulse.broker.network_cli); playbooks stay as they are.
  - The session to the device is kept open by the broker across tasks, playbook runs and users, so a task needs no
    login. Each task has the device to itself, in order with everything else that uses the broker.
  - No helper process is started, and neither C(paramiko) nor C(ansible-pylibssh) is needed where Ansible runs.
version_added: 0.1.0
notes:
  - The platform's own collection must be installed, with C(ansible.netcommon), which its plug-ins are built on.
  - C(meta=reset_connection) closes the broker's session of the device and user. The next task logs in again.
  - A command is never sent twice. Where its outcome is unknown the task fails and says so.
extends_documentation_fragment:
  - netpulse.broker.network_cli
  - netpulse.broker.network_cli.persistent
  - netpulse.broker.network_cli.session
"""

display = Display()

NO_PLATFORM = (
    "Unable to automatically determine host network os. Please manually configure ansible_network_os value for this "
    "host"
)

DEBUG_LEVELS = ("debug", "v", "vv", "vvv", "vvvv", "vvvvv", "vvvvvv")


class Connection(ConnectionBase):
    """What Ansible holds for a host.

    One class in three places:

    - in the Ansible worker, where modules run: it serves them from a thread (``socket_path``), and ``exec_command``
      means this machine, as for every network connection;
    - in ansible-core's helper process, when that is used: there modules' requests come to this object, and are passed
      on;
    - in Ansible's main process for ``meta: reset_connection``, without a task.

    It derives from ansible-core's ConnectionBase rather than from netcommon's class of the same name: that one changed
    its base and its imports between releases 6 and 8, and brings the SSH libraries' side along. What platform plug-ins
    rely on is in ``session_device.Device``.
    """

    transport = "netpulse.broker.network_cli"
    has_pipelining = True
    # Modules run where Ansible runs; only their requests go to the device.
    _remote_is_local = True

    # The one that serves in this process. A worker runs one task; what another connection of the same task holds (a
    # loop with delegate_to changes the connection without closing the last one) would block the device until it ends.
    _serving: ClassVar[Connection | None] = None

    def __init__(self, play_context: Any, new_stdin: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(play_context, new_stdin, *args, **kwargs)
        self._in_task = "task_uuid" in kwargs
        self._playbook_run = PlaybookRun.of_this_process(told=kwargs.get("ansible_playbook_pid"))
        self._messages: list[tuple[str, str]] = []
        self._conn_closed = False
        self._service: RpcService | None = None
        self._uses_helper = False
        self._left_alone = False
        self._hook_missing: str | None = None
        self._taken: Device | None = None
        self._local = connection_loader.get("local", play_context, "/dev/null")
        self._local.set_options()

    @property
    def _device(self) -> Device:
        """The device of the task.

        Raises:
            AnsibleConnectionFailure: the platform is not known, so no plug-in can speak to it.
        """
        if self._taken is None:
            raise AnsibleConnectionFailure(NO_PLATFORM)
        return self._taken

    cliconf: Any = None
    _context: Any = None

    def _take_device(self) -> None:
        """The device of the platform that the options name; a task that sends nothing to it needs none."""
        network_os = self.get_option("network_os")
        if self._taken is not None:
            if self._taken.network_os == network_os:
                return
            self.close()
        self._taken = Device(self, target=self._target, memory=self._memory) if network_os else None
        self.cliconf = self._taken.cliconf if self._taken else None
        # By this, ansible-core sets the cliconf plug-in's own options.
        self._sub_plugin = (
            {"type": "cliconf", "name": self.cliconf._load_name, "obj": self.cliconf} if self.cliconf else {}
        )

    @property
    def _play_context(self) -> Any:
        """The play context that ansible-core gave last, with the options in it; see ``session_context``."""
        if self._context is None:
            self._context = rendered_context(self._given_context, self)
        return self._context

    @_play_context.setter
    def _play_context(self, play_context: Any) -> None:
        """ansible-core sets it when an item of a loop goes on with this object, and after it has set the options."""
        self._given_context = play_context
        self._context = None

    def __getattr__(self, name: str) -> Any:
        # In the helper process: a module's request. Elsewhere ansible-core asks for what a connection may have.
        device = self.__dict__.get("_taken")
        if name.startswith("_") or device is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return device.request(name)

    # Options.

    # Where a helper process would find an SSH plug-in with options of its own.
    ssh_type_conn = None

    def get_options(self, hostvars: Any = None) -> Any:
        options = super().get_options(hostvars=hostvars)
        options.update(self.cliconf.get_options(hostvars=hostvars) if hasattr(self.cliconf, "get_options") else {})
        return options

    def set_option(self, option: str, value: Any) -> None:
        super().set_option(option, value)
        self._context = None

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        self._context = None
        # Nobody in this process waits for such a task, so it is served by the helper process, which outlives it.
        keys = task_keys or {}
        self._left_alone = bool(keys.get("async_val")) and not keys.get("poll")
        self._take_device()
        if hasattr(self.cliconf, "set_options"):
            self.cliconf.set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        if self.get_option("persistent_log_messages"):
            self.queue_message(
                "warning",
                f"Persistent connection logging is enabled for {self._play_context.remote_addr}. This will log ALL "
                f"interactions{f' to {constants.DEFAULT_LOG_PATH}' if constants.DEFAULT_LOG_PATH else ''} and WILL NOT "
                "redact sensitive configuration like passwords. USE WITH CAUTION!",
            )

    def _target(self) -> Target:
        return Target(
            self._session_request(),
            label=self._label(),
            run=self._playbook_run,
            broker={
                "url": self.get_option("netpulse_broker_url"),
                "api_key": self.get_option("netpulse_api_key"),
                "validate_certs": self.get_option("netpulse_validate_certs"),
                "ca_path": self.get_option("netpulse_ca_path"),
                "connect_timeout": self.get_option("netpulse_connect_timeout"),
            },
        )

    def _memory(self) -> SessionMemory:
        return SessionMemory(
            constants.DEFAULT_LOCAL_TMP,
            [
                self.get_option("netpulse_broker_url"),
                self._label(),
                self._play_context.network_os,
                self.get_option("netpulse_driver"),
            ],
        )

    def _session_request(self) -> dict[str, Any]:
        driver = self.get_option("netpulse_driver")
        play = self._play_context
        options = {
            "driver": driver,
            "host": play.remote_addr,
            "port": None if play.port == 22 else play.port,
            "username": self._user(),
            "password": play.password,
            "secret": play.become_pass,
            "private_key_file": play.private_key_file,
            "private_key_passphrase": self.get_option("netpulse_private_key_passphrase"),
            "connection_args": self.get_option("netpulse_connection_args"),
        }
        try:
            options["device_type"] = self._device_type()
            arguments = connection_args(options, read_key_file=_read_key_file)
            device = self.get_option("netpulse_device")
            refuse_templates(device, "netpulse_device")
        except (OptionError, ValueError) as error:
            raise SessionNotOpened(str(error), phase="validate") from None
        return {"driver": driver, "connection_args": arguments, **({"device": device} if device else {})}

    def _device_type(self) -> str:
        wanted = self.get_option("netpulse_device_type")
        if wanted:
            return str(wanted)
        network_os = self._play_context.network_os
        try:
            return device_type_of(network_os)
        except UnknownPlatform:
            self.queue_message(
                "warning",
                f"the broker has no device type of its own for ansible_network_os {network_os}, so it logs in as to a "
                f"device of type {GENERIC}, and the platform's terminal plug-in does the rest. Set "
                f"netpulse_device_type to the type that fits, or to {GENERIC} to be spared this warning.",
            )
            return GENERIC

    def _user(self) -> str:
        return self._play_context.remote_user or getpass.getuser()

    def _label(self) -> str:
        return f"{self._user()}@{self._play_context.remote_addr}:{self._play_context.port}"

    # How modules get here: a thread of this process, or ansible-core's helper process.

    @property
    def force_persistence(self) -> bool:  # type: ignore[override]  # Ansible only reads it
        """Whether ansible-core starts its helper process. Asked in the worker only, not in the helper."""
        if self._hook_missing is None and not self.get_option("netpulse_helper_process"):
            self._hook_missing = _missing_hook()
            if self._hook_missing:
                display.warning(
                    f"netpulse.broker.network_cli needs a helper process with this ansible-core: {self._hook_missing}. "
                    "Tasks work, more slowly. Set netpulse_helper_process to true to be spared this warning."
                )
        self._uses_helper = bool(self._hook_missing or self._left_alone or self.get_option("netpulse_helper_process"))
        if self._uses_helper and self._playbook_run.gone:
            # At each repetition ansible-core starts a helper and tells it the worker's parent. That of a worker which
            # outlived its run is another process, which lives on: the helper would keep the device for it.
            raise AnsibleConnectionFailure(GONE)
        return self._uses_helper

    @property
    def socket_path(self) -> str | None:
        """Where modules send their requests. ansible-core reads it when a task is about to run a module."""
        if self.force_persistence:
            path: str | None = self._socket_path
            return path
        try:
            service = self._service or self._serve()
            self._device.next_task()
        except AttributeError as error:
            # Python would ask __getattr__ for the property and hide what was wrong.
            raise AnsibleError(f"cannot serve the modules of this task: {error!r}") from error
        return service.path

    def _serve(self) -> RpcService:
        previous = Connection._serving
        if previous is not None and previous is not self:
            previous.close()
        self._service = RpcService(DeviceRequests(self._device), directory=constants.DEFAULT_LOCAL_TMP)
        Connection._serving = self
        self.queue_message("vvvv", f"serving modules at {self._service.path}")
        return self._service

    @property
    def connected(self) -> bool:
        """For ansible-core: whether the next item of a loop may go on with this object."""
        return self._service is not None or (self._taken is not None and self._taken.connected)

    # ansible-core's base class keeps a flag of this name.
    @property
    def _connected(self) -> bool:
        return self.connected

    @_connected.setter
    def _connected(self, value: bool) -> None:
        """Not a flag here, but a fact."""

    def _connect(self) -> Connection:
        # Only the helper process does this, for exec_command.
        self._device._connect()
        return self

    def update_play_context(self, pc_data: Any) -> None:
        self._device.update_play_context(pc_data)

    def set_check_prompt(self, task_uuid: str) -> None:
        self._device.set_check_prompt(task_uuid)

    def release_session(self) -> None:
        """In the helper process, at the end of each task: give the device back, stay ready for the next task."""
        if self._taken is not None:
            self._taken.close()

    # This machine.

    def exec_command(self, cmd: Any, in_data: bytes | None = None, sudoable: bool = True) -> Any:
        if self._service is None and self.connected:
            return self._device.request("exec_command")(cmd)
        return self._local.exec_command(cmd, in_data, sudoable)

    def put_file(self, in_path: str, out_path: str) -> Any:
        return self._local.put_file(in_path, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> Any:
        return self._local.fetch_file(in_path, out_path)

    # Messages.

    def queue_message(self, level: str, message: str) -> None:
        """Keep ``message`` for Ansible's display. ``level``: a method of Display, or ``log`` for the log file only."""
        self._messages.append((level, message))

    def pop_messages(self) -> list[tuple[str, str]]:
        messages, self._messages = self._messages, []
        return messages

    def _show_messages(self) -> None:
        for level, message in self.pop_messages():
            if level == "log":
                display.display(message, log_only=True)
            elif level in DEBUG_LEVELS:
                getattr(display, level)(message, host=self._play_context.remote_addr)
            else:
                getattr(display, level, display.vvvv)(message)

    # Ends.

    def transport_test(self, connect_timeout: float) -> None:
        """Used by wait_for_connection: log in anew and give the device back.

        A kept session would not tell whether a device that is being reloaded can be reached.
        """
        self._device.reset()
        self._device.next_task()
        self._device._connect()
        self._device.close()

    def reset(self) -> None:
        """Of ``meta: reset_connection``: have the broker close its session of this device and user.

        Within a task, and in the helper process, only what it holds is given back, as network_cli's own method does:
        ansible-core calls it for each helper process at the end of a play, too.
        """
        if self._in_task:
            self.close()
            return
        self._device.reset()
        self._show_messages()

    def close(self) -> None:
        """The end of a task: give the device back and say what there is to say."""
        self._conn_closed = True
        if self._uses_helper:
            self._release_helper()
            return
        service, self._service = self._service, None
        if Connection._serving is self:
            Connection._serving = None
        try:
            if self._taken is not None:
                self._taken.close()
        finally:
            if service is not None:
                service.close()
                for failure in service.failures:
                    display.error(f"serving the modules of a task failed:\n{failure}", wrap_text=False)
                self._show_messages()

    def _release_helper(self) -> None:
        if self._socket_path is None:
            return
        try:
            helper = ModuleConnection(str(self._socket_path))
            helper.release_session()
            self._messages.extend(tuple(one) for one in helper.pop_messages())
        except ModuleConnectionError as error:
            display.vvv(f"the helper process has ended: {error}", host=self._play_context.remote_addr)
        self._show_messages()


def _missing_hook() -> str:
    """What of ansible-core's inside is not as serving from a thread needs it, in words; empty when all is there."""
    if not isinstance(getattr(ConnectionBase, "socket_path", None), property):
        return "connection plug-ins have no property socket_path"
    code = getattr(getattr(ActionBase, "_update_module_args", None), "__code__", None)
    if code is None or "socket_path" not in (*code.co_names, *code.co_consts):
        return "action plug-ins do not ask connections for socket_path"
    return ""


def _read_key_file(path: str) -> str:
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise AnsibleConnectionFailure(f"private_key_file {path!r} cannot be read: {error}") from None
