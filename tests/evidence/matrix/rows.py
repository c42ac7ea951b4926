"""The rows of the table."""

from __future__ import annotations

import importlib.util
import os
import socket
from typing import Any

import pytest

from tests.evidence.matrix.row import Change, Parse, Refusal, Row
from tests.evidence.matrix.targets import frr, linux_host, shouting, simulated
from tests.lab.real import SshdHost

MARK = "set by the table of drivers"
"""What changes leave in a configuration."""

# -- netmiko ----------------------------------------------------------------------------------------------------------

_NO_TIMER = {
    "rollback": Refusal(error="unsupported_operation", says="(has|knows) no rollback"),
    "confirm": Refusal(error="unsupported_operation", says="(has|knows) no commit .*that could be confirmed"),
}

_NO_REPLACE = Refusal(error="unsupported_operation", says="cannot replace the whole configuration")

NETMIKO_FRR = Row(
    name="netmiko, FRR over sshd",
    driver="netmiko",
    up=frr,
    query="show version",
    shows="FRRouting",
    parse=Parse(
        command="show interface brief",
        template="Value NAME (lo)\nValue STATUS (\\S+)\n\nStart\n  ^${NAME}\\s+${STATUS}\\s -> Record\n",
        expected=[{"NAME": "lo", "STATUS": "up"}],
    ),
    change=Change(lines=("interface ge0", f"description {MARK}"), shows=MARK),
    lacks={
        "replace": _NO_REPLACE,
        "getters": Refusal(error="command_refused", says="Unknown command: get_facts"),
        **_NO_TIMER,
    },
    marks=(pytest.mark.frr,),
)


def _netmiko_on(host: SshdHost) -> dict[str, Any]:
    return dict(host.device.connection_args())


_APPEND = f"echo '{MARK}' >> settings"
_STAY = {"enter_config_mode": False}
"""A shell has no configuration mode; changes are commands there."""

NETMIKO_BASH = Row(
    name="netmiko, bash over sshd",
    driver="netmiko",
    up=linux_host(_netmiko_on),
    query="echo $((6 * 7))",
    shows="42",
    parse=Parse(
        command="echo name=value",
        template="Value KEY (\\w+)\nValue WORD (\\w+)\n\nStart\n  ^${KEY}=${WORD} -> Record\n",
        expected=[{"KEY": "name", "WORD": "value"}],
    ),
    change=Change(
        lines=(_APPEND,),
        shows=MARK,
        driver_args=_STAY,
        options={"enable_mode": False},
        save_args={"save_command": "cp settings settings.saved"},
    ),
    lacks={
        "diff": Refusal(error="unsupported_operation", says="give running_config_command"),
        "replace": _NO_REPLACE,
        "getters": Refusal(error="command_refused", says="get_facts: command not found"),
        **_NO_TIMER,
    },
    marks=(pytest.mark.sshd,),
)

# -- NAPALM -----------------------------------------------------------------------------------------------------------

_IOS_VERSION = Parse(
    command="show version",
    template="Value RELEASE (\\S+)\n\nStart\n  ^Cisco IOS Software.*Version ${RELEASE}, -> Record\n",
    expected=[{"RELEASE": "15.2(20200924:215240)"}],
)
_EOS_VERSION = "Value RELEASE (\\S+)\n\nStart\n  ^Software image version: ${RELEASE} -> Record\n"
_EOS_CHANGE = Change(lines=("interface Ethernet1", f"description {MARK}"), shows=MARK)

NAPALM_IOS = Row(
    name="napalm ios, SSH",
    driver="napalm",
    up=simulated(
        "ios",
        "ssh",
        config="ip scp server enable\nfile prompt quiet\narchive\n path flash0:archive",
        device_type="ios",
    ),
    query="show version",
    shows="Cisco IOS Software",
    parse=_IOS_VERSION,
    change=Change(lines=("interface GigabitEthernet0/1", f" description {MARK}"), shows=MARK),
    getter={"hostname": "matrix", "vendor": "Cisco"},
    foreign="vlan 55",
)


