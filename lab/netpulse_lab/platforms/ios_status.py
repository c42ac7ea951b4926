"""What Cisco IOS tells of its own state: protocols, addresses, memory, load. Inventory tools ask for these."""

from __future__ import annotations

import ipaddress

from netpulse_lab.config_store import Entry
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Ask, Outcome, Say
from netpulse_lab.platform import Command
from netpulse_lab.surroundings import link_local

from .ios_show import address, interfaces, mac_of, serial, state


def _with_length(ip: str) -> str:
    host, _, dotted = ip.partition(" ")
    return ipaddress.IPv4Interface(f"{host}/{dotted}").with_prefixlen


def _ip_interface(entry: Entry) -> str:
    status, protocol = state(entry)
    lines = [f"{entry.words[1]} is {status}, line protocol is {protocol}"]
    ip = address(entry)
    if not ip:
        return lines[0] + "\n  Internet protocol processing disabled\n"
    if ip == "dhcp":
        return lines[0] + "\n  Internet address will be negotiated using DHCP\n"
    lines.append(f"  Internet address is {_with_length(ip)}")
    lines.append("  Broadcast address is 255.255.255.255")
    lines.append("  Address determined by setup command")
    lines.append(f"  MTU is {entry.argument('ip', 'mtu') or entry.argument('mtu') or '1500'} bytes")
    lines += [
        f"  Secondary address {_with_length(' '.join(one.words[2:4]))}"
        for one in entry.find_all("ip", "address")
        if one.words[-1] == "secondary"
    ]
    lines.append("  Helper address is not set")
    lines.append("  Directed broadcast forwarding is disabled")
    for way in ("Outgoing", "Inbound"):
        letter = "out" if way == "Outgoing" else "in"
        names = [one.words[2] for one in entry.find_all("ip", "access-group") if one.words[-1] == letter]
        lines.append(f"  {way:<8} access list is {names[0] if names else 'not set'}")
    return "\n".join(lines) + "\n"


def show_ip_interface(shell: Interpreter, found: Match[Command]) -> str:
    wanted = found.arguments[0] if found.arguments else None
    return "".join(_ip_interface(one) for one in interfaces(shell.device) if wanted in (None, one.words[1]))


def show_ipv6_interface(shell: Interpreter, found: Match[Command]) -> str:
    lines: list[str] = []
    for entry in interfaces(shell.device):
        addresses = [one.words[2] for one in entry.find_all("ipv6", "address")]
        if not addresses:
            continue
        status, protocol = state(entry)
        lines.append(f"{entry.words[1]} is {status}, line protocol is {protocol}")
        local = str(link_local(mac_of(shell.device.spec.name, entry.words[1]))).upper()
        lines.append(f"  IPv6 is enabled, link-local address is {local} ")
        lines.append("  Global unicast address(es):")
        for one in addresses:
            face = ipaddress.IPv6Interface(one)
            lines.append(f"    {str(face.ip).upper()}, subnet is {str(face.network).upper()} ")
    return "\n".join(lines) + "\n" if lines else ""


def _cdp_runs(shell: Interpreter) -> bool:
    return shell.device.running.root.find("no", "cdp", "run") is None


def show_cdp(shell: Interpreter, found: Match[Command]) -> str:
    if not _cdp_runs(shell):
        return "% CDP is not enabled\n"
    return (
        "Global CDP information:\n        Sending CDP packets every 60 seconds\n"
        "        Sending a holdtime value of 180 seconds\n        Sending CDPv2 advertisements is  enabled\n"
    )


def show_cdp_neighbors(shell: Interpreter, found: Match[Command]) -> str:
    if not _cdp_runs(shell):
        return "% CDP is not enabled\n"
    return "\nTotal cdp entries displayed : 0\n"


def show_lacp(shell: Interpreter, found: Match[Command]) -> str:
    priority = shell.device.running.root.argument("lacp", "system-priority") or "32768"
    return f"{priority}, 0c1a.0000.8000\n"


def show_snmp_chassis(shell: Interpreter, found: Match[Command]) -> str:
    return f"{shell.device.running.root.argument('snmp-server', 'chassis-id') or serial(shell.device)}\n"


def show_hosts(shell: Interpreter, found: Match[Command]) -> str:
    root = shell.device.running.root
    domain = root.argument("ip", "domain-name") or root.argument("ip", "domain", "name")
    servers = [one.words[2] for one in root.find_all("ip", "name-server")]
    lookup = "static mappings" if root.find("no", "ip", "domain-lookup") else "domain service"
    return (
        f"Default domain is {domain or 'not set'}\nName/address lookup uses {lookup}\n"
        f"Name servers are {', '.join(servers) or '255.255.255.255'}\n\n"
    )


def show_snmp_user(shell: Interpreter, found: Match[Command]) -> str:
    return "" if shell.device.running.root.find("snmp-server") else "%SNMP agent not enabled\n"


def show_logging(shell: Interpreter, found: Match[Command]) -> str:
    root = shell.device.running.root
    trap = root.argument("logging", "trap") or "informational"
    hosts = [one.words[2] for one in root.find_all("logging", "host")]
    lines = [
        "Syslog logging: enabled (0 messages dropped, 0 messages rate-limited, 0 flushes, 0 overruns)",
        "",
        "    Console logging: level debugging, 0 messages logged, xml disabled,",
        "                     filtering disabled",
        "    Monitor logging: level debugging, 0 messages logged, xml disabled,",
        "                     filtering disabled",
        f"    Trap logging: level {trap}, 0 message lines logged",
        *(f"        Logging to {host}  (udp port 514, audit disabled," for host in hosts),
    ]
    return "\n".join(lines) + "\n\n"


def clear_counters(shell: Interpreter, found: Match[Command]) -> Outcome:
    where = "on this interface" if found.arguments else "on all interfaces"

    def confirmed(answer: str) -> Outcome:
        agreed = answer.lower() in ("", "y")
        shell.device.journal.event(
            "confirmed" if agreed else "declined", session=shell.session, command="clear counters"
        )
        return Say()

    return Ask(question=f'Clear "show interface" counters {where} [confirm]', then=confirmed, single_key=True)


STATUS_COMMANDS = (
    Command(syntax="show ip interface [<interface>]", run=show_ip_interface),
    Command(syntax="show ipv6 interface", run=show_ipv6_interface),
    Command(syntax="show cdp", run=show_cdp),
    Command(syntax="show cdp neighbors [detail]", run=show_cdp_neighbors),
    Command(syntax="show lacp sys-id", run=show_lacp),
    Command(syntax="show hosts", run=show_hosts),
    Command(syntax="show snmp chassis", run=show_snmp_chassis),
    Command(syntax="show snmp user", run=show_snmp_user, level=15),
    Command(syntax="show logging", run=show_logging, level=15),
    Command(syntax="clear counters [<interface>]", run=clear_counters, level=15),
)
