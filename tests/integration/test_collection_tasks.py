"""The installed collection under a real ansible-playbook: what it sends, what it returns, how it fails.

The broker is a server that answers by script, so that each answer a broker may give can be looked at; runs against a
real broker and real devices are in test_collection_devices.py.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_run import REPOSITORY, Ansible, build_collection, install_collection
from tests.unit.collection.contract_server import ContractServer, Reply, error, job, ok, output, refused

PASSWORDS = ("Dev1ce-Passw0rd", "En4ble-Secret", "Api-Key-9f3", "Line-Passw0rd")
ROUTER = {
    "ansible_host": "192.0.2.1",
    "ansible_port": 2222,
    "ansible_user": "ops",
    "ansible_password": "Dev1ce-Passw0rd",
    "ansible_become_password": "En4ble-Secret",
    "ansible_network_os": "cisco.ios.ios",
    "netpulse_api_key": "Api-Key-9f3",
}


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("collections")
    install_collection(build_collection(REPOSITORY / "collection", target / "dist"), target)
    return target


@pytest.fixture
def ansible(collections: Path, tmp_path: Path) -> Ansible:
    return Ansible(collections=collections, folder=tmp_path)


@pytest.fixture
def broker() -> Iterator[ContractServer]:
    with ContractServer() as server:
        yield server


def router(broker: ContractServer, **changes: Any) -> dict[str, Any]:
    return {"r1": {**ROUTER, "netpulse_broker_url": broker.url, **changes}}


def command(*commands: Any, **options: Any) -> dict[str, Any]:
    return {"name": "ask", "netpulse.broker.command": {"commands": list(commands), **options}}


def config(**options: Any) -> dict[str, Any]:
    return {"name": "change", "netpulse.broker.config": options}


def changed_job(**result: Any) -> dict[str, Any]:
    account = {"changed": True, "diff": "+ interface x\n+  description y", "applied": ["interface x", "description y"]}
    return job(result={**account, "saved": False, "backup": None, **result})


def test_command_sends_one_job_and_returns_what_the_device_said(ansible: Ansible, broker: ContractServer) -> None:
    outputs = [output("show version", "IOS 15\nup"), output("show clock", "12:00", parsed=[{"time": "12:00"}])]
    broker.script = [ok(job(outputs=outputs), 201)]
    run = ansible.tasks(command("show version", "show clock", driver_args={"read_timeout": 9}), hosts=router(broker))
    assert run.returncode == 0, run.output
    (body,) = broker.bodies()
    assert body.pop("options").keys() == {"wait", "idempotency_key"}
    assert body == {
        "driver": "netmiko",
        "connection_args": {
            "host": "192.0.2.1",
            "port": 2222,
            "username": "ops",
            "password": "Dev1ce-Passw0rd",
            "secret": "En4ble-Secret",
            "device_type": "cisco_ios",
        },
        "driver_args": {"read_timeout": 9},
        "command": ["show version", "show clock"],
    }
    assert broker.seen[0].headers["X-API-KEY"] == "Api-Key-9f3"
    result = run.only.result
    assert result["stdout"] == ["IOS 15\nup", "12:00"]
    assert result["stdout_lines"] == [["IOS 15", "up"], ["12:00"]]
    assert result["parsed"] == [None, [{"time": "12:00"}]]
    assert (result["changed"], result["session_reused"], result["job_id"]) == (False, True, "job-1")


def test_commands_with_arguments_of_their_own_are_jobs_of_their_own_on_one_connection(
    ansible: Ansible, broker: ContractServer
) -> None:
    broker.script = [
        ok(job(outputs=[output("a", "A"), output("b", "B")])),
        ok(job(outputs=[output("c", "C")], id="job-2", session_reused=False)),
    ]
    run = ansible.tasks(
        command("a", "b", {"command": "c", "driver_args": {"expect_string": "x"}}), hosts=router(broker)
    )
    assert [body["command"] for body in broker.bodies()] == [["a", "b"], ["c"]]
    assert len({one.connection for one in broker.seen}) == 1
    result = run.only.result
    assert result["stdout"] == ["A", "B", "C"]
    assert [one["id"] for one in result["jobs"]] == ["job-1", "job-2"]
    assert result["session_reused"] is False


def test_module_defaults_and_environment_say_where_the_broker_is(ansible: Ansible, broker: ContractServer) -> None:
    broker.script = [ok(job(outputs=[output("a", "A")]))]
    host = {name: value for name, value in ROUTER.items() if name != "netpulse_api_key"}
    run = ansible.tasks(
        command("a"),
        command("a", ttl=7),
        hosts={"r1": host},
        module_defaults={"group/netpulse.broker.broker": {"broker_url": broker.url, "ttl": 5, "priority": "batch"}},
        environment={"NETPULSE_URL": "http://127.0.0.1:9", "NETPULSE_API_KEY": "from-environment"},
    )
    assert run.returncode == 0, run.output
    assert [body["options"]["ttl"] for body in broker.bodies()] == [5, 7]
    assert {body["options"]["priority"] for body in broker.bodies()} == {"batch"}
    assert {one.headers["X-API-KEY"] for one in broker.seen} == {"from-environment"}


def test_variables_are_templates_and_vaulted_key_files_are_read(
    ansible: Ansible, broker: ContractServer, tmp_path: Path
) -> None:
    (tmp_path / "id").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n")
    broker.script = [ok(job(outputs=[output("a", "A")]))]
    hosts = router(
        broker,
        site="north",
        ansible_host="{{ site }}-{{ inventory_hostname }}",
        ansible_ssh_private_key_file=str(tmp_path / "id"),
        netpulse_connection_args={"keepalive": 30},
    )
    run = ansible.tasks(command("a"), hosts=hosts)
    assert run.returncode == 0, run.output
    arguments = broker.bodies()[0]["connection_args"]
    assert (arguments["host"], arguments["keepalive"]) == ("north-r1", 30)
    assert arguments["pkey"].startswith("-----BEGIN OPENSSH")


def test_wait_for_asks_again_until_it_holds(ansible: Ansible, broker: ContractServer) -> None:
    broker.script = [ok(job(outputs=[output("a", text)])) for text in ("Idle", "Idle", "Established")]
    task = command("a", wait_for=["result[0] contains Established"], interval=0.01)
    run = ansible.tasks(task, hosts=router(broker))
    assert run.only.result["stdout"] == ["Established"]
    assert len(broker.seen) == 3


def test_wait_for_that_never_holds_fails_and_shows_the_last_output(ansible: Ansible, broker: ContractServer) -> None:
    broker.script = [ok(job(outputs=[output("a", "Idle")]))]
    task = command("a", wait_for=["result[0] contains Established"], interval=0.01, retries=2)
    run = ansible.tasks(task, hosts=router(broker))
    assert (run.only.state, len(broker.seen)) == ("failed", 3)
    assert run.only.result["failed_conditions"] == ["result[0] contains Established"]
    assert run.only.result["stdout"] == ["Idle"]


def test_check_mode_sends_only_commands_that_read(ansible: Ansible, broker: ContractServer) -> None:
    broker.script = [ok(job(outputs=[output("show clock", "12:00")]))]
    run = ansible.tasks(command("clear counters", "show clock"), hosts=router(broker), arguments=("--check",))
    assert run.returncode == 0, run.output
    assert [body["command"] for body in broker.bodies()] == [["show clock"]]
    assert run.only.result["stdout"] == ["", "12:00"]
    assert "not sent, because it may change something: 'clear counters'" in " ".join(run.output.split())


def test_config_sends_lines_and_policy_and_returns_what_was_applied(ansible: Ansible, broker: ContractServer) -> None:
    broker.script = [ok(changed_job(saved=True))]
    task = config(
        parents="interface x",
        lines=["description y"],
        before="no a",
        after=["b"],
        save_when="changed",
        match="strict",
        comment="why",
    )
    run = ansible.tasks(task, hosts=router(broker, netpulse_enable=True), arguments=("--diff",))
    assert run.returncode == 0, run.output
    (body,) = broker.bodies()
    assert body["config"] == ["description y"]
    assert body["ensure"] == {
        "parents": ["interface x"],
        "before": ["no a"],
        "after": ["b"],
        "match": "strict",
        "replace": "line",
        "save_when": "changed",
        "backup": False,
    }
    assert (body["dry_run"], body["enable_mode"], body["message"]) == (False, True, "why")
    result = run.only.result
    assert (result["changed"], result["saved"]) == (True, True)
    assert result["commands"] == result["updates"] == ["interface x", "description y"]
    assert "+  description y" in run.output


def test_check_mode_asks_for_a_dry_run_and_shows_the_diff(ansible: Ansible, broker: ContractServer) -> None:
    broker.script = [ok(changed_job())]
    task = config(parents="interface x", lines="description y")
    run = ansible.tasks(task, hosts=router(broker), arguments=("--check", "--diff"))
    assert broker.bodies()[0]["dry_run"] is True
    assert run.changed() == ["change"]
    assert run.only.result["diff"]["prepared"] == "+ interface x\n+  description y"


@pytest.mark.parametrize(
    ("save_when", "saved", "changed"), [("changed", False, False), ("modified", True, True), ("always", True, True)]
)
def test_saving_alone_is_a_change_where_the_lines_do_not_tell(
    ansible: Ansible, broker: ContractServer, save_when: str, saved: bool, changed: bool
) -> None:
    broker.script = [ok(changed_job(changed=False, diff="", applied=[], saved=saved))]
    run = ansible.tasks(config(lines="a", save_when=save_when), hosts=router(broker))
    assert run.only.result["changed"] is changed


def test_a_change_that_nobody_can_tell_counts_as_one_and_says_so(ansible: Ansible, broker: ContractServer) -> None:
    warning = "the driver does not know the texts with which nokia_isam refuses a line"
    broker.script = [ok(changed_job(changed=None, warnings=[warning]))]
    run = ansible.tasks(config(lines="a"), hosts=router(broker))
    assert run.returncode == 0, run.output
    assert run.only.result["changed"] is True
    assert run.only.result["warnings"] == [warning]


def test_announced_questions_are_sent_and_a_secret_answer_is_not_shown(
    ansible: Ansible, broker: ContractServer
) -> None:
    answers = [
        {"question": "assword", "answer": "open-sesame-9", "secret": True},
        {"question": r"\[confirm\]", "once": True},
    ]
    broker.script = [ok(job(outputs=[output("delete x", "")])), ok(changed_job())]
    run = ansible.tasks(
        command("delete x", answers=answers),
        config(lines="a", answers=answers),
        hosts=router(broker),
        arguments=("-vvv",),
    )
    assert run.returncode == 0, run.output
    for body in broker.bodies():
        assert body["answers"] == [
            answers[0],
            {"question": r"\[confirm\]", "answer": "", "secret": False, "once": True},
        ]
    assert "open-sesame-9" not in str([one.result for one in run.results])


def test_source_is_a_template_with_includes_and_keeps_its_indentation(
    ansible: Ansible, broker: ContractServer, tmp_path: Path
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "port.j2").write_text(
        "{% for name in ports %}\ninterface {{ name }}\n description {{ text }}\n{% endfor %}\n\n"
        "{% include 'tail.j2' %}"
    )
    (tmp_path / "templates" / "tail.j2").write_text("ip routing\n")
    broker.script = [ok(changed_job())]
    run = ansible.tasks(config(src="port.j2"), hosts=router(broker, ports=["a", "b"], text="to core"))
    assert run.returncode == 0, run.output
    assert broker.bodies()[0]["config"] == [
        "interface a",
        " description to core",
        "interface b",
        " description to core",
        "",
        "ip routing",
    ]


def test_source_or_lines_that_are_empty_for_a_host_change_nothing_there(
    ansible: Ansible, broker: ContractServer, tmp_path: Path
) -> None:
    (tmp_path / "port.j2").write_text("{% if ports %}\ninterface {{ ports[0] }}\n{% endif %}\n")
    broker.script = [ok(changed_job(changed=False, diff="", applied=[], backup="hostname r1\n"))]
    run = ansible.tasks(
        config(src="port.j2"),
        config(lines="{{ ports }}"),
        config(src="port.j2", backup=True),
        hosts=router(broker, ports=[]),
        arguments=("--diff",),
    )
    assert run.returncode == 0, run.output
    assert [(one.result["changed"], one.result["commands"], one.result["diff"]["prepared"]) for one in run.results] == [
        (False, [], "")
    ] * 3
    assert [body["config"] for body in broker.bodies()] == [[]]


def test_undefined_variable_in_the_source_fails_before_anything_is_sent(
    ansible: Ansible, broker: ContractServer, tmp_path: Path
) -> None:
    (tmp_path / "port.j2").write_text("interface {{ no_such_thing }}\n")
    run = ansible.tasks(config(src="port.j2"), hosts=router(broker))
    assert run.only.state == "failed"
    assert "no_such_thing" in run.only.result["msg"]
    assert broker.seen == []


def test_backup_lies_beside_the_playbook(ansible: Ansible, broker: ContractServer, tmp_path: Path) -> None:
    broker.script = [ok(changed_job(backup="hostname r1\n"))]
    run = ansible.tasks(config(backup=True), hosts=router(broker))
    assert broker.bodies()[0]["ensure"]["backup"] is True
    path = Path(run.only.result["backup_path"])
    assert path.parent == tmp_path / "backup"
    assert re.fullmatch(r"r1_config\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d", path.name)
    assert path.read_text() == "hostname r1\n"


def failed_job(code: str, phase: str, message: str, said: str = "", **changes: Any) -> dict[str, Any]:
    result = {"type": 2, "error": error(code, phase, message, said), **changes.pop("result", {})}
    return job("failed", result=result, **changes)


@pytest.mark.parametrize(
    ("phase", "state"), [("connect", "unreachable"), ("auth", "unreachable"), ("privilege", "failed")]
)
def test_device_that_lets_nobody_in_is_unreachable(
    ansible: Ansible, broker: ContractServer, phase: str, state: str
) -> None:
    broker.script = [ok(failed_job("some_code", phase, "no way in"))]
    run = ansible.tasks(command("a"), hosts=router(broker))
    assert run.only.state == state
    assert run.only.result["msg"] == f"r1 (192.0.2.1): {phase}: no way in"
    assert run.only.result["error"]["code"] == "some_code"


def test_ignore_unreachable_goes_on(ansible: Ansible, broker: ContractServer) -> None:
    broker.script = [ok(failed_job("device_unreachable", "connect", "no route")), ok(job(outputs=[output("a", "A")]))]
    run = ansible.tasks({**command("a"), "ignore_unreachable": True}, command("a"), hosts=router(broker))
    assert [one.state for one in run.results] == ["unreachable", "ok"]


def test_documented_repetition_repeats_what_may_succeed_later(ansible: Ansible, broker: ContractServer) -> None:
    found = re.search(r"^ +until: (.*)$", (REPOSITORY / "docs" / "ansible.md").read_text(), re.MULTILINE)
    assert found
    gone = {**error("device_unreachable", "connect", "no route"), "retryable": True}
    broker.script = [
        ok(job("failed", result={"error": gone})),
        ok(failed_job("command_refused", "execute", "refused")),
    ]
    task = {**command("a"), "register": "result", "until": found[1], "retries": 5, "delay": 0}
    run = ansible.tasks(task, hosts=router(broker))
    assert (run.only.state, len(broker.seen)) == ("failed", 2)


def test_refused_line_gives_the_devices_text_and_what_was_applied(ansible: Ansible, broker: ContractServer) -> None:
    account = {"changed": True, "applied": ["interface x"], "outputs": [output("interface x", "")]}
    broker.script = [ok(failed_job("command_refused", "execute", "refused 'foo'", "% Invalid input", result=account))]
    run = ansible.tasks(config(parents="interface x", lines=["foo"]), hosts=router(broker))
    result = run.only.result
    assert result["msg"] == "r1 (192.0.2.1): execute: refused 'foo'; the device said: % Invalid input"
    assert (result["commands"], result["changed"]) == (["interface x"], True)


def test_refused_line_in_the_middle_tells_what_stays_in_force(ansible: Ansible, broker: ContractServer) -> None:
    """As the netmiko driver tells it: in the error's details."""
    failed = failed_job("command_refused", "execute", "refused 'bad'", "% Invalid input")
    failed["result"]["error"]["details"] = [{"line": "bad", "number": 2, "applied": ["ntp server 192.0.2.1"]}]
    broker.script = [ok(failed)]
    result = ansible.tasks(config(lines=["ntp server 192.0.2.1", "bad"]), hosts=router(broker)).only.result
    assert (result["commands"], result["updates"]) == (["ntp server 192.0.2.1"], ["ntp server 192.0.2.1"])
    assert result["changed"] is True


