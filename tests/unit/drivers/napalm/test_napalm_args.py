"""What the controller accepts for driver napalm, and that it needs no NAPALM to tell."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from netpulse_drivers import InvalidArguments
from netpulse_drivers.napalm import NapalmDriver
from netpulse_drivers.napalm.platforms import PLATFORMS, platform_named

LOGIN = {"host": "192.0.2.1", "username": "admin", "password": "device-password"}


def arguments(**more: Any) -> Any:
    return NapalmDriver.validate_connection_args({"device_type": "eos", **LOGIN, **more})


def check(*commands: str, **driver_args: Any) -> None:
    NapalmDriver.validate_request(list(commands), NapalmDriver.validate_operation_args("query", driver_args))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ios", "ios"),
        ("cisco_ios", "ios"),
        ("cisco_xe", "ios"),
        ("arista_eos", "eos"),
        ("EOS", "eos"),
        ("iosxr-netconf", "iosxr_netconf"),
        ("cisco_xr", "iosxr"),
        ("juniper_junos", "junos"),
        ("nxos", "nxos"),
        ("cisco_nxos", "nxos_ssh"),
        ("nxos_ssh", "nxos_ssh"),
    ],
)
def test_names_as_napalm_or_netmiko_write_them(written: str, meant: str) -> None:
    assert platform_named(written).name == meant
    assert arguments(device_type=written).platform.name == meant


def test_unknown_platform_lists_the_known() -> None:
    with pytest.raises(ValidationError) as caught:
        arguments(device_type="cisco_ioss")
    said = str(caught.value)
    assert "did you mean" in said
    assert all(name in said for name in PLATFORMS)


@pytest.mark.parametrize("name", ["os.path", "../ios", "base", "", "napalm_base", "mock.evil", "device_types"])
def test_names_that_are_no_driver_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        arguments(device_type=name)


def test_telnet_by_netmikos_name() -> None:
    args = arguments(device_type="cisco_ios_telnet")
    assert (args.platform.name, args.transport, args.wire) == ("ios", "telnet", "cli")


def test_wires() -> None:
    assert arguments().wire == "eapi"
    assert arguments().transport == "https"
    assert arguments(optional_args={"transport": "ssh"}).wire == "cli"
    assert arguments(device_type="junos").wire == "other"


def test_host_has_aliases() -> None:
    values = {"device_type": "ios", "hostname": "192.0.2.9", "username": "u", "password": "p"}
    assert NapalmDriver.validate_connection_args(values).host == "192.0.2.9"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"optional_args": {"transport": "os.path.Evil"}}, "one of https, http, ssh"),
        ({"optional_args": {"session_log": "/tmp/x"}}, "path on the worker"),
        ({"optional_args": {"enforce_verification": True}}, "verify"),
        ({"optional_args": {"port": {"a": {"b": 1}}}}, "plain value"),
        ({"optional_args": {"key_file": "/root/.ssh/id"}}, "send the key itself as pkey"),
        ({"optional_args": {"ssh_config_file": "../x"}}, "paths are not taken"),
        ({"optional_args": {"ssl_key": "x"}}, "unknown option 'ssl_key'"),
        ({"optional_args": {"dest_file_sytem": "flash:"}, "device_type": "ios"}, "did you mean dest_file_system"),
        ({"device_type": "junos", "optional_args": {"ssh_private_key_file": "x"}}, "unknown option"),
        ({"device_type": "linux", "optional_args": {"log_file": "x"}}, "would be a path"),
        ({"device_type": "linux", "optional_args": {"anything": "/x"}}, "would be a path"),
        ({"ca": "x", "ca_file": "y"}, "no PEM text"),
        ({"transport": "http"}, "belongs into optional_args"),
        ({"usrname": "x"}, "did you mean username"),
    ],
)
def test_wrong_arguments(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        arguments(**more)
    assert "device-password" not in str(caught.value)


@pytest.mark.parametrize(
    ("commands", "args"),
    [
        (("get_facts",), {}),
        (("get_facts", "get_interfaces"), {}),
        (("get_config",), {"retrieve": "running", "full": True}),
        (("get_arp_table", "get_facts"), {"vrf": "red"}),
        (("ping",), {"destination": "192.0.2.1", "count": 3}),
        (("show version", "show clock"), {"encoding": "json"}),
        (("cli",), {"commands": ["show version"]}),
        (("compliance_report",), {"validation_source": [{"get_facts": {"hostname": "r1"}}]}),
    ],
)
def test_good_requests(commands: tuple[str, ...], args: dict[str, Any]) -> None:
    check(*commands, **args)


@pytest.mark.parametrize(
    ("commands", "args", "says"),
    [
        (("get_facts",), {"vrf": "red"}, "get_facts takes no vrf; arguments that can be given: none"),
        (("ping",), {}, "ping needs destination"),
        (("show version",), {"retrieve": "running"}, "a CLI command takes no retrieve"),
        (("get_facts",), {"getter_args": {"a": 1}}, "community driver"),
    ],
)
def test_arguments_that_do_not_fit(commands: tuple[str, ...], args: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArguments, match=says):
        check(*commands, **args)


@pytest.mark.parametrize(
    ("args", "loc"),
    [
        ({"count": "five"}, "count"),
        ({"vrf": 5}, "vrf"),
        ({"longer": "yes"}, "longer"),
        ({"retrieve": "all of it"}, "retrieve"),
        ({"validation_source": [{"commit_config": {}}]}, "validation_source"),
        ({"validation_source": [{"get_facts": "r1"}]}, "validation_source"),
        ({"validation_source": [{"cli": {}}]}, "validation_source"),
    ],
)
def test_arguments_of_a_wrong_type(args: dict[str, Any], loc: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check("get_facts", **args)
    assert caught.value.errors()[0]["loc"][0] == loc


def test_unknown_getter_lists_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netpulse_drivers.napalm.getters.community_platforms", lambda: ())
    with pytest.raises(InvalidArguments, match=r"did you mean get_facts.*get_vlans") as caught:
        check("get_fact")
    assert caught.value.phase == "validate"


def test_unknown_getter_may_be_a_community_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netpulse_drivers.napalm.getters.community_platforms", lambda: ("linux",))
    check("get_processes", getter_args={"limit": 3})


def test_checking_a_request_imports_no_library() -> None:
    program = """
import sys
from netpulse_drivers import DriverRegistry
registry = DriverRegistry()
login = {"host": "192.0.2.1", "username": "u", "password": "p"}
napalm = registry.get("napalm")
napalm.validate_connection_args({"device_type": "cisco_ios", **login})
napalm.validate_request(["get_facts"], napalm.validate_operation_args("query", {}))
registry.get("pyeapi").validate_connection_args(login)
loaded = {"napalm", "pyeapi", "netmiko", "paramiko", "ncclient"} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
