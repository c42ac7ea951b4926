from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from pydantic import SecretStr

from netpulse_broker.queueing.nodes.worker_index import WorkerIndex
from netpulse_broker.queueing.observe.events import BACKLOG, Event, EventFeed, Listener, is_event_id
from netpulse_broker.queueing.observe.metrics import MetricsReader
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import connect_async
from netpulse_broker.settings import RedisSettings
from tests.lab.redis_server import RedisServer
from tests.unit.queueing.conftest import PASSWORD, Queue
from tests.unit.queueing.jobs.test_worker_queue import finish_ok


@pytest.fixture
async def reader(redis_server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    client = connect_async(RedisSettings(url=SecretStr(redis_server.url)))
    yield client
    await client.aclose()


def run_one(queue: Queue) -> str:
    job_id, _ = queue.submit()
    return job_id


async def test_a_reader_that_was_away_learns_what_it_missed(queue: Queue, reader: redis.asyncio.Redis) -> None:
    worker = queue.worker()
    feed = EventFeed(reader)
    first = run_one(queue)
    start = [event async for event in feed.since("0-0")][-1]
    assert (start.fields["id"], start.fields["state"], start.fields["device"]) == (first, "queued", "r1")
    job = worker.claim()
    assert job is not None
    finish_ok(worker, job.place)
    missed = [event async for event in feed.since(start.id)]
    assert [(event.kind, event.fields["state"]) for event in missed] == [("job", "started"), ("job", "finished")]
    assert await feed.kept(start.id)
    assert PASSWORD not in str(missed)


async def test_what_is_no_longer_kept_is_a_gap(queue: Queue, reader: redis.asyncio.Redis) -> None:
    queue.worker()
    for _ in range(3):
        run_one(queue)
    feed = EventFeed(reader)
    events = [event async for event in feed.since("0-0")]
    queue.client.xtrim(keys.EVENTS, maxlen=1, approximate=False)
    assert not await feed.kept(events[0].id)
    assert await feed.kept(events[-1].id)


async def test_listeners_get_what_happens_from_now_on(queue: Queue, reader: redis.asyncio.Redis) -> None:
    queue.worker()
    run_one(queue)
    feed = EventFeed(reader)
    async with feed.listen() as one, feed.listen() as other:
        job_id = await asyncio.to_thread(run_one, queue)
        for listener in (one, other):
            event = await listener.next(10)
            assert event is not None
            assert event.fields["id"] == job_id
    assert feed.listeners == 0


async def test_a_listener_may_leave_right_after_an_event(queue: Queue, reader: redis.asyncio.Redis) -> None:
    """The reader then is just sending for more: Python 3.11 can swallow its cancellation there."""
    queue.worker()
    feed = EventFeed(reader)
    for _ in range(5):
        async with feed.listen() as listener:
            run_one(queue)
            assert await listener.next(10) is not None
    assert feed.listeners == 0


async def test_listeners_hear_again_when_redis_was_demoted_for_a_while(
    private_redis_server: RedisServer,
) -> None:
    client = connect_async(private_redis_server.settings)
    async with EventFeed(client).listen() as listener:
        with private_redis_server.client() as operator:
            while not operator.info("clients")["blocked_clients"]:  # noqa: ASYNC110  # the condition lies in Redis
                await asyncio.sleep(0.01)
            operator.replicaof("127.0.0.1", "1")
            operator.replicaof("no", "one")
            operator.xadd(keys.EVENTS, {"kind": "job", "id": "j", "state": "queued"})
        event = await listener.next(30)
    assert event is not None
    assert event.fields["id"] == "j"
    await client.aclose()


async def test_a_listener_that_does_not_read_is_let_go_with_what_it_had() -> None:
    listener = Listener()
    for number in range(BACKLOG + 1):
        listener.put(Event(f"{number}-0", "job", {}))
    read = 0
    while await listener.next(0.01) is not None:
        read += 1
    assert listener.behind
    assert read == BACKLOG


async def test_a_listener_that_fell_behind_gets_nothing_from_behind_the_gap() -> None:
    """It asks for what it misses by the last id that it got: that must stand before the first event left out."""
    listener = Listener()
    for number in range(BACKLOG + 1):
        listener.put(Event(f"{number}-0", "job", {}))
    first = await listener.next(0.01)
    listener.put(Event(f"{BACKLOG + 1}-0", "job", {}))
    got = [first] if first is not None else []
    while (event := await listener.next(0.01)) is not None:
        got.append(event)
    assert [event.id for event in got] == [f"{number}-0" for number in range(BACKLOG)]
    assert listener.behind


async def test_listeners_that_come_at_the_same_moment_get_each_event_once(
    queue: Queue, reader: redis.asyncio.Redis
) -> None:
    queue.worker()
    feed = EventFeed(reader)
    listening = asyncio.Barrier(3)
    last: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def ids() -> list[str]:
        async with feed.listen() as listener:
            await listening.wait()
            seen: list[str] = []
            while await last not in seen:
                event = await listener.next(10)
                assert event is not None
                seen.append(event.id)
            return seen

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ids()) for _ in range(2)]
        await listening.wait()
        for _ in range(3):
            await asyncio.to_thread(run_one, queue)
        last.set_result([event.id async for event in feed.since("0-0")][-1])
    for task in tasks:
        seen = task.result()
        assert seen == sorted(set(seen))
    assert [task for task in asyncio.all_tasks() if task.get_name() == "events"] == []


