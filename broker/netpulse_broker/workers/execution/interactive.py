"""An interactive session: a job during which the worker serves one caller's exchanges on the device's session.

The job begins with a verified prompt and ends, whatever the caller did, with a session that is out of configuration
mode and at the privilege of its login, or closed. Nothing is typed at a session of which it is not known where it
stands: a time-out without a prompt, half an exchange, a question that was left open close it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import redis
import structlog
from pydantic import ValidationError

from netpulse_broker.errors import InternalError
from netpulse_broker.queueing.interactive.channel import (
    FILE_CHUNK,
    Asked,
    CallerCloses,
    CallerState,
    CopyAbandoned,
    ExchangeChannel,
)
from netpulse_broker.queueing.interactive.options import LOGIN_ALLOWANCE, FileRequest, InteractiveOptions
from netpulse_broker.queueing.redis.connection import Unusable
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.workers.execution.running_job import RunningJob
from netpulse_broker.workers.execution.session_pool import OpenSession
from netpulse_drivers import (
    CommandTimeout,
    Deadline,
    DriverError,
    NetPulseError,
    SessionLost,
    SessionStale,
    UnsupportedOperation,
)
from netpulse_drivers.interactive import (
    Exchange,
    ExchangeResult,
    FileCopyFailed,
    InteractiveDriver,
    Opening,
    to_base64,
)

log = structlog.get_logger(__name__)

BEATS = 3
"""Heartbeats that may be missed: after so many times the agreed interval the caller counts as gone."""

LOOK = 1.0
"""Seconds between two looks at the caller while nothing else happens."""

LEAVE_GRACE = 20.0
"""Seconds that an interactive session goes on after the worker has been told to leave."""

FILE_SILENCE = 60.0
"""Seconds that the caller of a file copy may be silent."""

NEVER_GRANTED = "the caller left before the interactive session was granted"

Returned = TypeVar("Returned")


class _SessionEnds(Exception):
    """The interactive session ends now, in the middle of whatever is under way."""


class InteractiveJobs:
    """The interactive sessions of one worker, one after the other.

    Args:
        client: the worker's own connection.
        worker, node: names, for the listing.
    """

    def __init__(self, client: redis.Redis, sealer: Sealer, *, worker: str, node: str) -> None:
        self._client = client
        self._sealer = sealer
        self._worker = worker
        self._node = node

    def job(self, options: InteractiveOptions, running: RunningJob) -> InteractiveJob:
        """The interactive session that a job asks for."""
        channel = ExchangeChannel(
            self._client, self._sealer, session_id=running.id, lifetime=options.timeout + LOGIN_ALLOWANCE
        )
        return InteractiveJob(channel, options, running, worker=self._worker, node=self._node)


class InteractiveJob:
    """One interactive session, from the claim of its job to its end."""

    def __init__(
        self, channel: ExchangeChannel, options: InteractiveOptions, running: RunningJob, *, worker: str, node: str
    ) -> None:
        self._channel = channel
        self._options = options
        self._running = running
        self._worker = worker
        self._node = node
        self._hold = running.deadline
        self._patience = Deadline.after(0)
        self._leaving: Deadline | None = None
        self._exchanges = 0
        self._looked = time.monotonic()

    def wanted(self) -> bool:
        """Whether the caller is still there. False: he left before anything was done for him."""
        try:
            caller = self._outlasting(self._channel.caller)
        except _SessionEnds:
            return False
        wanted = caller is not None and self._reason(caller) == ""
        if not wanted:
            self._finish(NEVER_GRANTED)
        return wanted

    def serve(self, opened: OpenSession) -> dict[str, Any]:
        """Serve the caller until the interactive session ends; returns what is said about it in the job's result.

        Raises:
            SessionStale: the kept session is dead or does not answer; nothing but a RETURN was typed.
            DriverError: ``session_usable`` tells whether the session may be kept.
            JobStopped, LeaseLost
        """
        driver = opened.driver
        if not isinstance(driver, InteractiveDriver):
            raise UnsupportedOperation(f"driver '{driver.driver_name}' has no interactive sessions")
        opening = self._open(driver, opened)
        reason = ""
        try:
            reason = self._granted(driver, opened, opening)
            driver.normalise(opened.handle)
        except NetPulseError as error:
            reason = reason or error.message
            raise
        finally:
            self._finish(reason or "the worker failed")
        return {"ended": reason, "exchanges": self._exchanges}

    def _granted(self, driver: InteractiveDriver, opened: OpenSession, opening: Opening) -> str:
        """Grant and serve; why the interactive session ended."""
        self._hold = Deadline.after(self._options.max_hold)
        told = {
            "fresh": not (opened.reused and opened.led),
            "prompt": to_base64(opening.prompt),
            "privilege": opening.privilege,
            "config_mode": False,
            "worker": self._worker,
        }
        first = self._options.exchange is not None
        try:
            granted = self._outlasting(
                lambda: self._channel.grant(told, worker=self._worker, node=self._node, first=first)
            )
            if not granted:
                return NEVER_GRANTED
            opened.led = True
            return self._serve(driver, opened.handle)
        except _SessionEnds as ends:
            return str(ends)

    def _open(self, driver: InteractiveDriver, opened: OpenSession) -> Opening:
        try:
            return driver.open_interactive(opened.handle)
        except (CommandTimeout, SessionLost) as error:
            if not opened.reused:
                raise
            # All that was typed is a RETURN at a prompt: to log in anew repeats nothing.
            self._running.wrote = False
            raise SessionStale(error.message) from error
        except SessionStale:
            self._running.wrote = False
            raise

    # -- while it lasts ---------------------------------------------------------------------------------------------

    def _serve(self, driver: InteractiveDriver, session: Any) -> str:
        """Serve exchanges; why the dialogue ended, with a usable session. Raises DriverError with an unusable one."""
        try:
            if self._options.exchange is not None:
                self._carry_out(driver, session, Asked(1, self._options.exchange.model_dump(mode="json")))
            while True:
                self._running.check_going_on()
                asked = self._outlasting(lambda: self._channel.next(self._hold.remaining(at_most=LOOK)))
                if asked is not None:
                    self._carry_out(driver, session, asked)
                self._look()
        except CallerCloses as closes:
            return str(closes) or "released"

    def _carry_out(self, driver: InteractiveDriver, session: Any, asked: Asked) -> None:
        self._exchanges += 1
        try:
            answer, closes = self._answer(driver, session, asked)
        except (_SessionEnds, CallerCloses) as ends:
            reason = str(ends) or "released"
            error = SessionLost(
                f"the interactive session ended in the middle of an exchange ({reason}); the session is closed"
            )
            self._try(lambda: self._channel.answer(asked.seq, _failed(asked.seq, error)))
            raise error from ends
        except NetPulseError as error:  # stopped, or the right to the device lost: the session is given up
            shown = _failed(asked.seq, error)
            self._try(lambda: self._channel.answer(asked.seq, shown))
            raise
        self._outlasting(lambda: self._channel.answer(asked.seq, answer))
        if closes is not None:
            raise closes

    def _answer(
        self, driver: InteractiveDriver, session: Any, asked: Asked
    ) -> tuple[dict[str, Any], DriverError | None]:
        """The answer to an exchange, and the error that ends the interactive session with it, if one does."""
        if asked.value is None:
            broken = InternalError("the sealed exchange could not be opened and was not carried out")
            return _failed(asked.seq, broken, lease_open=True), None
        try:
            if "op" in asked.value:
                return self._copy(driver, session, asked.seq, FileRequest.model_validate(asked.value)), None
            exchange = Exchange.model_validate(asked.value)
        except ValidationError:
            broken = InternalError("the exchange does not validate and was not carried out")
            return _failed(asked.seq, broken, lease_open=True), None
        except DriverError as error:
            failed = _failed(asked.seq, error, lease_open=error.session_usable)
            return failed | {"bytes": 0}, _closing(error)
        try:
            result: ExchangeResult = driver.exchange(session, exchange, watch=self._look)
        except DriverError as error:
            return _failed(asked.seq, error, lease_open=error.session_usable), _closing(error)
        closes = None
        if not result.lease_open:
            message = result.error.message if result.error is not None else "the session is no longer usable"
            closes = SessionLost(message)
        return result.model_dump(mode="json"), closes

    # -- files ------------------------------------------------------------------------------------------------------

    def _copy(self, driver: InteractiveDriver, session: Any, seq: int, request: FileRequest) -> dict[str, Any]:
        began = time.monotonic()
        try:
            if request.op == "put":
                copied = driver.send_file(
                    session, request.path, self._from_caller(seq), size=request.size, protocol=request.protocol
                )
            else:
                copied = self._to_caller(driver.fetch_file(session, request.path, protocol=request.protocol), seq)
        except CopyAbandoned as error:
            raise FileCopyFailed(f"the copy was broken off: {error}") from error
        except Unusable as error:
            raise FileCopyFailed(f"Redis was lost during the copy ({type(error).__name__})") from error
        return {
            "seq": seq,
            "bytes": copied,
            "error": None,
            "lease_open": True,
            "elapsed": round(time.monotonic() - began, 6),
        }

    def _from_caller(self, seq: int) -> Iterator[bytes]:
        for chunk in self._channel.chunks_from_caller(seq, silence=FILE_SILENCE, watch=self._look):
            self._look()
            yield chunk

    def _to_caller(self, chunks: Iterator[bytes], seq: int) -> int:
        number = copied = 0

        def hand_over(part: bytes | None) -> None:
            nonlocal number
            self._channel.chunk_to_caller(part, seq=seq, number=number, silence=FILE_SILENCE, watch=self._look)
            number += 1

        held = bytearray()
        for chunk in chunks:
            held += chunk
            copied += len(chunk)
            while len(held) >= FILE_CHUNK:
                hand_over(bytes(held[:FILE_CHUNK]))
                del held[:FILE_CHUNK]
            self._look()
        if held:
            hand_over(bytes(held))
        hand_over(None)
        return copied

    # -- the caller -------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Look, at most once in a while, whether the interactive session is to go on.

        Raises:
            _SessionEnds: no.
        """
        now = time.monotonic()
        if now - self._looked < LOOK and not self._hold.passed:
            return
        self._looked = now
        self._running.check_going_on()
        if self._hold.passed:
            raise _SessionEnds(f"max_hold: {self._options.max_hold:g} s are over")
        if self._running.orphaned():
            raise _SessionEnds("the node is gone")
        if self._running.leaving():
            self._leaving = self._leaving or Deadline.after(LEAVE_GRACE)
            if self._leaving.passed:
                raise _SessionEnds("the worker was told to leave")
        try:
            caller = self._channel.caller()
        except Unusable:
            self._be_patient()
            return
        reason = "the interactive session is not known any more" if caller is None else self._reason(caller)
        if reason:
            raise _SessionEnds(reason)

    def _reason(self, caller: CallerState) -> str:
        if caller.closing:
            return caller.closing
        if caller.silent_for > BEATS * self._options.heartbeat and self._patience.passed:
            return f"heartbeat: nothing was heard of the caller for {caller.silent_for:.1f} s"
        return ""

    def _be_patient(self) -> None:
        """Nobody could be heard while Redis was away: the caller gets his time anew."""
        self._patience = Deadline.after(BEATS * self._options.heartbeat)

    def _outlasting(self, act: Callable[[], Returned]) -> Returned:
        """Do it, as often as it takes until Redis answers, within the hold.

        Raises:
            _SessionEnds: Redis was away until the hold was over.
        """
        pause = 0.02
        while True:
            try:
                return act()
            except Unusable:
                self._be_patient()
                self._running.check_going_on()
                if self._hold.passed or self._running.orphaned():
                    raise _SessionEnds("max_hold: Redis was away until the end") from None
                time.sleep(pause)
                pause = min(pause * 2, 0.5)

    def _finish(self, reason: str) -> None:
        log.info("session_ended", session=self._running.id, reason=reason, exchanges=self._exchanges)
        self._try(lambda: self._channel.end(reason))

    def _try(self, act: Callable[[], None]) -> None:
        """Tell the caller, if Redis is there; the job's own end is told in any case."""
        try:
            act()
        except Unusable as error:
            log.warning("session_not_told", session=self._running.id, error=type(error).__name__)


def _failed(seq: int, error: NetPulseError, *, lease_open: bool = False) -> dict[str, Any]:
    """An exchange that was not carried out, or not to its end."""
    shown = {
        "code": error.code,
        "phase": error.phase,
        "message": error.message,
        "response": to_base64(error.device_output.encode("utf-8", "surrogateescape")),
    }
    return ExchangeResult(seq=seq, lease_open=lease_open).model_dump(mode="json") | {"error": shown}


def _closing(error: DriverError) -> DriverError | None:
    return None if error.session_usable else error
