"""Lines of a change that lead away: to a device of the same name, or out of configuration mode before the commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netpulse_drivers import CommandRefused
from tests.conformance.netmiko.conftest import Client
from tests.lab.fixtures_dialogues import DialogueDevice, PlayDialogue

MakeClient = Callable[..., Client]

BAD = "% Invalid input detected at '^' marker.\n"
JUNOS = ("juniper_junos", "\nadmin@mx1> ", "\n[edit]\nadmin@mx1# ")
XR = ("cisco_xr", "RP/0/RP0/CPU0:r1#", "RP/0/RP0/CPU0:r1(config)#")
TRYING = "Trying 10.0.0.2 ... Open\n"


def router(platform: str, prompt: str, config: str, *, hop: str, said: str = "") -> dict[str, Any]:
    """A router from which ``hop``, typed in either mode, leads to another one with the same prompt."""
    away = {"line": hop, "reply": said, "go": "remote"}
    settings = {"line": r"terminal .*|set cli .*|screen-.*"}
    states = {
        "exec": {"prompt": prompt, "rules": [settings, {"line": r"conf.*", "go": "config"}, away]},
        "config": {
            "prompt": config,
            "rules": [
                {"line": r"vlan \d+|hostname .*|set .*"},
                {"line": "commit", "reply": "commit complete\n"},
                {"line": "end|exit.*", "go": "exec"},
                away,
            ],
        },
        "remote": {"prompt": prompt, "rules": [{"line": "commit", "reply": "REMOTE COMMITTED\n"}]},
    }
    return {"platform": platform, "about": "two routers of one name", "unknown": BAD, "states": states}


def connected(device: DialogueDevice, make_client: MakeClient) -> Client:
    client = make_client(**device.netmiko())
    client.connect()
    return client


@pytest.mark.parametrize(
    ("platform", "lines"),
    [
        ("cisco_ios", ["vlan 10", "do ssh -l a 10.0.0.2"]),
        ("cisco_nxos", ["vlan 10", "ssh a@10.0.0.2"]),
        ("arista_eos", ["do telnet 10.0.0.2"]),
    ],
)
def test_a_change_that_hops_to_a_device_of_the_same_name_costs_its_session(
    platform: str, lines: list[str], play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    device = play_dialogue(router(platform, "r1#", "r1(config)#", hop=r"(?:do )?(?:ssh|telnet) .*"))
    client = connected(device, make_client)
    client.change(*lines)
    assert not client.end_job()


@pytest.mark.parametrize("typed", ["tel 10.0.0.2", "ss -l a 10.0.0.2", "resume 1", "service-module ism0/0 session"])
def test_abbreviations_lead_away_too(typed: str, play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    client = connected(play_dialogue(router("cisco_ios", "r1#", "r1(config)#", hop=r"[trs]e?.*")), make_client)
    client.query(typed)
    assert not client.end_job()


def test_what_the_device_says_of_a_hop_is_heard(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    client = connected(
        play_dialogue(router("cisco_ios", "r1#", "r1(config)#", hop=r"10\.0\.0\.2", said=TRYING)), make_client
    )
    assert "Open" in client.query("10.0.0.2").output
    assert not client.end_job()


@pytest.mark.parametrize(
    ("prompts", "lines"),
    [
        (JUNOS, ["set a b", "run ssh 10.0.0.2"]),
        (XR, ["hostname a", "do ssh 10.0.0.2"]),
        (XR, ["hostname a", "exit"]),
    ],
)
def test_no_commit_is_typed_elsewhere(
    prompts: tuple[str, str, str], lines: list[str], play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    device = play_dialogue(router(*prompts, hop=r"(?:do |run )?ssh .*"))
    client = connected(device, make_client)
    with pytest.raises(CommandRefused, match="left configuration mode, or led to another device") as caught:
        client.change(*lines)
    assert not caught.value.session_usable
    assert "commit" not in device.typed
    assert not client.end_job()


def test_who_commits_and_leaves_by_himself_has_changed(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    device = play_dialogue(router(*XR, hop="ssh .*"))
    client = connected(device, make_client)
    assert client.change("hostname a", "commit", "exit").changed is True
    assert device.typed.count("commit") == 1
    assert client.end_job()


@pytest.mark.parametrize("entry", ["vlan 10\nend\nreload", "vlan 10\rend\rreload", "vlan 10\nend\nconf t"])
def test_an_entry_of_several_lines_does_not_leave_the_mode_inside(
    entry: str, play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    device = play_dialogue(router("cisco_ios", "r1#", "r1(config)#", hop="ssh .*"))
    client = connected(device, make_client)
    with pytest.raises(CommandRefused, match="'end' inside of it leaves configuration mode") as caught:
        client.change("vlan 9", entry)
    assert "1 lines before it had been applied" in caught.value.message
    assert "reload" not in device.typed
    assert client.end_job()
