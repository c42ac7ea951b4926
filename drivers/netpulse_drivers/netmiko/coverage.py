"""What is known about each of netmiko's device types, told by the platform book and by netmiko's classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from netmiko.base_connection import BaseConnection
from netmiko.no_config import NoConfig
from netmiko.ssh_dispatcher import CLASS_MAPPER

from netpulse_drivers.netmiko.device_types import known_types, netmiko_type
from netpulse_drivers.platforms import Platform, platform_of

Knowledge = Literal["whole", "generic", "query only"]
"""``whole``: prompts, modes, refusals and saving are in the book. ``generic``: some of them are netmiko's ways, or the
commonest wordings. ``query only``: no change is taken."""

Change = Literal["candidate", "configuration mode", "command line", "netmiko", ""]
"""How lines are put in force: committed, at once in a mode, at once where the session stands, as netmiko's class does
it, not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One device type.

    Attributes:
        device_type: netmiko's name, without the transport.
        platform: its page of the book; ``generic`` when it has none.
        ssh, telnet: how netmiko reaches it.
        known: see ``Knowledge``.
        change: see ``Change``.
        saves: the command, "by itself", "with the commit", "netmiko" or "".
    """

    device_type: str
    platform: Platform
    ssh: bool
    telnet: bool
    known: Knowledge
    change: Change
    saves: str


def device_types() -> list[str]:
    """Every type, without the transport, sorted."""
    return sorted({name.removesuffix("_ssh").removesuffix("_telnet") for name in known_types()})


def coverage_of(device_type: str) -> Coverage:
    """What is known about one device type (without ``_telnet``).

    Raises:
        KeyError: nobody knows it.
    """
    known = set(known_types())
    ssh, telnet = device_type in known, f"{device_type}_telnet" in known
    kind: type[BaseConnection] = CLASS_MAPPER[netmiko_type(device_type if ssh else f"{device_type}_telnet")]
    platform = platform_of(device_type)
    change, saves = _change(platform, kind), _saves(platform, kind)
    return Coverage(
        device_type=device_type,
        platform=platform,
        ssh=ssh,
        telnet=telnet,
        known=_known(platform, change, saves),
        change=change,
        saves=saves,
    )


def _known(platform: Platform, change: Change, saves: str) -> Knowledge:
    if not change:
        return "query only"
    whole = platform.telling and platform.refusals.known and change != "netmiko" and saves not in {"", "netmiko"}
    return "whole" if whole else "generic"


def _change(platform: Platform, kind: type[BaseConnection]) -> Change:
    variants = [platform, *(variant for _, variant in platform.variants)]
    if platform.no_changes:
        return ""
    if any(one.commit for one in variants):
        return "candidate"
    if platform.config_enter:
        return "configuration mode"
    if platform.modeless or issubclass(kind, NoConfig):
        return "command line"
    return "" if kind.config_mode is BaseConnection.config_mode else "netmiko"


def _saves(platform: Platform, kind: type[BaseConnection]) -> str:
    if platform.save:
        return platform.save
    if platform.saves_itself:
        return "by itself"
    if platform.commit and platform.commit_persists:
        return "with the commit"
    return "" if _has_no_save(kind) else "netmiko"


def _has_no_save(kind: type[BaseConnection]) -> bool:
    """Whether all that the class's method does is to raise ``NotImplementedError``."""
    return "NotImplementedError" in kind.save_config.__code__.co_names and not any(
        name.startswith(("send_command", "write_channel", "save_config")) for name in kind.save_config.__code__.co_names
    )
