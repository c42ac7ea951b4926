"""Where options come from, and what the driver is given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.netpulse.broker.plugins.module_utils._argument_spec import (
    COMMAND_ARGUMENTS,
    CONFIG_ARGUMENTS,
    CONFIG_CONDITIONS,
    with_broker_arguments,
)
from ansible_collections.netpulse.broker.plugins.plugin_utils._options import (
    OptionError,
    connection_args,
    gather,
    queue_options,
    texts_as_lists,
    validate,
)

HOST = {"inventory_hostname": "r1", "ansible_network_os": "cisco.ios.ios"}


def gathered(
    arguments: dict[str, Any] | None = None,
    variables: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    play_context: Any = None,
) -> dict[str, Any]:
    found: dict[str, Any] = gather(
        arguments or {},
        variable={**HOST, **(variables or {})}.get,
        environment=environment or {},
        play_context=play_context,
    )
    return found


def test_argument_beats_variable_beats_environment() -> None:
    arguments = {"broker_url": "http://task"}
    variables = {"netpulse_broker_url": "http://variable"}
    environment = {"NETPULSE_URL": "http://environment"}
    assert gathered(arguments, variables, environment)["broker_url"] == "http://task"
    assert gathered({}, variables, environment)["broker_url"] == "http://variable"
    assert gathered({}, {}, environment)["broker_url"] == "http://environment"
    assert "broker_url" not in gathered()


def test_empty_argument_and_empty_variable_count_as_not_given() -> None:
    assert gathered({"api_key": None}, {"netpulse_api_key": ""}, {"NETPULSE_API_KEY": "k"})["api_key"] == "k"


def test_device_comes_from_the_usual_variables() -> None:
    options = gathered(
        variables={
            "ansible_host": "192.0.2.1",
            "ansible_user": "ops",
            "ansible_password": "p",
            "ansible_port": 2222,
            "ansible_become_password": "s",
        }
    )
    assert connection_args(options, read_key_file=str) == {
        "host": "192.0.2.1",
        "username": "ops",
        "password": "p",
        "port": 2222,
        "device_type": "cisco_ios",
        "secret": "s",
    }


def test_inventory_name_and_command_line_come_last() -> None:
    context = SimpleNamespace(remote_user="u", password="p", become_pass="s", private_key_file=None)
    options = gathered(play_context=context)
    assert (options["host"], options["username"], options["password"], options["secret"]) == ("r1", "u", "p", "s")
    assert gathered(variables={"ansible_user": "ops"}, play_context=context)["username"] == "ops"


def test_key_file_is_read_here_and_its_text_is_sent() -> None:
    options = gathered(variables={"ansible_ssh_private_key_file": "/k", "ansible_private_key_passphrase": "pp"})
    sent = connection_args(options, read_key_file=lambda path: f"text of {path}")
    assert (sent["pkey"], sent["passphrase"]) == ("text of /k", "pp")
    assert "private_key_file" not in sent


def test_key_file_on_the_worker_keeps_the_local_one_from_being_read() -> None:
    options = gathered({"connection_args": {"key_file": "offered"}}, {"ansible_ssh_private_key_file": "/k"})

    def refuse(path: str) -> str:
        raise AssertionError(path)

    sent = connection_args(options, read_key_file=refuse)
    assert sent["key_file"] == "offered"
    assert "pkey" not in sent


def test_connection_args_win_over_everything() -> None:
    options = gathered({"connection_args": {"host": "192.0.2.9", "keepalive": 5}}, {"ansible_host": "192.0.2.1"})
    assert connection_args(options, read_key_file=str) == {
        "host": "192.0.2.9",
        "keepalive": 5,
        "device_type": "cisco_ios",
    }


def test_given_device_type_is_not_looked_up() -> None:
    variables = {"ansible_network_os": "acme.box.box", "netpulse_device_type": "cisco_xe"}
    assert gathered(variables=variables)["device_type"] == "cisco_xe"
    with pytest.raises(OptionError, match="set device_type"):
        gathered(variables={"ansible_network_os": "acme.box.box"})


def test_other_drivers_get_what_they_know() -> None:
    variables = {
        "ansible_password": "p",
        "ansible_become_password": "s",
        "ansible_port": 22,
        "ansible_httpapi_port": 8443,
    }
    pyeapi = gathered({"driver": "pyeapi"}, variables)
    assert connection_args(pyeapi, read_key_file=str) == {"host": "r1", "password": "p", "port": 8443}
    napalm = connection_args(gathered({"driver": "napalm"}, variables), read_key_file=str)
    assert napalm == {
        "host": "r1",
        "password": "p",
        "port": 22,
        "device_type": "cisco_ios",
        "optional_args": {"secret": "s"},
    }


def test_command_timeout_becomes_netmikos_read_timeout() -> None:
    variables = {"ansible_command_timeout": 120}
    assert gathered(variables=variables)["driver_args"] == {"read_timeout": 120.0}
    assert gathered({"driver_args": {"read_timeout": 5}}, variables)["driver_args"] == {"read_timeout": 5}
    assert "driver_args" not in gathered({"driver": "napalm"}, variables)


def test_queue_options_hold_what_was_given() -> None:
    options = {"ttl": 10, "timeout": 5.0, "queue_strategy": "fifo", "priority": None, "host": "r1"}
    assert queue_options(options) == {"ttl": 10, "timeout": 5.0, "queue_strategy": "fifo"}


def checked(**options: Any) -> dict[str, Any]:
    found: dict[str, Any] = validate(
        options, argument_spec=with_broker_arguments(CONFIG_ARGUMENTS), conditions=CONFIG_CONDITIONS
    )
    return found


def test_values_are_converted_and_defaults_filled_in() -> None:
    options = checked(lines="one line", ttl="30", timeout="2.5", validate_certs="no")
    assert (options["lines"], options["ttl"], options["timeout"]) == (["one line"], 30, 2.5)
    assert (options["validate_certs"], options["match"], options["save_when"]) == (False, "line", "never")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"lines": ["a"], "src": "b"}, "mutually exclusive"),
        ({"match": "exact"}, "lines, src"),
        ({"lines": ["a"], "queue_strategy": "lifo"}, "pinned, fifo"),
        ({"lines": ["a"], "no_such_option": 1}, "no_such_option"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError) as raised:
        checked(**options)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("description uplink, to core", ["description uplink, to core"]),
        ("a, b\n c,d\n", ["a, b", " c,d"]),
        ("banner motd ^\nMind\n\nthe gap\n^", ["banner motd ^", "Mind", "", "the gap", "^"]),
        (["one, still one", "two\nlines"], ["one, still one", "two\nlines"]),
        ("", []),
    ],
)
@pytest.mark.parametrize("name", ["lines", "commands"])
def test_a_text_is_not_cut_at_its_commas(given: Any, read: list[str], name: str) -> None:
    options = texts_as_lists({"host": "r1", name: given}, argument_spec=CONFIG_ARGUMENTS)
    assert validate(options, argument_spec=with_broker_arguments(CONFIG_ARGUMENTS))["lines"] == read


@pytest.mark.parametrize("name", ["parents", "before", "after", "diff_ignore_lines"])
def test_no_text_of_a_change_is_cut(name: str) -> None:
    options = texts_as_lists({"host": "r1", name: "first, of two\n\nsecond"}, argument_spec=CONFIG_ARGUMENTS)
    assert validate(options, argument_spec=with_broker_arguments(CONFIG_ARGUMENTS))[name] == ["first, of two", "second"]


def test_commands_and_conditions_are_not_cut() -> None:
    options = texts_as_lists(
        {"commands": "show interfaces | include Gi, Lo\n\nshow clock", "wait_for": 'result[0] contains "Gi, Lo"'},
        argument_spec=COMMAND_ARGUMENTS,
    )
    validated = validate(options, argument_spec=with_broker_arguments(COMMAND_ARGUMENTS))
    assert validated["commands"] == ["show interfaces | include Gi, Lo", "show clock"]
    assert validated["wait_for"] == ['result[0] contains "Gi, Lo"']
