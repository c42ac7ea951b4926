# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Ansible's network_os maps to device types, and what each driver takes from Ansible's variables. Data only."""

from __future__ import annotations

# Full names are those of the vendor collections' cliconf plug-ins, short names those of old inventories.
NETWORK_OS = {
    "arista.eos.eos": "arista_eos",
    "awplus.awplus.awplus": "allied_telesis_awplus",
    "ciena.saos10.saos10": "ciena_saos10",
    "ciena.saos6.saos6": "ciena_saos",
    "cisco.aireos.aireos": "cisco_wlc",
    "cisco.asa.asa": "cisco_asa",
    "cisco.ios.ios": "cisco_ios",
    "cisco.iosxr.iosxr": "cisco_xr",
    "cisco.nxos.nxos": "cisco_nxos",
    "community.ciscosmb.ciscosmb": "cisco_s300",
    "community.network.aireos": "cisco_wlc",
    "community.network.aruba": "aruba_os",
    "community.network.ce": "huawei_vrp",
    "community.network.edgeos": "ubiquiti_edgerouter",
    "community.network.edgeswitch": "ubiquiti_edgeswitch",
    "community.network.exos": "extreme_exos",
    "community.network.ironware": "ruckus_fastiron",
    "community.network.routeros": "mikrotik_routeros",
    "community.network.slxos": "extreme_slx",
    "community.network.sros": "nokia_sros",
    "community.network.voss": "extreme_vsp",
    "arubanetworks.aoscx.aoscx": "aruba_aoscx",
    "community.routeros.routeros": "mikrotik_routeros",
    "dellemc.os10.os10": "dell_os10",
    "dellemc.os6.os6": "dell_os6",
    "dellemc.os9.os9": "dell_os9",
    "dellemc.enterprise_sonic.sonic": "dell_sonic",
    "frr.frr.frr": "cisco_ios",  # vtysh speaks IOS-like; log in to a shell that is vtysh
    "junipernetworks.junos.junos": "juniper_junos",
    "mikrotik.routeros.routeros": "mikrotik_routeros",
    "nokia.sros.sros": "nokia_sros",
    "vyos.vyos.vyos": "vyos",
}

SHORT_NAMES = {
    "aireos": "cisco_wlc",
    "aruba": "aruba_os",
    "asa": "cisco_asa",
    "ce": "huawei_vrp",
    "dellos10": "dell_os10",
    "dellos6": "dell_os6",
    "dellos9": "dell_os9",
    "edgeos": "ubiquiti_edgerouter",
    "edgeswitch": "ubiquiti_edgeswitch",
    "eos": "arista_eos",
    "exos": "extreme_exos",
    "frr": "cisco_ios",
    "ios": "cisco_ios",
    "iosxr": "cisco_xr",
    "ironware": "ruckus_fastiron",
    "junos": "juniper_junos",
    "nxos": "cisco_nxos",
    "routeros": "mikrotik_routeros",
    "slxos": "extreme_slx",
    "sonic": "dell_sonic",
    "sros": "nokia_sros",
    "voss": "extreme_vsp",
}

# Drivers that name platforms as netmiko does; others get a device_type only when someone gives one.
DRIVERS_WITH_DEVICE_TYPE = frozenset({"netmiko", "napalm"})

# Where a driver looks for what netmiko takes as top-level connection arguments.
DRIVERS_WITH_OPTIONAL_ARGS = frozenset({"napalm"})

PORT_VARIABLES: dict[str | None, tuple[str, ...]] = {
    "pyeapi": ("ansible_httpapi_port",),
    None: ("ansible_port", "ansible_ssh_port"),
}


# For platforms that netmiko has no type for. Their own terminal plug-in knows prompts and errors.
GENERIC = "generic"


class UnknownPlatform(ValueError):
    """No device type is known for an ``ansible_network_os``."""


def device_type_of(network_os: str) -> str:
    """The netmiko device type of an ``ansible_network_os``.

    A name without a dot that is in no table is taken for a device type already.

    Raises:
        UnknownPlatform: a full name that is in no table.
    """
    if network_os in NETWORK_OS:
        return NETWORK_OS[network_os]
    if network_os in SHORT_NAMES:
        return SHORT_NAMES[network_os]
    if "." not in network_os:
        return network_os
    raise UnknownPlatform(
        f"no device type is known for ansible_network_os {network_os!r}: set device_type (or the variable "
        "netpulse_device_type) to the name netmiko has for the platform"
    )
