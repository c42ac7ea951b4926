"""A request names no file of the broker's machines, and no error tells what stands in one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.running_broker import RunningBroker

SECRET = "a-line-that-nobody-may-read"
PATHS = [
    "/etc/passwd",
    "~/.ssh/id_rsa",
    "~nosuchuser/x",
    "../key",
    "./key",
    "a/b",
    "..",
    "-",
    "file:///etc/passwd",
    "a\0b",
    "",
]

EXECUTE = "/device/execute"
OPTIONS = {
    "netmiko": ["key_file", "known_hosts", "ssh_config_file", "alt_key_file", "session_log", "sock", "ca_file"],
    "pyeapi": ["key_file", "cert_file", "ca_file", "context"],
    "napalm": ["ca_file", "known_hosts", "key_file"],
}


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directories of named files; beside and in them what must not be read."""
    root = tmp_path_factory.mktemp("offered")
    for kind in ("keys", "certificates", "ssh_configs", "known_hosts"):
        directory = root / kind
        directory.mkdir()
        (directory / "bad").write_text(f"{SECRET}\n")
        (directory / "link").symlink_to(root / "outside")
        (directory / "folder").mkdir()
    (root / "outside").write_text(f"{SECRET}\n")
    (root / "known_hosts" / "bad").write_text(f"* ssh-ed25519 {SECRET}\n")
    return root


@pytest.fixture(scope="module")
def broker(offered: Path) -> Iterator[RunningBroker]:
    settings = {
        f"NETPULSE_FILES__{kind.upper()}": str(offered / kind)
        for kind in ("keys", "certificates", "ssh_configs", "known_hosts")
    }
    with RunningBroker(settings=settings) as running:
        yield running


def request(driver: str, login: dict[str, Any], **more: Any) -> dict[str, Any]:
    arguments = dict(login) | more
    if driver == "pyeapi":
        del arguments["device_type"]
    if driver == "napalm":
        arguments["device_type"] = more.get("device_type", "ios")
    return {"driver": driver, "connection_args": arguments, "command": "show clock", "wait": 60}


def refused(broker: RunningBroker, body: dict[str, Any], *, path: str = EXECUTE) -> str:
    """The text of the 422."""
    answer = broker.client.post(path, json=body)
    assert answer.status_code == 422, f"{answer.status_code}: {answer.text}"
    assert "root:" not in answer.text
    return answer.text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("driver", "option"), [(driver, one) for driver, many in OPTIONS.items() for one in many])
def test_no_option_takes_a_path(
    broker: RunningBroker, login: dict[str, Any], driver: str, option: str, path: str
) -> None:
    more: dict[str, Any] = {option: path}
    if option in ("cert_file", "key_file") and driver == "pyeapi":
        more = {"cert_file": "bad", "key_file": "bad"} | more
    body = request(driver, login, **more)
    text = refused(broker, body)
    alternatives = {
        ("netmiko", "key_file"): "pkey",
        ("netmiko", "known_hosts"): "host_keys",
        ("netmiko", "ssh_config_file"): "proxy_jump",
        ("pyeapi", "key_file"): "pkey",
        ("pyeapi", "cert_file"): "certificate",
        ("pyeapi", "ca_file"): "as ca",
        ("napalm", "ca_file"): "as ca",
        ("napalm", "known_hosts"): "host_keys",
    }
    if (driver, option) in alternatives:
        assert alternatives[driver, option] in text
        assert "setting files." in text, "the operator's names are named too"
    # Whatever way in: a named device, a session, a test, bulk, a jump host.
    refused(broker, body | {"device": "named"})
    refused(
        broker,
        {key: value for key, value in body.items() if key in ("driver", "connection_args")},
        path="/device/test-connection",
    )
    bulk = {key: value for key, value in body.items() if key != "connection_args"} | {
        "devices": [body["connection_args"]]
    }
    answer = broker.client.post("/device/bulk", json=bulk)
    assert not answer.json()["data"]["succeeded"], answer.text
    if driver == "netmiko":
        refused(broker, {"driver": driver, "connection_args": body["connection_args"]}, path="/session")
        hop = {"host": "192.0.2.1", "username": "u", "password": "p", option: path}
        refused(broker, request(driver, login, proxy_jump=hop))
        refused(
            broker, request(driver, login, proxy_jump=[{"host": "192.0.2.1", "username": "u", "password": "p"}, hop])
        )


