"""wait_for conditions."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.netpulse.broker.plugins.module_utils._conditions import Condition, ConditionError, unmet

DATA: dict[str, Any] = {
    "result": [
        "Cisco IOS Software, Version 15.2\nuptime is 5 days",
        {"peers": 4, "state": {"Gi0/1": "up"}, "ok": True, "names": ["a", "b"]},
        "12",
    ],
    "parsed": [None, [{"version": "15.2(4)M", "mtu": "1500"}], None],
}


@pytest.mark.parametrize(
    "text",
    [
        "result[0] contains 'Version 15.2'",
        "result[0] contains Cisco IOS Software",
        'result[0] not contains "Version 16"',
        r'result[0] matches "uptime is \d+ days"',
        "result[0] matches ^uptime",
        "result[1].peers eq 4",
        "result[1].peers == 4.0",
        "result[1].peers neq 5",
        "result[1].peers != 5",
        "result[1].peers gt 3",
        "result[1].peers >= 4",
        "result[1].peers lt 4.5",
        "result[1].peers le 4",
        "result[1]['state']['Gi0/1'] eq up",
        "result[1].state[Gi0/1] eq up",
        "result[1].ok eq true",
        "result[1].ok not eq no",
        "result[1].names contains b",
        "result[2] eq 12",
        "result[2] gt 9",
        "parsed[1][0].mtu ge 1500",
        "parsed[1][0].version eq 15.2(4)M",
    ],
)
def test_holds(text: str) -> None:
    assert Condition(text)(DATA) is True


@pytest.mark.parametrize(
    "text",
    [
        "result[0] contains Version 16",
        "result[0] not contains IOS",
        "result[1].peers gt 4",
        "result[1].ok eq false",
        "result[1].names contains c",
        "result[2] eq 120",
    ],
)
def test_does_not_hold(text: str) -> None:
    assert Condition(text)(DATA) is False


def test_word_that_reads_like_a_boolean_is_searched_as_it_stands() -> None:
    assert Condition("result[0] contains yes")({"result": ["say yes"]}) is True
    assert Condition("result[0] contains yes")({"result": ["True"]}) is False


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("result[0]", "KEY [not] OPERATOR VALUE"),
        ("result[0] resembles x", "unknown operator 'resembles'"),
        ("result[0] contains 'open", "No closing quotation"),
        ("result[0] matches '(open'", "regular expression"),
        ("result[0 contains x", "no path like"),
    ],
)
def test_unreadable_condition_says_why(text: str, says: str) -> None:
    with pytest.raises(ConditionError) as raised:
        Condition(text)
    assert says in str(raised.value)


@pytest.mark.parametrize("text", ["result[9] contains x", "result[1].nothing eq 1", "result[0].name eq 1"])
def test_path_that_leads_nowhere_is_an_error(text: str) -> None:
    with pytest.raises(ConditionError, match="has nothing at"):
        Condition(text)(DATA)


def test_comparing_text_with_a_number_is_an_error() -> None:
    with pytest.raises(ConditionError, match="compares numbers"):
        Condition("result[0] gt 3")(DATA)


def test_all_wants_each_condition_and_any_only_one() -> None:
    holds, fails = Condition("result[1].peers eq 4"), Condition("result[1].peers eq 5")
    assert unmet([holds, fails], DATA, match="all") == [fails]
    assert unmet([holds, fails], DATA, match="any") == []
    assert unmet([fails], DATA, match="any") == [fails]
