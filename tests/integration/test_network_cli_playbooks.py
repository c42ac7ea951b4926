"""Vendor modules through a real broker: what happens around a task, where things go wrong, and who shares a device."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.running_broker import RunningBroker
from tests.parity.vendor_ansible import REPOSITORY, Run, VendorAnsible

CALLBACKS = Path(__file__).parent / "network_cli_callbacks"
PRIVILEGE = {"name": "privilege", "cisco.ios.ios_command": {"commands": ["show privilege"]}}


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> VendorAnsible:
    return VendorAnsible(VendorAnsible.required(), tmp_path_factory.mktemp("vendor"))


@pytest.fixture(scope="module")
def site() -> Iterator[RunningBroker]:
    with RunningBroker() as running:
        yield running


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorLab]:
    with SimulatorLab() as lab:
        yield lab


@pytest.fixture
def device(simulator: SimulatorLab, request: pytest.FixtureRequest) -> Iterator[SimulatedDevice]:
    device = simulator.add(name=re.sub(r"\W+", "-", request.node.name)[:40], platform="ios")
    yield device
    simulator.remove(device)


def variables(device: SimulatedDevice, site: RunningBroker, **more: Any) -> dict[str, Any]:
    return {
        "ansible_host": device.host,
        "ansible_port": device.port,
        "ansible_user": device.username,
        "ansible_password": device.password,
        "ansible_become_method": "enable",
        "ansible_become_password": device.secret,
        "ansible_network_os": "cisco.ios.ios",
        "ansible_connection": "netpulse.broker.network_cli",
        "ansible_network_cli_retries": 0,
        "netpulse_broker_url": site.url,
        "netpulse_api_key": site.api_key,
        **more,
    }


def states(run: Run) -> list[tuple[str, str]]:
    return [(one.task, one.state) for one in run.outcomes]


def test_one_login_for_all_runs(
    vendor: VendorAnsible, site: RunningBroker, simulator: SimulatorLab, device: SimulatedDevice
) -> None:
    for _ in range(2):
        run = vendor.tasks(
            PRIVILEGE,
            PRIVILEGE | {"name": "raised", "become": True},
            PRIVILEGE | {"name": "at the login's level again"},
            hosts={"r1": variables(device, site)},
        )
        assert [one.result["stdout"][0][-2:].strip() for one in run.outcomes] == ["1", "15", "1"], run.output
    assert simulator.counters(device).logins == 1


def test_reset_connection_is_a_new_login(
    vendor: VendorAnsible, site: RunningBroker, simulator: SimulatorLab, device: SimulatedDevice
) -> None:
    reset = {"name": "reset", "ansible.builtin.meta": "reset_connection"}
    run = vendor.tasks(PRIVILEGE, reset, PRIVILEGE, hosts={"r1": variables(device, site)})
    assert [state for _task, state in states(run)] == ["ok", "ok"], run.output
    assert simulator.counters(device).logins == 2


def test_loop_over_devices_gives_each_back(
    vendor: VendorAnsible, site: RunningBroker, simulator: SimulatorLab, device: SimulatedDevice
) -> None:
    other = simulator.add(name="another", platform="ios")
    task = {
        "name": "each",
        "ansible.netcommon.cli_command": {"command": "show version | include uptime"},
        "delegate_to": "{{ item }}",
        "loop": ["r1", "r2", "r1"],
    }
    run = vendor.tasks(
        task | {"when": "inventory_hostname == 'r1'"},
        hosts={"r1": variables(device, site), "r2": variables(other, site)},
    )
    (outcome,) = [one for one in run.outcomes if one.host == "r1"]
    assert outcome.state == "ok", run.output
    names = [one["stdout"].split()[0] for one in outcome.result["results"]]
    assert names[0] == names[2] != names[1]
    assert site.get("/session") == []
    simulator.remove(other)


def test_loop_and_until_stay_with_one_session(
    vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice
) -> None:
    run = vendor.tasks(
        PRIVILEGE | {"name": "loop", "loop": [1, 2, 3]},
        PRIVILEGE | {"name": "until", "register": "r", "until": "r.attempts == 2", "retries": 3, "delay": 0},
        hosts={"r1": variables(device, site)},
    )
    assert states(run)[-2:] == [("loop", "ok"), ("until", "ok")], run.output


def test_no_helper_process_unless_wanted(vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice) -> None:
    serving = "serving modules at"
    attempt = "attempting to start connection"
    run = vendor.tasks(PRIVILEGE, hosts={"r1": variables(device, site)}, environment={"ANSIBLE_VERBOSITY": "4"})
    assert serving in run.output
    assert attempt not in run.output
    wanted = variables(device, site, netpulse_helper_process=True)
    run = vendor.tasks(PRIVILEGE, PRIVILEGE, hosts={"r1": wanted}, environment={"ANSIBLE_VERBOSITY": "4"})
    assert attempt in run.output
    assert [state for _task, state in states(run)] == ["ok", "ok"], run.output
    assert site.get("/session") == [], "the helper gives the device back after each task"


def test_other_ansible_core_falls_back_with_a_warning(
    vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice
) -> None:
    run = vendor.tasks(
        PRIVILEGE,
        hosts={"r1": variables(device, site)},
        environment={
            "ANSIBLE_CALLBACK_PLUGINS": os.pathsep.join([str(CALLBACKS), str(CALLBACKS.parent / "ansible_callbacks")]),
            "ANSIBLE_CALLBACKS_ENABLED": "result_recorder,without_hook",
        },
    )
    assert states(run) == [("privilege", "ok")], run.output
    assert "needs a helper process with this ansible-core" in " ".join(run.output.split())


@pytest.mark.parametrize(
    ("wrong", "parts"),
    [
        ({"netpulse_api_key": "wrong"}, ["refuses this API key"]),
        ({"ansible_password": "wrong"}, ["refused", "phase auth"]),
        ({"ansible_port": 1}, ["Connection refused", "phase connect", "@127.0.0.1:1)"]),
        ({"ansible_become": True, "ansible_become_password": "wrong"}, ["failed to elevate privilege"]),
        ({"ansible_terminal_stdout_re": [{"pattern": "never%$"}]}, ["prompt not identified", "phase prompt"]),
        ({"ansible_network_os": "cisco.nosuch.os"}, ["network os cisco.nosuch.os is not supported"]),
    ],
)
def test_failures_say_where(
    vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice, wrong: dict[str, Any], parts: list[str]
) -> None:
    run = vendor.tasks(PRIVILEGE, hosts={"r1": variables(device, site, **wrong)})
    (outcome,) = run.outcomes
    assert outcome.state in ("failed", "unreachable")
    for part in parts:
        assert part in outcome.result["msg"], outcome.result["msg"]


def test_broker_that_is_not_there(vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        run = vendor.tasks(PRIVILEGE, hosts={"r1": variables(device, site, netpulse_broker_url=url)})
    (outcome,) = run.outcomes
    assert outcome.state == "failed", "as stock network_cli has it for a device that does not answer"
    for part in (url, "Connection refused", "phase broker", f"{device.username}@{device.host}:{device.port}"):
        assert part in outcome.result["msg"]


def test_command_timeout_closes_the_session_and_the_next_task_goes_on(
    vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice
) -> None:
    asked = {"commands": ["copy running-config startup-config"]}
    run = vendor.tasks(
        {
            "name": "no answer",
            "cisco.ios.ios_command": asked,
            "vars": {"ansible_command_timeout": 1, "ansible_become": True},
            "ignore_errors": True,
        },
        PRIVILEGE,
        hosts={"r1": variables(device, site)},
    )
    assert states(run) == [("no answer", "failed"), ("privilege", "ok")], run.output
    assert run.outcomes[0].result["msg"].startswith("command timeout triggered, timeout value is 1 secs.")
    assert "Destination filename" in run.outcomes[0].result["msg"]


def test_killed_worker_leaves_the_device_free_and_out_of_config_mode(
    vendor: VendorAnsible, site: RunningBroker, simulator: SimulatorLab, device: SimulatedDevice
) -> None:
    """SIGKILL to everything of Ansible in the middle of a change."""
    playbook = vendor.folder / "killed.yml"
    lines = [f"ip prefix-list KILLED seq {number} permit 198.51.100.{number}/32" for number in range(1, 200)]
    change = {"name": "long", "cisco.ios.ios_config": {"lines": lines, "match": "none"}, "become": True}
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [change]}]))
    simulator.set_faults(device, latency=0.05)
    process = vendor.start(playbook, hosts={"r1": variables(device, site, netpulse_session_heartbeat=1)})
    deadline = time.monotonic() + 60
    while not any("KILLED seq 3 " in one for one in simulator.commands(device)):
        assert time.monotonic() < deadline, "the change never began"
        assert process.poll() is None, "the playbook ended early"
        time.sleep(0.01)
    for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        one.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    simulator.clear_faults(device)
    # Three heartbeats are missed within three seconds; who comes next does not wait longer than this for its turn.
    after = vendor.tasks(PRIVILEGE, hosts={"r1": variables(device, site, netpulse_session_wait=30)})
    assert after.of("privilege").result["stdout"] == ["Current privilege level is 1"], after.output
    assert "KILLED seq 199 " not in simulator.running_config(device)
    assert site.get("/session") == []
    # On the device: out of configuration mode, then out of the level that the task had raised, on the session it was.
    typed = [(line.session, line.mode, line.line) for line in simulator.log(device)]
    last = max(number for number, (_session, _mode, line) in enumerate(typed) if "KILLED" in line)
    session = typed[last][0]
    assert typed[last + 1 : last + 3] == [(session, "config", "end"), (session, "enable", "disable")]
    assert typed[-1] == (session, "user", "show privilege")


def test_what_is_an_error_is_the_tasks_business(
    vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice
) -> None:
    error = {"ansible_terminal_stderr_re": [{"pattern": "privilege LEVEL", "flags": "re.I"}]}
    run = vendor.tasks(
        PRIVILEGE | {"name": "an error here", "vars": error, "ignore_errors": True},
        PRIVILEGE | {"name": "none here"},
        hosts={"r1": variables(device, site)},
    )
    assert states(run) == [("an error here", "failed"), ("none here", "ok")], run.output
    assert "Current privilege level is 1" in run.outcomes[0].result["msg"]


def test_a_login_without_the_question_that_was_expected(
    vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice
) -> None:
    asked = {"ansible_terminal_initial_prompt": ["Accept the terms"], "ansible_terminal_initial_answer": ["yes"]}
    run = vendor.tasks(PRIVILEGE, PRIVILEGE, hosts={"r1": variables(device, site, **asked)})
    assert [state for _task, state in states(run)] == ["ok", "ok"], run.output


def test_single_user_mode_asks_the_device_once(
    vendor: VendorAnsible, site: RunningBroker, simulator: SimulatorLab, device: SimulatedDevice
) -> None:
    ask = {"cisco.ios.ios_command": {"commands": ["show inventory"]}}
    for single, times in ((True, 1), (False, 3)):
        simulator.reset(device)
        hosts = {"r1": variables(device, site, ansible_network_single_user_mode=single)}
        run = vendor.tasks(*(ask | {"name": f"task {number}"} for number in range(3)), hosts=hosts)
        assert len({one.result["stdout"][0] for one in run.outcomes}) == 1, run.output
        assert simulator.commands(device).count("show inventory") == times


def test_log_of_all_that_is_said(
    vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice, tmp_path: Path
) -> None:
    log = tmp_path / "ansible.log"
    run = vendor.tasks(
        PRIVILEGE | {"become": True},
        hosts={"r1": variables(device, site, ansible_persistent_log_messages=True)},
        environment={"ANSIBLE_LOG_PATH": str(log)},
    )
    assert states(run) == [("privilege", "ok")], run.output
    assert "will log ALL interactions" in " ".join(run.output.split())
    written = log.read_text()
    assert "send command: b'show privilege\\r'" in written
    assert "Current privilege level is 15" in written
    assert device.secret not in written


def test_a_raised_wait_for_more_output_outlasts_the_devices_pauses(
    vendor: VendorAnsible, site: RunningBroker, simulator: SimulatorLab, device: SimulatedDevice
) -> None:
    """Lines that look like a prompt, with more to come behind them after longer pauses than usual."""
    simulator.set_faults(device, prompt_like_output=True, chunk_size=24, chunk_gap=0.05)
    patient = {"ansible_buffer_read_timeout": 3, "ansible_command_timeout": 120}
    ask = {"name": "ask", "cisco.ios.ios_command": {"commands": ["show inventory"] * 2}}
    run = vendor.tasks(ask, hosts={"r1": variables(device, site, **patient)})
    outputs = run.of("ask").result["stdout"]
    assert len(set(outputs)) == 1, run.output
    assert "router#" in outputs[0]
    assert "PID:" in outputs[0]


def test_waiting_for_a_device_that_comes_back(
    vendor: VendorAnsible, site: RunningBroker, simulator: SimulatorLab, device: SimulatedDevice
) -> None:
    hosts = {"r1": variables(device, site)}
    assert states(vendor.tasks(PRIVILEGE, hosts=hosts)) == [("privilege", "ok")]
    before = simulator.counters(device).connections
    simulator.set_faults(device, on_connect="rst")
    playbook = vendor.folder / "waits.yml"
    waits = {"ansible.builtin.wait_for_connection": {"timeout": 120, "sleep": 1, "connect_timeout": 5}}
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [waits, PRIVILEGE]}]))
    process = vendor.start(playbook, hosts=hosts)
    deadline = time.monotonic() + 60
    while simulator.counters(device).connections == before:
        assert time.monotonic() < deadline, "it took the kept session's word for it"
        time.sleep(0.02)
    simulator.clear_faults(device)
    output = process.communicate(timeout=150)[0]
    assert process.returncode == 0, output
    assert simulator.counters(device).logins == 2


def test_terminated_run_gives_the_device_back(
    vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice
) -> None:
    """Ctrl-C while a task waits: nothing of the session stays with the broker."""
    playbook = vendor.folder / "interrupted.yml"
    waits = PRIVILEGE | {"until": "false", "retries": 100, "delay": 1}
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [waits]}]))
    process = vendor.start(playbook, hosts={"r1": variables(device, site, netpulse_session_heartbeat=1)})
    deadline = time.monotonic() + 60
    while not site.get("/session"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    while site.get("/session"):
        assert time.monotonic() < deadline + 30
        time.sleep(0.05)


@pytest.mark.parametrize("helper", [False, True], ids=["", "helper"])
def test_workers_that_outlive_their_run_give_the_device_back(
    vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice, helper: bool
) -> None:
    """SIGKILL to the run alone. A hundred seconds between heartbeats: it is not they that notice."""
    playbook = vendor.folder / "outlived.yml"
    waits = PRIVILEGE | {"until": "false", "retries": 300, "delay": 1}
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [waits]}]))
    given = variables(device, site, netpulse_session_heartbeat=100, netpulse_helper_process=helper)
    process = vendor.start(playbook, hosts={"r1": given})
    deadline = time.monotonic() + 60
    while not site.get("/session"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    left = psutil.Process(process.pid).children(recursive=True)
    assert left
    process.kill()
    process.communicate(timeout=30)
    # Less than one interval between heartbeats.
    after = vendor.tasks(PRIVILEGE, hosts={"r1": variables(device, site, netpulse_session_wait=15)})
    assert after.of("privilege").state == "ok", after.output
    for one in left:
        # They go on with their repetitions, without a device.
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()


@pytest.mark.parametrize("interval", [0.1, 600], ids=["asking", "pausing"])
def test_orphaned_command_asks_no_more(
    vendor: VendorAnsible, site: RunningBroker, simulator: SimulatorLab, device: SimulatedDevice, interval: float
) -> None:
    """SIGKILL to the run alone, in the middle of a task that asks again and again until something holds."""
    playbook = vendor.folder / "orphaned.yml"
    asked = {
        "commands": ["show clock"],
        "wait_for": "result[0] contains never",
        "retries": 100000,
        "interval": interval,
    }
    asks = [{"name": "ask", "netpulse.broker.command": asked}]
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": asks}]))
    process = vendor.start(playbook, hosts={"r1": variables(device, site)})
    deadline = time.monotonic() + 60
    while "show clock" not in simulator.commands(device):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    left = psutil.Process(process.pid).children(recursive=True)
    assert left
    process.kill()
    process.communicate(timeout=30)
    for one in left:
        one.wait(timeout=60)


def test_run_that_is_terminated_frees_the_device_for_the_next(
    vendor: VendorAnsible, site: RunningBroker, device: SimulatedDevice
) -> None:
    """SIGTERM to the whole process group, as AWX cancels a job, with what is set when nobody sets anything."""
    playbook = vendor.folder / "terminated.yml"
    waits = PRIVILEGE | {"until": "false", "retries": 300, "delay": 1}
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [waits]}]))
    process = vendor.start(playbook, hosts={"r1": variables(device, site)})
    deadline = time.monotonic() + 60
    while not site.get("/session"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.terminate()
    process.communicate(timeout=30)
    after = vendor.tasks(PRIVILEGE, hosts={"r1": variables(device, site, netpulse_session_wait=15)})
    assert after.of("privilege").state == "ok", after.output


@pytest.mark.parametrize("connection", ["netpulse.broker.network_cli", "ansible.netcommon.network_cli"])
def test_the_playbook_that_runs_with_either_connection(
    vendor: VendorAnsible, site: RunningBroker, simulator: SimulatorLab, device: SimulatedDevice, connection: str
) -> None:
    given = variables(device, site)
    # The play says which connection it is.
    del given["ansible_connection"]
    run = vendor.play(
        REPOSITORY / "playbooks" / "vendor_modules.yml",
        hosts={"r1": given | {"over_connection": connection, "change": True}},
    )
    assert run.returncode == 0, run.output
    assert run.of("IOS interface description").result["changed"] is True
    assert "description managed by ansible" in simulator.running_config(device)
