"""An interactive session in Redis: the exchanges that its caller asks for, and the worker's answers.

An interactive session is a job of the device's queue. While it runs, its worker takes exchanges from the session's own list:

| key | type | what |
|---|---|---|
| ``np:session:<id>`` | hash | state (queued, open, ended), device, host, owner, heartbeat, max_hold, when it was granted, when its caller was last heard of (``heard``), the last exchange accepted (``last``), who waits for which answer (``reply:<seq>``), ``closing``, ``reason`` |
| ``np:session:<id>:in`` | list | ``<seq> <sealed request>``, or ``close`` |
| ``np:session:<id>:requests`` | hash | accepted requests that are not answered yet, in case the list's answer was lost on its way |
| ``np:session:<id>:answers`` | hash | seq -> sealed answer, the latest ``KEPT_ANSWERS``; until the end of the interactive session and ``KEPT`` seconds more |
| ``np:session:<id>:up``, ``:down``, ``:credit`` | list | a file copy's sealed chunks, and the room that the reader has left |
| ``np:sessions`` | zset | ids of the interactive sessions that are not over, by creation time in ms |

Times are Redis's own, so that no two machines' clocks are compared. All scripts may be sent twice.
"""  # noqa: E501 - a table

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import redis

from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import BLOCK, Lost
from netpulse_broker.queueing.redis.scripts import Scripts, text
from netpulse_broker.queueing.redis.sealing import Direction, SealBroken, Sealer
from netpulse_broker.states import InteractiveState

KEPT = 60
"""Seconds that the answers of an interactive session stay after its end."""

KEPT_ANSWERS = 16
"""Answers that are kept at a time: a caller who sends the next exchange has read the answer before."""

FILE_CHUNK = 262_144
"""Bytes of a file that lie in Redis as one value."""

FILE_WINDOW = 8
"""Chunks of a file that are in Redis at a time."""

FILE_KEPT = 300
"""Seconds that chunks stay which nobody takes."""

MORE, NO_MORE = b"1", b"0"
"""What the reader of a file says: there is room for one more chunk; nothing is read any more."""

FILE_PARTS = ("up", "down", "credit")


class CopyAbandoned(Exception):
    """The other side of a file copy broke it off, or was silent for too long."""


