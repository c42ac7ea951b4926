"""Arista EOS: vEOS-lab."""

from __future__ import annotations

from netpulse_lab.config_store import ConfigTree, PrintStyle
from netpulse_lab.device import Device, secret_hash
from netpulse_lab.device_spec import DeviceSpec
from netpulse_lab.grammar import Match, Rejection
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Outcome, Say
from netpulse_lab.platform import Command, ConfigRule, Pager, Platform, RankedRule
from netpulse_lab.reload import reload_dialogue
from netpulse_lab.session_commands import CONFIG_CONTROLS, SESSION_COMMANDS, configure

from . import eos_sessions
from . import eos_show as show
from .eos_bgp import BGP_COMMANDS
from .eos_config import CONFIG, INTERFACES, section_name
from .eos_files import FILE_COMMANDS, FLASH
from .eos_neighbors import NEIGHBOR_COMMANDS
from .eos_routes import ROUTE_COMMANDS
from .eos_sensors import SENSOR_COMMANDS
from .parameters import EOS_PARAMETERS, PARAMETERS, path

_PROMPTS = {
    "user": "{host}>",
    "enable": "{host}#",
    "config": "{host}(config{candidate})#",
    "config-if": "{host}(config{candidate}-if-{section})#",
    "config-vlan": "{host}(config{candidate}-vlan-{section})#",
    "config-vrf": "{host}(config{candidate}-vrf-{section})#",
    "config-router-bgp": "{host}(config{candidate}-router-bgp)#",
    "config-router-ospf": "{host}(config{candidate}-router-ospf)#",
    "config-router-af": "{host}(config{candidate}-router-bgp-af)#",
    "config-acl": "{host}(config{candidate}-acl-{section})#",
    "config-route-map": "{host}(config{candidate}-route-map-{section})#",
    "config-mgmt": "{host}(config{candidate}-mgmt-{section})#",
}
STYLE = PrintStyle(indent="   ")


def reject(rejection: Rejection, width: int) -> str:
    """The words of EOS for a line that fits nothing."""
    if rejection.reason == "incomplete":
        return "% Incomplete command\n"
    if rejection.reason == "ambiguous":
        return "% Ambiguous command\n"
    return f"% Invalid input (at token {rejection.index}: '{rejection.token}')\n"


def factory(spec: DeviceSpec) -> str:
    """The configuration of a new device."""
    lines = []
    if spec.secret:
        lines.append(f"enable password sha512 $6${secret_hash(spec.secret)}")
    accounts = [(spec.username, spec.password, spec.privilege)]
    accounts += [(one.username, one.password, one.privilege) for one in spec.logins]
    for username, password, privilege in accounts:
        level = f" privilege {privilege}" if privilege != 1 else ""
        lines.append(f"username {username}{level} role network-admin secret sha512 $6${secret_hash(password)}")
    lines += [
        "transceiver qsfp default-mode 4x10G",
        "service routing protocols model ribd",
        f"hostname {spec.name}",
        "dns domain lab.example",
        "spanning-tree mode mstp",
    ]
    for name in INTERFACES.physical:
        lines.append(f"interface {name}")
        if name == "Management1":
            lines.append("   ip address 192.0.2.1/24")
    lines.append("no ip routing")
    for kind, text in (("login", spec.banner), ("motd", spec.motd)):
        if text:
            lines += [f"banner {kind}", *text.strip("\n").split("\n"), "EOF"]
    lines += ["management api http-commands", "   no shutdown"]
    return "\n".join(lines)


def show_config(device: Device, tree: ConfigTree) -> str:
    """``show running-config`` with its head and end."""
    lines = [
        "! Command: show running-config",
        f"! device: {device.hostname} ({show.MODEL}, EOS-{show.release(device)})",
        "!",
        "! boot system flash:/vEOS-lab.swi",
        "!",
        *tree.lines(STYLE),
    ]
    if lines[-1] != "!":
        lines.append("!")
    return "\n".join([*lines, "end"]) + "\n"


def _verify(stored: tuple[str, ...], clear: str) -> bool:
    return "nopassword" in stored or stored[-1] == f"$6${secret_hash(clear)}"


def check_password(device: Device, username: str, password: str) -> int | None:
    entry = device.running.root.find("username", username)
    return device.privilege_of(username) if entry is not None and _verify(entry.words, password) else None


