"""The book that this process works with.

One for the process, as its imported modules are: a device type is validated where no settings are at hand, and workers
are forked from a process that has read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netpulse_drivers.platforms.book import PlatformBook
from netpulse_drivers.platforms.platform import Platform

_book = PlatformBook()


def book() -> PlatformBook:
    """The book in use."""
    return _book


def load_platforms(brought: Sequence[Path] = ()) -> PlatformBook:
    """Read everything now, and use it from now on. When a process starts, before it forks or serves.

    Args:
        brought: directories with an operator's own files.

    Raises:
        BookError: see ``PlatformBook.load_all``; the book in use stays.
    """
    global _book  # noqa: PLW0603 - see above
    loaded = PlatformBook(brought)
    loaded.load_all()
    _book = loaded
    return loaded


def platform_of(device_type: str) -> Platform:
    """The platform's data; ``generic`` for a type that is not in the book."""
    return _book.platform(device_type)
