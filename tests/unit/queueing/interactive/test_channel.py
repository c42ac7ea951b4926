"""An interactive session in Redis, both sides, against a real server."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
import redis

from netpulse_broker.queueing.interactive.channel import (
    FILE_WINDOW,
    KEPT_ANSWERS,
    NO_MORE,
    Asked,
    CallerCloses,
    ChannelSeals,
    CopyAbandoned,
    ExchangeChannel,
)
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.scripts import Scripts, text
from netpulse_broker.queueing.redis.sealing import SealBroken, Sealer


class Controller:
    """A controller's side of an interactive session."""

    def __init__(self, client: redis.Redis, sealer: Sealer, session_id: str = "session", name: str = "c1") -> None:
        self.client = client
        self.seals = ChannelSeals(sealer, session_id, expires=time.time() + 600)
        self._scripts = Scripts(client)
        self._id = session_id
        self._name = name

    def announce(self, **fields: Any) -> None:
        now = self.client.time()
        values: dict[Any, Any] = {
            "state": "queued", "closing": "", "last": 0, "heard": now[0] * 1000, "heartbeat": 10, "max_hold": 60,
            "reply:0": self._name,
        } | fields  # fmt: skip
        self.client.hset(keys.session(self._id), mapping=values)
        self.client.expire(keys.session(self._id), 600)
        self.client.zadd(keys.SESSIONS, {self._id: 1})
        self.client.hset(keys.rq_job(self._id), mapping={"status": "started", "error": ""})
        self.client.xadd(keys.replies(self._name), {"id": ""})  # as its reader makes it

    def ask(self, seq: int, value: Any = "request", *, sealed: bytes | None = None) -> list[str]:
        answer = self._scripts(
            "session_ask",
            keys=[
                keys.session(self._id),
                keys.session_inbox(self._id),
                keys.session_answers(self._id),
                keys.session_requests(self._id),
                keys.rq_job(self._id),
            ],
            args=[seq, sealed or self.seals.request(value, seq), self._name],
        )
        if answer[0] == b"answered":
            return ["answered", self.seals.open_answer(answer[1], seq)]
        return [text(part) for part in answer]

    def beat(self, closing: str = "") -> list[str]:
        names = [keys.session(self._id), keys.session_inbox(self._id), keys.rq_job(self._id)]
        return [text(part) for part in self._scripts("session_beat", keys=names, args=[closing])]

    def replies(self) -> list[str]:
        entries: Any = self.client.xrange(keys.replies(self._name))
        return [fields[b"id"].decode() for _, fields in entries[1:]]


@pytest.fixture
def sealer() -> Sealer:
    return Sealer([os.urandom(32)])


@pytest.fixture
def controller(redis_client: redis.Redis, sealer: Sealer) -> Controller:
    controller = Controller(redis_client, sealer)
    controller.announce()
    return controller


@pytest.fixture
def channel(redis_client: redis.Redis, sealer: Sealer, controller: Controller) -> ExchangeChannel:
    return ExchangeChannel(redis_client, sealer, session_id="session", lifetime=600)


@pytest.fixture
def granted(channel: ExchangeChannel) -> ExchangeChannel:
    assert channel.grant("hello", worker="w", node="n", first=False)
    return channel


def test_nothing_is_exchanged_before_the_grant(controller: Controller, channel: ExchangeChannel) -> None:
    assert controller.ask(1) == ["queued"]
    assert channel.grant("hello", worker="w", node="n", first=False)
    assert channel.grant("hello", worker="w", node="n", first=False)  # sent twice
    assert controller.replies() == ["session/0"]
    assert controller.ask(1) == ["accepted"]


def test_exchange_is_taken_once_and_answered_for_ever(controller: Controller, granted: ExchangeChannel) -> None:
    assert controller.ask(1, "first") == ["accepted"]
    assert controller.ask(1, "first") == ["pending"]
    assert granted.next(1) == Asked(1, "first")
    assert controller.ask(1, "first") == ["pending"]
    granted.answer(1, "done")
    granted.answer(1, "done again")  # sent twice
    assert controller.ask(1, "something else") == ["answered", "done"]
    assert controller.replies() == ["session/0", "session/1"]
    assert granted.next(0.01) is None


def test_numbers_follow_each_other(controller: Controller, granted: ExchangeChannel) -> None:
    assert controller.ask(2) == ["gap", "0"]
    for seq in range(1, KEPT_ANSWERS + 2):
        assert controller.ask(seq) == ["accepted"]
        assert granted.next(1) == Asked(seq, "request")
        granted.answer(seq, seq)
    assert controller.ask(1) == ["forgotten"]
    assert controller.ask(2) == ["answered", 2]  # type: ignore[comparison-overlap]


def test_request_whose_delivery_was_lost_is_found(
    redis_client: redis.Redis, controller: Controller, granted: ExchangeChannel
) -> None:
    controller.ask(1, "lost on its way")
    assert redis_client.lpop(keys.session_inbox("session")) is not None
    assert granted.next(0.01) == Asked(1, "lost on its way")


def test_answer_that_redis_forgot_is_given_again_without_carrying_out(
    redis_client: redis.Redis, controller: Controller, granted: ExchangeChannel
) -> None:
    controller.ask(1)
    granted.next(1)
    granted.answer(1, "done")
    # A crash of Redis takes the last moments with it.
    redis_client.delete(keys.session_answers("session"))
    redis_client.hset(keys.session("session"), "last", 0)
    assert controller.ask(1) == ["accepted"]
    assert granted.next(0.01) is None
    assert controller.ask(1) == ["answered", "done"]


