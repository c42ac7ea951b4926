"""What the suite must know about a driver to try it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from netpulse_drivers.base import BaseDriver


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A driver and what can be asked of the device behind it. What is left empty is not tried.

    Attributes:
        driver: the class.
        query, query_shows: a harmless query and a text that its answer holds.
        refused_query: one that the device refuses.
        change, change_shows: lines, and a text that the configuration holds afterwards and not before.
        undo: lines that take the change back, for a device that somebody else uses too.
        revert_in: seconds of a commit with a timer that the change is tried with; 0: none.
        refused_change: three lines of which the second is refused.
        wrong_credentials: connection_args that make the device refuse the login. Each run costs a refused login.
        unreachable: connection_args of an address where nothing listens.
        proves_life: whether ``keepalive`` makes a round trip (a driver that looks at local state alone does not).
        seconds: that one operation may take.
    """

    driver: type[BaseDriver]
    query: str
    query_shows: str
    refused_query: str = ""
    change: tuple[str, ...] = ()
    change_shows: str = ""
    undo: tuple[str, ...] = ()
    revert_in: float = 0.0
    refused_change: tuple[str, ...] = ()
    wrong_credentials: dict[str, Any] = field(default_factory=dict, repr=False)
    unreachable: dict[str, Any] = field(default_factory=dict)
    proves_life: bool = True
    seconds: float = 20.0
