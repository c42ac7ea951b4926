"""Cisco IOS-XR: an XRv 9000."""

from __future__ import annotations

import re
import time

from netpulse_lab.config_store import ConfigTree, Entry, PrintStyle
from netpulse_lab.device import Device, secret_hash
from netpulse_lab.device_spec import DeviceSpec
from netpulse_lab.file_store import FileSystem
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.output_filter import FILTERS
from netpulse_lab.platform import Command, Pager, Platform
from netpulse_lab.session_commands import CONFIG_CONTROLS, SESSION_COMMANDS

from . import ios_show
from .ios import reject
from .iosxr_commit import COMMIT_LINES, RELEASE, configure
from .iosxr_config import CONFIG, INTERFACES
from .parameters import EOS_PARAMETERS, PARAMETERS
from .reachability import reachable

_EXEC = "RP/0/RP0/CPU0:{host}"
STYLE = PrintStyle(indent=" ")
DISK = FileSystem(name="disk0:", aliases=("disk0:", "harddisk:", "flash:"), root="/disk0")


def factory(spec: DeviceSpec) -> str:
    """The configuration of a new device."""
    lines = [f"hostname {spec.name}", "domain name lab.example"]
    accounts = [(spec.username, spec.password), *((one.username, one.password) for one in spec.logins)]
    for username, password in accounts:
        lines += [f"username {username}", " group root-lr", " group cisco-support"]
        lines.append(f" secret 10 $6${secret_hash(password)}")
    for kind, text in (("login", spec.banner), ("motd", spec.motd)):
        if text:
            lines += [f"banner {kind} ^C", *text.strip("\n").split("\n"), "^C"]
    for name in INTERFACES.physical:
        lines.append(f"interface {name}")
        if name.startswith("Mgmt"):
            lines.append(" ipv4 address 192.0.2.1 255.255.255.0")
        else:
            lines.append(" shutdown")
    return "\n".join([*lines, "ssh server v2"])


def show_config(device: Device, tree: ConfigTree) -> str:
    """``show running-config`` with its head and end."""
    when = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(device.changed[0] if device.changed else device.booted))
    user = device.changed[1] if device.changed else "SYSTEM"
    head = ["Building configuration...", f"!! IOS XR Configuration {RELEASE}"]
    return "\n".join([*head, f"!! Last configuration change at {when} by {user}", "!", *_lines(tree), "end"]) + "\n\n"


def _lines(tree: ConfigTree) -> list[str]:
    result: list[str] = []
    for entry in tree.root.sorted_children():
        result += _block(entry, 0)
    return result


def _block(entry: Entry, depth: int) -> list[str]:
    """XR ends every section with an exclamation mark in its own column."""
    indent = STYLE.indent * depth
    lines = [indent + one for one in entry.text.split("\n")] if depth else entry.text.split("\n")
    if entry.children is None:
        return lines
    for child in entry.sorted_children():
        lines += _block(child, depth + 1)
    return [*lines, indent + "!"]


def check_password(device: Device, username: str, password: str) -> int | None:
    entry = device.running.root.find("username", username)
    secret = entry.argument("secret", "10") if entry is not None else None
    return 15 if secret == f"$6${secret_hash(password)}" else None


def _show_version(shell: Interpreter, found: Match[Command]) -> str:
    device = shell.device
    return f"""Cisco IOS XR Software, Version {RELEASE}
Copyright (c) 2013-2021 by Cisco Systems, Inc.

Build Information:
 Built By     : ingunawa
 Built On     : Wed Oct 13 20:00:36 PDT 2021
 Build Host   : iox-ucs-017
 Workspace    : /auto/srcarchive17/prod/{RELEASE}/xrv9k/ws
 Version      : {RELEASE}
 Location     : /opt/cisco/XR/packages/
 Label        : {RELEASE}

cisco IOS-XRv 9000 () processor
System uptime is {ios_show.uptime(device)}

"""


def _show_inventory(shell: Interpreter, found: Match[Command]) -> str:
    number = ios_show.serial(shell.device)
    return (
        'NAME: "0/0", DESCR: "Cisco IOS-XRv 9000 Centralized Line Card"\n'
        f"PID: R-IOSXRV9000-LC-C, VID: V01, SN: {number}\n\n"
        'NAME: "0/RP0", DESCR: "Cisco IOS-XRv 9000 Centralized Route Processor"\n'
        f"PID: R-IOSXRV9000-RP-C, VID: V01, SN: {number}\n\n"
    )


def _show_running(shell: Interpreter, found: Match[Command]) -> str:
    return shell.device.running_text()


def _show_running_part(shell: Interpreter, found: Match[Command]) -> str:
    """``show running-config interface X``, ``... hostname``, ``... router static``: those lines alone."""
    wanted = tuple(found.arguments[0].split()) if found.arguments else ()
    name = INTERFACES.parse(wanted[1]) if len(wanted) == 2 and wanted[0] == "interface" else None
    words = ("interface", name) if name else wanted
    parts = [entry for entry in shell.device.running.root.sorted_children() if entry.words[: len(words)] == words]
    if not parts:
        return "% No such configuration item(s)\n\n"
    return "".join("\n".join(_block(entry, 0)) + "\n" for entry in parts) + "\n"


def _show_brief(shell: Interpreter, found: Match[Command]) -> str:
    rows = ["", f"{'Interface':<30} {'IP-Address':<15} {'Status':<15} {'Protocol':<8} Vrf-Name"]
    for entry in ios_show.interfaces(shell.device):
        ip = (entry.argument("ipv4", "address") or "unassigned").split(" ")[0]
        status, protocol = ("Shutdown", "Down") if entry.find("shutdown") else ("Up", "Up")
        rows.append(f"{entry.words[1]:<30} {ip:<15} {status:<15} {protocol:<8} {entry.argument('vrf') or 'default'}")
    return "\n".join(rows) + "\n\n"


