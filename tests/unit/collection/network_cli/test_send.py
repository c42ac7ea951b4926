"""`send` and its kin, as platform plug-ins call them."""

from __future__ import annotations

import base64
import re

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from tests.unit.collection.network_cli.conftest import Connect
from tests.unit.collection.network_cli.scripted_broker import ScriptedBroker, b64


def test_output_comes_without_echo_and_prompt(broker: ScriptedBroker, connect: Connect) -> None:
    broker.outputs["show clock"] = "12:00:00\r\nbehind device# the prompt"
    assert connect().send(command=b"show clock") == "12:00:00"


def test_lines_with_the_prompt_stay_when_asked(broker: ScriptedBroker, connect: Connect) -> None:
    broker.outputs["show clock"] = "12:00:00"
    assert connect().send(command=b"show clock", strip_prompt=False) == "12:00:00\ndevice#"


def test_undecodable_bytes_are_not_lost(broker: ScriptedBroker, connect: Connect) -> None:
    broker.replies["show users"] = {"response": b64(b"show users\r\nJos\xe9\r\ndevice#")}
    assert connect().send(command=b"show users") == "Jos\udce9"


def test_device_refusal_is_raised_with_its_text(broker: ScriptedBroker, connect: Connect) -> None:
    text = b"nonsense\r\n% Bad command\r\ndevice#"
    error = {"code": "stderr_match", "phase": "execute", "message": "matched", "response": b64(text)}
    broker.replies["nonsense"] = {"error": error}
    connection = connect()
    with pytest.raises(AnsibleConnectionFailure) as caught:
        connection.send(command=b"nonsense")
    assert "% Bad command" in str(caught.value)
    assert connection.get_prompt() == b"\ndevice#", "the session goes on"


def test_questions_and_answers_as_lists(broker: ScriptedBroker, connect: Connect) -> None:
    connect().send(command=b"copy", prompt=[b"Source", b"Dest"], answer=[b"a", b"b"], check_all=True, newline=False)
    exchange = broker.exchanges()[-1]
    assert [base64.b64decode(one) for one in exchange["prompt"]] == [b"Source", b"Dest"]
    assert [base64.b64decode(one) for one in exchange["answer"]] == [b"a", b"b"]
    assert (exchange["check_all"], exchange["newline"]) == (True, False)


def test_check_all_means_nothing_for_a_single_question(broker: ScriptedBroker, connect: Connect) -> None:
    connect().send(command=b"copy", prompt=b"Source", answer=b"a", check_all=True)
    assert broker.exchanges()[-1]["check_all"] is False


def test_check_all_needs_as_many_answers(broker: ScriptedBroker, connect: Connect) -> None:
    with pytest.raises(AnsibleConnectionFailure, match=r"Number of prompts \(2\) is not same as that of answers \(1\)"):
        connect().send(command=b"copy", prompt=[b"a", b"b"], answer=[b"a"], check_all=True)
    assert "copy" not in broker.commands


def test_sendonly_waits_for_nothing(broker: ScriptedBroker, connect: Connect) -> None:
    assert connect().send(command=b"reload", sendonly=True) is None
    assert broker.exchanges()[-1]["sendonly"] is True


def test_expressions_go_along_with_their_flags(broker: ScriptedBroker, connect: Connect) -> None:
    connect().send(command=b"show clock")
    assert broker.exchanges()[-1]["stderr_re"] == [[b64(b"% ?Bad"), re.IGNORECASE.value]]


def test_expressions_of_the_inventory_replace_the_platforms(broker: ScriptedBroker, connect: Connect) -> None:
    connect(terminal_stderr_re=[{"pattern": "oops", "flags": "re.M"}]).send(command=b"show clock")
    assert broker.exchanges()[-1]["stderr_re"] == [[b64(b"oops"), re.MULTILINE.value]]


def test_expressions_that_a_cliconf_plugin_adds_count(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect()
    added = re.compile(rb"warning")
    expressions = connection._device._get_terminal_std_re("terminal_stderr_re")
    expressions.append(added)
    try:
        connection.send(command=b"show clock")
        assert [b64(b"warning"), 0] in broker.exchanges()[-1]["stderr_re"]
    finally:
        expressions.remove(added)


def test_timeouts_of_the_task_reach_the_broker(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect(persistent_command_timeout=7, persistent_buffer_read_timeout=0.25)
    connection.send(command=b"show clock")
    assert (broker.exchanges()[-1]["timeout"], broker.exchanges()[-1]["settle"]) == (7, 0.25)
    connection.set_option("persistent_command_timeout", 9)
    connection.send(command=b"show clock")
    assert broker.exchanges()[-1]["timeout"] == 9


def test_negative_timeout_is_refused(broker: ScriptedBroker, connect: Connect) -> None:
    with pytest.raises(AnsibleConnectionFailure, match="should be greater than or equal to zero"):
        connect(persistent_command_timeout=-1).send(command=b"show clock")


def test_command_timeout_is_no_output(broker: ScriptedBroker, connect: Connect) -> None:
    error = {"code": "command_timeout", "phase": "execute", "message": "no prompt", "response": b64(b"reload?")}
    broker.replies["reload"] = {"error": error, "lease_open": False, "matched_prompt": None}
    connection = connect(persistent_command_timeout=3)
    with pytest.raises(AnsibleError) as caught:
        connection.send(command=b"reload")
    message = str(caught.value)
    assert message.startswith("command timeout triggered, timeout value is 3 secs.")
    assert broker.url in message
    assert "ansible@192.0.2.1:22" in message
    assert not isinstance(caught.value, AnsibleConnectionFailure), "platform plug-ins would take it for an answer"


def test_wrong_answer(broker: ScriptedBroker, connect: Connect) -> None:
    error = {"code": "prompt_retry", "phase": "execute", "message": "again", "response": b64(b"Password:")}
    broker.replies["enable"] = {"error": error, "matched_prompt": None, "matched_cmd_prompt": b64(b"Password:")}
    with pytest.raises(AnsibleConnectionFailure, match="answer is not valid"):
        connect().send(command=b"enable", prompt=b"Password:", answer=b"x", prompt_retry_check=True)


def test_exec_command_takes_json_and_plain_text(broker: ScriptedBroker, connect: Connect) -> None:
    device = connect()._device
    device.exec_command(b'{"command": "clear", "prompt": "confirm", "answer": "y"}')
    device.exec_command(b"show clock")
    assert broker.commands[-2:] == ["clear", "show clock"]
    assert base64.b64decode(broker.exchanges()[-2]["answer"][0]) == b"y"


def test_single_user_mode_asks_once_until_something_is_configured(broker: ScriptedBroker, connect: Connect) -> None:
    broker.outputs["show clock"] = "12:00:00"
    connection = connect(single_user_mode=True)
    assert [connection.send(command=b"show clock") for _ in range(2)] == ["12:00:00", "12:00:00"]
    assert broker.commands.count("show clock") == 1
    connection.send(command=b"wipe")
    connection.send(command=b"show clock")
    assert broker.commands.count("show clock") == 2


def test_single_user_mode_lasts_over_tasks(broker: ScriptedBroker, connect: Connect) -> None:
    broker.outputs["show clock"] = "12:00:00"
    for _ in range(2):
        connection = connect(single_user_mode=True)
        assert connection.send(command=b"show clock") == "12:00:00"
        connection.close()
    assert broker.commands.count("show clock") == 1
