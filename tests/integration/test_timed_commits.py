"""Changes with a timer through a whole broker: confirmed, taken back, left alone, and a broker that was away."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from netmiko import ConnectHandler

from netpulse_lab import SimulatorLab
from tests.lab.real.waiting import wait_until
from tests.lab.running_broker import RunningBroker
from tests.lab.timed_changes import (
    IOS,
    MARK,
    PYEAPI,
    WAYS,
    XR,
    Stage,
    Way,
    ended,
    error_of,
    napalm_login,
    netmiko_login,
    restarted,
    stage_of,
)


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    with RunningBroker() as running:
        yield running


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def stage(request: pytest.FixtureRequest, broker: RunningBroker, lab: SimulatorLab) -> Iterator[Stage]:
    with stage_of(broker, lab, request.param) as made:
        yield made


@pytest.fixture
def switch(broker: RunningBroker, lab: SimulatorLab) -> Iterator[Stage]:
    with stage_of(broker, lab, PYEAPI) as made:
        yield made


# -- one broker -------------------------------------------------------------------------------------------------------


def test_confirmed_it_stays(stage: Stage) -> None:
    job = stage.change_for()
    commit = job["result"]["commit"]
    assert (commit["state"], commit["job"]) == ("pending", job["id"])
    assert commit["pending_until"] > job["started_at"]
    assert bool(commit["name"]) == stage.way.names_commits
    assert [one["state"] for one in stage.commits] == ["pending"]
    assert stage.changed
    done = stage.settle("confirm")
    assert done["status"] == "finished", done
    assert done["result"]["commit"]["settled_by"] == done["id"]
    assert done["result"]["saved"]
    assert not stage.timer_runs()
    assert stage.changed
    assert MARK in stage.lab.startup_config(stage.device)
    (shown,) = stage.commits
    assert (shown["state"], shown["job"], shown["settled_by"]) == ("confirmed", job["id"], done["id"])


def test_not_confirmed_the_device_goes_back_and_says_so(stage: Stage) -> None:
    before = stage.lab.running_config(stage.device)
    job = stage.change_for()
    stage.lab.time_is_up(stage.device)
    assert not stage.changed
    error = error_of(stage.settle("confirm"), "nothing_pending")
    assert f"the commit of job {job['id']} has ended as 'reverted'" in error["message"]
    (shown,) = stage.commits
    assert (shown["state"], shown["settled_by"]) == ("reverted", None)
    assert shown["asked_at"] >= shown["committed_at"]
    assert not stage.changed
    again = error_of(stage.settle("confirm", job=job["id"]), "nothing_pending")
    assert "has ended as 'reverted'" in again["message"]
    assert without_comments(stage.lab.running_config(stage.device)) == without_comments(before)


def without_comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith(("!", "#", "Building", "Current"))]


def test_taken_back_at_once(stage: Stage) -> None:
    job = stage.change_for()
    assert stage.changed
    done = stage.settle("rollback", job=job["id"])
    assert (done["status"], done["result"]["changed"]) == ("finished", True), done
    assert not stage.changed
    assert not stage.timer_runs()
    (shown,) = stage.commits
    assert (shown["state"], shown["settled_by"]) == ("rolled_back", done["id"])
    assert shown["message"] == "taken back: the device is on the configuration from before"


def test_confirmed_past_the_broker_it_is_kept(stage: Stage) -> None:
    stage.change_for()
    by_hand = {
        "eos": ("configure", f"configure session {stage.commits[0]['name']} commit"),
        "ios": ("", "configure confirm"),
        "junos": ("", "configure\ncommit\nexit"),
    }[stage.way.platform][1]
    typed_by_hand(stage, by_hand.split("\n"))
    error = error_of(stage.settle("rollback"), "nothing_pending")
    assert "ended as 'kept'" in error["message"]
    assert stage.changed
    assert stage.commits[0]["state"] == "kept"


def typed_by_hand(stage: Stage, lines: list[str]) -> None:
    """On a terminal of one's own, not through the broker."""
    with ConnectHandler(**stage.device.netmiko()) as session:
        if stage.way.platform != "junos":
            session.enable()
        for line in lines:
            session.send_command_timing(line)


def test_a_second_timer_is_refused_while_one_runs(stage: Stage) -> None:
    first = stage.change_for()
    before = stage.lab.running_config(stage.device)
    error = error_of(stage.change(revert_in=stage.way.revert_in), "command_refused")
    assert "waits for its confirmation already" in error["message"]
    assert stage.lab.running_config(stage.device) == before
    assert [one["job"] for one in stage.commits] == [first["id"]]
    assert stage.settle("rollback")["status"] == "finished"


