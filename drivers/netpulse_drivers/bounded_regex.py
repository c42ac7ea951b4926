"""Regular expressions that come with a request: bounded in length, in the text they see and in time.

A pattern such as ``(a+)+$`` takes exponential time in ``re``. The ``regex`` package searches with a timeout, so a
hostile or careless pattern costs its own request an error and nobody else anything.
"""

from __future__ import annotations

from typing import Annotated

import regex
from pydantic import AfterValidator, Field

from netpulse_drivers.errors import InvalidArguments

MAX_PATTERN = 500
"""Characters of a pattern."""

MAX_SEARCHED = 16_384
"""Characters of device text a pattern is shown: the latest ones."""

MAX_SECONDS = 1.0
"""One search."""


def _compiles(value: str) -> str:
    try:
        regex.compile(value)
    except regex.error as error:
        raise ValueError(f"is no valid regular expression: {error}") from None
    return value


PatternText = Annotated[str, Field(min_length=1, max_length=MAX_PATTERN), AfterValidator(_compiles)]
"""A regular expression as a request field."""


class BoundedRegex:
    """A client's pattern, compiled once."""

    def __init__(self, pattern: str, *, name: str, multiline: bool = False) -> None:
        self.pattern = pattern
        self._name = name
        self._compiled = regex.compile(pattern, flags=regex.MULTILINE if multiline else 0)

    def search(self, text: str) -> tuple[int, int] | None:
        """Span of the first match in the last MAX_SEARCHED characters, counted from the start of ``text``.

        Raises:
            InvalidArguments: the search took longer than MAX_SECONDS.
        """
        start = max(0, len(text) - MAX_SEARCHED)
        try:
            found = self._compiled.search(text, start, timeout=MAX_SECONDS)
        except TimeoutError:
            raise InvalidArguments(
                f"the regular expression in {self._name} takes too long to search; avoid nested repetition",
                session_usable=False,
            ) from None
        return None if found is None else found.span()
