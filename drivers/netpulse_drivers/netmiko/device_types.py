"""Which device types there are: netmiko's, and those that an operator's data files add."""

from __future__ import annotations

from netmiko.ssh_dispatcher import CLASS_MAPPER

from netpulse_drivers.platforms import book, platform_of

AUTODETECT = "autodetect"
"""Stands for the type that the device shows itself to be."""

NOT_DEVICES = frozenset({"autodetect", "terminal_server"})
"""Types of netmiko's that name no platform."""


def netmiko_type(device_type: str) -> str:
    """netmiko's type whose class logs in: the type itself or, for one that an operator adds, the nearest that its file
    is like; in the end ``generic``.

    Raises:
        KeyError: nobody knows the type.
    """
    if device_type in CLASS_MAPPER:
        return device_type
    name = device_type.removesuffix("_telnet")
    transport = device_type.removeprefix(name)
    if name in book().brought():
        for one in (*platform_of(name).lineage, "generic"):
            if f"{one}{transport}" in CLASS_MAPPER:
                return f"{one}{transport}"
    raise KeyError(device_type)


def known_types() -> list[str]:
    """Every name that a request may give, sorted."""
    added = [type_ for name in book().brought() for type_ in (name, f"{name}_telnet")]
    offered = {*CLASS_MAPPER, *added} - NOT_DEVICES
    return sorted(name for name in offered if not name.endswith("_serial"))
