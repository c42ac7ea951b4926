"""What packages publish under one entry point group: offered by name, imported only when asked for.

Drivers, template engines and webhook callers are found this way; what is built in is offered first, and its name cannot
be taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any


class UnknownPlugin(LookupError):
    """Nobody publishes anything of this name."""


class PluginNotLoaded(Exception):
    """It is published, and importing it failed; the text says how, ``__cause__`` is what it raised."""


class EntryPointGroup:
    """The plug-ins of one group.

    Args:
        group: of the entry points, e.g. ``netpulse.drivers``.
        what: one of them, for messages, e.g. ``driver``.
        built_in: name -> ``package.module:attribute`` of what comes with NetPulse.
        published: instead of what the installed distributions publish.

    Attributes:
        clashes: entry points whose name is taken by another one, each with that one.
    """

    def __init__(
        self,
        group: str,
        *,
        what: str,
        built_in: Mapping[str, str] | None = None,
        published: Iterable[EntryPoint] | None = None,
    ) -> None:
        self._what = what
        self._points: dict[str, EntryPoint] = {
            name: EntryPoint(name, value, group) for name, value in (built_in or {}).items()
        }
        self.clashes: list[tuple[EntryPoint, EntryPoint]] = []
        found = entry_points(group=group) if published is None else published
        for point in sorted(found, key=lambda point: (point.name, point.value)):
            taken = self._points.setdefault(point.name, point)
            if taken.value != point.value:
                self.clashes.append((point, taken))

    def names(self) -> list[str]:
        """Names that ``load`` can be asked for, sorted."""
        return sorted(self._points)

    def points(self) -> list[EntryPoint]:
        """The entry points that ``load`` can be asked for."""
        return list(self._points.values())

    def load(self, name: str) -> Any:
        """What is published under that name, imported now.

        Raises:
            UnknownPlugin: nothing is; the message lists what is.
            PluginNotLoaded
        """
        point = self._points.get(name)
        if point is None:
            raise UnknownPlugin(f"unknown {self._what} '{name}'; known: {', '.join(self.names()) or 'none'}")
        try:
            return point.load()
        except (Exception, SystemExit) as error:  # foreign code may raise anything
            raise PluginNotLoaded(
                f"the {self._what} '{name}' ({point.value}) cannot be loaded: {type(error).__name__}: {error}"
            ) from error
