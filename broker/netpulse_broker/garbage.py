"""The garbage collector of a long-lived process, told what it need not look at."""

from __future__ import annotations

import gc

YOUNGEST = 10_000
"""Objects made and not freed between two collections of the youngest. Python's 700 are used up by less than one
request; what requests leave behind is freed by reference counts, and cycles among it are few."""


def settle() -> None:
    """Collect once, put everything that is left out of the collector's sight (gc.freeze), and collect less often.

    Called when a process has loaded what it is going to use. Before a fork, frozen objects also keep the pages that the
    collector would otherwise write to (and thereby copy) shared between parent and children.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNGEST, 20, 50)
