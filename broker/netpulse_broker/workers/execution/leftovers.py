"""Freeing what ended sessions leave behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


class Leftovers:
    """What ended sessions leave behind: objects in cycles, which only the collector frees.

    An SSH session and a failed login are hundreds of objects that refer to each other (a transport and its thread, an
    exception and the frames of its traceback). The collector comes to them late, and memory that is used meanwhile is
    memory that a forked process no longer shares. So it is called when a session has ended and nothing waits.
    """

    def __init__(self) -> None:
        self._some = False

    def leave(self) -> None:
        """A session, or an attempt at one, has ended."""
        self._some = True

    @contextmanager
    def after_failure(self) -> Iterator[None]:
        """An exception within has left something."""
        try:
            yield
        except BaseException:
            self._some = True
            raise

    def clear(self) -> None:
        """Call the collector if anything was left; a millisecond or two in a process whose start was frozen."""
        if self._some:
            self._some = False
            gc.collect()
