"""NAPALM's getters and their arguments, as its base class declares them (napalm/base/base.py).

A table, so that the controller can check a request without importing NAPALM; a test compares it with NAPALM.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from netpulse_drivers.errors import InvalidArguments
from netpulse_drivers.napalm.platforms import community_platforms

GETTERS: dict[str, dict[str, bool]] = {
    "cli": {"commands": True, "encoding": False},
    "compliance_report": {"validation_source": True},
    "get_arp_table": {"vrf": False},
    "get_bgp_config": {"group": False, "neighbor": False},
    "get_bgp_neighbors": {},
    "get_bgp_neighbors_detail": {"neighbor_address": False},
    "get_config": {"retrieve": False, "full": False, "sanitized": False, "format": False},
    "get_environment": {},
    "get_facts": {},
    "get_firewall_policies": {},
    "get_interfaces": {},
    "get_interfaces_counters": {},
    "get_interfaces_ip": {},
    "get_ipv6_neighbors_table": {},
    "get_lldp_neighbors": {},
    "get_lldp_neighbors_detail": {"interface": False},
    "get_mac_address_table": {},
    "get_network_instances": {"name": False},
    "get_ntp_peers": {},
    "get_ntp_servers": {},
    "get_ntp_stats": {},
    "get_optics": {},
    "get_probes_config": {},
    "get_probes_results": {},
    "get_route_to": {"destination": False, "protocol": False, "longer": False},
    "get_snmp_information": {},
    "get_users": {},
    "get_vlans": {},
    "ping": {
        "destination": True,
        "source": False,
        "ttl": False,
        "timeout": False,
        "size": False,
        "count": False,
        "vrf": False,
        "source_interface": False,
    },
    "traceroute": {"destination": True, "source": False, "ttl": False, "timeout": False, "vrf": False},
}
"""Getter to its arguments; True: required."""

_LOOKS_LIKE_ONE = re.compile(r"get_\w+")
_CLI_ARGUMENTS = ("encoding",)


def is_getter(command: str) -> bool:
    """Whether a command names a getter: one that is known, or by its form one of a community driver's."""
    return command in GETTERS or _LOOKS_LIKE_ONE.fullmatch(command) is not None


def check_getters(commands: Sequence[str], given: Mapping[str, Any], *, extra: bool) -> None:
    """Check commands and arguments against each other.

    Args:
        commands: of one query.
        given: the arguments that the request sets.
        extra: whether it also sets arguments for a getter that only a community driver has.

    Raises:
        InvalidArguments: an unknown getter, an argument that none of the getters takes, or one that is missing.
    """
    taken: set[str] = set()
    for command in commands:
        if command not in GETTERS:
            if is_getter(command):
                _refuse_unknown(command)
                continue
            taken.update(_CLI_ARGUMENTS)
            continue
        takes = GETTERS[command]
        taken.update(takes)
        missing = [name for name, required in takes.items() if required and given.get(name) is None]
        if missing:
            raise InvalidArguments(f"{command} needs {', '.join(missing)} in driver_args")
    wrong = sorted(set(given) - taken)
    if wrong:
        what = ", ".join(dict.fromkeys(command if is_getter(command) else "a CLI command" for command in commands))
        allowed = ", ".join(sorted(taken)) or "none"
        raise InvalidArguments(f"{what} takes no {', '.join(wrong)}; arguments that can be given: {allowed}")
    if extra and not any(is_getter(command) and command not in GETTERS for command in commands):
        raise InvalidArguments("getter_args are for getters that only a community driver has")


def arguments_for(command: str, given: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that belong to this getter."""
    if command not in GETTERS:
        return dict(extra)
    return {name: given[name] for name in GETTERS[command] if name in given}


def _refuse_unknown(command: str) -> None:
    if community_platforms():
        return  # it may be one of theirs; the worker sees when it has the driver
    raise unknown_getter(command, GETTERS)


def unknown_getter(command: str, known: Sequence[str] | Mapping[str, Any]) -> InvalidArguments:
    """The error for a getter that nobody has."""
    near = difflib.get_close_matches(command, list(known), n=3, cutoff=0.6)
    hint = f" (did you mean {', '.join(near)}?)" if near else ""
    return InvalidArguments(f"unknown getter '{command}'{hint}; known: {', '.join(sorted(known))}")
