"""The simulated eAPI, from the client's side: stock pyeapi, and raw HTTP for what a library would not send."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Iterator
from typing import Any

import pyeapi.client
import pytest
from pyeapi.eapilib import CommandError, HttpEapiConnection, HttpsEapiConnection

from netpulse_lab import SimulatedDevice, SimulatorLab
from netpulse_lab.device_spec import DeviceSpec, SpecError


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


@pytest.fixture
def switch(lab: SimulatorLab) -> Iterator[SimulatedDevice]:
    device = lab.add(name="s1", platform="eos", http_port=0, https_port=0)
    yield device
    lab.remove(device)


def node(switch: SimulatedDevice, *, tls: bool = False) -> Any:
    login = {"username": switch.username, "password": switch.password, "timeout": 20}
    connection: Any
    if tls:
        context = ssl.create_default_context(cadata=switch.certificate)
        connection = HttpsEapiConnection(switch.host, switch.https_port, context=context, **login)
    else:
        connection = HttpEapiConnection(switch.host, switch.http_port, **login)
    return pyeapi.client.Node(connection, enablepwd=switch.secret)


def post(switch: SimulatedDevice, body: str, *, password: str = "", path: str = "/command-api") -> tuple[int, Any]:
    connection = http.client.HTTPConnection(switch.host, switch.http_port or 0, timeout=20)
    token = base64.b64encode(f"{switch.username}:{password or switch.password}".encode()).decode()
    try:
        connection.request("POST", path, body, {"Authorization": f"Basic {token}"})
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, json.loads(text) if text.startswith("{") else text
    finally:
        connection.close()


def called(**params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": "runCmds", "id": "7", "params": {"version": 1, **params}})


@pytest.mark.parametrize("tls", [False, True])
def test_stock_pyeapi_connects_for_every_request(lab: SimulatorLab, switch: SimulatedDevice, tls: bool) -> None:
    client = node(switch, tls=tls)
    for _ in range(5):
        assert client.enable("show version")[0]["result"]["modelName"] == "vEOS-lab"
    assert "Timezone" in client.enable("show clock", encoding="text")[0]["result"]["output"]
    counters = lab.counters(switch)
    assert (counters.requests, counters.connections, counters.logins) == (6, 6, 6)
    assert lab.commands(switch)[-2:] == ["enable", "show clock"]


def test_stock_configuration_session(lab: SimulatorLab, switch: SimulatedDevice) -> None:
    client = node(switch)
    client.configure_session()
    client.config(["interface Ethernet1", "description from a session"])
    assert "+   description from a session" in client.diff()
    assert "from a session" not in lab.running_config(switch)
    client.commit()
    assert "from a session" in lab.running_config(switch)


@pytest.mark.parametrize(
    ("command", "code"), [("show nonsense", 1002), ("show clock", 1003), ("reload", 1004), ("show hostname", 1005)]
)
def test_error_codes(lab: SimulatorLab, switch: SimulatedDevice, command: str, code: int) -> None:
    lab.set_faults(switch, deny_commands=["^show hostname$"])
    with pytest.raises(CommandError) as caught:
        node(switch).run_commands([command])  # enable() would ask again, for text
    assert caught.value.error_code == code
    assert caught.value.output[-1]["errors"]


def test_commands_stop_at_the_first_failure(lab: SimulatorLab, switch: SimulatedDevice) -> None:
    lab.set_faults(switch, refuse_config=["mtu"])
    client = node(switch)
    with pytest.raises(CommandError, match="1000"):
        client.config(["interface Ethernet1", "mtu 9000", "description never"])
    assert "description never" not in lab.commands(switch)


def test_privilege_and_enable_secret(switch: SimulatedDevice) -> None:
    status, answer = post(switch, called(cmds=["show running-config"], format="text"))
    assert (status, answer["error"]["code"]) == (200, 1002)
    _, answer = post(switch, called(cmds=[{"cmd": "enable", "input": "wrong"}]))
    assert answer["error"]["code"] == 1005
    assert answer["error"]["data"] == [{"errors": ["Bad secret"]}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", -32700),
        ("[]", -32600),
        (json.dumps({"jsonrpc": "2.0", "method": "stop", "id": 1}), -32601),
        (called(cmds="show version"), -32602),
        (called(cmds=["show version"], format="xml"), -32602),
    ],
)
def test_requests_that_are_none(switch: SimulatedDevice, body: str, code: int) -> None:
    assert post(switch, body)[1]["error"]["code"] == code


def test_http_below_it(lab: SimulatorLab, switch: SimulatedDevice) -> None:
    assert post(switch, called(cmds=[]), password="wrong")[0] == 401
    assert lab.counters(switch).auth_failures == 1
    assert post(switch, called(cmds=[]), path="/")[0] == 404
    lab.set_faults(switch, http_status=503)
    assert post(switch, called(cmds=[]))[0] == 503


def test_only_eos_has_eapi() -> None:
    with pytest.raises(SpecError, match="take platform eos"):
        DeviceSpec.from_mapping({"name": "r1", "platform": "ios", "http_port": 0})