def _napalm_eos(wire: str) -> Row:
    return Row(
        name=f"napalm eos, {'SSH' if wire == 'ssh' else f'eAPI over {wire}'}",
        driver="napalm",
        up=simulated("eos", wire, device_type="eos", optional_args={"transport": wire}),
        query="show version",
        shows="Arista vEOS-lab",
        parse=Parse(command="show version", template=_EOS_VERSION, expected=[{"RELEASE": "4.29.2F"}]),
        change=_EOS_CHANGE,
        getter={"hostname": "matrix", "vendor": "Arista"},
        foreign="vlan 55",
    )


def _napalm_on(host: SshdHost) -> dict[str, Any]:
    device = host.device
    key = {} if device.password else {"use_keys": True, **device.key()}
    return {
        "device_type": "linux",
        "host": device.host,
        "username": device.username,
        "password": device.password,
        "optional_args": {"port": device.port, **key},
    }


_NO_CANDIDATE = Refusal(error="unsupported_operation", says="cannot do load_", asks={"config": ["anything"]})

NAPALM_LINUX = Row(
    name="napalm linux (community), sshd",
    driver="napalm",
    up=linux_host(_napalm_on),
    query="get_interfaces",
    shows="lo",
    getter={"hostname": socket.gethostname()},
    lacks={
        "parse": Refusal(
            error="unsupported_operation", says="cannot do CLI command 'uname'", asks={"command": "uname"}
        ),
        "config": _NO_CANDIDATE,
        "diff": _NO_CANDIDATE,
        "dry-run": _NO_CANDIDATE,
        "save": _NO_CANDIDATE,
        "replace": _NO_CANDIDATE,
        "rollback": Refusal(error="unsupported_operation", says="cannot do rollback"),
        "confirm": Refusal(error="unsupported_operation", says="cannot do confirm_commit"),
    },
    marks=(
        pytest.mark.sshd,
        pytest.mark.skipif(
            importlib.util.find_spec("napalm_linux") is None and os.environ.get("CI", "").lower() not in {"true", "1"},
            reason="napalm-linux is not installed: pip install --no-deps napalm-linux napalm-device-types",
        ),
        pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # the library's, not ours
    ),
)

# -- pyeapi and a driver of a user's own ------------------------------------------------------------------------------


def _pyeapi(wire: str) -> Row:
    return Row(
        name=f"pyeapi, eAPI over {wire}",
        driver="pyeapi",
        up=simulated("eos", wire, transport=wire),
        query="show version",
        shows="vEOS-lab",
        parse=Parse(
            command="show version",
            template=_EOS_VERSION,
            expected=[{"RELEASE": "4.29.2F"}],
            driver_args={"encoding": "text"},
        ),
        change=_EOS_CHANGE,
        foreign="vlan 55",
        lacks={"getters": Refusal(error="command_refused", says="'get_facts'")},
    )


_READ_ONLY = Refusal(
    error="unsupported_operation", says="driver 'custom' has no configuration operation", asks={"config": ["anything"]}
)

CUSTOM = Row(
    name="custom (write-a-driver.md), TCP",
    driver="custom",
    up=shouting,
    query="hello",
    shows="HELLO",
    parse=Parse(
        command="vlan=10",
        template="Value KEY (\\w+)\nValue NUMBER (\\d+)\n\nStart\n  ^${KEY}=${NUMBER} -> Record\n",
        expected=[{"KEY": "VLAN", "NUMBER": "10"}],
    ),
    plain_getter="GET_FACTS",
    proves_life=False,
    lacks={
        "config": _READ_ONLY,
        "diff": _READ_ONLY,
        "dry-run": _READ_ONLY,
        "save": _READ_ONLY,
        "replace": _READ_ONLY,
        **_NO_TIMER,
    },
)

ROWS = (
    NETMIKO_FRR,
    NETMIKO_BASH,
    NAPALM_IOS,
    _napalm_eos("http"),
    _napalm_eos("https"),
    _napalm_eos("ssh"),
    NAPALM_LINUX,
    _pyeapi("http"),
    _pyeapi("https"),
    CUSTOM,
)
