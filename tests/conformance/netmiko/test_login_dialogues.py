"""Logins that netmiko's steps alone do not manage, and devices that say why there is no prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netpulse_drivers import AuthenticationFailed, DriverError, PasswordExpired, SessionLimit, SessionRefused
from tests.conformance.netmiko.conftest import Client
from tests.lab.fixtures_dialogues import PlayDialogue

MakeClient = Callable[..., Client]


def dialogue(platform: str, prompt: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "platform": platform,
        "about": "a device to log in to",
        "unknown": "% Invalid input detected at '^' marker.\n",
        "states": {"exec": {"prompt": prompt, "rules": [*rules, {"line": "who", "reply": "me\n"}]}},
    } | more


@pytest.mark.parametrize(
    ("platform", "prompt"),
    [
        ("linux", "/ # "),
        ("linux", "# "),
        ("linux", "$ "),
        ("linux", "~ # "),
        ("cisco_ftd", "> "),
        ("cisco_ios", "sw 1 (lab)#"),
        ("cisco_ios", "sw:1%a#"),
        ("cisco_ios", "sw1# \r"),
        ("cisco_nxos", "n9k(maint-mode)# "),
        ("extreme_exos", "* (Demo) X440-G2.17 # "),
        ("fortinet", "FGT-60F (global) # "),
        ("huawei", "HRP_S<FW>"),
        ("hp_comware", "RBM_P<core>"),
        ("ruckus_fastiron", "telnet@ICX7150-48P Router#"),
        ("aruba_os", "(7010-lab) ^[mynode] #"),
        ("juniper_junos", "root> "),
    ],
)
def test_prompts_are_learnt_whole(
    platform: str, prompt: str, play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    fortios = {"line": "get system status.*", "reply": "Version: FortiGate-60F v7.0.11,build0489\n"}
    console = {"line": "get system console", "reply": "output              : standard\n"}
    client = make_client(**play_dialogue(dialogue(platform, prompt, fortios, console)).netmiko())
    client.connect()
    assert client.session is not None
    assert client.session.prompt.text == prompt.strip()
    assert client.query("who").output.strip() == "me"
    assert client.end_job()


def test_panos(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    client = make_client(**play_dialogue("paloalto_panos").netmiko())
    client.connect()
    assert "01:02:03" in client.query("show clock").output
    assert client.end_job()


@pytest.mark.parametrize("platform", ["arista_eos", "juniper_junos", "cisco_xr", "hp_comware", "paloalto_panos"])
def test_user_who_may_not_change_the_terminal(
    platform: str, play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    prompt = {"juniper_junos": "ops@mx1> ", "hp_comware": "<core>", "paloalto_panos": "ops@fw1> "}.get(platform, "r1#")
    rules = [{"line": "show system info", "reply": "operational-mode: normal\n"}]
    client = make_client(**play_dialogue(dialogue(platform, prompt, *rules)).netmiko())
    client.connect()
    assert client.query("who").output.strip() == "me"


def test_mikrotik_is_told_by_the_user_name_how_to_talk(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    device = play_dialogue(dialogue("mikrotik_routeros", "[admin@MikroTik] > "), username="admin+ct511w4098h")
    client = make_client(**device.netmiko() | {"username": "admin"})
    client.connect()
    assert "me" in client.query("who").output


def test_telnet_console_that_is_silent_until_return(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    content = dialogue("cisco_ios", "r1#", {"line": "terminal .*", "reply": ""}, telnet="silent")
    content["states"]["silent"] = {
        "prompt": "",
        "rules": [{"key": "return", "reply": "\nr1 con0 is now available\n", "go": "user"}],
    }
    content["states"]["user"] = {"prompt": "Username: ", "rules": [{"account": "username", "go": "password"}]}
    content["states"]["password"] = {
        "prompt": "Password: ", "hidden": True, "rules": [{"account": "password", "go": "exec"}]
    }  # fmt: skip
    device = play_dialogue(content, telnet_port=0)
    client = make_client(**device.netmiko(telnet=True))
    client.connect()
    assert client.query("who").output == "me"


EXPIRED = {
    "login(1)": (
        "linux",
        "WARNING: Your password has expired.\nYou must change your password now and login again!\n",
        "Current password: ",
        "Your password has expired",
    ),
    "FortiOS": (
        "fortinet",
        "You are forced to change your password. Please input a new password.\n",
        "New Password: ",
        "forced to change your password",
    ),
    "PAM": ("cisco_nxos", "", "(current) UNIX password: ", "(current) UNIX password"),
    "said and hung up": ("cisco_ios", "Password expired. Contact the administrator.\n", "", "Password expired"),
}


@pytest.mark.parametrize("name", EXPIRED)
def test_expired_password(name: str, play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    platform, greeting, question, said = EXPIRED[name]
    content = dialogue(platform, question, {"line": "", "end": "close"} if not question else {"line": "x"})
    content["greeting"] = greeting
    device = play_dialogue(content)
    client = make_client(**device.netmiko())
    with pytest.raises(PasswordExpired) as caught:
        client.connect()
    assert said in caught.value.message
    assert said in caught.value.device_output
    assert caught.value.code == "password_expired"
    assert b"".join(device.received).strip() in {b"", b"terminal width 511"}  # no password, old or new, was typed
    assert isinstance(caught.value, AuthenticationFailed)


@pytest.mark.parametrize(
    "said",
    [
        "All user interfaces are used, please try later!",
        "% Maximum number of sessions reached, try again later",
        "Too many connections from this host",
        "Sorry, session limit reached.",
        "No more VTY lines available",
    ],
)
def test_session_limit(said: str, play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    content = dialogue("hp_comware", "", {"line": "", "end": "close"}, greeting=f"\n{said}\n")
    client = make_client(**play_dialogue(content).netmiko())
    with pytest.raises(SessionLimit) as caught:
        client.connect()
    assert said in caught.value.message
    assert (caught.value.code, isinstance(caught.value, SessionRefused)) == ("session_limit", True)


def test_a_banner_about_sessions_and_passwords_is_no_reason(
    play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    greeting = "\nIf your password has expired call 4711.\nMaximum number of sessions: 5\n"
    client = make_client(**play_dialogue(dialogue("cisco_ios", "r1#", greeting=greeting)).netmiko())
    client.connect()
    assert client.query("who").output == "me"
    refused = make_client(**play_dialogue(dialogue("cisco_ios", "r1#", greeting=greeting)).netmiko(password="wrong"))
    with pytest.raises(DriverError) as caught:
        refused.connect()
    assert caught.value.code == "authentication_failed"
