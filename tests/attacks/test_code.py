"""A request is data: nothing in it is run as a program by a worker or the controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lab.running_broker import RunningBroker

MARK = "{mark}"
"""Stands for the path of a file that the attack makes when it succeeds."""

RUNS = f"__import__('os').system('touch {MARK}')"

TTP = {
    "a macro": f'<macro>\ndef f(data):\n    {RUNS}\n    return data\n</macro>\n{{{{ line | _line_ | macro("f") }}}}',
    "a macro that runs when it is read": f"<macro>\n{RUNS}\n</macro>\n{{{{ line | _line_ }}}}",
    "variables in Python": f"<vars>\na = {RUNS}\n</vars>\n{{{{ line | _line_ }}}}",
    "arguments of a function": f"{{{{ line | _line_ | contains({RUNS}) }}}}",
    "a lookup table in Python": f'<lookup name="a" load="python">\na = {RUNS}\n</lookup>\n{{{{ line | _line_ }}}}',
    "YAML with a tag": (
        f'<vars load="yaml">\na: !!python/object/apply:os.system ["touch {MARK}"]\n</vars>\n{{{{ line | _line_ }}}}'
    ),
    "an output that is written": f'<output returner="file" url="{MARK}"/>\n{{{{ line | _line_ }}}}',
    "an input of its own": f'<input load="python">\nurl = "{MARK}"\n{RUNS}\n</input>\n{{{{ line | _line_ }}}}',
}
"""Templates that run code where TTP itself parses."""


@pytest.mark.parametrize("strategy", ["pinned", "fifo"])
@pytest.mark.parametrize("template", list(TTP.values()), ids=list(TTP))
def test_a_ttp_template_runs_nothing(
    broker: RunningBroker, login: dict[str, Any], tmp_path: Path, template: str, strategy: str
) -> None:
    mark = tmp_path / "mark"
    for raise_parsing_error in (False, True):
        arguments = {
            "use_ttp": True,
            "ttp_template": template.replace(MARK, str(mark)),
            "raise_parsing_error": raise_parsing_error,
        }
        job = broker.execute(login, command="show clock", driver_args=arguments, options={"queue_strategy": strategy})
        assert not mark.exists(), "the request ran a program"
        assert job["status"] in ("FINISHED", "finished", "failed", "FAILED"), job


@pytest.mark.parametrize("strategy", ["pinned", "fifo"])
def test_a_refused_template_says_so(broker: RunningBroker, login: dict[str, Any], strategy: str) -> None:
    """Nobody takes a template that was refused for an output in which nothing was found."""
    arguments = {"use_ttp": True, "ttp_template": TTP["a macro"]}
    job = broker.execute(login, command="show clock", driver_args=arguments, options={"queue_strategy": strategy})
    assert job["result"]["error"]["code"] == "parse_failed"
    assert "<macro> runs Python and is not allowed here" in job["result"]["error"]["message"]


def test_what_the_guard_refuses_elsewhere_is_refused_in_parsing(
    broker: RunningBroker, login: dict[str, Any], tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    for template in TTP.values():
        body: dict[str, Any] = {
            "driver": "netmiko",
            "connection_args": login,
            "command": "show clock",
            "parsing": {"name": "ttp", "template": template.replace(MARK, str(mark))},
            "wait": 60,
        }
        broker.client.post("/device/execute", json=body)
        broker.client.post("/template/parse", json=body["parsing"] | {"context": "a line"})
        assert not mark.exists(), template


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "~/.ssh/id_rsa", "../../etc/hostname", "template.ttp", "ttp://misc/x.txt"]
)
@pytest.mark.parametrize("option", ["ttp_template", "textfsm_template"])
def test_a_path_is_no_template(broker: RunningBroker, login: dict[str, Any], option: str, path: str) -> None:
    kind = option.removesuffix("_template")
    body = {
        "driver": "netmiko",
        "connection_args": login,
        "command": "show clock",
        "driver_args": {f"use_{kind}": True, option: path},
        "wait": 60,
    }
    answer = broker.client.post("/device/execute", json=body)
    assert answer.status_code == 422, answer.text
    assert f"driver_args.{option}" in answer.text
    assert "send its text" in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    ("platform", "command"),
    [
        ("../../../../../../etc/passwd", "x"),
        ("cisco_ios", "../../../../../../../etc/passwd"),
        ("..", "/misc/../x"),
        ("a\0b", "c"),
    ],
)
@pytest.mark.parametrize("found_by", ["use_ntc_template", "use_ttp_template"])
def test_a_platform_or_command_is_no_path(broker: RunningBroker, found_by: str, platform: str, command: str) -> None:
    body = {found_by: True, "platform": platform, "command": command, "context": "root:x:0:0"}
    answer = broker.client.post("/template/parse", json=body)
    assert answer.status_code == 400, answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ self.__init__.__globals__ }}",
        "{% for c in [].__class__.__base__.__subclasses__() %}{{ c }}{% endfor %}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ (1).__class__ }}",
        "{% include '/etc/passwd' %}",
        "{% include '../../../etc/passwd' %}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    ],
)
def test_a_jinja_template_stays_in_its_sandbox(broker: RunningBroker, login: dict[str, Any], template: str) -> None:
    for path, body in (
        ("/template/render", {"template": template}),
        (
            "/device/execute",
            {
                "driver": "netmiko",
                "connection_args": login,
                "command": template,
                "options": {"rendering": {}, "wait": 60},
            },
        ),
    ):
        answer = broker.client.post(path, json=body)
        assert answer.status_code == 400, answer.text
        for found in ("<class", "root:", "uid=", "subprocess"):
            assert found not in answer.text, answer.text


@pytest.mark.parametrize(
    ("driver", "device_type"),
    [
        ("os", "cisco_ios"),
        ("netmiko.ssh_dispatcher", "cisco_ios"),
        ("../../evil", "cisco_ios"),
        ("napalm", "os"),
        ("napalm", "../evil"),
        ("napalm", "ios.evil"),
        ("napalm", "base.test.base"),
    ],
)
def test_a_name_imports_nothing(
    broker: RunningBroker, login: dict[str, Any], tmp_path: Path, driver: str, device_type: str
) -> None:
    body = {"driver": driver, "connection_args": login | {"device_type": device_type}, "command": "x", "wait": 60}
    assert broker.client.post("/device/execute", json=body).status_code in (400, 404, 422)


def test_a_transport_of_napalm_is_no_module(broker: RunningBroker, login: dict[str, Any]) -> None:
    """NAPALM imports the module that a transport with dots names."""
    for device_type in ("eos", "ios", "nxos"):
        options = {"transport": "os.path.join"}
        arguments = login | {"device_type": device_type, "optional_args": options}
        body = {"driver": "napalm", "connection_args": arguments, "command": "get_facts", "wait": 60}
        assert broker.client.post("/device/execute", json=body).status_code == 422


@pytest.mark.parametrize("rule", ["open", "close", "commit_config", "__class__", "cli", "load_merge_candidate"])
def test_a_compliance_rule_calls_getters_only(broker: RunningBroker, login: dict[str, Any], rule: str) -> None:
    """NAPALM calls whatever method a rule names."""
    body = {
        "driver": "napalm",
        "connection_args": login | {"device_type": "ios"},
        "command": "compliance_report",
        "driver_args": {"validation_source": [{rule: {"filename": "/etc/passwd"}}]},
        "wait": 60,
    }
    assert broker.client.post("/device/execute", json=body).status_code == 422