def test_without_a_difference_nothing_is_on_record(switch: Stage) -> None:
    switch.change()
    job = switch.change_for()
    assert "commit" not in job["result"]
    assert not job["result"]["changed"]
    assert switch.commits == []
    dry = switch.change(dry_run=True, revert_in=60, lines=("hostname other",))
    assert (dry["status"], dry["result"]["changed"]) == ("finished", True)
    assert switch.commits == []


def test_a_refused_change_leaves_no_record(switch: Stage) -> None:
    error_of(switch.change(revert_in=60, lines=("interface Ethernet1", "nonsense")), "command_refused")
    assert switch.commits == []


def test_nothing_waits_and_nothing_is_on_record(stage: Stage) -> None:
    error = error_of(stage.settle("confirm"), "nothing_pending")
    assert "waits for its confirmation" in error["message"]
    error = error_of(stage.settle("confirm", job="no-such-job"), "nothing_pending")
    assert "no change with a timer by job no-such-job" in error["message"]


def test_rollback_of_a_final_commit_is_what_napalm_has(stage: Stage) -> None:
    stage.change()
    assert stage.changed
    done = stage.settle("rollback")
    if stage.way.driver == "napalm":
        assert done["status"] == "finished", done
        assert not stage.changed
    else:
        error_of(done, "nothing_pending")
        assert stage.changed


def test_somebody_elses_commit_is_left_alone(switch: Stage) -> None:
    typed_by_hand(switch, ["configure session theirs", "hostname theirs", "commit timer 00:10:00"])
    for how in ("confirm", "rollback"):
        error = error_of(switch.settle(how), "command_refused")
        assert "theirs" in error["message"]
    assert switch.timer_runs()


def test_a_confirmation_queued_right_behind_the_change_finds_it(switch: Stage) -> None:
    change = switch.change(revert_in=600, wait=0)
    done = switch.settle("confirm", options={}, wait=60)
    assert done["status"] == "finished", done
    assert done["result"]["commit"]["job"] == change["id"]
    assert done["seq"] > change["seq"]


def test_iosxr_is_asked_after_the_timer_because_it_does_not_say(broker: RunningBroker, lab: SimulatorLab) -> None:
    with stage_of(broker, lab, XR) as router:
        router.change_for()
        done = router.settle("confirm")
        assert done["status"] == "finished", done
        assert "does not say whether its timer still runs" in done["result"]["commit"]["message"]
        assert "commit confirmed" in lab.event_names(router.device)
        assert not router.timer_runs()
        assert router.changed


def test_the_device_is_asked_after_the_timer_by_itself(switch: Stage) -> None:
    job = switch.change_for(1)
    wait_until(lambda: switch.commits[0]["state"] == "reverted", what="the device being asked", timeout=60)
    (check,) = [one for one in switch.broker.get("/job", host=switch.name) if one["operation"] == "check"]
    assert check["id"] == f"{job['id']}.check.1"
    assert check["result"]["commit"]["state"] == "reverted"
    assert not switch.changed


# -- a worker and a broker that are lost ------------------------------------------------------------------------------


def test_a_worker_lost_while_it_commits_leaves_a_record(switch: Stage) -> None:
    switch.lab.set_faults(switch.device, commands=[{"match": "commit timer", "action": "hang", "times": 1}])
    job = switch.change(revert_in=1, timeout=5, wait=0)
    wait_until(
        lambda: any("commit timer" in line for line in switch.lab.commands(switch.device)), what="commit", timeout=30
    )
    os.kill(switch.broker.worker_pid(switch.name), signal.SIGKILL)
    wait_until(lambda: switch.broker.get(f"/job/{job['id']}")["outcome"] == "unknown", what="the loss", timeout=30)
    (shown,) = switch.commits
    assert (shown["state"], shown["job"]) == ("unknown", job["id"])
    wait_until(lambda: switch.commits[0]["state"] == "reverted", what="the device being asked", timeout=60)


