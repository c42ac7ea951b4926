"""Cisco NX-OS: a Nexus 9000v."""

from __future__ import annotations

import time

from netpulse_lab.config_store import ConfigTree, PrintStyle
from netpulse_lab.device import Device, load, secret_hash
from netpulse_lab.device_spec import DeviceSpec
from netpulse_lab.file_store import FileSystem
from netpulse_lab.grammar import Match, Rejection
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Ask, Outcome, Pause, Say
from netpulse_lab.platform import Command, Pager, Platform
from netpulse_lab.session_commands import CONFIG_CONTROLS, SESSION_COMMANDS, configure

from . import nxos_show as show
from .ios_show import show_tech, show_users
from .nxos_config import CONFIG, INTERFACES
from .parameters import EOS_PARAMETERS, PARAMETERS, path

STYLE = PrintStyle(indent="  ", separator="")
BOOTFLASH = FileSystem(name="bootflash:", aliases=("bootflash:", "flash:"), root="/bootflash")


def reject(rejection: Rejection, width: int) -> str:
    """The words of NX-OS for a line that fits nothing."""
    if rejection.reason == "incomplete":
        return "% Incomplete command at '^' marker.\n"
    if rejection.reason == "ambiguous":
        return "% Ambiguous command at '^' marker.\n"
    return f"{' ' * (width + rejection.column)}^\n% Invalid command at '^' marker.\n"


def factory(spec: DeviceSpec) -> str:
    """The configuration of a new device."""
    lines = [f"version {show.RELEASE} Bios:version", f"hostname {spec.name}", "feature scp-server"]
    lines += ["feature sftp-server", "feature interface-vlan", "no password strength-check"]
    accounts = [(spec.username, spec.password), *((one.username, one.password) for one in spec.logins)]
    lines += [f"username {name} password 5 $5${secret_hash(word)} role network-admin" for name, word in accounts]
    if spec.motd:
        lines += ["banner motd ^C", *spec.motd.strip("\n").split("\n"), "^C"]
    lines += ["vlan 1", "vrf context management"]
    for name in INTERFACES.physical:
        lines.append(f"interface {name}")
        if name == "mgmt0":
            lines += ["  vrf member management", "  ip address 192.0.2.1/24"]
    return "\n".join([*lines, "line console", "line vty", "boot nxos bootflash:/nxos.9.3.5.bin"])


def show_config(device: Device, tree: ConfigTree) -> str:
    """``show running-config`` with its head."""
    when = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(device.changed[0] if device.changed else device.booted))
    now = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime())
    head = ["", "!Command: show running-config", f"!Running configuration last done at: {when}", f"!Time: {now}", ""]
    return "\n".join([*head, *tree.lines(STYLE)]) + "\n"


def check_password(device: Device, username: str, password: str) -> int | None:
    entry = device.running.root.find("username", username)
    return 15 if entry is not None and f"$5${secret_hash(password)}" in entry.words else None


def _running(shell: Interpreter, found: Match[Command]) -> str:
    return shell.device.running_text()


def _startup(shell: Interpreter, found: Match[Command]) -> str:
    return shell.device.startup_text().replace("show running-config", "show startup-config")


def _running_interface(shell: Interpreter, found: Match[Command]) -> str:
    entry = shell.device.running.root.find("interface", found.arguments[0])
    if entry is None:
        return "% Invalid interface\n"
    lines = [f"interface {entry.words[1]}", *(f"  {one.text}" for one in entry.sorted_children())]
    return "\n!Command: show running-config interface " + entry.words[1] + "\n\n" + "\n".join(lines) + "\n\n"


def _copied() -> str:
    return f"[{'#' * 40}] 100%\nCopy complete, now saving to disk (please wait)...\nCopy complete.\n"


def _save(shell: Interpreter, found: Match[Command]) -> str:
    shell.device.save(session=shell.session)
    return _copied()


def _copy_out(shell: Interpreter, found: Match[Command]) -> str:
    text = shell.device.running_text() if found.words[1] == "running-config" else shell.device.startup_text()
    shell.device.files.write(found.arguments[0], text.encode())
    shell.device.journal.event("file copied", session=shell.session, name=found.arguments[0])
    return "Copy complete.\n"


def _replace(shell: Interpreter, found: Match[Command]) -> str:
    stored = shell.device.files.read(found.arguments[0])
    if stored is None:
        return "% Error: no such file\n"
    try:
        tree = load(shell.device, stored.text())
    except ValueError as error:
        return f"% Error: configure replace failed: {error}\n"
    shell.device.replace_running(tree, shell.username)
    shell.device.journal.event("configuration replaced", session=shell.session, name=found.arguments[0])
    return "Collecting Running-Config\nConverting to checkpoint file\nConfigure replace completed successfully.\n"


