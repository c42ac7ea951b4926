"""What netmiko's parsing options ask the worker's parser for, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from netpulse_drivers import Call, Deadline, InvalidArguments, ParseFailed, TemplateRefused, UnsupportedOperation
from netpulse_drivers.netmiko.operation_args import NetmikoQueryArgs
from netpulse_drivers.netmiko.parsing import check_parsers, parse


class Parser:
    """Answers by engine and platform; notes what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Any, str]] = []

    def __call__(self, parsing: Mapping[str, Any], command: str, output: str, deadline: Deadline) -> Any:
        self.asked.append((parsing["engine"], parsing["template"], parsing["args"]["platform"]))
        answer = self.answers.get(parsing["engine"], ParseFailed(f"{parsing['engine']} knows nothing of {command}"))
        if isinstance(answer, Exception):
            raise answer
        return answer


def parsed(parser: Parser, device_type: str = "cisco_ios", **options: Any) -> Any:
    return parse("output", "show x ", device_type, NetmikoQueryArgs(**options), Call(parse=parser))


def test_nothing_is_parsed_unless_asked_for() -> None:
    parser = Parser()
    assert parsed(parser) is None
    assert parser.asked == []


def test_textfsm_answers_in_lower_case_as_netmiko_does() -> None:
    parser = Parser(textfsm=[{"VLAN": "10"}])
    template = "Value VLAN (\\d+)\n\nStart\n  ^${VLAN} -> Record\n"
    assert parsed(parser, "cisco_ios_telnet", use_textfsm=True, textfsm_template=template) == [{"vlan": "10"}]
    assert parser.asked == [("textfsm", template, "cisco_ios")]


def test_the_first_parser_that_finds_something_counts() -> None:
    parser = Parser(textfsm=[], ttp=[[{"a": 1}]])
    assert parsed(parser, use_textfsm=True, use_ttp=True, ttp_template="{{ a }}", use_genie=True) == [[{"a": 1}]]
    assert [engine for engine, _, _ in parser.asked] == ["textfsm", "ttp"]


def test_templates_of_ios_serve_ios_xe() -> None:
    parser = Parser()
    assert parsed(parser, "cisco_xe", use_textfsm=True) is None
    assert [platform for _, _, platform in parser.asked] == ["cisco_xe", "cisco_ios"]


@pytest.mark.parametrize(("engine", "found"), [("textfsm", []), ("ttp", [[{}]]), ("ttp", ParseFailed("unfit"))])
def test_no_data_is_an_error_only_where_asked_for(engine: str, found: Any) -> None:
    options: dict[str, Any] = {f"use_{engine}": True, "ttp_template": "{{ a }}"}
    assert parsed(Parser(**{engine: found}), **options) in (None, [[{}]])
    with pytest.raises(ParseFailed, match="output of 'show x ' does not parse") as caught:
        parsed(Parser(**{engine: found}), raise_parsing_error=True, **options)
    assert caught.value.device_output == "output"


def test_a_refused_template_is_always_an_error() -> None:
    with pytest.raises(TemplateRefused, match="runs Python"):
        parsed(Parser(ttp=TemplateRefused("<macro> runs Python")), use_ttp=True, ttp_template="{{ a }}")


def test_what_this_worker_lacks_is_said_before_anything_is_typed() -> None:
    with pytest.raises(UnsupportedOperation, match="no parser"):
        check_parsers(NetmikoQueryArgs(use_textfsm=True), Call())
    with pytest.raises(InvalidArguments, match=r"pyats\[library\]"):
        check_parsers(NetmikoQueryArgs(use_genie=True), Call(parse=Parser()))
    check_parsers(NetmikoQueryArgs(), Call())
