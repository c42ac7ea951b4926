"""What Arista EOS shows, as text and, where a program would ask so, as data for ``| json``."""

from __future__ import annotations

import hashlib
import ipaddress
import itertools
import re
import time

from netpulse_lab.config_store import Entry
from netpulse_lab.device import Device
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.platform import Command

from .eos_config import INTERFACES, short_name
from .reachability import reachable

MODEL = "vEOS-lab"
RELEASE = "4.29.2F"
BUILD = "4.29.2F-30640700.4292F"
_BUILD_ID = "bc6c1a24-0f6a-4d6c-9a54-4e5a0e2d1ad5"
_MEMORY, _FREE = 2006640, 1213512


def serial_of(device: str) -> str:
    """The serial number that stays with the name of a device."""
    return hashlib.sha256(device.encode()).hexdigest()[:32].upper()


def mac_of(device: str) -> str:
    """The MAC address that stays with the name of a device; all its ports show it."""
    digits = hashlib.sha256(device.encode()).hexdigest()[:8]
    return f"5001.{digits[:4]}.{digits[4:]}"


def release(device: Device) -> str:
    """The release of EOS that runs on it."""
    return device.spec.release or RELEASE


def release_number(device: Device) -> tuple[int, int]:
    """Its first two numbers, to compare: (4, 29)."""
    major, minor = re.findall(r"\d+", release(device))[:2]
    return int(major), int(minor)


def build(device: Device) -> str:
    """The internal name of that release."""
    return BUILD.replace(RELEASE, release(device))


def serial(device: Device) -> str:
    return serial_of(device.spec.name)


def mac(device: Device) -> str:
    return mac_of(device.spec.name)


