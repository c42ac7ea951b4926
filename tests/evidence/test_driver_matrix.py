"""Driver x operation: each cell is a test, and a driver that has no such operation must say so clearly.

Through REST, with the device looked at from behind; rollback, confirm and keepalive through the driver's own methods.
The table stands at the end of the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_drivers import (
    BaseDriver,
    Call,
    ChangeRequest,
    Deadline,
    DriverRegistry,
    UnsupportedOperation,
)
from tests.evidence.matrix.row import OPERATIONS, Row, Target
from tests.evidence.matrix.rows import ROWS
from tests.evidence.matrix.table import CELLS, PROPERTY, cell
from tests.lab.running_broker import RunningBroker
from tests.lab.shouting_device import install_page_driver

PINNED = {"queue_strategy": "pinned"}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plug-in directory with the driver of docs/write-a-driver.md."""
    directory = tmp_path_factory.mktemp("plugins")
    install_page_driver(directory)
    return directory


@pytest.fixture(scope="module")
def broker(plugins: Path) -> Iterator[RunningBroker]:
    with RunningBroker(settings={"NETPULSE_DRIVERS__PLUGIN_DIRS": str(plugins)}) as running:
        yield running


@pytest.fixture
def target(row: Row, request: pytest.FixtureRequest) -> Iterator[Target]:
    with row.up(request) as target:
        yield target


@pytest.fixture(autouse=True)
def reported(request: pytest.FixtureRequest) -> None:
    """What the table says about a cell that passes."""
    mark = request.node.get_closest_marker("cell")
    if mark is None:
        return
    row, operation = request.getfixturevalue("row"), mark.kwargs["operation"]
    refusal = row.lacks.get(operation)
    word = "no" if refusal else "yes"
    if operation == "keepalive" and not row.proves_life:
        word = "local look"
    if operation == "getters" and row.plain_getter:
        word = "plain command"
    error = refusal.error if refusal else ""
    request.node.user_properties.append((PROPERTY, (row.name, operation, word, error)))


def refused(broker: RunningBroker, row: Row, target: Target, operation: str, **request: Any) -> bool:
    """Whether the row lacks the operation; if it does, ask all the same: the error must be the promised one."""
    refusal = row.lacks.get(operation)
    if refusal is None:
        return False
    before = target.configuration()
    wanted = {"config": ["anything"]} | request
    if "command" in request or "command" in refusal.asks:
        wanted.pop("config")
    wanted |= refusal.asks
    options = {"wait": 60} | wanted.pop("options", {})
    if row.change is not None and "config" in wanted:
        options = row.change.options | options
        wanted["driver_args"] = row.change.driver_args | wanted.get("driver_args", {})
    body = {"driver": row.driver, "connection_args": target.connection_args, "options": options} | wanted
    answer = broker.client.post("/device/execute", json=body)
    said = answer.json()
    if answer.status_code == 201:
        assert said["data"]["status"] == "failed", said
        error = said["data"]["result"]["error"]
    else:
        error = {"code": said["data"]["error"], "message": f"{said['message']} {said['data']['details']}"}
    assert error["code"] == refusal.error, error
    assert_says(error["message"], refusal.says)
    assert target.configuration() == before
    after = finished(broker.execute(target.connection_args, driver=row.driver, command=row.query, options=PINNED))
    assert row.shows in str(after["retval"])
    return True


def assert_says(message: str, pattern: str) -> None:
    with pytest.raises(ValueError, match=pattern):
        raise ValueError(message)


def finished(job: dict[str, Any]) -> dict[str, Any]:
    assert job["status"] == "finished", job
    result: dict[str, Any] = job["result"]
    return result


def changed(broker: RunningBroker, row: Row, target: Target, **request: Any) -> dict[str, Any]:
    assert row.change is not None
    wanted = {"config": list(row.change.lines)} | request
    wanted["driver_args"] = row.change.driver_args | wanted.get("driver_args", {})
    wanted["options"] = row.change.options | wanted.get("options", {})
    return finished(broker.execute(target.connection_args, driver=row.driver, **wanted))


# -- queries ----------------------------------------------------------------------------------------------------------