@pytest.mark.parametrize(
    ("written", "can_be"),
    [
        ("1767323045678-0", True),
        ("0-0", True),
        ("18446744073709551615-0", True),
        ("18446744073709551616-0", False),
        ("1-18446744073709551616", False),
        ("18446744073709551615-18446744073709551615", False),
        ("\u0661-\u0661", False),
        ("1", False),
    ],
)
async def test_ids_that_redis_takes(reader: redis.asyncio.Redis, written: str, can_be: bool) -> None:
    assert is_event_id(written) is can_be
    if can_be:
        assert [event async for event in EventFeed(reader).since(written)] == []


async def test_totals_agree_with_the_jobs_that_ended(queue: Queue, reader: redis.asyncio.Redis) -> None:
    worker = queue.worker()
    for _ in range(3):
        queue.submit()
    for _ in range(2):
        job = worker.claim()
        assert job is not None
        finish_ok(worker, job.place)
    worker.hand_over_totals()  # as when it rests
    lost = worker.claim()
    assert lost is not None
    recovery = queue.ownership.recover("r1", token=worker.token, worker=worker.worker)
    assert recovery is not None
    assert recovery.lost == [lost.place.id]
    figures = await MetricsReader(reader, WorkerIndex(reader)).figures()
    assert figures.counters[("jobs", "netmiko", "query", "finished", "ok")] == 2
    assert figures.counters[("jobs", "netmiko", "query", "failed", "unknown")] == 1
    assert figures.counters[("errors", "worker_lost")] == 1
    # A killed worker takes along what it had not handed over: here that it had begun a third job.
    assert sum(figures.histograms[("queue_time",)].counts.values()) == 2
    duration = figures.histograms[("duration", "netmiko", "query")]
    assert duration.counts == {"0.1": 2}
    assert duration.sum == pytest.approx(0.2)
    assert figures.queued == {"fifo": 0, "device": 0}
    worker_events = [fields for _, fields in queue.client.xrange(keys.EVENTS) if fields[b"kind"] == b"worker"]
    assert [fields[b"state"] for fields in worker_events] == [b"started", b"lost"]


async def test_figures_of_many_jobs_are_handed_over_together(queue: Queue, reader: redis.asyncio.Redis) -> None:
    async def finished() -> int:
        figures = await MetricsReader(reader, WorkerIndex(reader)).figures()
        return figures.counters.get(("jobs", "netmiko", "query", "finished", "ok"), 0)

    worker = queue.worker()
    for _ in range(5):
        queue.submit()
        job = worker.claim()
        assert job is not None
        finish_ok(worker, job.place)
        queue.client.delete(keys.wake("device:r1"))
    assert await finished() == 1, "the first is counted at once, the others with what comes next"
    assert not worker.wait(0.01)
    assert await finished() == 5, "a worker that rests hands over what is left"
    assert not worker.wait(0.01)
    assert await finished() == 5


async def test_figures_that_redis_did_not_take_are_kept(queue: Queue, reader: redis.asyncio.Redis) -> None:
    worker = queue.worker()
    for _ in range(2):
        queue.submit()
        job = worker.claim()
        assert job is not None
        finish_ok(worker, job.place)
    queue.client.config_set("maxmemory", 1)  # refuses writes
    try:
        with pytest.raises(redis.RedisError):
            worker.hand_over_totals()
    finally:
        queue.client.config_set("maxmemory", 0)
    worker.hand_over_totals()
    figures = await MetricsReader(reader, WorkerIndex(reader)).figures()
    assert figures.counters[("jobs", "netmiko", "query", "finished", "ok")] == 2


async def test_a_finish_sent_twice_is_counted_once(queue: Queue, reader: redis.asyncio.Redis) -> None:
    worker = queue.worker()
    queue.submit()
    job = worker.claim()
    assert job is not None
    again = worker.claim()  # the answer was lost on its way
    assert again is not None
    finish_ok(worker, job.place)
    finish_ok(worker, job.place)
    states = [fields[b"state"] for _, fields in queue.client.xrange(keys.EVENTS) if fields[b"kind"] == b"job"]
    assert states == [b"queued", b"started", b"finished"]
    figures = await MetricsReader(reader, WorkerIndex(reader)).figures()
    assert figures.counters[("jobs", "netmiko", "query", "finished", "ok")] == 1
