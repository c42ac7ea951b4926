# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of a task: texts or dicts, grouped into the jobs that carry them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.netpulse.broker.plugins.plugin_utils._options import OptionError

# What check mode sends. The words that the platforms have for looking without touching, and driver getters. What `sh`
# is given on a shell is a file or an option.
_READS = re.compile(
    r"\s*(?:do\s+)?(?:sh(?!\s+[-/.~$])|sho|show|display|dir|more|ping6?|traceroute6?|tracert|who|where|pwd|cat|ls|uname|uptime|get_\w+|get|"
    r"is_alive)(?:\s|$)",
    re.IGNORECASE,
)

# Output modifiers that write or run something: `show running-config | redirect flash:x`.
_WRITES = re.compile(r"\|\s*(?:redirect|append|tee|save|file|sh|bash|vsh|xargs)\b|>", re.IGNORECASE)

# What begins another command in the same text: line ends, and what shells and NX-OS have.
_ANOTHER = re.compile(r"[\r\n;&`]|\|\||\$\(")

_KEYS = frozenset({"command", "driver_args", "parsing"})
_DIALOGUE_KEYS = frozenset({"prompt", "answer", "sendonly", "newline", "check_all"})


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command of a task.

    Attributes:
        position: its index among the task's commands.
        text: what is sent.
        driver_args: arguments of the driver for it.
        parsing: the broker's parsing option for it, or None.
    """

    position: int
    text: str
    driver_args: dict[str, Any]
    parsing: Any = None

    @property
    def only_reads(self) -> bool:
        """Whether it is sent in check mode as well."""
        text = self.text.strip()
        return bool(_READS.match(text)) and not _WRITES.search(text) and not _ANOTHER.search(text)


def read_commands(commands: list[Any], *, driver_args: dict[str, Any], parsing: Any) -> list[Command]:
    """The commands of a task, with the task's driver_args and parsing where they have none of their own.

    Raises:
        OptionError: an entry is neither a text nor a dict of the known keys.
    """
    read = []
    for position, entry in enumerate(commands):
        values = entry if isinstance(entry, dict) else {"command": entry}
        _check(values, position)
        read.append(
            Command(
                position=position,
                text=str(values["command"]),
                driver_args={**driver_args, **(values.get("driver_args") or {})},
                parsing=values.get("parsing", parsing),
            )
        )
    if not read:
        raise OptionError("commands is empty")
    return read


def same_job(commands: list[Command]) -> list[list[Command]]:
    """Neighbours with the same arguments travel in one job, so that nothing of others runs between them."""
    groups = itertools.groupby(commands, key=lambda one: (one.driver_args, one.parsing))
    return [list(group) for _key, group in groups]


def _check(values: dict[str, Any], position: int) -> None:
    where = f"commands[{position}]"
    if _DIALOGUE_KEYS & set(values):
        raise OptionError(
            f"{where}: {', '.join(sorted(_DIALOGUE_KEYS & set(values)))} cannot be given here. Give the answer as the "
            "next command, and the task driver_args.expect_string with a pattern for the question and for the prompt"
        )
    if unknown := sorted(set(values) - _KEYS):
        raise OptionError(f"{where}: unknown keys {', '.join(unknown)}; known are {', '.join(sorted(_KEYS))}")
    text = values.get("command")
    if isinstance(text, bool) or not isinstance(text, str | int | float) or not str(text).strip():
        raise OptionError(f"{where}: must be a text, or a dict whose 'command' is one")
    if not isinstance(values.get("driver_args") or {}, dict):
        raise OptionError(f"{where}: driver_args must be a dict")