@cell("query")
def test_query(broker: RunningBroker, row: Row, target: Target) -> None:
    for _ in range(2):
        job = broker.execute(target.connection_args, driver=row.driver, command=row.query, options=PINNED)
        assert row.shows in str(finished(job)["retval"][row.query])
    assert job["session_reused"]
    assert target.logins() >= 1


@cell("parse")
def test_parse(broker: RunningBroker, row: Row, target: Target) -> None:
    template = {"parsing": {"name": "textfsm", "template": "Value WORD (\\S+)\n\nStart\n  ^${WORD} -> Record\n"}}
    if refused(broker, row, target, "parse", options=template):
        return
    assert row.parse is not None
    job = broker.execute(
        target.connection_args,
        driver=row.driver,
        command=row.parse.command,
        driver_args=row.parse.driver_args,
        options={"parsing": {"name": "textfsm", "template": row.parse.template}},
    )
    assert finished(job)["outputs"][0]["parsed"] == row.parse.expected


@cell("getters")
def test_getters(broker: RunningBroker, row: Row, target: Target) -> None:
    if refused(broker, row, target, "getters", command="get_facts"):
        return
    facts = finished(broker.execute(target.connection_args, driver=row.driver, command="get_facts"))["retval"][
        "get_facts"
    ]
    if row.plain_getter:
        assert facts == row.plain_getter
        return
    assert row.getter
    assert {name: facts[name] for name in row.getter} == row.getter


# -- changes ----------------------------------------------------------------------------------------------------------


@cell("config")
def test_config(broker: RunningBroker, row: Row, target: Target) -> None:
    if refused(broker, row, target, "config"):
        return
    assert row.change is not None
    assert row.change.shows not in target.configuration()
    assert changed(broker, row, target)["changed"]
    assert row.change.shows in target.configuration()


@cell("diff")
def test_diff(broker: RunningBroker, row: Row, target: Target) -> None:
    """The difference of an idempotent change, and none the second time."""
    lines = list(row.change.lines) if row.change else ["anything"]
    ensure = {"ensure": {"parents": lines[:-1]}}
    if refused(broker, row, target, "diff", config=lines[-1:], options=ensure):
        return
    assert row.change is not None
    first = changed(broker, row, target, config=lines[-1:], options=ensure)
    assert row.change.shows in first["diff"]
    assert row.change.shows in target.configuration()
    again = changed(broker, row, target, config=lines[-1:], options=ensure)
    assert (again["changed"], again["diff"]) == (False, "")


@cell("dry-run")
def test_dry_run(broker: RunningBroker, row: Row, target: Target) -> None:
    if refused(broker, row, target, "dry-run", options={"dry_run": True}):
        return
    before = target.configuration()
    assert changed(broker, row, target, options={"dry_run": True})["changed"]
    assert target.configuration() == before


@cell("save")
def test_save(broker: RunningBroker, row: Row, target: Target) -> None:
    if refused(broker, row, target, "save", options={"save": True}):
        return
    assert row.change is not None
    assert row.change.shows not in target.saved()
    assert changed(broker, row, target, driver_args=row.change.save_args, options={"save": True})["saved"]
    assert row.change.shows in target.saved()


@cell("replace")
def test_replace(broker: RunningBroker, row: Row, target: Target) -> None:
    """The whole configuration as it was takes back what somebody else has added."""
    if refused(broker, row, target, "replace", options={"replace": True}):
        return
    shown = target.configuration()
    whole = shown.partition(" bytes\n")[2] or shown  # IOS tells the size before it
    target.configure(row.foreign)
    assert row.foreign in target.configuration()
    lines = [line for line in whole.splitlines() if line != "end"]
    result = changed(broker, row, target, config=lines, options={"replace": True})
    assert f"-{row.foreign}" in result["diff"]
    assert row.foreign not in target.configuration()


# -- through the driver -----------------------------------------------------------------------------------------------


