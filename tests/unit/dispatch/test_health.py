"""What nodes say of themselves, and what the broker's state is by that."""

from __future__ import annotations

from dataclasses import replace

from netpulse_broker.dispatch.health import LIVELOCKED_AFTER, MANY_LOSSES, judge, without_redis
from netpulse_broker.queueing.nodes.worker_index import NodeRecord

NODE = NodeRecord(
    name="n1",
    kind="pinned",
    capacity=10,
    load=3,
    draining=False,
    alive=True,
    hostname="h",
    pid=1,
    epoch=1,
    started_at=None,
    make_room_after=60.0,
    stalled=0.0,
    fork_server_losses=0,
    clock_skew=0.0,
    unfit="",
    loading=False,
)
FULL = replace(NODE, name="n2", load=10)
POOL = replace(NODE, name="f1", kind="fifo", capacity=4, load=4)


def test_all_is_well() -> None:
    health = judge([NODE, POOL], waiting=2)
    assert (health.condition, health.detail, health.ready, health.waiting) == ("ok", "", True, 2)
    assert (health.pinned_nodes, health.fifo_nodes, health.devices, health.capacity) == (1, 1, 3, 10)


def test_full_means_that_no_node_has_room() -> None:
    assert judge([NODE, FULL], waiting=0).condition == "ok"
    assert judge([FULL, replace(NODE, draining=True)], waiting=0).condition == "full"
    full = judge([FULL, POOL], waiting=0)
    assert full.condition == "full"
    assert full.ready
    assert "10 of 10 devices" in full.detail
    assert "NETPULSE_NODE__CAPACITY" in full.detail


def test_what_is_missing_or_fails_degrades() -> None:
    assert judge([], waiting=0).condition == "degraded"
    assert judge([POOL], waiting=0).detail == "no node runs"
    lost = judge([NODE, replace(FULL, alive=False)], waiting=0)
    assert (lost.condition, lost.capacity) == ("degraded", 10)
    assert "n2 has lost its lease" in lost.detail
    assert judge([replace(NODE, fork_server_losses=MANY_LOSSES - 1)], waiting=0).condition == "ok"
    failing = judge([replace(NODE, fork_server_losses=MANY_LOSSES)], waiting=0)
    assert failing.condition == "degraded"
    assert "n1 has lost 3 fork servers" in failing.detail


def test_a_node_that_does_not_come_forward_is_livelocked() -> None:
    assert judge([replace(NODE, stalled=LIVELOCKED_AFTER - 1)], waiting=0).condition == "ok"
    stuck = judge([replace(FULL, stalled=LIVELOCKED_AFTER), POOL], waiting=0)
    assert (stuck.condition, stuck.livelocked) == ("livelocked", ("n2",))
    assert "n2 has not come forward for 30 s" in stuck.detail
    # Its lease is gone: that is another matter.
    assert judge([NODE, replace(FULL, stalled=99.0, alive=False)], waiting=0).condition == "degraded"


def test_a_node_that_says_why_it_takes_no_devices() -> None:
    unfit = replace(NODE, name="n2", unfit="its clock is off", clock_skew=-900.0)
    some = judge([NODE, unfit], waiting=0)
    assert (some.condition, some.ready, some.nodes_clock_skew) == ("degraded", True, -900.0)
    assert "node n2 takes no devices: its clock is off" in some.detail
    assert not judge([unfit, POOL], waiting=0).ready
    assert (NODE.state, unfit.state, replace(unfit, alive=False).state) == ("ready", "unfit", "dead")


def test_a_controller_that_must_not_serve() -> None:
    health = judge([NODE], waiting=0, clock_skew=900.0, unfit="the clock of its machine is off")
    assert (health.condition, health.ready, health.clock_skew) == ("degraded", False, 900.0)
    assert "the clock of its machine is off" in health.detail


def test_without_redis_nothing_is_known() -> None:
    assert without_redis("gone", waiting=3).condition == "down"
