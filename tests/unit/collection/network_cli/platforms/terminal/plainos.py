"""Terminal plug-in of a platform that only these tests have; it keeps to what ansible-core itself offers."""

from __future__ import annotations

import json
import re
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.terminal import TerminalBase


class TerminalModule(TerminalBase):
    ansi_re = [re.compile(rb"\x1b\[m")]  # noqa: RUF012
    terminal_stdout_re = [re.compile(rb"[\r\n]?[\w-]+(?:\([^)]+\))?[>#] ?$")]  # noqa: RUF012 - a list, as platforms have it
    terminal_stderr_re = [re.compile(rb"% ?Bad", re.IGNORECASE)]  # noqa: RUF012
    terminal_config_prompt = re.compile(r"^.+\(config\)#$")
    terminal_initial_prompt = None
    terminal_initial_answer = None
    terminal_inital_prompt_newline = True

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._connection = connection

    def on_open_shell(self) -> None:
        try:
            self._connection.exec_command(b"terminal length 0")
        except AnsibleConnectionFailure:
            raise AnsibleConnectionFailure("unable to set terminal parameters") from None

    def on_become(self, passwd: str | None = None) -> None:
        asked = {"command": "enable", "prompt": "[Pp]assword: ?$", "answer": passwd, "prompt_retry_check": True}
        self._connection.exec_command(json.dumps(asked).encode())

    def on_unbecome(self) -> None:
        self._connection.exec_command(b"disable")
