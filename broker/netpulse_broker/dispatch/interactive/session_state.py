"""An interactive session's state in Redis, as a controller reads and changes it.

``queueing.interactive.channel`` lists the keys.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from netpulse_broker.dispatch.dispatcher import Dispatcher
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.errors import Conflict, ExchangeOrder, InternalError, UnknownSession
from netpulse_broker.queueing.interactive.channel import KEPT, ChannelSeals
from netpulse_broker.queueing.jobs.replies import Reply
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import redis_needed
from netpulse_broker.queueing.redis.scripts import AsyncScripts, text
from netpulse_broker.queueing.redis.sealing import SealBroken, Sealer
from netpulse_broker.states import InteractiveState

MARGIN = 300.0
"""Seconds that everything of an interactive session may be kept beyond its longest life."""

ASK_AGAIN = "ask again, an exchange with the same number"
"""What a caller is told to do while Redis is away: what is repeated is not done twice."""

_REMEMBERED = 4096
_ENDED_WITH = {
    "worker_lost": "the worker was lost: what the device did with an exchange under way is not known",
    "job_stopped": "it was stopped",
    "job_canceled": "it was canceled before it was granted",
    "job_expired": "it was not granted in time",
    "lease_lost": "the worker lost the right to the device",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What does not change during an interactive session. Times are seconds."""

    owner: str
    heartbeat: float
    max_hold: float
    seals: ChannelSeals

    def opened(self, sealed: bytes, seq: int) -> dict[str, Any]:
        """An answer of the worker.

        Raises:
            InternalError: it does not open.
        """
        try:
            value: dict[str, Any] = self.seals.open_answer(sealed, seq)
        except SealBroken as error:
            raise InternalError(f"the sealed answer could not be opened: {error}") from None
        return value


@dataclass(slots=True)
class Beat:
    """Answer of the beat script; ``held`` is seconds since the grant, or negative."""

    state: str
    reason: str
    job: str
    error: str
    held: float

    def check(self, session_id: str) -> None:
        """Raise UnknownSession if the interactive session is over."""
        if self.state == "missing":
            raise unknown(session_id)
        if self.state == InteractiveState.ENDED:
            raise ended(self.reason)


class Waiting:
    """Futures for replies, forgotten together."""

    def __init__(self, dispatcher: Dispatcher, session_id: str) -> None:
        self._replies = dispatcher.replies
        self._id = session_id
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


