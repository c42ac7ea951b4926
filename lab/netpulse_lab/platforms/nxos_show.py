"""What Cisco NX-OS shows, as text and as data for ``| json``."""

from __future__ import annotations

import ipaddress
import time
from typing import Any

from netpulse_lab.config_store import Entry
from netpulse_lab.device import Device
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.platform import Command

from .ios_show import interfaces, serial, uptime
from .nxos_config import INTERFACES
from .reachability import reachable

RELEASE = "9.3(5)"
_IMAGE = "bootflash:///nxos.9.3.5.bin"
_CHASSIS = "Nexus9000 C9300v Chassis"
_MEMORY = 8_159_100


def show_version(shell: Interpreter, found: Match[Command]) -> str:
    device = shell.device
    return f"""Cisco Nexus Operating System (NX-OS) Software
TAC support: http://www.cisco.com/tac
Copyright (C) 2002-2020, Cisco and/or its affiliates.
All rights reserved.

Nexus 9000v is a demo version of the Nexus Operating System

Software
  BIOS: version
  NXOS: version {RELEASE}
  BIOS compile time:
  NXOS image file is: {_IMAGE}
  NXOS compile time:  7/20/2020 20:00:00 [07/21/2020 06:30:11]


Hardware
  cisco {_CHASSIS}
  Intel(R) Xeon(R) CPU with {_MEMORY} kB of memory.
  Processor Board ID {serial(device)}

  Device name: {device.hostname}
  bootflash:    4287040 kB
Kernel uptime is 0 day(s), {uptime(device).replace("minutes", "minute(s)").replace("hours", "hour(s)")}, 0 second(s)

Last reset
  Reason: Unknown
  System version:
  Service:

plugin
  Core Plugin, Ethernet Plugin

Active Package(s):

"""


def version_data(shell: Interpreter, found: Match[Command]) -> object:
    device = shell.device
    return {
        "header_str": "Cisco Nexus Operating System (NX-OS) Software\n",
        "nxos_ver_str": RELEASE,
        "nxos_file_name": _IMAGE,
        "chassis_id": _CHASSIS,
        "cpu_name": "Intel(R) Xeon(R) CPU",
        "memory": _MEMORY,
        "mem_type": "kB",
        "proc_board_id": serial(device),
        "host_name": device.hostname,
        "bootflash_size": 4287040,
        "manufacturer": "Cisco Systems, Inc.",
    }


def show_inventory(shell: Interpreter, found: Match[Command]) -> str:
    number = serial(shell.device)
    return (
        f'NAME: "Chassis",  DESCR: "{_CHASSIS}"  \n'
        f"PID: N9K-C9300v          ,  VID: V01 ,  SN: {number}\n\n"
        'NAME: "Slot 1",  DESCR: "Nexus 9000v Ethernet Module"  \n'
        f"PID: N9K-X9364v          ,  VID: V01 ,  SN: {number}\n\n"
    )


def _up(entry: Entry) -> bool:
    """Ports are up unless they are shut down."""
    return entry.find("shutdown") is None


def _row(entry: Entry) -> dict[str, Any]:
    name = entry.words[1]
    state = "up" if _up(entry) else "down"
    row: dict[str, Any] = {"interface": name, "state": state, "admin_state": state}
    row["eth_mtu"] = entry.argument("mtu") or "1500"
    row["eth_bw"] = 1000000
    row["eth_hw_desc"] = "100/1000/10000 Ethernet" if INTERFACES.is_physical(name) else "Logical"
    row["eth_hw_addr"] = "5254.0000.0001"
    row["eth_mode"] = entry.argument("switchport", "mode") or ("routed" if entry.find("ip", "address") else "access")
    if description := entry.argument("description"):
        row["desc"] = description
    ip = entry.argument("ip", "address")
    if ip and "/" in ip:
        face = ipaddress.IPv4Interface(ip)
        row |= {"eth_ip_addr": str(face.ip), "eth_ip_mask": face.network.prefixlen}
    return row


def _chosen(device: Device, found: Match[Command]) -> list[Entry]:
    wanted = found.arguments[0] if found.arguments else None
    return [entry for entry in interfaces(device) if wanted in (None, entry.words[1])]


def show_interface(shell: Interpreter, found: Match[Command]) -> str:
    texts = []
    for entry in _chosen(shell.device, found):
        row = _row(entry)
        lines = [f"{row['interface']} is {row['state']}", f"admin state is {row['admin_state']}, Dedicated Interface"]
        lines.append(f"  Hardware: {row['eth_hw_desc']}, address: {row['eth_hw_addr']} (bia {row['eth_hw_addr']})")
        if "desc" in row:
            lines.append(f"  Description: {row['desc']}")
        if "eth_ip_addr" in row:
            lines.append(f"  Internet Address is {row['eth_ip_addr']}/{row['eth_ip_mask']}")
        lines += [
            f"  MTU {row['eth_mtu']} bytes, BW {row['eth_bw']} Kbit , DLY 10 usec",
            "  full-duplex, 1000 Mb/s",
            "",
        ]
        texts.append("\n".join(lines))
    return "\n".join(texts) + "\n"


def interface_data(shell: Interpreter, found: Match[Command]) -> object:
    return {"TABLE_interface": {"ROW_interface": [_row(entry) for entry in _chosen(shell.device, found)]}}


def show_ip_interface_brief(shell: Interpreter, found: Match[Command]) -> str:
    lines = ['IP Interface Status for VRF "default"(1)', "Interface            IP Address      Interface Status"]
    for entry in interfaces(shell.device):
        ip = entry.argument("ip", "address")
        if ip and entry.find("vrf", "member") is None:
            word = "up" if _up(entry) else "down"
            lines.append(f"{entry.words[1]:<20} {ip.split('/')[0]:<15} protocol-{word}/link-{word}/admin-{word}")
    return "\n".join(lines) + "\n"