class ChannelSeals:
    """Seals what passes through one interactive session; each value opens only at its own place."""

    def __init__(self, sealer: Sealer, session_id: str, *, expires: float) -> None:
        self._sealer = sealer
        self._id = session_id
        self._expires = expires

    def request(self, value: Any, seq: int) -> bytes:
        """A caller's request number ``seq``."""
        return self._seal(value, "to_worker", "exchange", seq)

    def open_request(self, sealed: bytes, seq: int) -> Any:
        """Raises SealBroken."""
        return self._open(sealed, "to_worker", "exchange", seq)

    def answer(self, value: Any, seq: int) -> bytes:
        """The answer to it; number 0 is the grant."""
        return self._seal(value, "to_caller", "exchange", seq)

    def open_answer(self, sealed: bytes, seq: int) -> Any:
        """Raises SealBroken."""
        return self._open(sealed, "to_caller", "exchange", seq)

    def chunk(self, data: bytes | None, *, direction: Direction, seq: int, number: int) -> bytes:
        """Chunk ``number`` of the file that exchange ``seq`` copies; None: there are no more."""
        value = None if data is None else base64.b64encode(data).decode("ascii")
        return self._seal(value, direction, f"file {seq}", number)

    def open_chunk(self, sealed: bytes, *, direction: Direction, seq: int, number: int) -> bytes | None:
        """Raises SealBroken, CopyAbandoned."""
        value = self._open(sealed, direction, f"file {seq}", number)
        if value is False:
            raise CopyAbandoned("the sender broke it off")
        return None if value is None else base64.b64decode(value)

    def abandonment(self, *, direction: Direction, seq: int, number: int) -> bytes:
        """In place of chunk ``number``: the sender gives up."""
        return self._seal(False, direction, f"file {seq}", number)

    def _seal(self, value: Any, direction: Direction, kind: str, sequence: int) -> bytes:
        return self._sealer.seal(
            value,
            job_id=self._id,
            queue=f"session:{self._id}",
            direction=direction,
            kind=kind,
            sequence=sequence,
            expires=self._expires,
        )

    def _open(self, sealed: bytes, direction: Direction, kind: str, sequence: int) -> Any:
        return self._sealer.open(
            sealed,
            job_id=self._id,
            queue=f"session:{self._id}",
            direction=direction,
            kind=kind,
            sequence=sequence,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the worker is to carry out; ``value`` is None when it does not open."""

    seq: int
    value: Any


class CallerCloses(Exception):
    """The caller gives the interactive session back."""


@dataclass(frozen=True, slots=True)
class CallerState:
    """What is known of an interactive session's caller.

    Attributes:
        closing: why he gave it back, "" if he did not.
        silent_for: seconds since he was last heard of.
    """

    closing: str
    silent_for: float


class ExchangeChannel:
    """A worker's side of one interactive session. Blocking; every method may raise redis.ConnectionError and
    redis.TimeoutError, and may then be called again."""

    def __init__(self, client: redis.Redis, sealer: Sealer, *, session_id: str, lifetime: float) -> None:
        self._client = client
        self._scripts = Scripts(client)
        self._id = session_id
        self._seals = ChannelSeals(sealer, session_id, expires=sealer.clock.now() + lifetime)
        self._done = 0
        self._latest: Any = None
        self._look = False

    def caller(self) -> CallerState | None:
        """None: the interactive session is not known (any more)."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hmget(keys.session(self._id), ["heard", "closing", "state"])
        pipeline.time()
        (heard, closing, state), now = pipeline.execute()
        if heard is None or state == InteractiveState.ENDED.encode():
            return None
        return CallerState(text(closing or b""), now[0] + now[1] / 1e6 - int(heard) / 1000)

    def grant(self, value: Any, *, worker: str, node: str, first: bool) -> bool:
        """The interactive session begins. False: its caller has left meanwhile.

        Args:
            value: what the caller is told (number 0).
            first: whether exchange 1 came with the request.
        """
        answer = self._scripts(
            "session_grant",
            keys=[keys.session(self._id), keys.session_answers(self._id)],
            args=[self._id, self._seals.answer(value, 0), worker, node, int(first)],
        )
        return text(answer) == "granted"

    def next(self, timeout: float) -> Asked | None:
        """The next request; None when none came within ``timeout`` seconds.

        Raises:
            CallerCloses
        """
        try:
            if self._look:  # the answer to the last blocking read may have been lost on its way
                found = self._overlooked()
                self._look = False
                if found is not None:
                    return found
            popped = self._popped(keys.session_inbox(self._id), timeout)
        except Lost:
            self._look = True
            raise
        if popped is None:
            return self._overlooked()
        word, _, sealed = popped.partition(b" ")
        if word == b"close":
            raise CallerCloses
        if int(word) == self._done and self._latest is not None:
            # Redis came back with an older state in which this was not answered yet. It must not be carried out twice.
            self.answer(self._done, self._latest)
        if int(word) != self._done + 1:
            return None  # one that was found before
        return self._opened(int(word), sealed)

    def _overlooked(self) -> Asked | None:
        sealed: Any = self._client.hget(keys.session_requests(self._id), str(self._done + 1))
        return None if sealed is None else self._opened(self._done + 1, sealed)

    def _opened(self, seq: int, sealed: bytes) -> Asked:
        try:
            return Asked(seq, self._seals.open_request(sealed, seq))
        except SealBroken:
            return Asked(seq, None)

    def answer(self, seq: int, value: Any) -> None:
        """Store the answer and tell whoever waits for it."""
        self._scripts(
            "session_answer",
            keys=[keys.session(self._id), keys.session_answers(self._id), keys.session_requests(self._id)],
            args=[self._id, seq, self._seals.answer(value, seq), KEPT_ANSWERS],
        )
        self._done, self._latest = seq, value

    def end(self, reason: str) -> None:
        """The interactive session is over. Whoever still waits for an answer is told."""
        self._scripts(
            "session_end",
            keys=[
                keys.session(self._id),
                keys.session_inbox(self._id),
                keys.session_answers(self._id),
                keys.session_requests(self._id),
            ],
            args=[self._id, reason, KEPT],
        )

    # -- files ------------------------------------------------------------------------------------------------------

    def chunks_from_caller(self, seq: int, *, silence: float, watch: Callable[[], None]) -> Iterator[bytes]:
        """The chunks of a file that the caller sends with exchange ``seq``.

        Args:
            silence: seconds without a chunk after which the copy is given up.
            watch: called at least once a second while waiting; may raise.

        Raises (while being read):
            CopyAbandoned
        """
        number = 0
        while True:
            sealed = self._pop("up", silence, watch)
            try:
                data = self._seals.open_chunk(sealed, direction="to_worker", seq=seq, number=number)
            except SealBroken as error:
                raise CopyAbandoned(str(error)) from None
            if data is None:
                return
            self._client.rpush(keys.session_file(self._id, "credit"), MORE)
            self._client.expire(keys.session_file(self._id, "credit"), FILE_KEPT)
            number += 1
            yield data

    def chunk_to_caller(
        self, data: bytes | None, *, seq: int, number: int, silence: float, watch: Callable[[], None]
    ) -> None:
        """Hand one chunk to the caller, or the end of the file (None), as soon as he has room.

        Raises:
            CopyAbandoned
        """
        if number >= FILE_WINDOW and self._pop("credit", silence, watch) == NO_MORE:
            raise CopyAbandoned("the reader broke it off")
        key = keys.session_file(self._id, "down")
        self._client.rpush(key, self._seals.chunk(data, direction="to_caller", seq=seq, number=number))
        self._client.expire(key, FILE_KEPT)

    def _pop(self, part: str, silence: float, watch: Callable[[], None]) -> bytes:
        end = time.monotonic() + silence
        while (left := end - time.monotonic()) > 0:
            popped = self._popped(keys.session_file(self._id, part), min(left, 1.0))
            if popped is not None:
                return popped
            watch()
        raise CopyAbandoned(f"the other side was silent for {silence:g} s")

    def _popped(self, key: str, timeout: float) -> bytes | None:
        found: Any = self._client.blpop([key], timeout=max(min(timeout, BLOCK), 0.01))
        return None if found is None else bytes(found[1])