@pytest.mark.parametrize("device_type", ["ios", "eos", "junos", "iosxr", "iosxr_netconf", "nxos", "nxos_ssh", "linux"])
@pytest.mark.parametrize(
    "option",
    [
        *("key_file", "ssh_config_file", "alt_key_file", "session_log", "sock", "ssh_config", "ssh_private_key_file"),
        *("ssh_proxy_file", "log_file", "config_path", "sock_fd", "filename", "socket"),
    ],
)
def test_no_option_of_napalm_takes_a_path(
    broker: RunningBroker, login: dict[str, Any], device_type: str, option: str
) -> None:
    for path in ("/etc/passwd", "~/.ssh/id_rsa", "../key"):
        refused(broker, request("napalm", login, device_type=device_type, optional_args={option: path}))


@pytest.mark.parametrize("name", ["nothing", "link", "folder"])
@pytest.mark.parametrize("option", ["key_file", "known_hosts", "ssh_config_file"])
def test_a_name_leads_out_of_no_directory(broker: RunningBroker, login: dict[str, Any], option: str, name: str) -> None:
    for strategy in ("pinned", "fifo"):
        job = broker.execute(login | {option: name}, command="show clock", options={"queue_strategy": strategy})
        error = job["result"]["error"]
        assert (error["code"], error["phase"]) == ("invalid_arguments", "validate")
        assert f"{option}: this worker offers no file '{name}'" in error["message"]
        assert SECRET not in str(job)


@pytest.mark.parametrize("option", ["key_file", "known_hosts", "ssh_config_file"])
def test_an_error_quotes_no_file(broker: RunningBroker, login: dict[str, Any], offered: Path, option: str) -> None:
    """Not even of those that are offered."""
    job = broker.execute(login | {option: "bad"}, command="show clock")
    assert job["status"] == "failed", job
    assert SECRET not in str(job)
    assert (offered / "known_hosts" / "bad").read_text() == f"* ssh-ed25519 {SECRET}\n"
    for name in ("ca_file", "cert_file"):
        more = {"cert_file": "bad", "key_file": "bad"} if name == "cert_file" else {name: "bad"}
        body = request("pyeapi", login, **more)
        answer = broker.client.post(EXECUTE, json=body)
        assert answer.json()["data"]["status"] == "failed", answer.text
        assert SECRET not in answer.text


HOSTS = [
    *(
        "192.0.2.1\nssh-ed25519 AAAA",
        "192.0.2.1\r",
        "a b",
        "a\tb",
        "-oProxyCommand=id",
        "$(id)",
        "`id`",
        "a;b",
        "a|b",
        "a'b",
    ),
    *(
        'a"b',
        "a,b",
        "*",
        "!a",
        "a/b",
        "../a",
        "a\0b",
        "é.example",
        "fe80::1%a b",
        "fe80::1%\n",
        "[::1",
        "",
        " ",
        "a" * 256,
    ),
]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_an_address_or_a_name(broker: RunningBroker, login: dict[str, Any], host: str) -> None:
    for driver in ("netmiko", "napalm", "pyeapi"):
        for device in (None, "named"):
            refused(broker, request(driver, login, host=host) | ({"device": device} if device else {}))
    refused(broker, request("netmiko", login, proxy_jump={"host": host, "username": "u", "password": "p"}))
    refused(
        broker, {"driver": "netmiko", "connection_args": login | {"host": host}, "device": "named"}, path="/session"
    )


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.0.1", "010.1.2.3"]
)
def test_an_address_has_one_spelling(broker: RunningBroker, login: dict[str, Any], host: str) -> None:
    assert "short form of an address: write " in refused(broker, request("netmiko", login, host=host))