def _delete(shell: Interpreter, found: Match[Command]) -> str:
    return "" if shell.device.files.delete(found.arguments[0]) else "No such file or directory\n"


def _more(shell: Interpreter, found: Match[Command]) -> str:
    stored = shell.device.files.read(found.arguments[0])
    return "No such file or directory\n" if stored is None else stored.text()


def _directory(shell: Interpreter, found: Match[Command]) -> str:
    rows = []
    for name, stored in shell.device.files:
        when = time.strftime("%b %d %H:%M:%S %Y", time.gmtime(stored.written))
        rows.append(f"{len(stored.data):>10}    {when}  {name}")
    used = BOOTFLASH.size - shell.device.files.free
    usage = f"Usage for bootflash://sup-local\n {used} bytes used\n {shell.device.files.free} bytes free\n"
    return "".join(f"{row}\n" for row in rows) + f"\n{usage} {BOOTFLASH.size} bytes total\n"


def _reload(shell: Interpreter, found: Match[Command]) -> Outcome:
    def answered(answer: str) -> Outcome:
        if answer.strip().lower() not in ("y", "yes"):
            return Say()
        return Pause(seconds=0.0, then=go_down)

    def go_down() -> Outcome:
        shell.device.reload(session=shell.session)
        return Say()

    warning = "WARNING: There is unsaved configuration!!!\n" if shell.device.unsaved else ""
    return Ask(text=warning, question="This command will reboot the system. (y/n)?  [n] ", then=answered)


COMMANDS = (
    Command(syntax="show version", run=show.show_version, json=show.version_data),
    Command(syntax="show inventory", run=show.show_inventory),
    Command(syntax="show interface [<interface>]", run=show.show_interface, json=show.interface_data),
    Command(syntax="show ip interface brief [vrf <word>]", run=show.show_ip_interface_brief),
    Command(syntax="show ipv6 interface vrf all", run=show.nothing, json=show.ipv6_data),
    Command(syntax="show vlan [brief]", run=show.show_vlan, json=show.vlan_data),
    Command(syntax="show module", run=show.show_module, json=show.module_data),
    Command(syntax="show environment fan", run=show.show_fan, json=show.fan_data),
    Command(syntax="show environment power", run=show.show_power, json=show.power_data),
    Command(syntax="show system resources", run=show.show_resources, json=show.resources_data),
    Command(syntax="show processes cpu", run=show.show_cpu, json=show.cpu_data),
    Command(syntax="show license host-id", run=show.show_host_id),
    Command(syntax="show cdp neighbors detail", run=show.nothing, json=show.cdp_data),
    Command(syntax="show user-account [<word>]", run=show.show_user_account),
    Command(syntax="show clock", run=show.show_clock),
    Command(syntax="show users", run=show_users),
    Command(syntax="show tech-support", run=show_tech),
    Command(syntax="show running-config [all]", run=_running),
    Command(syntax="show running-config interface <interface>", run=_running_interface),
    Command(syntax="show startup-config", run=_startup),
    Command(syntax="ping <ipv4> [count <1-655350>]", run=show.ping),
    Command(syntax="configure [terminal]", run=configure),
    Command(syntax="configure replace <path> [{best-effort|atomic}]", run=_replace),
    Command(syntax="copy running-config startup-config", run=_save),
    Command(syntax="copy {running-config|startup-config} <path>", run=_copy_out),
    Command(syntax="delete <path> [no-prompt]", run=_delete),
    Command(syntax="dir [<word>]", run=_directory),
    Command(syntax="reload", run=_reload),
)


def build() -> Platform:
    """The platform, as data."""
    return Platform(
        name="nxos",
        prompts={"user": "{host}#", "enable": "{host}#", **{mode: f"{{host}}({mode})#" for mode in CONFIG}},
        commands=[*SESSION_COMMANDS, *COMMANDS, Command(syntax="show file <path>", run=_more)],
        config=CONFIG,
        controls=CONFIG_CONTROLS,
        parameters={**PARAMETERS, **EOS_PARAMETERS, "interface": INTERFACES.parse, "path": path},
        style=STYLE,
        pager=Pager(prompt="--More--", erase="\r        \r"),
        reject=reject,
        factory=factory,
        show_config=show_config,
        check_password=check_password,
        check_secret=lambda device, secret: None,
        bad_secret="",
        no_secret="",
        data_words=("json", "json-pretty"),
        configured="Enter configuration commands, one per line. End with CNTL/Z.\n",
        file_system=BOOTFLASH,
        copies=lambda device, protocol: device.running.root.find("feature", f"{protocol}-server") is not None,
        login_prompts=("login: ", "Password: "),
        login_failed="Login incorrect\n",
        ssh_version="OpenSSH_7.8",
    )
