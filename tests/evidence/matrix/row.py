"""A row of the table: a driver on a kind of device, what to ask of it, and what it has to refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

OPERATIONS = (
    "query",
    "parse",
    "config",
    "diff",
    "dry-run",
    "save",
    "replace",
    "rollback",
    "confirm",
    "getters",
    "test-connection",
    "keepalive",
    "dead-session recovery",
)


class Target(Protocol):
    """The device, seen from behind: not through the driver."""

    connection_args: dict[str, Any]

    def logins(self) -> int:
        """How many logins it has accepted."""

    def configuration(self) -> str:
        """What is in force."""

    def saved(self) -> str:
        """What it would boot with."""

    def configure(self, lines: str) -> None:
        """A change that somebody else makes."""

    def drop(self) -> None:
        """Cut all connections now."""

    def freeze(self) -> None:
        """Go silent without closing anything."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """How a driver says that it has no such operation.

    Attributes:
        error: code of the error.
        says: a regular expression that its message matches.
        asks: what the request says instead of the operation's usual parts.
    """

    error: str
    says: str
    asks: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Parse:
    """A query whose output a template of textfsm takes apart."""

    command: str
    template: str
    expected: list[dict[str, str]]
    driver_args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Change:
    """Lines, and what the configuration shows afterwards.

    Attributes:
        driver_args, options: of every change of this row.
        save_args: further ones where the change is to be saved.
    """

    lines: tuple[str, ...]
    shows: str
    driver_args: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    save_args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """Attributes:
    name: in the table.
    driver: as requests name it.
    up: brings the device up.
    query, shows: a query and a text in its answer.
    parse, change: None where the row lacks the operation.
    getter: the facts that ``get_facts`` has to give.
    plain_getter: the answer where a getter's name is a command like any other.
    foreign: a change that somebody else makes, one line, and which a replace takes back.
    timed: seconds of a commit with a timer.
    proves_life: whether a keepalive makes a round trip.
    lacks: operation to how it is refused.
    marks: of pytest, on all tests of the row.
    """

    name: str
    driver: str
    up: Callable[[pytest.FixtureRequest], AbstractContextManager[Target]]
    query: str
    shows: str
    parse: Parse | None = None
    change: Change | None = None
    getter: dict[str, str] = field(default_factory=dict)
    plain_getter: str = ""
    foreign: str = ""
    timed: float = 600.0
    proves_life: bool = True
    lacks: Mapping[str, Refusal] = field(default_factory=dict)
    marks: tuple[Any, ...] = ()
