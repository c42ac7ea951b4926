"""Serving modules from a thread of the worker, and what happens where ansible-core does not allow that."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.connection import Connection as ModuleConnection
from ansible.module_utils.connection import ConnectionError as ModuleConnectionError
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display
from ansible_collections.netpulse.broker.plugins.plugin_utils._playbook_run import PlaybookRun

from tests.unit.collection.network_cli.conftest import Connect
from tests.unit.collection.network_cli.scripted_broker import ScriptedBroker


def test_modules_reach_the_device_and_the_worker_does_not(broker: ScriptedBroker, connect: Connect) -> None:
    broker.outputs["echo here"] = "on the device"
    connection = connect()
    module = ModuleConnection(str(connection.socket_path))
    assert module.exec_command("echo here") == "on the device"
    assert connection.exec_command("echo here")[1].strip() == b"here"


def test_cliconf_methods_and_options_are_served(broker: ScriptedBroker, connect: Connect) -> None:
    broker.outputs["show running-config"] = "hostname device"
    module = ModuleConnection(str(connect(persistent_command_timeout=11).socket_path))
    assert module.get_config() == "hostname device"
    assert module.get_option("persistent_command_timeout") == 11
    module.edit_config(candidate=["hostname other"])
    assert broker.commands[-3:] == ["configure", "hostname other", "end"]


@pytest.mark.parametrize("name", ["no_such_thing", "_connect", "cliconf"])
def test_what_is_no_method_is_not_served(connect: Connect, name: str) -> None:
    path = str(connect().socket_path)
    with pytest.raises(ModuleConnectionError):
        ModuleConnection(path).__rpc__(name)


def test_plugin_that_ends_the_process_ends_neither_worker_nor_thread(
    broker: ScriptedBroker, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(Display, "error", lambda self, msg, **_more: shown.append(msg))
    connection = connect()
    module = ModuleConnection(str(connection.socket_path))
    with pytest.raises(ModuleConnectionError, match="SystemExit while serving the request"):
        module.leave()
    module.get("show clock")
    connection.close()
    assert "a plug-in that ends the process" in shown[0]


def test_nothing_is_left_of_the_socket(connect: Connect) -> None:
    connection = connect()
    path = Path(connection.socket_path)
    assert path.exists()
    assert path.parent.stat().st_mode & 0o077 == 0
    connection.close()
    assert not path.parent.exists()
    assert [one.name for one in threading.enumerate() if one.name == "netpulse-heartbeat"] == []


def test_long_temporary_directory(connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("ansible.constants.DEFAULT_LOCAL_TMP", str(deep))
    ModuleConnection(str(connect().socket_path)).get("show clock")


def test_path_is_not_kept_by_the_main_process(connect: Connect) -> None:
    path = connect().socket_path
    assert copy.deepcopy({"_ansible_socket": path}) == {"_ansible_socket": str(path)}
    assert pickle.loads(pickle.dumps({"_ansible_socket": path})) == {"_ansible_socket": ""}  # noqa: S301


def test_another_connection_of_the_process_takes_over(broker: ScriptedBroker, connect: Connect) -> None:
    first = connect()
    ModuleConnection(str(first.socket_path)).get("show clock")
    second = connect(host="192.0.2.2")
    ModuleConnection(str(second.socket_path)).get("show clock")
    assert [path for method, path, _body in broker.requests if method == "DELETE"] == ["/session/session-1"]
    assert not first.connected


def test_loop_goes_on_with_the_same_connection(connect: Connect) -> None:
    connection = connect()
    assert not connection.connected
    path = connection.socket_path
    assert connection.connected
    assert connection.socket_path == path


def test_loop_over_devices_of_one_address(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect()
    module = ModuleConnection(str(connection.socket_path))
    module.get("show clock")
    connection.set_option("port", 2222)
    assert connection.socket_path == module.socket_path
    module.get("show clock")
    opened = [body["connection_args"].get("port") for _method, path, body in broker.requests if path == "/session"]
    assert opened == [None, 2222]
    assert broker.count("DELETE", "/session/session-1") == 1


def test_loop_over_platforms(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect()
    ModuleConnection(str(connection.socket_path)).get("show clock")
    before = connection.cliconf
    connection.set_options(direct={"network_os": "otheros"})
    assert broker.session is None
    assert connection.cliconf is not before
    assert connection._sub_plugin["obj"] is connection.cliconf


def test_no_helper_process(connect: Connect) -> None:
    assert connect().force_persistence is False


def test_helper_process_when_wanted(connect: Connect) -> None:
    connection = connect(netpulse_helper_process=True)
    assert connection.force_persistence is True
    assert connection.socket_path is None, "ansible-core sets it when the helper runs"


def test_no_helper_process_for_a_run_that_is_gone(connect: Connect) -> None:
    """ansible-core starts one at each repetition, and would have it look at whoever has taken the worker in."""
    connection = connect(netpulse_helper_process=True)
    run = subprocess.Popen([sys.executable, "-c", ""])
    run.wait()
    connection._playbook_run = PlaybookRun.of_this_process(told=str(run.pid))
    with pytest.raises(AnsibleConnectionFailure, match="run that this task belongs to has ended"):
        connection.force_persistence  # noqa: B018


def test_helper_process_with_a_warning_when_the_hook_is_gone(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda self, msg, **_more: warnings.append(msg))
    monkeypatch.setattr(ConnectionBase, "socket_path", None)
    connection = connect()
    assert connection.force_persistence is True
    assert connection.force_persistence is True
    assert len(warnings) == 1
    assert "no property socket_path" in warnings[0]


def test_in_the_helper_process_requests_come_to_the_connection(broker: ScriptedBroker, connect: Connect) -> None:
    broker.outputs["show clock"] = "12:00:00"
    connection = connect()
    connection._socket_path = "/as/the/helper/sets/it"
    assert connection.get("show clock") == "12:00:00"
    assert connection.exec_command(b"show clock") == "12:00:00"
    connection.release_session()
    assert broker.session is None
    assert connection.get("show clock") == "12:00:00"


def test_log_of_all_interactions(broker: ScriptedBroker, connect: Connect) -> None:
    broker.outputs["show clock"] = "12:00:00"
    connection = connect(persistent_log_messages=True)
    connection.send(command=b"show clock")
    messages = connection.pop_messages()
    assert any("WILL NOT redact" in text for level, text in messages if level == "warning")
    logged = [text for level, text in messages if level == "log"]
    assert any("send command" in text and "show clock" in text for text in logged)
    assert any("12:00:00" in text for text in logged)
