"""Vendor modules through a real broker: what happens around a task, where things go wrong, and who shares a device."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.lab.running_broker import RunningBroker
from tests.lab.simulator import SimulatedDevice, SimulatorLab
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
    after = vendor.tasks(PRIVILEGE, hosts={"r1": variables(device, site)})
    assert after.of("privilege").result["stdout"] == ["Current privilege level is 1"], after.output
    assert "KILLED seq 199 " not in simulator.running_config(device)


def test_two_playbooks_and_a_rest_client_do_not_interleave(
    vendor: VendorAnsible, site: RunningBroker, simulator: SimulatorLab, device: SimulatedDevice
) -> None:
    rounds = 3
    seen: list[Run] = []

    def playbook(who: str) -> None:
        change = {
            "name": who,
            "cisco.ios.ios_config": {
                "parents": ["interface GigabitEthernet0/1"],
                "lines": [f"description {who} {{{{ item }}}} begins", f"description {who} {{{{ item }}}} ends"],
                "match": "none",
            },
            "become": True,
            "loop": list(range(rounds)),
        }
        path = vendor.folder / f"{who}.yml"
        path.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [change]}]))
        process = vendor.start(path, hosts={who: variables(device, site)})
        output = process.communicate(timeout=150)[0]
        seen.append(Run(returncode=process.returncode, output=output, outcomes=[]))

    def rest() -> None:
        arguments = {"device_type": "cisco_ios", "host": device.host, "port": device.port} | {
            "username": device.username,
            "password": device.password,
            "secret": device.secret,
        }
        number = 0
        while any(thread.is_alive() for thread in threads):
            lines = [
                "interface GigabitEthernet0/1",
                f"description rest {number} begins",
                f"description rest {number} ends",
            ]
            job = site.execute(arguments, config=lines)
            assert job["status"] == "finished", job
            number += 1

    threads = [threading.Thread(target=playbook, args=(who,)) for who in ("one", "two")]
    for thread in threads:
        thread.start()
    rest()
    for thread in threads:
        thread.join()
    assert [run.returncode for run in seen] == [0, 0], "\n".join(run.output for run in seen)
    written = [line.split() for line in simulator.commands(device) if line.startswith("description ")]
    assert {words[1] for words in written} == {"one", "two", "rest"}
    for begin, end in zip(written[::2], written[1::2], strict=True):
        assert (begin[1:3], begin[3], end[3]) == (end[1:3], "begins", "ends"), written


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


@pytest.mark.parametrize("connection", ["netpulse.broker.network_cli", "ansible.netcommon.network_cli"])
def test_the_playbook_that_runs_with_either_connection(
    vendor: VendorAnsible, site: RunningBroker, simulator: SimulatorLab, device: SimulatedDevice, connection: str
) -> None:
    given = variables(device, site)
    # The play says which connection it is.
    del given["ansible_connection"]
    run = vendor.play(
        REPOSITORY / "playbooks" / "vendor_modules.yml",
        hosts={"r1": given | {"connection": connection, "change": True}},
    )
    assert run.returncode == 0, run.output
    assert run.of("IOS interface description").result["changed"] is True
    assert "description managed by ansible" in simulator.running_config(device)
