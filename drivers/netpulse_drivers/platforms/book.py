"""The platforms by name, from the files that came with the driver and from those that an operator brings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from netpulse_drivers.platforms.data_file import GENERIC, BookError, DataFile, Lookup, read_file
from netpulse_drivers.platforms.platform import Platform

BUILT_IN = Path(__file__).with_name("data")

_TRANSPORTS = ("_telnet", "_ssh", "_serial")


class PlatformBook:
    """What is known about platforms. A file is read when somebody first asks for it.

    Args:
        brought: directories with files of an operator's own; a file in a later one goes before its namesakes.

    Attributes:
        failures: files that cannot be used, with the reason; see ``load_all``.
    """

    def __init__(self, brought: Sequence[Path] = ()) -> None:
        self._directories = (*reversed(brought), BUILT_IN)
        self._files: dict[str, DataFile] = {}
        self._platforms: dict[str, Platform] = {}
        self._lookup = Lookup(self._file)
        self._brought: list[str] | None = None
        self._loaded = False
        self.failures: dict[str, str] = {}

    def platform(self, device_type: str) -> Platform:
        """The platform's data; transports (``_telnet``, ``_ssh``) make no difference.

        Raises:
            BookError: its file, or one that it is like, cannot be used.
        """
        name = without_transport(device_type)
        if name in self.failures:
            raise BookError(self.failures[name])
        if name not in self._platforms:
            # Once all are loaded no file counts that has come since.
            known = GENERIC if self._loaded or self._path(name) is None else name
            self._platforms[name] = self._platforms.get(known) or self._put_together(known)
        return self._platforms[name]

    def _put_together(self, name: str) -> Platform:
        """As ``Lookup.platform``, for files that an operator made like each other too."""
        asked: list[str] = []
        other = name
        while other not in {"", GENERIC}:
            if other in asked:
                circle = " -> ".join([*asked[asked.index(other) :], other])
                raise BookError(f"{self._file(other).path}: like: leads in a circle ({circle}); take one of them out")
            asked.append(other)
            other = self._file(other).like
        try:
            return self._lookup.platform(name)
        except RecursionError:
            raise BookError(f"{self._file(name).path}: the files that its tables are like lead in a circle") from None

    def names(self) -> list[str]:
        """Names of all files, sorted."""
        return sorted({path.stem for directory in self._directories for path in directory.glob("*.toml")})

    def brought(self) -> list[str]:
        """Names of the files that an operator brings, sorted; once all are loaded, of those that were there then."""
        if self._brought is not None:
            return self._brought
        return sorted({path.stem for directory in self._directories[:-1] for path in directory.glob("*.toml")})

    def load_all(self) -> None:
        """Read every file and compile every expression: before a process is forked, or to check an installation.

        Raises:
            BookError: a directory is missing, or a file that came with the driver cannot be used. Of brought files the
                reason stands in ``failures``.
        """
        for directory in self._directories:
            if not directory.is_dir():
                raise BookError(f"there is no directory {directory}")
        self._brought = brought = self.brought()
        for name in self.names():
            try:
                if name in brought:  # the others have been checked before they were released
                    self.check(name)
                self.platform(name).compile()
            except BookError as error:
                if name not in brought:
                    raise
                self.failures[name] = str(error)
        self._loaded = True
        self._files.clear()  # what workers share holds the platforms alone

    def check(self, name: str) -> None:
        """See that a file can be used, and that every expression of it is one.

        Raises:
            BookError
        """
        for place, expressions in self.platform(name).expressions().items():
            for expression in expressions:
                try:
                    re.compile(expression)
                except re.error as error:
                    raise BookError(f"{self._file(name).path}: {place}: {error} in {expression!r}") from error

    def _path(self, name: str) -> tuple[int, Path] | None:
        """The file, and the number of its directory. ``name@1`` is looked for from directory 1 on."""
        stem, _, first = name.partition("@")
        paths = ((number, directory / f"{stem}.toml") for number, directory in enumerate(self._directories))
        return next(((number, path) for number, path in paths if number >= int(first or 0) and path.is_file()), None)

    def _file(self, name: str) -> DataFile:
        if name not in self._files:
            found = self._path(name)
            if found is None:
                directories = ", ".join(map(str, self._directories))
                raise BookError(f"there is no data file '{name.partition('@')[0]}.toml' in {directories}")
            number, path = found
            below = f"{path.stem}@{number + 1}"
            self._files[name] = read_file(path, below=below if self._path(below) is not None else "")
        return self._files[name]


def without_transport(device_type: str) -> str:
    """netmiko's name of the platform: ``cisco_ios`` for ``cisco_ios_telnet``."""
    return next((device_type.removesuffix(end) for end in _TRANSPORTS if device_type.endswith(end)), device_type)


def variant_of(platform: Platform, prompt: str) -> Platform:
    """The platform that the prompt after the login shows, where one device type has several command lines."""
    return next((variant for shape, variant in platform.variants if re.fullmatch(shape, prompt)), platform)
