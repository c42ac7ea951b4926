from __future__ import annotations

import asyncio
import base64
import time

import pytest
import redis

from netpulse_broker.dispatch.dispatcher import Dispatcher
from netpulse_broker.dispatch.schedulers import SCHEDULERS
from netpulse_broker.errors import BadRequest, Conflict, IdempotencyConflict, NoWorker, QueueUnavailable, UnknownJob
from netpulse_broker.queueing.jobs.job_index import JobFilter
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.jobs.replies import KEPT, MOST_READ_ENTRIES
from netpulse_broker.queueing.nodes.worker_index import WorkerFilter
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.settings import Settings
from netpulse_broker.states import JobStatus
from tests.lab.redis_server import RedisServer
from tests.unit.dispatch.conftest import TestNode, submission


async def test_no_node_no_job(dispatcher: Dispatcher) -> None:
    with pytest.raises(NoWorker, match="netpulse node"):
        await dispatcher.submit(submission())
    assert await dispatcher.jobs(JobFilter()) == ([], None)


async def test_a_full_node_says_so(dispatcher: Dispatcher, redis_server: RedisServer, sealer: Sealer) -> None:
    node = TestNode(redis_server, sealer, capacity=1)
    await dispatcher.submit(submission("r1"))
    with pytest.raises(NoWorker, match="full"):
        await dispatcher.submit(submission("r2"))
    node.close()


async def test_a_node_that_still_loads_takes_what_others_have_no_room_for(
    dispatcher: Dispatcher, redis_server: RedisServer, sealer: Sealer, redis_client: redis.Redis
) -> None:
    small = TestNode(redis_server, sealer, name="small", capacity=1)
    loading = TestNode(redis_server, sealer, name="loading")
    redis_client.hset(keys.node("loading"), "loading", "1")
    for device in ("r1", "r2", "r3"):
        await dispatcher.submit(submission(device))
    assert redis_client.hget(keys.device("r1"), "node") == b"small"
    assert {redis_client.hget(keys.device(device), "node") for device in ("r2", "r3")} == {b"loading"}
    small.close()
    loading.close()


async def test_submit_and_wait(dispatcher: Dispatcher, node: TestNode) -> None:
    node.start()
    record = await dispatcher.submit_and_wait(submission(), 10)
    assert (record.status, record.outcome, record.seq) == ("finished", "ok", 1)
    assert record.result == {"type": 1, "retval": ["show clock"]}
    assert record.started_at is not None
    assert record.ended_at is not None
    again = await dispatcher.get(record.id)
    assert (again.status, again.result, again.ended_at) == (record.status, record.result, record.ended_at)


async def test_a_wait_that_runs_out_gives_the_current_job(dispatcher: Dispatcher, node: TestNode) -> None:
    record = await dispatcher.submit_and_wait(submission(), 0.01)
    assert record.status == "queued"
    node.start()
    assert (await dispatcher.wait(record.id, 10)).status == "finished"


async def test_a_thousand_wait_on_one_connection(dispatcher: Dispatcher, node: TestNode) -> None:
    node.start()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(dispatcher.submit_and_wait(submission(f"r{i % 10}"), 60)) for i in range(1000)]
    records = [task.result() for task in tasks]
    assert {record.status for record in records} == {"finished"}
    for device in range(10):
        sequences = sorted(record.seq for record in records if record.device == f"r{device}")
        assert sequences == list(range(1, 101))
    assert sorted(node.executed) == sorted(record.id for record in records)
    assert (await dispatcher.health()).waiting == 0


async def test_many_are_placed_evenly_and_refused_one_by_one(
    dispatcher: Dispatcher, redis_server: RedisServer, sealer: Sealer
) -> None:
    nodes = [TestNode(redis_server, sealer, name=f"n{i}", capacity=3) for i in (1, 2)]
    results = await dispatcher.submit_many([submission(f"r{i}") for i in range(7)])
    assert [type(result) for result in results] == [JobRecord] * 6 + [NoWorker]
    loads = {node.name: len(node.ownership.held()) for node in nodes}
    assert loads == {"n1": 3, "n2": 3}