def test_refused_first_line_changes_nothing(ansible: Ansible, broker: ContractServer) -> None:
    failed = failed_job("command_refused", "execute", "refused 'bad'", "% Invalid input")
    failed["result"]["error"]["details"] = [{"line": "bad", "number": 1, "applied": []}]
    broker.script = [ok(failed)]
    result = ansible.tasks(config(lines=["bad"]), hosts=router(broker)).only.result
    assert (result["commands"], result["changed"]) == ([], False)


def test_outputs_before_the_refused_command_are_returned(ansible: Ansible, broker: ContractServer) -> None:
    outputs = [output("a", "A"), output("b", "% no", failed=True)]
    broker.script = [ok(failed_job("command_refused", "execute", "refused 'b'", result={"outputs": outputs}))]
    run = ansible.tasks(command("a", "b", "c"), hosts=router(broker))
    assert run.only.state == "failed"
    assert run.only.result["stdout"] == ["A", "% no"]


def test_lost_worker_leaves_the_outcome_unknown(ansible: Ansible, broker: ContractServer) -> None:
    broker.script = [ok(failed_job("worker_lost", "execute", "the worker died", outcome="unknown"))]
    run = ansible.tasks(config(lines="a"), hosts=router(broker))
    assert run.only.state == "failed"
    assert (run.only.result["outcome"], run.only.result["changed"]) == ("unknown", True)
    assert "outcome unknown" in run.only.result["msg"]


