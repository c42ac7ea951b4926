"""Which credentials may be tried where, by the record that all nodes share."""

from __future__ import annotations

import itertools
import os

import pytest
import redis
import redis.asyncio

from netpulse_broker.queueing.logins.ledger import TRIES, LoginLedger, Outcome, Suspension
from netpulse_broker.queueing.logins.suspensions import Suspensions
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.queueing.redis.worker_connection import Line, LineScripts
from tests.lab.redis_server import RedisServer

WRONG = {"username": "anna", "password": "Not-this-one-7"}
RIGHT = {"username": "anna", "password": "Opensesame-7"}
OVER = 0.001
"""Seconds of a time that ``let_pass`` waits for."""


class Workers:
    """All workers of all nodes, as far as the record sees them."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.line = Line(client)
        self.ledger = LoginLedger(LineScripts(self.line), Sealer([b"m" * 32]))
        self._numbers = itertools.count()

    def begin(self, proof: dict[str, str], device: str, *, lasts: float = 60.0) -> Suspension | str | None:
        """The name of the try, why it may not be, or None for waiting."""
        name = f"try-{next(self._numbers)}"
        answer = self.ledger.begin(self.ledger.digest(proof), device, name, lasts=lasts)
        return answer if isinstance(answer, Suspension) else name if answer else None

    def end(self, proof: dict[str, str], device: str, name: object, outcome: Outcome, *, first: float = 100.0) -> None:
        assert isinstance(name, str)
        self.ledger.end(self.ledger.digest(proof), device, name, outcome, first=first, longest=1000.0)

    def login(self, proof: dict[str, str], device: str, outcome: Outcome, **options: float) -> None:
        """A whole login."""
        self.end(proof, device, self.begin(proof, device), outcome, **options)

    def let_pass(self) -> None:
        """Until OVER has passed by Redis' clock."""
        begun = self.client.time()
        while self.client.time() <= (begun[0], begun[1] + 3000):  # type: ignore[index,operator]
            pass

    def bulk(self, proof: dict[str, str], devices: list[str], outcome: Outcome) -> tuple[int, int]:
        """Logins at once; how many were carried out, and how many at most together."""
        waiting, done, most = list(devices), 0, 0
        while waiting:
            begun = {device: self.begin(proof, device) for device in waiting}
            tries = {device: name for device, name in begun.items() if isinstance(name, str)}
            assert tries or all(isinstance(answer, Suspension) for answer in begun.values()), "nobody gets on"
            most = max(most, len(tries))
            for device, name in tries.items():
                self.end(proof, device, name, outcome)
            done += len(tries)
            waiting = [device for device, answer in begun.items() if answer is None]
        return done, most


@pytest.fixture
def workers(redis_server: RedisServer) -> object:
    client = redis_server.client()
    made = Workers(client)
    yield made
    made.line.close()
    client.close()


def devices(number: int, start: int = 0) -> list[str]:
    return [f"10.0.{n // 256}.{n % 256}:22" for n in range(start, start + number)]


def test_a_wrong_credential_is_tried_at_five_of_three_hundred_devices(workers: Workers) -> None:
    done, most = workers.bulk(WRONG, devices(300), "refused")
    assert done <= TRIES
    assert most <= TRIES
    done, _ = workers.bulk(RIGHT, devices(300), "accepted")
    assert done == 300, "another password is another credential"


def test_one_success_opens_the_way_for_all(workers: Workers) -> None:
    first = [workers.begin(RIGHT, device) for device in devices(20)]
    assert sum(answer is not None for answer in first) == TRIES
    workers.end(RIGHT, devices(1)[0], first[0], "accepted")
    assert all(isinstance(workers.begin(RIGHT, device), str) for device in devices(50, 20))


def test_what_is_no_refusal_holds_nobody_up(workers: Workers) -> None:
    done, most = workers.bulk(RIGHT, devices(30), "neither")
    assert (done, most) == (30, TRIES)


