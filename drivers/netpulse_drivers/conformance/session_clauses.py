"""Clauses about sessions: logging in, asking, staying alive, and every way in which a connection ends."""

from __future__ import annotations

import json
import time
from typing import Any

from netpulse_drivers.base import BaseDriver
from netpulse_drivers.conformance.clause import Clause
from netpulse_drivers.conformance.trial import StoppedHere, Trial
from netpulse_drivers.conformance.verdicts import Broken, NotApplicable, raises, require
from netpulse_drivers.errors import AuthenticationFailed, CommandRefused, ConnectError, DriverError, SessionStale
from netpulse_drivers.results import Output

_GRACE = 10.0
"""Seconds behind a deadline after which a driver that still waits does not know of it."""

_NOTICED_WITHIN = 10.0
"""Seconds in which a driver must have seen that its connection was cut."""


def _many_queries_one_login(trial: Trial) -> None:
    before = _count(trial)
    driver = trial.driver()
    with trial.session(driver) as session:
        for _ in range(5):
            trial.answered(driver, session)
        if trial.driver_class.keeps_session and before is not None:
            made = trial.device.logins() - before
            require(made == 1, f"5 queries on one session made {made} logins")


def _count(trial: Trial) -> int | None:
    """Logins so far; None where they cannot be seen: the queries are tried all the same."""
    try:
        return trial.device.logins()
    except NotApplicable:
        return None


def _outputs_are_json(trial: Trial) -> None:
    driver = trial.driver()
    with trial.session(driver) as session:
        trial.called(driver, "query")
        answer = driver.send(session, trial.profile.query)
        value = answer.to_dict() if isinstance(answer, Output) else answer
        trial.called(driver, "query")
        for what, shown in (("send's answer", value), ("device_info", driver.device_info(session))):
            try:
                json.dumps(shown)
            except (TypeError, ValueError) as error:
                raise Broken(f"{what} cannot be written as JSON: {error}") from error


def _another_instance(trial: Trial) -> None:
    driver = trial.driver()
    with trial.session(driver) as session:
        trial.answered(trial.driver(), session)


def _wrong_credentials(trial: Trial) -> None:
    wrong = trial.profile.wrong_credentials
    if not wrong:
        raise NotApplicable("the profile has no wrong_credentials")
    driver = trial.driver(**wrong)
    with raises(AuthenticationFailed, "connect() with wrong credentials") as caught:
        driver.connect()
    require(not caught.value.retryable, "a refused login is retryable: trying again locks the account")
    shown = str(caught.value.to_dict())
    require(not any(str(value) in shown for value in wrong.values()), "the error shows the wrong credential")


def _unreachable(trial: Trial) -> None:
    if not trial.profile.unreachable:
        raise NotApplicable("the profile has no unreachable address: give unreachable")
    driver = trial.driver(**trial.profile.unreachable)
    with raises(ConnectError, "connect() to an address where nothing listens") as caught:
        driver.connect()
    require(caught.value.phase == "connect", f"the error's phase is {caught.value.phase}, not connect")
    require(caught.value.retryable, "an unreachable device is worth another try: retryable has to be true")


def _disconnect_after_a_cut(trial: Trial) -> None:
    driver = trial.driver()
    session = driver.connect()
    try:
        trial.answered(driver, session)  # so that the connection has come through: what is under way cannot be cut
        trial.device.drop()
    except BaseException:
        driver.disconnect(session)
        raise
    if trial.driver_class.keeps_session:
        _wait_for_the_end(driver, session)
    try:
        driver.disconnect(session)
    except Exception as error:
        raise Broken(f"disconnect() on a dead session raised {error!r}") from error


def _cut_session(trial: Trial) -> None:
    driver = trial.driver()
    session = driver.connect()
    try:
        trial.answered(driver, session)
        trial.device.drop()
        if trial.driver_class.keeps_session:
            _wait_for_the_end(driver, session)
            before = trial.device.received()
            trial.called(driver, "query")
            with raises(SessionStale, "send() on a session that is known to be dead") as caught:
                driver.send(session, trial.profile.query)
            require(not caught.value.session_usable, "SessionStale with session_usable true")
            require(trial.device.received() == before, "something was written to the device")
    finally:
        driver.disconnect(session)
    with trial.session(driver) as fresh:
        trial.answered(driver, fresh)


def _wait_for_the_end(driver: BaseDriver, session: Any) -> None:
    end = time.monotonic() + _NOTICED_WITHIN
    while driver.is_alive(session):
        if time.monotonic() > end:
            raise Broken(
                "is_alive() does not notice that the device has closed the connection: without it the worker's next "
                "command is lost instead of a reconnect"
            )
        time.sleep(0.01)