def test_connection_that_breaks_is_repeated_with_the_same_key_and_said(
    ansible: Ansible, broker: ContractServer
) -> None:
    broker.script = [Reply(hang_up=True), ok(job(outputs=[output("a", "A")]))]
    run = ansible.tasks(command("a"), hosts=router(broker))
    assert run.only.state == "ok"
    assert len({body["options"]["idempotency_key"] for body in broker.bodies()}) == 1
    assert "asking again" in " ".join(run.output.split())  # earlier versions of Ansible wrap warnings


def test_broker_that_is_not_there_is_named_with_its_reason(ansible: Ansible, broker: ContractServer) -> None:
    with socket.socket() as reserved:  # bound, not listening: connections to it are refused
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        run = ansible.tasks(command("a"), hosts=router(broker, netpulse_broker_url=url))
    assert run.only.state == "failed"
    assert run.only.result["msg"] == f"r1 (192.0.2.1): cannot reach the broker at {url}: Connection refused"
    assert run.only.result["error"]["code"] == "broker_unreachable"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (refused(401, "no API key", "unauthenticated"), "unauthenticated"),
        (refused(403, "wrong API key", "forbidden"), "forbidden"),
        (refused(503, "no node has room", "no_worker", retryable=True), "no_worker"),
    ],
)
def test_refusal_of_the_broker_fails_the_task(
    ansible: Ansible, broker: ContractServer, reply: Reply, code: str
) -> None:
    broker.script = [reply]
    run = ansible.tasks(command("a"), hosts=router(broker))
    assert (run.only.state, run.only.result["error"]["code"], len(broker.seen)) == ("failed", code, 1)


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (command("a", wait_for=["result[0] resembles b"]), "unknown operator 'resembles'"),
        (command({"command": "a", "prompt": "x"}), "commands[0]: prompt cannot be given here"),
        (command("a", connect_timeout="soon"), "connect_timeout"),
        (config(save_when="never"), "there is nothing to do"),
        (config(lines="a", no_such_option=1), "no_such_option"),
        (config(lines="a", private_key_file="/nowhere/id"), "/nowhere/id"),
        (config(src="nowhere.j2"), "nowhere.j2"),
    ],
)
def test_mistakes_in_a_task_are_named_before_anything_is_sent(
    ansible: Ansible, broker: ContractServer, task: dict[str, Any], says: str
) -> None:
    run = ansible.tasks(task, hosts=router(broker))
    assert run.only.state == "failed"
    assert says in run.only.result["msg"]
    assert broker.seen == []


