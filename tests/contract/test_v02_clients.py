"""Scripts that were written for the NetPulse API v0.2 work unchanged: aliases, flat options, results, keys."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.contract.client_v02 import V02Client, V02Error
from tests.lab.running_broker import RunningBroker


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    with RunningBroker() as running:
        yield running


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


@pytest.fixture(scope="module")
def router(lab: SimulatorLab) -> SimulatedDevice:
    return lab.add(name="router", platform="ios", privilege=15)


@pytest.fixture(scope="module")
def switch(lab: SimulatorLab) -> SimulatedDevice:
    return lab.add(name="switch", platform="eos", privilege=15, secret="", http_port=0, https_port=0)


@pytest.fixture
def client(broker: RunningBroker) -> V02Client:
    return V02Client(broker.url, broker.api_key)


def login(device: SimulatedDevice, **more: Any) -> dict[str, Any]:
    """As v0.2's pages wrote it."""
    return {
        "device_type": "cisco_ios" if device.platform == "ios" else "arista_eos",
        "host": device.host,
        "port": device.port,
        "username": device.username,
        "password": device.password,
        **more,
    }


def eapi(device: SimulatedDevice, **more: Any) -> dict[str, Any]:
    return login(device, port=device.http_port, transport="http", **more)


def napalm(device: SimulatedDevice) -> dict[str, Any]:
    """The address is called hostname, and the port an optional argument."""
    return {
        "device_type": "eos",
        "hostname": device.host,
        "username": device.username,
        "password": device.password,
        "optional_args": {"transport": "http", "port": device.http_port},
    }


# -- envelope and keys ------------------------------------------------------------------------------------------------


def raw(broker: RunningBroker, method: str, path: str, body: Any, *, key: str | None) -> tuple[int, Any]:
    at = urlsplit(broker.url)
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=60)
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"X-API-KEY": key})
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/device/exec", {"driver": "nothing"}, 422),
        ("GET", "/job?id=nobody-has-this", None, 404),
        ("DELETE", "/worker?name=nobody-is-called-so", None, 404),
        ("GET", "/nothing-here", None, 404),
    ],
)
def test_what_fails_has_the_envelope_with_code_minus_one(
    broker: RunningBroker, method: str, path: str, body: Any, status: int
) -> None:
    got, envelope = raw(broker, method, path, body, key=broker.api_key)
    assert (got, envelope["code"]) == (status, -1)
    assert isinstance(envelope["message"], str)
    assert envelope["message"]
    assert "data" in envelope


def test_what_is_done_has_the_envelope_with_code_200(broker: RunningBroker) -> None:
    status, envelope = raw(broker, "GET", "/worker", None, key=broker.api_key)
    assert (status, envelope["code"], envelope["message"]) == (200, 200, "success")
    assert raw(broker, "GET", "/worker", None, key=None)[0] == 401
    assert raw(broker, "GET", "/worker", None, key="wrong-key-altogether")[0] == 403


@pytest.mark.parametrize("place", ["query", "cookie"])
def test_a_key_in_the_query_or_a_cookie_is_refused_by_default(broker: RunningBroker, place: Any) -> None:
    with pytest.raises(V02Error, match="no API key") as refused:
        V02Client(broker.url, broker.api_key, key_in=place).request("GET", "/job")
    assert refused.value.status == 401


def test_a_key_in_the_query_or_a_cookie_is_taken_when_the_operator_allows_it(router: SimulatedDevice) -> None:
    with RunningBroker(settings={"NETPULSE_SECURITY__API_KEY_IN_QUERY": "true"}) as broker:
        for place in ("query", "cookie", "header"):
            client = V02Client(broker.url, broker.api_key, key_in=place)  # type: ignore[arg-type]
            job = client.run(driver="netmiko", connection_args=login(router), command="show clock")
            assert job["status"] == "finished"
        with pytest.raises(V02Error) as refused:
            V02Client(broker.url, "wrong-key-altogether", key_in="query").request("GET", "/job")
        assert refused.value.status == 403
        logs = "".join(path.read_text() for path in (broker.state_dir / "log").glob("*.log"))
        assert broker.api_key not in logs


# -- requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/device/exec", "/device/execute"])
def test_both_names_of_execute_answer_with_a_queued_job(client: V02Client, router: SimulatedDevice, path: str) -> None:
    job = client.request(
        "POST", path, {"driver": "netmiko", "connection_args": login(router), "command": "show version"}
    )
    assert {"id", "status", "queue", "created_at", "enqueued_at"} <= set(job)
    assert client.wait(job["id"])["status"] == "finished"