def check_secret(device: Device, secret: str) -> bool | None:
    entry = device.running.root.find("enable")
    return None if entry is None else _verify(entry.words, secret)


def _write(shell: Interpreter, found: Match[Command]) -> Outcome:
    shell.device.save(session=shell.session)
    return Say("Copy completed successfully.\n")


def _reload(shell: Interpreter, found: Match[Command]) -> Outcome:
    return reload_dialogue(
        shell,
        save_question="System configuration has been modified. Save? [yes/no/cancel/diff]:",
        saved="Copy completed successfully.\n",
    )


def _reload_now(shell: Interpreter, found: Match[Command]) -> str:
    shell.device.reload(session=shell.session)
    return ""


def _show(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    """EOS knows show commands in every configuration mode, without ``do``."""
    return shell.execute(f"show {found.arguments[0]}")


CONTROLS = (*CONFIG_CONTROLS, ConfigRule(syntax="show <line>", instead=_show), *eos_sessions.SESSION_LINES)


def _commands() -> list[Command]:
    return [
        *SESSION_COMMANDS,
        *eos_sessions.SESSION_COMMANDS,
        *FILE_COMMANDS,
        *NEIGHBOR_COMMANDS,
        *SENSOR_COMMANDS,
        *ROUTE_COMMANDS,
        *BGP_COMMANDS,
        Command(syntax="show version [detail]", run=show.show_version, json=show.version_data),
        Command(syntax="show hostname", run=show.show_hostname, json=show.hostname_data),
        Command(syntax="show clock", run=show.show_clock),
        Command(syntax="show users", run=show.show_users),
        Command(syntax="show inventory", run=show.show_inventory),
        Command(syntax="show ip interface brief", run=show.show_ip_interface_brief),
        Command(syntax="show interfaces status", run=show.show_interfaces_status),
        Command(syntax="show interfaces [<interface>]", run=show.show_interfaces, json=show.interfaces_data),
        Command(syntax="show vlan [brief]", run=show.show_vlan, json=show.vlan_data),
        Command(syntax="ping [ip] <ipv4> [repeat <1-2147483647>] [size <36-18024>]", run=show.ping),
        Command(
            syntax="ping <ipv4> timeout <0-3600> size <36-18024> repeat <1-2147483647> [source <word>]", run=show.ping
        ),
        Command(syntax="bash timeout <1-1000000> traceroute <ipv4> [<line>]", run=show.traceroute, level=15),
        Command(syntax="show banner {login|motd}", run=show.show_banner),
        Command(syntax="show running-config [all]", run=show.show_running, level=15),
        Command(syntax="show running-config interfaces <interface>", run=show.show_running_interface, level=15),
        Command(syntax="show startup-config", run=show.show_startup, level=15),
        Command(syntax="show tech-support", run=show.show_tech, level=15),
        Command(syntax="configure [terminal]", run=configure, level=15),
        Command(syntax="write [memory]", run=_write, level=15),
        Command(syntax="copy running-config startup-config", run=_write, level=15),
        Command(syntax="reload now", run=_reload_now, level=15),
        Command(syntax="reload", run=_reload, level=15),
    ]


def build() -> Platform:
    """The platform, as data."""
    return Platform(
        name="eos",
        prompts=_PROMPTS,
        commands=_commands(),
        config=CONFIG,
        controls=CONTROLS,
        parameters={**PARAMETERS, **EOS_PARAMETERS, "interface": INTERFACES.parse, "path": path},
        style=STYLE,
        pager=Pager(prompt=" --More-- ", erase="\r          \r"),
        reject=reject,
        factory=factory,
        show_config=show_config,
        check_password=check_password,
        check_secret=check_secret,
        bad_secret="% Bad secret\n",
        no_secret="",
        section_name=section_name,
        length_set="Pagination disabled.\n",
        width_set="Width set to {} columns.\n",
        login_prompts=("login: ", "Password: "),
        login_failed="Login incorrect\n",
        syslog="eos Ebra: %LINEPROTO-5-UPDOWN: Line protocol on Interface Ethernet1, changed state to up",
        ssh_version="OpenSSH_8.7",
        file_system=FLASH,
    )