def _keepalive_changes_nothing(trial: Trial) -> None:
    driver = trial.driver()
    try:
        before: str | None = trial.device.configuration()
    except NotApplicable:
        before = None
    with trial.session(driver) as session:
        trial.called(driver, "query")
        require(driver.keepalive(session), "keepalive() says that a live session is dead")
        require(driver.is_alive(session), "is_alive() says that a live session is dead")
        if before is not None:
            require(trial.device.configuration() == before, "keepalive() changed the configuration")
        trial.answered(driver, session)
        require(driver.keepalive_interval() >= 0, "keepalive_interval() is negative")


def _keepalive_of_a_silent_device(trial: Trial) -> None:
    if not trial.profile.proves_life:
        raise NotApplicable("the profile says that keepalive makes no round trip (proves_life)")
    driver = trial.driver()
    with trial.session(driver) as session:
        trial.called(driver, "query")
        require(driver.keepalive(session), "keepalive() says that a live session is dead")
        trial.device.freeze()
        trial.called(driver, "query", seconds=0.5)
        require(
            not driver.keepalive(session),
            "keepalive() believes a device that went silent: it looks at local state, or waits past the deadline "
            "(a driver that cannot do better says so with proves_life = false)",
        )


def _deadline(trial: Trial) -> None:
    driver = trial.driver()
    with trial.session(driver) as session:
        trial.device.freeze()
        trial.called(driver, "query", seconds=0.5)
        began = time.monotonic()
        with raises(DriverError, "send() to a device that does not answer before the deadline") as caught:
            driver.send(session, trial.profile.query)
        waited = time.monotonic() - began
        require(
            waited < 0.5 + _GRACE,
            f"send() waited {waited:.0f} s with a deadline of 0.5 s: give blocking calls call.deadline.remaining()",
        )
        require(
            not caught.value.session_usable,
            "session_usable is true, but the answer may still come and would be taken for the next command's",
        )


def _refused_query(trial: Trial) -> None:
    if not trial.profile.refused_query:
        raise NotApplicable("the profile has no refused_query")
    driver = trial.driver()
    with trial.session(driver) as session:
        trial.called(driver, "query")
        with raises(CommandRefused, f"send('{trial.profile.refused_query}')") as caught:
            driver.send(session, trial.profile.refused_query)
        require(caught.value.device_output, "CommandRefused without the device's text (device_output)")
        require(caught.value.session_usable, "a refused command makes the session unusable")
        trial.answered(driver, session)


def _write_guard(trial: Trial) -> None:
    def stop() -> None:
        raise StoppedHere

    driver = trial.driver()
    with trial.session(driver) as session:
        try:
            before: list[str] | None = trial.device.received()
        except NotApplicable:
            before = None
        trial.called(driver, "query", before_write=stop)
        with raises(StoppedHere, "send() while call.before_write() raises") as _:
            driver.send(session, trial.profile.query)
        require(before is None or trial.device.received() == before, "something was written before the guard was asked")


SESSION_CLAUSES = (
    Clause(
        name="many_queries_on_one_session_cost_one_login",
        says="Many queries on one session cost one login.",
        check=_many_queries_one_login,
    ),
    Clause(
        name="outputs_are_json_ready", says="Answers and device_info can be written as JSON.", check=_outputs_are_json
    ),
    Clause(
        name="another_instance_may_go_on_with_a_session",
        says="Another instance may go on with a session.",
        check=_another_instance,
    ),
    Clause(
        name="wrong_credentials",
        says="Wrong credentials raise AuthenticationFailed, which does not show them.",
        check=_wrong_credentials,
    ),
    Clause(name="unreachable", says="An unreachable device raises ConnectError.", check=_unreachable),
    Clause(
        name="disconnect_of_a_dead_session",
        says="disconnect() of a session that the device has cut does not raise.",
        check=_disconnect_after_a_cut,
    ),
    Clause(
        name="cut_session_is_noticed_and_the_next_connect_works",
        says="A cut session is noticed before anything is written, and the next login works.",
        check=_cut_session,
    ),
    Clause(
        name="keepalive_of_a_live_session_changes_nothing",
        says="keepalive() of a live session is true and changes nothing.",
        check=_keepalive_changes_nothing,
    ),
    Clause(
        name="keepalive_of_a_silent_device",
        says="keepalive() of a device that went silent is false, within the deadline.",
        check=_keepalive_of_a_silent_device,
    ),
    Clause(
        name="deadline_ends_a_query_that_is_not_answered",
        says="The deadline ends a query that is not answered; the session is given up.",
        check=_deadline,
    ),
    Clause(
        name="refused_query_keeps_the_session",
        says="A refused query raises CommandRefused with the device's text and keeps the session.",
        check=_refused_query,
    ),
    Clause(
        name="write_guard_stops_an_operation_before_it_writes",
        says="call.before_write() is asked before anything is written, and what it raises passes.",
        check=_write_guard,
    ),
)
