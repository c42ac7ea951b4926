"""Templates as REST callers meet them: a whole broker, simulated devices."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.running_broker import RunningBroker
from tests.lab.webhook_receiver import WebhookReceiver

LOOPS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
VLANS = "{% for vlan in vlans %}\nvlan {{ vlan.id }}\n name {{ vlan.name }}\n{% endfor %}\n"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("templates")
    (path / "ios").mkdir()
    (path / "ios" / "description.j2").write_text("interface {{ interface }}\n description {{ text }}\n")
    (path / "version.textfsm").write_text("Value VERSION (\\S+)\n\nStart\n  ^.*Version ${VERSION}, -> Record\n")
    return path


@pytest.fixture(scope="module")
def broker(directory: Path) -> Iterator[RunningBroker]:
    settings = {"NETPULSE_TEMPLATES__DIRECTORY": str(directory), "NETPULSE_TEMPLATES__TIMEOUT": "2"}
    settings["NETPULSE_WEBHOOKS__ALLOWED_NETWORKS"] = '["127.0.0.1/32"]'
    with RunningBroker(settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


@pytest.fixture
def device(lab: SimulatorLab, request: pytest.FixtureRequest) -> SimulatedDevice:
    return lab.add(
        name=re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[-40:], platform="ios", privilege=15
    )


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running


def refusal(broker: RunningBroker, path: str, body: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
    answer = broker.client.post(path, json=body)
    return answer.status_code, answer.json()["message"], answer.json()["data"]


def test_rendering_on_its_own(broker: RunningBroker) -> None:
    body = {"template": "vlan {{ id }}", "context": {"id": 10}}
    assert broker.post("/template/render", body, expect=200) == "vlan 10"
    assert broker.post("/template/render/jinja2", body, expect=200) == "vlan 10"
    named = {"template_file": "ios/description.j2", "context": {"interface": "Lo1", "text": "x"}}
    assert broker.post("/template/render", named, expect=200) == "interface Lo1\n description x"


def test_parsing_on_its_own(broker: RunningBroker) -> None:
    template = "Value VLAN (\\d+)\n\nStart\n  ^vlan ${VLAN} -> Record"
    found = [{"VLAN": "10"}, {"VLAN": "20"}]
    text = "vlan 10\nvlan 20"
    assert broker.post("/template/parse/textfsm", {"template": template, "context": text}, expect=200) == found
    assert broker.post("/template/parse", {"template": template, "context": text}, expect=200) == found
    ttp = {"template": '<group name="v*">\nvlan {{ id }}\n</group>', "context": text}
    assert broker.post("/template/parse", ttp, expect=200) == [[{"v": [{"id": "10"}, {"id": "20"}]}]]
    clock = {
        "name": "textfsm",
        "platform": "cisco_ios",
        "command": "show clock",
        "context": "*01:02:03.4 UTC Fri Jan 2 2026",
    }
    assert broker.post("/template/parse", clock, expect=200)[0]["year"] == "2026"


def test_what_is_wrong_with_a_template(broker: RunningBroker) -> None:
    status, message, data = refusal(broker, "/template/render", {"template": "a\n{{ b }}"})
    assert (status, data["error"], data["details"]) == (400, "template_failed", [{"line": 2}])
    assert "'b' is undefined" in message
    for path, body in (
        ("/template/render", {"template": "{{ ''.__class__.__mro__ }}"}),
        ("/template/render", {"template_file": "../../etc/passwd"}),
        ("/template/render", {"template": "file:///etc/passwd", "name": "jinja2"}),
        ("/template/render/mako", {"template": "x"}),
        ("/template/render/jinja2", {"template": "x", "name": "mako"}),
        ("/template/render", {"template": "nothing to see"}),
        ("/template/parse", {"template": "nothing to see", "context": "x"}),
        ("/template/parse/ttp", {"template": "<macro>\nimport os\n</macro>", "context": "x"}),
        ("/template/parse/textfsm", {"template": "Value A (\\d+)\n\nStart\n  ^. -> Error", "context": "x"}),
    ):
        status, message, data = refusal(broker, path, body)
        assert status == 400, (path, body, message)
        assert "root:" not in message


def test_a_template_that_does_not_end_holds_nobody_up(broker: RunningBroker) -> None:
    """The controller answers others while it is being ended."""
    answers: list[tuple[int, str, dict[str, Any]]] = []
    loops = [
        threading.Thread(target=lambda: answers.append(refusal(broker, "/template/render", {"template": LOOPS})))
        for _ in range(2)
    ]
    for loop in loops:
        loop.start()
    live = 0
    while any(loop.is_alive() for loop in loops):
        assert broker.client.get("/health/live").status_code == 200
        live += 1
        time.sleep(0.05)
    assert live > 5
    for status, message, _ in answers:
        assert status == 400
        assert "did not come to an end within 2 s" in message


def test_a_rendered_change_and_rendered_queries(broker: RunningBroker, device: SimulatedDevice) -> None:
    vlans = [{"id": 10, "name": "users"}, {"id": 20, "name": "phones"}]
    job = broker.execute(
        device.netmiko(),
        config={"vlans": vlans},
        rendering={"name": "jinja2", "template": VLANS, "context": {"vlans": []}},
    )
    assert job["status"] == "finished", job
    assert job["result"]["applied"] == ["vlan 10", " name users", "vlan 20", " name phones"]
    job = broker.execute(
        device.netmiko(), command=["show {{ what }}", "show clock"], rendering={"context": {"what": "version"}}
    )
    assert list(job["result"]["retval"]) == ["show version", "show clock"]
    job = broker.execute(
        device.netmiko(),
        command={},
        rendering={"template": "{% for c in of %}\nshow {{ c }}\n{% endfor %}", "context": {"of": ["clock"]}},
    )
    assert list(job["result"]["retval"]) == ["show clock"]
    lines = "{% for n in numbers %}\ninterface Loopback{{ n }}\n{% endfor %}"
    job = broker.execute(device.netmiko(), config=lines, rendering={"context": {"numbers": [1, 2]}})
    assert job["result"]["applied"] == ["interface Loopback1", "interface Loopback2"]


def test_each_device_of_a_bulk_request_has_its_own_context(broker: RunningBroker, lab: SimulatorLab) -> None:
    first, second, third = (lab.add(name=f"bulk-{n}", platform="ios", privilege=15) for n in range(3))
    answer = broker.post(
        "/device/bulk",
        {
            "driver": "netmiko",
            "config": {"interface": "Loopback7", "text": "common"},
            "devices": [
                first.netmiko(),
                second.netmiko() | {"config": {"interface": "Loopback8", "text": "own"}},
                third.netmiko() | {"config": {"interface": "Loopback9"}},
            ],
            "options": {"wait": 60, "rendering": {"template_file": "ios/description.j2"}},
        },
    )
    applied = [job["result"]["applied"] for job in answer["succeeded"]]
    assert applied == [
        ["interface Loopback7", " description common"],
        ["interface Loopback8", " description own"],
    ]
    (failed,) = answer["failed"]
    assert (failed["index"], failed["error"]) == (2, "template_failed")


def test_outputs_are_parsed_on_the_worker(broker: RunningBroker, device: SimulatedDevice) -> None:
    login = device.netmiko()
    job = broker.execute(login, command="show version", parsing={"name": "textfsm", "use_ntc_template": True})
    (entry,) = job["result"]["outputs"]
    assert job["result"]["retval"]["show version"] == entry["parsed"]
    assert entry["parsed"][0]["hostname"]
    assert "Cisco IOS Software" in entry["output"]
    job = broker.execute(
        login,
        command=["show version", "show clock"],
        parsing=[{"template_file": "version.textfsm"}, None],
    )
    assert job["result"]["outputs"][0]["parsed"][0]["VERSION"]
    assert "parsed" not in job["result"]["outputs"][1]
    login_by_look = login | {"device_type": "autodetect"}
    found_out = broker.execute(login_by_look, command="show clock", parsing={"name": "textfsm"})
    assert found_out["result"]["outputs"][0]["parsed"], "the template is chosen by the platform that was found out"
    fresh = broker.execute(login, command="show clock", parsing={"name": "textfsm"}, queue_strategy="fifo")
    assert fresh["queue"] == "fifo"
    assert fresh["result"]["outputs"][0]["parsed"][0]["timezone"] == "UTC"
    job = broker.execute(login, command="show clock", parsing={"template": "*{{ time }} UTC {{ ignore('.*') }}"})
    assert job["result"]["outputs"][0]["parsed"][0][0]["time"]


def test_an_output_that_does_not_parse_keeps_its_text(broker: RunningBroker, device: SimulatedDevice) -> None:
    strict = "Value A (\\d+)\n\nStart\n  ^${A}$$ -> Record\n  ^. -> Error"
    job = broker.execute(device.netmiko(), command="show clock", parsing={"name": "textfsm", "template": strict})
    assert job["status"] == "failed"
    assert job["result"]["error"]["code"] == "parse_failed"
    assert job["result"]["error"]["phase"] == "parse"
    assert "UTC" in job["result"]["outputs"][0]["output"]
    job = broker.execute(device.netmiko(), command="show clock", parsing={"name": "textfsm", "platform": "no_such"})
    assert "has no template for 'show clock' on platform 'no_such'" in job["result"]["error"]["message"]
    after = broker.execute(device.netmiko(), command="show clock")
    assert after["status"] == "finished"
    assert after["session_reused"]


def test_parsing_ends_with_the_job_s_time(broker: RunningBroker, device: SimulatedDevice) -> None:
    broker.execute(device.netmiko(), command="show clock", parsing={"name": "textfsm"})
    endless = "Value A (((.*)*)*)\n\nStart\n  ^${A}!$$ -> Record"
    job = broker.execute(
        device.netmiko(),
        command="show version",
        parsing={"name": "textfsm", "template": endless},
        options={"timeout": 2},
    )
    assert job["status"] == "failed"
    assert job["result"]["error"]["code"] == "parse_failed"
    assert "did not come to an end" in job["result"]["error"]["message"]
    assert "Cisco IOS Software" in job["result"]["outputs"][0]["output"]
    after = broker.execute(device.netmiko(), command="show clock")
    assert after["status"] == "finished"
    assert after["session_reused"], "the session and its worker outlive it"


def test_a_malformed_parser_template_is_told_before_the_device_is_asked(
    broker: RunningBroker, device: SimulatedDevice
) -> None:
    body = {
        "driver": "netmiko",
        "connection_args": device.netmiko(),
        "command": "show clock",
        "parsing": {"name": "textfsm", "template": "Value A (\\d+)\n\nStart\n  ^${B} -> Record"},
    }
    status, _, data = refusal(broker, "/device/execute", body)
    assert (status, data["error"], data["details"]) == (400, "template_failed", [{"line": 4}])