@pytest.mark.parametrize("path", ["/device/test", "/device/test-connection"])
def test_both_names_of_the_connection_test(client: V02Client, router: SimulatedDevice, path: str) -> None:
    good = client.request("POST", path, {"driver": "netmiko", "connection_args": login(router)})
    assert good["success"] is True
    assert good["connection_time"] > 0
    assert good["error_message"] is None
    assert good["device_info"]["prompt"] == "router#"
    assert datetime.fromisoformat(good["timestamp"]).utcoffset() is not None
    wrong = f"not-it-{path.rpartition('/')[2]}"  # a refused password is not tried again at once
    bad = client.request("POST", path, {"driver": "netmiko", "connection_args": login(router, password=wrong)})
    assert bad["success"] is False
    assert "password" in bad["error_message"]


def test_options_at_the_top_level_count(client: V02Client, router: SimulatedDevice) -> None:
    asked = {"driver": "netmiko", "connection_args": login(router), "command": "show clock"}
    assert client.run(**asked, queue_strategy="fifo", ttl=120)["queue"] == "fifo"
    assert client.run(**asked, queue_strategy="pinned", ttl=120)["queue"].startswith("device:")
    with pytest.raises(V02Error) as refused:
        client.submit(**asked, ttl=100_000)
    assert (refused.value.status, refused.value.data["details"][0]["loc"]) == (422, "ttl")
    with pytest.raises(V02Error) as refused:
        client.submit(**asked, queue_strategy="pinned", options={"queue_strategy": "fifo"})
    assert refused.value.status == 400


def test_a_ttl_at_the_top_level_ends_a_job_that_waits_too_long(
    client: V02Client, broker: RunningBroker, lab: SimulatorLab
) -> None:
    device = lab.add(name="slow", platform="ios", privilege=15)
    lab.set_faults(device, commands=[{"match": "show users", "action": "hang"}])
    asked = {"driver": "netmiko", "connection_args": login(device)}
    holding = client.submit(**asked, command="show users")
    late = client.submit(**asked, command="show clock", ttl=1)
    job = client.wait(late)
    assert (job["status"], job["result"]["error"]["code"]) == ("failed", "job_expired")
    client.request("DELETE", "/job", id=holding)
    assert "show clock" not in lab.commands(device)


@pytest.mark.parametrize(("driver", "queue"), [("netmiko", "device:"), ("napalm", "device:"), ("pyeapi", "fifo")])
def test_the_queue_without_a_strategy_is_the_driver_s(
    client: V02Client, switch: SimulatedDevice, driver: str, queue: str
) -> None:
    arguments = {"netmiko": login(switch), "napalm": napalm(switch), "pyeapi": eapi(switch)}[driver]
    job = client.run(driver=driver, connection_args=arguments, command="show hostname")
    assert job["status"] == "finished", job
    assert job["queue"].startswith(queue)


def test_enable_mode_works_wherever_it_is_written(client: V02Client, lab: SimulatorLab) -> None:
    device = lab.add(name="user-mode", platform="ios")
    asked = {"driver": "netmiko", "command": "show running-config"}
    secret = login(device, secret=device.secret)
    for request in (
        {"connection_args": secret | {"enable_mode": True}},
        {"connection_args": secret, "driver_args": {"enable_mode": True}},
        {"connection_args": secret, "enable_mode": True},
        {"connection_args": secret, "options": {"enable_mode": True}},
    ):
        job = client.run(**asked, **request)
        assert job["status"] == "finished", job
        assert "hostname user-mode" in job["result"]["retval"]["show running-config"]


def test_connection_arguments_and_driver_arguments_that_v02_pages_show(
    client: V02Client, router: SimulatedDevice
) -> None:
    arguments = login(router, secret=router.secret, timeout=60, keepalive=30, global_delay_factor=2, fast_cli=False)
    query = client.run(
        driver="netmiko",
        connection_args=arguments,
        command="show version",
        driver_args={"read_timeout": 120},
        ttl=600,
    )
    assert query["status"] == "finished", query
    change = client.run(
        driver="netmiko",
        connection_args=arguments,
        config="interface GigabitEthernet0/1\n description as v0.2 wrote it",
        driver_args={"save": True, "exit_config_mode": True, "enter_config_mode": True, "cmd_verify": True},
        queue_strategy="pinned",
        ttl=600,
    )
    assert change["status"] == "finished", change


