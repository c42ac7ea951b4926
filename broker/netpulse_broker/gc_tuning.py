"""The garbage collector of a long-lived process, told what it need not look at."""

from __future__ import annotations

import gc

MANY = 10_000
"""Objects made and not freed between two collections of the youngest, in a process of which there are few. Python's 700
are used up by less than one request; what requests leave behind is freed by reference counts, and cycles are few."""

FEW = 1_500
"""The same in a process of which there is one a device: what waits for its collection counts a thousand times."""


def freeze(youngest: int) -> None:
    """Collect once, put everything that is left out of the collector's sight (gc.freeze), and collect less often.

    Called when a process has loaded what it is going to use. Before a fork, frozen objects also keep the pages that the
    collector would otherwise write to (and thereby copy) shared between parent and children.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(youngest, 20, 50)
