"""Every request that docs/ shows, sent as it stands to a live broker; every answer shown, compared with what came."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documentation.pages import PAGES, ROOT, Example, read_page
from tests.documentation.shapes import differences, part_of
from tests.documentation.stand_ins import ACCOUNT, DocumentedNetwork
from tests.lab.fixtures_real import require
from tests.lab.real import SshdHost
from tests.lab.real.waiting import wait_until

READ = {page.name: page for page in map(read_page, PAGES)}

WITH_REQUESTS = [name for name, page in READ.items() if page.examples]

EXCLUDED = {'{"id": 1, "op": "faults", "device": "ios-001"': "the simulator's control socket, no request to the broker"}
"""By what a block begins with, and why it is not tried."""

LEFT_BEHIND = {
    "rest.md": {"r11": ["description made by the broker"]},
    "drivers.md": {"r11": ["description uplink to core"]},
    "drivers-pyeapi.md": {"switch": ["description uplink"]},
    "templates.md": {"r11": ["vlan 10", "name phones"]},
}
"""What the requests of a page leave behind on the devices."""

OPENAPI = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]

ALIASES = {"/device/exec": "/device/execute", "/device/test": "/device/test-connection"}

FINAL = {"finished", "failed", "stopped", "canceled"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentedNetwork]:
    with DocumentedNetwork(tmp_path_factory.mktemp("documented")) as running:
        yield running


def test_nothing_that_pages_show_is_left_untried() -> None:
    left = [f"{where}: {text}" for page in READ.values() for where, text in page.untried]
    assert [text for text in left if not any(f": {start}" in text for start in EXCLUDED)] == []
    assert len(left) == len(EXCLUDED), "an exclusion that excludes nothing"
    assert sum(len(page.examples) for page in READ.values()) >= 25
    assert sum(len(page.members) for page in READ.values()) >= 6


@pytest.mark.parametrize("name", WITH_REQUESTS)
def test_requests_of_a_page(broker: DocumentedNetwork, name: str, tmp_path: Path) -> None:
    last_id = ""
    first_body = next((one.body for one in READ[name].examples if one.body and one.status < 400), "{}")
    (tmp_path / "body.json").write_text(broker.translate(first_body))
    for example in READ[name].examples:
        if "-N" in example.command.split() or " -sN " in example.command:
            listen(broker, example)
            continue
        status, answer = sent(broker, example, last_id, tmp_path)
        assert status == example.status or (example.command and status in {200, 201}), f"{example.name}: {answer}"
        assert set(answer) - {"next_cursor"} == set(*READ["rest.md"].envelopes), example.name
        if status < 400:
            assert answer["code"] == 200, example.name
            check_end(broker, example, answer)
            data = answer["data"]
            last_id = data.get("id", last_id) if isinstance(data, dict) else last_id
        for shown in example.answers:
            assert shown.status in {status, example.status}, example.name
            got = part_of(answer, shown.part)
            assert differences(shown.shown, got) == [], f"{example.name}: {json.dumps(got, indent=1)}"
            if status >= 400:
                assert shown.shown == answer, example.name
    for device, lines in LEFT_BEHIND.get(name, {}).items():
        config = broker.lab.running_config(device)
        assert [line for line in lines if line not in config] == []


def sent(broker: DocumentedNetwork, example: Example, last_id: str, directory: Path) -> tuple[int, Any]:
    if not example.command:
        path = broker.translate(example.path.replace("{id}", last_id))
        headers = {"Content-Type": "application/json"}
        answer = broker.running.client.request(
            example.method, path, content=broker.translate(example.body), headers=headers
        )
        return answer.status_code, answer.json()
    ran = subprocess.run(
        ["bash", "-euc", shell(broker, example.command.replace("{id}", last_id)) + " -w '\n%{http_code}'"],
        env=environment(broker),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, f"{example.name}: {ran.stderr}"
    body, _, status = ran.stdout.rpartition("\n")
    return int(status), json.loads(body)


def shell(broker: DocumentedNetwork, command: str) -> str:
    return broker.translate(command.replace("http://127.0.0.1:9000", broker.running.url))


def environment(broker: DocumentedNetwork) -> dict[str, str]:
    return os.environ | {"URL": broker.running.url, "KEY": broker.running.api_key}


def listen(broker: DocumentedNetwork, example: Example) -> None:
    """A command that goes on for ever: its first line is what the page shows."""
    command = ["bash", "-euc", "exec " + shell(broker, example.command)]
    with subprocess.Popen(command, env=environment(broker), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        running.terminate()
    assert first.startswith("retry: "), example.name
    assert first in (ROOT / "docs" / example.page).read_text()


def check_end(broker: DocumentedNetwork, example: Example, answer: Any) -> None:
    """Each job that the request made ends as the page says; where it says nothing, well."""
    data = answer["data"]
    expected = [shown.shown["data"] for shown in example.answers if not shown.part and "status" in shown.shown["data"]]
    jobs = data["succeeded"] if isinstance(data, dict) and "succeeded" in data else [data]
    for job in jobs:
        if not isinstance(job, dict) or not {"seq", "status", "outcome"} <= set(job):
            continue
        ended = until_final(broker, job["id"]) if job["status"] not in FINAL else job
        wanted = expected[0]["status"] if expected else "finished"
        assert ended["status"] == wanted, f"{example.name}: {json.dumps(ended, indent=1)}"
        if wanted == "failed":
            assert ended["result"]["error"] == expected[0]["result"]["error"], example.name
        body = json.loads(example.body or "{}")
        if "parsing" in body or body.get("driver_args", {}).get("use_textfsm"):
            assert ended["result"]["outputs"][0]["parsed"], example.name
        if "webhook" in body:
            wait_until(lambda: broker.receiver.received, what="the webhook's call", timeout=30)
            assert json.loads(broker.receiver.received[-1].body) == ended, example.name


def until_final(broker: DocumentedNetwork, job_id: str) -> Any:
    wait_until(lambda: broker.running.get(f"/job/{job_id}")["status"] in FINAL, what=f"the end of {job_id}", timeout=60)
    return broker.running.get(f"/job/{job_id}")


MEMBERS = [(kind, line) for page in READ.values() for kind, line in page.members]


def test_the_kinds_of_devices_that_pages_name_are_known() -> None:
    assert {kind for kind, _ in MEMBERS} == {"old", "behind-jump-host"}


@pytest.mark.parametrize("line", [line for kind, line in MEMBERS if kind == "old"])
def test_connection_arguments_for_old_devices(broker: DocumentedNetwork, line: str) -> None:
    job = broker.running.execute(broker.old.netmiko(**broker.member(line, jump={})), command="show version")
    assert job["status"] == "finished", job


@pytest.mark.sshd
@pytest.mark.parametrize("line", [line for kind, line in MEMBERS if kind == "behind-jump-host"])
def test_ways_through_jump_hosts_that_are_real_sshds(broker: DocumentedNetwork, line: str) -> None:
    require(SshdHost.available(password=True))
    with SshdHost(name="bastion", allow_tcp_forwarding=True, password=True, public_key=True) as bastion:
        jump = bastion.device
        assert jump.key_file is not None, "it takes keys"
        hop = {
            "host": jump.host,
            "port": jump.port,
            "username": jump.username,
            "password": jump.password,
            "pkey": Path(jump.key_file).read_text(),
        }
        target = broker.lab.add(name="behind", platform="ios", **ACCOUNT)
        arguments = target.netmiko(**broker.member(line, jump=hop))
        arguments |= jump.key()  # what a jump host without a credential of its own gets
        job = broker.running.execute(arguments, command="show version")
        assert job["status"] == "finished", job
        assert bastion.jump_opens() >= 1
        broker.lab.remove(target)


def test_the_served_document_is_the_stored_one(broker: DocumentedNetwork) -> None:
    stored = json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert broker.running.client.get("/openapi.json").json() == stored, "run: make openapi"


OPERATION = re.compile(r"`(GET|POST|PUT|DELETE)(?:`?, `?(GET|POST|PUT|DELETE))? (/[^`\s]*)")

UNDESCRIBED = {"/openapi.json", "/docs"}


def named_operations(page: str) -> Iterator[tuple[str, str, set[str]]]:
    """Operations that a page names in its text: method, path as the OpenAPI document has it, names in the query."""
    for first, second, target in OPERATION.findall((ROOT / "docs" / page).read_text()):
        path, _, query = target.partition("?")
        names = {part.partition("=")[0] for part in query.split("&") if part}
        for method in filter(None, (first, second)):
            yield method.lower(), described(ALIASES.get(path, path)), names


def described(named: str) -> str:
    """The described path of which a named one is an instance, whatever stands in the place of a parameter."""
    if named in OPENAPI:
        return named
    for path in OPENAPI:
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", path), named):
            return path
    return named


@pytest.mark.parametrize("page", READ)
def test_operations_that_a_page_names_exist(page: str) -> None:
    for method, path, names in named_operations(page):
        if path in UNDESCRIBED:
            continue
        assert method in OPENAPI.get(path, {}), f"{page} names {method} {path}"
        assert names <= {parameter["name"] for parameter in OPENAPI[path][method].get("parameters", [])}, path


def test_every_operation_is_named_on_a_page() -> None:
    named = {(method, path) for page in READ for method, path, _ in named_operations(page)}
    named |= {(one.method.lower(), described(one.path)) for page in READ.values() for one in page.examples}
    assert {(method, path) for path, item in OPENAPI.items() for method in item} - named == set()
