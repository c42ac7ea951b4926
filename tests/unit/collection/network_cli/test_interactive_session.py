"""How a task takes a device, keeps it and gives it back."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.connection import Connection as ModuleConnection
from ansible.module_utils.connection import ConnectionError as ModuleConnectionError
from ansible_collections.netpulse.broker.plugins.plugin_utils._playbook_run import PlaybookRun

from tests.unit.collection.network_cli.conftest import Connect
from tests.unit.collection.network_cli.scripted_broker import ScriptedBroker, b64


def refusal(status: int, code: str, phase: str, message: str, output: str = "") -> tuple[int, Any, str]:
    data = {"error": code, "phase": phase, "retryable": False, "details": [], "device_output": output}
    return status, data, message


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_nothing_is_opened_before_it_is_needed(broker: ScriptedBroker, connect: Connect) -> None:
    connect().socket_path  # noqa: B018 - ansible-core reads it
    assert broker.requests == []


def test_who_and_what_is_asked_for(broker: ScriptedBroker, connect: Connect) -> None:
    connect(
        password="p", netpulse_secret="s", netpulse_device="core-1", netpulse_session_wait=5, netpulse_priority="batch"
    ).send(command=b"show clock")
    body = broker.requests[0][2]
    assert body["driver"] == "netmiko"
    assert body["device"] == "core-1"
    assert body["connection_args"] == {
        "host": "192.0.2.1",
        "username": "ansible",
        "password": "p",
        "secret": "s",
        "device_type": "plainos",
    }
    assert body["options"] == {"wait": 5, "heartbeat": 4, "max_hold": 600, "priority": "batch"}


def test_terminal_is_set_up_after_a_login_only(broker: ScriptedBroker, connect: Connect) -> None:
    for _ in range(2):
        connection = connect()
        connection.send(command=b"show clock")
        connection.close()
    assert broker.commands == ["terminal length 0", "show clock", "show clock"]


def test_login_questions_go_with_the_opening(broker: ScriptedBroker, connect: Connect) -> None:
    connect(terminal_initial_prompt=["Accept"], terminal_initial_answer=["y"]).send(command=b"show clock")
    exchange = broker.requests[0][2]["exchange"]
    assert (exchange["seq"], exchange["command"], exchange["answer"]) == (1, None, [b64(b"y")])
    assert broker.exchanges()[0]["seq"] == 2


def test_failed_set_up_is_not_left_to_the_next_task(broker: ScriptedBroker, connect: Connect) -> None:
    error = {"code": "stderr_match", "phase": "execute", "message": "matched", "response": b64(b"% Bad")}
    broker.replies["terminal length 0"] = {"error": error}
    with pytest.raises(AnsibleConnectionFailure, match="unable to set terminal parameters"):
        connect().send(command=b"show clock")
    assert broker.session is None
    assert broker.count("POST", "/session/reset") == 1


@pytest.mark.parametrize(("wanted", "warnings"), [("warn", 1), ("ignore", 0)])
def test_failed_set_up_that_is_accepted(broker: ScriptedBroker, connect: Connect, wanted: str, warnings: int) -> None:
    error = {"code": "stderr_match", "phase": "execute", "message": "matched", "response": b64(b"% Bad")}
    broker.replies["terminal length 0"] = {"error": error}
    connection = connect(terminal_errors=wanted)
    connection.send(command=b"show clock")
    assert [level for level, _text in connection.pop_messages()].count("warning") == warnings


def test_prompt_that_is_none_for_the_platform(broker: ScriptedBroker, connect: Connect) -> None:
    broker.prompt = b"$ "
    with pytest.raises(AnsibleConnectionFailure, match=r"prompt not identified.*phase prompt.*ansible@192\.0\.2\.1"):
        connect().send(command=b"show clock")
    assert broker.session is None


def test_privilege_is_raised_for_tasks_that_ask(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect(become=True, netpulse_secret="secret")
    connection.send(command=b"show clock")
    assert broker.commands == ["enable", "terminal length 0", "show clock"]
    assert broker.exchanges()[0]["answer"] == [b64(b"secret")]


def test_privilege_follows_the_items_of_a_loop(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect(become=True, netpulse_secret="secret")
    ModuleConnection(str(connection.socket_path)).get("show clock")
    connection.set_option("become", False)
    ModuleConnection(str(connection.socket_path)).get("show clock")
    assert broker.commands[-2:] == ["disable", "show clock"]


def test_a_login_with_all_rights_is_never_lowered(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect()
    for _ in range(2):
        ModuleConnection(str(connection.socket_path)).get("show clock")
    assert "disable" not in broker.commands


def test_end_of_a_task_gives_the_device_back(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect()
    connection.send(command=b"show clock")
    assert broker.session is not None
    connection.close()
    assert broker.session is None


def test_heartbeat_while_nothing_is_sent(broker: ScriptedBroker, connect: Connect) -> None:
    broker.heartbeat_interval = 0.02
    connection = connect()
    connection.send(command=b"show clock")
    assert eventually(lambda: broker.heartbeats >= 3)
    connection.close()


def test_cut_connection_repeats_the_number_not_the_command(broker: ScriptedBroker, connect: Connect) -> None:
    broker.outputs["clear counters"] = "done"
    broker.drop_after = {"clear counters"}
    assert connect().send(command=b"clear counters") == "done"
    assert broker.commands.count("clear counters") == 1
    numbers = [one["seq"] for one in broker.exchanges()]
    assert numbers[-1] == numbers[-2]


def test_session_that_ends_in_a_request_fails_it(broker: ScriptedBroker, connect: Connect) -> None:
    device = connect()._device
    device.send(command=b"show clock")
    broker.session = None
    for _ in range(2):
        with pytest.raises(AnsibleError, match=r"the session has ended: max_hold passed \(phase session"):
            device.send(command=b"show clock")
    assert [path for method, path, _body in broker.requests if path == "/session"] == ["/session"], "not opened again"


def test_session_that_has_ended_between_requests_is_opened_again(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect()
    module = ModuleConnection(str(connection.socket_path))
    module.get("show clock")
    connection._device._session._ends_at = time.monotonic()  # its max_hold is over
    module.get("show version")
    assert [path for method, path, _body in broker.requests if method == "POST" and path == "/session"] == [
        "/session"
    ] * 2


def test_broker_that_is_not_there(broker: ScriptedBroker, connect: Connect) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AnsibleConnectionFailure) as caught:
            connect(netpulse_broker_url=url).send(command=b"show clock")
    for part in ("cannot reach the broker", url, "Connection refused", "phase broker", "ansible@192.0.2.1:22"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "parts"),
    [
        (refusal(403, "forbidden", "validate", "unknown key"), ["refuses this API key", "phase validate"]),
        (refusal(503, "no_worker", "queue", "no node has room"), ["no node has room", "phase queue"]),
        (refusal(504, "wait_timed_out", "queue", "not granted within 5 s"), ["not granted within 5 s", "phase queue"]),
        (
            refusal(502, "authentication_failed", "auth", "refused the password", "Access denied"),
            ["refused the password: Access denied", "phase auth"],
        ),
    ],
)
def test_refused_openings(
    broker: ScriptedBroker, connect: Connect, answer: tuple[int, Any, str], parts: list[str]
) -> None:
    broker.refusals = [answer]
    with pytest.raises(AnsibleConnectionFailure) as caught:
        connect().send(command=b"show clock")
    for part in (*parts, f"broker {broker.url}", "device ansible@192.0.2.1:22"):
        assert part in str(caught.value)
    assert broker.commands == []


def test_opening_is_tried_again_where_that_can_help(
    broker: ScriptedBroker, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    connection = connect(network_cli_retries=3)
    module = __import__("sys").modules[type(connection._device).__module__].InteractiveSession.take.__func__.__globals__
    monkeypatch.setattr(module["time"], "sleep", pauses.append)
    broker.refusals = [refusal(503, "no_worker", "queue", "no node has room")] * 2
    connection.send(command=b"show clock")
    assert pauses == [2, 4]
    assert broker.commands.count("show clock") == 1


def test_failed_opening_is_not_repeated_within_a_task(broker: ScriptedBroker, connect: Connect) -> None:
    broker.refusals = [refusal(502, "authentication_failed", "auth", "refused")] * 2
    module = ModuleConnection(str((connection := connect()).socket_path))
    for _ in range(2):
        with pytest.raises(ModuleConnectionError, match="refused"):
            module.get("show clock")
    assert broker.count("POST", "/session") == 1
    connection.socket_path  # noqa: B018 - the next item of a loop
    with pytest.raises(ModuleConnectionError, match="refused"):
        module.get("show clock")
    assert broker.count("POST", "/session") == 2


def test_reset_without_a_task_closes_the_kept_session(broker: ScriptedBroker, connect: Connect) -> None:
    connect(in_task=False).reset()
    ((method, path, body),) = broker.requests
    assert (method, path) == ("POST", "/session/reset")
    assert body["connection_args"]["host"] == "192.0.2.1"


def test_reset_within_a_task_leaves_the_kept_session(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect()
    connection.send(command=b"show clock")
    connection.reset()
    assert broker.session is None
    assert broker.count("POST", "/session/reset") == 0


def test_waiting_for_a_device_logs_in_anew(broker: ScriptedBroker, connect: Connect) -> None:
    broker.fresh = False
    connect().transport_test(5)
    assert broker.count("POST", "/session/reset") == 1
    assert broker.commands == ["terminal length 0"]
    assert broker.session is None


def test_device_info_lasts_until_the_next_login(broker: ScriptedBroker, connect: Connect) -> None:
    broker.outputs["show version"] = "1.0"
    for _ in range(2):
        connection = connect()
        assert ModuleConnection(str(connection.socket_path)).get_device_info() == {"network_os_version": "1.0"}
        connection.close()
    assert broker.commands.count("show version") == 1
    broker.fresh = True
    ModuleConnection(str(connect().socket_path)).get_device_info()
    assert broker.commands.count("show version") == 2


def test_files_both_ways(broker: ScriptedBroker, connect: Connect, tmp_path: Path) -> None:
    local = tmp_path / "local.cfg"
    local.write_bytes(bytes(range(256)) * 1000)
    connection = connect()
    connection.copy_file(source=str(local), destination="flash:/a b.cfg", proto="sftp")
    back = tmp_path / "back.cfg"
    connection.get_file(source="flash:/a b.cfg", destination=str(back), proto="scp")
    assert back.read_bytes() == local.read_bytes()
    assert [one[2]["protocol"] for one in broker.requests if one[1].startswith("/session/session-1/file")] == [
        "sftp",
        "scp",
    ]


def test_half_a_file_is_no_file(broker: ScriptedBroker, connect: Connect, tmp_path: Path) -> None:
    broker.files["cut"] = b"half"
    target = tmp_path / "target"
    target.write_text("as it was")
    with pytest.raises(AnsibleError, match="broke during GET"):
        connect().get_file(source="cut", destination=str(target))
    assert target.read_text() == "as it was"
    assert [one.name for one in tmp_path.iterdir() if "part" in one.name] == []


def test_file_that_the_device_has_not(broker: ScriptedBroker, connect: Connect, tmp_path: Path) -> None:
    with pytest.raises(AnsibleError, match="No such file or directory"):
        connect().get_file(source="absent", destination=str(tmp_path / "x"))


def test_device_is_given_back_when_the_playbook_run_is_gone(broker: ScriptedBroker, connect: Connect) -> None:
    """Ten seconds between heartbeats: it is not they that notice."""
    run = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    connection = connect()
    connection._playbook_run = PlaybookRun.of_this_process(told=str(run.pid))
    connection.send(command=b"show clock")
    assert broker.session is not None
    run.communicate()
    assert eventually(lambda: broker.session is None)
    with pytest.raises(AnsibleError, match="playbook run that this task belongs to has ended"):
        connection.send(command=b"show clock")
    connection.close()
    with pytest.raises(AnsibleConnectionFailure, match="playbook run that this task belongs to has ended"):
        connection.send(command=b"show clock")
    assert broker.commands == ["terminal length 0", "show clock"]
    assert broker.heartbeats == 0


def test_a_run_that_ended_and_was_not_waited_for_is_gone() -> None:
    run = subprocess.Popen([sys.executable, "-c", ""])
    watched = PlaybookRun.of_this_process(told=str(run.pid))
    assert eventually(lambda: watched.gone)
    run.wait()
    assert watched.gone
