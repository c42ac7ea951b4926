"""Juniper Junos: a vMX. It thinks in another way than the rest and has an interpreter of its own."""

from __future__ import annotations

from netpulse_lab.config_store import ConfigTree, PrintStyle
from netpulse_lab.device import Device, secret_hash
from netpulse_lab.device_spec import DeviceSpec
from netpulse_lab.file_store import FileSystem
from netpulse_lab.platform import Pager, Platform

from .junos_shell import JunosShell
from .junos_tree import set_lines
from .parameters import PARAMETERS


def factory(spec: DeviceSpec) -> str:
    """The configuration of a new device."""
    lines = [f"set system host-name {spec.name}", "set system domain-name lab.example", "set system services ssh"]
    accounts = [(spec.username, spec.password), *((one.username, one.password) for one in spec.logins)]
    for name, password in accounts:
        lines.append(f"set system login user {name} class super-user")
        lines.append(f"set system login user {name} authentication encrypted-password $6${secret_hash(password)}")
    if spec.banner:
        lines.append(f"set system login message {' '.join(spec.banner.split())}")
    return "\n".join([*lines, "set interfaces fxp0 unit 0 family inet address 192.0.2.1/24"])


def show_config(device: Device, tree: ConfigTree) -> str:
    """``show configuration | display set``: the form in which the lab tells of a Junos device."""
    return "".join(f"{line}\n" for line in set_lines(tree.root))


def check_password(device: Device, username: str, password: str) -> int | None:
    place = device.running.root
    for words in (("system",), ("login",), ("user", username), ("authentication",)):
        inner = place.find(*words)
        if inner is None:
            return None
        place = inner
    return 15 if place.argument("encrypted-password") == f"$6${secret_hash(password)}" else None


def build() -> Platform:
    """The platform, as data."""
    return Platform(
        name="junos",
        prompts={},
        commands=(),
        config={},
        controls=(),
        parameters=PARAMETERS,
        style=PrintStyle(indent=""),
        pager=Pager(prompt="---(more)---", erase="\r            \r"),
        reject=lambda rejection, width: "syntax error.\n",
        factory=factory,
        show_config=show_config,
        check_password=check_password,
        check_secret=lambda device, secret: None,
        bad_secret="",
        no_secret="",
        hostname=("system", "host-name"),
        interpreter=JunosShell,
        file_system=FileSystem(name="/var/tmp", aliases=(), root="/var/tmp"),
        login_prompts=("login: ", "Password:"),
        login_failed="Login incorrect\n",
        ssh_version="OpenSSH_7.5",
    )
