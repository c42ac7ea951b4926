"""Two results of one task, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.parity.vendor_ansible import TaskOutcome

_WEEKDAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

# What is different each time, whoever asks.
_PASSING = (
    (re.compile(r"\d\d:\d\d:\d\d(\.\d+)?"), "HH:MM:SS"),
    # Days, and the minutes that directory listings show: the two runs may lie on either side of a full one.
    (re.compile(rf"\b(?:{_WEEKDAYS} )?{_MONTHS} [ \d]\d\b(?: \d\d:\d\d\b)?"), "DAY"),
    (re.compile(r"uptime is .*"), "uptime is T"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"\bansible_\d{10,}"), "ansible_TIME"),
    (re.compile(r"(bytes copied in )[\d.]+( secs \()\d+"), r"\1T\2N"),
    (re.compile(r"(Current configuration : )\d+"), r"\1N"),
    (re.compile(r"/\S*/(stock|broker)/"), "FOLDER/"),
)

# Not what the module says, but how the run was made.
_LEFT_OUT = frozenset(
    {
        "start",
        "end",
        "delta",
        "uptime",
        "bootupTimestamp",
        "invocation",
        "_ansible_no_log",
        "_ansible_delegated_vars",
        "deprecations",
        "exception",
        "elapsed",
    }
)


def differences(stock: TaskOutcome, broker: TaskOutcome) -> list[str]:
    """Fields that differ, each with both values; empty: the results are the same."""
    found = []
    if stock.state != broker.state:
        found.append(f"state: {stock.state} / {broker.state}")
    found += _compare("", _plain(stock.result), _plain(broker.result))
    return found


def _compare(path: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            if name not in one or name not in other:
                yield f"{path}{name}: only with {'stock' if name in one else 'broker'}"
            else:
                yield from _compare(f"{path}{name}.", one[name], other[name])
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _compare(f"{path}{number}.", left, right)
    elif one != other:
        yield f"{path.rstrip('.')}: {_short(one)} / {_short(other)}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if name not in _LEFT_OUT}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, str):
        for expression, instead in _PASSING:
            value = expression.sub(instead, value)
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 300 else text[:300] + "..."
