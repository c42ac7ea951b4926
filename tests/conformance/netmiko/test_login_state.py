"""Where a kept session stands after a job, on platforms with contexts, hops and privilege of their own.

Each device is a dialogue; a job is what a worker makes of it: commands or a change, then the end of the job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netpulse_drivers import CommandTimeout, SessionLost
from netpulse_drivers.interactive import Exchange
from tests.conformance.netmiko.conftest import Client
from tests.lab.fixtures_dialogues import DialogueDevice, PlayDialogue

MakeClient = Callable[..., Client]
Rules = list[tuple[str, str, str | None]]


def dialogue(platform: str, **states: tuple[str, Rules]) -> dict[str, Any]:
    """States of (prompt, [(line, reply, next state)]), the first one after the login."""
    return {
        "platform": platform,
        "about": "a device with places",
        "unknown": "% Invalid input detected\n",
        "states": {
            name: {
                "prompt": prompt,
                "rules": [
                    {"line": line, "reply": reply} | ({"go": to} if to else {})
                    for line, reply, to in [
                        *rules,
                        (
                            "(?:terminal |set cli screen-)width.*",
                            "Screen width set to 511\nWidth set to 511 columns\n",
                            None,
                        ),
                        ("terminal length 0", "Pagination disabled.\n", None),
                        ("(?:terminal|screen-length|set cli|skip-page|get|no page).*", "", None),
                    ]
                ],
            }
            for name, (prompt, rules) in states.items()
        },
    }


WHO: dict[str, Any] = {
    "next router": (
        dialogue(
            "cisco_ios",
            home=("r1#", [("ssh r2", "", "away"), ("who", "r1\n", None)]),
            away=("r2#", [("who", "r2\n", None), ("exit", "", "home")]),
        ),
        "ssh r2",
    ),
    "next router of the same name": (
        dialogue(
            "cisco_ios",
            home=("Router#", [("telnet 192.0.2.2", "Trying 192.0.2.2 ... Open\n", "away"), ("who", "r1\n", None)]),
            away=("Router#", [("who", "r2\n", None), ("exit", "", "home")]),
        ),
        "telnet 192.0.2.2",
    ),
    "VDC": (
        dialogue(
            "cisco_nxos",
            home=("n7k# ", [("switchto vdc red", "", "away"), ("who", "default\n", None)]),
            away=("n7k-red# ", [("who", "red\n", None), ("switchback", "", "home")]),
        ),
        "switchto vdc red",
    ),
    "VRF context": (
        dialogue(
            "cisco_nxos",
            home=("n9k# ", [("routing-context vrf RED", "", "away"), ("who", "default\n", None)]),
            away=("n9k%RED# ", [("who", "RED\n", None)]),
        ),
        "routing-context vrf RED",
    ),
    "VRF of EOS": (
        dialogue(
            "arista_eos",
            home=("leaf1#", [("cli vrf mgmt", "", "away"), ("who", "default\n", None)]),
            away=("leaf1(vrf:mgmt)#", [("who", "mgmt\n", None)]),
        ),
        "cli vrf mgmt",
    ),
    "security context": (
        dialogue(
            "cisco_asa",
            home=("fw1/admin# ", [("changeto context dmz", "", "away"), ("who", "admin\n", None)]),
            away=("fw1/dmz# ", [("who", "dmz\n", None)]),
        ),
        "changeto context dmz",
    ),
    "logical system": (
        dialogue(
            "juniper_junos",
            home=(
                "admin@mx1> ",
                [("set cli logical-system LS1", "Logical system: LS1\n", "away"), ("who", "-\n", None)],
            ),
            away=("admin@mx1:LS1> ", [("who", "LS1\n", None)]),
        ),
        "set cli logical-system LS1",
    ),
    "virtual system": (
        dialogue(
            "huawei",
            home=("HRP_M<FW> ", [("switch vsys a", "", "away"), ("who", "public\n", None)]),
            away=("HRP_M<FW-a> ", [("who", "a\n", None)]),
        ),
        "switch vsys a",
    ),
    "MDC": (
        dialogue(
            "hp_comware",
            home=("<core>", [("switchto mdc a", "", "away"), ("who", "core\n", None)]),
            away=("<H3C>", [("who", "a\n", None)]),
        ),
        "switchto mdc a",
    ),
    "directory": (
        dialogue(
            "linux",
            home=("ops@s1:~$ ", [("cd /etc", "", "away"), ("who", "home\n", None)]),
            away=("ops@s1:/etc$ ", [("who", "etc\n", None)]),
        ),
        "cd /etc",
    ),
}


def client_of(make_client: MakeClient, device: DialogueDevice, **more: Any) -> Client:
    client = make_client(**device.netmiko(**more))
    client.connect()
    return client


@pytest.mark.parametrize("name", WHO)
def test_a_job_that_leaves_the_session_elsewhere_costs_it(
    name: str, play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    content, hop = WHO[name]
    device = play_dialogue(content)
    client = client_of(make_client, device)
    here = client.query("who").output
    assert client.end_job()
    client.query(hop)
    there = client.again("who").output  # within the job nothing is restricted
    assert there != here
    assert not client.end_job()
    assert device.typed[-1] == "who"  # nothing was typed to come back


@pytest.mark.parametrize("name", [name for name in WHO if name in {"next router", "VDC"}])
def test_a_job_that_comes_back_keeps_its_session(
    name: str, play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    content, hop = WHO[name]
    client = client_of(make_client, play_dialogue(content))
    here = client.query("who").output
    client.query(hop)
    assert client.again("who").output != here
    client.again({"VDC": "switchback"}.get(name, "exit"))
    assert client.end_job()
    assert client.query("who").output == here


def test_a_change_in_another_context_costs_the_session(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    device = play_dialogue(
        dialogue(
            "cisco_asa",
            home=("fw1/admin# ", [("configure terminal", "", "config")]),
            config=("fw1/admin(config)# ", [("changeto context dmz", "", "dmz"), ("end", "", "home")]),
            dmz=("fw1/dmz(config)# ", [("logging enable", "", None), ("end", "", "away")]),
            away=("fw1/dmz# ", []),
        )
    )
    client = client_of(make_client, device)
    client.change("changeto context dmz", "logging enable")
    assert not client.end_job()


FORTIGATE: dict[str, tuple[str, Rules]] = {
    "home": (
        "FGT1 # ",
        [("get system status.*", "Version: FortiGate-VM64 v7.4.1\n", None), ("config vdom", "", "vdoms")],
    ),
    "vdoms": ("FGT1 (vdom) # ", [("edit .*", "current vf=dmz:4\n", "dmz"), ("end|abort", "", "home")]),
    "dmz": ("FGT1 (dmz) # ", [("config .*", "", "block"), ("who", "dmz\n", None), ("next|end", "", "home")]),
    "block": ("FGT1 (address) # ", [("set .*", "", None), ("end|abort", "", "dmz")]),
}


def fortigate() -> dict[str, Any]:
    content = dialogue("fortinet", **FORTIGATE)
    content["states"]["home"]["rules"].insert(0, {"line": "get system console", "reply": "output : standard\n"})
    return content


@pytest.mark.parametrize("job", [["config vdom"], ["config vdom", "edit dmz"], ["config vdom", "edit dmz", "who"]])
def test_a_vdom_is_a_context_though_its_prompt_looks_like_a_block(
    job: list[str], play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    device = play_dialogue(fortigate())
    client = client_of(make_client, device)
    client.query(job[0])
    for line in job[1:]:
        client.again(line)
    assert not client.end_job()
    assert device.typed[-1] == job[-1]


def test_a_job_that_leaves_the_vdom_keeps_its_session(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    device = play_dialogue(fortigate())
    client = client_of(make_client, device)
    client.query("config vdom")
    client.again("edit dmz")
    client.again("end")
    assert client.end_job()
    assert device.typed[-1] == "end"


@pytest.mark.parametrize(
    ("platform", "user", "privileged"),
    [("extreme_vsp", "VSP1:1>", "VSP1:1#"), ("cisco_ios", "sw1>", "sw1#"), ("extreme_ers", "ERS>", "ERS#")],
)
def test_privilege_is_given_back(
    platform: str, user: str, privileged: str, play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    device = play_dialogue(
        dialogue(
            platform,
            user=(user, [("enable", "", "privileged")]),
            privileged=(privileged, [("conf.*", "", "config"), ("disable|exit", "", "user")]),
            config=(privileged[:-1] + "(config)#", [("vlan 10", "", None), ("end|exit", "", "privileged")]),
        )
    )
    client = client_of(make_client, device)
    client.change("vlan 10")
    assert client.end_job()
    assert client.session is not None
    assert client.session.prompt.text == user
    assert "disable" in device.typed


def test_mode_that_a_query_entered_is_left(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    device = play_dialogue(
        dialogue(
            "cisco_ios",
            home=("r1#", [("configure terminal", "", "config")]),
            config=("r1(config)#", [("do who", "me\n", None), ("end", "", "home")]),
        )
    )
    client = client_of(make_client, device)
    client.query("configure terminal")
    assert client.again("do who").output == "me"
    assert client.end_job()
    assert device.typed[-1] == "end"


def test_question_that_a_terminator_left_open_costs_the_session(
    play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    content = dialogue(
        "cisco_ios",
        home=("r1#", [("configure terminal", "", "config")]),
        config=("r1(config)#", [("no username bob", "This removes all.\n", "question"), ("end", "", "home")]),
    )
    content["states"]["question"] = {"prompt": "Continue? [confirm]", "rules": [{"key": "any", "go": "config"}]}
    device = play_dialogue(content)
    client = client_of(make_client, device)
    client.change("no username bob", args={"terminator": r"\[confirm\]"})
    assert not client.end_job()
    assert device.received[0].endswith(b"no username bob\n")


def test_gaia_takes_changes_in_its_own_shell(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    device = play_dialogue(
        dialogue(
            "checkpoint_gaia",
            home=("gw1> ", [("set clienv.*", "", None), ("set ntp active on", "", None), ("expert", "", "expert")]),
            expert=("[Expert@gw1:0]# ", [("exit", "", "home")]),
        )
    )
    client = client_of(make_client, device)
    client.change("set ntp active on")
    assert client.end_job()
    assert b"expert" not in b"".join(device.received)
    client.query("expert")
    assert not client.end_job()


@pytest.mark.parametrize(
    ("platform", "prompt", "text"),
    [
        ("linux", "ops@s1:~$ ", "<disk>"),
        ("linux", "ops@s1:~$ ", "see ops@s1:~$ "),
        ("hp_comware", "<core>", "<disk>"),
        ("cisco_ios", "r1#", "other#"),
        ("cisco_ios", "r1#", "the prompt is r1#"),
        ("juniper_junos", "admin@mx1> ", "admin@mx2> "),
    ],
)
def test_look_alikes_do_not_end_an_answer(
    platform: str, prompt: str, text: str, play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    content = dialogue(platform, home=(prompt, []))
    content["states"]["home"]["rules"].insert(0, {"line": "dump", "reply": [f"a\n{text}", {"pause": 1.2}, "b\nend\n"]})
    client = client_of(make_client, play_dialogue(content))
    assert client.query("dump", read_timeout=4).output == f"a\n{text}b\nend"
    assert client.end_job()


def test_answer_that_does_not_end_says_so(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    content = dialogue("linux", home=("ops@s1:~$ ", []))
    content["states"]["home"]["rules"].insert(0, {"line": "dump", "reply": ["a\n<disk>", {"pause": 20}, "b\n"]})
    client = client_of(make_client, play_dialogue(content))
    with pytest.raises(CommandTimeout) as caught:
        client.query("dump", read_timeout=1)
    (output,) = caught.value.outputs
    assert (output.output, output.complete, output.failed) == ("dump\na\n<disk>", False, True)


# -- interactive sessions ---------------------------------------------------------------------------------------------


def lead(client: Client, *commands: bytes) -> list[bytes]:
    """An interactive session with these exchanges, up to its end."""
    client.call("query")
    assert client.session is not None
    client.driver.open_interactive(client.session)
    answers = []
    for number, command in enumerate(commands, 1):
        exchange = Exchange(seq=number, command=command, stdout_re=[(rb"[>#] ?$", 0)], timeout=10)
        answers.append(client.driver.exchange(client.session, exchange, watch=lambda: None).response)
    client.driver.normalise(client.session)
    return answers


@pytest.mark.parametrize("name", [name for name in WHO if name != "directory"])
def test_an_interactive_session_that_ends_elsewhere_costs_the_session(
    name: str, play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    content, hop = WHO[name]
    device = play_dialogue(content)
    client = client_of(make_client, device)
    with pytest.raises(SessionLost):
        lead(client, hop.encode(), b"who")
    assert not client.end_job()
    assert device.typed[-1] == "who"


def test_an_interactive_session_that_comes_back_keeps_it(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    content, hop = WHO["next router"]
    client = client_of(make_client, play_dialogue(content))
    away, here = (answer.splitlines()[1] for answer in lead(client, hop.encode(), b"who", b"exit", b"who")[1::2])
    assert (away, here) == (b"r2", b"r1")
    assert client.end_job()


def test_an_interactive_session_may_rename_the_device(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    device = play_dialogue(
        dialogue(
            "cisco_ios",
            home=("r1#", [("configure terminal", "", "config")]),
            config=("r1(config)#", [("hostname edge", "", "renamed")]),
            renamed=("edge(config)#", [("end", "", "edge")]),
            edge=("edge#", [("who", "edge\n", None)]),
        )
    )
    client = client_of(make_client, device)
    lead(client, b"configure terminal", b"hostname edge")  # configuration mode is left by the driver
    assert client.end_job()
    assert client.query("who").output == "edge"
    assert client.end_job()
    assert device.logins == 1


def test_devices_that_netmiko_reads_are_known_to_have_moved(
    play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    device = play_dialogue(
        dialogue(
            "mikrotik_routeros",
            home=("[admin@one] > ", [("/system ssh 192.0.2.2", "", "away"), ("who", "one\n", None)]),
            away=("[admin@two] > ", [("who", "two\n", None)]),
        ),
        username="admin+ct511w4098h",
    )
    client = make_client(**device.netmiko() | {"username": "admin"})
    client.connect()
    assert client.query("who").output == "one"
    assert client.end_job()
    client.query("/system ssh 192.0.2.2", expect_string=r"two\] >")
    assert client.again("who").output == "two"
    assert not client.end_job()


def test_mode_that_stands_above_the_prompt_is_left(play_dialogue: PlayDialogue, make_client: MakeClient) -> None:
    device = play_dialogue("nokia_sros")
    client = client_of(make_client, device)
    client.query("edit-config exclusive")
    assert client.end_job()
    assert device.typed[-1] == "quit-config"
    assert client.end_job()


def test_directory_of_a_shell_without_a_name_in_its_prompt(
    play_dialogue: PlayDialogue, make_client: MakeClient
) -> None:
    device = play_dialogue(
        dialogue("linux", home=("/ # ", [("cd /tmp", "", "away")]), away=("/tmp # ", [("cd /", "", "home")]))
    )
    client = client_of(make_client, device)
    client.query("cd /tmp")
    client.again("cd /")
    assert client.end_job()
    client.query("cd /tmp")
    assert not client.end_job()
