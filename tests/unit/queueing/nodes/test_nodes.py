from __future__ import annotations

import json
import os
from typing import Any

import pytest
import redis

from netpulse_broker.queueing.jobs.worker_queue import WorkerQueue
from netpulse_broker.queueing.nodes.node_lease import NodeLease, NodeNameTaken
from netpulse_broker.queueing.nodes.orders import Order
from netpulse_broker.queueing.nodes.ownership import NodeOwnership
from netpulse_broker.queueing.nodes.sweeper import Sweeper
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.times import now_iso
from tests.unit.queueing.conftest import Queue


class Clock:
    """Monotonic seconds that a test turns by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def lease(client: redis.Redis, *, node: str = "n1", ttl: float = 10) -> NodeLease:
    return NodeLease(client, node=node, kind="pinned", capacity=2, ttl=ttl)


def sweeper(client: redis.Redis) -> Sweeper:
    """One that trusts a server which was started a moment ago."""
    return Sweeper(client, lease_ttl=-1)


def test_one_name_one_node(redis_client: redis.Redis) -> None:
    first = lease(redis_client)
    assert first.acquire() == 1
    with pytest.raises(NodeNameTaken, match="n1") as caught:
        lease(redis_client).acquire()
    assert caught.value.pid == os.getpid()
    assert lease(redis_client).acquire(dead_lease=first.value) == 2
    assert first.renew() == "lost"


def test_a_passed_lease_is_taken_again_with_the_same_epoch(redis_client: redis.Redis) -> None:
    held = lease(redis_client)
    held.acquire()
    assert held.renew() == "held"
    redis_client.delete(keys.lease("n1"))
    assert held.renew() == "retaken"
    assert held.epoch == 1
    redis_client.flushall()
    assert held.renew() == "retaken"
    assert redis_client.sismember(keys.NODES, "n1")


def test_giving_back_forgets_the_node_but_not_its_epoch(redis_client: redis.Redis) -> None:
    held = lease(redis_client)
    held.acquire()
    held.release()
    assert not redis_client.sismember(keys.NODES, "n1")
    assert lease(redis_client).acquire() == 2


def test_a_successor_keeps_its_lease_when_the_old_one_is_given_back(redis_client: redis.Redis) -> None:
    old = lease(redis_client)
    old.acquire()
    new = lease(redis_client)
    new.acquire(dead_lease=old.value)
    old.release()
    assert new.renew() == "held"


def test_orders_survive_until_they_are_done(redis_client: redis.Redis) -> None:
    held = lease(redis_client)
    held.acquire()
    ownership = NodeOwnership(redis_client, held)
    redis_client.rpush(keys.orders("n1"), Order.encode("start", device="r1"), "rubbish")
    order = ownership.next_order(0.1)
    assert order is not None
    assert (order.operation, order.device) == ("start", "r1")
    assert [o.device for o in ownership.open_orders()] == ["r1"]
    ownership.order_done(order)
    assert ownership.open_orders() == []
    rubbish = ownership.next_order(0.1)
    assert rubbish is not None
    assert rubbish.operation == ""
    assert ownership.next_order(0.01) is None


def test_a_node_takes_no_more_devices_than_it_has_room_for(redis_client: redis.Redis) -> None:
    held = lease(redis_client)
    held.acquire()
    ownership = NodeOwnership(redis_client, held)
    assert [ownership.place_again(device) for device in ("r1", "r2", "r3")] == [True, True, False]


def test_a_draining_node_takes_none(redis_client: redis.Redis) -> None:
    held = lease(redis_client)
    held.acquire()
    held.drain()
    assert not NodeOwnership(redis_client, held).place_again("r1")


def test_a_dead_node_is_buried_and_its_jobs_accounted_for(queue: Queue) -> None:
    worker = queue.worker("r1")
    queue.worker("r2")
    running, _ = queue.submit("r1")
    waiting, _ = queue.submit("r1")
    assert worker.claim() is not None
    assert sweeper(queue.client).sweep().dead_nodes == {}
    queue.client.delete(keys.lease("n1"))
    done = sweeper(queue.client).sweep()
    assert {node: sorted(devices) for node, devices in done.dead_nodes.items()} == {"n1": ["r1", "r2"]}
    assert done.lost == [running]
    assert done.unplaced == ["r1"]
    assert queue.job(running).outcome == "unknown"
    assert queue.job(waiting).status == "queued"
    assert queue.lease.renew() == "lost"
    assert sweeper(queue.client).sweep().dead_nodes == {}


def test_nobody_is_declared_dead_just_after_redis_came_up(queue: Queue) -> None:
    queue.worker("r1")
    queue.client.delete(keys.lease("n1"))
    assert Sweeper(queue.client, lease_ttl=10_000).sweep().dead_nodes == {}
    assert queue.lease.renew() == "retaken"


def test_nobody_is_declared_dead_by_a_sweeper_that_was_suspended(queue: Queue) -> None:
    queue.worker("r1")
    clock = Clock()
    watcher = Sweeper(queue.client, lease_ttl=0.0001, clock=clock)
    while not queue.client.info("server")["uptime_in_seconds"]:
        pass
    watcher.sweep()
    clock.now += 60
    queue.client.delete(keys.lease("n1"))
    assert watcher.sweep().dead_nodes == {}
    clock.now += 0.0001
    assert "n1" in watcher.sweep().dead_nodes


def test_a_dead_fifo_worker_s_job_ends_as_unknown(queue: Queue) -> None:
    pool = NodeLease(queue.client, node="f1", kind="fifo", capacity=1, ttl=10)
    pool.acquire()
    ownership = NodeOwnership(queue.client, pool)
    token = pool.token(1)
    assert ownership.adopt("f1.1", token=token, pid=os.getpid(), started=1, worker="f1.1")
    job_id, _ = queue.submit(strategy="fifo")
    source = WorkerQueue(queue.client, queue.sealer, queue="fifo", token=token, worker="f1.1", node="f1")
    assert source.wait(1)
    assert source.claim() is not None
    recovery = ownership.recover("f1.1", token=token, worker="f1.1")
    assert recovery is not None
    assert recovery.lost == [job_id]
    assert queue.job(job_id).outcome == "unknown"


def test_a_change_takes_its_turn_in_the_device_s_order_whatever_the_strategy(queue: Queue) -> None:
    queue.worker("r1")
    _, _ = queue.submit(strategy="fifo", operation="change")
    assert queue.client.llen(keys.rq_queue("device:r1")) == 1
    assert queue.client.llen(keys.rq_queue("fifo")) == 0


def test_room_is_made_by_devices_that_nobody_needs(queue: Queue) -> None:
    for device in ("oldest", "waits", "changed", "newest"):
        queue.worker(device)
    queue.submit("waits")
    queue.client.hset(keys.commits("changed"), "c1", json.dumps({"state": "pending"}))
    queue.client.hset(keys.commits("newest"), "c2", json.dumps({"state": "confirmed"}))

    def make_room(wanted: int, *, since: str = "9") -> int:
        names = [keys.node_devices("n1"), keys.lease("n1"), keys.orders("n1")]
        return int(queue.scripts("make_room", keys=names, args=[wanted, since, now_iso(), "2000"]))

    assert make_room(1, since="2000") == 0
    assert make_room(1) == 1
    assert make_room(5) == 1  # who was asked is not asked again
    assert make_room(5) == 0
    waiting: list[Any] = queue.client.lrange(keys.orders("n1"), 0, -1)
    orders = [Order.decode(raw) for raw in waiting]
    assert [(order.operation, order.device) for order in orders] == [
        ("stop_worker", "oldest"),
        ("stop_worker", "newest"),
    ]
    assert all(order.worker for order in orders)


def test_a_node_without_a_lease_makes_no_room(queue: Queue) -> None:
    queue.worker("r1")
    queue.client.delete(keys.lease("n1"))
    names = [keys.node_devices("n1"), keys.lease("n1"), keys.orders("n1")]
    assert queue.scripts("make_room", keys=names, args=[1, "9", now_iso(), "2000"]) == 0
