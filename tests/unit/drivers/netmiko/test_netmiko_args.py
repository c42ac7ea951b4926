"""Arguments of the netmiko driver: every wrong one is named with what to write instead, and no value is repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import paramiko
import pytest
from pydantic import ValidationError

from netpulse_drivers import ConnectError, HostKeyMismatch, InvalidArguments
from netpulse_drivers.netmiko import NetmikoDriver
from netpulse_drivers.ssh.host_keys import (
    HostKeyCheck,
    KnownHosts,
    default_known_hosts,
    effective_policy,
    host_token,
)
from netpulse_drivers.ssh.private_key import parse_private_key

GOOD = {"device_type": "cisco_ios", "host": "192.0.2.1", "username": "admin", "password": "hunter2-hunter2"}


def problems(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        NetmikoDriver.validate_connection_args({**GOOD, **values})
    text = str(caught.value) + str(caught.value.errors(include_url=False, include_context=False, include_input=False))
    assert "hunter2" not in text
    return text


def test_good_ones() -> None:
    driver = NetmikoDriver.from_request({**GOOD, "port": 2222, "conn_timeout": 5, "default_enter": "\r\n"})
    assert (driver.host, driver.port) == ("192.0.2.1", 2222)
    assert driver.keepalive_interval() == 180
    assert "hunter2" not in repr(driver.args)
    assert NetmikoDriver.validate_connection_args({**GOOD, "host": None, "ip": "192.0.2.1"} | {"host": "192.0.2.2"})


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"device_type": "cisco_iso"}, "did you mean cisco_ios"),
        ({"device_type": "arista"}, "arista_eos"),
        ({"device_type": "cisco_ios_serial"}, "serial ports are not supported"),
        ({"device_type": "terminal_server"}, "no platform"),
        ({"device_type": "qqqqqqqq"}, "list of device types"),
        ({"passwrd": "hunter2"}, "unknown option 'passwrd'; did you mean password"),
        ({"session_log": "/etc/passwd"}, "'session_log' is a path on the worker"),
        ({"ssh_strict": True}, "host_key_policy"),
        ({"completely_else": 1}, "unknown option 'completely_else'"),
        ({"port": 70000}, "65535"),
        ({"encoding": "klingon"}, "unknown encoding"),
        ({"pkey": "hunter2"}, "no private key"),
        ({"host_key_policy": "maybe"}, "accept-new"),
        ({"keepalive": -1}, "greater than or equal to 0"),
        ({"disabled_algorithms": {"hashes": []}}, "unknown kinds hashes"),
        ({"username": ""}, "username is missing"),
        ({"password": None}, "no credential"),
    ],
)
def test_wrong_ones(values: dict[str, Any], hint: str) -> None:
    assert hint in problems(**values)


@pytest.mark.parametrize("missing", ["device_type", "host"])
def test_required(missing: str) -> None:
    values = {key: value for key, value in GOOD.items() if key != missing}
    with pytest.raises(ValidationError, match="Field required"):
        NetmikoDriver.validate_connection_args(values)
    with pytest.raises(InvalidArguments) as caught:
        NetmikoDriver.from_request(values)
    assert caught.value.details[0]["loc"] == missing


def test_telnet_needs_no_user() -> None:
    args = NetmikoDriver.validate_connection_args({"device_type": "cisco_ios_telnet", "host": "h", "password": "p"})
    assert args.model_dump()["device_type"] == "cisco_ios_telnet"


@pytest.mark.parametrize(
    ("operation", "values", "hint"),
    [
        ("query", {"expect_strin": "x"}, "did you mean expect_string"),
        ("query", {"expect_string": "("}, "is no valid regular expression"),
        ("query", {"expect_string": "x" * 501}, "at most 500"),
        ("query", {"delay_factor": 2}, "give read_timeout"),
        ("query", {"read_timeout": 0}, "greater than 0"),
        ("query", {"use_ttp": True}, "use_ttp needs ttp_template"),
        ("query", {"use_ttp": True, "ttp_template": "/etc/passwd"}, "send its text"),
        ("query", {"use_textfsm": True, "textfsm_template": "show_version.textfsm"}, "send its text"),
        ("query", {"error_pattern": ""}, "at least 1"),
        ("change", {"exit_config_mode": False}, "shared with other jobs"),
        ("change", {"use_textfsm": True}, "unknown option 'use_textfsm'"),
        ("change", {"terminator": "["}, "is no valid regular expression"),
    ],
)
def test_wrong_driver_args(operation: Any, values: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        NetmikoDriver.validate_operation_args(operation, values)
    assert hint in str(caught.value)


def test_netmikos_own_query_and_change_args_are_taken() -> None:
    NetmikoDriver.validate_operation_args(
        "query",
        {
            "expect_string": r"#\s*$", "read_timeout": 60, "auto_find_prompt": False, "strip_prompt": False,
            "strip_command": False, "normalize": False, "use_textfsm": True, "textfsm_template": "Value A (.)\n",
            "use_ttp": True, "ttp_template": "{{ a }}", "use_genie": False, "cmd_verify": False,
            "raise_parsing_error": True,
        },
    )  # fmt: skip
    NetmikoDriver.validate_operation_args(
        "change",
        {
            "exit_config_mode": True, "read_timeout": 60, "strip_prompt": False, "strip_command": False,
            "config_mode_command": "conf t", "cmd_verify": False, "enter_config_mode": False,
            "error_pattern": "^%", "terminator": "#", "bypass_commands": "^banner",
        },
    )  # fmt: skip


@pytest.mark.parametrize("make", [lambda: paramiko.RSAKey.generate(2048), paramiko.ECDSAKey.generate])
@pytest.mark.parametrize("passphrase", [None, "pass-phrase"])
def test_private_keys(make: Any, passphrase: str | None, tmp_path: Path) -> None:
    key = make()
    path = tmp_path / "key"
    key.write_private_key_file(str(path), password=passphrase)
    text = path.read_text()
    assert parse_private_key(text, passphrase) == key
    if passphrase is None:
        return
    with pytest.raises(InvalidArguments, match="give passphrase"):
        parse_private_key(text, None)
    with pytest.raises(InvalidArguments, match="passphrase is wrong"):
        parse_private_key(text, "other")


# -- host keys --------------------------------------------------------------------------------------------------------

KEY, OTHER = paramiko.ECDSAKey.generate(), paramiko.RSAKey.generate(1024)


def line(token: str, key: paramiko.PKey, marker: str = "") -> str:
    return f"{marker}{token} {key.get_name()} {key.get_base64()}\n"


def check(path: Path, policy: Any, key: paramiko.PKey, token: str = "[h]:2222") -> None:
    HostKeyCheck(policy, KnownHosts(path), token).missing_host_key(paramiko.SSHClient(), token, key)


def test_host_token() -> None:
    assert host_token("h", 22) == "h"
    assert host_token("h", 2222) == "[h]:2222"


@pytest.mark.parametrize(
    "token",
    ["[h]:2222", "a,[h]:2222,b", "[h]:*", pytest.param(paramiko.HostKeys.hash_host("[h]:2222"), id="hashed")],
)
def test_known_key(tmp_path: Path, token: str) -> None:
    path = tmp_path / "known_hosts"
    path.write_text("# comment\n\nbroken line\n" + line("other", OTHER) + line(token, KEY))
    check(path, "known", KEY)
    with pytest.raises(HostKeyMismatch, match="changed"):
        check(path, "accept-new", OTHER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        line("[h]:22", KEY),
        line("![h]:2222,*", KEY),
        line("[h]:2222", KEY, marker="@cert-authority "),
    ],
)
def test_unknown_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(text)
    with pytest.raises(HostKeyMismatch, match="not known"):
        check(path, "known", KEY)
    check(path, "accept-new", KEY)
    check(path, "known", KEY)


def test_revoked_key(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("[h]:2222", KEY, marker="@revoked "))
    with pytest.raises(HostKeyMismatch, match="revoked"):
        check(path, "accept-new", KEY)


def test_known_types_are_offered_first(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("[h]:2222", OTHER))
    offered = ("ssh-ed25519", "rsa-sha2-512", "ssh-rsa")
    order = HostKeyCheck("known", KnownHosts(path), "[h]:2222").preferred_algorithms(offered)
    assert order == ("rsa-sha2-512", "ssh-rsa", "ssh-ed25519")


def test_place_that_cannot_be_written_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConnectError, match="NETPULSE_KNOWN_HOSTS"):
        KnownHosts(tmp_path / "file" / "known_hosts").remember("h", KEY)


def test_default_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETPULSE_KNOWN_HOSTS", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_known_hosts() == tmp_path / "netpulse" / "known_hosts"
    monkeypatch.setenv("NETPULSE_KNOWN_HOSTS", str(tmp_path / "x"))
    assert default_known_hosts() == tmp_path / "x"


def test_file_with_thousands_of_hosts_is_not_parsed_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "known_hosts"
    path.write_text("".join(line(f"host-{number}", KEY) for number in range(5_000)) + line("[h]:2222", KEY))
    parsed = 0
    real = paramiko.hostkeys.HostKeyEntry.from_line

    def counting(text: str, number: int) -> Any:
        nonlocal parsed
        parsed += 1
        return real(text, number)

    monkeypatch.setattr("netpulse_drivers.ssh.host_keys.HostKeyEntry.from_line", counting)
    check(path, "known", KEY)
    assert parsed == 1


@pytest.mark.parametrize(
    ("configured", "requested", "effective"),
    [
        ("", None, "accept-new"),
        ("", "off", "off"),
        ("off", None, "off"),
        ("off", "known", "known"),
        ("accept-new", "off", "off"),
        ("known", None, "known"),
        ("known", "off", "known"),
    ],
)
def test_operators_policy(monkeypatch: pytest.MonkeyPatch, configured: str, requested: Any, effective: str) -> None:
    monkeypatch.setenv("NETPULSE_HOST_KEY_POLICY", configured)
    assert effective_policy(requested) == effective


def test_operators_policy_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETPULSE_HOST_KEY_POLICY", "maybe")
    with pytest.raises(ConnectError, match="NETPULSE_HOST_KEY_POLICY"):
        effective_policy(None)
