"""Clauses about changes. A driver that changes nothing has to say so."""

from __future__ import annotations

import json
from typing import Any, Literal

from netpulse_drivers.base import BaseDriver, ChangeRequest, EnsurePolicy
from netpulse_drivers.conformance.clause import Clause
from netpulse_drivers.conformance.trial import StoppedHere, Trial
from netpulse_drivers.conformance.verdicts import NotApplicable, raises, require
from netpulse_drivers.errors import CommandRefused, NothingPending, UnsupportedOperation


def _change(trial: Trial) -> None:
    driver, profile = trial.driver(), trial.profile
    if trial.read_only:
        with trial.session(driver) as session, raises(UnsupportedOperation, "config() of a read-only driver"):
            trial.changed(driver, session, "anything")
        return
    trial.needs_change()
    _not_yet(trial)
    with trial.session(driver) as session:
        result = trial.changed(driver, session, *profile.change)
        require(result.changed, "ChangeResult.changed is false after a change")
        require(
            profile.change_shows in trial.device.configuration(),
            f"the configuration does not hold '{profile.change_shows}' after the change",
        )
        trial.answered(driver, session)
        json.dumps([output.to_dict() for output in result.outputs])


def _not_yet(trial: Trial) -> None:
    if trial.profile.change_shows in trial.device.configuration():
        raise NotApplicable(f"the configuration holds '{trial.profile.change_shows}' already: nothing would change")


def _dry_run(trial: Trial) -> None:
    trial.needs_change()
    _not_yet(trial)
    driver, before = trial.driver(), trial.device.configuration()
    with trial.session(driver) as session:
        try:
            result = trial.changed(driver, session, *trial.profile.change, dry_run=True)
        except UnsupportedOperation:
            result = None
        require(trial.device.configuration() == before, "dry_run changed the configuration")
        require(result is None or result.changed, "ChangeResult.changed of a dry run has to tell that it would change")
    if result is None:
        raise NotApplicable("the driver says that it has no dry_run")


def _ensure(trial: Trial) -> None:
    trial.needs_change()
    _not_yet(trial)
    profile = trial.profile
    parents, lines = list(profile.change[:-1]), [profile.change[-1]]
    policy = EnsurePolicy(parents=parents)
    driver = trial.driver()
    with trial.session(driver) as session:
        try:
            foretold = trial.changed(driver, session, *lines, ensure=policy, dry_run=True)
        except UnsupportedOperation as error:
            raise NotApplicable(f"the driver says that it compares nothing ({error})") from None
        require(foretold.changed, "a dry run does not foretell the change")
        require(profile.change_shows not in trial.device.configuration(), "the dry run changed the configuration")
        done = trial.changed(driver, session, *lines, ensure=policy)
        require(done.changed, "the change that was foretold was not made")
        require(done.diff == foretold.diff, "the difference is not the one that the dry run foretold")
        require(profile.change_shows in trial.device.configuration(), "the configuration does not hold the change")
        again = trial.changed(driver, session, *lines, ensure=policy)
        require(
            (again.changed, again.diff, again.applied) == (False, "", []),
            f"made again, it changes something: changed {again.changed}, applied {again.applied}",
        )


def _refused_change(trial: Trial) -> None:
    profile = trial.profile
    if trial.read_only:
        raise NotApplicable("the driver has no config()")
    if not profile.refused_change:
        raise NotApplicable("the profile has no refused_change")
    driver = trial.driver()
    with trial.session(driver) as session:
        with raises(CommandRefused, "config() with a line that the device refuses") as caught:
            trial.changed(driver, session, *profile.refused_change)
        require(
            profile.refused_change[1] in caught.value.message,
            f"the error does not name the line '{profile.refused_change[1]}': {caught.value.message}",
        )
        require(caught.value.device_output, "CommandRefused without the device's text (device_output)")
        require(
            profile.refused_change[2] not in trial.device.configuration(), "the line behind the refused one was sent"
        )
        trial.answered(driver, session)


def _timed_commits(trial: Trial) -> None:
    driver = trial.driver()
    with trial.session(driver) as session:
        trial.called(driver, "change")
        try:
            before = driver.commit_state(session)
        except UnsupportedOperation:
            with raises(UnsupportedOperation, "confirm() of a driver without commit_state()"):
                driver.confirm(session)
            with raises(UnsupportedOperation, "check_operation('confirm') of a driver without commit_state()"):
                type(driver).check_operation("confirm", driver.args)
            return
        type(driver).check_operation("confirm", driver.args)
        if before.pending:
            raise NotApplicable("a commit of somebody else waits for its confirmation on the device")
        trial.called(driver, "change")
        require(
            driver.commit_state(session) == before, "the fingerprint of a configuration that nobody changes has changed"
        )
        trial.called(driver, "change")
        with raises(NothingPending, "confirm() where nothing waits") as caught:
            driver.confirm(session)
        require(caught.value.session_usable, "NothingPending leaves the session usable, and has to say so")
        trial.needs_change()
        _not_yet(trial)
        trial.changed(driver, session, *trial.profile.change)
        trial.called(driver, "change")
        require(
            driver.commit_state(session).fingerprint != before.fingerprint, "a change does not show in the fingerprint"
        )


