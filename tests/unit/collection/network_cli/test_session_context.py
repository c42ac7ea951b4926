"""Where address, login and privilege of a task come from: what is rendered, never a template's text."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.become import BecomeBase

from tests.unit.collection.network_cli.conftest import Connect
from tests.unit.collection.network_cli.scripted_broker import ScriptedBroker, b64


class Enable(BecomeBase):  # type: ignore[misc]
    """A become plug-in whose options ansible-core has set."""

    name = "enable"

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret

    def build_become_command(self, cmd: str, shell: Any) -> str:
        return cmd

    def has_option(self, option: str) -> bool:
        return option == "become_pass"

    def get_option(self, option: str, hostvars: Any = None, playcontext: Any = None) -> str:
        return {"become_pass": self._secret}[option]


def asked_for(broker: ScriptedBroker) -> dict[str, Any]:
    return dict(broker.requests[0][2]["connection_args"])


def test_nothing_of_the_play_context_is_sent_unrendered(broker: ScriptedBroker, connect: Connect) -> None:
    texts = dict.fromkeys(("password", "private_key_file"), "{{ anything }}")
    connect(play={**texts, "port": "{{ port }}"}).send(command=b"show clock")
    assert "{{" not in repr(broker.requests)
    assert asked_for(broker) == {"host": "192.0.2.1", "username": "ansible", "device_type": "plainos"}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"netpulse_ssh_host": "192.0.2.9"}, {"host": "192.0.2.9"}),
        ({"netpulse_ssh_port": 2222, "port": 22}, {"port": 2222}),
        ({"netpulse_ssh_user": "other"}, {"username": "other"}),
        ({"host": "[2001:db8::1]"}, {"host": "2001:db8::1"}),
    ],
)
def test_variables_by_their_older_names(
    broker: ScriptedBroker, connect: Connect, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    connect(**given).send(command=b"show clock")
    assert {name: asked_for(broker)[name] for name in sent} == sent


def test_secret_of_the_become_plug_in_is_typed(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect(become=True)
    connection.set_become_plugin(Enable("rendered"))
    connection.send(command=b"show clock")
    assert broker.exchanges()[0]["answer"] == [b64(b"rendered")]
    assert asked_for(broker)["secret"] == "rendered"


def test_secret_that_was_asked_for_on_the_command_line(broker: ScriptedBroker, connect: Connect) -> None:
    connect(play={"become_pass": "typed"}).send(command=b"show clock")
    assert asked_for(broker)["secret"] == "typed"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"host": "{{ mgmt }}"}, "connection_args.host"),
        ({"password": "{{ vaulted }}"}, "connection_args.password"),
        ({"netpulse_secret": "{{ vaulted }}"}, "connection_args.secret"),
        ({"netpulse_connection_args": {"jump": [{"host": "{{ bastion }}"}]}}, "connection_args.jump.host"),
        ({"netpulse_device": "{{ name }}"}, "netpulse_device"),
    ],
)
def test_templates_stay_here(broker: ScriptedBroker, connect: Connect, given: dict[str, Any], named: str) -> None:
    with pytest.raises(AnsibleConnectionFailure, match=rf"{named} holds '{{{{'.*not rendered") as raised:
        connect(**given).send(command=b"show clock")
    assert broker.requests == []
    assert "vaulted" not in str(raised.value)


def test_a_template_is_never_typed_at_the_password_question(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect(become=True, netpulse_connection_args={"secret": "s"})
    connection.set_become_plugin(Enable("{{ enable }}"))
    with pytest.raises(AnsibleConnectionFailure, match="ansible_become_password holds"):
        connection.send(command=b"show clock")
    assert broker.commands == []


def test_a_task_that_sends_nothing_needs_no_platform(connect: Connect) -> None:
    connection = connect(network_os=None)
    assert not connection.connected
    connection.close()
    with pytest.raises(AnsibleConnectionFailure, match="ansible_network_os"):
        connection.socket_path  # noqa: B018 - ansible-core reads it


def test_platform_that_netmiko_does_not_know(broker: ScriptedBroker, connect: Connect) -> None:
    connection = connect()
    connection._play_context.network_os = "acme.box.box"
    connection.send(command=b"show clock")
    assert asked_for(broker)["device_type"] == "generic"
    assert "acme.box.box" in next(text for level, text in connection.pop_messages() if level == "warning")


def test_prompt_whose_expression_asks_for_a_blank(broker: ScriptedBroker, connect: Connect) -> None:
    """A kept session's prompt comes from the broker, without the blank behind it."""
    broker.fresh = False
    connection = connect(terminal_stdout_re=[{"pattern": r"device# $"}])
    connection.send(command=b"show clock")
    assert broker.commands == ["show clock"]


@pytest.mark.parametrize("off", [{"host_key_checking": False}, {"host_key_auto_add": True}])
def test_host_key_that_is_not_trusted_names_the_option_without_effect(
    broker: ScriptedBroker, connect: Connect, off: dict[str, Any]
) -> None:
    data = {"error": "host_key_refused", "phase": "connect", "retryable": False, "details": [], "device_output": ""}
    broker.refusals = [(502, data, "the host key of 192.0.2.1 has changed")]
    connection = connect(**off)
    with pytest.raises(AnsibleConnectionFailure, match="host key"):
        connection.send(command=b"show clock")
    (warning,) = [text for level, text in connection.pop_messages() if level == "warning"]
    assert f"{next(iter(off))} has no effect" in warning


def test_task_that_nobody_waits_for_is_served_by_the_helper_process(connect: Connect) -> None:
    connection = connect()
    for keys, helper in (({"async_val": 60, "poll": 0}, True), ({"async_val": 60, "poll": 5}, False), ({}, False)):
        connection.set_options(task_keys=keys, direct={"network_os": "plainos"})
        assert connection.force_persistence is helper
