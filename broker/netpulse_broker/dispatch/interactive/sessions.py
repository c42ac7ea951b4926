"""Interactive sessions, on the controller's side: ask for one, lead the dialogue, give it back.

Nothing of one is held in this process but who waits for which answer: any controller can go on with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any

import redis.asyncio
import structlog

from netpulse_broker.dispatch.dispatcher import Dispatcher
from netpulse_broker.dispatch.interactive.file_stream import FileStream
from netpulse_broker.dispatch.interactive.listing import SessionRecord, session_listing
from netpulse_broker.dispatch.interactive.session_state import ASK_AGAIN, SessionState, Waiting, reason_of, unknown
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.errors import (
    BrokerError,
    Conflict,
    DeviceFailure,
    QueueUnavailable,
    UnknownJob,
    UnknownSession,
    WaitTimedOut,
)
from netpulse_broker.queueing.jobs.job_index import JobFilter
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.jobs.replies import Reply
from netpulse_broker.queueing.redis.connection import Lost, redis_needed
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.states import FINAL, InteractiveState, JobStatus
from netpulse_drivers import NetPulseError

log = structlog.get_logger(__name__)

POLL = 1.0
"""Seconds after which an answer that was to come through this controller's stream is looked for where it is stored, and
the caller who waits for it is reported alive."""

RELEASE_WAIT = 30.0
"""Seconds to wait for a session to be brought back to its login's mode."""

ANSWER_MARGIN = 30.0
"""Seconds beyond an exchange's own time-out after which its answer is given up."""

FILE_TIMEOUT = 3600.0
"""Seconds for one file."""