def test_a_device_that_refuses_is_left_alone_for_longer_each_time(workers: Workers) -> None:
    device = devices(1)[0]
    now = int(workers.client.time()[0])  # type: ignore[index]
    for times, seconds in ((1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (6, 1000)):
        workers.end(WRONG, device, f"late-{times}", "refused")
        suspended = workers.begin(WRONG, device)
        assert isinstance(suspended, Suspension)
        assert (suspended.where, suspended.refusals) == ("device", times)
        assert seconds <= suspended.until - now < seconds + 60
    assert isinstance(workers.begin(RIGHT, device), str)


def test_a_refusal_that_is_told_twice_counts_once(workers: Workers) -> None:
    device = devices(1)[0]
    for _ in range(2):
        workers.end(WRONG, device, "the-one", "refused")
    suspended = workers.begin(WRONG, device)
    assert isinstance(suspended, Suspension)
    assert suspended.refusals == 1


def test_who_runs_devices_of_his_own_keeps_nobody_from_others(workers: Workers) -> None:
    ours, his = devices(1)[0], devices(50, 100)
    workers.login(RIGHT, ours, "accepted")
    workers.bulk(RIGHT, his, "refused")
    new = workers.begin(RIGHT, devices(1, 200)[0])
    assert isinstance(new, Suspension)
    assert new.where == "new"
    for _ in range(TRIES):
        assert isinstance(workers.begin(RIGHT, ours), str)


def test_devices_that_do_not_end_logins_keep_nobody_from_others(workers: Workers) -> None:
    ours, his = devices(1)[0], devices(50, 100)
    workers.login(RIGHT, ours, "accepted")
    workers.login(RIGHT, his[0], "refused")
    while isinstance(workers.begin(RIGHT, his.pop()), str):
        assert his
    assert isinstance(workers.begin(RIGHT, ours), str)


def test_a_password_that_was_changed_at_the_aaa_server_is_tried_at_five(workers: Workers) -> None:
    known = devices(300)
    assert workers.bulk(RIGHT, known, "accepted")[0] == 300
    # What is under way is not stopped; the first refusal takes away what the successes have proved.
    workers.login(RIGHT, known[0], "refused")
    done, _ = workers.bulk(RIGHT, known[1:], "refused")
    assert 1 + done <= TRIES
    everywhere = workers.begin(RIGHT, known[299])
    assert isinstance(everywhere, Suspension)
    assert everywhere.where == "all"


def test_a_success_of_long_ago_proves_nothing(workers: Workers) -> None:
    workers.login(RIGHT, devices(1)[0], "accepted")
    digest = workers.ledger.digest(RIGHT)
    workers.client.hset(f"np:credential:{digest}", "proven", 1)
    assert sum(isinstance(workers.begin(RIGHT, device), str) for device in devices(20, 1)) == TRIES


def test_after_a_suspension_one_tries_for_all(workers: Workers) -> None:
    for device in devices(3):
        workers.login(WRONG, device, "refused", first=OVER)
    workers.let_pass()
    more = devices(20, 3)
    begun = {device: workers.begin(WRONG, device) for device in more}
    names = {device: name for device, name in begun.items() if isinstance(name, str)}
    assert len(names) == 1
    (device, name), *_ = names.items()
    workers.end(WRONG, device, name, "refused")
    again = workers.begin(WRONG, devices(1, 50)[0])
    assert isinstance(again, Suspension)
    assert again.where == "new"


def test_a_killed_workers_try_ends_by_itself(workers: Workers) -> None:
    for device in devices(TRIES):
        assert isinstance(workers.begin(RIGHT, device, lasts=OVER), str)
    workers.let_pass()
    assert isinstance(workers.begin(RIGHT, devices(1, 50)[0]), str)


async def test_suspensions_are_listed_and_reset(workers: Workers, redis_server: RedisServer) -> None:
    workers.bulk(WRONG, devices(10), "refused")
    digest = workers.ledger.digest(WRONG)
    client = redis.asyncio.Redis.from_url(redis_server.url)
    try:
        suspensions = Suspensions(client)
        (found,) = await suspensions.list()
        assert found["credential"] == digest
        assert found["new_devices"]
        assert found["everywhere"] is None
        assert {one["device"] for one in found["devices"]} <= set(devices(10))
        refusing = str(found["devices"][0]["device"])
        assert await suspensions.reset(device=refusing.partition(":")[0]) == 1
        assert refusing not in {one["device"] for one in (await suspensions.list())[0]["devices"]}
        assert await suspensions.reset(credential=digest) == len(found["devices"])
        assert await suspensions.list() == []
        assert isinstance(workers.begin(WRONG, refusing), str)
    finally:
        await client.aclose()


def test_redis_learns_no_password(workers: Workers) -> None:
    workers.bulk(WRONG, devices(10), "refused")
    kept = b" ".join(workers.client.dump(key) or b"" for key in workers.client.scan_iter("*"))
    assert WRONG["password"].encode() not in kept
    assert WRONG["username"].encode() not in kept
    other = LoginLedger(LineScripts(workers.line), Sealer([os.urandom(32)]))
    assert other.digest(WRONG) != workers.ledger.digest(WRONG), "without the master key nobody can try words"
