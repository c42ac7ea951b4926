"""Lines that a comparison leaves out: regular expressions of a request, bounded in all the time that they take."""

from __future__ import annotations

import time
from collections.abc import Iterable

import regex

from netpulse_drivers.bounded_regex import MAX_PATTERN, MAX_SEARCHED, MAX_SECONDS
from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import CommandTimeout, InvalidArguments

MAX_TOTAL_SECONDS = 5.0
"""All matches of one comparison."""

_LOOK_EVERY = 1_024
"""Lines between two looks at the deadline."""


class IgnoredLines:
    """Expressions that are matched from a line's start.

    Args:
        expressions: at most ``MAX_PATTERN`` characters each.
        deadline: of the job: ``matches`` is asked for every line of a comparison, and gives it up when that passes.

    Raises:
        InvalidArguments: one is too long, or no regular expression.
    """

    def __init__(self, expressions: Iterable[str] = (), *, deadline: Deadline | None = None) -> None:
        self._expressions = [_compiled(expression) for expression in expressions]
        self._deadline = deadline or Deadline.never()
        self._spent = 0.0
        self._lines = 0

    def matches(self, line: str) -> bool:
        """Whether the line is left out.

        Raises:
            InvalidArguments: the expressions take too long.
            CommandTimeout: the job's time is over.
        """
        self._lines += 1
        if self._lines % _LOOK_EVERY == 0 and self._deadline.passed:
            raise CommandTimeout(
                "the job's time was over while its lines were compared with the running configuration; nothing of them "
                "was sent",
                session_usable=True,
            )
        return bool(self._expressions) and self._any(line[:MAX_SEARCHED])

    def _any(self, line: str) -> bool:
        began = time.monotonic()
        left = max(min(MAX_SECONDS, MAX_TOTAL_SECONDS - self._spent), 0.0)  # without any the first look gives up
        try:
            return any(expression.match(line, timeout=left) is not None for expression in self._expressions)
        except TimeoutError:
            raise InvalidArguments(
                "the regular expressions in diff_ignore_lines take too long to match; avoid nested repetition"
            ) from None
        finally:
            self._spent += time.monotonic() - began


def _compiled(expression: str) -> regex.Pattern[str]:
    if len(expression) > MAX_PATTERN:
        raise InvalidArguments(f"diff_ignore_lines: an expression is longer than {MAX_PATTERN} characters")
    try:
        return regex.compile(expression)
    except regex.error as error:
        raise InvalidArguments(f"diff_ignore_lines: no valid regular expression: {error}") from None


NOTHING_IGNORED = IgnoredLines()