class InteractiveSessions:
    """Interactive sessions as the API asks for them."""

    def __init__(self, dispatcher: Dispatcher, sealer: Sealer) -> None:
        self._dispatcher = dispatcher
        self._state = SessionState(dispatcher, sealer)
        self._client: redis.asyncio.Redis = dispatcher.client
        self._goodbyes: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Let the goodbyes to callers who left be said."""
        if self._goodbyes:
            await asyncio.wait(self._goodbyes, timeout=2.0)

    # -- asking for one ---------------------------------------------------------------------------------------------

    async def open(self, submission: JobSubmission, wait: float) -> dict[str, Any]:
        """Queue an interactive session and wait for its grant, at most ``wait`` seconds.

        Breaking this off (the caller left) cancels the interactive session.

        Returns:
            What the worker says of the session, with ``exchange`` if one came along.

        Raises:
            WaitTimedOut: not granted in time; the interactive session is canceled.
            DeviceFailure: the device could not be brought to a session.
            NoWorker, QueueUnavailable
        """
        options = submission.payload.driver_args
        session_id = submission.id
        first = options.get("exchange") is not None
        submission.wait = True
        waiting = Waiting(self._dispatcher, session_id)
        try:
            grant = waiting.expect(f"{session_id}/0")
            answer = waiting.expect(f"{session_id}/1") if first else None
            end = waiting.expect(session_id)
            known = await self._state.announce(submission)
            try:
                await self._dispatcher.submit(submission)
                sealed = await self._answer(session_id, 0, grant, end, time.monotonic() + wait)
                opened: dict[str, Any] = known.opened(sealed, 0)
                if answer is not None:
                    limit = time.monotonic() + options["exchange"]["timeout"] + ANSWER_MARGIN
                    opened["exchange"] = known.opened(await self._answer(session_id, 1, answer, end, limit), 1)
            except (asyncio.CancelledError, TimeoutError, NetPulseError) as error:
                self._say_goodbye(session_id, "the caller left before the interactive session was granted")
                if isinstance(error, TimeoutError):
                    raise WaitTimedOut(
                        f"the device was not free within {wait:g} s; the request was taken back"
                    ) from None
                if isinstance(error, UnknownSession):
                    raise await self._why_not(session_id, error) from None
                raise
        finally:
            waiting.close()
        return opened | {"heartbeat": known.heartbeat, "max_hold": known.max_hold}

    async def _why_not(self, session_id: str, ended: UnknownSession) -> BrokerError:
        """The error for an interactive session whose job ended before its grant."""
        try:
            job = await self._dispatcher.get(session_id)
        except UnknownJob:
            return ended
        if job.error == "job_expired":
            return WaitTimedOut("the device was not free in time; the request was taken back")
        cause = (job.result or {}).get("error")
        return ended if cause is None else DeviceFailure(cause)

    def _say_goodbye(self, session_id: str, reason: str) -> None:
        """Take an interactive session back that nobody waits for any more, without making anybody wait for that."""
        self._later(self._take_back(session_id, reason))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="session goodbye")
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)

    async def _take_back(self, session_id: str, reason: str) -> None:
        try:
            await self._close(session_id, reason)
        except BrokerError as error:  # the worker notices by the missing heartbeat
            log.warning("session_not_taken_back", session=session_id, error=error.code)

    # -- the dialogue -----------------------------------------------------------------------------------------------

    async def exchange(self, session_id: str, seq: int, value: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        """Carry one exchange out, or get its stored answer if it was before.

        Args:
            timeout: the exchange's own.

        Raises:
            UnknownSession: the interactive session has ended; the message says why.
            ExchangeOrder: a gap, or an answer that is no longer kept.
            WaitTimedOut, QueueUnavailable: ask again with the same number.
        """
        waiting = Waiting(self._dispatcher, session_id)
        try:
            return await self._exchange(waiting, session_id, seq, value, timeout)
        finally:
            waiting.close()

    async def _exchange(
        self, waiting: Waiting, session_id: str, seq: int, value: dict[str, Any], timeout: float
    ) -> dict[str, Any]:
        known = await self._state.terms(session_id)
        answer, end = waiting.expect(f"{session_id}/{seq}"), waiting.expect(session_id)
        stored = await self._state.ask(session_id, seq, value, known)
        if stored is None:
            try:
                stored = await self._answer(session_id, seq, answer, end, time.monotonic() + timeout + ANSWER_MARGIN)
            except TimeoutError:
                raise WaitTimedOut(
                    f"no answer to exchange {seq} yet; ask again with the same number, it is not carried out twice"
                ) from None
        return known.opened(stored, seq)

    async def _answer(
        self,
        session_id: str,
        seq: int,
        answer: asyncio.Future[Reply | None],
        end: asyncio.Future[Reply | None],
        until: float,
    ) -> bytes:
        """Wait for an answer, reporting the caller alive meanwhile.

        Raises:
            TimeoutError, UnknownSession
        """
        while True:
            left = until - time.monotonic()
            await asyncio.wait({answer, end}, timeout=max(min(left, POLL), 0.0), return_when=asyncio.FIRST_COMPLETED)
            reply = answer.result() if answer.done() else None
            if reply is not None and reply["sealed"]:
                return reply["sealed"]
            try:
                beat = await self._state.beat(session_id)
                stored = await self._state.stored_answer(session_id, seq)
            except QueueUnavailable as error:
                if left <= 0:
                    raise TimeoutError from error
                await asyncio.sleep(0.1)
                continue
            if stored is not None:
                return stored
            beat.check(session_id)
            if end.done():
                raise await self._state.lost(session_id, await self._job_error(session_id))
            if left <= 0:
                raise TimeoutError

    # -- heartbeat and end ------------------------------------------------------------------------------------------

    async def heartbeat(self, session_id: str) -> float:
        """A sign of life; seconds that the interactive session can still last.

        Raises:
            UnknownSession, QueueUnavailable
        """
        known = await self._state.terms(session_id)
        beat = await self._state.beat(session_id)
        beat.check(session_id)
        if beat.job in FINAL:
            raise await self._state.lost(session_id, beat.error)
        return max(known.max_hold - max(beat.held, 0.0), 0.0)

    async def release(self, session_id: str) -> None:
        """Give it back and wait until its session is in order. May be repeated.

        Raises:
            UnknownSession: never heard of it, or it ended longer than a minute ago.
            WaitTimedOut: the session is not in order yet.
            QueueUnavailable
        """
        self._state.forget(session_id)
        await self._close(session_id, "released")

    async def _close(self, session_id: str, reason: str) -> None:
        waiting = Waiting(self._dispatcher, session_id)
        try:
            end = waiting.expect(session_id)
            until = time.monotonic() + RELEASE_WAIT
            while True:
                beat = await self._state.beat(session_id, closing=reason)
                if beat.state == "missing":
                    raise unknown(session_id)
                if beat.state == InteractiveState.ENDED:
                    return
                if beat.job == JobStatus.QUEUED:
                    with suppress(Conflict, UnknownJob):
                        await self._dispatcher.cancel(JobFilter(id=session_id))
                        beat.job = JobStatus.CANCELED
                if beat.job not in (JobStatus.QUEUED, JobStatus.STARTED):
                    await self._state.end(session_id, reason)
                    return
                if time.monotonic() >= until:
                    raise WaitTimedOut(
                        f"the session was told to end and has not within {RELEASE_WAIT:g} s",
                        details=[{"id": session_id}],
                    )
                await asyncio.wait({end}, timeout=0.02)
        finally:
            waiting.close()

    # -- the listing and resets -------------------------------------------------------------------------------------

    async def list(self, *, owner: str | None = None, device: str | None = None) -> list[SessionRecord]:
        """The interactive sessions that are queued or open, oldest first.

        Raises:
            QueueUnavailable
        """
        with redis_needed(ASK_AGAIN):
            listed = await session_listing(self._client)
        for session_id, error_code in listed.over.items():
            await self._state.end(session_id, reason_of(error_code))
        return [
            record
            for record in listed.sessions
            if owner in (None, record.owner) and device in (None, record.device, record.host)
        ]

    async def owner(self, session_id: str) -> str:
        """Whose session it is.

        Raises:
            UnknownSession, QueueUnavailable
        """
        return (await self._state.terms(session_id)).owner

    async def reset(self, submission: JobSubmission, wait: float) -> int:
        """Close kept sessions in the device's order; how many were closed.

        Raises:
            WaitTimedOut, DeviceFailure, NoWorker, QueueUnavailable
        """
        record = await self._dispatcher.submit_and_wait(submission, wait)
        if not record.final:
            with suppress(Conflict, UnknownJob):
                await self._dispatcher.cancel(JobFilter(id=record.id))
            raise WaitTimedOut(f"the device was busy for {wait:g} s; the reset was taken back")
        return _closed(record)

    # -- files ------------------------------------------------------------------------------------------------------

    async def send_file(
        self, session_id: str, seq: int, request: dict[str, Any], stream: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        """Copy a stream to a file of the device, as exchange ``seq``. Raises as ``exchange``."""
        copy, answer = await self._begin_copy(session_id, seq, request)
        try:
            with redis_needed(ASK_AGAIN):
                await copy.send(stream, until=answer)
                return await answer
        finally:
            await _settled(answer)

    async def fetch_file(self, session_id: str, seq: int, request: dict[str, Any]) -> AsyncIterator[bytes]:
        """A file of the device, as exchange ``seq``. Raises as ``exchange``, and DeviceFailure, while being read."""
        copy, answer = await self._begin_copy(session_id, seq, request)
        try:
            with redis_needed(ASK_AGAIN):
                async for chunk in copy.receive(until=answer):
                    yield chunk
                error = (await answer)["error"]
            if error is not None:
                raise DeviceFailure(error)
        finally:
            # In a task of its own: a caller who leaves cancels whatever is awaited here.
            self._later(_leave_copy(copy, answer))

    async def _job_error(self, session_id: str) -> str:
        try:
            return (await self._dispatcher.get(session_id)).error
        except UnknownJob:
            return ""

    async def _begin_copy(
        self, session_id: str, seq: int, request: dict[str, Any]
    ) -> tuple[FileStream, asyncio.Task[dict[str, Any]]]:
        """The stream of a copy, and the task that waits for the answer to its exchange."""
        known = await self._state.terms(session_id)
        copy = FileStream(self._client, known.seals, session_id, seq)
        with redis_needed(ASK_AGAIN):
            await copy.prepare()
        return copy, asyncio.create_task(self.exchange(session_id, seq, request, timeout=FILE_TIMEOUT))


async def _leave_copy(copy: FileStream, answer: asyncio.Task[dict[str, Any]]) -> None:
    """A file is not read any further."""
    if not answer.done():
        with suppress(*Lost):  # the worker notices by the silence
            await copy.stop_sender()
    await _settled(answer)


async def _settled(task: asyncio.Task[dict[str, Any]]) -> None:
    """Nobody waits for this answer any more."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _closed(record: JobRecord) -> int:
    result = record.result or {}
    if result.get("error"):
        raise DeviceFailure(result["error"])
    return int((result.get("retval") or {}).get("closed", 0))
