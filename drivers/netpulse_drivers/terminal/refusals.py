"""How platforms say no, read from an answer. The texts are data: see ``netpulse_drivers.platforms``.

A device that refuses a command answers with a handful of lines; an output that quotes such a text (a log, a stored
session) is longer or has it in mid-line. Hence two rules for queries: the expression must match at the line's start,
and the whole answer must be short. An answer to a configuration line is short by nature and is searched completely.
"""

from __future__ import annotations

import re

from netpulse_drivers.platforms import Refusals

MAX_REFUSAL_LINES = 12
"""Non-blank lines of an answer that may still be a refused query."""


def refused_query(output: str, refusals: Refusals) -> str:
    """The line with which the device refused a query, or "" if the output is no refusal."""
    head = output[: MAX_REFUSAL_LINES * 600]
    if len(head) < len(output) or sum(1 for line in head.splitlines() if line.strip()) > MAX_REFUSAL_LINES:
        return ""
    place = _first(output, refusals, refusals.query)
    return _whole_line(output, place) if place >= 0 else ""


def refused_line(answer: str, refusals: Refusals) -> str:
    """The line with which the device refused a configuration line, or ""."""
    found = [_first(answer, refusals, pattern) for pattern in (refusals.query, refusals.change)]
    # The first line tells most: the return code of FortiOS stands below its reason.
    places = sorted(place for place in found if place >= 0)
    lines = [_whole_line(answer, place) for place in places]
    return next((line for line in lines if line != "^"), lines[0] if lines else "")


def _first(answer: str, refusals: Refusals, pattern: re.Pattern[str]) -> int:
    """Where the first line stands that matches and does not only inform; -1: none."""
    return next(
        (match.start() for match in pattern.finditer(answer) if not refusals.harmless.match(answer, match.start())),
        -1,
    )


def _whole_line(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)].strip()