@pytest.fixture
def driver(row: Row, target: Target, plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BaseDriver:
    monkeypatch.setenv("NETPULSE_KNOWN_HOSTS", str(tmp_path / "known_hosts"))
    registry = DriverRegistry(plugin_dirs=[plugins])
    return registry.get(row.driver).from_request(target.connection_args)


@pytest.fixture
def session(driver: BaseDriver) -> Iterator[Any]:
    called(driver)
    session = driver.connect()
    yield session
    driver.disconnect(session)


def called(driver: BaseDriver, *, change: bool = False, seconds: float = 30.0) -> None:
    args = driver.validate_operation_args("change" if change else "query", {})
    driver.call = Call(deadline=Deadline.after(seconds), args=args)


def timed_change(row: Row, driver: BaseDriver, session: Any) -> None:
    assert row.change is not None
    called(driver, change=True)
    result = driver.config(session, ChangeRequest(lines=list(row.change.lines), revert_in=row.timed))
    assert (result.changed, result.saved) == (True, False)


@cell("rollback")
def test_rollback(row: Row, target: Target, driver: BaseDriver, session: Any) -> None:
    before = target.configuration()
    if "rollback" in row.lacks:
        called(driver, change=True)
        with pytest.raises(UnsupportedOperation, match=row.lacks["rollback"].says):
            driver.rollback(session)
        return
    timed_change(row, driver, session)
    assert row.change is not None
    assert row.change.shows in target.configuration()
    called(driver, change=True)
    assert driver.rollback(session).changed
    assert row.change.shows not in target.configuration()
    assert settled(target.configuration()) == settled(before)


def settled(configuration: str) -> list[str]:
    """Without comments and empty lines: IOS tells there when it was changed, and how long it is."""
    return [line for line in configuration.splitlines() if line.strip("!") and not line.startswith(("!", "Current"))]


@cell("confirm")
def test_confirm(row: Row, target: Target, driver: BaseDriver, session: Any) -> None:
    if "confirm" in row.lacks:
        called(driver, change=True)
        with pytest.raises(UnsupportedOperation, match=row.lacks["confirm"].says):
            driver.confirm(session)
        return
    timed_change(row, driver, session)
    assert row.change is not None
    assert row.change.shows not in target.saved()
    called(driver, change=True)
    assert driver.confirm(session).saved
    assert row.change.shows in target.configuration()
    assert row.change.shows in target.saved()


@cell("keepalive")
def test_keepalive(row: Row, target: Target, driver: BaseDriver, session: Any) -> None:
    """A device that went silent is found out by a round trip, where the driver makes one."""
    before = target.configuration()
    called(driver)
    assert driver.keepalive(session)
    assert driver.keepalive_interval() > 0
    assert target.configuration() == before
    target.freeze()
    called(driver, seconds=0.5)
    assert driver.keepalive(session) is not row.proves_life


# -- connections ------------------------------------------------------------------------------------------------------


@cell("test-connection")
def test_test_connection(broker: RunningBroker, row: Row, target: Target) -> None:
    body = {"driver": row.driver, "connection_args": target.connection_args}
    found = broker.post("/device/test-connection", body, expect=200)
    assert found["success"], found
    assert found["error_message"] is None
    assert target.logins() >= 1
    if row.driver == "custom":
        return  # nothing here can refuse a login
    elsewhere = target.connection_args | {"password": "wrong-password-here", "port": 1}
    if "port" in elsewhere.get("optional_args", {}):
        elsewhere["optional_args"] = elsewhere["optional_args"] | {"port": 1}
    missed = broker.post("/device/test-connection", body | {"connection_args": elsewhere}, expect=200)
    assert not missed["success"]
    assert missed["error"]["phase"] == "connect"
    assert "wrong-password-here" not in str(missed)


@cell("dead-session recovery")
def test_dead_session_recovery(broker: RunningBroker, row: Row, target: Target) -> None:
    """A session that the device dropped while it was idle costs a login and nothing else."""

    def asked() -> dict[str, Any]:
        job: dict[str, Any] = broker.execute(
            target.connection_args, driver=row.driver, command=row.query, options=PINNED
        )
        assert row.shows in str(finished(job)["retval"][row.query])
        return job

    before = target.logins()
    asked()
    assert asked()["session_reused"]
    assert target.logins() == before + 1
    target.drop()
    assert not asked()["session_reused"]
    assert asked()["session_reused"]
    assert target.logins() == before + 2


def test_every_cell_has_a_test(request: pytest.FixtureRequest) -> None:
    """Against what was collected, before anything was left out by ``-k``."""
    collected: set[tuple[str, str]] = request.config.stash[CELLS]
    assert collected == {(row.name, operation) for row in ROWS for operation in OPERATIONS}
