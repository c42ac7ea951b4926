# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The device as terminal and cliconf plug-ins know it, and when it is taken and given back.

The names and the meaning are those of ansible.netcommon's network_cli, which platform plug-ins are written against;
what that one does on an SSH channel is done by the broker, next to the device.
"""

from __future__ import annotations

import functools
import pickle
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.common.text.converters import to_bytes
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import cliconf_loader, terminal_loader
from ansible_collections.netpulse.broker.plugins.module_utils._broker_client import BrokerError
from ansible_collections.netpulse.broker.plugins.plugin_utils._options import OptionError, refuse_templates
from ansible_collections.netpulse.broker.plugins.plugin_utils.interactive_session import (
    InteractiveSession,
    SessionNotOpened,
    Target,
    reset,
)
from ansible_collections.netpulse.broker.plugins.plugin_utils.session_dialogue import Dialogue
from ansible_collections.netpulse.broker.plugins.plugin_utils.session_memory import SessionMemory

DEFAULT_CLICONF = "ansible.netcommon.default"

# Requests that an earlier task's knowledge may answer, which is there once it is known whose session it is.
REMEMBERED = ("get_capabilities", "get_device_info")


class Device(Dialogue):
    """One device for one task. A session is opened with the first request that needs one.

    Options, play context and messages are the connection plug-in's, so what a task sets holds here at once. No signals
    are used: requests are served by a thread.

    Args:
        connection: the connection plug-in.
        target: callable that gives the interactive_session.Target.
        memory: callable that gives the SessionMemory.
    """

    def __init__(self, connection: Any, *, target: Callable[[], Target], memory: Callable[[], SessionMemory]) -> None:
        super().__init__()
        self._owner = connection
        self._make_target = target
        self._make_memory = memory
        self.network_os = connection.get_option("network_os")
        self._requests = threading.RLock()
        self._session: InteractiveSession | None = None
        self._memory = None
        self._open_failure: tuple[str, str] | None = None
        self._elevated = False
        self._terminal, self.cliconf = self._load_platform()

    def _load_platform(self) -> tuple[Any, Any]:
        terminal = terminal_loader.get(self.network_os, self)
        if not terminal:
            raise AnsibleConnectionFailure(f"network os {self.network_os} is not supported")
        cliconf = cliconf_loader.get(self.network_os, self)
        if not cliconf:
            self.queue_message(
                "vvvv", f"unable to load cliconf for network_os {self.network_os}. Falling back to default"
            )
            cliconf = cliconf_loader.get(DEFAULT_CLICONF, self)
            if not cliconf:
                raise AnsibleConnectionFailure("Couldn't load fallback cliconf plugin")
        self.queue_message(
            "vvvv",
            f"loaded cliconf plugin {cliconf._load_name} from path {cliconf._original_path} for network_os "
            f"{self.network_os}",
        )
        return terminal, cliconf

    # What the connection plug-in has.

    @property
    def _play_context(self) -> Any:
        return self._owner._play_context

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        return self._owner.get_option(option, hostvars=hostvars)

    def get_options(self, hostvars: Any = None) -> Any:
        return self._owner.get_options(hostvars=hostvars)

    def set_option(self, option: str, value: Any) -> None:
        self._owner.set_option(option, value)

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        self._owner.set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def queue_message(self, level: str, message: str) -> None:
        self._owner.queue_message(level, message)

    def pop_messages(self) -> Any:
        return self._owner.pop_messages()

    def _log_messages(self, message: str) -> None:
        if self.get_option("persistent_log_messages"):
            self.queue_message("log", message)

    # Requests of modules.

    def __getattr__(self, name: str) -> Any:
        # What is not here is cliconf's, for modules (get_config, ...) and for cliconf and terminal plug-ins alike.
        if name.startswith("_") or name == "cliconf":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.cliconf, name)

    def request(self, name: str) -> Callable[..., Any]:
        """The method ``name`` as a module calls it.

        One request may be many exchanges (edit_config). An interactive session that has ended is replaced before the
        first of them only: in the middle, the device would get the rest of a change on its own.
        """
        method = getattr(self, name)
        if not callable(method):
            raise AttributeError(f"{name!r} is no method")

        @functools.wraps(method)
        def served(*args: Any, **kwargs: Any) -> Any:
            with self._requests:
                if self._session is not None and not self._session.usable:
                    self.queue_message("vvv", "the session had ended meanwhile; taking the device again")
                    self._drop()
                if name in REMEMBERED:
                    self._opened_session()
                return method(*args, **kwargs)

        return served

    @property
    def connected(self) -> bool:
        return self._session is not None

    @property
    def _connected(self) -> bool:
        return self.connected

    def _opened_session(self) -> InteractiveSession:
        if self._session is None:
            self._connect()
        assert self._session is not None  # noqa: S101 - _connect raises otherwise
        return self._session

    def _connect(self) -> Device:
        if self._session is not None:
            return self
        if self._open_failure is not None:
            # Platform plug-ins go on after some failures; asking again for each command would only take its time.
            message, phase = self._open_failure
            raise SessionNotOpened(message, phase=phase)
        self._single_user_mode = self.get_option("single_user_mode")
        try:
            self._open()
        except SessionNotOpened as error:
            self._open_failure = (error.message, error.phase)
            self._name_options_without_effect(error)
            raise
        return self

    def _name_options_without_effect(self, error: SessionNotOpened) -> None:
        """A host key that is not trusted fails here although the inventory says not to look at it."""
        off = [
            name
            for name, off in (("host_key_checking", False), ("host_key_auto_add", True))
            if self.get_option(name) is off
        ]
        if off and "host key" in error.message.lower():
            self.queue_message(
                "warning",
                f"{' and '.join(off)} {'has' if len(off) == 1 else 'have'} no effect here: the broker checks host keys "
                "by its own settings (NETPULSE_DRIVERS__HOST_KEY_POLICY and its known_hosts file)",
            )

    def _open(self) -> None:
        self._seconds("persistent_command_timeout")
        self._seconds("persistent_buffer_read_timeout")
        target = self._make_target()
        first = self._login_exchange()
        session, login = InteractiveSession.take(
            target,
            {
                "wait": self.get_option("netpulse_session_wait"),
                "heartbeat": self.get_option("netpulse_session_heartbeat"),
                "max_hold": self.get_option("netpulse_session_hold"),
                "priority": self.get_option("netpulse_priority"),
            },
            exchange=first,
            retries=self.get_option("network_cli_retries"),
            max_pause=min(self.get_option("persistent_connect_timeout"), self.get_option("persistent_command_timeout")),
            note=lambda line: self.queue_message("vv", line),
        )
        self._session = session
        self._target = target
        self.queue_message(
            "vvvv",
            f"session {session.id} of worker {session.worker}, {'just logged in' if session.fresh else 'kept open'}",
        )
        try:
            self._set_up(session, login)
        except BaseException:
            self._abandon(session)
            raise

    def _set_up(self, session: InteractiveSession, login: Mapping[str, Any] | None) -> None:
        self._memory = self._make_memory()
        self._memory.load(session=session.worker, fresh=session.fresh)
        if self._memory.device_info and hasattr(self.cliconf, "_device_info"):
            self.cliconf._device_info = dict(self._memory.device_info)
        if session.fresh and login is not None:
            self._read_result(login, None, True)
        else:
            self._recognise(session.prompt)
        if self._play_context.become:
            self.queue_message("vvvv", "firing event: on_become")
            self._on_become(become_pass=self._play_context.become_pass)
        if session.fresh:
            self.queue_message("vvvv", "firing event: on_open_shell()")
            self._on_open_shell()

    def _abandon(self, session: InteractiveSession) -> None:
        """The set-up failed: the next task must not take this session for one that is set up."""
        self._drop()
        if session.fresh:
            try:
                reset(self._target, wait=self.get_option("netpulse_session_wait"))
            except SessionNotOpened as error:
                self.queue_message("vvv", f"closing the session after a failed set-up: {error.message}")

    def _recognise(self, prompt: bytes) -> None:
        """Take the prompt that the broker verified for the one the platform plug-in looks for."""
        # The broker knows it without the blank behind it, which some plug-ins' expressions ask for.
        if self._find_prompt(b"\n" + prompt) or self._find_prompt(b"\n" + prompt + b" "):
            return
        patterns = ", ".join(repr(one.pattern) for one in self._get_terminal_std_re("terminal_stdout_re"))
        raise SessionNotOpened(
            f"prompt not identified: the device's prompt {prompt!r} matches none of {patterns}; set "
            f"ansible_terminal_stdout_re, or ansible_network_os if it names another platform "
            f"{self._target.where('prompt')}",
            phase="prompt",
        )

    def _login_exchange(self) -> dict[str, Any] | None:
        """The questions that the device asks right after the login, to be answered there; None without any."""
        prompts = self.get_option("terminal_initial_prompt") or self._terminal.terminal_initial_prompt
        if not prompts:
            return None
        answers = self.get_option("terminal_initial_answer") or self._terminal.terminal_initial_answer
        newline = self.get_option("terminal_inital_prompt_newline") or self._terminal.terminal_inital_prompt_newline
        check_all = bool(self.get_option("terminal_initial_prompt_checkall"))
        return {**self._request_of(None, prompts, answers, newline, False, check_all), "seq": 1}

    def _on_become(self, become_pass: str | None = None) -> None:
        try:
            refuse_templates(become_pass, "ansible_become_password")
        except OptionError as error:
            raise SessionNotOpened(f"{error} {self._target.where('validate')}", phase="validate") from None
        try:
            self._terminal.on_become(passwd=become_pass)
        except AnsibleConnectionFailure:
            self._judge("become_errors", "on_become: privilege escalation failed")
        self._elevated = True

    def _on_open_shell(self) -> None:
        try:
            self._terminal.on_open_shell()
        except AnsibleConnectionFailure:
            self._judge("terminal_errors", "on_open_shell: failed to set terminal parameters")

    def _judge(self, option: str, warning: str) -> None:
        """Within an except clause: raise it again, unless the user said otherwise."""
        wanted = self.get_option(option)
        if wanted == "fail":
            raise  # noqa: PLE0704
        if wanted == "warn":
            self.queue_message("warning", warning)

    def next_task(self) -> None:
        """A task, or the next item of its loop, begins with the connection plug-in's play context as it is now."""
        self._open_failure = None
        if self._session is None or not self._session.usable:
            return
        if self._make_target() != self._target:
            self.close()
            return
        wanted = bool(self._play_context.become)
        if wanted and not self._elevated:
            self._on_become(become_pass=self._play_context.become_pass)
        elif self._elevated and not wanted:
            self._terminal.on_unbecome()
            self._elevated = False

    def update_play_context(self, pc_data: Any) -> None:
        """What ansible-core's helper process is told before each task."""
        play_context = PlayContext()
        play_context.deserialize(pickle.loads(to_bytes(pc_data), encoding="bytes"))  # noqa: S301 - from ansible-core
        self._owner._play_context = play_context
        self.next_task()
        self.cliconf.reset_history()
        self.cliconf.disable_response_logging()
        self._single_user_mode = self.get_option("single_user_mode")

    def set_check_prompt(self, task_uuid: str) -> None:
        """Called before each task; nothing to check, because each task's session begins in a known mode."""

    def reset(self) -> None:
        """Give the device back and have its kept session closed; the next request logs in."""
        self.close()
        target = self._make_target()
        reset(target, wait=self.get_option("netpulse_session_wait"))
        self.queue_message("vvvv", f"reset the broker's session of {target.label}")

    def close(self) -> None:
        """Give the device back to the broker, which puts mode and privilege back to what the login had."""
        if self._memory is not None and self._session is not None:
            self._memory.device_info = getattr(self.cliconf, "_device_info", None) or {}
            self._memory.save()
        self._drop()
        self._open_failure = None

    def _drop(self) -> None:
        session, self._session = self._session, None
        self._elevated = False
        if session is None:
            return
        if not session.usable and self._memory is not None:
            self._memory.forget()
            if hasattr(self.cliconf, "_device_info"):
                self.cliconf._device_info = {}
        try:
            session.release()
        except BrokerError as error:
            self.queue_message(
                "warning",
                f"the device was not given back: {error.message}; the broker takes it back by itself "
                f"{self._target.where('session')}",
            )


class DeviceRequests:
    """What the dispatcher sees: the device's public methods, each as one request."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._device.request(name)
