"""The driver contract (``netpulse_drivers.base``), clause by clause, for every driver in ``profiles.PROFILES``."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from netpulse_drivers import (
    AuthenticationFailed,
    BaseDriver,
    Call,
    ChangeRequest,
    ChangeResult,
    CommandRefused,
    ConnectError,
    Deadline,
    DriverError,
    EnsurePolicy,
    InvalidArguments,
    Output,
    UnsupportedOperation,
)
from tests.conformance.profile import DriverProfile, Target
from tests.conformance.profiles import PROFILES


class StoppedHere(Exception):
    """What a worker raises when it may not write any more."""


@pytest.fixture(autouse=True)
def known_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETPULSE_KNOWN_HOSTS", str(tmp_path / "known_hosts"))


@pytest.fixture(params=PROFILES, ids=lambda profile: profile.name)
def profile(request: pytest.FixtureRequest) -> DriverProfile:
    found: DriverProfile = request.param
    return found


@pytest.fixture(scope="module")
def labs() -> Iterator[Callable[[DriverProfile], Any]]:
    """Each kind of lab, brought up when first asked for."""
    with contextlib.ExitStack() as stack:
        running: dict[Any, Any] = {}

        def lab_of(profile: DriverProfile) -> Any:
            if profile.lab not in running:
                running[profile.lab] = stack.enter_context(profile.lab())
            return running[profile.lab]

        yield lab_of


@pytest.fixture
def target(profile: DriverProfile, labs: Callable[[DriverProfile], Any]) -> Iterator[Target]:
    with profile.target(labs(profile)) as target:
        yield target


@pytest.fixture
def driver(profile: DriverProfile, target: Target) -> BaseDriver:
    return made(profile, target.connection_args)


def made(profile: DriverProfile, connection_args: dict[str, Any], *, seconds: float = 20.0) -> BaseDriver:
    driver = profile.driver.from_request(connection_args)
    driver.call = Call(deadline=Deadline.after(seconds), args=profile.driver.validate_operation_args("query", {}))
    return driver


def called(driver: BaseDriver, operation: str, *, seconds: float = 20.0, **how: Any) -> None:
    args = type(driver).validate_operation_args(operation, how.pop("args", {}))  # type: ignore[arg-type]
    driver.call = Call(deadline=Deadline.after(seconds), args=args, **how)


def text_of(answer: Any) -> str:
    return str(answer.output if isinstance(answer, Output) else answer)


@pytest.fixture
def session(driver: BaseDriver) -> Iterator[Any]:
    session = driver.connect()
    yield session
    driver.disconnect(session)


# -- what the controller uses -----------------------------------------------------------------------------------------


def test_class_says_what_it_is(profile: DriverProfile) -> None:
    driver = profile.driver
    assert driver.driver_name == driver.driver_name.lower()
    assert driver.query_strategy in {"pinned", "fifo"}
    for model in (driver.connection_args_model, driver.query_args, driver.change_args):
        assert issubclass(model, BaseModel)
        assert json.dumps(model.model_json_schema())  # the API's documentation holds it


def test_arguments_without_a_host_are_refused_without_echoing_them(profile: DriverProfile, target: Target) -> None:
    values = {key: value for key, value in target.connection_args.items() if key not in {"host", "hostname"}}
    with pytest.raises(ValidationError) as caught:
        profile.driver.validate_connection_args(values)
    assert target.connection_args["password"] not in str(caught.value)
    with pytest.raises(InvalidArguments):
        profile.driver.from_request(values)


def test_arguments_do_not_show_the_password(profile: DriverProfile, target: Target) -> None:
    args = profile.driver.validate_connection_args(target.connection_args)
    assert target.connection_args["password"] not in f"{args} {args!r} {args.model_dump()}"


def test_misspelt_driver_argument_is_refused(profile: DriverProfile) -> None:
    with pytest.raises(ValidationError):
        profile.driver.validate_operation_args("query", {"no_such_option_anywhere": 1})


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_many_queries_on_one_session_cost_one_login(
    profile: DriverProfile, target: Target, driver: BaseDriver, session: Any
) -> None:
    for _ in range(5):
        called(driver, "query")
        assert profile.query_shows in text_of(driver.send(session, profile.query))
    if profile.driver.keeps_session:
        assert target.logins() == 1


def test_outputs_are_json_ready(profile: DriverProfile, driver: BaseDriver, session: Any) -> None:
    answer = driver.send(session, profile.query)
    json.dumps(answer.to_dict() if isinstance(answer, Output) else answer)
    json.dumps(driver.device_info(session))


def test_another_instance_may_go_on_with_a_session(profile: DriverProfile, target: Target, session: Any) -> None:
    other = made(profile, target.connection_args)
    assert profile.query_shows in text_of(other.send(session, profile.query))


def test_wrong_credentials(profile: DriverProfile, target: Target) -> None:
    driver = made(profile, target.connection_args | profile.wrong_credentials)
    with pytest.raises(AuthenticationFailed) as caught:
        driver.connect()
    assert not caught.value.retryable
    assert not any(str(value) in str(caught.value.to_dict()) for value in profile.wrong_credentials.values())
    assert target.logins() == 0


def test_unreachable(profile: DriverProfile, target: Target) -> None:
    driver = made(profile, target.connection_args | profile.unreachable)
    with pytest.raises(ConnectError) as caught:
        driver.connect()
    assert caught.value.phase == "connect"
    assert caught.value.retryable


def test_disconnect_twice_and_after_a_cut(profile: DriverProfile, target: Target, driver: BaseDriver) -> None:
    session = driver.connect()
    target.drop()
    driver.disconnect(session)
    driver.disconnect(session)


def test_cut_session_is_noticed_and_the_next_connect_works(
    profile: DriverProfile, target: Target, driver: BaseDriver
) -> None:
    session = driver.connect()
    called(driver, "query")
    driver.send(session, profile.query)
    target.drop()
    if profile.driver.keeps_session:
        deadline = time.monotonic() + 60
        while driver.is_alive(session):
            assert time.monotonic() < deadline, "is_alive() does not notice a cut connection"
            time.sleep(0.01)
        before = target.received()
        called(driver, "query")
        with pytest.raises(DriverError) as caught:
            driver.send(session, profile.query)
        assert caught.value.code == "session_stale"
        assert not caught.value.session_usable
        assert target.received() == before
    driver.disconnect(session)
    called(driver, "query")
    session = driver.connect()
    assert profile.query_shows in text_of(driver.send(session, profile.query))
    driver.disconnect(session)


def test_keepalive_of_a_live_session_changes_nothing(
    profile: DriverProfile, target: Target, driver: BaseDriver, session: Any
) -> None:
    before = target.configuration()
    called(driver, "query")
    assert driver.keepalive(session)
    assert driver.is_alive(session)
    assert target.configuration() == before
    called(driver, "query")
    assert profile.query_shows in text_of(driver.send(session, profile.query))
    assert driver.keepalive_interval() >= 0


def test_keepalive_of_a_silent_device(profile: DriverProfile, target: Target, driver: BaseDriver, session: Any) -> None:
    if not profile.proves_life:
        pytest.skip("this driver keeps no connection that could be proven alive")
    called(driver, "query")
    assert driver.keepalive(session)
    target.freeze()
    called(driver, "query", seconds=0.5)
    assert not driver.keepalive(session)


def test_deadline_ends_a_query_that_is_not_answered(
    profile: DriverProfile, target: Target, driver: BaseDriver, session: Any
) -> None:
    target.freeze()
    called(driver, "query", seconds=0.5)
    with pytest.raises(DriverError) as caught:
        driver.send(session, profile.query)
    assert not caught.value.session_usable


# -- refusals and guards ----------------------------------------------------------------------------------------------


def test_refused_query_keeps_the_session(profile: DriverProfile, driver: BaseDriver, session: Any) -> None:
    if not profile.refused_query:
        pytest.skip("this device refuses no query")
    called(driver, "query")
    with pytest.raises(CommandRefused) as caught:
        driver.send(session, profile.refused_query)
    assert caught.value.device_output
    assert caught.value.session_usable
    called(driver, "query")
    assert profile.query_shows in text_of(driver.send(session, profile.query))


def test_write_guard_stops_an_operation_before_it_writes(
    profile: DriverProfile, target: Target, driver: BaseDriver, session: Any
) -> None:
    def stop() -> None:
        raise StoppedHere

    before = target.received()
    called(driver, "query", before_write=stop)
    with pytest.raises(StoppedHere):
        driver.send(session, profile.query)
    assert target.received() == before


# -- changes ----------------------------------------------------------------------------------------------------------


def changed(driver: BaseDriver, session: Any, *lines: str, **request: Any) -> ChangeResult:
    called(driver, "change")
    return driver.config(session, ChangeRequest(lines=list(lines), **request))


def test_change(profile: DriverProfile, target: Target, driver: BaseDriver, session: Any) -> None:
    if not profile.change:
        called(driver, "change")
        with pytest.raises(UnsupportedOperation):
            driver.config(session, ChangeRequest(lines=["anything"]))
        return
    assert profile.change_shows not in target.configuration()
    result = changed(driver, session, *profile.change)
    assert result.changed
    assert profile.change_shows in target.configuration()
    called(driver, "query")
    assert profile.query_shows in text_of(driver.send(session, profile.query))
    json.dumps([output.to_dict() for output in result.outputs])


def test_dry_run_changes_nothing(profile: DriverProfile, target: Target, driver: BaseDriver, session: Any) -> None:
    if not profile.change:
        pytest.skip("this driver changes nothing")
    before = target.configuration()
    result = changed(driver, session, *profile.change, dry_run=True)
    assert result.changed
    assert target.configuration() == before


def test_ensure_is_idempotent(profile: DriverProfile, target: Target, driver: BaseDriver, session: Any) -> None:
    if not profile.change:
        pytest.skip("this driver changes nothing")
    parents, lines = list(profile.change[:-1]), [profile.change[-1]]
    policy = EnsurePolicy(parents=parents)
    try:
        foretold = changed(driver, session, *lines, ensure=policy, dry_run=True)
    except UnsupportedOperation:
        pytest.skip("this driver compares nothing")
    assert foretold.changed
    assert profile.change_shows not in target.configuration()
    done = changed(driver, session, *lines, ensure=policy)
    assert (done.changed, done.diff) == (True, foretold.diff)
    assert profile.change_shows in target.configuration()
    again = changed(driver, session, *lines, ensure=policy)
    assert (again.changed, again.diff, again.applied) == (False, "", [])


def test_refused_change_says_which_line(
    profile: DriverProfile, target: Target, driver: BaseDriver, session: Any
) -> None:
    if not profile.refused_change:
        pytest.skip("this driver changes nothing")
    with pytest.raises(CommandRefused) as caught:
        changed(driver, session, *profile.refused_change)
    assert profile.refused_change[1] in caught.value.message
    assert caught.value.device_output
    assert profile.refused_change[2] not in target.configuration()
    called(driver, "query")
    assert profile.query_shows in text_of(driver.send(session, profile.query))


def test_write_guard_stops_a_change(profile: DriverProfile, target: Target, driver: BaseDriver, session: Any) -> None:
    if not profile.change:
        pytest.skip("this driver changes nothing")

    def stop() -> None:
        raise StoppedHere

    before = target.configuration()
    called(driver, "change", before_write=stop)
    with pytest.raises(StoppedHere):
        driver.config(session, ChangeRequest(lines=list(profile.change)))
    assert target.configuration() == before
