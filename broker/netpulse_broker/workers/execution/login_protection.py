"""Keeps a refused credential from being tried again: by one device's jobs, and by hundreds of devices' at once.

AAA servers lock an account after a handful of refusals. Before each login the worker asks the record that all nodes
share (``queueing.logins.ledger``) whether the credential may be shown, and afterwards says what came of it.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import redis
import structlog

from netpulse_broker.errors import LoginLimited, LoginSuspended
from netpulse_broker.queueing.logins.ledger import Outcome, Suspension
from netpulse_broker.times import utc_of
from netpulse_drivers import BaseDriver, Call, LoginIdentity

log = structlog.get_logger(__name__)

SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two questions of a login that waits for what comes of others."""

LONGEST_TRY = 600.0
MARGIN = 15.0
"""Seconds for which a try counts as under way at most, and beyond its job's time: a killed worker ends none."""


class Ledger(Protocol):
    """The part of ``queueing.logins.ledger.LoginLedger`` that a worker uses; it says what each method does."""

    def digest(self, proof: dict[str, object]) -> str: ...
    def begin(self, digest: str, place: str, attempt: str, *, lasts: float) -> Suspension | bool: ...
    def end(self, digest: str, place: str, attempt: str, outcome: Outcome, *, first: float, longest: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    login: LoginIdentity
    digest: str
    name: str


class LoginProtection:
    """Asks before a login, and tells after it.

    Args:
        first, longest: seconds of the first and of the longest suspension.
    """

    def __init__(self, ledger: Ledger, *, first: float, longest: float) -> None:
        self._ledger = ledger
        self._first = first
        self._longest = longest

    @contextmanager
    def attempt(self, driver: BaseDriver) -> Iterator[None]:
        """Inside, the driver may log in.

        Raises:
            LoginSuspended: one of the credentials was refused before.
            LoginLimited: others tried it for the whole time of the job.
            JobStopped, LeaseLost: while waiting.
        """
        logins = driver.logins()
        tries = self._admitted(logins, driver.call)
        refused: int | None = len(tries)  # the first login that was not accepted
        outcome: Outcome = "neither"
        try:
            yield
        except BaseException as error:
            refused = next((number for number, login in enumerate(logins) if login.refused_by(error)), None)
            outcome = "neither" if refused is None else "refused"
            raise
        finally:
            for number, one in enumerate(tries):
                if refused is None or number > refused:
                    self._tell(one, "neither")
                else:
                    self._tell(one, outcome if number == refused else "accepted")

    def _admitted(self, logins: Sequence[LoginIdentity], call: Call) -> list[_Try]:
        name = secrets.token_hex(8)
        wanted = [_Try(login=login, digest=self._ledger.digest(dict(login.proof)), name=name) for login in logins]
        pause = SHORTEST_PAUSE
        while not self._all_begun(wanted, call):
            _wait(call, pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            pause = min(pause * 2, LONGEST_PAUSE)
            if call.deadline.passed:
                raise LoginLimited(
                    "the credential has not been accepted anywhere of late, and other logins with it took the whole "
                    "time of the job: until one succeeds only a few try; nothing was sent to the device"
                )
        return wanted

    def _all_begun(self, wanted: Sequence[_Try], call: Call) -> bool:
        """Whether all may be shown; none counts as begun otherwise."""
        begun: list[_Try] = []
        lasts = min(call.deadline.remaining(at_most=LONGEST_TRY) + MARGIN, LONGEST_TRY)
        try:
            for one in wanted:
                answer = self._ledger.begin(one.digest, one.login.place, one.name, lasts=lasts)
                if answer is True:
                    begun.append(one)
                    continue
                for other in begun:
                    self._tell(other, "neither")
                if isinstance(answer, Suspension):
                    raise _suspended(one, answer)
                return False
        except redis.RedisError as error:
            # Without Redis nobody knows, and nobody claims jobs: this worker has the one that it has.
            log.warning("login_protection_unknown", error=f"{type(error).__name__}: {error}")
        return True

    def _tell(self, one: _Try, outcome: Outcome) -> None:
        try:
            self._ledger.end(one.digest, one.login.place, one.name, outcome, first=self._first, longest=self._longest)
        except redis.RedisError as error:
            log.warning("login_not_told", outcome=outcome, error=f"{type(error).__name__}: {error}")


def _suspended(one: _Try, suspension: Suspension) -> LoginSuspended:
    place, until = one.login.place, utc_of(suspension.until)
    why = {
        "device": f"{place} refused this credential ({suspension.refusals} in a row), and it is not tried there again",
        "new": f"{suspension.refusals} devices refused this credential, and it is tried at none that never took it",
        "all": f"{suspension.refusals} devices that took this credential before refuse it now, and it is not tried",
    }[suspension.where]
    return LoginSuspended(
        f"{why} before {until}; nothing was sent. Another credential is tried at once; to have this one tried again: "
        f"netpulse login reset --credential {one.digest}, or POST /login/reset",
        details=[
            {
                "credential": one.digest,
                "device": place,
                "where": suspension.where,
                "until": until,
                "refusals": suspension.refusals,
            }
        ],
    )


def _wait(call: Call, seconds: float) -> None:
    """Wait in steps that notice a stop of the job and the lease's end."""
    end = min(time.monotonic() + seconds, call.deadline.at)
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
        call.before_write()
