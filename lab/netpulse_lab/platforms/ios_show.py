"""What Cisco IOS shows, made from the state of the device."""

from __future__ import annotations

import hashlib
import itertools
import re
import time

from netpulse_lab.config_store import Entry
from netpulse_lab.device import Device
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.platform import Command

from .ios_lines import INTERFACES
from .parameters import expand_vlans
from .reachability import reachable

MODEL = "vios_l2"
_LEGACY_VLANS = (
    (1002, "fddi-default"),
    (1003, "token-ring-default"),
    (1004, "fddinet-default"),
    (1005, "trnet-default"),
)
RELEASE = "15.2(20200924:215240)"
INTERFACES_SHORT = re.compile(r"^[A-Z][A-Za-z-]+")


def serial_of(device: str) -> str:
    """The serial number that stays with the name of a device."""
    return "9" + hashlib.sha256(device.encode()).hexdigest()[:10].upper()


def serial(device: Device) -> str:
    return serial_of(device.spec.name)


def uptime(device: Device) -> str:
    hours, minutes = divmod(int(time.time() - device.booted) // 60, 60)
    days, hours = divmod(hours, 24)
    weeks, days = divmod(days, 7)
    parts = [(weeks, "weeks"), (days, "days"), (hours, "hours"), (minutes, "minutes")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return ", ".join(f"{number} {unit}" for number, unit in parts)


def interfaces(device: Device) -> list[Entry]:
    """The interfaces of the running configuration, in its order."""
    return [entry for entry in device.running.root.sorted_children() if entry.words[0] == "interface"]


def state(entry: Entry) -> tuple[str, str]:
    """Status and protocol: up unless shut down; a port without any configuration has no neighbour."""
    if entry.find("shutdown") is not None:
        return "administratively down", "down"
    return "up", "up"


def address(entry: Entry) -> str:
    """Primary IPv4 address and mask, "" without one."""
    for one in entry.find_all("ip", "address"):
        if one.words[-1] != "secondary":
            return " ".join(one.words[2:])
    return ""


def show_version(shell: Interpreter, found: Match[Command]) -> str:
    device, image = shell.device, f"{MODEL}-ADVENTERPRISEK9-M"
    return f"""Cisco IOS Software, {MODEL} Software ({image}), Version {RELEASE}, RELEASE SOFTWARE (fc1)
Technical Support: http://www.cisco.com/techsupport
Copyright (c) 1986-2020 by Cisco Systems, Inc.
Compiled Thu 24-Sep-20 22:34 by mmen


ROM: Bootstrap program is IOSv

{device.hostname} uptime is {uptime(device)}
System returned to ROM by reload
System image file is "flash0:/vios_l2-adventerprisek9-m"
Last reload reason: Unknown reason



Cisco IOSv () processor (revision 1.0) with 935161K/111616K bytes of memory.
Processor board ID {serial(device)}
{len(INTERFACES.physical)} Gigabit Ethernet interfaces
DRAM configuration is 72 bits wide with parity disabled.
256K bytes of non-volatile configuration memory.
2097152K bytes of ATA System CompactFlash 0 (Read/Write)
0K bytes of ATA CompactFlash 1 (Read/Write)
0K bytes of ATA CompactFlash 2 (Read/Write)
0K bytes of ATA CompactFlash 3 (Read/Write)

Configuration register is 0x0

"""


def show_running(shell: Interpreter, found: Match[Command]) -> str:
    return shell.device.running_text()


def show_startup(shell: Interpreter, found: Match[Command]) -> str:
    text = shell.device.startup_text()
    body = text.partition("Current configuration")[2].partition("\n")[2]
    return f"Using {len(body)} out of 262144 bytes, uncompressed size = {len(body)} bytes\n{body}"


def show_running_interface(shell: Interpreter, found: Match[Command]) -> str:
    name = found.arguments[0]
    entry = shell.device.running.root.find("interface", name)
    if entry is None:
        return "% Invalid input detected at '^' marker.\n"
    lines = [f"interface {name}", *(f" {one.text}" for one in entry.sorted_children())]
    body = "!\n" + "\n".join(lines) + "\nend\n"
    return f"Building configuration...\n\nCurrent configuration : {len(body)} bytes\n{body}\n"


def show_running_vlan(shell: Interpreter, found: Match[Command]) -> str:
    lines: list[str] = []
    wanted = expand_vlans(found.arguments[0]) if found.arguments else None
    for entry in shell.device.running.root.sorted_children():
        is_vlan = entry.words[0] == "vlan" and entry.children is not None
        if is_vlan and (wanted is None or int(entry.words[1]) in wanted):
            lines += [entry.text, *(f" {one.text}" for one in entry.sorted_children()), "!"]
    body = "\n".join(["!", *lines, "end"]) + "\n"
    return f"Building configuration...\n\nCurrent configuration : {len(body)} bytes\n{body}\n"


def show_ip_interface_brief(shell: Interpreter, found: Match[Command]) -> str:
    rows = [f"{'Interface':<22} {'IP-Address':<15} OK? Method {'Status':<21} Protocol"]
    for entry in interfaces(shell.device):
        status, protocol = state(entry)
        ip = address(entry).split(" ")[0]
        if ip == "dhcp":
            ip, method = "unassigned", "DHCP"
        else:
            ip, method = (ip, "NVRAM") if ip else ("unassigned", "unset")
        rows.append(f"{entry.words[1]:<22} {ip:<15} YES {method:<6} {status:<21} {protocol}")
    return "\n".join(rows) + "\n"


def mac_of(device: str, interface: str) -> str:
    """The MAC address that stays with the names of a device and its interface."""
    digits = hashlib.sha256(f"{device}/{interface}".encode()).hexdigest()[:8]
    return f"0c1a.{digits[:4]}.{digits[4:]}"


def short_name(interface: str) -> str:
    """Gi0/1 for GigabitEthernet0/1."""
    return INTERFACES_SHORT.sub(lambda found: found[0][:2], interface)


def _interface(device: Device, entry: Entry) -> str:
    name = entry.words[1]
    status, protocol = state(entry)
    mac, passed = mac_of(device.spec.name, name), device.spec.surroundings.traffic_of(name)
    kind = "iGbE" if INTERFACES.is_physical(name) else "Ethernet SVI" if name.startswith("Vlan") else "Loopback"
    lines = [f"{name} is {status}, line protocol is {protocol} "]
    lines.append(f"  Hardware is {kind}" + (f", address is {mac} (bia {mac})" if kind != "Loopback" else ""))
    if (text := entry.argument("description")) is not None:
        lines.append(f"  Description: {text}")
    if (ip := address(entry)) and ip != "dhcp":
        host, _, dotted = ip.partition(" ")
        length = sum(int(part).bit_count() for part in dotted.split("."))
        lines.append(f"  Internet address is {host}/{length}")
    mtu = entry.argument("mtu") or "1500"
    bandwidth = entry.argument("bandwidth") or ("8000000" if kind == "Loopback" else "1000000")
    lines.append(f"  MTU {mtu} bytes, BW {bandwidth} Kbit/sec, DLY 10 usec, ")
    lines.append("     reliability 255/255, txload 1/255, rxload 1/255")
    lines.append(f"  Encapsulation {'LOOPBACK' if kind == 'Loopback' else 'ARPA'}, loopback not set")
    if INTERFACES.is_physical(name):
        duplex = {"full": "Full", "half": "Half"}.get(entry.argument("duplex") or "", "Auto")
        speed = entry.argument("speed") or "auto"
        rate = "Auto Speed" if speed == "auto" else f"{speed}Mbps"
        lines.append("  Keepalive set (10 sec)")
        media = entry.argument("media-type") or "RJ45"
        lines.append(f"  {duplex} Duplex, {rate}, link type is auto, media type is {media}")
        lines.append("  output flow-control is unsupported, input flow-control is unsupported")
        lines.append("  ARP type: ARPA, ARP Timeout 04:00:00")
    drops = f"Total output drops: {passed.discards_out}"
    lines += [
        "  Last input 00:00:00, output 00:00:00, output hang never",
        '  Last clearing of "show interface" counters never',
        f"  Input queue: 0/75/{passed.discards_in}/0 (size/max/drops/flushes); {drops}",
        "  Queueing strategy: fifo",
        "  Output queue: 0/40 (size/max)",
        "  5 minute input rate 0 bits/sec, 0 packets/sec",
        "  5 minute output rate 0 bits/sec, 0 packets/sec",
        f"     {passed.packets_in} packets input, {passed.bytes_in} bytes, 0 no buffer",
        f"     Received {passed.broadcasts_in} broadcasts ({passed.multicasts_in} IP multicasts)",
        "     0 runts, 0 giants, 0 throttles ",
        f"     {passed.errors_in} input errors, {passed.errors_in} CRC, 0 frame, 0 overrun, 0 ignored",
        f"     {passed.packets_out} packets output, {passed.bytes_out} bytes, 0 underruns",
        f"     {passed.errors_out} output errors, 0 collisions, 0 interface resets",
        "     0 unknown protocol drops",
        "     0 output buffer failures, 0 output buffers swapped out",
    ]
    return "\n".join(lines) + "\n"


def show_interfaces(shell: Interpreter, found: Match[Command]) -> str:
    wanted = found.arguments[0] if found.arguments else None
    texts = [
        _interface(shell.device, entry)
        for entry in interfaces(shell.device)
        if wanted is None or entry.words[1] == wanted
    ]
    return "".join(texts) or "% Interface not found\n"


def show_interfaces_description(shell: Interpreter, found: Match[Command]) -> str:
    rows = [f"{'Interface':<31}{'Status':<15}{'Protocol':<9}Description"]
    for entry in interfaces(shell.device):
        status, protocol = state(entry)
        short = short_name(entry.words[1])
        status = "admin down" if status != "up" else "up"
        rows.append(f"{short:<31}{status:<15}{protocol:<9}{entry.argument('description') or ''}".rstrip())
    return "\n".join(rows) + "\n"


def show_vlan(shell: Interpreter, found: Match[Command]) -> str:
    root = shell.device.running.root
    names: dict[int, tuple[str, str]] = {1: ("default", "active")}
    for entry in root.find_all("vlan"):
        if entry.children is None:
            continue
        number = int(entry.words[1])
        status = {"suspend": "suspended"}.get(entry.argument("state") or "", "active")
        if entry.find("shutdown") is not None:
            status = "act/lshut" if status == "active" else "sus/lshut"
        names[number] = (entry.argument("name") or f"VLAN{number:04}", status)
    members: dict[int, list[str]] = {number: [] for number in names}
    for entry in interfaces(shell.device):
        routed = entry.find("no", "switchport") is not None or address(entry)
        if not INTERFACES.is_physical(entry.words[1]) or routed:
            continue
        if entry.argument("switchport", "mode") == "trunk":
            if "all-ports" in found.words:
                for ports in members.values():
                    ports.append(short_name(entry.words[1]))
        else:
            members.setdefault(int(entry.argument("switchport", "access", "vlan") or 1), []).append(
                short_name(entry.words[1])
            )
    lines = ["", "VLAN Name                             Status    Ports"]
    lines.append("---- -------------------------------- --------- -------------------------------")
    for number, (name, status) in sorted(names.items()):
        ports = members.get(number, [])
        lines.append(f"{number:<4} {name:<32} {status:<9} {', '.join(ports[:4])}".rstrip())
        lines += [" " * 48 + ", ".join(ports[at : at + 4]) for at in range(4, len(ports), 4)]
    lines += [f"{number:<4} {name:<32} act/unsup" for number, name in _LEGACY_VLANS]
    if "brief" not in found.words:
        lines += ["", "VLAN Type  SAID       MTU   Parent RingNo BridgeNo Stp  BrdgMode Trans1 Trans2"]
        lines.append("---- ----- ---------- ----- ------ ------ -------- ---- -------- ------ ------")
        for number in sorted(names):
            vlan = root.find("vlan", str(number))
            mtu = (vlan.argument("mtu") if vlan is not None else None) or "1500"
            lines.append(f"{number:<4} enet  {100000 + number} {mtu:>5} -      -      -        -    -        0      0")
        lines += [
            f"{number:<4} {kind:<5} {100000 + number} {1500:>5} -      -      -        -    -        0      0"
            for (number, _), kind in zip(_LEGACY_VLANS, ("fddi", "tr", "fdnet", "trnet"), strict=True)
        ]
        remote = [str(n) for n in sorted(names) if (one := root.find("vlan", str(n))) and one.find("remote-span")]
        lines += ["", "Remote SPAN VLANs", "-" * 78, ",".join(remote)]
        lines += ["", "Primary Secondary Type              Ports"]
        lines.append("------- --------- ----------------- ------------------------------------------")
    return "\n".join(lines) + "\n\n"


def show_clock(shell: Interpreter, found: Match[Command]) -> str:
    return time.strftime("*%H:%M:%S.000 UTC %a %b %e %Y", time.gmtime()).replace("  ", " ") + "\n"


def show_users(shell: Interpreter, found: Match[Command]) -> str:
    rows = ["    Line       User       Host(s)              Idle       Location"]
    open_now = [one for one in shell.device.connections if one.session]
    for number, one in enumerate(sorted(open_now, key=lambda one: one.session)):
        mark = "*" if one.session == shell.session else " "
        line = f"{mark} {number + 2:>2} vty {number:<3}  {one.username:<10} "
        rows.append(f"{line}{'idle':<20} 00:00:00   127.0.0.1")
    rows += ["", "  Interface    User               Mode         Idle     Peer Address", ""]
    return "\n".join(rows) + "\n"


def show_inventory(shell: Interpreter, found: Match[Command]) -> str:
    return (
        'NAME: "IOSv", DESCR: "IOSv chassis, Hw Serial#: '
        f'{serial(shell.device)}, Hw Revision: 1.0"\n'
        f"PID: IOSv              , VID: 1.0, SN: {serial(shell.device)}\n\n\n"
    )


def show_tech(shell: Interpreter, found: Match[Command]) -> str:
    """A long text of numbered lines, so that a missing or doubled piece shows."""
    size = shell.device.faults.tech_support_bytes
    head = "\n------------------ show tech-support ------------------\n\n"
    # Every line is 64 bytes with its line break.
    count = max(0, size - len(head)) // 64
    return head + "".join(f"{number:09} {'abcdefghijklmnopqrstuvwxyz' * 2} \n" for number in range(count))


def ping(shell: Interpreter, found: Match[Command]) -> str:
    """``ping [ip] ADDRESS [repeat N] [size BYTES]``, and as programs write it: ``timeout S size BYTES repeat N``."""
    words, target = found.words, next(one for one in found.arguments if "." in one)
    values = dict(itertools.pairwise(words))
    count, size, seconds = int(values.get("repeat", "5")), values.get("size", "100"), values.get("timeout", "2")
    answered = reachable(shell.device.running, target)
    head = (
        "Type escape sequence to abort.\n"
        f"Sending {count}, {size}-byte ICMP Echos to {target}, timeout is {seconds} seconds:\n"
        f"{('!' if answered else '.') * count}\n"
    )
    if not answered:
        return head + f"Success rate is 0 percent (0/{count})\n"
    return head + f"Success rate is 100 percent ({count}/{count}), round-trip min/avg/max = 1/1/1 ms\n"


def traceroute(shell: Interpreter, found: Match[Command]) -> str:
    """Through the modelled hops to the target; nothing answers when there is no route to it."""
    target = next(one for one in found.arguments if "." in one)
    lines = ["Type escape sequence to abort.", f"Tracing the route to {target}"]
    lines.append("VRF info: (vrf in name/id, vrf out name/id)")
    if not reachable(shell.device.running, target):
        return "\n".join([*lines, "  1  *  *  * "]) + "\n"
    for number, hop in enumerate(shell.device.spec.surroundings.hops, start=1):
        lines.append(f"  {number} {hop.address} " + " ".join(f"{round(one)} msec" for one in hop.rtt))
    return "\n".join(lines) + "\n"


def show_file_systems(shell: Interpreter, found: Match[Command]) -> str:
    return (
        "File Systems:\n\n       Size(b)       Free(b)      Type  Flags  Prefixes\n"
        "*   2142715904    1941000192      disk     rw   flash0: flash:\n"
        "        262144        256791     nvram     rw   nvram:\n\n"
    )


def show_access_lists(shell: Interpreter, found: Match[Command]) -> str:
    lines: list[str] = []
    for entry in shell.device.running.root.find_all("ip", "access-list"):
        lines.append(f"{entry.words[2].capitalize()} IP access list {entry.words[3]}")
        for number, one in enumerate(entry.sorted_children(), start=1):
            numbered = one.words[0].isdigit()
            lines.append(f"    {one.text}" if numbered else f"    {number * 10} {one.text}")
    return "\n".join(lines) + "\n" if lines else ""
