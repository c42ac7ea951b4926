# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The device as terminal and cliconf plug-ins know it: ``send``, ``get_prompt``, ``exec_command`` and what goes with
them.

The names and the meaning are those of ansible.netcommon's network_cli, which platform plug-ins are written against;
what that one does on an SSH channel is done by the broker, next to the device.
"""

from __future__ import annotations

import base64
import functools
import json
import pickle
import re
import threading

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import cliconf_loader, terminal_loader
from ansible_collections.netpulse.broker.plugins.module_utils._broker_client import BrokerError
from ansible_collections.netpulse.broker.plugins.plugin_utils.session_lease import (
    SessionBroken,
    SessionLease,
    SessionNotOpened,
    reset,
)

DEFAULT_CLICONF = "ansible.netcommon.default"

# Requests that an earlier task's knowledge may answer, which is there once it is known whose session it is.
REMEMBERED = ("get_capabilities", "get_device_info")

# As ansible-core's helper process words it; people search for it.
COMMAND_TIMEOUT = (
    "command timeout triggered, timeout value is %s secs.\n"
    "See the timeout setting options in the Network Debug and Troubleshooting Guide."
)


class Device:
    """One device for one task. A session is opened with the first request that needs one.

    Options, play context and messages are the connection plug-in's, so what a task sets holds here at once. No signals
    are used: requests are served by a thread.

    Args:
        connection: the connection plug-in.
        target: callable that gives the session_lease.Target.
        memory: callable that gives the SessionMemory.
    """

    def __init__(self, connection, *, target, memory):
        self._owner = connection
        self._make_target = target
        self._make_memory = memory
        self.network_os = connection._play_context.network_os
        self._requests = threading.RLock()
        self._lease = None
        self._memory = None
        self._open_failure = None
        self._elevated = False
        self._single_user_mode = False
        self._history = []
        self._matched_prompt = None
        self._matched_cmd_prompt = None
        self._matched_pattern = None
        self._last_response = None
        self._last_recv_window = None
        self._command_response = None
        self._terminal, self.cliconf = self._load_platform()

    def _load_platform(self):
        if not self.network_os:
            raise AnsibleConnectionFailure(
                "Unable to automatically determine host network os. Please "
                "manually configure ansible_network_os value for this host"
            )
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
    def _play_context(self):
        return self._owner._play_context

    def get_option(self, option, hostvars=None):
        return self._owner.get_option(option, hostvars=hostvars)

    def get_options(self, hostvars=None):
        return self._owner.get_options(hostvars=hostvars)

    def set_option(self, option, value):
        self._owner.set_option(option, value)

    def set_options(self, task_keys=None, var_options=None, direct=None):
        self._owner.set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def queue_message(self, level, message):
        self._owner.queue_message(level, message)

    def pop_messages(self):
        return self._owner.pop_messages()

    def _log_messages(self, message):
        if self.get_option("persistent_log_messages"):
            self.queue_message("log", message)

    # Requests of modules.

    def __getattr__(self, name):
        # What is not here is cliconf's, for modules (get_config, ...) and for cliconf and terminal plug-ins alike.
        if name.startswith("_") or name == "cliconf":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.cliconf, name)

    def request(self, name):
        """The method ``name`` as a module calls it.

        One request may be many exchanges (edit_config). A lease that has ended is replaced before the first of them
        only: in the middle, the device would get the rest of a change on its own.
        """
        method = getattr(self, name)
        if not callable(method):
            raise AttributeError(f"{name!r} is no method")

        @functools.wraps(method)
        def served(*args, **kwargs):
            with self._requests:
                if self._lease is not None and not self._lease.usable:
                    self.queue_message("vvv", "the session had ended meanwhile; taking the device again")
                    self._drop()
                if name in REMEMBERED:
                    self._ensure_connected()
                return method(*args, **kwargs)

        return served

    @property
    def connected(self):
        return self._lease is not None

    @property
    def _connected(self):
        return self.connected

    def _ensure_connected(self):
        if self._lease is None:
            self._connect()

    def _connect(self):
        if self._lease is not None:
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
            raise
        return self

    def _open(self):
        self._seconds("persistent_command_timeout")
        self._seconds("persistent_buffer_read_timeout")
        target = self._make_target()
        first = self._login_exchange()
        lease, login = SessionLease.take(
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
        self._lease = lease
        self._target = target
        self.queue_message(
            "vvvv", f"session {lease.id} of worker {lease.worker}, {'just logged in' if lease.fresh else 'kept open'}"
        )
        try:
            self._set_up(lease, login)
        except BaseException:
            self._abandon(lease)
            raise

    def _set_up(self, lease, login):
        self._memory = self._make_memory()
        self._memory.load(session=lease.worker, fresh=lease.fresh)
        if self._memory.device_info and hasattr(self.cliconf, "_device_info"):
            self.cliconf._device_info = dict(self._memory.device_info)
        if lease.fresh and login is not None:
            self._read_result(login, None, True)
        else:
            self._recognise(lease.prompt)
        if self._play_context.become:
            self.queue_message("vvvv", "firing event: on_become")
            self._on_become(become_pass=self._play_context.become_pass)
        if lease.fresh:
            self.queue_message("vvvv", "firing event: on_open_shell()")
            self._on_open_shell()

    def _abandon(self, lease):
        """The set-up failed: the next task must not take this session for one that is set up."""
        self._drop()
        if lease.fresh:
            try:
                reset(self._target, wait=self.get_option("netpulse_session_wait"))
            except SessionNotOpened as error:
                self.queue_message("vvv", f"closing the session after a failed set-up: {error.message}")

    def _recognise(self, prompt):
        """Take the prompt that the broker verified for the one the platform plug-in looks for."""
        if self._find_prompt(b"\n" + prompt):
            return
        patterns = ", ".join(repr(one.pattern) for one in self._get_terminal_std_re("terminal_stdout_re"))
        raise SessionNotOpened(
            f"prompt not identified: the device's prompt {prompt!r} matches none of {patterns}; set "
            f"ansible_terminal_stdout_re, or ansible_network_os if it names another platform "
            f"{self._target.where('prompt')}",
            phase="prompt",
        )

    def _login_exchange(self):
        """The questions that the device asks right after the login, to be answered there; None without any."""
        prompts = self.get_option("terminal_initial_prompt") or self._terminal.terminal_initial_prompt
        if not prompts:
            return None
        answers = self.get_option("terminal_initial_answer") or self._terminal.terminal_initial_answer
        newline = self.get_option("terminal_inital_prompt_newline") or self._terminal.terminal_inital_prompt_newline
        check_all = bool(self.get_option("terminal_initial_prompt_checkall"))
        return {**self._request_of(None, prompts, answers, newline, False, check_all), "seq": 1}

    def _on_become(self, become_pass=None):
        try:
            self._terminal.on_become(passwd=become_pass)
        except AnsibleConnectionFailure:
            self._judge("become_errors", "on_become: privilege escalation failed")
        self._elevated = True

    def _on_open_shell(self):
        try:
            self._terminal.on_open_shell()
        except AnsibleConnectionFailure:
            self._judge("terminal_errors", "on_open_shell: failed to set terminal parameters")

    def _judge(self, option, warning):
        """Within an except clause: raise it again, unless the user said otherwise."""
        wanted = self.get_option(option)
        if wanted == "fail":
            raise  # noqa: PLE0704
        if wanted == "warn":
            self.queue_message("warning", warning)

    def next_task(self):
        """A task, or the next item of its loop, begins with the connection plug-in's play context as it is now."""
        self._open_failure = None
        if self._lease is None or not self._lease.usable:
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

    def update_play_context(self, pc_data):
        """What ansible-core's helper process is told before each task."""
        play_context = PlayContext()
        play_context.deserialize(pickle.loads(to_bytes(pc_data), encoding="bytes"))  # noqa: S301 - from ansible-core
        self._owner._play_context = play_context
        self.next_task()
        self.cliconf.reset_history()
        self.cliconf.disable_response_logging()
        self._single_user_mode = self.get_option("single_user_mode")

    def set_check_prompt(self, task_uuid):
        """Called before each task; nothing to check, because each task's session begins in a known mode."""

    def reset(self):
        """Give the device back and have its kept session closed; the next request logs in."""
        self.close()
        target = self._make_target()
        reset(target, wait=self.get_option("netpulse_session_wait"))
        self.queue_message("vvvv", f"reset the broker's session of {target.label}")

    def close(self):
        """Give the device back to the broker, which puts mode and privilege back to what the login had."""
        if self._memory is not None and self._lease is not None:
            self._memory.device_info = getattr(self.cliconf, "_device_info", None) or {}
            self._memory.save()
        self._drop()
        self._open_failure = None

    def _drop(self):
        lease, self._lease = self._lease, None
        self._elevated = False
        if lease is None:
            return
        if not lease.usable and self._memory is not None:
            self._memory.forget()
            if hasattr(self.cliconf, "_device_info"):
                self.cliconf._device_info = {}
        try:
            lease.release()
        except BrokerError as error:
            self.queue_message(
                "warning",
                f"the device was not given back: {error.message}; the broker takes it back by itself "
                f"{self._target.where('session')}",
            )

    # What platform plug-ins and modules do with a device.

    def get_prompt(self):
        """The prompt as it was last seen, bytes."""
        self._ensure_connected()
        return self._matched_prompt

    def exec_command(self, cmd, in_data=None, sudoable=True):
        """``cmd``: a command, or the JSON of one with prompt and answer."""
        try:
            parts = json.loads(to_text(cmd, errors="surrogate_or_strict"))
            kwargs = {"command": to_bytes(parts["command"], errors="surrogate_or_strict")}
            for key in ("prompt", "answer", "sendonly", "newline", "prompt_retry_check"):
                if parts.get(key) is True or parts.get(key) is False:
                    kwargs[key] = parts[key]
                elif parts.get(key) is not None:
                    kwargs[key] = to_bytes(parts[key], errors="surrogate_or_strict")
        except (ValueError, TypeError, KeyError):
            kwargs = {"command": to_bytes(cmd, errors="surrogate_or_strict")}
        return self.send(**kwargs)

    def send(
        self,
        command,
        prompt=None,
        answer=None,
        newline=True,
        sendonly=False,
        prompt_retry_check=False,
        check_all=False,
        strip_prompt=True,
    ):
        """Send ``command`` and RETURN, answer what it asks, and give back what it printed, as text.

        Args:
            command: bytes.
            prompt: regular expression, or a list of them, for questions of the command.
            answer: what to answer; of a list the one with the question's index, else the first.
            newline: whether RETURN follows an answer.
            sendonly: do not wait for output; None is returned.
            prompt_retry_check: the same question once more means that the answer was wrong.
            check_all: all questions must come, in order.
            strip_prompt: leave out lines that hold the device's prompt.

        Raises:
            AnsibleConnectionFailure: with the device's text when it matches ``terminal_stderr_re``.
            SessionBroken: the command's outcome is unknown.
        """
        self._ensure_connected()
        remember = self._single_user_mode and not prompt
        if remember and (known := self._memory.outputs.get(to_text(command))):
            self.queue_message("vvvv", f"cache hit for command: {command}")
            return known
        if check_all and len(_list(prompt)) != len(_list(answer)):
            raise AnsibleConnectionFailure(
                f"Number of prompts ({len(_list(prompt))}) is not same as that of answers ({len(_list(answer))})"
            )
        self._history.append(b"%s\r" % command)
        self._log_messages(f"send command: {command + bytes((13,))}")
        exchange = self._request_of(command, prompt, answer, newline, prompt_retry_check, check_all)
        if sendonly:
            self._lease.exchange({**exchange, "sendonly": True})
            return None
        response = self._read_result(self._lease.exchange(exchange), command, strip_prompt)
        response = to_text(response, errors="surrogate_then_replace")
        if remember:
            self._remember(command, response)
        return response

    def _request_of(self, command, prompt, answer, newline, prompt_retry_check, check_all):
        timeout = self._seconds("persistent_command_timeout")
        settle = self._seconds("persistent_buffer_read_timeout")
        prompts = _list(prompt)
        return {
            "command": None if command is None else _b64(command),
            "sendonly": False,
            "prompt": [_b64(to_bytes(one)) for one in prompts],
            # As network_cli has it, a question without an answer gets the word None.
            "answer": [_b64(to_bytes(one)) for one in (answer if isinstance(answer, list) else [answer])]
            if prompts
            else [],
            "newline": bool(newline),
            "prompt_retry_check": bool(prompt_retry_check),
            # A single expression that is no list ends the questions, whatever check_all says.
            "check_all": bool(check_all) and isinstance(prompt, (list, tuple)),
            "stdout_re": _expressions(self._get_terminal_std_re("terminal_stdout_re")),
            "stderr_re": _expressions(self._get_terminal_std_re("terminal_stderr_re")),
            "ansi_re": _expressions(self._terminal.ansi_re),
            "timeout": timeout,
            "settle": settle,
        }

    def _seconds(self, option):
        value = self.get_option(option)
        if value < 0:
            raise AnsibleConnectionFailure(
                f"'{option}' timer value '{value}' is invalid, value should be greater than or equal to zero."
            )
        return value

    def _read_result(self, result, command, strip_prompt):
        """The response of an exchange, cleaned; raises what it reports."""
        error = result.get("error")
        response = _bytes((error or {}).get("response")) or _bytes(result.get("response")) or b""
        self._last_response = response
        self._last_recv_window = _bytes(result.get("window"))
        self._matched_prompt = _bytes(result.get("matched_prompt"))
        self._matched_cmd_prompt = _bytes(result.get("matched_cmd_prompt"))
        self._log_messages(f"response: {response}")
        if error:
            raise self._failure(error, response)
        if self._matched_prompt is None:
            raise SessionBroken(f"the broker's answer to an exchange names no prompt {self._target.where('execute')}")
        self._command_response = self._sanitize(response, command, strip_prompt)
        return self._command_response

    def _failure(self, error, response):
        code, phase = error.get("code"), error.get("phase") or "execute"
        if code == "stderr_match":
            return AnsibleConnectionFailure(response)
        if code == "prompt_retry":
            return AnsibleConnectionFailure(f"For matched prompt '{self._matched_cmd_prompt}', answer is not valid")
        where = self._target.where(phase)
        if code == "command_timeout":
            message = COMMAND_TIMEOUT % self.get_option("persistent_command_timeout")
            seen = to_text(response[-200:], errors="replace")
            return SessionBroken(f"{message} The device's last words: {seen!r} {where}")
        return SessionBroken(f"{error.get('message') or code} {where}")

    def _sanitize(self, resp, command=None, strip_prompt=True):
        """The response without the command's echo and without the lines that hold the prompt."""
        marks = [mark.strip() for mark in self._matched_prompt.strip().splitlines()] if strip_prompt else []
        kept = [
            line
            for line in resp.splitlines()
            if not (command and line.strip() == command.strip()) and not any(mark in line for mark in marks)
        ]
        return b"\n".join(kept).strip()

    def _find_prompt(self, response):
        for expression in self._get_terminal_std_re("terminal_stdout_re"):
            match = expression.search(response)
            if match:
                self._matched_pattern = expression.pattern
                self._matched_prompt = match.group()
                return True
        return False

    def _get_terminal_std_re(self, option):
        """Compiled expressions of the option, else the terminal plug-in's own list, which cliconf plug-ins extend."""
        wanted = self.get_option(option)
        if not wanted:
            return getattr(self._terminal, option)
        expressions = []
        for item in wanted:
            if "pattern" not in item:
                raise AnsibleConnectionFailure(
                    f"'pattern' is a required key for option '{option}', received option value is {item}"
                )
            flags = item.get("flags", 0)
            if flags:
                flags = getattr(re, flags.split(".")[1])
            expressions.append(re.compile(to_bytes(item["pattern"]), flags))
        return expressions

    def _remember(self, command, response):
        if self._is_in_config_mode() or to_text(command) in self._config_commands():
            if self._memory.outputs:
                self.queue_message("vvvv", "invalidating existing cache")
                self._memory.outputs = {}
            return
        self.queue_message("vvvv", f"populating cache for command: {command}")
        self._memory.outputs[to_text(command)] = response

    def _config_commands(self):
        try:
            return self.cliconf.get_option("config_commands") or []
        except (AttributeError, KeyError):
            return []

    def _is_in_config_mode(self):
        expression = getattr(self._terminal, "terminal_config_prompt", None)
        prompt = to_text(self.get_prompt(), errors="surrogate_then_replace").strip()
        return bool(expression and expression.match(prompt))

    def copy_file(self, source=None, destination=None, proto="scp", timeout=30):
        """Copy the local file ``source`` to ``destination`` on the device. ``timeout``: seconds without progress."""
        self._ensure_connected()
        self._lease.put_file(source, destination, protocol=proto, timeout=timeout)

    def get_file(self, source=None, destination=None, proto="scp", timeout=30):
        """Copy ``source`` of the device to the local file ``destination``. ``timeout``: seconds without progress."""
        self._ensure_connected()
        self._lease.get_file(source, destination, protocol=proto, timeout=timeout)


class DeviceRequests:
    """What the dispatcher sees: the device's public methods, each as one request."""

    def __init__(self, device):
        self._device = device

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self._device.request(name)


def _list(value):
    if isinstance(value, (list, tuple, set)):
        return list(value)
    return [] if value is None else [value]


def _b64(data):
    return base64.b64encode(data).decode("ascii")


def _bytes(text):
    return None if text is None else base64.b64decode(text)


def _expressions(compiled):
    # re.UNICODE is implied where it applies and has no meaning for bytes.
    return [[_b64(to_bytes(one.pattern)), one.flags & ~re.UNICODE] for one in compiled]
