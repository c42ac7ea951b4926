"""Cisco IOS: an IOSv layer 2 image, which switches and routes."""

from __future__ import annotations

import time

from netpulse_lab.config_store import ConfigTree, PrintStyle
from netpulse_lab.device import Device, secret_hash
from netpulse_lab.device_spec import DeviceSpec
from netpulse_lab.grammar import Match, Rejection
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Ask, Outcome, Say
from netpulse_lab.platform import Command, Pager, Platform
from netpulse_lab.reload import reload_dialogue
from netpulse_lab.session_commands import CONFIG_CONTROLS, SESSION_COMMANDS, configure

from . import ios_show as show
from .ios_archive import ARCHIVE_COMMANDS
from .ios_bgp import BGP_COMMANDS
from .ios_config import CONFIG
from .ios_files import FILE_COMMANDS, FLASH
from .ios_lines import INTERFACES
from .ios_neighbors import NEIGHBOR_COMMANDS
from .ios_routes import ROUTE_COMMANDS
from .ios_sensors import SENSOR_COMMANDS
from .ios_status import STATUS_COMMANDS
from .parameters import PARAMETERS, path

_PROMPTS = {
    "user": "{host}>",
    "enable": "{host}#",
    "config": "{host}(config)#",
    "config-if": "{host}(config-if)#",
    "config-if-range": "{host}(config-if-range)#",
    "config-vlan": "{host}(config-vlan)#",
    "config-line": "{host}(config-line)#",
    "config-router": "{host}(config-router)#",
    "config-router-bgp": "{host}(config-router)#",
    "config-router-af": "{host}(config-router-af)#",
    "config-acl": "{host}(config-ext-nacl)#",
    "config-vrf": "{host}(config-vrf)#",
    "config-route-map": "{host}(config-route-map)#",
    "config-archive": "{host}(config-archive)#",
    "config-ip-sla": "{host}(config-ip-sla)#",
}


def reject(rejection: Rejection, width: int) -> str:
    """The words of IOS for a line that fits nothing. The caret stands below the first character that fails."""
    if rejection.reason == "incomplete":
        return "% Incomplete command.\n\n"
    if rejection.reason == "ambiguous":
        return f'% Ambiguous command:  "{rejection.line.strip()}"\n'
    return f"{' ' * (width + rejection.column)}^\n% Invalid input detected at '^' marker.\n\n"


def factory(spec: DeviceSpec) -> str:
    """The configuration of a new device."""
    lines = [
        "version 15.2",
        "service timestamps debug datetime msec",
        "service timestamps log datetime msec",
        "no service password-encryption",
        "service compress-config",
        f"hostname {spec.name}",
        "boot-start-marker",
        "boot-end-marker",
    ]
    if spec.secret:
        lines.append(f"enable secret 9 $9${secret_hash(spec.secret)}")
    accounts = [(spec.username, spec.password, spec.privilege)]
    accounts += [(one.username, one.password, one.privilege) for one in spec.logins]
    for username, password, privilege in accounts:
        level = f" privilege {privilege}" if privilege != 1 else ""
        lines.append(f"username {username}{level} secret 9 $9${secret_hash(password)}")
    lines += [
        "no aaa new-model",
        "no ip domain-lookup",
        "ip domain-name lab.example",
        "ip cef",
        "no ipv6 cef",
        "spanning-tree mode rapid-pvst",
        "spanning-tree extend system-id",
        "vlan internal allocation policy ascending",
    ]
    for name in INTERFACES.physical:
        lines.append(f"interface {name}")
        if name == INTERFACES.physical[0]:
            lines += [" description management", " no switchport", " ip address 192.0.2.1 255.255.255.0"]
        lines.append(" negotiation auto")
    lines += [
        "interface Vlan1",
        " shutdown",
        "ip forward-protocol nd",
        "no ip http server",
        "no ip http secure-server",
        "ip ssh version 2",
        "control-plane",
    ]
    for kind, text in (("login", spec.banner), ("motd", spec.motd)):
        if text:
            lines += [f"banner {kind} ^C", *text.strip("\n").split("\n"), "^C"]
    lines += [
        "line con 0",
        "line aux 0",
        "line vty 0 4",
        " login local",
        " transport preferred none",
        f" transport input {'telnet ssh' if spec.telnet_port is not None else 'ssh'}",
        "line vty 5 15",
        " login local",
        " transport preferred none",
    ]
    return "\n".join(lines)


STYLE = PrintStyle(indent=" ", joined=frozenset({"line"}))


def show_config(device: Device, tree: ConfigTree) -> str:
    """``show running-config`` with its head and end."""
    head = ["!"]
    if device.changed is not None and tree is device.running:
        when = time.strftime("%H:%M:%S UTC %a %b %e %Y", time.gmtime(device.changed[0]))
        head += [f"! Last configuration change at {when} by {device.changed[1]}", "!"]
    lines = [*head, *tree.lines(STYLE)]
    if lines[-1] != "!":
        lines.append("!")
    body = "\n".join([*lines, "end"]) + "\n"
    return f"Building configuration...\n\nCurrent configuration : {len(body.encode())} bytes\n{body}\n"