@pytest.mark.parametrize(
    ("request_part", "said"),
    [
        ({"driver_args": {"delay_factor": 3}}, "give read_timeout in seconds"),
        ({"driver_args": {"max_loops": 500}}, "give read_timeout in seconds"),
        ({"driver_args": {"strip_promt": True}}, "strip_prompt"),
    ],
)
def test_what_has_no_meaning_any_more_is_refused_with_a_hint(
    client: V02Client, router: SimulatedDevice, request_part: dict[str, Any], said: str
) -> None:
    with pytest.raises(V02Error, match=said) as refused:
        client.submit(driver="netmiko", connection_args=login(router), command="show clock", **request_part)
    assert refused.value.status == 422


# -- results ----------------------------------------------------------------------------------------------------------


def test_a_job_has_the_fields_that_v02_clients_read(client: V02Client, router: SimulatedDevice) -> None:
    job = client.run(driver="netmiko", connection_args=login(router), command="show version")
    assert {"id", "status", "created_at", "enqueued_at", "started_at", "ended_at", "queue", "worker"} <= set(job)
    assert {"result", "duration", "queue_time"} <= set(job)
    for moment in ("created_at", "enqueued_at", "started_at", "ended_at"):
        assert datetime.fromisoformat(job[moment]).utcoffset() is not None
    assert job["duration"] >= 0
    assert job["queue_time"] >= 0
    assert (job["result"]["type"], job["result"]["error"]) == (1, None)
    assert client.request("GET", f"/job/{job['id']}") == job


def test_netmiko_queries_give_an_object_of_texts(client: V02Client, router: SimulatedDevice) -> None:
    commands = ["show version", "show clock"]
    job = client.run(driver="netmiko", connection_args=login(router), command=commands)
    retval = job["result"]["retval"]
    assert list(retval) == commands
    assert "Cisco IOS Software" in retval["show version"]
    assert "UTC" in retval["show clock"]


def test_netmiko_changes_give_a_list_of_texts(client: V02Client, router: SimulatedDevice, lab: SimulatorLab) -> None:
    lines = ["interface GigabitEthernet0/2", "description by a v0.2 client"]
    job = client.run(driver="netmiko", connection_args=login(router), config=lines)
    retval = job["result"]["retval"]
    assert isinstance(retval, list)
    assert retval
    assert all(isinstance(text, str) for text in retval)
    assert "by a v0.2 client" in lab.running_config(router)


def test_save_is_heeded(client: V02Client, router: SimulatedDevice, lab: SimulatorLab) -> None:
    """v0.2 took ``driver_args.save`` and could not be asked for it in fact; here it saves."""
    client.run(
        driver="netmiko",
        connection_args=login(router),
        config=["interface GigabitEthernet0/3", "description saved"],
        driver_args={"save": True},
    )
    assert "description saved" in lab.startup_config(router)


def test_flags_in_several_places_must_agree(client: V02Client, router: SimulatedDevice) -> None:
    asked = {"driver": "netmiko", "connection_args": login(router), "config": "ip domain name lab.example"}
    for name in ("save", "enable_mode"):
        with pytest.raises(V02Error, match=f"{name} stands in several places") as refused:
            client.submit(**asked, driver_args={name: True}, options={name: False})
        assert refused.value.status == 400
        with pytest.raises(V02Error, match="must be true or false") as refused:
            client.submit(**asked, driver_args={name: "yes"})
        assert refused.value.status == 422


def test_pyeapi_takes_the_device_type_that_other_drivers_need(client: V02Client, switch: SimulatedDevice) -> None:
    for kind in ("arista_eos", "eos", None):
        job = client.run(driver="pyeapi", connection_args=eapi(switch) | {"device_type": kind}, command="show clock")
        assert job["status"] == "finished", job
    for wrong in ("cisco_ios", ["arista_eos"]):
        asked = eapi(switch) | {"device_type": wrong}
        with pytest.raises(V02Error, match="no other speaks eAPI") as refused:
            client.submit(driver="pyeapi", connection_args=asked, command="show clock")
        assert refused.value.status == 422


def test_napalm_changes_give_the_difference(client: V02Client, switch: SimulatedDevice, lab: SimulatorLab) -> None:
    job = client.run(driver="napalm", connection_args=napalm(switch), config=["hostname napalm-v02"])
    assert job["status"] == "finished", job
    (diff,) = job["result"]["retval"]
    assert "+hostname napalm-v02" in diff
    getter = client.run(driver="napalm", connection_args=napalm(switch), command="get_facts")
    assert getter["result"]["retval"]["get_facts"]["hostname"] == "napalm-v02"
    client.run(driver="napalm", connection_args=napalm(switch), config=["hostname switch"])


