"""The sessions that a pinned worker holds: found again by who logs in where and how, bounded in number, idleness, age.

The key of a session is an HMAC over driver, user, credentials and the connection arguments that matter, under a random
key of this process that never leaves it. A request with another password therefore has another key: it logs in by
itself or fails, and never touches the session of somebody who knew the right one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from pydantic import BaseModel, SecretBytes, SecretStr

from netpulse_broker.telemetry.redaction import Redactor, secret_values
from netpulse_broker.workers.execution.leftovers import Leftovers
from netpulse_drivers import BaseDriver, Call, Deadline

log = structlog.get_logger(__name__)

KEEPALIVE_DEADLINE = 10.0
"""Seconds that a device has to answer a keepalive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """Bounds of a session table.

    Attributes:
        max_sessions: sessions kept at a time; one more login evicts the one that was idle longest.
        idle_limit: seconds without a job after which a session is closed.
        age_limit: seconds after its login from which a session is closed between two jobs.
    """

    max_sessions: int = 2
    idle_limit: float = 3600.0
    age_limit: float = 86400.0


@dataclass(slots=True, eq=False, kw_only=True)
class OpenSession:
    """A driver and the session it opened.

    Attributes:
        reused: it was open before this job.
        led: an interactive caller has had it, and has set its terminal up.
        opened_at, used_at, proven_at: monotonic seconds of the login, the end of the last job, and the last time that
            the device was heard of.
    """

    key: bytes
    driver: BaseDriver
    handle: Any
    opened_at: float
    used_at: float
    proven_at: float
    reused: bool = False
    led: bool = False
    arguments: Mapping[str, Any]

    def abort(self) -> None:
        """From another thread: let a driver call that is blocked in the session return. It is dropped afterwards."""
        try:
            self.driver.abort(self.handle)
        except Exception as error:  # noqa: BLE001 - foreign code; whether the call returns is watched in any case
            _report("abort_failed", self, error)


class Logins(Protocol):
    """Decides when a login may begin (``workers.execution.login_limits.LoginGate``)."""

    def turn(self, driver: BaseDriver) -> AbstractContextManager[None]:
        """Inside, the driver may log in."""
        ...


class AnyTime:
    """Logins begin when they like."""

    def turn(self, driver: BaseDriver) -> AbstractContextManager[None]:  # noqa: ARG002
        """At once."""
        return nullcontext()


class Sessions(Protocol):
    """Where the task runner gets sessions from."""

    def open(self, kind: type[BaseDriver], arguments: Mapping[str, Any], call: Call) -> OpenSession:
        """A session that was open already, or a new one."""
        ...

    def give_back(self, opened: OpenSession) -> None:
        """The job ended and left the session usable."""
        ...

    def drop(self, opened: OpenSession) -> None:
        """Close it; it must not be used again."""
        ...

    def discard(self, kind: type[BaseDriver], arguments: Mapping[str, Any]) -> int:
        """Close the kept session of this login (of all logins when no arguments are given); how many were closed."""
        ...

    def tidy(self) -> None:
        """Free what ended sessions and failed logins have left behind; between two jobs."""
        ...


