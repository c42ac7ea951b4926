"""Leases, on the controller's side: ask for one, lead the dialogue, give it back.

Nothing of a lease is held in this process but who waits for which answer: any controller can go on with it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import redis.asyncio
import structlog

from netpulse_broker.dispatch.dispatcher import Dispatcher
from netpulse_broker.dispatch.file_streams import FileStream
from netpulse_broker.dispatch.lease_listing import LeaseRecord, lease_listing
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.errors import (
    BrokerError,
    Conflict,
    DeviceFailure,
    ExchangeOrder,
    InternalError,
    QueueUnavailable,
    UnknownJob,
    UnknownSession,
    WaitTimedOut,
)
from netpulse_broker.queueing import keys
from netpulse_broker.queueing.connection import Lost
from netpulse_broker.queueing.exchanges import KEPT, LeaseSeals
from netpulse_broker.queueing.job_index import JobFilter
from netpulse_broker.queueing.records import FINAL, JobRecord
from netpulse_broker.queueing.replies import Reply
from netpulse_broker.queueing.scripts import AsyncScripts, text
from netpulse_broker.queueing.sealing import SealBroken, Sealer
from netpulse_drivers import NetPulseError

log = structlog.get_logger(__name__)

POLL = 1.0
"""Seconds after which an answer that was to come through this controller's stream is looked for where it is stored, and
the caller who waits for it is reported alive."""

MARGIN = 300.0
"""Seconds that everything of a lease may be kept beyond its longest life."""

RELEASE_WAIT = 30.0
"""Seconds to wait for a session to be brought back to its login's mode."""

ANSWER_MARGIN = 30.0
"""Seconds beyond an exchange's own time-out after which its answer is given up."""

FILE_TIMEOUT = 3600.0
"""Seconds for one file."""

_REMEMBERED = 4096
_ENDED_WITH = {
    "worker_lost": "the worker was lost: what the device did with an exchange under way is not known",
    "job_stopped": "it was stopped",
    "job_canceled": "it was canceled before it was granted",
    "job_expired": "it was not granted in time",
    "lease_lost": "the worker lost the right to the device",
}


@dataclass(frozen=True, slots=True)
class _Known:
    """What does not change during a lease."""

    owner: str
    heartbeat: float
    max_hold: float
    seals: LeaseSeals


