"""One way to write a time, whoever writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from netpulse_broker.api.routes.operations import _device_object, _node_object
from netpulse_broker.api.routes.session import _entry
from netpulse_broker.dispatch.interactive.listing import SessionRecord
from netpulse_broker.dispatch.operations import DeviceView, Pause
from netpulse_broker.queueing.nodes.worker_index import NodeRecord
from netpulse_broker.queueing.redis.times import now_iso, parse_time
from netpulse_broker.states import InteractiveState
from netpulse_broker.times import utc, utc_of

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
WRITTEN = "2026-01-02T03:04:05.678901+00:00"


def test_times_are_written_in_utc_with_the_offset() -> None:
    assert utc(MOMENT) == utc(MOMENT.astimezone(timezone(timedelta(hours=9)))) == WRITTEN
    assert utc_of(MOMENT.timestamp()) == WRITTEN
    assert utc(None) is None
    assert str(utc(parse_time(now_iso()))).endswith("+00:00")


def test_devices_nodes_and_sessions_write_them_as_jobs_do() -> None:
    view = DeviceView(device="r1", since=MOMENT, running="j", started_at=MOMENT, pause=Pause(MOMENT, "key"))
    shown = _device_object(view)
    assert (shown["since"], shown["paused"]["since"], shown["running"]["started_at"]) == (WRITTEN, WRITTEN, WRITTEN)
    node = NodeRecord(
        name="n", kind="pinned", capacity=1, load=0, draining=False, alive=True, hostname="h", pid=1, epoch=1,
        started_at=MOMENT, make_room_after=0.0, stalled=0.0, fork_server_losses=0,
        clock_skew=0.0, unfit="", loading=False,
    )  # fmt: skip
    assert _node_object(node)["started_at"] == WRITTEN
    moment = MOMENT.timestamp()
    entry = _entry(
        SessionRecord(
            id="s", device="r1", host="r1", owner="key", state=InteractiveState.OPEN, worker="w", since=moment,
            granted=moment, last_heartbeat=moment, exchanges=0, remaining=None,
        )
    )  # fmt: skip
    assert {entry[name] for name in ("since", "granted", "last_heartbeat")} == {WRITTEN}