async def test_many_wait_together(dispatcher: Dispatcher, node: TestNode) -> None:
    node.start()
    results = await dispatcher.submit_many_and_wait([submission(f"r{i % 3}") for i in range(30)], 30)
    assert all(isinstance(result, JobRecord) and result.status == "finished" for result in results)


async def test_idempotency(dispatcher: Dispatcher, node: TestNode) -> None:
    node.start()
    first = await dispatcher.submit_and_wait(submission(idempotency_key="k"), 10)
    again = await dispatcher.submit_and_wait(submission(idempotency_key="k"), 10)
    assert again.id == first.id
    with pytest.raises(IdempotencyConflict):
        await dispatcher.submit(submission(idempotency_key="k", commands=["reload"]))
    assert node.executed == [first.id]


async def test_an_idempotency_key_outlives_the_job(
    dispatcher: Dispatcher, node: TestNode, redis_client: redis.Redis
) -> None:
    """Results are kept for an hour by default, the key for a day: in between nothing may be done a second time."""
    node.start()
    first = await dispatcher.submit_and_wait(submission(idempotency_key="k", operation="change"), 10)
    redis_client.delete(keys.rq_job(first.id), keys.rq_results(first.id))  # as when its result_ttl has passed
    with pytest.raises(IdempotencyConflict, match=f"{first.id}.*not carried out again"):
        await dispatcher.submit(submission(idempotency_key="k", operation="change"))
    with pytest.raises(IdempotencyConflict, match=f"{first.id}.*not carried out again"):
        await dispatcher.submit_and_wait(submission(idempotency_key="k", operation="change"), 10)
    assert node.executed == [first.id]