class LeaseDesk:
    """Leases as the API asks for them."""

    def __init__(self, dispatcher: Dispatcher, sealer: Sealer) -> None:
        self._dispatcher = dispatcher
        self._sealer = sealer
        self._client: redis.asyncio.Redis = dispatcher.client
        self._scripts = AsyncScripts(dispatcher.client)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._goodbyes: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Let the goodbyes to callers who left be said."""
        if self._goodbyes:
            await asyncio.wait(self._goodbyes, timeout=2.0)

    # -- asking for one ---------------------------------------------------------------------------------------------

    async def open(self, submission: JobSubmission, wait: float) -> dict[str, Any]:
        """Queue a lease and wait for its grant, at most ``wait`` seconds.

        Breaking this off (the caller left) cancels the lease.

        Returns:
            What the worker says of the session, with ``exchange`` if one came along.

        Raises:
            WaitTimedOut: not granted in time; the lease is canceled.
            DeviceFailure: the device could not be brought to a session.
            NoWorker, QueueUnavailable
        """
        options = submission.payload.driver_args
        lease_id = submission.id
        known = _Known(
            submission.owner,
            options["heartbeat"],
            options["max_hold"],
            self._seals(lease_id, time.time() + submission.ttl + submission.payload.timeout + MARGIN),
        )
        first = options.get("exchange") is not None
        submission.wait = True
        waiting = _Waiting(self._dispatcher, lease_id)
        try:
            grant = waiting.expect(f"{lease_id}/0")
            answer = waiting.expect(f"{lease_id}/1") if first else None
            end = waiting.expect(lease_id)
            await self._announce(submission, known, first=first)
            try:
                await self._dispatcher.submit(submission)
                sealed = await self._answer(lease_id, 0, grant, end, time.monotonic() + wait)
                opened: dict[str, Any] = self._opened(known, sealed, 0)
                if answer is not None:
                    limit = time.monotonic() + options["exchange"]["timeout"] + ANSWER_MARGIN
                    opened["exchange"] = self._opened(known, await self._answer(lease_id, 1, answer, end, limit), 1)
            except (asyncio.CancelledError, TimeoutError, NetPulseError) as error:
                self._say_goodbye(lease_id, "the caller left before the lease was granted")
                if isinstance(error, TimeoutError):
                    raise WaitTimedOut(
                        f"the device was not free within {wait:g} s; the request was taken back"
                    ) from None
                if isinstance(error, UnknownSession):
                    raise await self._why_not(lease_id, error) from None
                raise
        finally:
            waiting.close()
        self._remember(lease_id, known)
        return opened | {"heartbeat": known.heartbeat, "max_hold": known.max_hold}

    async def _announce(self, submission: JobSubmission, known: _Known, *, first: bool) -> None:
        now = await self._guarded(self._client.time)
        heard = int(now[0] * 1000 + now[1] / 1000)
        lifetime = submission.ttl + submission.payload.timeout + MARGIN
        fields: dict[Any, Any] = {
            "state": "queued",
            "device": submission.device,
            "host": submission.host,
            "owner": submission.owner,
            "heartbeat": known.heartbeat,
            "max_hold": known.max_hold,
            "created": heard,
            "heard": heard,
            "expires": time.time() + lifetime,
            "last": 0,
            "closing": "",
            "reply:0": self._dispatcher.controller,
        }
        if first:
            fields["reply:1"] = self._dispatcher.controller
        key = keys.session(submission.id)
        pipeline = self._client.pipeline(transaction=True)
        pipeline.hset(key, mapping=fields)
        pipeline.expire(key, int(lifetime))
        pipeline.zadd(keys.SESSIONS, {submission.id: heard})
        await self._guarded(pipeline.execute)

    async def _why_not(self, lease_id: str, ended: UnknownSession) -> BrokerError:
        """The error for a lease whose job ended before its grant."""
        try:
            job = await self._dispatcher.get(lease_id)
        except UnknownJob:
            return ended
        if job.error == "job_expired":
            return WaitTimedOut("the device was not free in time; the request was taken back")
        cause = (job.result or {}).get("error")
        return ended if cause is None else DeviceFailure(cause)

    def _say_goodbye(self, lease_id: str, reason: str) -> None:
        """Take a lease back that nobody waits for any more, without making anybody wait for that."""
        self._later(self._take_back(lease_id, reason))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="lease goodbye")
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)

    async def _take_back(self, lease_id: str, reason: str) -> None:
        try:
            await self._close(lease_id, reason)
        except BrokerError as error:  # the worker notices by the missing heartbeat
            log.warning("lease_not_taken_back", lease=lease_id, error=error.code)

    # -- the dialogue -----------------------------------------------------------------------------------------------

    async def exchange(self, lease_id: str, seq: int, value: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        """Carry one exchange out, or get its stored answer if it was before.

        Args:
            timeout: the exchange's own.

        Raises:
            UnknownSession: the lease has ended; the message says why.
            ExchangeOrder: a gap, or an answer that is no longer kept.
            WaitTimedOut, QueueUnavailable: ask again with the same number.
        """
        waiting = _Waiting(self._dispatcher, lease_id)
        try:
            return await self._exchange(waiting, lease_id, seq, value, timeout)
        finally:
            waiting.close()

    async def _exchange(
        self, waiting: _Waiting, lease_id: str, seq: int, value: dict[str, Any], timeout: float
    ) -> dict[str, Any]:
        known = await self._known_one(lease_id)
        answer, end = waiting.expect(f"{lease_id}/{seq}"), waiting.expect(lease_id)
        stored = await self._ask(known, lease_id, seq, value)
        if stored is None:
            try:
                stored = await self._answer(lease_id, seq, answer, end, time.monotonic() + timeout + ANSWER_MARGIN)
            except TimeoutError:
                raise WaitTimedOut(
                    f"no answer to exchange {seq} yet; ask again with the same number, it is not carried out twice"
                ) from None
        return self._opened(known, stored, seq)

    async def _ask(self, known: _Known, lease_id: str, seq: int, value: dict[str, Any]) -> bytes | None:
        """Hand the exchange over; the stored answer if there is one already."""
        answer = await self._guarded(
            lambda: self._scripts(
                "lease_ask",
                keys=[
                    keys.session(lease_id),
                    keys.session_inbox(lease_id),
                    keys.session_answers(lease_id),
                    keys.session_requests(lease_id),
                    keys.rq_job(lease_id),
                ],
                args=[seq, known.seals.request(value, seq), self._dispatcher.controller],
            )
        )
        match text(answer[0]):
            case "accepted" | "pending":
                return None
            case "answered":
                return bytes(answer[1])
            case "forgotten":
                raise ExchangeOrder(f"exchange {seq} was answered before later ones, its answer is no longer kept")
            case "gap":
                raise ExchangeOrder(f"exchange {seq} does not follow: the next one is {int(answer[1]) + 1}")
            case "queued":
                raise Conflict("the session has not been granted yet")
            case "lost":
                raise await self._lost(lease_id, text(answer[1]))
            case "ended":
                raise _ended(text(answer[1]))
        raise _unknown(lease_id)

    async def _answer(
        self,
        lease_id: str,
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
                beat = await self._beat(lease_id, "")
                stored: Any = await self._client.hget(keys.session_answers(lease_id), str(seq))
            except (*Lost, QueueUnavailable) as error:
                if left <= 0:
                    raise TimeoutError from error
                await asyncio.sleep(0.1)
                continue
            if stored is not None:
                return bytes(stored)
            beat.check(lease_id)
            if end.done():
                raise await self._lost(lease_id, await self._job_error(lease_id))
            if left <= 0:
                raise TimeoutError

    def _opened(self, known: _Known, sealed: bytes, seq: int) -> dict[str, Any]:
        try:
            opened: dict[str, Any] = known.seals.open_answer(sealed, seq)
        except SealBroken as error:
            raise InternalError(f"the sealed answer could not be opened: {error}") from None
        return opened

    # -- heartbeat and end ------------------------------------------------------------------------------------------

    async def heartbeat(self, lease_id: str) -> float:
        """A sign of life; seconds that the lease can still last.

        Raises:
            UnknownSession, QueueUnavailable
        """
        known = await self._known_one(lease_id)
        beat = await self._beat(lease_id, "")
        beat.check(lease_id)
        if beat.job in FINAL:
            raise await self._lost(lease_id, beat.error)
        return max(known.max_hold - max(beat.held, 0.0), 0.0)

    async def release(self, lease_id: str) -> None:
        """Give it back and wait until its session is in order. May be repeated.

        Raises:
            UnknownSession: never heard of it, or it ended longer than a minute ago.
            WaitTimedOut: the session is not in order yet.
            QueueUnavailable
        """
        self._known.pop(lease_id, None)
        await self._close(lease_id, "released")

    async def _close(self, lease_id: str, reason: str) -> None:
        waiting = _Waiting(self._dispatcher, lease_id)
        try:
            end = waiting.expect(lease_id)
            until = time.monotonic() + RELEASE_WAIT
            while True:
                beat = await self._beat(lease_id, reason)
                if beat.state == "missing":
                    raise _unknown(lease_id)
                if beat.state == "ended":
                    return
                if beat.job == "queued":
                    with suppress(Conflict, UnknownJob):
                        await self._dispatcher.cancel(JobFilter(id=lease_id))
                        beat.job = "canceled"
                if beat.job not in {"queued", "started"}:
                    await self._end(lease_id, reason)
                    return
                if time.monotonic() >= until:
                    raise WaitTimedOut(
                        f"the session was told to end and has not within {RELEASE_WAIT:g} s", details=[{"id": lease_id}]
                    )
                await asyncio.wait({end}, timeout=0.02)
        finally:
            waiting.close()

    async def _end(self, lease_id: str, reason: str) -> None:
        """Tidy up after a lease whose job has ended without saying so here (worker lost, canceled)."""
        await self._guarded(
            lambda: self._scripts(
                "lease_end",
                keys=[
                    keys.session(lease_id),
                    keys.session_inbox(lease_id),
                    keys.session_answers(lease_id),
                    keys.session_requests(lease_id),
                ],
                args=[lease_id, reason, KEPT],
            )
        )

    # -- the listing and resets -------------------------------------------------------------------------------------

    async def list(self, *, owner: str | None = None, device: str | None = None) -> list[LeaseRecord]:
        """The leases that are queued or open, oldest first.

        Raises:
            QueueUnavailable
        """
        try:
            listed = await lease_listing(self._client)
        except Lost as error:
            raise _unavailable(error) from None
        for lease_id, error_code in listed.over.items():
            await self._end(lease_id, _reason(error_code))
        return [
            record
            for record in listed.leases
            if owner in (None, record.owner) and device in (None, record.device, record.host)
        ]

    async def owner(self, lease_id: str) -> str:
        """Whose lease it is.

        Raises:
            UnknownSession, QueueUnavailable
        """
        return (await self._known_one(lease_id)).owner

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
        self, lease_id: str, seq: int, request: dict[str, Any], stream: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        """Copy a stream to a file of the device, as exchange ``seq``. Raises as ``exchange``."""
        known = await self._known_one(lease_id)
        copy = FileStream(self._client, known.seals, lease_id, seq)
        await self._guarded(copy.prepare)
        answer = asyncio.create_task(self.exchange(lease_id, seq, request, timeout=FILE_TIMEOUT))
        try:
            await copy.send(stream, until=answer)
            return await answer
        except Lost as error:
            raise _unavailable(error) from None
        finally:
            await _settled(answer)

    async def fetch_file(self, lease_id: str, seq: int, request: dict[str, Any]) -> AsyncIterator[bytes]:
        """A file of the device, as exchange ``seq``. Raises as ``exchange``, and DeviceFailure, while being read."""
        known = await self._known_one(lease_id)
        copy = FileStream(self._client, known.seals, lease_id, seq)
        await self._guarded(copy.prepare)
        answer = asyncio.create_task(self.exchange(lease_id, seq, request, timeout=FILE_TIMEOUT))
        try:
            async for chunk in copy.receive(until=answer):
                yield chunk
            error = (await answer)["error"]
            if error is not None:
                raise DeviceFailure(error)
        except Lost as error:
            raise _unavailable(error) from None
        finally:
            # In a task of its own: a caller who leaves cancels whatever is awaited here.
            self._later(_leave_copy(copy, answer))

    # -- inside -----------------------------------------------------------------------------------------------------

    def _seals(self, lease_id: str, expires: float) -> LeaseSeals:
        return LeaseSeals(self._sealer, lease_id, expires=expires)

    async def _known_one(self, lease_id: str) -> _Known:
        known = self._known.get(lease_id)
        if known is None:
            fields = await self._guarded(
                lambda: self._client.hmget(keys.session(lease_id), ["owner", "heartbeat", "max_hold", "expires"])
            )
            if fields[0] is None:
                raise _unknown(lease_id)
            owner, heartbeat, hold, expires = (text(value) for value in fields)
            known = _Known(owner, float(heartbeat), float(hold), self._seals(lease_id, float(expires)))
            self._remember(lease_id, known)
        return known

    def _remember(self, lease_id: str, known: _Known) -> None:
        self._known[lease_id] = known
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    async def _beat(self, lease_id: str, closing: str) -> _Beat:
        answer = await self._guarded(
            lambda: self._scripts(
                "lease_beat",
                keys=[keys.session(lease_id), keys.session_inbox(lease_id), keys.rq_job(lease_id)],
                args=[closing],
            )
        )
        if text(answer[0]) == "missing":
            return _Beat("missing", "", "", "", -1.0)
        state, _, reason, job, error = (text(value) for value in answer[:5])
        return _Beat(state, reason, job, error, int(answer[5]) / 1000)

    async def _job_error(self, lease_id: str) -> str:
        try:
            return (await self._dispatcher.get(lease_id)).error
        except UnknownJob:
            return ""

    async def _lost(self, lease_id: str, error: str) -> UnknownSession:
        """The error for a lease whose job has ended; tidies up."""
        reason = _reason(error)
        await self._end(lease_id, reason)
        return _ended(reason)

    async def _guarded(self, act: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await act()
        except Lost as error:
            raise _unavailable(error) from None


@dataclass(slots=True)
class _Beat:
    """Answer of the beat script; ``held`` is seconds since the grant, or negative."""

    state: str
    reason: str
    job: str
    error: str
    held: float

    def check(self, lease_id: str) -> None:
        """Raise UnknownSession if the lease is over."""
        if self.state == "missing":
            raise _unknown(lease_id)
        if self.state == "ended":
            raise _ended(self.reason)


class _Waiting:
    """Futures for replies, forgotten together."""

    def __init__(self, dispatcher: Dispatcher, lease_id: str) -> None:
        self._replies = dispatcher.replies
        self._id = lease_id
        self._futures: list[tuple[str, asyncio.Future[Reply | None]]] = []

    def expect(self, name: str) -> asyncio.Future[Reply | None]:
        """A future for the reply of that name."""
        future = self._replies.expect(name)
        self._futures.append((name, future))
        return future

    def close(self) -> None:
        """Nobody waits any more."""
        for name, future in self._futures:
            self._replies.forget(name, future)


def _unavailable(error: Exception) -> QueueUnavailable:
    return QueueUnavailable(
        f"Redis cannot be reached ({type(error).__name__}); ask again, an exchange with the same number"
    )


def _reason(error_code: str) -> str:
    """Why a lease is over whose job has ended with this code."""
    return _ENDED_WITH.get(error_code, error_code) or "its job ended"


def _unknown(lease_id: str) -> UnknownSession:
    return UnknownSession(f"no interactive session has the id {lease_id!r}, or it ended longer than {KEPT} s ago")


def _ended(reason: str) -> UnknownSession:
    return UnknownSession(f"the interactive session has ended: {reason or 'for a reason that is not known'}")


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