def test_old_and_foreign_requests_are_not_carried_out(
    redis_client: redis.Redis, sealer: Sealer, controller: Controller, granted: ExchangeChannel
) -> None:
    first = controller.seals.request("first", 1)
    controller.ask(1, sealed=first)
    granted.next(1)
    granted.answer(1, "done")
    # Whoever can write to Redis sends the first request again, as itself and as the second.
    redis_client.rpush(keys.session_inbox("session"), b"1 " + first)
    assert granted.next(0.01) is None
    redis_client.rpush(keys.session_inbox("session"), b"2 " + first)
    assert granted.next(0.01) == Asked(2, None)
    foreign = ChannelSeals(sealer, "another session", expires=time.time() + 60).request("x", 2)
    redis_client.rpush(keys.session_inbox("session"), b"2 " + foreign)
    assert granted.next(0.01) == Asked(2, None)


def test_each_seal_opens_at_its_own_place_only(sealer: Sealer) -> None:
    seals = ChannelSeals(sealer, "session", expires=time.time() + 60)
    with pytest.raises(SealBroken):
        seals.open_request(seals.request("x", 1), 2)
    with pytest.raises(SealBroken):
        seals.open_answer(seals.request("x", 1), 1)
    chunk = seals.chunk(b"data", direction="to_worker", seq=1, number=0)
    with pytest.raises(SealBroken):
        seals.open_chunk(chunk, direction="to_worker", seq=1, number=1)
    with pytest.raises(SealBroken):
        ChannelSeals(sealer, "session", expires=0).open_request(
            ChannelSeals(sealer, "session", expires=0).request("x", 1), 1
        )


def test_caller_who_left_before_the_grant_gets_none(controller: Controller, channel: ExchangeChannel) -> None:
    assert controller.beat("left")[:2] == ["queued", "left"]
    state = channel.caller()
    assert state is not None
    assert state.closing == "left"
    assert not channel.grant("hello", worker="w", node="n", first=False)
    assert controller.replies() == []


def test_closing_wakes_the_worker_and_refuses_what_comes_later(
    controller: Controller, granted: ExchangeChannel
) -> None:
    controller.beat("released")
    controller.beat("again")
    with pytest.raises(CallerCloses):
        granted.next(5)
    assert controller.ask(1) == ["ended", "released"]


def test_end_tells_whoever_waits_and_keeps_the_answers_for_a_while(
    redis_client: redis.Redis, controller: Controller, granted: ExchangeChannel
) -> None:
    controller.ask(1)
    granted.next(1)
    granted.answer(1, "done")
    controller.ask(2)
    granted.end("max_hold")
    granted.end("something else")
    assert controller.replies() == ["session/0", "session/1", "session/2"]
    assert controller.ask(1) == ["answered", "done"]
    assert controller.ask(2) == ["ended", "max_hold"]
    assert granted.caller() is None
    assert redis_client.zcard(keys.SESSIONS) == 0
    assert {key.decode() for key in redis_client.keys("np:session:*")} == {
        "np:session:session",
        "np:session:session:answers",
    }
    assert all(0 < redis_client.ttl(key) <= 60 for key in redis_client.keys("np:session:*"))


def test_session_of_a_dead_worker_is_known_as_lost(
    redis_client: redis.Redis, controller: Controller, granted: ExchangeChannel
) -> None:
    redis_client.hset(keys.rq_job("session"), mapping={"status": "failed", "error": "worker_lost"})
    assert controller.ask(1) == ["lost", "worker_lost"]
    assert controller.beat()[3:5] == ["failed", "worker_lost"]


def test_silence_is_measured_on_redis_own_clock(
    redis_client: redis.Redis, controller: Controller, granted: ExchangeChannel
) -> None:
    redis_client.hincrby(keys.session("session"), "heard", -42_000)
    state = granted.caller()
    assert state is not None
    assert 41 < state.silent_for < 60
    controller.beat()
    state = granted.caller()
    assert state is not None
    assert state.silent_for < 40


def test_everything_of_a_session_expires(
    redis_client: redis.Redis, controller: Controller, granted: ExchangeChannel
) -> None:
    controller.ask(1)
    controller.ask(2)
    granted.next(1)
    granted.answer(1, "done")
    assert all(redis_client.ttl(key) > 0 for key in redis_client.keys("np:session:*"))


def test_file_to_the_caller_waits_for_room(redis_client: redis.Redis, granted: ExchangeChannel) -> None:
    def hand_over(number: int, silence: float) -> None:
        granted.chunk_to_caller(b"x", seq=1, number=number, silence=silence, watch=lambda: None)

    for number in range(FILE_WINDOW):
        hand_over(number, 5)
    with pytest.raises(CopyAbandoned, match="silent"):
        hand_over(FILE_WINDOW, 0.05)
    redis_client.rpush(keys.session_file("session", "credit"), NO_MORE)
    with pytest.raises(CopyAbandoned, match="reader"):
        hand_over(FILE_WINDOW, 5)


def test_file_from_a_caller_who_gives_up(
    redis_client: redis.Redis, controller: Controller, granted: ExchangeChannel
) -> None:
    up = keys.session_file("session", "up")
    redis_client.rpush(up, controller.seals.chunk(b"first", direction="to_worker", seq=3, number=0))
    redis_client.rpush(up, controller.seals.abandonment(direction="to_worker", seq=3, number=1))
    chunks = granted.chunks_from_caller(3, silence=5, watch=lambda: None)
    assert next(chunks) == b"first"
    with pytest.raises(CopyAbandoned, match="sender"):
        next(chunks)
