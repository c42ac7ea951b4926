"""The installed collection against a real broker: playbook, REST, queue, worker, SSH, device, and back."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.integration.ansible_run import REPOSITORY, Ansible, PlaybookRun, build_collection, install_collection
from tests.integration.answer_thief import AnswerThief
from tests.integration.supervised import Up
from tests.lab.real import Device, FrrLab

API_KEY = "key-of-the-collection-tests-0123456789"
DEMO = REPOSITORY / "playbooks" / "demo.yml"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A broker and where it listens."""

    url: str
    collections: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"NETPULSE_URL": self.url, "NETPULSE_API_KEY": API_KEY}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    collections = tmp_path_factory.mktemp("collections")
    install_collection(build_collection(REPOSITORY / "collection", collections / "dist"), collections)
    command = (sys.executable, "-m", "netpulse_broker.cli", "up", "--state-dir")
    up = Up(tmp_path_factory.mktemp("state"), command=command, env={"NETPULSE_API_KEY": API_KEY})
    try:
        yield Site(url=up.ready().split()[4], collections=collections)
        up.send(signal.SIGTERM)
        assert up.wait() == 0
    finally:
        up.close()


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorLab]:
    with SimulatorLab(count=4, platforms=["ios", "eos"]) as lab:
        yield lab


@pytest.fixture
def ansible(site: Site, tmp_path: Path) -> Ansible:
    return Ansible(collections=site.collections, folder=tmp_path)


def variables(device: SimulatedDevice | Device) -> dict[str, Any]:
    found = {
        "ansible_host": device.host,
        "ansible_port": device.port,
        "ansible_user": device.username,
        "ansible_password": device.password,
    }
    if isinstance(device, SimulatedDevice):
        network_os = {"ios": "cisco.ios.ios", "eos": "arista.eos.eos"}[device.platform]
        found |= {"ansible_become_password": device.secret, "netpulse_enable": True, "ansible_network_os": network_os}
    return found


def inventory(folder: Path, groups: Mapping[str, list[SimulatedDevice] | list[Device]]) -> Path:
    path = folder / "inventory.yml"
    children = {
        group: {"hosts": {device.name: variables(device) for device in devices}} for group, devices in groups.items()
    }
    path.write_text(yaml.safe_dump({"demo": {"children": children}}))
    return path


def by_platform(lab: SimulatorLab) -> dict[str, list[SimulatedDevice]]:
    return {f"demo_{platform}": [one for one in lab.devices if one.platform == platform] for platform in ("ios", "eos")}


def diffs(run: PlaybookRun) -> dict[tuple[str, str], str]:
    return {
        (one.host, one.task): one.result["diff"]["prepared"]
        for one in run.results
        if (one.result.get("diff") or {}).get("prepared")
    }


def demo(ansible: Ansible, site: Site, hosts: Path, *arguments: str) -> PlaybookRun:
    run = ansible.playbook(DEMO, hosts, arguments=arguments, environment=site.environment)
    assert run.returncode == 0, run.output
    return run


def test_demo_announces_its_change_makes_it_once_and_logs_in_once(
    ansible: Ansible, site: Site, simulator: SimulatorLab, tmp_path: Path
) -> None:
    hosts = inventory(tmp_path, by_platform(simulator))
    before = {device.name: simulator.running_config(device) for device in simulator.devices}

    announced = demo(ansible, site, hosts, "--check", "--diff")
    assert {device.name: simulator.running_config(device) for device in simulator.devices} == before
    assert len(announced.changed()) == 2 * len(simulator.devices)

    first = demo(ansible, site, hosts, "--diff")
    assert diffs(first) == diffs(announced)
    assert len(diffs(first)) == 2 * len(simulator.devices)
    for device in simulator.devices:
        assert "description set by NetPulse demo" in simulator.startup_config(device)
        assert "ip route 203.0.113.0" in simulator.startup_config(device)

    for again in (demo(ansible, site, hosts, "--diff"), demo(ansible, site, hosts)):
        assert again.changed() == []
        assert diffs(again) == {}
        assert all(one.result["session_reused"] for one in again.results)
    assert {device.name: simulator.counters(device).logins for device in simulator.devices} == {
        device.name: 1 for device in simulator.devices
    }