def _verify(stored: tuple[str, ...], clear: str) -> bool:
    kind, value = stored[-2], stored[-1]
    if kind == "9":
        return value == f"$9${secret_hash(clear)}"
    return kind in ("0", "password") and value == clear


def check_password(device: Device, username: str, password: str) -> int | None:
    entry = device.running.root.find("username", username)
    if entry is None or not ("nopassword" in entry.words or _verify(entry.words, password)):
        return None
    return device.privilege_of(username)


def check_secret(device: Device, secret: str) -> bool | None:
    entry = device.running.root.find("enable", "secret") or device.running.root.find("enable", "password")
    return None if entry is None else _verify(entry.words, secret)


# -- commands that act -----------------------------------------------------------------------------------------------


def _write(shell: Interpreter, found: Match[Command]) -> Outcome:
    shell.device.save(session=shell.session)
    return Say("Building configuration...\n[OK]\n")


def _reload(shell: Interpreter, found: Match[Command]) -> Outcome:
    return reload_dialogue(
        shell,
        save_question="System configuration has been modified. Save? [yes/no]: ",
        saved="Building configuration...\n[OK]\n",
    )


def _erase(shell: Interpreter, found: Match[Command]) -> Outcome:
    def confirmed(answer: str) -> Outcome:
        if answer.lower() not in ("", "y"):
            return Say("")
        shell.device.startup = ConfigTree()
        shell.device.journal.event("startup erased", session=shell.session)
        return Say("[OK]\nErase of nvram: complete\n")

    question = "Erasing the nvram filesystem will remove all configuration files! Continue? [confirm]"
    return Ask(question=question, then=confirmed, single_key=True)


def _nothing(shell: Interpreter, found: Match[Command]) -> str:
    return ""


def _commands() -> list[Command]:
    user = [
        ("show version", show.show_version),
        ("show clock", show.show_clock),
        ("show users", show.show_users),
        ("show inventory", show.show_inventory),
        ("show ip interface brief", show.show_ip_interface_brief),
        ("show interfaces description", show.show_interfaces_description),
        ("show interfaces [<interface>]", show.show_interfaces),
        ("show vlan [brief]", show.show_vlan),
        ("show vlan all-ports", show.show_vlan),
        ("ping [ip] <ipv4> [repeat <1-2147483647>] [size <36-18024>]", show.ping),
        ("ping <ipv4> timeout <0-3600> size <36-18024> repeat <1-2147483647> [source <word>]", show.ping),
        ("traceroute <ipv4> [source <word>] [ttl <0-255> <1-255>] [timeout <0-3600>]", show.traceroute),
    ]
    privileged = [
        ("show running-config [all]", show.show_running),
        ("show running-config full", show.show_running),
        ("show running-config brief", show.show_running),
        ("show running-config interface <interface>", show.show_running_interface),
        ("show running-config vlan [<vlans>]", show.show_running_vlan),
        ("show startup-config", show.show_startup),
        ("show configuration", show.show_startup),
        ("show access-lists", show.show_access_lists),
        ("show ip access-lists", show.show_access_lists),
        ("show file systems", show.show_file_systems),
        ("show tech-support", show.show_tech),
        ("configure terminal", configure),
        ("write [memory]", _write),
        ("write terminal", show.show_running),
        ("write erase", _erase),
        ("erase startup-config", _erase),
        ("reload", _reload),
        ("clear logging", _nothing),
        ("debug <line>", _nothing),
        ("undebug all", _nothing),
        ("no debug <line>", _nothing),
    ]
    return [
        *SESSION_COMMANDS,
        *ARCHIVE_COMMANDS,
        *FILE_COMMANDS,
        *STATUS_COMMANDS,
        *NEIGHBOR_COMMANDS,
        *SENSOR_COMMANDS,
        *ROUTE_COMMANDS,
        *BGP_COMMANDS,
        *(Command(syntax=syntax, run=run) for syntax, run in user),
        *(Command(syntax=syntax, run=run, level=15) for syntax, run in privileged),
    ]


def build() -> Platform:
    """The platform, as data."""
    return Platform(
        name="ios",
        prompts=_PROMPTS,
        commands=_commands(),
        config=CONFIG,
        controls=CONFIG_CONTROLS,
        parameters={**PARAMETERS, "interface": INTERFACES.parse, "path": path},
        style=STYLE,
        pager=Pager(),
        reject=reject,
        factory=factory,
        show_config=show_config,
        check_password=check_password,
        check_secret=check_secret,
        bad_secret="% Bad secrets\n\n",
        no_secret="% No password set\n",
        configured="Enter configuration commands, one per line.  End with CNTL/Z.\n",
        login_failed="% Login invalid\n\n",
        file_system=FLASH,
        # IOS has a server for SCP, once it is told so, and none for SFTP.
        copies=lambda device, protocol: protocol == "scp" and device.running.root.find("ip", "scp") is not None,
    )