def _write_guard(trial: Trial) -> None:
    trial.needs_change()

    def stop() -> None:
        raise StoppedHere

    driver, before = trial.driver(), trial.device.configuration()
    with trial.session(driver) as session:
        trial.called(driver, "change", before_write=stop)
        with raises(StoppedHere, "config() while call.before_write() raises"):
            driver.config(session, ChangeRequest(lines=list(trial.profile.change)))
        require(trial.device.configuration() == before, "the configuration was changed before the guard was asked")


def _rolled_back(trial: Trial) -> None:
    driver = trial.driver()
    if _lacks(driver, "rollback"):
        with trial.session(driver) as session, raises(UnsupportedOperation, "rollback() of a driver without one"):
            trial.called(driver, "change")
            driver.rollback(session)
        return
    _needs_timer(trial)
    with trial.session(driver) as session:
        _timed_change(trial, driver, session)
        trial.called(driver, "change")
        require(driver.rollback(session).changed, "ChangeResult.changed is false after a rollback")
        require(
            trial.profile.change_shows not in trial.device.configuration(),
            "the configuration still holds the change after its rollback",
        )
        trial.answered(driver, session)


def _confirmed(trial: Trial) -> None:
    """By another instance, as after a restart of the worker."""
    driver = trial.driver()
    if _lacks(driver, "confirm"):
        with trial.session(driver) as session, raises(UnsupportedOperation, "confirm() of a driver without one"):
            trial.called(driver, "change")
            driver.confirm(session)
        return
    _needs_timer(trial)
    with trial.session(driver) as session:
        _timed_change(trial, driver, session)
    other = trial.driver()
    with trial.session(other) as session:
        trial.called(other, "change")
        other.confirm(session)
        require(
            trial.profile.change_shows in trial.device.configuration(),
            "the configuration does not hold the change after it was confirmed",
        )
        with raises(CommandRefused, "confirm() with nothing that waits for it"):
            trial.called(other, "change")
            other.confirm(session)
        trial.answered(other, session)


def _lacks(driver: BaseDriver, operation: Literal["confirm", "rollback"]) -> bool:
    """Whether the driver says, before a job is made, that this device's platform has no such operation."""
    try:
        type(driver).check_operation(operation, driver.args)
    except UnsupportedOperation:
        return True
    return False


def _needs_timer(trial: Trial) -> None:
    trial.needs_change()
    if not trial.profile.revert_in:
        raise NotApplicable("the profile has no revert_in, so no commit with a timer is tried")
    _not_yet(trial)


def _timed_change(trial: Trial, driver: BaseDriver, session: Any) -> None:
    result = trial.changed(driver, session, *trial.profile.change, revert_in=trial.profile.revert_in)
    require(result.changed, "ChangeResult.changed is false after a commit with a timer")
    require(not result.saved, "a commit that waits for its confirmation was saved: a reload would keep it")
    require(
        trial.profile.change_shows in trial.device.configuration(),
        "the configuration does not hold the change while its timer runs",
    )


CHANGE_CLAUSES = (
    Clause(
        name="change",
        says="A change is made and reported; a driver without changes raises UnsupportedOperation.",
        check=_change,
    ),
    Clause(name="dry_run_changes_nothing", says="A dry run changes nothing, or is refused.", check=_dry_run),
    Clause(name="ensure_is_idempotent", says="An idempotent change is made once.", check=_ensure),
    Clause(
        name="refused_change_says_which_line",
        says="A refused line is named with the device's text, and nothing behind it is sent.",
        check=_refused_change,
    ),
    Clause(
        name="timed_commits",
        says="What waits to be confirmed is told, or all of it is unsupported.",
        check=_timed_commits,
    ),
    Clause(
        name="write_guard_stops_a_change",
        says="call.before_write() is asked before a change writes.",
        check=_write_guard,
    ),
    Clause(
        name="timed_change_is_rolled_back",
        says="rollback() takes back a change that waits for its confirmation, or is unsupported.",
        check=_rolled_back,
    ),
    Clause(
        name="timed_change_is_confirmed_by_another_instance",
        says="confirm() keeps it, also by another instance, and once; or is unsupported.",
        check=_confirmed,
    ),
)
