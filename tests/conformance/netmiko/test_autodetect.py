"""``device_type: autodetect``: found out by what a device shows, kept, and found out anew where it does not fit.

Answers are beginnings of published ones: the vendors' command references, and outputs in ntc-templates' tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from netpulse_drivers import AuthenticationFailed, DeviceTypeUnknown
from netpulse_drivers.netmiko.connecting import autodetect
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.netmiko.conftest import Client
from tests.lab.fixtures_dialogues import DialogueDevice, PlayDialogue

MakeClient = Callable[..., Client]

IOS_BAD = "           ^\n% Invalid input detected at '^' marker.\n\n"

HUAWEI = "Huawei Versatile Routing Platform Software\nVRP (R) software, Version "
BASH_BAD = "-bash: x: command not found\n"
SHOWN = {
    "cisco_asa": ("fw1# ", "show version", "\nCisco Adaptive Security Appliance Software Version 9.16(4)\n", IOS_BAD),
    "cisco_xe": ("sw1#", "show version", "Cisco IOS XE Software, Version 17.09.04a\nCisco IOS Software\n", IOS_BAD),
    "huawei_vrpv8": ("<CE1>", "display version", f"{HUAWEI}8.180 (CE6851)\n", ""),
    "huawei": ("<SW1>", "display version", f"{HUAWEI}5.170 (S5700)\n", ""),
    "hp_comware": ("<H3C>", "display version", "H3C Comware Software, Version 7.1.070, Release 6328\n", ""),
    "juniper_junos": ("ops@ptx1> ", "show version", "Model: ptx10001\nJunos: 21.4R3-EVO\n", "error: syntax error.\n"),
    "vyos": ("vyos@vyos:~$ ", "show version", "Version:          VyOS 1.4.0\n", "\n  Invalid command: [x]\n\n"),
    "nokia_sros": ("A:pe1# ", "show version", "TiMOS-B-20.10.R1 both/x86_64 Nokia 7750 SR\n", "Error: Bad command.\n"),
    "mikrotik_routeros": (
        "[admin@MikroTik] > ",
        "/system resource print",
        "  version: 6.48.6\n  platform: MikroTik\n",
        "bad command name x (line 1 column 1)\n",
    ),
    "linux": ("ops@s1:~$ ", "uname -a", "Linux s1 6.1.0-18-amd64 #1 SMP x86_64 GNU/Linux\n", BASH_BAD),
    "cumulus_linux": ("cumulus@leaf1:mgmt:~$ ", "uname -a", "Linux cumulus 5.10.0-cl-1-amd64 #1 SMP\n", BASH_BAD),
    "ruckus_fastiron": (
        "ICX7150-48P Router#",
        "show version",
        "  Copyright (c) Ruckus Networks, Inc. All rights reserved.\n  HW: Stackable ICX7150-48P\n",
        "Invalid input -> x\n",
    ),
}
"""By platform: prompt, the command that tells, its answer, and what is said to other commands."""

SHIPPED = ("fortinet", "paloalto_panos")
"""Dialogues of the lab that tell it too."""


def device_of(platform: str, play_dialogue: PlayDialogue) -> DialogueDevice:
    if platform in SHIPPED:
        return play_dialogue(platform)
    prompt, command, answer, unknown = SHOWN[platform]
    rules = [{"line": command, "reply": answer}, {"line": "who", "reply": "me\n"}]
    settings = {
        "line": r"terminal .*|screen-.*|set (?!uid).*|no .*|skip-page-display|environment .*|config system console"
    }
    return play_dialogue(
        {
            "platform": "generic",
            "about": "a device whose platform is to be found out",
            "unknown": unknown,
            "states": {"exec": {"prompt": prompt, "rules": [*rules, settings]}},
        },
        # MikroTik's client appends options to the name; its console takes them off.
        logins=[{"username": "admin+ct511w4098h", "password": "admin-password"}],
    )


class Memory:
    """As a worker's, in this process."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def recall(self, name: str) -> str:
        return self.kept.get(name, "")

    def keep(self, name: str, value: str) -> None:
        self.kept[name] = value


@pytest.fixture
def memory() -> Memory:
    return Memory()


def connected(client: Client, memory: Memory) -> Client:
    client.call("query")
    client.driver.call.memory = memory
    client.session = client.driver.connect()
    return client