def test_pyeapi_queries_and_changes_give_eapi_s_answers(client: V02Client, switch: SimulatedDevice) -> None:
    query = client.run(driver="pyeapi", connection_args=eapi(switch), command=["show hostname", "show version"])
    assert query["result"]["retval"]["show hostname"]["hostname"] == "switch"
    assert query["result"]["retval"]["show version"]["modelName"]
    change = client.run(
        driver="pyeapi", connection_args=eapi(switch), config=["interface Ethernet2", "description eapi"]
    )
    assert change["status"] == "finished", change
    assert change["result"]["retval"][:2] == [{}, {}]


def test_a_failed_job_keeps_what_was_completed_and_names_the_error(client: V02Client, router: SimulatedDevice) -> None:
    job = client.run(driver="netmiko", connection_args=login(router), command=["show clock", "show nonsense"])
    assert (job["status"], job["result"]["type"]) == ("failed", 2)
    assert list(job["result"]["retval"]) == ["show clock"]
    assert job["result"]["error"]["type"] == "CommandRefused"
    assert "Invalid input" in job["result"]["error"]["message"]


def test_status_and_result_come_together(client: V02Client, router: SimulatedDevice) -> None:
    """v0.2's clients read ``finished`` without a result now and then; here never."""
    for number in range(50):
        job_id = client.submit(
            driver="netmiko", connection_args=login(router), command=f"show clock | include {number}"
        )
        while True:
            (job,) = client.request("GET", "/job", id=job_id)
            assert (job["status"] == "finished") == (job["result"] is not None), job
            if job["status"] == "finished":
                break


# -- the rest ---------------------------------------------------------------------------------------------------------


def test_bulk(client: V02Client, router: SimulatedDevice, switch: SimulatedDevice) -> None:
    """Devices are laid over what they share; each may be of another type."""
    shared = {"username": router.username, "password": router.password, "timeout": 30}
    devices = [
        {"host": router.host, "port": router.port, "device_type": "cisco_ios"},
        {"host": switch.host, "port": switch.port, "device_type": "arista_eos"},
        {"host": router.host, "port": 99999, "device_type": "cisco_ios"},
    ]
    made = client.request(
        "POST",
        "/device/bulk",
        {
            "driver": "netmiko",
            "connection_args": shared,
            "devices": devices,
            "command": "show version",
            "queue_strategy": "pinned",
            "ttl": 600,
        },
    )
    assert set(made) == {"succeeded", "failed"}
    jobs = [client.wait(job["id"]) for job in made["succeeded"]]
    assert [job["status"] for job in jobs] == ["finished"] * 2
    assert "Cisco IOS" in jobs[0]["result"]["retval"]["show version"]
    assert "Arista" in jobs[1]["result"]["retval"]["show version"]
    assert [failure["host"] for failure in made["failed"]] == [router.host]


def test_jobs_and_workers_are_listed_and_ended(client: V02Client, lab: SimulatorLab) -> None:
    device = lab.add(name="listed", platform="ios", privilege=15)
    lab.set_faults(device, commands=[{"match": "show users", "action": "hang"}])
    name = f"{device.host}:{device.port}"
    asked = {"driver": "netmiko", "connection_args": login(device)}
    first = client.run(**asked, command="show clock")
    running = client.submit(**asked, command="show users")
    waiting = client.submit(**asked, command="show version")
    listed = client.request("GET", "/job", host=name)
    assert [job["id"] for job in listed] == [waiting, running, first["id"]]
    assert [job["id"] for job in client.request("GET", "/job", host=name, status="finished")] == [first["id"]]
    (worker,) = client.request("GET", "/worker", host=name)
    assert {"name", "status", "pid", "node", "queue"} <= set(worker)
    assert client.request("DELETE", "/job", id=waiting) == [waiting]
    assert client.request("DELETE", "/worker", name=worker["name"]) == [worker["name"]]
    with pytest.raises(V02Error) as refused:
        client.request("DELETE", "/job", id=waiting)
    assert refused.value.status == 409


def test_templates(client: V02Client) -> None:
    body = {"name": "jinja2", "template": "hostname {{ name }}", "context": {"name": "r1"}}
    assert client.request("POST", "/template/render", body) == "hostname r1"
    assert client.request("POST", "/template/render/jinja2", body) == "hostname r1"
    parse = {"name": "textfsm", "template": "Value A (\\d+)\n\nStart\n  ^a ${A} -> Record", "context": "a 1\na 2"}
    assert client.request("POST", "/template/parse", parse) == [{"A": "1"}, {"A": "2"}]