class SessionPool:
    """Sessions of one device. One thread uses it.

    Args:
        logins: decides when a login may begin; None: at any time.
        clock: monotonic seconds (for tests).
    """

    def __init__(
        self, limits: SessionLimits, *, logins: Logins | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._logins = logins or AnyTime()
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._leftovers = Leftovers()
        self._open: dict[bytes, OpenSession] = {}

    def __len__(self) -> int:
        return len(self._open)

    @property
    def drivers(self) -> list[str]:
        """Names of the drivers whose sessions are open."""
        return sorted({session.driver.driver_name for session in self._open.values()})

    # -- for a job --------------------------------------------------------------------------------------------------

    def open(self, kind: type[BaseDriver], arguments: Mapping[str, Any], call: Call) -> OpenSession:
        """The session for these arguments: one that is open, else a new login.

        Raises:
            InvalidArguments: the arguments do not validate.
            DriverError: the login failed; open sessions are as they were.
        """
        found = self._same(kind, arguments)
        if found is None:
            driver = kind.from_request(arguments)
            key = self._key(driver)
            found = self._open.get(key)
            if found is not None:
                # Same login, but e.g. another read time-out: the session stays, the arguments count from now on.
                found.driver.args, found.arguments = driver.args, arguments
            else:
                return self._connect(driver, key, arguments, call)
        found.driver.call = call
        if self._worn(found) or not self._alive(found):
            self.drop(found)
            return self._connect(kind(found.driver.args), found.key, arguments, call)
        found.reused = True
        return found

    def give_back(self, opened: OpenSession) -> None:
        """The job ended and left the session usable. One that is not where its login left it is closed."""
        keep = opened.driver.keeps_session and _asked(opened, opened.driver.end_job)
        opened.used_at = opened.proven_at = self._clock()
        opened.driver.call = Call(site=opened.driver.call.site)
        if not keep:
            self.drop(opened)

    def drop(self, opened: OpenSession) -> None:
        """Close a session. A driver that fails to close is logged: the session is gone either way."""
        self._open.pop(opened.key, None)
        self._leftovers.leave()
        close(opened)

    def discard(self, kind: type[BaseDriver], arguments: Mapping[str, Any]) -> int:
        """Close the kept session of this login, without logging in; of all logins when no arguments are given.

        Raises:
            InvalidArguments: the arguments do not validate.
        """
        if arguments:
            found = self._same(kind, arguments) or self._open.get(self._key(kind.from_request(arguments)))
            closing = [] if found is None else [found]
        else:
            closing = list(self._open.values())
        for session in closing:
            self.drop(session)
        return len(closing)

    # -- between jobs -----------------------------------------------------------------------------------------------

    def next_due(self) -> float:
        """Seconds until ``upkeep`` has something to do; infinite when no session is open."""
        now = self._clock()
        return max(min((self._due(session) - now for session in self._open.values()), default=math.inf), 0.0)

    def upkeep(self) -> None:
        """Send the keepalives that are due, close what is dead, idle for too long or too old."""
        now = self._clock()
        for session in list(self._open.values()):
            if self._worn(session) or now - session.used_at >= self._limits.idle_limit:
                log.info("session_closed", driver=session.driver.driver_name, host=session.driver.host, reason="limit")
                self.drop(session)
            elif self._keepalive_at(session) <= now and not self._proven(session):
                log.warning(
                    "session_closed", driver=session.driver.driver_name, host=session.driver.host, reason="dead"
                )
                self.drop(session)

    def tidy(self) -> None:
        """Free what ended sessions and failed logins have left behind."""
        self._leftovers.clear()

    def close(self) -> None:
        """Close all sessions."""
        for session in list(self._open.values()):
            self.drop(session)

    # -- inside -----------------------------------------------------------------------------------------------------

    def _connect(self, driver: BaseDriver, key: bytes, arguments: Mapping[str, Any], call: Call) -> OpenSession:
        call.before_write()  # a login is one
        driver.call = call
        with self._leftovers.after_failure(), self._logins.turn(driver), call.site.networks.enforced():
            handle = driver.connect()
        now = self._clock()
        opened = OpenSession(
            key=key, driver=driver, handle=handle, opened_at=now, used_at=now, proven_at=now, arguments=arguments
        )
        # Only now: a login that fails must not have cost anybody a session.
        while len(self._open) >= self._limits.max_sessions:
            self.drop(min(self._open.values(), key=lambda session: session.used_at))
        self._open[key] = opened
        return opened

    def _same(self, kind: type[BaseDriver], arguments: Mapping[str, Any]) -> OpenSession | None:
        """The session that was opened with exactly these arguments: the common case, without validating again."""
        for session in self._open.values():
            if type(session.driver) is kind and session.arguments == arguments:
                return session
        return None

    def _key(self, driver: BaseDriver) -> bytes:
        relevant = {
            name: _plain(value)
            for name, value in driver.args.model_dump(exclude_none=True).items()
            if name not in driver.session_irrelevant_args
        }
        text = json.dumps([driver.driver_name, driver.args.username, relevant], sort_keys=True, default=repr)
        return hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    def _worn(self, session: OpenSession) -> bool:
        return self._clock() - session.opened_at >= self._limits.age_limit

    def _keepalive_at(self, session: OpenSession) -> float:
        interval = session.driver.keepalive_interval()
        return session.proven_at + interval if interval > 0 else math.inf

    def _due(self, session: OpenSession) -> float:
        return min(
            self._keepalive_at(session),
            session.used_at + self._limits.idle_limit,
            session.opened_at + self._limits.age_limit,
        )

    def _proven(self, session: OpenSession) -> bool:
        """Send a keepalive. The lease is not asked: this is our own session, and losing Redis must not cost it."""
        site = session.driver.call.site
        session.driver.call = Call(deadline=Deadline.after(KEEPALIVE_DEADLINE), site=site)
        alive = _asked(session, session.driver.keepalive)
        session.driver.call = Call(site=site)
        session.proven_at = self._clock()
        return alive

    @staticmethod
    def _alive(session: OpenSession) -> bool:
        return _asked(session, session.driver.is_alive)


class FreshSessions:
    """A session per job, for FIFO workers: nothing is kept.

    Args:
        logins: decides when a login may begin; None: at any time.
    """

    def __init__(self, *, logins: Logins | None = None) -> None:
        self._logins = logins or AnyTime()
        self._leftovers = Leftovers()

    def open(self, kind: type[BaseDriver], arguments: Mapping[str, Any], call: Call) -> OpenSession:
        """Log in.

        Raises:
            InvalidArguments: the arguments do not validate.
            DriverError: the login failed.
        """
        driver = kind.from_request(arguments)
        call.before_write()  # a login is one
        driver.call = call
        with self._leftovers.after_failure(), self._logins.turn(driver), call.site.networks.enforced():
            handle = driver.connect()
        now = time.monotonic()
        return OpenSession(
            key=b"", driver=driver, handle=handle, opened_at=now, used_at=now, proven_at=now, arguments=arguments
        )

    def give_back(self, opened: OpenSession) -> None:
        """Close it."""
        self.drop(opened)

    def drop(self, opened: OpenSession) -> None:
        """Close it."""
        self._leftovers.leave()
        close(opened)

    def discard(self, kind: type[BaseDriver], arguments: Mapping[str, Any]) -> int:  # noqa: ARG002
        """Nothing is kept."""
        return 0

    def tidy(self) -> None:
        """Free what ended sessions and failed logins have left behind."""
        self._leftovers.clear()


def close(opened: OpenSession) -> None:
    """Disconnect. A driver that raises here is logged, not believed: the session counts as closed."""
    try:
        opened.driver.disconnect(opened.handle)
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything; there is nothing left to undo
        _report("disconnect_failed", opened, error)


def _asked(session: OpenSession, question: Callable[[Any], bool]) -> bool:
    try:
        return bool(question(session.handle))
    except Exception as error:  # noqa: BLE001 - a session that cannot even be asked is not alive
        _report("session_check_failed", session, error)
        return False


def _report(event: str, session: OpenSession, error: Exception) -> None:
    hidden = Redactor(secret_values(session.arguments))
    log.warning(
        event,
        driver=session.driver.driver_name,
        host=session.driver.host,
        error=hidden.text(f"{type(error).__name__}: {error}"),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, SecretBytes):
        return value.get_secret_value().hex()
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(exclude_none=True))
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