def _show_interfaces(shell: Interpreter, found: Match[Command]) -> str:
    wanted = found.arguments[0] if found.arguments else None
    texts = []
    for entry in ios_show.interfaces(shell.device):
        if wanted not in (None, entry.words[1]):
            continue
        status, protocol = ("administratively down",) * 2 if entry.find("shutdown") else ("up", "up")
        ip = entry.argument("ipv4", "address")
        text = [f"{entry.words[1]} is {status}, line protocol is {protocol} ", "  Interface state transitions: 1"]
        text.append("  Hardware is GigabitEthernet, address is 0c1a.0000.0001 (bia 0c1a.0000.0001)")
        if description := entry.argument("description"):
            text.append(f"  Description: {description}")
        if ip:
            host, _, dotted = ip.partition(" ")
            text.append(f"  Internet address is {host}/{sum(int(one).bit_count() for one in dotted.split('.'))}")
        text.append(f"  MTU {entry.argument('mtu') or '1514'} bytes, BW 1000000 Kbit (Max: 1000000 Kbit)")
        text += ["     reliability 255/255, txload 0/255, rxload 0/255", "  Encapsulation ARPA,"]
        text += ["  Full-duplex, 1000Mb/s, unknown, link type is force-up", "  loopback not set,"]
        texts.append("\n".join(text) + "\n")
    return "\n".join(texts) + "\n"


def _show_memory(shell: Interpreter, found: Match[Command]) -> str:
    return "Physical Memory: 15360M total (9870M available)\n Application Memory : 15360M (9870M available)\n\n"


def _show_cpu(shell: Interpreter, found: Match[Command]) -> str:
    return "CPU utilization for one minute: 4%; five minutes: 3%; fifteen minutes: 3%\n\n"


def _directory(shell: Interpreter, found: Match[Command]) -> str:
    store = shell.device.files
    body = ""
    for number, (name, stored) in enumerate(store, start=11):
        when = time.strftime("%b %d %H:%M", time.gmtime(stored.written))
        body += f"{number:>4} -rw-r--r-- 1 {len(stored.data):>8} {when} {name}\n"
    return f"\nDirectory of disk0:\n{body}\n{DISK.size // 1024} kbytes total ({store.free // 1024} kbytes free)\n"


def _silent(shell: Interpreter, found: Match[Command]) -> str:
    return ""


def _show_off(shell: Interpreter, found: Match[Command]) -> str:
    name = found.words[1].upper()
    return f"% {name} is not enabled\n"


def _ping(shell: Interpreter, found: Match[Command]) -> str:
    target, *rest = found.arguments
    count = int(rest[0]) if rest else 5
    answered = reachable(shell.device.running, target)
    head = (
        "Type escape sequence to abort.\n"
        f"Sending {count}, 100-byte ICMP Echos to {target}, timeout is 2 seconds:\n"
        f"{('!' if answered else '.') * count}\n"
    )
    done = f"100 percent ({count}/{count}), round-trip min/avg/max = 1/1/1 ms" if answered else f"0 percent (0/{count})"
    return f"{head}Success rate is {done}\n"


def _utility(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    """``| utility head -n 20`` and ``tail``: XR has some tools of Unix behind the bar."""
    tool, _, rest = pattern.pattern.partition(" ")
    count = int(rest.rpartition(" ")[2] or 10)
    return lines[-count:] if tool == "tail" else lines[:count]


COMMANDS = (
    Command(syntax="show version", run=_show_version),
    Command(syntax="show inventory", run=_show_inventory),
    Command(syntax="show running-config", run=_show_running),
    Command(syntax="show running-config <line>", run=_show_running_part),
    Command(syntax="show ipv4 interface brief", run=_show_brief),
    Command(syntax="show ip interface brief", run=_show_brief),
    Command(syntax="show interfaces [<interface>]", run=_show_interfaces),
    Command(syntax="show ipv6 interface", run=_silent),
    Command(syntax="show memory summary", run=_show_memory),
    Command(syntax="show processes cpu", run=_show_cpu),
    Command(syntax="show lldp [neighbors] [detail]", run=_show_off),
    Command(syntax="show cdp [neighbors] [detail]", run=_show_off),
    Command(syntax="show clock", run=ios_show.show_clock),
    Command(syntax="show users", run=ios_show.show_users),
    Command(syntax="show tech-support", run=ios_show.show_tech),
    Command(syntax="dir [<word>]", run=_directory),
    Command(syntax="ping <ipv4> [count <1-2147483647>]", run=_ping),
    Command(syntax="terminal exec prompt no-timestamp", run=_silent),
    Command(syntax="configure [{terminal|exclusive}]", run=configure),
)


def build() -> Platform:
    """The platform, as data."""
    modes = {mode: f"{_EXEC}({mode})#" for mode in CONFIG}
    return Platform(
        name="iosxr",
        prompts={"user": _EXEC + "#", "enable": _EXEC + "#", **modes},
        commands=[*SESSION_COMMANDS, *COMMANDS],
        config=CONFIG,
        controls=(*COMMIT_LINES, *CONFIG_CONTROLS),
        parameters={**PARAMETERS, **EOS_PARAMETERS, "interface": INTERFACES.parse},
        style=STYLE,
        pager=Pager(),
        reject=reject,
        factory=factory,
        show_config=show_config,
        check_password=check_password,
        check_secret=lambda device, secret: None,
        bad_secret="",
        no_secret="",
        filters={**FILTERS, "utility": _utility},
        file_system=DISK,
        syslog="%MGBL-SYS-5-CONFIG_I : Configured from console by admin",
    )