class SessionState:
    """The interactive sessions in Redis.

    Every method may raise QueueUnavailable, and may then be called again.
    """

    def __init__(self, dispatcher: Dispatcher, sealer: Sealer) -> None:
        self._sealer = sealer
        self._controller = dispatcher.controller
        self._client: redis.asyncio.Redis = dispatcher.client
        self._scripts = AsyncScripts(dispatcher.client)
        self._terms: OrderedDict[str, Terms] = OrderedDict()

    async def announce(self, submission: JobSubmission) -> Terms:
        """Before the job is queued: what is asked for, and that this controller waits for its grant."""
        options = submission.payload.driver_args
        lifetime = submission.ttl + submission.payload.timeout + MARGIN
        expires = self._sealer.clock.now() + lifetime
        terms = Terms(
            submission.owner,
            options["heartbeat"],
            options["max_hold"],
            ChannelSeals(self._sealer, submission.id, expires=expires),
        )
        fields = {
            "device": submission.device,
            "host": submission.host,
            "owner": submission.owner,
            "heartbeat": terms.heartbeat,
            "max_hold": terms.max_hold,
            "expires": expires,
            "reply:0": self._controller,
        }
        if options.get("exchange") is not None:
            fields["reply:1"] = self._controller
        flat = [part for pair in fields.items() for part in pair]
        await self._guarded(
            lambda: self._scripts(
                "session_announce", keys=[keys.session(submission.id)], args=[submission.id, int(lifetime), *flat]
            )
        )
        self._remember(submission.id, terms)
        return terms

    async def terms(self, session_id: str) -> Terms:
        """Of an interactive session, whoever opened it.

        Raises:
            UnknownSession
        """
        terms = self._terms.get(session_id)
        if terms is None:
            fields = await self._guarded(
                lambda: self._client.hmget(keys.session(session_id), ["owner", "heartbeat", "max_hold", "expires"])
            )
            if fields[0] is None:
                raise unknown(session_id)
            owner, heartbeat, hold, expires = (text(value) for value in fields)
            seals = ChannelSeals(self._sealer, session_id, expires=float(expires))
            terms = Terms(owner, float(heartbeat), float(hold), seals)
            self._remember(session_id, terms)
        return terms

    def _remember(self, session_id: str, terms: Terms) -> None:
        self._terms[session_id] = terms
        while len(self._terms) > _REMEMBERED:
            self._terms.popitem(last=False)

    def forget(self, session_id: str) -> None:
        """It is over."""
        self._terms.pop(session_id, None)

    async def beat(self, session_id: str, *, closing: str = "") -> Beat:
        """A sign of life of the caller; with ``closing`` he gives the interactive session back for that reason."""
        answer = await self._guarded(
            lambda: self._scripts(
                "session_beat",
                keys=[keys.session(session_id), keys.session_inbox(session_id), keys.rq_job(session_id)],
                args=[closing],
            )
        )
        if text(answer[0]) == "missing":
            return Beat("missing", "", "", "", -1.0)
        state, _, reason, job, error = (text(value) for value in answer[:5])
        return Beat(state, reason, job, error, int(answer[5]) / 1000)

    async def ask(self, session_id: str, seq: int, value: dict[str, Any], terms: Terms) -> bytes | None:
        """Hand an exchange over; the stored answer if there is one already.

        Raises:
            UnknownSession, ExchangeOrder, Conflict
        """
        answer = await self._guarded(
            lambda: self._scripts(
                "session_ask",
                keys=[
                    keys.session(session_id),
                    keys.session_inbox(session_id),
                    keys.session_answers(session_id),
                    keys.session_requests(session_id),
                    keys.rq_job(session_id),
                ],
                args=[seq, terms.seals.request(value, seq), self._controller],
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
                raise await self.lost(session_id, text(answer[1]))
            case "ended":
                raise ended(text(answer[1]))
        raise unknown(session_id)

    async def stored_answer(self, session_id: str, seq: int) -> bytes | None:
        """The sealed answer to an exchange, if there is one."""
        stored: Any = await self._guarded(lambda: self._client.hget(keys.session_answers(session_id), str(seq)))
        return None if stored is None else bytes(stored)

    async def end(self, session_id: str, reason: str) -> None:
        """Tidy up after an interactive session whose job has ended without saying so here (worker lost, canceled)."""
        await self._guarded(
            lambda: self._scripts(
                "session_end",
                keys=[
                    keys.session(session_id),
                    keys.session_inbox(session_id),
                    keys.session_answers(session_id),
                    keys.session_requests(session_id),
                ],
                args=[session_id, reason, KEPT],
            )
        )

    async def lost(self, session_id: str, error: str) -> UnknownSession:
        """The error for an interactive session whose job has ended; tidies up."""
        reason = reason_of(error)
        await self.end(session_id, reason)
        return ended(reason)

    async def _guarded(self, act: Callable[[], Awaitable[Any]]) -> Any:
        with redis_needed(ASK_AGAIN):
            return await act()


def reason_of(error_code: str) -> str:
    """Why an interactive session is over whose job has ended with this code."""
    return _ENDED_WITH.get(error_code, error_code) or "its job ended"


def unknown(session_id: str) -> UnknownSession:
    """No session of that id."""
    return UnknownSession(f"no interactive session has the id {session_id!r}, or it ended longer than {KEPT} s ago")


def ended(reason: str) -> UnknownSession:
    """An interactive session that is over."""
    return UnknownSession(f"the interactive session has ended: {reason or 'for a reason that is not known'}")
