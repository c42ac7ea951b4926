"""Whether an answer has the shape that a page shows."""

from __future__ import annotations

from typing import Any

BY_COMMAND = {"retval", "stages"}
"""Objects whose keys are data, not names."""


def differences(shown: Any, got: Any, where: str = "answer") -> list[str]:
    """What the page shows and the answer has not, or the other way round; names and types, not values.

    Null fits everything: a page shows one case of several.
    """
    if shown is None or got is None:
        return []
    if isinstance(shown, dict) and isinstance(got, dict):
        if where.rpartition(".")[2] in BY_COMMAND:
            return [
                line
                for first, second in zip(shown.values(), got.values(), strict=False)
                for line in differences(first, second, f"{where}.*")
            ]
        lines = [f"{where}.{name} is shown, and not in the answer" for name in shown.keys() - got.keys()]
        lines += [f"{where}.{name} is in the answer, and not shown" for name in got.keys() - shown.keys()]
        for name in shown.keys() & got.keys():
            lines += differences(shown[name], got[name], f"{where}.{name}")
        return lines
    if isinstance(shown, list) and isinstance(got, list):
        return [
            line for first, second in zip(shown, got, strict=False) for line in differences(first, second, f"{where}[]")
        ]
    if _kind(shown) != _kind(got):
        return [f"{where} is shown as {_kind(shown)}, and is {_kind(got)}"]
    return []


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def part_of(answer: Any, path: str) -> Any:
    """``data.failed.0`` of an answer."""
    for step in filter(None, path.split(".")):
        answer = answer[int(step)] if isinstance(answer, list) else answer[step]
    return answer
