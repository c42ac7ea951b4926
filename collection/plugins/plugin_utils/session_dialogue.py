# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said to a device and read from it, in the terms of ansible.netcommon's network_cli.

Platform plug-ins are written against that one's ``send``, ``get_prompt`` and ``exec_command``, with their names and
their meaning. Typing and reading is the broker's part, next to the device; what is made of it is done here.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible_collections.netpulse.broker.plugins.plugin_utils.interactive_session import (
    InteractiveSession,
    SessionBroken,
    Target,
)
from ansible_collections.netpulse.broker.plugins.plugin_utils.session_memory import SessionMemory

# As ansible-core's helper process words it; people search for it.
COMMAND_TIMEOUT = (
    "command timeout triggered, timeout value is %s secs.\n"
    "See the timeout setting options in the Network Debug and Troubleshooting Guide."
)

# Seconds that persistent_buffer_read_timeout has when nobody sets it.
USUAL_SETTLE = 0.1


class Dialogue:
    """The part of a device that talks; ``session_device.Device`` adds whose session it is.

    Attributes:
        cliconf: the platform's cliconf plug-in.
    """

    cliconf: Any
    _terminal: Any
    _target: Target
    _memory: SessionMemory | None

    def __init__(self) -> None:
        self._single_user_mode = False
        self._history: list[bytes] = []
        self._matched_prompt: bytes | None = None
        self._matched_cmd_prompt: bytes | None = None
        self._matched_pattern: bytes | None = None
        self._last_response: bytes | None = None
        self._last_recv_window: bytes | None = None
        self._command_response: bytes | None = None

    # What the device's owner gives.

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        """An option of the connection plug-in."""
        raise NotImplementedError

    def queue_message(self, level: str, message: str) -> None:
        """For Ansible's display."""
        raise NotImplementedError

    def _log_messages(self, message: str) -> None:
        raise NotImplementedError

    def _opened_session(self) -> InteractiveSession:
        """The interactive session, opened when there is none."""
        raise NotImplementedError

    # What platform plug-ins and modules do with a device.

    def get_prompt(self) -> bytes | None:
        """The prompt as it was last seen, bytes."""
        self._opened_session()
        return self._matched_prompt

    def exec_command(self, cmd: str | bytes, in_data: Any = None, sudoable: bool = True) -> Any:
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
        command: bytes,
        prompt: Any = None,
        answer: Any = None,
        newline: bool = True,
        sendonly: bool = False,
        prompt_retry_check: bool = False,
        check_all: bool = False,
        strip_prompt: bool = True,
    ) -> str | None:
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
        session = self._opened_session()
        memory = self._memory if self._single_user_mode and not prompt else None
        if memory is not None and (known := memory.outputs.get(to_text(command))):
            self.queue_message("vvvv", f"cache hit for command: {command!r}")
            return known
        if check_all and len(_list(prompt)) != len(_list(answer)):
            raise AnsibleConnectionFailure(
                f"Number of prompts ({len(_list(prompt))}) is not same as that of answers ({len(_list(answer))})"
            )
        self._history.append(b"%s\r" % command)
        self._log_messages(f"send command: {command + bytes((13,))!r}")
        exchange = self._request_of(command, prompt, answer, newline, prompt_retry_check, check_all)
        if sendonly:
            session.exchange({**exchange, "sendonly": True})
            return None
        response = self._read_result(session.exchange(exchange), command, strip_prompt)
        text = str(to_text(response, errors="surrogate_then_replace"))
        if memory is not None:
            self._remember(memory, command, text)
        return text

    def _request_of(
        self,
        command: bytes | None,
        prompt: Any,
        answer: Any,
        newline: bool,
        prompt_retry_check: bool,
        check_all: bool,
    ) -> dict[str, Any]:
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
            # Who raises the time knows a device that pauses behind a prompt in the middle of its output.
            **({"quiet": settle} if settle > USUAL_SETTLE else {}),
        }

    def _seconds(self, option: str) -> float:
        value = self.get_option(option)
        if value < 0:
            raise AnsibleConnectionFailure(
                f"'{option}' timer value '{value}' is invalid, value should be greater than or equal to zero."
            )
        return float(value)

    def _read_result(self, result: Mapping[str, Any], command: bytes | None, strip_prompt: bool) -> bytes:
        """The response of an exchange, cleaned; raises what it reports."""
        error = result.get("error")
        response = _bytes((error or {}).get("response")) or _bytes(result.get("response")) or b""
        self._last_response = response
        self._last_recv_window = _bytes(result.get("window"))
        self._matched_prompt = _bytes(result.get("matched_prompt"))
        self._matched_cmd_prompt = _bytes(result.get("matched_cmd_prompt"))
        self._log_messages(f"response: {response!r}")
        if error:
            raise self._failure(error, response)
        if self._matched_prompt is None:
            raise SessionBroken(f"the broker's answer to an exchange names no prompt {self._target.where('execute')}")
        self._command_response = self._sanitize(response, self._matched_prompt, command, strip_prompt)
        return self._command_response

    def _failure(self, error: Mapping[str, Any], response: bytes) -> Any:
        code, phase = error.get("code"), error.get("phase") or "execute"
        if code == "stderr_match":
            return AnsibleConnectionFailure(response)  # type: ignore[arg-type]  # bytes, as of the stock plug-in
        if code == "prompt_retry":
            return AnsibleConnectionFailure(f"For matched prompt '{self._matched_cmd_prompt!r}', answer is not valid")
        where = self._target.where(phase)
        if code == "command_timeout":
            message = COMMAND_TIMEOUT % self.get_option("persistent_command_timeout")
            seen = to_text(response[-200:], errors="replace")
            return SessionBroken(f"{message} The device's last words: {seen!r} {where}")
        return SessionBroken(f"{error.get('message') or code} {where}")

    @staticmethod
    def _sanitize(response: bytes, prompt: bytes, command: bytes | None, strip_prompt: bool) -> bytes:
        """The response without the command's echo and without the lines that hold the prompt."""
        marks = [mark.strip() for mark in prompt.strip().splitlines()] if strip_prompt else []
        kept = [
            line
            for line in response.splitlines()
            if not (command and line.strip() == command.strip()) and not any(mark in line for mark in marks)
        ]
        return b"\n".join(kept).strip()

    def _find_prompt(self, response: bytes) -> bool:
        for expression in self._get_terminal_std_re("terminal_stdout_re"):
            match = expression.search(response)
            if match:
                self._matched_pattern = expression.pattern
                self._matched_prompt = match.group()
                return True
        return False

    def _get_terminal_std_re(self, option: str) -> Any:
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

    def _remember(self, memory: SessionMemory, command: bytes, response: str) -> None:
        if self._is_in_config_mode() or to_text(command) in self._config_commands():
            if memory.outputs:
                self.queue_message("vvvv", "invalidating existing cache")
                memory.outputs = {}
            return
        self.queue_message("vvvv", f"populating cache for command: {command!r}")
        memory.outputs[to_text(command)] = response

    def _config_commands(self) -> Any:
        try:
            return self.cliconf.get_option("config_commands") or []
        except (AttributeError, KeyError):
            return []

    def _is_in_config_mode(self) -> bool:
        expression = getattr(self._terminal, "terminal_config_prompt", None)
        prompt = to_text(self.get_prompt(), errors="surrogate_then_replace").strip()
        return bool(expression and expression.match(prompt))

    def copy_file(self, source: str, destination: str, proto: str = "scp", timeout: float = 30) -> None:
        """Copy the local file ``source`` to ``destination`` on the device. ``timeout``: seconds without progress."""
        self._opened_session().put_file(source, destination, protocol=proto, timeout=timeout)

    def get_file(self, source: str, destination: str, proto: str = "scp", timeout: float = 30) -> None:
        """Copy ``source`` of the device to the local file ``destination``. ``timeout``: seconds without progress."""
        self._opened_session().get_file(source, destination, protocol=proto, timeout=timeout)


def _list(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple, set)):
        return list(value)
    return [] if value is None else [value]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _expressions(compiled: Any) -> list[list[Any]]:
    # re.UNICODE is implied where it applies and has no meaning for bytes.
    return [[_b64(to_bytes(one.pattern)), one.flags & ~re.UNICODE] for one in compiled]
