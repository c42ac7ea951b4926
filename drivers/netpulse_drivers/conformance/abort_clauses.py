"""Clauses about the two ends of a session: abort(), by another thread, and disconnect(), once, by the worker's own."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from netpulse_drivers.base import BaseDriver
from netpulse_drivers.conformance.clause import Clause
from netpulse_drivers.conformance.trial import Trial
from netpulse_drivers.conformance.verdicts import Broken, NotApplicable, require

_ABORTED_WITHIN = 5.0
"""Seconds after which an abort() that has not returned is waiting for something."""

_RETURNS_WITHIN = 10.0
"""Seconds that a call has to return once it was aborted."""

_CALL = 60.0
"""Seconds of the deadline of a call that is to be aborted: it must not be what ends the call."""

_ON_ITS_WAY = 1.0
"""Seconds that a query gets to reach a device that shows what it receives."""


class _Aside:
    """A call in a thread of its own, which may be left behind blocked.

    Attributes:
        error: what it raised.
    """

    def __init__(self, call: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self._call = call
        self._thread = threading.Thread(target=self._run, name="conformance", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._call()
        except BaseException as error:  # noqa: BLE001 - looked at by the clause
            self.error = error

    def returned(self, within: float) -> bool:
        self._thread.join(within)
        return not self._thread.is_alive()


def _needs_abort(trial: Trial) -> None:
    if trial.driver_class.abort is BaseDriver.abort:
        raise NotApplicable("the driver has no abort(): a job that is stopped goes on until its call returns")


def _abort(driver: BaseDriver, session: Any) -> None:
    """Abort from another thread."""
    aborting = _Aside(lambda: driver.abort(session))
    require(
        aborting.returned(_ABORTED_WITHIN),
        f"abort() has not returned after {_ABORTED_WITHIN:.0f} s: it may wait for nothing, only cut the connection",
    )
    if aborting.error is not None:
        raise Broken(f"abort() raised {aborting.error!r}") from aborting.error


def _must_have_raised(asking: _Aside, when: str) -> None:
    require(
        asking.returned(_RETURNS_WITHIN),
        f"send() has not returned {_RETURNS_WITHIN:.0f} s after abort(), which came {when}",
    )
    require(
        isinstance(asking.error, Exception),
        f"send() returned an answer after abort(), which came {when}: a call that was cut off has to raise",
    )


def _abort_of_a_blocked_call(trial: Trial) -> None:
    _needs_abort(trial)
    driver = trial.driver()
    with trial.session(driver) as session:
        written = threading.Event()
        before = _received(trial)
        trial.device.freeze()
        trial.called(driver, "query", seconds=_CALL, before_write=written.set)
        asking = _Aside(lambda: driver.send(session, trial.profile.query))
        try:
            require(written.wait(_RETURNS_WITHIN), "send() does not ask call.before_write() before it writes")
            arrived = time.monotonic() + _ON_ITS_WAY
            while _received(trial) == before and time.monotonic() < arrived:
                time.sleep(0.01)
            _abort(driver, session)
            _must_have_raised(asking, "while the device did not answer")
        finally:
            trial.device.drop()  # a call that was not ended by abort() ends now, before its session is closed
            asking.returned(_RETURNS_WITHIN)


def _received(trial: Trial) -> list[str] | None:
    try:
        return trial.device.received()
    except NotApplicable:
        return None


def _abort_just_before_a_write(trial: Trial) -> None:
    """The moment in which a driver is least prepared: it was told that it may write, and finds the connection cut."""
    _needs_abort(trial)
    driver = trial.driver()
    with trial.session(driver) as session:
        trial.called(driver, "query", seconds=_CALL, before_write=lambda: _abort(driver, session))
        asking = _Aside(lambda: driver.send(session, trial.profile.query))
        try:
            _must_have_raised(asking, "just before a write")
            if isinstance(asking.error, Broken):
                raise asking.error
        finally:
            trial.device.drop()
            asking.returned(_RETURNS_WITHIN)


def _disconnect_once(trial: Trial) -> None:
    """Whoever calls disconnect() beside the worker has it called twice."""
    driver = trial.driver()
    counted = _CountedDisconnect(driver)
    session = driver.connect()
    try:
        counted.none_during("connect()")
        trial.answered(driver, session)
        counted.none_during("send()")
        if trial.driver_class.abort is not BaseDriver.abort:
            _abort(driver, session)
            counted.none_during("abort()")
        with contextlib.suppress(NotApplicable):  # without a relay it is the abort alone that ends the session
            trial.device.drop()
        trial.called(driver, "query", seconds=_RETURNS_WITHIN)
        _Aside(lambda: driver.send(session, trial.profile.query)).returned(2 * _RETURNS_WITHIN)
        counted.none_during("send() on a dead session")
    finally:
        error = counted.by_the_worker(session)
    if error is not None:
        raise Broken(f"disconnect() of a session that is over raised {error!r}") from error


class _CountedDisconnect:
    """Stands before the disconnect() of one driver object, and before whoever calls it."""

    def __init__(self, driver: BaseDriver) -> None:
        self._disconnect = driver.disconnect
        self._calls = 0
        setattr(driver, "disconnect", self._counted)  # noqa: B010 - of this one object

    def _counted(self, session: Any) -> None:
        self._calls += 1
        self._disconnect(session)

    def none_during(self, what: str) -> None:
        require(
            not self._calls, f"{what} called disconnect(), which the worker will call again: it is the worker's alone"
        )

    def by_the_worker(self, session: Any) -> Exception | None:
        """What it raised."""
        try:
            self._disconnect(session)
        except Exception as error:  # noqa: BLE001 - looked at by the clause
            return error
        return None


ABORT_CLAUSES = (
    Clause(
        name="abort_makes_a_blocked_call_return",
        says="abort() from another thread returns at once and makes a blocked call raise.",
        check=_abort_of_a_blocked_call,
    ),
    Clause(
        name="abort_just_before_a_write",
        says="A call that is aborted just before it writes raises.",
        check=_abort_just_before_a_write,
    ),
    Clause(
        name="disconnect_is_called_by_nobody_else",
        says="disconnect() is called once, by the worker: not by abort(), nor by a call that fails.",
        check=_disconnect_once,
    ),
)
