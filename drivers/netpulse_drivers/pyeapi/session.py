"""A session: a kept connection and how commands are run on it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from pyeapi.eapilib import CommandError

from netpulse_drivers.base import Call
from netpulse_drivers.errors import DriverError
from netpulse_drivers.pyeapi.refusals import refusal
from netpulse_drivers.pyeapi.transport import KeptConnection

Command = str | dict[str, str]
"""A line, or ``{"cmd": line, "input": what it reads}``."""


class EapiSession:
    """One switch.

    Attributes:
        connection: to it.
        version: its answer to ``show version`` at the login.
    """

    def __init__(self, connection: KeptConnection, *, enable_password: str | None) -> None:
        self.connection = connection
        self.version: dict[str, Any] = {}
        self._enable: Command = "enable" if enable_password is None else {"cmd": "enable", "input": enable_password}

    def run(
        self,
        commands: Sequence[Command],
        *,
        call: Call,
        encoding: str = "json",
        enable: bool = True,
        **options: Any,
    ) -> list[Any]:
        """The answers of the commands, in order, in one request.

        Raises:
            CommandError: pyeapi's, the device refused one; positions count the ``enable`` put before them.
            DriverError: of the connection.
        """
        self.connection.call = call
        whole = [self._enable, *commands] if enable else list(commands)
        answer = self.connection.execute(whole, encoding, **options)
        results: list[Any] = answer["result"]
        return results[1:] if enable else results

    def ask(self, commands: Sequence[Command], *, call: Call, enable: bool = True, **how: Any) -> list[Any]:
        """``run`` with refusals as errors of the tree.

        Raises:
            CommandRefused, PrivilegeRefused, and what ``run`` raises of the connection.
        """
        try:
            return self.run(commands, call=call, enable=enable, **how)
        except CommandError as error:
            raise self.refused(error, commands, enable=enable) from error

    @staticmethod
    def refused(error: CommandError, commands: Sequence[Command], *, enable: bool = True) -> DriverError:
        """A refusal of these commands as an error of the tree."""
        lines = [command if isinstance(command, str) else command["cmd"] for command in commands]
        return refusal(error, lines, offset=1 if enable else 0)


def silence_library() -> None:
    """Take away the handlers by which pyeapi prints to stderr and to syslog when it is imported (pyeapi/utils.py)."""
    for name in ("pyeapi.utils", "pyeapi.eapilib", "pyeapi.client"):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()
    # without any handler, logging's last resort would print to stderr
    logging.getLogger("pyeapi").addHandler(logging.NullHandler())