@pytest.mark.frr
@pytest.mark.sshd
def test_demo_on_real_routers(ansible: Ansible, site: Site, frr_lab: FrrLab, tmp_path: Path) -> None:
    frr_lab.reset()
    routers = frr_lab.routers
    hosts = inventory(tmp_path, {"demo_frr": routers})
    before = {router.name: frr_lab.running_config(router.name) for router in routers}
    logins = {router.name: frr_lab.logins(router.name) for router in routers}

    announced = demo(ansible, site, hosts, "--check", "--diff")
    assert {router.name: frr_lab.running_config(router.name) for router in routers} == before

    first = demo(ansible, site, hosts, "--diff")
    assert diffs(first) == diffs(announced)
    for router in routers:
        assert "ip route 203.0.113.0/24 Null0" in frr_lab.saved_config(router.name)

    for again in (demo(ansible, site, hosts), demo(ansible, site, hosts)):
        assert again.changed() == []
    assert {router.name: frr_lab.logins(router.name) - logins[router.name] for router in routers} == {
        router.name: 1 for router in routers
    }


@pytest.fixture
def ios(simulator: SimulatorLab) -> Iterator[SimulatedDevice]:
    device = simulator.add(name="ios-alone", platform="ios")
    yield device
    simulator.remove(device)


def command(*commands: Any, **options: Any) -> dict[str, Any]:
    return {"name": "ask", "netpulse.broker.command": {"commands": list(commands), **options}}


def config(**options: Any) -> dict[str, Any]:
    return {"name": "change", "netpulse.broker.config": options}


def play(ansible: Ansible, site: Site, device: SimulatedDevice, *tasks: dict[str, Any], **changes: Any) -> PlaybookRun:
    hosts = {device.name: {**variables(device), **changes}}
    return ansible.tasks(*tasks, hosts=hosts, environment=site.environment)


def test_template_with_sections_and_a_banner_is_idempotent_and_backed_up(
    ansible: Ansible, site: Site, simulator: SimulatorLab, ios: SimulatedDevice, tmp_path: Path
) -> None:
    (tmp_path / "site.j2").write_text(
        "! made from a template\n"
        "{% for number in (1, 2) %}\n"
        "interface GigabitEthernet0/{{ number }}\n description port {{ number }}\n{% endfor %}\n\n"
        "banner motd ^C\nFirst line\n\nThird line\n^C\n"
    )
    before = simulator.running_config(ios)
    run = play(ansible, site, ios, config(src="site.j2", backup=True), config(src="site.j2", save_when="modified"))
    assert run.returncode == 0, run.output
    change, again = run.results
    assert change.result["changed"] is True
    assert Path(change.result["backup_path"]).read_text().strip() == before.strip()
    assert " description port 2" in simulator.running_config(ios)
    assert "First line\n\nThird line" in simulator.running_config(ios).replace("\r", "")
    assert again.result["commands"] == []
    assert again.result["saved"] is True


def test_backup_and_saving_need_no_line(
    ansible: Ansible, site: Site, simulator: SimulatorLab, ios: SimulatedDevice
) -> None:
    simulator.configure(ios, "hostname renamed")
    tasks = [{**config(backup=True), "check_mode": True}, config(backup=True)]
    for taken in play(ansible, site, ios, *tasks).results:
        assert taken.state == "ok"
        assert "hostname renamed" in Path(taken.result["backup_path"]).read_text()
    assert "hostname renamed" not in simulator.startup_config(ios)
    saved, again = play(ansible, site, ios, config(save_when="modified"), config(save_when="modified")).results
    assert (saved.result["saved"], saved.result["changed"]) == (True, True)
    assert (again.result["saved"], again.result["changed"]) == (False, False)
    assert "hostname renamed" in simulator.startup_config(ios)