def _vlans(device: Device) -> dict[int, tuple[str, str]]:
    table = {1: ("default", "active")}
    for entry in device.running.root.find_all("vlan"):
        number = int(entry.words[1])
        default = "default" if number == 1 else f"VLAN{number:04}"
        state = "suspended" if entry.argument("state") == "suspend" else "active"
        table[number] = (entry.argument("name") or default, state)
    return dict(sorted(table.items()))


def show_vlan(shell: Interpreter, found: Match[Command]) -> str:
    rows = ["", "VLAN Name                             Status    Ports"]
    rows.append("---- -------------------------------- --------- -------------------------------")
    rows += [f"{n:<4} {name:<32} {state:<9}".rstrip() for n, (name, state) in _vlans(shell.device).items()]
    return "\n".join(rows) + "\n\n"


def vlan_data(shell: Interpreter, found: Match[Command]) -> object:
    rows = [
        {
            "vlanshowbr-vlanid": str(number),
            "vlanshowbr-vlanid-utf": str(number),
            "vlanshowbr-vlanname": name,
            "vlanshowbr-vlanstate": state,
            "vlanshowbr-shutstate": "noshutdown",
        }
        for number, (name, state) in _vlans(shell.device).items()
    ]
    return {"TABLE_vlanbriefxbrief": {"ROW_vlanbriefxbrief": rows}}


def show_module(shell: Interpreter, found: Match[Command]) -> str:
    return (
        "Mod Ports             Module-Type                      Model           Status\n"
        "--- ----- ------------------------------------- --------------------- ---------\n"
        "1    64   Nexus 9000v Ethernet Module           N9K-X9364v            ok        \n"
    )


def module_data(shell: Interpreter, found: Match[Command]) -> object:
    row = {"modinf": 1, "ports": 64, "modtype": "Nexus 9000v Ethernet Module", "model": "N9K-X9364v", "status": "ok"}
    return {"TABLE_modinfo": {"ROW_modinfo": row}}


def show_resources(shell: Interpreter, found: Match[Command]) -> str:
    half = _MEMORY // 2
    return f"Memory usage:   {_MEMORY}K total,   {half}K used,   {half}K free\nCurrent memory status: OK\n"


def resources_data(shell: Interpreter, found: Match[Command]) -> object:
    return {"memory_usage_total": _MEMORY, "memory_usage_used": _MEMORY // 2, "memory_usage_free": _MEMORY // 2}


def show_cpu(shell: Interpreter, found: Match[Command]) -> str:
    return "CPU util  :    4.00% user,    2.00% kernel,   94.00% idle\n"


def cpu_data(shell: Interpreter, found: Match[Command]) -> object:
    return {"fivesec_percent": "4", "fivesec_intr_percent": "0", "onemin_percent": "3", "fivemin_percent": "3"}


def show_power(shell: Interpreter, found: Match[Command]) -> str:
    return "Power Supply:\nVoltage: 12 Volts\n"


def power_data(shell: Interpreter, found: Match[Command]) -> object:
    row = {"psnum": "1", "psmodel": "N9K-PAC-650W", "actual_out": "0 W", "ps_status": "Ok"}
    return {"powersup": {"TABLE_psinfo": {"ROW_psinfo": [row]}}}


def show_fan(shell: Interpreter, found: Match[Command]) -> str:
    return "Fan:\nFan             Model                Hw     Direction      Status\n"


def fan_data(shell: Interpreter, found: Match[Command]) -> object:
    row = {"fanname": "Fan1", "fanmodel": "N9K-FAN", "fanhwver": "--", "fandir": "front-to-back", "fanstatus": "Ok"}
    return {"fandetails": {"TABLE_faninfo": {"ROW_faninfo": [row]}}}


def show_host_id(shell: Interpreter, found: Match[Command]) -> str:
    return f"License hostid: VDH={serial(shell.device)}\n"


def ipv6_data(shell: Interpreter, found: Match[Command]) -> object:
    return {"TABLE_intf": []}


def cdp_data(shell: Interpreter, found: Match[Command]) -> object:
    return {"TABLE_cdp_neighbor_detail_info": {"ROW_cdp_neighbor_detail_info": []}}


def nothing(shell: Interpreter, found: Match[Command]) -> str:
    return ""


def show_clock(shell: Interpreter, found: Match[Command]) -> str:
    return time.strftime("%H:%M:%S.000 UTC %a %b %d %Y\nTime source is NTP\n", time.gmtime())


def show_user_account(shell: Interpreter, found: Match[Command]) -> str:
    lines = []
    for entry in shell.device.running.root.find_all("username"):
        role = entry.words[entry.words.index("role") + 1] if "role" in entry.words else "network-operator"
        lines.append(f"user:{entry.words[1]}\n        this user account has no expiry date\n        roles:{role} \n")
    return "".join(lines)


def ping(shell: Interpreter, found: Match[Command]) -> str:
    target, *rest = found.arguments
    count = int(rest[0]) if rest else 5
    answered = reachable(shell.device.running, target)
    replies = "".join(
        f"64 bytes from {target}: icmp_seq={number} ttl=254 time=1.0 ms\n" if answered else "Request 0 timed out\n"
        for number in range(count)
    )
    lost = "0.00" if answered else "100.00"
    received = count if answered else 0
    return (
        f"PING {target} ({target}): 56 data bytes\n{replies}\n--- {target} ping statistics ---\n"
        f"{count} packets transmitted, {received} packets received, {lost}% packet loss\n"
    )