def test_task_delegated_to_this_machine_is_about_the_device_and_to_a_device_about_that(
    ansible: Ansible, broker: ContractServer
) -> None:
    broker.script = [ok(job(outputs=[output("a", "A")]))]
    hosts = router(broker)
    hosts["r2"] = {**hosts["r1"], "ansible_host": "192.0.2.2", "ansible_user": "other"}
    tasks = [
        {**command("a"), "delegate_to": place, "when": "inventory_hostname == 'r1'"} for place in ("localhost", "r2")
    ]
    run = ansible.tasks(*tasks, hosts=hosts)
    assert run.returncode == 0, run.output
    sent = [(body["connection_args"]["host"], body["connection_args"]["username"]) for body in broker.bodies()]
    assert sent == [("192.0.2.1", "ops"), ("192.0.2.2", "other")]


def test_variables_of_a_device_that_a_task_is_delegated_to_are_rendered_with_its_own(
    ansible: Ansible, broker: ContractServer
) -> None:
    broker.script = [ok(job(outputs=[output("a", "A")]))]
    hosts = router(broker, ansible_host="{{ management_address }}", management_address="192.0.2.1")
    hosts["r2"] = {**hosts["r1"], "management_address": "192.0.2.2"}
    task = {**command("a"), "delegate_to": "{{ item }}", "vars": {"netpulse_device": "named-{{ item }}"}}
    run = ansible.tasks({**task, "loop": ["r1", "r2"], "run_once": True}, hosts=hosts)
    assert run.returncode == 0, run.output
    sent = [(body["connection_args"]["host"], body["device"]) for body in broker.bodies()]
    assert sent == [("192.0.2.1", "named-r1"), ("192.0.2.2", "named-r2")]


