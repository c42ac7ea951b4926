"""Deliveries in Redis: queued by a job's end, tried again, given up, taken up again. Time is moved, not waited for."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis
import redis.asyncio

from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.errors import Conflict, UnknownDelivery, WebhookFailed, WebhookRefused
from netpulse_broker.models.webhooks import WebhookOptions
from netpulse_broker.queueing.jobs.worker_queue import ClaimedJob, WorkerQueue
from netpulse_broker.queueing.nodes.node_lease import NodeLease
from netpulse_broker.queueing.nodes.ownership import NodeOwnership
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.scripts import Scripts
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.queueing.redis.times import now_iso
from netpulse_broker.settings import Settings
from netpulse_broker.states import JobStatus, Outcome
from netpulse_broker.webhooks.dead_letters import DeadLetters
from netpulse_broker.webhooks.deliverer import WebhookDeliverer
from netpulse_broker.webhooks.delivery import Delivery
from netpulse_broker.webhooks.submission import RequestedWebhook
from netpulse_broker.workers.execution.fifo import FifoWorker
from netpulse_broker.workers.execution.job_result import JobEnd
from netpulse_drivers import Deadline
from tests.lab.redis_server import RedisServer
from tests.lab.redis_time import sweep_after
from tests.unit.queueing.conftest import PASSWORD, payload

SECRET = "a-webhook-secret"
URL = "http://hooks.example.net/path-with-a-token"


class Caller:
    """Stands for the HTTP caller."""

    def __init__(self) -> None:
        self.outcomes: list[Exception | None] = []
        self.calls: list[tuple[Delivery, dict[str, Any]]] = []

    def call(self, delivery: Delivery, body: bytes, deadline: Deadline) -> None:
        assert 0 < deadline.remaining() <= delivery.timeout
        self.calls.append((delivery, json.loads(body)))
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome


class Pool:
    """A device's worker, one FIFO worker and a sweeper's clock."""

    def __init__(self, client: redis.Redis, **changes: Any) -> None:
        self.client = client
        self.sealer = Sealer([os.urandom(32)])
        self.scripts = Scripts(client)
        self.settings = Settings(webhooks={"back_off": 10, "attempts": 3} | changes).webhooks
        self.caller = Caller()
        self.deliverer = WebhookDeliverer(client, self.sealer, self.settings)
        self.deliverer._callers["basic"] = self.caller
        self.device = self._source("pinned", "n1", "device:r1", "r1", 1)
        self.fifo = self._source("fifo", "f1", "fifo", "f1.1", 1)
        self.worker = FifoWorker(source=self.fifo, drivers=None, clock=None, webhooks=self.deliverer)  # type: ignore[arg-type]

    def _source(self, kind: Any, node: str, queue: str, name: str, incarnation: int) -> WorkerQueue:
        lease = NodeLease(self.client, node=node, kind=kind, capacity=10, ttl=60)
        lease.acquire()
        token = lease.token(incarnation)
        ownership = NodeOwnership(self.client, lease)
        assert ownership.adopt(name, token=token, pid=os.getpid(), started=1, worker=f"{node}.{name}")
        self.ownership, self.fifo_token = ownership, token
        return WorkerQueue(self.client, self.sealer, queue=queue, token=token, worker=f"{node}.{name}", node=node)

    def submit(self, **options: Any) -> str:
        webhook = RequestedWebhook(WebhookOptions(url=URL, secret=SECRET, **options), self.settings)
        job = JobSubmission(payload=payload(), device="r1", host="r1", owner="key1", webhook=webhook, result_ttl=1)
        script_keys, args = job.script_call(self.sealer, reply_to="c1")
        assert self.scripts("submit", keys=script_keys, args=args)[0] == b"queued"
        return job.id

    def run_job(self) -> None:
        job = self.device.claim()
        assert job is not None
        result = {"type": 1, "retval": {"show version": "x"}, "error": None, "outputs": [], "session_reused": False}
        self.device.finish(job.place, status=JobStatus.FINISHED, outcome=Outcome.OK, result=result, duration=0.1)

    def claim(self) -> ClaimedJob | None:
        return self.fifo.claim()

    def attempt(self) -> JobEnd | None:
        """What a FIFO worker does with the next delivery; None: there is none."""
        job = self.claim()
        if job is None:
            return None
        end = self.worker._deliver(job)
        self.fifo.finish(
            job.place,
            status=end.status,
            outcome=end.outcome,
            result=end.result,
            error_code=end.error_code,
            duration=end.duration,
        )
        return end

    def let_pass(self, seconds: float) -> None:
        """A sweep that takes place so much later."""
        sweep_after(self.client, seconds)

    def due_in(self) -> float:
        waiting: list[Any] = self.client.zrange(keys.WEBHOOKS_DUE, 0, -1, withscores=True)
        ((_, due),) = waiting
        return float(due) / 1000 - time.time()

    def dead(self) -> list[bytes]:
        found: list[bytes] = self.client.zrange(keys.WEBHOOKS_DEAD, 0, -1)  # type: ignore[assignment]
        return found


@pytest.fixture
def pool(redis_client: redis.Redis) -> Pool:
    return Pool(redis_client)


@pytest.fixture
async def letters(pool: Pool, redis_server: RedisServer) -> AsyncIterator[DeadLetters]:
    client = redis.asyncio.Redis.from_url(redis_server.url)
    yield DeadLetters(client, pool.sealer, keep=pool.settings.keep_dead)
    await client.aclose()


def test_nobody_is_called_before_the_end(pool: Pool) -> None:
    pool.submit()
    assert pool.claim() is None
    job_id = pool.device.claim()
    assert job_id is not None
    assert pool.claim() is None


def test_the_end_of_a_job_is_told_once(pool: Pool) -> None:
    job_id = pool.submit()
    pool.run_job()
    end = pool.attempt()
    assert end is not None
    assert end.status == "finished"
    assert pool.attempt() is None
    ((delivery, body),) = pool.caller.calls
    assert delivery.job == job_id
    assert (body["id"], body["status"], body["outcome"]) == (job_id, "finished", "ok")
    assert body["result"]["retval"] == {"show version": "x"}
    assert pool.client.zcard(keys.WEBHOOKS_DUE) == 0
    assert pool.dead() == []


def test_each_way_to_end_is_told(pool: Pool) -> None:
    canceled, expired = pool.submit(), pool.submit()
    pool.scripts("cancel", keys=[keys.rq_job(canceled)], args=[canceled, now_iso()])
    pool.let_pass(3600)
    ends = {}
    while pool.attempt() is not None:
        _, body = pool.caller.calls[-1]
        ends[body["id"]] = (body["status"], body["result"]["error"]["code"])
    assert ends == {canceled: ("canceled", "job_canceled"), expired: ("failed", "job_expired")}


def test_a_lost_worker_s_job_is_told(pool: Pool) -> None:
    job_id = pool.submit()
    assert pool.device.claim() is not None
    lease = NodeLease(pool.client, node="n1", kind="pinned", capacity=10, ttl=60)
    lease.epoch = 1
    NodeOwnership(pool.client, lease).recover("r1", token=pool.device.token, worker="n1.r1")
    pool.attempt()
    assert pool.caller.calls[0][1]["outcome"] == "unknown"
    assert pool.caller.calls[0][1]["id"] == job_id


def test_nothing_in_redis_shows_a_secret(pool: Pool) -> None:
    pool.submit()
    pool.run_job()
    pool.caller.outcomes = [WebhookFailed("no")]
    pool.attempt()
    dump = b"".join(pool.client.dump(key) or b"" for key in pool.client.keys("*"))  # type: ignore[union-attr,misc]
    assert len(dump) > 500
    for hidden in (SECRET, PASSWORD, "path-with-a-token"):
        assert hidden.encode() not in dump


def test_a_failed_attempt_is_followed_by_others_further_and_further_apart(pool: Pool) -> None:
    pool.submit()
    pool.run_job()
    pool.caller.outcomes = [WebhookFailed("the receiver answered 503")] * 2
    end = pool.attempt()
    assert end is not None
    assert (end.status, end.error_code) == ("failed", "webhook_failed")
    assert 7 < pool.due_in() <= 12.5
    pool.let_pass(5)
    assert pool.attempt() is None
    pool.let_pass(13)
    assert pool.attempt() is not None
    assert 14 < pool.due_in() <= 25
    pool.let_pass(26)
    end = pool.attempt()
    assert end is not None
    assert end.status == "finished"
    deliveries, bodies = zip(*pool.caller.calls, strict=True)
    assert [delivery.attempt for delivery in deliveries] == [1, 2, 3]
    assert len({delivery.id for delivery in deliveries}) == 1
    assert bodies[0] == bodies[1] == bodies[2]
    assert pool.dead() == []


def test_pauses_have_an_upper_limit(pool: Pool) -> None:
    assert pool.deliverer.pause(1000) <= pool.settings.longest_pause * 1.25


def test_the_body_outlives_the_job(pool: Pool) -> None:
    job_id = pool.submit()
    pool.run_job()
    assert pool.client.ttl(keys.rq_job(job_id)) > 3600  # type: ignore[operator]
    pool.caller.outcomes = [WebhookFailed("no")]
    pool.attempt()
    pool.client.delete(keys.rq_job(job_id), keys.rq_results(job_id))
    pool.let_pass(60)
    pool.attempt()
    assert pool.caller.calls[1][1]["id"] == job_id


async def test_a_dead_letter_can_be_sent_again(pool: Pool, letters: DeadLetters) -> None:
    job_id = pool.submit()
    pool.run_job()
    pool.caller.outcomes = [WebhookFailed("no")] * 4
    for _ in range(3):
        assert pool.attempt() is not None
        pool.let_pass(60)
    assert pool.attempt() is None
    (letter,) = await letters.list(10)
    assert letter["job"] == job_id
    assert (letter["target"], letter["attempts"], letter["error"]) == ("http://hooks.example.net", 3, "no")
    await letters.retry(letter["id"])
    assert await letters.list(10) == []
    pool.let_pass(0.1)
    assert pool.attempt() is not None
    assert [again["attempts"] for again in await letters.list(10)] == [4]
    await letters.retry(letter["id"])
    pool.let_pass(0.1)
    end = pool.attempt()
    assert end is not None
    assert end.status == "finished"
    assert await letters.list(10) == []
    with pytest.raises(UnknownDelivery):
        await letters.retry(letter["id"])
    with pytest.raises(UnknownDelivery):
        await letters.drop(letter["id"])


async def test_what_is_refused_is_not_tried_again(pool: Pool, letters: DeadLetters) -> None:
    pool.submit()
    pool.run_job()
    pool.caller.outcomes = [WebhookRefused("gone")]
    pool.attempt()
    (letter,) = await letters.list(10)
    assert (letter["attempts"], letter["error"]) == (1, "gone")
    await letters.drop(letter["id"])
    assert await letters.list(10) == []


async def test_a_delivery_that_nobody_takes_is_a_dead_letter(pool: Pool, letters: DeadLetters) -> None:
    pool.submit()
    pool.run_job()
    pool.let_pass(7 * 3600)
    assert pool.attempt() is None
    (letter,) = await letters.list(10)
    assert (letter["attempts"], letter["error"]) == (0, "no attempt was made: job_expired")
    await letters.retry(letter["id"])
    pool.let_pass(0.1)
    end = pool.attempt()
    assert end is not None
    assert end.status == "finished"


@pytest.mark.parametrize("how", ["expired", "canceled"])
def test_a_delivery_that_ends_without_an_attempt_is_kept_as_long_as_set(redis_client: redis.Redis, how: str) -> None:
    pool = Pool(redis_client, keep_dead=90)
    pool.submit()
    pool.run_job()
    (attempt,) = redis_client.lrange("rq:queue:fifo", 0, -1)  # type: ignore[misc]
    if how == "expired":
        pool.let_pass(7 * 3600)
    else:
        pool.scripts("cancel", keys=[keys.rq_job(attempt.decode())], args=[attempt, now_iso()])
    (letter,) = pool.dead()
    assert 0 < redis_client.ttl(keys.webhook(letter.decode())) <= 90  # type: ignore[operator]


def test_a_dead_letter_opens_as_long_as_it_is_kept(pool: Pool) -> None:
    pool.submit()
    pool.run_job()
    pool.let_pass(7 * 3600)
    fields: Any = pool.client.hgetall(keys.webhook(pool.dead()[0].decode()))
    pool.sealer.clock.heard(time.time() + 6 * 3600 + pool.settings.keep_dead - 60)
    Delivery.opened(pool.sealer, fields[b"sealed"], attempt_id=fields[b"sealed_as"].decode())


async def test_a_letter_that_another_key_sealed(pool: Pool, letters: DeadLetters) -> None:
    pool.submit()
    pool.run_job()
    pool.caller.outcomes = [WebhookRefused("gone")]
    pool.attempt()
    letters._sealer = Sealer([os.urandom(32)])
    (letter,) = await letters.list(10)
    with pytest.raises(Conflict, match="cannot be sent again"):
        await letters.retry(letter["id"])


def test_a_worker_that_dies_in_a_delivery_is_followed_by_another(pool: Pool) -> None:
    pool.submit()
    pool.run_job()
    assert pool.claim() is not None
    recovery = pool.ownership.recover("f1.1", token=pool.fifo_token, worker="f1.f1.1")
    assert recovery is not None
    assert (len(recovery.requeued), recovery.lost) == (1, [])
    pool.fifo = pool._source("fifo", "f2", "fifo", "f2.1", 1)
    end = pool.attempt()
    assert end is not None
    assert end.status == "finished"
    assert len(pool.caller.calls) == 1


def test_a_defect_does_not_end_the_worker(pool: Pool) -> None:
    pool.submit()
    pool.run_job()
    pool.caller.outcomes = [ZeroDivisionError()]
    end = pool.attempt()
    assert end is not None
    assert end.error_code == "webhook_failed"
    assert pool.due_in() > 7


def test_a_submit_with_another_webhook_is_another_request() -> None:
    rules = Settings().webhooks

    def digest(url: str | None) -> str:
        webhook = None if url is None else RequestedWebhook(WebhookOptions(url=url), rules)
        return JobSubmission(payload=payload(), device="r", host="r", owner="k", webhook=webhook).digest()

    assert digest("http://a/") == digest("http://a/")
    assert len({digest(None), digest("http://a/"), digest("http://b/")}) == 3
