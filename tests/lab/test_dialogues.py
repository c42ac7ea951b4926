"""Devices that are data: what the format can say, what the simulator makes of it, and what it refuses."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import paramiko
import pytest
from netmiko import ConnectHandler

from netpulse_lab import DialogueError, LabError, load_dialogue, shipped_dialogues
from tests.lab.fixtures_dialogues import DialogueDevice, PlayDialogue
from tests.lab.raw_shell import RawShell


def dialogue(states: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"platform": "cisco_ios", "about": "A device of one test.", "states": states, **more}


def shown_after(device: DialogueDevice, *typed: str | bytes, last: str) -> bytes:
    """Everything that a terminal shows from the login to the regular expression `last`."""
    with RawShell(device.device) as shell:
        for piece in typed:
            shell.send(piece)
        return shell.read_bytes(last.encode())


# -- the files that come with the lab ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped_dialogues())
def test_stock_netmiko_logs_in_to_each_dialogue_and_each_state_can_be_reached(
    name: str, play_dialogue: PlayDialogue
) -> None:
    content = load_dialogue(name)
    assert content.about
    assert content.source
    goals = {rule.go for state in content.states.values() for rule in state.rules}
    assert set(content.states) <= {*goals, content.first, content.telnet}
    device = play_dialogue(name)
    with ConnectHandler(**device.netmiko()) as session:
        assert session.find_prompt()
    assert device.logins == 1


def test_a_telnet_login_is_part_of_the_dialogue(play_dialogue: PlayDialogue) -> None:
    device = play_dialogue("cisco_ios", telnet_port=0)
    with ConnectHandler(**device.netmiko(telnet=True)) as session:
        session.enable()
        assert session.find_prompt() == "sw1#"
    assert device.logins == 1
    assert ("secret", "") in [(line.kind, line.line) for line in device.log]
    assert "admin-password" not in device.typed


def test_a_wrong_answer_at_a_hidden_question_leads_elsewhere(play_dialogue: PlayDialogue) -> None:
    device = play_dialogue("cisco_ios")
    shown = shown_after(device, "enable\r", "wrong\r", last="denied\r\nsw1>$")
    assert shown == b"\r\nsw1>enable\r\nPassword: \r\n% Access denied\r\nsw1>"


# -- what the format can say ------------------------------------------------------------------------------------------


def test_lines_match_as_a_whole_and_unknown_ones_get_the_words_of_their_state(play_dialogue: PlayDialogue) -> None:
    states = {
        "exec": {
            "prompt": "r1#",
            "rules": [{"line": "show clock", "reply": "noon\n"}, {"line": "conf.*", "go": "config"}],
        },
        "config": {"prompt": "r1(config)#", "unknown": ["no such line: ", {"group": 0}, "\n"]},
    }
    device = play_dialogue(dialogue(states, unknown="% What?\n"))
    shown = shown_after(
        device, "show clock\r", " show clock now \r", "\r", "conf t\r", "nonsense\r", last="nonsense\r\nr1.*#$"
    )
    assert shown == (
        b"\r\nr1#show clock\r\nnoon\r\nr1# show clock now \r\n% What?\r\nr1#\r\nr1#conf t\r\n"
        b"r1(config)#nonsense\r\nno such line: nonsense\r\nr1(config)#"
    )
    assert device.received == [b"show clock\r show clock now \r\rconf t\rnonsense\r"]
    assert [(line.mode, line.line) for line in device.log][-2:] == [("exec", "conf t"), ("config", "nonsense")]


def test_a_pause_holds_back_the_rest_and_what_is_typed_meanwhile(play_dialogue: PlayDialogue) -> None:
    reply = ["first half ", {"pause": 0.2}, "second half\n"]
    device = play_dialogue(dialogue({"exec": {"prompt": "r1#", "rules": [{"line": "show", "reply": reply}]}}))
    with RawShell(device.device) as shell:
        shell.send("show\rx\r")
        assert shell.read_bytes(b"unknown|Unknown command") == (
            b"\r\nr1#show\r\nfirst half second half\r\nr1#x\r\n% Unknown command"
        )
        assert not any(b"first" in piece and b"second" in piece for piece in shell.pieces)


def test_a_key_acts_at_once_without_echo_and_return_is_one_key(play_dialogue: PlayDialogue) -> None:
    states = {
        "exec": {"prompt": "r1#", "rules": [{"line": "reload", "go": "confirm"}]},
        "confirm": {"prompt": "Proceed? [confirm]", "rules": [{"key": "return", "reply": "\n", "go": "exec"}]},
    }
    device = play_dialogue(dialogue(states))
    # "x" is no key of this question. CR LF is one RETURN: the next line is not answered by half of it.
    shown = shown_after(device, "reload\r", "x", "\r\n", "reload\r\n", "\n", last="(?s)confirm.*confirm.*r1#$")
    assert shown == b"\r\nr1#reload\r\nProceed? [confirm]\r\nr1#reload\r\nProceed? [confirm]\r\nr1#"


def test_a_control_key_drops_the_line(play_dialogue: PlayDialogue) -> None:
    states = {
        "config": {"prompt": "c#", "rules": [{"control": "Z", "reply": "^Z\n", "go": "exec"}]},
        "exec": {"prompt": "r1#"},
    }
    device = play_dialogue(dialogue(states))
    assert shown_after(device, "abc\x1ax\r", last="Unknown") == b"\r\nc#abc^Z\r\nr1#x\r\n% Unknown"


def test_a_line_is_edited_with_backspaces(play_dialogue: PlayDialogue) -> None:
    device = play_dialogue(dialogue({"exec": {"prompt": "r1#", "rules": [{"line": "né", "reply": "yes\n"}]}}))
    assert b"yes" in shown_after(device, "full\x15nü\x7fé\r", last="yes|Unknown")


def test_rules_can_count_and_devices_remember(play_dialogue: PlayDialogue) -> None:
    rules = [
        {"line": "lock", "times": 1, "reply": "locked by another user\n"},
        {"line": "lock", "set": {"owner": "me"}},
        {"line": r"take (\S+)", "set": {"owner": [{"group": 1}, "!"]}},
        {"line": "show owner", "when": {"owner": "me"}, "reply": "you\n"},
        {"line": "show owner", "reply": ["owner: ", {"value": "owner"}, "\n"]},
    ]
    prompt = ["r1.", {"count": 1}, "#"]
    device = play_dialogue(dialogue({"exec": {"prompt": prompt, "rules": rules}}, memory={"owner": "nobody"}))
    shown = shown_after(device, "lock\rshow owner\rlock\rshow owner\rtake bob\r", last=r"r1\.6#$")
    assert shown.decode().replace("\r\n", "\n") == (
        "\nr1.1#lock\nlocked by another user\nr1.2#show owner\nowner: nobody\nr1.3#lock\nr1.4#show owner\nyou\n"
        "r1.5#take bob\nr1.6#"
    )
    # The next session counts from one again, and the device knows what the first one did.
    assert shown_after(device, "show owner\r", last=r"r1\.2#$") == b"\r\nr1.1#show owner\r\nowner: bob!\r\nr1.2#"
    device.lab.restore(device.device)
    assert b"owner: nobody" in shown_after(device, "show owner\r", last=r"r1\.2#$")


def test_a_session_has_variables_of_its_own(play_dialogue: PlayDialogue) -> None:
    rules = [
        {"line": r"changeto (\S+)", "set": {"context": [{"group": 1}]}},
        {"line": "where", "when": {"context": "dmz"}, "reply": "not at home\n"},
        {"line": "where", "reply": [{"value": "context"}, "\n"]},
    ]
    prompt = ["fw1/", {"value": "context"}, "#"]
    device = play_dialogue(dialogue({"exec": {"prompt": prompt, "rules": rules}}, session={"context": "admin"}))
    shown = shown_after(device, "where\rchangeto dmz\rwhere\r", last=r"not at home\r\nfw1/dmz#$")
    assert b"fw1/admin#where\r\nadmin\r\n" in shown
    assert b"fw1/admin#where\r\nadmin\r\n" in shown_after(device, "where\r", last=r"admin\r\nfw1/admin#$")


def test_bytes_go_out_as_they_are_written(play_dialogue: PlayDialogue) -> None:
    rule = {"line": "show", "reply": ["a\r", {"hex": "ff 00 c3"}, "\r\n\x1b[K\n"]}
    device = play_dialogue(dialogue({"exec": {"prompt": "r1# \r", "rules": [rule]}}))
    shown = shown_after(device, "show\r", last="(?s)K.*# \r$")
    assert shown == b"\r\nr1# \rshow\r\na\r\xff\x00\xc3\r\n\x1b[K\r\nr1# \r"


@pytest.mark.parametrize("end", ["close", "rst"])
def test_a_rule_ends_the_session_behind_its_reply(end: str, play_dialogue: PlayDialogue) -> None:
    rule = {"line": "exit", "reply": "bye\n", "end": end}
    device = play_dialogue(dialogue({"exec": {"prompt": "r1#", "rules": [rule]}}))
    with RawShell(device.device) as shell:
        shell.send("exit\r")
        shell.read(r"bye\n$")
        assert isinstance(shell.ended(), EOFError | OSError)


def test_a_session_that_hangs_says_nothing_more(play_dialogue: PlayDialogue) -> None:
    rule = {"line": "show", "reply": "half", "end": "hang"}
    device = play_dialogue(dialogue({"exec": {"prompt": "r1#", "rules": [rule]}}))
    with RawShell(device.device) as shell:
        shell.send("show\rshow\r")
        shell.read("half$")
        assert shell.silent()


# -- echoes -----------------------------------------------------------------------------------------------------------


class Screen:
    """As much of a VT100 as the drawn echo needs: the text of the line where the cursor is."""

    def __init__(self) -> None:
        self.cells: list[str] = []
        self.column = 0

    def feed(self, data: bytes) -> str:
        for sequence, backs, text in re.findall(r"(\x1b\[[0-9;?]*[A-Za-z])|(\x08+)|([^\x1b\x08]+)", data.decode()):
            if sequence.endswith("H"):
                self.column = int(sequence[2:-1].split(";")[1] or 1) - 1
            elif sequence == "\x1b[2K":
                self.cells = []
            elif backs:
                self.column -= len(backs)
            for character in text:
                self.cells += [" "] * (self.column + 1 - len(self.cells))
                self.cells[self.column] = character
                self.column += 1
        return "".join(self.cells).rstrip()


def test_a_drawn_echo_puts_each_character_at_its_column(play_dialogue: PlayDialogue) -> None:
    device = play_dialogue(dialogue({"exec": {"prompt": "SW1# ", "rules": []}}, echo="cursor"))
    with RawShell(device.device) as shell:
        first = shell.read_bytes(rb"24;6H$").partition(b"\r\n")[2]
        assert b"SW1# " in first
        assert b"\x1b[24;1H" in first
        shell.send("vlan")
        echoed = shell.read_bytes(rb"24;10H$")
    assert b"vlan" not in echoed
    assert Screen().feed(first + echoed) == "SW1# vlan"


def test_a_long_line_scrolls_to_the_left_behind_a_dollar_sign(play_dialogue: PlayDialogue) -> None:
    line = "access-list outside extended permit tcp object-group CUSTOMERS object-group SERVERS eq https log"
    device = play_dialogue(
        dialogue({"config": {"prompt": "fw1(config)# ", "rules": [{"line": ".*", "reply": "ok\n"}]}}, echo="scroll")
    )
    shown = shown_after(device, f"{line}\r", last="ok\r\n").partition(b"\r\n")[2]
    echo = shown.rpartition(b"\r\nok")[0]
    assert b"\b$" in echo
    assert line.encode() not in echo
    last = Screen().feed(echo)
    assert re.match(r"fw1\(config\)# \$", last)
    assert last.endswith("eq https log")
    assert len(last) < 80
    assert device.received == [f"{line}\r".encode()]


def test_a_short_line_does_not_scroll(play_dialogue: PlayDialogue) -> None:
    device = play_dialogue(dialogue({"config": {"prompt": "c# "}}, echo="scroll"))
    assert shown_after(device, f"{'x' * 76}\r", last="Unknown") == b"\r\nc# " + b"x" * 76 + b"\r\n% Unknown"


def test_nothing_comes_back_from_a_device_without_echo(play_dialogue: PlayDialogue) -> None:
    device = play_dialogue(dialogue({"exec": {"prompt": "> ", "rules": [{"line": "a", "reply": "b\n"}]}}, echo="none"))
    assert shown_after(device, "a\r", last="b\r\n> $") == b"\r\n> b\r\n> "


# -- logins -----------------------------------------------------------------------------------------------------------


def methods(device: DialogueDevice) -> list[str]:
    """The methods that the device offers to somebody who has shown nothing yet; none where he is let in so."""
    transport = paramiko.Transport((device.device.host, device.device.port))
    try:
        transport.start_client(timeout=60)
        transport.auth_none("admin")
    except paramiko.BadAuthenticationType as refused:
        return refused.allowed_types
    finally:
        transport.close()
    return []


@pytest.mark.parametrize(
    ("auth", "offered"),
    [(["password"], ["password"]), (["keyboard-interactive"], ["keyboard-interactive"]), (["none"], [])],
)
def test_a_dialogue_names_the_methods_of_its_login(
    auth: list[str], offered: list[str], play_dialogue: PlayDialogue
) -> None:
    assert methods(play_dialogue(dialogue({"exec": {"prompt": "r1#"}}, auth=auth))) == offered


def test_a_wrong_password_is_refused(play_dialogue: PlayDialogue) -> None:
    device = play_dialogue(dialogue({"exec": {"prompt": "r1#"}}))
    with pytest.raises(paramiko.AuthenticationException):
        RawShell(device.device, password="wrong")
    assert device.logins == 0


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"states": {}}, "states"),
        ({"states": {"a": {"promt": "x"}}}, r"states\.a\.promt"),
        ({"states": {"a": {"rules": [{"reply": "x"}]}}}, "exactly one of 'line'"),
        ({"states": {"a": {"rules": [{"line": "x", "key": "y"}]}}}, "exactly one of 'line'"),
        ({"states": {"a": {"rules": [{"line": "("}]}}}, r"states\.a\.rules\.0\.line.*no regular expression"),
        ({"states": {"a": {"rules": [{"line": "x", "go": "b"}]}}}, r"states\.a\.rules\.0\.go names no state: 'b'"),
        ({"states": {"a": {"rules": [{"line": "x"}, {"key": "y"}]}}}, "lines or single keys"),
        ({"states": {"a": {"rules": [{"key": "enter"}]}}}, "'key' takes one character"),
        ({"states": {"a": {"prompt": [{"value": "x"}]}}}, "no variable 'x'"),
        ({"states": {"a": {}}, "memory": {"x": ""}, "session": {"x": ""}}, "in 'memory' and in 'session'"),
        ({"states": {"a": {}}, "start": "b"}, "start names no state"),
        ({"states": {"a": {}}, "echo": "loud"}, "echo"),
    ],
)
def test_a_wrong_dialogue_is_refused_and_the_place_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(DialogueError, match=said):
        load_dialogue(dialogue({}) | wrong)


def test_a_file_is_yaml_or_json_and_its_words_stay_words(tmp_path: Path, play_dialogue: PlayDialogue) -> None:
    text = "platform: cisco_ios\nabout: x\nstates:\n  exec:\n    prompt: r1#\n    rules:\n"
    text += "      - line: no\n        reply: off\n"
    as_yaml, as_json = tmp_path / "one.yml", tmp_path / "two.json"
    as_yaml.write_text(text)
    assert load_dialogue(as_yaml).states["exec"].rules[0].line == "no"
    as_json.write_text(
        json.dumps(dialogue({"exec": {"prompt": "r1#", "rules": [{"line": "no", "reply": "off"}]}}, about="x"))
    )
    assert load_dialogue(as_json) == load_dialogue(as_yaml)
    assert b"off" in shown_after(play_dialogue(as_yaml), "no\r", last="off|Unknown")


def test_what_is_no_dialogue_is_named(tmp_path: Path) -> None:
    with pytest.raises(DialogueError, match="hp_procurve"):
        load_dialogue("no-such-device")
    broken = tmp_path / "broken.yml"
    broken.write_text("a: [")
    with pytest.raises(DialogueError, match=r"broken\.yml is no YAML"):
        load_dialogue(broken)


@pytest.mark.parametrize("fields", [{"telnet_port": 0}, {"config": "hostname x"}, {"http_port": 0}])
def test_what_a_dialogue_cannot_do_is_refused(fields: dict[str, Any], play_dialogue: PlayDialogue) -> None:
    with pytest.raises(LabError, match=next(iter(fields)) if "telnet_port" not in fields else "telnet"):
        play_dialogue("hp_procurve", **fields)


def test_faults_of_a_connection_work_on_dialogues_too(play_dialogue: PlayDialogue) -> None:
    device = play_dialogue("hp_procurve", faults={"auth_failures": 1})
    with pytest.raises(paramiko.AuthenticationException):
        RawShell(device.device)
    with RawShell(device.device) as shell:
        shell.read_bytes(b"SW1#")
        assert device.lab.drop(device.device, "rst") >= 1  # the refused login may be closing still
        assert isinstance(shell.ended(), EOFError | OSError | socket.error)
