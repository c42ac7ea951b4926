# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions on command output, as the vendors' ``*_command`` modules have them in ``wait_for``.

A condition reads ``KEY [not] OPERATOR VALUE``, for example ``result[0] contains "Version 15"``,
``result[1].interfaces['Gi0/1'].mtu ge 1500`` or ``parsed[0][0].version eq 15.2``.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

OPERATORS = {
    "eq": "eq",
    "==": "eq",
    "neq": "ne",
    "ne": "ne",
    "!=": "ne",
    "gt": "gt",
    ">": "gt",
    "ge": "ge",
    ">=": "ge",
    "lt": "lt",
    "<": "lt",
    "le": "le",
    "<=": "le",
    "contains": "contains",
    "matches": "matches",
}

_STEP = re.compile(r"\.?(?P<name>[^.\[\]]+)|\[(?P<item>[^\]]*)\]")
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})


class ConditionError(ValueError):
    """A condition cannot be read, or cannot be applied to what the commands returned."""


class Condition:
    """One condition; call it with the data it is about: True when it holds.

    Attributes:
        text: the condition as it was written.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise ConditionError(f"cannot read the condition {text!r}: {error}") from None
        self.negated = len(words) > 3 and words[1] == "not"
        if self.negated:
            del words[1]
        if len(words) < 3:
            raise ConditionError(f"cannot read the condition {text!r}: it must be KEY [not] OPERATOR VALUE")
        if words[1] not in OPERATORS:
            raise ConditionError(
                f"cannot read the condition {text!r}: unknown operator {words[1]!r}, known are {', '.join(OPERATORS)}"
            )
        self.operator = OPERATORS[words[1]]
        self.value = " ".join(words[2:])
        self.path = self._read_path(words[0])
        if self.operator == "matches":
            try:
                self._pattern = re.compile(self.value, re.MULTILINE)
            except re.error as error:
                raise ConditionError(f"the regular expression of the condition {text!r} is wrong: {error}") from None

    def __call__(self, data: dict[str, Any]) -> bool:
        """Whether it holds for ``data``, a dict with the key ``result`` (list of outputs) and perhaps ``parsed``.

        Raises:
            ConditionError: the path leads nowhere, or the values cannot be compared.
        """
        holds = self._holds(self._find(data))
        return not holds if self.negated else holds

    def _read_path(self, key: str) -> list[str | int]:
        steps: list[str | int] = []
        position = 0
        while position < len(key):
            found = _STEP.match(key, position)
            if not found:
                raise ConditionError(f"cannot read the condition {self.text!r}: {key!r} is no path like result[0].name")
            item = found["item"]
            if item is None:
                steps.append(found["name"])
            else:
                steps.append(int(item) if item.lstrip("-").isdigit() else item.strip("'\""))
            position = found.end()
        return steps

    def _find(self, data: dict[str, Any]) -> Any:
        value: Any = data
        for step in self.path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                raise ConditionError(
                    f"cannot apply the condition {self.text!r}: the result has nothing at {step!r}"
                ) from None
        return value

    def _holds(self, value: Any) -> bool:
        if self.operator == "contains":
            if isinstance(value, dict | list | tuple):
                return any(str(one) == self.value for one in value)
            return self.value in str(value)
        if self.operator == "matches":
            return self._pattern.search(str(value)) is not None
        if self.operator in ("eq", "ne"):
            return self._equals(value) == (self.operator == "eq")
        return self._compares(value)

    def _equals(self, value: Any) -> bool:
        if isinstance(value, bool):
            word = self.value.lower()
            return word in (_TRUE if value else _FALSE)
        ours, theirs = _number(self.value), _number(value)
        if ours is not None and theirs is not None:
            return ours == theirs
        return str(value) == self.value

    def _compares(self, value: Any) -> bool:
        ours, theirs = _number(self.value), _number(value)
        if ours is None or theirs is None:
            raise ConditionError(
                f"cannot apply the condition {self.text!r}: {self.operator!r} compares numbers, and one side is none"
            )
        return {
            "gt": theirs > ours,
            "ge": theirs >= ours,
            "lt": theirs < ours,
            "le": theirs <= ours,
        }[self.operator]


def unmet(conditions: list[Condition], data: dict[str, Any], *, match: str) -> list[Condition]:
    """The conditions among those given that keep the caller waiting: with ``match`` "any" none as soon as one holds."""
    missing = [one for one in conditions if not one(data)]
    if match == "any" and len(missing) < len(conditions):
        return []
    return missing


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    text = str(value).strip()
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    if re.fullmatch(r"[+-]?\d+\.\d+", text):
        return float(text)
    return None