def test_refused_line_fails_with_the_devices_words_and_leaves_the_session_usable(
    ansible: Ansible, site: Site, simulator: SimulatorLab, ios: SimulatedDevice
) -> None:
    wrong = {**config(parents="interface GigabitEthernet0/1", lines=["no such line"]), "ignore_errors": True}
    run = play(ansible, site, ios, wrong, command("show clock"))
    failed, after = run.results
    assert (failed.state, failed.result["error"]["code"]) == ("failed", "command_refused")
    assert "% Invalid input" in failed.result["msg"]
    assert (after.state, after.result["session_reused"]) == ("ok", True)
    assert simulator.counters(ios).logins == 1


def test_wrong_password_is_unreachable_and_a_wrong_enable_secret_a_failure(
    ansible: Ansible, site: Site, ios: SimulatedDevice
) -> None:
    refused = play(ansible, site, ios, command("show clock"), ansible_password="not-the-word").only
    assert (refused.state, refused.result["error"]["code"]) == ("unreachable", "authentication_failed")
    denied = play(ansible, site, ios, command("show clock"), ansible_become_password="not-the-secret").only
    assert (denied.state, denied.result["error"]["code"]) == ("failed", "privilege_refused")
    assert "not-the" not in repr((refused, denied))


def test_device_that_is_gone_is_unreachable(ansible: Ansible, site: Site, ios: SimulatedDevice) -> None:
    gone = play(ansible, site, ios, command("show clock"), ansible_port=1).only
    assert (gone.state, gone.result["error"]["code"]) == ("unreachable", "device_unreachable")


def test_mistaken_arguments_are_named_by_the_broker(ansible: Ansible, site: Site, ios: SimulatedDevice) -> None:
    wrong = play(ansible, site, ios, command("show clock", driver_args={"raed_timeout": 5})).only
    assert wrong.state == "failed"
    assert "raed_timeout" in wrong.result["msg"]
    key = play(ansible, site, ios, command("show clock"), netpulse_api_key="a-wrong-key").only
    assert (key.state, key.result["error"]["code"]) == ("failed", "forbidden")


def test_question_of_the_device_is_answered_by_the_next_command(
    ansible: Ansible, site: Site, simulator: SimulatorLab, ios: SimulatedDevice
) -> None:
    dialogue = ("copy running-config startup-config", "startup-config")
    question_or_prompt = {"expect_string": r"Destination filename|#\s*$"}
    run = play(ansible, site, ios, command(*dialogue, driver_args=question_or_prompt), command("show clock"))
    assert run.returncode == 0, run.output
    copied, after = run.results
    assert copied.result["stdout"][0].startswith("Destination filename")
    assert "[OK]" in copied.result["stdout"][1]
    assert after.result["session_reused"] is True
    assert simulator.counters(ios).logins == 1


def test_check_mode_sends_no_change_that_stands_below_a_look(
    ansible: Ansible, site: Site, simulator: SimulatorLab, ios: SimulatedDevice
) -> None:
    before = simulator.running_config(ios)
    task = {**command("show clock\nconfigure terminal\nhostname other\nend"), "check_mode": True}
    run = play(ansible, site, ios, task)
    assert run.only.state == "ok"
    assert simulator.running_config(ios) == before


def test_answer_that_gets_lost_on_the_way_does_not_run_the_change_twice(
    ansible: Ansible, site: Site, simulator: SimulatorLab, ios: SimulatedDevice
) -> None:
    with AnswerThief(site.url, steals=2) as thief:
        task = config(parents="interface GigabitEthernet0/1", lines="description once", match="none")
        run = play(ansible, site, ios, task, netpulse_broker_url=thief.url)
    assert run.only.result["changed"] is True
    assert thief.stolen == 2
    assert simulator.commands(ios).count("description once") == 1
