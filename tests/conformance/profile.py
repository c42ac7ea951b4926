"""What the conformance suite must know about a driver to try it. One profile a driver; see ``profiles``.

To have another driver tried (NAPALM, pyeapi, a driver of your own), write a profile that brings up something real to
talk to, and add it to ``PROFILES``; nothing in the tests changes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from netpulse_drivers import BaseDriver


class Target(Protocol):
    """Something real that the driver can log in to, seen from behind: not through the driver."""

    connection_args: dict[str, Any]
    """Good ones; a password is among them."""

    def logins(self) -> int:
        """How many logins the device has accepted."""

    def received(self) -> list[str]:
        """All commands that the device has got, in order."""

    def configuration(self) -> str:
        """The configuration in force."""

    def drop(self) -> None:
        """Cut all connections now."""

    def freeze(self) -> None:
        """Go silent without closing anything."""


@dataclass(frozen=True, kw_only=True)
class DriverProfile:
    """A driver and how to try it.

    Attributes:
        name: of the test.
        driver: the class.
        lab: brings up what all targets share, once for the whole run.
        target: brings up a fresh target in that lab.
        query, query_shows: a harmless query and a text that its answer holds.
        refused_query: one that the device refuses; "" when there is none.
        change, change_shows: lines, and a text that the configuration holds afterwards; () for read-only drivers.
        refused_change: lines of which the second is refused.
        wrong_credentials: connection_args that make the device refuse the login.
        unreachable: connection_args of an address where nothing listens.
        proves_life: whether ``keepalive`` makes a round trip (connectionless drivers have nothing to prove).
    """

    name: str
    driver: type[BaseDriver]
    lab: Callable[[], AbstractContextManager[Any]]
    target: Callable[[Any], AbstractContextManager[Target]]
    query: str
    query_shows: str
    refused_query: str = ""
    change: tuple[str, ...] = ()
    change_shows: str = ""
    refused_change: tuple[str, ...] = ()
    wrong_credentials: dict[str, Any] = field(default_factory=dict)
    unreachable: dict[str, Any] = field(default_factory=dict)
    proves_life: bool = True
