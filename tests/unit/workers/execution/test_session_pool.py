from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from netpulse_broker.workers.execution.session_pool import FreshSessions, SessionLimits, SessionPool
from netpulse_drivers import AuthenticationFailed, Call, InvalidArguments
from tests.unit.workers.scripted_driver import Device, arguments, scripted


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(clock: Clock) -> SessionPool:
    return SessionPool(SessionLimits(max_sessions=2, idle_limit=100, age_limit=1000), clock=clock)


def use(table: SessionPool, device: Device, **changes: object) -> int:
    opened = table.open(scripted_of(device), arguments(**changes), Call())
    table.give_back(opened)
    handle: int = opened.handle
    return handle


_classes: dict[int, type] = {}


def scripted_of(device: Device) -> type:
    return _classes.setdefault(id(device), scripted(device))


def test_the_same_login_is_the_same_session(table: SessionPool, device: Device) -> None:
    assert use(table, device) == use(table, device) == 1
    assert device.logins == 1


@pytest.mark.parametrize("changes", [{"keepalive": 7}, {"read_timeout": 9}, {"port": None}])
def test_what_does_not_matter_is_no_new_session(table: SessionPool, device: Device, changes: dict[str, object]) -> None:
    assert use(table, device) == use(table, device, **changes)


def test_changed_irrelevant_arguments_count_from_then_on(table: SessionPool, device: Device) -> None:
    use(table, device, keepalive=50)
    assert table.next_due() == 50
    use(table, device, keepalive=20)
    assert table.next_due() == 20
    assert device.logins == 1


@pytest.mark.parametrize("changes", [{"port": 2222}, {"device_type": "ios"}, {"secret": "other"}])
def test_what_matters_is_another_session(table: SessionPool, device: Device, changes: dict[str, object]) -> None:
    assert use(table, device) != use(table, device, **changes)
    assert len(table) == 2


def test_a_wrong_password_touches_no_session(table: SessionPool, device: Device) -> None:
    use(table, device)
    use(table, device, port=2222)
    with pytest.raises(AuthenticationFailed):
        use(table, device, password="wrong")
    assert device.closed == []
    assert len(table) == 2
    assert use(table, device) == 1


def test_the_longest_idle_one_makes_room(table: SessionPool, device: Device, clock: Clock) -> None:
    use(table, device, port=1)
    clock.now += 1
    use(table, device, port=2)
    clock.now += 1
    use(table, device, port=1)
    clock.now += 1
    use(table, device, port=3)
    assert device.closed == [2]
    assert use(table, device, port=1) == 1


def test_idle_and_age_limits(table: SessionPool, device: Device, clock: Clock) -> None:
    use(table, device, keepalive=0)
    assert table.next_due() == 100
    clock.now += 99
    table.upkeep()
    assert len(table) == 1
    clock.now += 1
    table.upkeep()
    assert len(table) == 0
    use(table, device, keepalive=0)
    for _ in range(11):
        clock.now += 90
        use(table, device, keepalive=0)
    assert device.logins == 2
    clock.now += 15
    # Too old now: the next job gets a new one.
    assert use(table, device, keepalive=0) == 3
    assert device.closed == [1, 2]


def test_keepalives_are_sent_when_due_and_the_dead_are_dropped(
    table: SessionPool, device: Device, clock: Clock
) -> None:
    use(table, device, keepalive=10)
    clock.now += 9
    table.upkeep()
    assert device.keepalives == 0
    clock.now += 1
    table.upkeep()
    assert device.keepalives == 1
    assert table.next_due() == 10
    device.dead.add(1)
    clock.now += 10
    table.upkeep()
    assert len(table) == 0
    assert device.closed == [1]


def test_a_session_known_to_be_dead_is_replaced(table: SessionPool, device: Device) -> None:
    use(table, device)
    device.dead.add(1)
    opened = table.open(scripted_of(device), arguments(), Call())
    assert (opened.handle, opened.reused) == (2, False)
    assert device.closed == [1]


def test_a_driver_that_fails_to_say_or_to_close_costs_only_its_session(clock: Clock, device: Device) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken plug-in")

    kind = scripted(device, is_alive=fail, disconnect=fail)
    table = SessionPool(SessionLimits(), clock=clock)
    table.give_back(table.open(kind, arguments(), Call()))
    opened = table.open(kind, arguments(), Call())
    assert opened.handle == 2


def test_a_driver_that_keeps_no_session(clock: Clock, device: Device) -> None:
    table = SessionPool(SessionLimits(), clock=clock)
    table.give_back(table.open(scripted(device, keeps_session=False), arguments(), Call()))
    assert len(table) == 0
    assert device.closed == [1]


def test_arguments_that_do_not_validate(table: SessionPool, device: Device) -> None:
    with pytest.raises(InvalidArguments) as caught:
        use(table, device, port="x", password="hidden-word")
    assert "hidden-word" not in str(caught.value.to_dict())


def test_the_key_reveals_nothing(device: Device) -> None:
    one, two = SessionPool(SessionLimits()), SessionPool(SessionLimits())
    keys = {table.open(scripted_of(device), arguments(), Call()).key for table in (one, two)}
    assert len(keys) == 2


class Litter:
    """Refers to itself, as a transport and its thread refer to each other."""

    def __init__(self) -> None:
        self.itself = self


@contextmanager
def collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("end", ["refused", "dropped", "fresh"])
def test_what_a_session_leaves_behind_is_freed_between_jobs(table: SessionPool, device: Device, end: str) -> None:
    left: list[weakref.ref[Litter]] = []
    device.on_connect = lambda: left.append(weakref.ref(Litter()))
    sessions = FreshSessions() if end == "fresh" else table
    with collector_off():
        if end == "refused":
            with suppress(AuthenticationFailed):
                sessions.open(scripted_of(device), arguments(password="wrong-password"), Call())
        else:
            sessions.drop(sessions.open(scripted_of(device), arguments(), Call()))
        (litter,) = left
        assert litter() is not None
        sessions.tidy()
        assert litter() is None


def test_between_jobs_without_a_loss_nothing_is_collected(table: SessionPool, device: Device) -> None:
    use(table, device)
    with collector_off():
        litter = weakref.ref(Litter())
        use(table, device)
        table.tidy()
        assert litter() is not None
    gc.collect()
