"""The platforms by name: each file is read when somebody first asks for it."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path

from netpulse_drivers.platforms.data_file import GENERIC, BookError, DataFile, Lookup, read_file
from netpulse_drivers.platforms.platform import Platform

BUILT_IN = Path(__file__).with_name("data")

_TRANSPORTS = ("_telnet", "_ssh", "_serial")


class PlatformBook:
    """What is known about platforms.

    Args:
        directories: whose files come before those of earlier ones; ``generic`` must be in one.
    """

    def __init__(self, directories: Sequence[Path] = (BUILT_IN,)) -> None:
        self._directories = tuple(reversed(directories))
        self._files: dict[str, DataFile] = {}
        self._platforms: dict[str, Platform] = {}
        self._lookup = Lookup(self._file)

    def platform(self, device_type: str) -> Platform:
        """The platform's data; transports (``_telnet``, ``_ssh``) make no difference.

        Raises:
            BookError: its file, or one that it is like, cannot be used.
        """
        name = _without_transport(device_type)
        if name not in self._platforms:
            known = name if self._path(name) is not None else GENERIC
            self._platforms[name] = self._platforms.get(known) or self._lookup.platform(known)
        return self._platforms[name]

    def names(self) -> list[str]:
        """Names of all files, sorted."""
        return sorted({path.stem for directory in self._directories for path in directory.glob("*.toml")})

    def family(self, name: str) -> str:
        """The name of the platform that this one is like in the end; its own name when it is like ``generic`` alone."""
        like = self._file(name).like
        return self.family(like) if like not in {"", GENERIC} else name

    def load_all(self) -> None:
        """Read every file and compile every expression: before a process is forked, or to check an installation.

        Raises:
            BookError: the first file that cannot be used, and the place in it.
        """
        for name in self.names():
            self.platform(name).compile()

    def check(self, name: str) -> None:
        """See that every expression of a platform is one.

        Raises:
            BookError
        """
        for place, expressions in self.platform(name).expressions().items():
            for expression in expressions:
                try:
                    re.compile(expression)
                except re.error as error:
                    raise BookError(f"{self._file(name).path}: {place}: {error} in {expression!r}") from error

    def _path(self, name: str) -> Path | None:
        paths = (directory / f"{name}.toml" for directory in self._directories)
        return next((path for path in paths if path.is_file()), None)

    def _file(self, name: str) -> DataFile:
        if name not in self._files:
            path = self._path(name)
            if path is None:
                raise BookError(f"there is no data file '{name}.toml' in {', '.join(map(str, self._directories))}")
            self._files[name] = read_file(path)
        return self._files[name]


def _without_transport(device_type: str) -> str:
    return next((device_type.removesuffix(end) for end in _TRANSPORTS if device_type.endswith(end)), device_type)


@functools.cache
def _book() -> PlatformBook:
    return PlatformBook()


def load_platforms() -> None:
    """Read the whole book now, instead of each file when it is first asked for."""
    _book().load_all()


def platform_of(device_type: str) -> Platform:
    """The platform's data, from the book that came with the driver; ``generic`` for one that is not in it."""
    return _book().platform(device_type)


def variant_of(platform: Platform, prompt: str) -> Platform:
    """The platform that the prompt after the login shows, where one device type has several command lines."""
    return next((variant for shape, variant in platform.variants if re.fullmatch(shape, prompt)), platform)
