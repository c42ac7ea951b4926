"""What an exchange may hold."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from netpulse_drivers import InvalidArguments
from netpulse_drivers.interactive import (
    MAX_COMMAND,
    MAX_PATTERN,
    BytesPattern,
    Exchange,
    InteractiveDriver,
    SearchTimeout,
)
from netpulse_drivers.netmiko import NetmikoDriver


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def wire(**fields: Any) -> dict[str, Any]:
    return {"seq": 1, "command": encoded(b"show"), "stdout_re": [[encoded(b"#$"), 0]]} | fields


def test_bytes_survive_the_wire() -> None:
    every = bytes(range(256))
    exchange = Exchange.model_validate(
        wire(command=encoded(every), stdout_re=[[encoded(rb"\xff#$"), int(re.MULTILINE)]])
    )
    again = Exchange.model_validate(json.loads(exchange.model_dump_json()))
    assert again == exchange
    assert again.command == every
    assert again.stdout_re == [(rb"\xff#$", re.MULTILINE.value)]


@pytest.mark.parametrize(
    "fields",
    [
        {"seq": 0},
        {"command": "not base64!"},
        {"command": encoded(b"x" * (MAX_COMMAND + 1))},
        {"stdout_re": []},
        {"stdout_re": [[encoded(b"x" * (MAX_PATTERN + 1)), 0]]},
        {"command": None, "sendonly": True},
        {"prompt": [encoded(b"a"), encoded(b"b")], "answer": [encoded(b"1")], "check_all": True},
        {"timeout": 0},
        {"settle": -1},
        {"unknown": 1},
    ],
)
def test_what_makes_no_sense_is_refused_without_repeating_it(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        Exchange.model_validate(wire(**fields))
    assert "input_value" not in str(refused.value)


def test_flags_mean_what_they_mean_in_re() -> None:
    text = b"a\nPROMPT>"
    for flags in (
        0,
        re.IGNORECASE,
        re.IGNORECASE | re.MULTILINE,
        re.IGNORECASE | re.ASCII,
        re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE,
    ):
        wanted = re.search(rb"^prompt>", text, flags)
        found = BytesPattern(rb"^prompt>", int(flags)).search(text)
        assert (found is None) == (wanted is None), flags


def test_bad_patterns_and_flags_are_named() -> None:
    with pytest.raises(InvalidArguments, match="unclosed"):
        Exchange.model_validate(wire(stderr_re=[[encoded(b"unclosed("), 0]])).check_patterns()
    with pytest.raises(InvalidArguments, match="flags"):
        Exchange.model_validate(wire(stderr_re=[[encoded(b"x"), int(re.LOCALE)]])).check_patterns()


def test_searches_of_one_pattern_share_their_time() -> None:
    pattern = BytesPattern(rb"(a|aa)+$")
    with pytest.raises(SearchTimeout) as stopped:
        pattern.search(b"a" * 100 + b"!")
    assert not stopped.value.session_usable
    with pytest.raises(SearchTimeout):
        pattern.search(b"a" * 100 + b"!")


def test_netmiko_driver_has_the_capability() -> None:
    assert issubclass(NetmikoDriver, InteractiveDriver)
