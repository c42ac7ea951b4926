"""Bad input and bad devices, over REST: a clear error, and the session and its worker go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.evidence.test_eapi_drivers import napalm, pyeapi
from tests.lab.running_broker import RunningBroker

OVERSIZED = 50_000_000
"""Bytes."""

PINNED = {"queue_strategy": "pinned"}


@pytest.fixture
def switch(lab: SimulatorLab) -> Iterator[SimulatedDevice]:
    device = lab.add(name="bad-input-eos", platform="eos", http_port=0, https_port=0)
    yield device
    lab.remove(device)


@pytest.fixture
def router(lab: SimulatorLab) -> Iterator[SimulatedDevice]:
    device = lab.add(name="bad-input-ios", platform="ios", privilege=15)
    yield device
    lab.remove(device)


class Worker:
    """A device's pinned worker: the same process, on the same session, before and after."""

    def __init__(self, broker: RunningBroker, arguments: dict[str, Any], *, driver: str, query: str) -> None:
        self._broker = broker
        self._asked: dict[str, Any] = {"driver": driver, "command": query}
        self._arguments = arguments
        self._name = f"{arguments['host']}:{arguments['port']}"
        first = broker.execute(arguments, options=PINNED, **self._asked)
        assert first["status"] == "finished", first
        self._pid = broker.worker_pid(self._name)

    def run(self, **fields: Any) -> dict[str, Any]:
        """A job for the same login; the ended job."""
        options = PINNED | fields.pop("options", {})
        job: dict[str, Any] = self._broker.execute(
            self._arguments, driver=self._asked["driver"], options=options, **fields
        )
        return job

    def fails(self, **fields: Any) -> dict[str, Any]:
        """The error of a job that fails."""
        job = self.run(**fields)
        assert (job["status"], job["result"]["type"]) == ("failed", 2), job
        error: dict[str, Any] = job["result"]["error"]
        assert error["message"]
        return error

    def goes_on(self) -> None:
        """The next job runs in the same process, on the session that was open."""
        job = self.run(command=self._asked["command"])
        assert (job["status"], job["session_reused"]) == ("finished", True), job
        assert self._broker.worker_pid(self._name) == self._pid


def refused(broker: RunningBroker, status: int, body: dict[str, Any]) -> dict[str, Any]:
    """The envelope of a request that makes no job."""
    answer = broker.client.post("/device/execute", json=body)
    assert answer.status_code == status, answer.text
    envelope: dict[str, Any] = answer.json()
    assert envelope["code"] == -1
    return envelope


# -- getters ----------------------------------------------------------------------------------------------------------


def test_getters_and_arguments_that_do_not_exist(
    broker: RunningBroker, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    worker = Worker(broker, napalm(switch), driver="napalm", query="get_facts")
    before = lab.counters(switch).requests
    body = {"driver": "napalm", "connection_args": napalm(switch)}
    # Where a community driver is installed its getters cannot be known beforehand: then the worker refuses it.
    answer = broker.client.post("/device/execute", json=body | {"command": "get_fact", "wait": 60}).json()
    error = answer["data"]["result"]["error"] if answer["code"] == 200 else answer["data"] | answer
    assert error["phase"] == "validate", answer
    assert "get_fact" in error["message"]
    assert "get_facts" in error["message"], "names what there is"
    for arguments, loc in (
        ({"destination": "192.0.2.1", "count": "five"}, "count"),
        ({"destination": ["192.0.2.1"]}, "destination"),
        ({"destination": "192.0.2.1", "hops": 5}, "hops"),
    ):
        wrong = refused(broker, 422, body | {"command": "ping", "driver_args": arguments})
        assert loc in wrong["message"]
    assert lab.counters(switch).requests == before, "nothing was sent"
    worker.goes_on()


# -- templates --------------------------------------------------------------------------------------------------------

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ '{0.__class__}'.format(x) }}",
    "{% include '/etc/passwd' %}",
    "{% include '../../../etc/passwd' %}",
    "{% import 'os' as os %}",
]