def test_a_timer_that_ends_while_the_broker_is_away(tmp_path: Path, lab: SimulatorLab) -> None:
    with restarted(tmp_path) as start, stage_of(start(), lab, PYEAPI) as stage:
        job = stage.change_for(3)
        ended(stage.broker)
        wait_until(lambda: not stage.changed, what="the device going back", timeout=30)
        stage.broker = start()
        assert stage.commits[0]["state"] in {"pending", "expired", "reverted"}
        wait_until(lambda: stage.commits[0]["state"] == "reverted", what="the device being asked", timeout=60)
        (shown,) = stage.commits
        assert shown["job"] == job["id"]
        error = error_of(stage.settle("confirm", job=job["id"]), "nothing_pending")
        assert "has ended as 'reverted'" in error["message"]


# -- what is refused before a job is made -----------------------------------------------------------------------------


def refused(stage: Stage, path: str, body: dict[str, Any], *, says: str) -> None:
    answer = stage.broker.client.post(path, json=body)
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["message"]
    assert stage.broker.get("/job", host=stage.name) == []
    assert stage.lab.counters(stage.device).connections == 0


def test_what_a_platform_lacks_is_refused_before_a_job_is_made(broker: RunningBroker, lab: SimulatorLab) -> None:
    lines = ["hostname never"]
    with stage_of(broker, lab, Way("ios", "ios", "netmiko", netmiko_login, IOS)) as ios:
        refused(ios, "/device/confirm", ios.request(), says="cisco_ios")
        refused(ios, "/device/rollback", ios.request(), says="cisco_ios")
        refused(ios, "/device/execute", ios.request(config=lines, revert_in=60), says="rollback timer")
        refused(ios, "/device/execute", ios.request(config=lines, replace=True), says="driver napalm can")
    with stage_of(broker, lab, XR) as router:
        refused(router, "/device/rollback", router.request(), says="leave it to its timer")
    with stage_of(broker, lab, WAYS[3]) as ios:
        refused(ios, "/device/execute", ios.request(config=lines, revert_in=90), says="whole minutes")
    with stage_of(broker, lab, Way("nxos", "ios", "napalm", napalm_login("nxos_ssh"), IOS)) as nxos:
        refused(nxos, "/device/confirm", nxos.request(), says="no commit with a timer")
    with stage_of(broker, lab, PYEAPI) as eos:
        typed = eos.request(config=lines, driver_args={"session": False}, replace=True)
        refused(eos, "/device/execute", typed, says="replace takes a configuration session")
    with stage_of(broker, lab, WAYS[1]) as eos:
        both = eos.request(config=lines, driver_args={"replace": False}, replace=True)
        refused(eos, "/device/execute", both, says="replace stands in driver_args and in the options")


@pytest.mark.parametrize(
    "stage", [way for way in WAYS if way.driver != "netmiko"], ids=lambda way: way.name, indirect=True
)
def test_replace_is_an_option_and_its_older_form_works(stage: Stage) -> None:
    whole = stage.lab.running_config(stage.device)
    whole = whole.partition(" bytes\n")[2] or whole.replace("end\n", "")
    forms: list[dict[str, Any]] = [{"options": {"wait": 60, "replace": True}}, {"replace": True}]
    if stage.way.driver == "napalm":
        forms.append({"driver_args": {"replace": True}})
    for number, form in enumerate(forms):
        stage.lab.configure(stage.device, f"vlan {55 + number}")
        job = stage.broker.post("/device/execute", stage.request(config=whole.splitlines()) | form)
        assert job["status"] == "finished", job
        assert f"-vlan {55 + number}" in job["result"]["diff"]
        assert f"vlan {55 + number}" not in stage.lab.running_config(stage.device)


def test_replace_with_a_timer_is_taken_back_as_a_whole(switch: Stage) -> None:
    before = without_comments(switch.lab.running_config(switch.device))
    switch.change_for(lines=("hostname replaced",), replace=True)
    assert "hostname replaced" in switch.lab.running_config(switch.device)
    switch.lab.time_is_up(switch.device)
    assert "reverted" in error_of(switch.settle("confirm"), "nothing_pending")["message"]
    assert without_comments(switch.lab.running_config(switch.device)) == before


def test_a_message_is_the_commit_comment_or_refused(broker: RunningBroker, lab: SimulatorLab, switch: Stage) -> None:
    with stage_of(broker, lab, XR, name="x1") as router:
        job = router.change(message="ticket 7")
        assert job["status"] == "finished", job
        assert "commit comment ticket 7" in lab.commands(router.device)
    assert "no commit comment" in error_of(switch.change(message="ticket 7"), "unsupported_operation")["message"]
    assert not switch.changed