def _colons(dotted: str) -> str:
    digits = dotted.replace(".", "")
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def show_version(shell: Interpreter, found: Match[Command]) -> str:
    device = shell.device
    hours, minutes = divmod(int(time.time() - device.booted) // 60, 60)
    return f"""Arista {MODEL}
Hardware version:
Serial number: {serial(device)}
Hardware MAC address: {mac(device)}
System MAC address: {mac(device)}

Software image version: {release(device)}
Architecture: x86_64
Internal build version: {build(device)}
Internal build ID: {_BUILD_ID}
Image format version: 3.0
Image optimization: None

Uptime: {hours} hours and {minutes} minutes
Total memory: {_MEMORY} kB
Free memory: {_FREE} kB

"""


def version_data(shell: Interpreter, found: Match[Command]) -> object:
    device = shell.device
    return {
        "imageFormatVersion": "3.0",
        "uptime": round(time.time() - device.booted, 2),
        "modelName": MODEL,
        "internalVersion": build(device),
        "memTotal": _MEMORY,
        "mfgName": "Arista",
        "serialNumber": serial(device),
        "systemMacAddress": _colons(mac(device)),
        "bootupTimestamp": round(device.booted, 2),
        "memFree": _FREE,
        "version": release(device),
        "configMacAddress": "00:00:00:00:00:00",
        "isIntlVersion": False,
        "imageOptimization": "None",
        "internalBuildId": _BUILD_ID,
        "hardwareRevision": "",
        "hwMacAddress": _colons(mac(device)),
        "architecture": "x86_64",
    }


def show_hostname(shell: Interpreter, found: Match[Command]) -> str:
    data = _hostname(shell.device)
    return f"Hostname: {data['hostname']}\nFQDN:     {data['fqdn']}\n"


def _hostname(device: Device) -> dict[str, str]:
    root = device.running.root
    domain = root.argument("dns", "domain") or root.argument("ip", "domain-name")
    return {"hostname": device.hostname, "fqdn": f"{device.hostname}.{domain}" if domain else device.hostname}


def hostname_data(shell: Interpreter, found: Match[Command]) -> object:
    return _hostname(shell.device)


def show_running(shell: Interpreter, found: Match[Command]) -> str:
    return shell.device.running_text()


def show_startup(shell: Interpreter, found: Match[Command]) -> str:
    text = shell.device.startup_text()
    return text.replace("! Command: show running-config", "! Command: show startup-config", 1)


def interfaces(device: Device) -> list[Entry]:
    """The interfaces of the running configuration, in its order."""
    return [entry for entry in device.running.root.sorted_children() if entry.words[0] == "interface"]


def show_running_interface(shell: Interpreter, found: Match[Command]) -> str:
    entry = shell.device.running.root.find("interface", found.arguments[0])
    if entry is None:
        return ""
    return "\n".join([entry.text, *(f"   {one.text}" for one in entry.sorted_children())]) + "\n"


def state(entry: Entry) -> tuple[str, str]:
    if entry.find("shutdown") is not None:
        return "admin down", "down"
    return "up", "up"


def address(entry: Entry) -> str:
    for one in entry.find_all("ip", "address"):
        if one.words[-1] != "secondary":
            return one.words[2]
    return ""


def show_ip_interface_brief(shell: Interpreter, found: Match[Command]) -> str:
    rows = [
        " " * 77 + "Address ",
        "Interface         IP Address            Status       Protocol            MTU    Owner  ",
        "----------------- --------------------- ------------ -------------- ----------- -------",
    ]
    for entry in interfaces(shell.device):
        if ip := address(entry):
            status, protocol = state(entry)
            mtu = entry.argument("mtu") or "1500"
            rows.append(f"{entry.words[1]:<17} {ip:<21} {status:<12} {protocol:<14} {mtu:>11} ".rstrip())
    return "\n".join(rows) + "\n\n"


def _interface(device: Device, entry: Entry) -> str:
    name = entry.words[1]
    passed = device.spec.surroundings.traffic_of(name)
    status, protocol = state(entry)
    shown = "administratively down" if status != "up" else "up"
    reason = "notconnect" if protocol == "down" else "connected"
    lines = [f"{name} is {shown}, line protocol is {protocol} ({reason})"]
    lines.append(f"  Hardware is Ethernet, address is {mac(device)} (bia {mac(device)})")
    if (text := entry.argument("description")) is not None:
        lines.append(f"  Description: {text}")
    if (ip := address(entry)) and ip != "dhcp":
        lines.append(f"  Internet address is {ip}")
        lines.append("  Broadcast address is 255.255.255.255")
    mtu = entry.argument("mtu") or "1500"
    kind = "IP" if address(entry) else "Ethernet"
    lines += [
        f"  {kind} MTU {mtu} bytes, BW 1000000 kbit",
        "  Full-duplex, 1Gb/s, auto negotiation: off, uni-link: n/a",
        f"  Up {int(time.time() - device.booted) // 60} minutes",
        "  Loopback Mode : None",
        "  0 link status changes since last clear",
        '  Last clearing of "show interface" counters never',
        "  5 minutes input rate 0 bps (0.0% with framing overhead), 0 packets/sec",
        "  5 minutes output rate 0 bps (0.0% with framing overhead), 0 packets/sec",
        f"     {passed.packets_in} packets input, {passed.bytes_in} bytes",
        f"     Received {passed.broadcasts_in} broadcasts, {passed.multicasts_in} multicast",
        "     0 runts, 0 giants",
        f"     {passed.errors_in} input errors, 0 CRC, 0 alignment, 0 symbol, {passed.discards_in} input discards",
        "     0 PAUSE input",
        f"     {passed.packets_out} packets output, {passed.bytes_out} bytes",
        f"     Sent {passed.broadcasts_out} broadcasts, {passed.multicasts_out} multicast",
        f"     {passed.errors_out} output errors, 0 collisions",
        f"     0 late collision, 0 deferred, {passed.discards_out} output discards",
        "     0 PAUSE output",
    ]
    return "\n".join(lines) + "\n"


def _chosen(shell: Interpreter, found: Match[Command]) -> list[Entry]:
    wanted = found.arguments[0] if found.arguments else None
    return [entry for entry in interfaces(shell.device) if wanted is None or entry.words[1] == wanted]


def show_interfaces(shell: Interpreter, found: Match[Command]) -> str:
    return "".join(_interface(shell.device, entry) for entry in _chosen(shell, found))


def _counters(device: Device, name: str) -> dict[str, int]:
    passed = device.spec.surroundings.traffic_of(name)
    return {
        "inOctets": passed.bytes_in,
        "inUcastPkts": passed.packets_in - passed.broadcasts_in - passed.multicasts_in,
        "inBroadcastPkts": passed.broadcasts_in,
        "inMulticastPkts": passed.multicasts_in,
        "inDiscards": passed.discards_in,
        "totalInErrors": passed.errors_in,
        "outOctets": passed.bytes_out,
        "outUcastPkts": passed.packets_out - passed.broadcasts_out - passed.multicasts_out,
        "outBroadcastPkts": passed.broadcasts_out,
        "outMulticastPkts": passed.multicasts_out,
        "outDiscards": passed.discards_out,
        "totalOutErrors": passed.errors_out,
    }


def interfaces_data(shell: Interpreter, found: Match[Command]) -> object:
    result: dict[str, object] = {}
    for entry in _chosen(shell, found):
        status, protocol = state(entry)
        ip = address(entry)
        addresses = []
        if ip and ip != "dhcp":
            face = ipaddress.IPv4Interface(ip)
            primary = {"address": str(face.ip), "maskLen": face.network.prefixlen}
            addresses = [{"primaryIp": primary, "secondaryIps": {}, "secondaryIpsOrderedList": []}]
        result[entry.words[1]] = {
            "name": entry.words[1],
            "lineProtocolStatus": protocol,
            "interfaceStatus": "disabled" if status != "up" else "connected",
            "hardware": "ethernet",
            "physicalAddress": _colons(mac(shell.device)),
            "burnedInAddress": _colons(mac(shell.device)),
            "description": entry.argument("description") or "",
            "mtu": int(entry.argument("mtu") or "1500"),
            "bandwidth": 1_000_000_000,
            "duplex": "duplexFull",
            "interfaceAddress": addresses,
            "forwardingModel": "routed" if ip else "bridged",
            "interfaceCounters": _counters(shell.device, entry.words[1]),
        }
    return {"interfaces": result}


def show_interfaces_status(shell: Interpreter, found: Match[Command]) -> str:
    rows = ["Port       Name   Status       Vlan     Duplex Speed  Type            Flags Encapsulation"]
    for entry in interfaces(shell.device):
        name = entry.words[1]
        if INTERFACES.is_physical(name):
            status = "disabled" if state(entry)[0] != "up" else "connected"
            routed = entry.find("no", "switchport") is not None or name.startswith("Management")
            vlan = "routed" if routed else entry.argument("switchport", "access", "vlan") or "1"
            text = (entry.argument("description") or "")[:6]
            kind = "EbraTestPhyPort"
            rows.append(f"{short_name(name):<10} {text:<6} {status:<12} {vlan:<8} full   1G     {kind}")
    return "\n".join(rows) + "\n"


def _vlan_table(device: Device) -> dict[int, tuple[str, str, list[str]]]:
    table: dict[int, tuple[str, str, list[str]]] = {1: ("default", "active", [])}
    for entry in device.running.root.find_all("vlan"):
        number = int(entry.words[1])
        status = "suspended" if entry.argument("state") == "suspend" else "active"
        table[number] = (entry.argument("name") or f"VLAN{number:04}", status, [])
    for entry in interfaces(device):
        routed = entry.find("no", "switchport") is not None or entry.words[1].startswith("Management")
        if INTERFACES.is_physical(entry.words[1]) and not routed:
            number = int(entry.argument("switchport", "access", "vlan") or 1)
            if number in table and entry.argument("switchport", "mode") != "trunk":
                table[number][2].append(entry.words[1])
    return dict(sorted(table.items()))


def show_vlan(shell: Interpreter, found: Match[Command]) -> str:
    rows = [
        "VLAN  Name                             Status    Ports",
        "----- -------------------------------- --------- -------------------------------",
    ]
    for number, (name, status, ports) in _vlan_table(shell.device).items():
        rows.append(f"{number:<5} {name:<32} {status:<9} {', '.join(map(short_name, ports))}".rstrip())
    return "\n".join(rows) + "\n\n"


def vlan_data(shell: Interpreter, found: Match[Command]) -> object:
    table = {
        str(number): {
            "status": status,
            "name": name,
            "interfaces": {port: {"privatePromoted": False} for port in ports},
            "dynamic": False,
        }
        for number, (name, status, ports) in _vlan_table(shell.device).items()
    }
    return {"sourceDetail": "", "vlans": table}


def show_clock(shell: Interpreter, found: Match[Command]) -> str:
    return time.strftime("%a %b %e %H:%M:%S %Y\nTimezone: UTC\nClock source: local\n", time.gmtime())


def show_users(shell: Interpreter, found: Match[Command]) -> str:
    rows = ["    Line      User        Host(s)       Idle        Location "]
    open_now = sorted((one for one in shell.device.connections if one.session), key=lambda one: one.session)
    for number, one in enumerate(open_now):
        mark = "*" if one.session == shell.session else " "
        rows.append(f"{mark} {number + 1:>2} vty {number:<4} {one.username:<11} idle          00:00:00    127.0.0.1")
    return "\n".join(rows) + "\n"


def show_inventory(shell: Interpreter, found: Match[Command]) -> str:
    return (
        "System information\n    Model                    Description\n"
        "    ------------------------ ----------------------------------------------------\n"
        f"    {MODEL}                 Software simulated switch\n\n"
        "    HW Version  Serial Number  Mfg Date   Epoch\n"
        "    ----------- -------------- ---------- -----\n"
        f"                {serial(shell.device)[:14]}            \n"
    )


def show_tech(shell: Interpreter, found: Match[Command]) -> str:
    """A long text of numbered lines of 64 bytes, so that a missing or doubled piece shows."""
    head = "\n------------- show tech-support -------------\n\n"
    count = max(0, shell.device.faults.tech_support_bytes - len(head)) // 64
    return head + "".join(f"{number:09} {'abcdefghijklmnopqrstuvwxyz' * 2} \n" for number in range(count))


def ping(shell: Interpreter, found: Match[Command]) -> str:
    """``ping [ip] ADDRESS [repeat N] [size BYTES]``, and as programs write it: ``timeout S size BYTES repeat N``."""
    words, target = found.words, next(one for one in found.arguments if "." in one)
    values = dict(itertools.pairwise(words))
    count, size = int(values.get("repeat", "5")), int(values.get("size", "100"))
    answered = reachable(shell.device.running, target)
    replies = "".join(
        f"{size - 20} bytes from {target}: icmp_seq={n} ttl=64 time=0.050 ms\n" for n in range(1, count + 1)
    )
    received, lost = (count, 0) if answered else (0, 100)
    text = (
        f"PING {target} ({target}) {size - 28}({size}) bytes of data.\n{replies if answered else ''}\n"
        f"--- {target} ping statistics ---\n"
        f"{count} packets transmitted, {received} received, {lost}% packet loss, time 0ms\n"
    )
    return text + ("rtt min/avg/max/mdev = 0.050/0.050/0.050/0.000 ms, ipg/ewma 0.1/0.1 ms\n" if answered else "")


def traceroute(shell: Interpreter, found: Match[Command]) -> str:
    """The system's own ``traceroute`` through bash; the modelled hops answer when there is a route to the target."""
    target = next(one for one in found.arguments if "." in one)
    lines = [f"traceroute to {target} ({target}), 30 hops max, 60 byte packets"]
    if not reachable(shell.device.running, target):
        return "\n".join([*lines, " 1  * * *"]) + "\n"
    for number, hop in enumerate(shell.device.spec.surroundings.hops, start=1):
        first, *rest = (f"{one:.3f} ms" for one in hop.rtt)
        lines.append(f"{number:>2}  {hop.address} ({hop.address})  {first}  {'  '.join(rest)}")
    return "\n".join(lines) + "\n"


def show_banner(shell: Interpreter, found: Match[Command]) -> str:
    return shell.device.banner(found.words[2])