@pytest.mark.parametrize("template", ESCAPES)
def test_a_template_of_a_change_gets_nowhere(
    broker: RunningBroker, lab: SimulatorLab, router: SimulatedDevice, template: str
) -> None:
    body = {
        "driver": "netmiko",
        "connection_args": router.netmiko(),
        "config": {"x": 1},
        "rendering": {"template": f"hostname r1\n{template}"},
    }
    envelope = refused(broker, 400, body)
    assert envelope["data"]["error"] in {"template_failed", "bad_request"}
    assert "root:" not in envelope["message"] + str(envelope["data"])
    assert "uid=" not in envelope["message"] + str(envelope["data"])
    assert lab.counters(router).connections == 0, "no device hears of it"


def test_a_template_of_a_change_is_told_its_line(broker: RunningBroker, router: SimulatedDevice) -> None:
    body = {"driver": "netmiko", "connection_args": router.netmiko()}
    for template, line, said in (
        ("vlan 1\n name {{ nam }}", 2, "'nam' is undefined"),
        ("vlan 1\n\n{% for x in y %}", 3, "endfor"),
        ("vlan 1\n{{ 1 / 0 }}", 2, "division by zero"),
    ):
        envelope = refused(broker, 400, body | {"config": {"name": "x"}, "rendering": {"template": template}})
        assert envelope["data"]["error"] == "template_failed"
        assert envelope["data"]["details"] == [{"line": line}], envelope
        assert said in envelope["message"]


def test_a_parser_s_template_runs_no_code_on_the_worker(
    broker: RunningBroker, router: SimulatedDevice, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    worker = Worker(broker, router.netmiko(), driver="netmiko", query="show clock")
    template = f"<macro>\nimport pathlib\npathlib.Path('{mark}').touch()\n</macro>\nx {{{{ a }}}}"
    body = {"driver": "netmiko", "connection_args": router.netmiko(), "command": "show version"}
    envelope = refused(broker, 400, body | {"parsing": {"name": "ttp", "template": template}})
    assert envelope["data"]["error"] == "template_failed"
    assert not mark.exists()
    # One that is well-formed, and does not fit the output.
    strict = "Value A (\\d+)\n\nStart\n  ^. -> Error"
    error = worker.fails(command="show version", parsing={"name": "textfsm", "template": strict})
    assert (error["code"], error["phase"]) == ("parse_failed", "parse")
    worker.goes_on()


# -- eAPI -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "phase"),
    [
        (1000, "command_refused", "execute"),
        (1001, "command_refused", "execute"),
        (1002, "command_refused", "execute"),
        (1003, "command_refused", "execute"),
        (1004, "command_refused", "execute"),
        (1005, "privilege_refused", "privilege"),
    ],
)
@pytest.mark.parametrize("driver", ["pyeapi", "napalm"])
def test_errors_of_eapi(  # noqa: PLR0917 - fixtures and parameters
    broker: RunningBroker, lab: SimulatorLab, switch: SimulatedDevice, driver: str, code: int, kind: str, phase: str
) -> None:
    arguments = pyeapi(switch) if driver == "pyeapi" else napalm(switch)
    worker = Worker(broker, arguments, driver=driver, query="show hostname")
    trouble = {"match": "show version", "action": "refuse", "code": code, "text": "% trouble of the device's own"}
    lab.set_faults(switch, commands=[trouble])
    asked = {"driver_args": {"encoding": "json"}} if driver == "pyeapi" else {}
    error = worker.fails(command="show version", **asked)
    assert (error["code"], error["phase"]) == (kind, phase), error
    assert "trouble of the device's own" in error["device_output"]
    if driver == "pyeapi":
        assert error["details"][0]["eapi_code"] == code
    lab.clear_faults(switch)
    worker.goes_on()


