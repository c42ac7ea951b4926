"""Cliconf plug-in of a platform that only these tests have."""

from __future__ import annotations

from typing import Any

from ansible.plugins.cliconf import CliconfBase

DOCUMENTATION = """
name: plainos
short_description: of tests
description: [of tests]
options:
  config_commands:
    type: list
    elements: str
    default: [wipe]
    description: [commands that change the configuration]
    vars: [{name: ansible_plainos_config_commands}]
"""


class Cliconf(CliconfBase):
    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._device_info: dict[str, str] = {}

    def get_device_info(self) -> dict[str, str]:
        if not self._device_info:
            self._device_info = {"network_os_version": self.get("show version")}
        return self._device_info

    def get(self, command: str = "", **more: Any) -> Any:
        return self._connection.send(command=command.encode(), **more)

    def get_config(self, source: str = "running", flags: Any = None, format: str | None = None) -> Any:  # noqa: A002
        return self.get("show running-config")

    def edit_config(self, candidate: Any = None, commit: bool = True, replace: Any = None, comment: Any = None) -> None:
        for line in ["configure", *candidate, "end"]:
            self.get(line)

    def get_capabilities(self) -> Any:
        return self.get_device_info()

    def leave(self) -> None:
        raise SystemExit("a plug-in that ends the process")
