"""Where drivers come from: the built-in ones, installed packages and plug-in directories.

A registry is created once per process and handed to whoever needs it. Building one imports plug-in directories (a
broken plug-in must show up at start, not at the first request) but no entry point: those are imported by ``get``, so a
process that never uses NAPALM never pays for importing it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

from netpulse_drivers.base import BaseDriver
from netpulse_drivers.entry_point_group import EntryPointGroup, PluginNotLoaded
from netpulse_drivers.errors import UnknownDriver

ENTRY_POINT_GROUP = "netpulse.drivers"
"""Packages publish drivers here: ``[project.entry-points."netpulse.drivers"]``, ``name = "package.module:Class"``."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plug-in that could not be loaded.

    Attributes:
        source: the package's directory or the entry point, e.g. ``entry point acme = acme_netpulse:Driver``.
        message: one line saying what is wrong and, where known, how to repair it.
    """

    source: str
    message: str


class PluginError(Exception):
    """A plug-in does not follow the recipe; the text says how to repair it."""


class DriverRegistry:
    """The drivers known to this process, by name.

    Args:
        plugin_dirs: directories whose packages are plug-ins. Relative ones count from the working directory.
        platform_dirs: directories with an operator's own data files of platforms, for drivers that know some.
        points: entry points to offer; None: those of the installed distributions.

    Attributes:
        failures: what could not be loaded. A failure never stops the rest; the owner reports them.
    """

    def __init__(
        self,
        plugin_dirs: Iterable[str | Path] = (),
        *,
        platform_dirs: Sequence[Path] = (),
        points: Iterable[EntryPoint] | None = None,
    ) -> None:
        self._platform_dirs = platform_dirs
        self.failures: list[PluginFailure] = []
        self._classes: dict[str, type[BaseDriver]] = {}
        self._sources: dict[str, str] = {}
        self._published = EntryPointGroup(ENTRY_POINT_GROUP, what="driver", published=points)
        self._sources |= {point.name: _describe(point) for point in self._published.points()}
        self._offered = set(self._sources)
        for point, taken in self._published.clashes:
            self._fail(_describe(point), PluginError(f"the name '{point.name}' is taken by {_describe(taken)}"))
        for directory in plugin_dirs:
            self._load_directory(Path(directory))

    def names(self) -> list[str]:
        """Names that ``get`` can be asked for, sorted. An entry point counts until an attempt to load it failed."""
        return sorted({*self._classes, *self._offered})

    def get(self, name: str) -> type[BaseDriver]:
        """The driver class of that name, importing it now if it comes from an entry point.

        Raises:
            UnknownDriver: nobody provides it, or it failed to load; the message lists the known ones.
        """
        if name in self._classes:
            return self._classes[name]
        if name in self._offered:
            try:
                return self._load_published(name)
            except (PluginError, PluginNotLoaded) as error:
                self._offered.discard(name)
                self._fail(self._sources[name], error.__cause__ or error)
        reason = self._reason(name)
        known = ", ".join(self.names()) or "none"
        raise UnknownDriver(f"unknown driver '{name}'{reason}; known drivers: {known}", known=self.names())

    def source(self, name: str) -> str:
        """Where a driver comes from: its entry point, or the directory of its package; "" for one that is unknown."""
        return self._sources.get(name, "")

    def load_all(self) -> dict[str, type[BaseDriver]]:
        """Import and preload every driver now (before forking, or to check an installation); failures are recorded."""
        for name in self.names():
            try:
                driver = self.get(name)
            except UnknownDriver:
                continue  # recorded in failures by get
            try:
                driver.preload(self._platform_dirs)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in's failure never stops the rest
                self._fail(self._sources[name], error)
        return dict(self._classes)

    def _load_published(self, name: str) -> type[BaseDriver]:
        driver = _checked(self._published.load(name), name)
        if driver.driver_name != name:
            raise PluginError(f"entry point is called '{name}' but driver_name is '{driver.driver_name}'")
        self._classes[name] = driver
        return driver

    # -- directories --------------------------------------------------------------------------------------------------

    def _load_directory(self, directory: Path) -> None:
        path = directory.expanduser().resolve()
        if not path.is_dir():
            self._fail(str(path), PluginError("plug-in directory does not exist"))
            return
        try:
            packages = sorted(entry.parent for entry in path.glob("*/__init__.py"))
        except OSError as error:
            self._fail(str(path), error)
            return
        for package in packages:
            try:
                self._load_package(package)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
                self._fail(str(package), error)

    def _load_package(self, package: Path) -> None:
        module = _import_package(package)
        listed = getattr(module, "__all__", None)
        if not isinstance(listed, list | tuple) or not listed:
            raise PluginError("__init__.py must list the driver classes: __all__ = [CustomDriver]")
        for entry in listed:
            driver = _checked(getattr(module, entry, None) if isinstance(entry, str) else entry, str(entry))
            name = driver.driver_name
            if name in self._sources:
                raise PluginError(f"driver_name '{name}' is taken by {self._sources[name]}")
            self._classes[name] = driver
            self._sources[name] = str(package)

    # -- failures -----------------------------------------------------------------------------------------------------

    def _fail(self, source: str, error: BaseException) -> None:
        self.failures.append(PluginFailure(source=source, message=_one_line(error)))

    def _reason(self, name: str) -> str:
        source = self._sources.get(name)
        for failure in self.failures:
            if failure.source == source:
                return f" (it failed to load: {failure.message})"
        return ""


def _import_package(package: Path) -> ModuleType:
    """Import a directory as a package under a name of its own, so that two plug-ins may share a folder name.

    The plug-in's own relative imports work (``from .custom import CustomDriver``); ``sys.path`` stays untouched.
    """
    digest = hashlib.sha256(str(package).encode()).hexdigest()[:8]
    identifier = re.sub(r"\W", "_", package.name)
    name = f"netpulse_plugin_{digest}_{identifier}"
    spec = importlib.util.spec_from_file_location(
        name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    if spec is None or spec.loader is None:
        raise PluginError("__init__.py cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for loaded in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
            del sys.modules[loaded]
        raise
    return module


def _checked(candidate: Any, label: str) -> type[BaseDriver]:
    """The candidate, if it is a driver class that can be used."""
    if not inspect.isclass(candidate):
        raise PluginError(f"'{label}' in __all__ is no class of this package")
    if not issubclass(candidate, BaseDriver):
        raise PluginError(f"{candidate.__name__} does not inherit netpulse_drivers.BaseDriver")
    name = getattr(candidate, "driver_name", None)
    if not isinstance(name, str) or not name:
        raise PluginError(f'{candidate.__name__} has no driver_name: add driver_name = "..." to the class')
    if not _NAME.fullmatch(name):
        raise PluginError(
            f"driver_name '{name}' of {candidate.__name__} may hold lower-case letters, digits, '_', '-' and '.' only"
        )
    if inspect.isabstract(candidate):
        missing = ", ".join(sorted(candidate.__abstractmethods__))
        raise PluginError(f"{candidate.__name__} does not implement: {missing}")
    return candidate


def _describe(point: EntryPoint) -> str:
    return f"entry point {point.name} = {point.value}"


def _one_line(error: BaseException) -> str:
    if isinstance(error, PluginError):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} ({error.filename}, line {error.lineno})"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