def test_what_a_device_is_sent_and_says_is_returned_as_it_is(ansible: Ansible, broker: ContractServer) -> None:
    lines = ["username admin", "description Dev1ce-Passw0rd"]
    diff = "".join(f"+{line}\n" for line in lines)
    broker.script = [
        ok(changed_job(diff=diff, applied=lines)),
        ok(job(outputs=[output("show x", "Gi0/1 Dev1ce-Passw0rd down")])),
    ]
    run = ansible.tasks(config(lines=lines), command("show x"), hosts=router(broker), arguments=("--diff",))
    changed, asked = (one.result for one in run.results)
    assert (changed["diff"]["prepared"], changed["commands"], changed["updates"]) == (diff, lines, lines)
    assert asked["stdout"] == ["Gi0/1 Dev1ce-Passw0rd down"]


def test_no_message_shows_a_secret(ansible: Ansible, broker: ContractServer) -> None:
    said = "login with Dev1ce-Passw0rd and En4ble-Secret failed for Api-Key-9f3"
    replies = [
        ok(failed_job("some_code", "execute", said, said)),
        ok(changed_job(warnings=["said: Line-Passw0rd"])),
    ]
    broker.script = [*replies, refused(403, said, "forbidden")]
    # From variables: Ansible itself quotes the playbook's lines when a task fails, passwords that stand there included.
    secret_arguments = {
        "password": "{{ ansible_password }}",
        "connection_args": {"passphrase": "{{ line_password }}"},
    }
    run = ansible.tasks(
        {**command("a", **secret_arguments), "ignore_errors": True},
        {**config(lines="a", **secret_arguments), "ignore_errors": True},
        {**config(lines="a", **secret_arguments), "ignore_errors": True},
        {**command("a", ttl="soon", **secret_arguments), "ignore_errors": True},
        hosts=router(broker, line_password="Line-Passw0rd"),
        arguments=("-vvvv", "--diff"),
    )
    assert [one.state for one in run.results] == ["failed", "ok", "failed", "failed"]
    everything = run.output + repr([one.result for one in run.results])  # not what the task was given
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in everything
    assert [word for word in PASSWORDS if word in everything] == []
