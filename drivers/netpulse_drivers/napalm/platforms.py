"""Names of platforms, as NAPALM and as netmiko write them. Nothing here imports NAPALM."""

from __future__ import annotations

import difflib
import importlib.util
import pkgutil
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

NETMIKO_OPTIONS = (
    *("allow_agent", "allow_auto_change", "auth_timeout", "banner_timeout", "blocking_timeout", "conn_timeout"),
    *("default_enter", "disable_lf_normalization", "disable_sha2_fix", "disabled_algorithms", "encoding", "fast_cli"),
    *(
        "global_cmd_verify",
        "global_delay_factor",
        "keepalive",
        "key_file",
        "passphrase",
        "pkey",
        "read_timeout_override",
    ),
    *("response_return", "secret", "session_timeout", "ssh_config_file", "use_keys"),
)
"""Options of netmiko that NAPALM hands on (napalm/base/netmiko_helpers.py), without those that are refused here."""

Wire = Literal["eapi", "cli", "other"]
"""How a platform is reached: eAPI on our kept connection; a command line on our netmiko session; its own way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NapalmPlatform:
    """A platform of NAPALM.

    Attributes:
        name: NAPALM's.
        wire: how it is reached unless ``transport`` says otherwise.
        transports: values that ``transport`` may have; () where there is no choice.
        aliases: netmiko's names (and ntc's) for the same.
        saves: a commit also writes the start-up configuration.
        timed: whether it has commits with a timer; None: a community driver, which says so itself.
        options: names of ``optional_args`` that it reads, as its driver's constructor has them, beside ``port``,
            ``secret`` and ``transport``; (): a community driver, whose names are its own.
        timer_step, timer_most: seconds that ``revert_in`` is a multiple of, and that it may be.
    """

    name: str
    wire: Wire = "other"
    transports: tuple[str, ...] = ()
    aliases: tuple[str, ...] = field(default=())
    options: tuple[str, ...] = ()
    saves: bool = True
    timed: bool | None = None
    timer_step: int = 1
    timer_most: int = 24 * 3600 - 1


PLATFORMS = {
    platform.name: platform
    for platform in (
        NapalmPlatform(
            name="ios",
            wire="cli",
            transports=("ssh", "telnet"),
            aliases=("cisco_ios", "cisco_xe", "cisco_ios_telnet", "iosxe"),
            options=(
                *("auto_file_prompt", "auto_rollback_on_error", "candidate_cfg", "canonical_int", "dest_file_system"),
                *("force_no_enable", "inline_transfer", "merge_cfg", "rollback_cfg", *NETMIKO_OPTIONS),
            ),
            timed=True,
            timer_step=60,
            timer_most=120 * 60,
        ),
        NapalmPlatform(
            name="eos",
            wire="eapi",
            transports=("https", "http", "ssh"),
            aliases=("arista_eos",),
            options=(
                *(
                    "enable_password",
                    "eos_autoComplete",
                    "force_cfg_session_invalid",
                    "force_no_enable",
                    "lock_disable",
                ),
                *("path", "server_name", *NETMIKO_OPTIONS),
            ),
            timed=True,
        ),
        NapalmPlatform(
            name="iosxr", aliases=("cisco_xr", "cisco_iosxr"), options=("config_lock", *NETMIKO_OPTIONS), timed=False
        ),
        NapalmPlatform(
            name="iosxr_netconf",
            options=(
                *(
                    "allow_agent",
                    "config_encoding",
                    "config_lock",
                    "hostkey_verify",
                    "key_file",
                    "look_for_keys",
                    "pkey",
                ),
                "ssh_config_file",
            ),
            timed=False,
        ),
        NapalmPlatform(
            name="junos",
            aliases=("juniper", "juniper_junos"),
            options=(
                *(
                    "auto_probe",
                    "config_lock",
                    "config_private",
                    "huge_tree",
                    "ignore_warning",
                    "junos_config_database",
                ),
                *("junos_config_groups", "junos_config_inherit", "junos_config_inheritance", "junos_config_options"),
                *("keepalive", "key_file", "lock_disable", "pkey", "ssh_config_file"),
            ),
            timed=True,
            timer_step=60,
            timer_most=65535 * 60,
        ),
        NapalmPlatform(
            name="nxos",
            transports=("https", "http"),
            aliases=("cisco_nxos_nxapi",),
            options=("dest_file_system", "force_no_enable", "nxos_protocol", *NETMIKO_OPTIONS),
            timed=False,
        ),
        NapalmPlatform(
            name="nxos_ssh",
            wire="cli",
            aliases=("cisco_nxos", "cisco_nxos_ssh"),
            options=("dest_file_system", "force_no_enable", *NETMIKO_OPTIONS),
            timed=False,
        ),
    )
}
"""NAPALM's own (napalm/_SUPPORTED_DRIVERS.py). netmiko's cisco_nxos is a command line, so it means nxos_ssh."""

_ALIASES = {alias: platform.name for platform in PLATFORMS.values() for alias in platform.aliases}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NOT_DRIVERS = frozenset({"base", "device_types", "logs"})


def platform_named(name: str) -> NapalmPlatform:
    """The platform that NAPALM or netmiko call so; a community driver by the name behind ``napalm_``.

    Raises:
        ValueError: neither knows it here; the message lists what is known.
    """
    wanted = name.strip().lower().replace("-", "_").removeprefix("napalm_")
    wanted = _ALIASES.get(wanted, wanted)
    if wanted in PLATFORMS:
        return PLATFORMS[wanted]
    if _NAME.fullmatch(wanted) and wanted not in _NOT_DRIVERS and importlib.util.find_spec(f"napalm_{wanted}"):
        return NapalmPlatform(name=wanted)
    known = [*PLATFORMS, *community_platforms()]
    near = difflib.get_close_matches(wanted, [*known, *_ALIASES], n=1, cutoff=0.6)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ValueError(
        f"unknown device_type{hint}; NAPALM knows here: {', '.join(known)}, or netmiko's names of them; others take "
        "their community driver, installed beside the broker"
    )


@lru_cache(maxsize=1)
def community_platforms() -> tuple[str, ...]:
    """Names of the community drivers that are installed: top-level packages called ``napalm_NAME``."""
    found = {module.name.removeprefix("napalm_") for module in pkgutil.iter_modules() if _is_driver(module.name)}
    return tuple(sorted(found))


def _is_driver(module: str) -> bool:
    return module.startswith("napalm_") and module.removeprefix("napalm_") not in _NOT_DRIVERS
