"""The platforms that can be simulated, one package-private set of modules each."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from netpulse_lab.platform import Platform

PLATFORMS = ("ios", "eos", "nxos", "iosxr", "junos")
"""Each is a module of this package with a function ``build() -> Platform``."""


@lru_cache
def platform_named(name: str) -> Platform:
    """The platform called `name`, built on first use.

    Raises:
        ValueError: there is no such platform.
    """
    if name not in PLATFORMS:
        raise ValueError(f"unknown platform {name!r}; known: {', '.join(PLATFORMS)}")
    built = import_module(f"{__name__}.{name}").build()
    assert isinstance(built, Platform), f"{name}.build() builds a platform"
    return built