@pytest.mark.parametrize("platform", [*SHOWN, *SHIPPED])
def test_platforms_are_told_apart(
    platform: str, play_dialogue: PlayDialogue, make_client: MakeClient, memory: Memory
) -> None:
    device = device_of(platform, play_dialogue)
    client = connected(make_client(**device.netmiko() | {"device_type": "autodetect"}), memory)
    assert client.driver.detected == platform
    assert client.session is not None
    assert client.session.connection.device_type == platform
    assert device.logins == 2, "one to find out, one as what it is"
    shows = {command for command in autodetect._clues() if command}
    before = device.typed[: device.typed.index(next(line for line in device.typed if line in shows))]
    assert set(before) <= {""}, "nothing is typed before the platform is asked for"


def test_platforms_of_the_lab(lab: SimulatorLab, make_client: MakeClient, memory: Memory) -> None:
    expected = {
        "ios": "cisco_ios",
        "eos": "arista_eos",
        "nxos": "cisco_nxos",
        "iosxr": "cisco_xr",
        "junos": "juniper_junos",
    }
    for platform, device_type in expected.items():
        device = lab.add(name=f"auto-{platform}", platform=platform)
        try:
            client = connected(make_client(**device.netmiko() | {"device_type": "autodetect"}), memory)
            assert client.driver.detected == device_type
            assert client.query("show version").output.strip()
            client.close()
        finally:
            lab.remove(device)


@pytest.fixture
def ios(lab: SimulatorLab) -> Iterator[SimulatedDevice]:
    device = lab.add(name="auto", platform="ios")
    yield device
    lab.remove(device)


def autodetected(device: SimulatedDevice, **more: Any) -> dict[str, Any]:
    return device.netmiko() | {"device_type": "autodetect"} | more


def test_what_was_found_out_is_kept(
    ios: SimulatedDevice, lab: SimulatorLab, make_client: MakeClient, memory: Memory
) -> None:
    connected(make_client(**autodetected(ios)), memory)
    assert lab.counters(ios).logins == 2
    (kept,) = memory.kept.values()
    assert kept.startswith("cisco_ios SSH-2.0-")
    seen = len(lab.commands(ios))
    client = connected(make_client(**autodetected(ios)), memory)
    assert client.driver.detected == "cisco_ios"
    assert lab.counters(ios).logins == 3
    assert "show version" not in lab.commands(ios)[seen:]


@pytest.mark.parametrize("kept", ["arista_eos SSH-2.0-of another server", "no_such_type SSH-2.0-x", "rubbish"])
def test_what_does_not_fit_is_found_out_anew(
    kept: str, ios: SimulatedDevice, make_client: MakeClient, memory: Memory
) -> None:
    connected(make_client(**autodetected(ios)), memory)
    (name,) = memory.kept
    memory.kept[name] = kept
    client = connected(make_client(**autodetected(ios)), memory)
    assert client.driver.detected == "cisco_ios"
    assert memory.kept[name].startswith("cisco_ios SSH-2.0-")


def test_a_device_that_shows_nothing_known_is_named_with_its_words(
    play_dialogue: PlayDialogue, make_client: MakeClient, memory: Memory
) -> None:
    states = {"exec": {"prompt": "box> ", "rules": [{"line": "show version", "reply": "Frobnicator 2.1\n"}]}}
    device = play_dialogue({"platform": "generic", "about": "unheard of", "unknown": "eh?\n", "states": states})
    with pytest.raises(DeviceTypeUnknown) as caught:
        connected(make_client(**device.netmiko() | {"device_type": "autodetect"}), memory)
    error = caught.value
    assert error.code == "device_type_unknown"
    assert "give its device_type" in error.message
    assert "show version" in error.message
    assert "eh?" in error.device_output
    assert set(device.typed) <= {"", *autodetect._clues()}, "what is typed only shows something"
    assert not memory.kept


def test_a_refused_login_is_one(
    ios: SimulatedDevice, lab: SimulatorLab, make_client: MakeClient, memory: Memory
) -> None:
    with pytest.raises(AuthenticationFailed):
        connected(make_client(**autodetected(ios, password="wrong")), memory)
    assert lab.counters(ios).auth_failures == 1