@pytest.mark.parametrize("driver", ["pyeapi", "napalm"])
def test_a_self_signed_certificate_needs_consent(
    broker: RunningBroker, switch: SimulatedDevice, tmp_path: Path, driver: str
) -> None:
    arguments = pyeapi(switch) if driver == "pyeapi" else napalm(switch)
    arguments["port"] = switch.https_port
    if driver == "pyeapi":
        arguments["transport"] = "https"
    else:
        arguments["optional_args"] = {"transport": "https"}
    for strategy in ("fifo", "pinned"):
        job = broker.execute(
            arguments, driver=driver, command="show hostname", options={"queue_strategy": strategy, "wait": 60}
        )
        assert job["status"] == "failed", job
        error = job["result"]["error"]
        assert (error["code"], error["phase"], error["retryable"]) == ("certificate_untrusted", "connect", False)
        for way_out in ("as ca", "verify"):
            assert way_out in error["message"]
    body = {"driver": driver, "connection_args": arguments}
    tested = broker.client.post("/device/test-connection", json=body).json()["data"]
    assert (tested["success"], tested["error"]["code"]) == (False, "certificate_untrusted")
    # With consent, one way or the other, it works, and only for who has given it.
    for consent in ({"verify": False}, {"ca": switch.certificate}):
        job = broker.execute(arguments | consent, driver=driver, command="show hostname", options=PINNED)
        assert job["status"] == "finished", job
    again = broker.execute(arguments, driver=driver, command="show hostname", options=PINNED)
    assert again["result"]["error"]["code"] == "certificate_untrusted"


# -- too much ---------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(600)
def test_an_oversized_output_of_a_command_line(
    broker: RunningBroker, lab: SimulatorLab, router: SimulatedDevice
) -> None:
    lab.set_faults(router, tech_support_bytes=OVERSIZED)
    worker = Worker(broker, router.netmiko(), driver="netmiko", query="show clock")
    job = worker.run(
        command=["show clock", "show tech-support", "show version"],
        driver_args={"read_timeout": 240},
        options={"wait": 300, "timeout": 280},
    )
    assert job["status"] == "failed", job
    error = job["result"]["error"]
    assert (error["code"], error["phase"], error["retryable"]) == ("output_too_large", "execute", False)
    assert "narrow the command" in error["message"]
    assert list(job["result"]["retval"]) == ["show clock"]
    assert "show version" not in lab.commands(router)
    worker.goes_on()
    assert lab.counters(router).logins == 1
    assert lab.counters(router).bytes_out > OVERSIZED, "it was read to its end, nothing was typed to break it off"


@pytest.mark.timeout(600)
def test_outputs_that_are_too_large_together(broker: RunningBroker, lab: SimulatorLab, router: SimulatedDevice) -> None:
    lab.set_faults(router, tech_support_bytes=6_000_000)
    worker = Worker(broker, router.netmiko(), driver="netmiko", query="show clock")
    job = worker.run(
        command=["show tech-support", "show tech-support"],
        driver_args={"read_timeout": 240},
        options={"wait": 300, "timeout": 280},
    )
    assert (job["status"], job["result"]["error"]["code"]) == ("failed", "output_too_large")
    assert "divide them among several jobs" in job["result"]["error"]["message"]
    whole, begun = job["result"]["outputs"]
    assert "complete" not in whole
    assert (begun["complete"], begun["failed"]) == (False, True)
    assert sum(len(one["output"].encode()) for one in (whole, begun)) == 8 * 1024 * 1024
    worker.goes_on()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("driver", ["pyeapi", "napalm"])
def test_an_oversized_output_of_eapi(
    broker: RunningBroker, lab: SimulatorLab, switch: SimulatedDevice, driver: str
) -> None:
    lab.set_faults(switch, tech_support_bytes=OVERSIZED)
    arguments = pyeapi(switch) if driver == "pyeapi" else napalm(switch)
    worker = Worker(broker, arguments, driver=driver, query="show hostname")
    options = {"wait": 300, "timeout": 280}
    error = worker.fails(command="show tech-support", driver_args={"encoding": "text"}, options=options)
    assert (error["code"], error["phase"]) == ("output_too_large", "execute")
    worker.goes_on()