async def test_listing_is_newest_first_filtered_and_paged(dispatcher: Dispatcher, node: TestNode) -> None:
    assert node.name
    ids = [(await dispatcher.submit(submission(f"r{i % 2}"))).id for i in range(25)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        jobs, cursor = await dispatcher.jobs(JobFilter(), limit=10, cursor=cursor)
        seen += [job.id for job in jobs]
        if cursor is None:
            break
    assert sorted(seen) == sorted(ids)
    assert len(seen) == len(ids)
    only, _ = await dispatcher.jobs(JobFilter(host="r1", status=JobStatus.QUEUED), limit=100)
    assert {job.device for job in only} == {"r1"}
    assert len(only) == 12
    assert (await dispatcher.jobs(JobFilter(status=JobStatus.FINISHED)))[0] == []
    too_large = base64.urlsafe_b64encode(b"9" * 400).decode()
    for made_up in ("rubbish", too_large):
        with pytest.raises(BadRequest, match="cursor"):
            await dispatcher.jobs(JobFilter(), cursor=made_up)


async def everything(dispatcher: Dispatcher, wanted: JobFilter, *, limit: int = 100) -> list[str]:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        jobs, cursor = await dispatcher.jobs(wanted, limit=limit, cursor=cursor)
        seen += [job.id for job in jobs]
        if cursor is None:
            return seen


async def test_a_host_s_jobs_are_those_of_all_its_devices(dispatcher: Dispatcher, node: TestNode) -> None:
    assert node.name
    devices = ["h", "h:2222", "core-1"]
    made = {name: [(await dispatcher.submit(submission(name, host="h"))).id for _ in range(3)] for name in devices}
    (other,) = [(await dispatcher.submit(submission("h2"))).id]
    at_host = [job for ids in made.values() for job in ids]
    assert sorted(await everything(dispatcher, JobFilter(host="h"), limit=2)) == sorted(at_host)
    for name in devices:
        assert sorted(await everything(dispatcher, JobFilter(device=name))) == sorted(made[name])
        assert sorted(await everything(dispatcher, JobFilter(queue=f"device:{name}"))) == sorted(made[name])
    assert sorted(await everything(dispatcher, JobFilter(host="h:2222"))) == sorted(made["h:2222"])
    assert sorted(await dispatcher.cancel(JobFilter(device="h:2222"))) == sorted(made["h:2222"])
    assert sorted(await dispatcher.cancel(JobFilter(host="h"))) == sorted(made["h"] + made["core-1"])
    assert await everything(dispatcher, JobFilter(status=JobStatus.QUEUED)) == [other]


async def test_cancelling_by_host_ends_all_of_thousands(dispatcher: Dispatcher, node: TestNode) -> None:
    assert node.name
    records = await dispatcher.submit_many([submission("h", ttl=3600) for _ in range(2500)])
    ids = {record.id for record in records if isinstance(record, JobRecord)}
    assert len(ids) == 2500
    assert set(await everything(dispatcher, JobFilter(host="h"), limit=1000)) == ids
    assert set(await dispatcher.cancel(JobFilter(host="h"))) == ids
    assert await everything(dispatcher, JobFilter(status=JobStatus.QUEUED)) == []


async def test_pages_of_jobs_of_one_millisecond(
    dispatcher: Dispatcher, node: TestNode, redis_client: redis.Redis
) -> None:
    assert node.name
    records = await dispatcher.submit_many([submission(f"r{i % 3}") for i in range(500)])
    ids = {record.id for record in records if isinstance(record, JobRecord)}
    redis_client.zadd(keys.JOBS, dict.fromkeys(ids, int(time.time() * 1000)))
    jobs, cursor = await dispatcher.jobs(JobFilter(), limit=499)
    assert len(jobs) == 499
    assert cursor is not None
    assert len(cursor) < 100
    assert len(await everything(dispatcher, JobFilter(), limit=7)) == 500
    assert set(await everything(dispatcher, JobFilter(), limit=7)) == ids


async def test_an_index_keeps_what_is_kept_and_no_more(
    dispatcher: Dispatcher, node: TestNode, redis_client: redis.Redis
) -> None:
    assert node.name
    first = [(await dispatcher.submit(submission("h"))).id for _ in range(120)]
    redis_client.delete(*(keys.rq_job(job) for job in first[:100]))
    for _ in range(81):
        await dispatcher.submit(submission("h"))
    assert redis_client.zcard(keys.device_jobs("h")) == 101
    assert redis_client.ttl(keys.device_jobs("h")) > 31 * 86400  # type: ignore[operator]


async def test_what_nobody_of_ours_wrote_hides_nothing(
    dispatcher: Dispatcher, node: TestNode, redis_client: redis.Redis
) -> None:
    job = (await dispatcher.submit(submission("h"))).id
    redis_client.set("rq:job:text", "x")
    redis_client.hset("rq:job:odd", mapping={"seq": "one", "status": "queued"})
    redis_client.hset("rq:job:state", mapping={"seq": "1", "status": "deferred"})
    redis_client.hset("rq:job:bytes", mapping={"seq": "1", "status": b"\xff", "created_at": b"\xfe"})
    members = dict.fromkeys((b"", b"a,b", b"text", b"odd", b"state", b"bytes"), 1.0)
    members |= {b"\xff\xfe\x00": 2e12, b"max": float("inf"), b"min": float("-inf")}
    for index in (keys.JOBS, keys.device_jobs("h")):
        redis_client.zadd(index, members)
    assert await everything(dispatcher, JobFilter(), limit=1) == [job]
    assert await everything(dispatcher, JobFilter(host="h")) == [job]
    assert redis_client.zrange(keys.JOBS, 0, -1) == [job.encode()]
    redis_client.sadd(keys.NODES, "ghost")
    redis_client.hset(keys.node("ghost"), mapping={"kind": "pinned", "capacity": "many"})
    redis_client.hset(keys.rq_worker("w"), mapping={"pid": "x"})
    assert [found.name for found in (await dispatcher._workers.nodes())] == [node.name]
    with pytest.raises(UnknownJob):
        await dispatcher.get("odd")


async def test_a_listing_carries_results(dispatcher: Dispatcher, node: TestNode) -> None:
    node.start()
    await dispatcher.submit_and_wait(submission(), 10)
    ((job,), cursor) = await dispatcher.jobs(JobFilter())
    assert job.result == {"type": 1, "retval": ["show clock"]}
    assert cursor is None


async def test_unknown_job(dispatcher: Dispatcher) -> None:
    with pytest.raises(UnknownJob):
        await dispatcher.get("none")
    with pytest.raises(UnknownJob):
        await dispatcher.cancel(JobFilter(id="none"))


async def test_cancel_queued_jobs(dispatcher: Dispatcher, node: TestNode) -> None:
    first = await dispatcher.submit(submission())
    second = await dispatcher.submit(submission())
    other = await dispatcher.submit(submission("r2"))
    assert await dispatcher.cancel(JobFilter(id=first.id, host="r2")) == []  # another device's: nothing is ended
    assert await dispatcher.cancel(JobFilter(id=first.id)) == [first.id]
    ended = await dispatcher.get(first.id)
    assert (ended.status, ended.error) == ("canceled", "job_canceled")
    with pytest.raises(Conflict):
        await dispatcher.cancel(JobFilter(id=first.id))
    assert await dispatcher.cancel(JobFilter(host="r1")) == [second.id]
    node.start()
    assert (await dispatcher.wait(other.id, 10)).status == "finished"
    assert node.executed == [other.id]


async def test_workers_are_listed(dispatcher: Dispatcher, node: TestNode) -> None:
    node.start()
    await dispatcher.submit_and_wait(submission("r1"), 10)
    await dispatcher.submit_and_wait(submission("r2"), 10)
    workers = await dispatcher.workers(WorkerFilter())
    assert [(w.name, w.kind, w.device, w.node) for w in workers] == [
        ("n1.1", "pinned", "r1", "n1"),
        ("n1.2", "pinned", "r2", "n1"),
    ]
    assert workers[0].counters["successful"] == 1
    assert [w.device for w in await dispatcher.workers(WorkerFilter(host="r2"))] == ["r2"]


async def test_health_counts_nodes(dispatcher: Dispatcher, node: TestNode) -> None:
    assert node.name
    health = await dispatcher.health()
    assert (health.redis, health.pinned_nodes, health.ready, health.capacity) == (True, 1, True, 10)


async def test_many_that_were_accepted_are_told_when_redis_goes_away(
    private_redis_server: RedisServer, sealer: Sealer
) -> None:
    """Else nobody would know which jobs there are, and the request would be repeated for all devices."""
    made = Dispatcher(Settings(redis=private_redis_server.settings), sealer, SCHEDULERS["greedy"], controller="c1")
    await made.start()
    node = TestNode(private_redis_server, sealer)
    try:
        asked = [submission("r1"), submission("r2")]
        waiting = asyncio.create_task(made.submit_many_and_wait(asked, 2))
        while len((await made.jobs(JobFilter()))[0]) < 2:  # noqa: ASYNC110  # the condition lies in Redis
            await asyncio.sleep(0.01)
        with private_redis_server.away():
            results = await waiting
        assert [result.id for result in results if isinstance(result, JobRecord)] == [one.id for one in asked]
    finally:
        node.close()
        await made.stop()


async def test_redis_away_and_back(private_redis_server: RedisServer, sealer: Sealer) -> None:
    """A waiter survives the outage; a submit during it says so and is not accepted."""
    made = Dispatcher(Settings(redis=private_redis_server.settings), sealer, SCHEDULERS["greedy"], controller="c1")
    await made.start()
    node = TestNode(private_redis_server, sealer)
    try:
        waiting = asyncio.create_task(made.submit_and_wait(submission(), 60))
        while not (await made.jobs(JobFilter()))[0]:  # noqa: ASYNC110  # the condition lies in Redis
            await asyncio.sleep(0.01)
        with private_redis_server.away():
            refused = submission()
            with pytest.raises(QueueUnavailable, match=f"whether job {refused.id} was accepted is not known"):
                await made.submit(refused)
            assert not (await made.health()).redis
        node.start()
        assert (await waiting).status == "finished"
    finally:
        node.close()
        await made.stop()


async def test_a_demoted_redis_that_is_promoted_again_is_heard(
    private_redis_server: RedisServer, sealer: Sealer
) -> None:
    """Sentinel can demote a primary that lives: whoever blocks in it gets an answer that is no lost connection."""
    made = Dispatcher(Settings(redis=private_redis_server.settings), sealer, SCHEDULERS["greedy"], controller="c1")
    await made.start()
    node = TestNode(private_redis_server, sealer)
    try:
        with private_redis_server.client() as operator:
            while not operator.info("clients")["blocked_clients"]:  # noqa: ASYNC110  # the condition lies in Redis
                await asyncio.sleep(0.01)
            operator.replicaof("127.0.0.1", "1")
            with pytest.raises(QueueUnavailable):
                await made.submit(submission())
            operator.replicaof("no", "one")
        node.start()
        job = submission(wait=True)
        reply = made.replies.expect(job.id)
        await made.submit(job)
        await asyncio.wait_for(reply, 30)  # None: told to look for itself, which is heard as well
        assert (await made.get(job.id)).status == "finished"
    finally:
        node.close()
        await made.stop()


async def test_sweeping_goes_on_after_redis_has_refused_to_write(
    private_redis_server: RedisServer, sealer: Sealer
) -> None:
    made = Dispatcher(Settings(redis=private_redis_server.settings), sealer, SCHEDULERS["greedy"], controller="c1")
    node = TestNode(private_redis_server, sealer)  # takes no orders: the job stays in its queue
    with private_redis_server.client() as operator:
        try:
            job = await made.submit(submission(ttl=0))
            operator.config_set("min-replicas-to-write", 1)
            await made.start()
            while "errorstat_NOREPLICAS" not in operator.info("errorstats"):  # noqa: ASYNC110  # lies in Redis
                await asyncio.sleep(0.01)
            operator.config_set("min-replicas-to-write", 0)
            assert (await made.wait(job.id, 30)).error == "job_expired"
        finally:
            node.close()
            await made.stop()


async def test_a_stream_of_replies_that_was_lost_is_made_anew(dispatcher: Dispatcher, node: TestNode) -> None:
    waiting = asyncio.create_task(dispatcher.submit_and_wait(submission(), 60))
    while not await dispatcher.client.exists(keys.replies("c1")):  # noqa: ASYNC110  # lies in Redis
        await asyncio.sleep(0.01)
    await dispatcher.client.delete(keys.replies("c1"))
    node.start()
    assert (await waiting).status == "finished"
    while not await dispatcher.client.exists(keys.replies("c1")):  # noqa: ASYNC110  # lies in Redis
        await asyncio.sleep(0.01)
    assert 0 < await dispatcher.client.ttl(keys.replies("c1")) <= KEPT


async def test_replies_that_have_been_read_leave_the_stream(dispatcher: Dispatcher, node: TestNode) -> None:
    node.start()
    many = [submission(f"r{number % 5}") for number in range(MOST_READ_ENTRIES + 20)]
    ended = await dispatcher.submit_many_and_wait(many, 30)
    assert {record.status for record in ended if isinstance(record, JobRecord)} == {"finished"}

    async def kept() -> int:
        return int(await dispatcher.client.xlen(keys.replies("c1")))

    # A hundred at a time, the rest when there is nothing to do; and what comes afterwards is heard.
    for _ in range(1200):
        if not await kept():
            break
        await asyncio.sleep(0.05)
    assert await kept() == 0
    assert (await dispatcher.submit_and_wait(submission("r1"), 10)).status == "finished"
    assert await kept() == 1
