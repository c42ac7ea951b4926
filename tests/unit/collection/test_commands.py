"""The commands of a task."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.netpulse.broker.plugins.plugin_utils._commands import Command, read_commands, same_job
from ansible_collections.netpulse.broker.plugins.plugin_utils._options import OptionError


def read(*entries: Any) -> list[Command]:
    return read_commands(list(entries), driver_args={"read_timeout": 5.0}, parsing=None)


def test_own_arguments_win_over_the_tasks() -> None:
    plain, own = read("show version", {"command": "show clock", "driver_args": {"read_timeout": 9}})
    assert plain.driver_args == {"read_timeout": 5.0}
    assert own.driver_args == {"read_timeout": 9}


def test_neighbours_with_the_same_arguments_share_a_job() -> None:
    own = {"command": "c", "driver_args": {"use_textfsm": True}}
    groups = same_job(read("a", "b", own, "d"))
    assert [[one.text for one in group] for group in groups] == [["a", "b"], ["c"], ["d"]]


@pytest.mark.parametrize(
    "text",
    [
        "show version",
        "show version\n",
        "show running-config | include (a|b)",
        "sh run",
        " SHOW clock",
        "display version",
        "ping 192.0.2.1",
        "get_facts",
        "dir flash:",
    ],
)
def test_reading_commands_run_in_check_mode(text: str) -> None:
    assert read(text)[0].only_reads


@pytest.mark.parametrize(
    "text",
    [
        "reload",
        "clear counters",
        "write memory",
        "showdown",
        "show running-config | redirect flash:copy",
        "show running-config > bootflash:copy",
        "show running-config | file disk0:copy",
        "show clock\nreload",
        "show clock ; reload",
        "cat list && reboot",
        "cat list | sh",
        "sh /tmp/change.sh",
    ],
)
def test_other_commands_do_not(text: str) -> None:
    assert not read(text)[0].only_reads


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"command": "reload", "prompt": "confirm", "answer": "y"}, "answer, prompt cannot be given here"),
        ({"command": "show clock", "outptu": "json"}, "unknown keys outptu"),
        ({"driver_args": {}}, "must be a text"),
        ("  ", "must be a text"),
        ({"command": "show clock", "driver_args": ["x"]}, "driver_args must be a dict"),
    ],
)
def test_wrong_entries_are_named(entry: Any, says: str) -> None:
    with pytest.raises(OptionError) as raised:
        read("show version", entry)
    assert str(raised.value).startswith("commands[1]: ")
    assert says in str(raised.value)
