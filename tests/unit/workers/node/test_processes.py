from __future__ import annotations

import os
import select
import subprocess
import sys

from netpulse_broker.workers.node import ipc
from netpulse_broker.workers.node.fork_client import LONGEST_LOOK, Silence
from netpulse_broker.workers.node.inbox import Inbox, LeaseLost, Quit
from netpulse_broker.workers.node.process_identity import ProcessIdentity
from netpulse_broker.workers.node.progress import MOST_FAILURES, NO_STALL, OF_LATE, UNREADY, Progress
from netpulse_broker.workers.node.worker_set import CALM, FORGIVEN, LONGEST_DELAY, Deaths


def test_a_process_is_known_by_pid_and_start_time() -> None:
    own = ProcessIdentity.of(os.getpid())
    assert own is not None
    assert own.alive()
    assert not ProcessIdentity(own.pid, own.started + 1).alive()
    assert ProcessIdentity(own.pid, own.started + 1).watch() is None
    assert not ProcessIdentity(0, 0).alive()


def test_a_dead_process_that_is_not_reaped_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        identity = ProcessIdentity.of(process.pid)
        assert identity is not None
        pidfd = identity.watch()
        assert pidfd is not None
        assert process.stdin is not None
        process.stdin.close()
        assert select.select([pidfd], [], [], 15)[0]
        os.close(pidfd)
        assert ProcessIdentity.of(process.pid) is None
        assert not identity.alive()


def test_messages_keep_their_boundaries_and_carry_descriptors() -> None:
    ours, theirs = ipc.pair()
    with ours, theirs:
        reader, writer = os.pipe()
        ipc.send(ours, {"op": "one"}, fds=(writer,))
        ipc.send(ours, {"op": "two"})
        os.close(writer)
        first = ipc.receive(theirs)
        assert first is not None
        message, (passed,) = first
        assert message == {"op": "one"}
        assert not os.get_inheritable(passed)
        os.write(passed, b"x")
        assert os.read(reader, 1) == b"x"
        assert ipc.receive(theirs) == ({"op": "two"}, [])
        os.close(passed)
        os.close(reader)
        ours.close()
        assert ipc.receive(theirs) is None


def test_letters_make_the_inbox_readable() -> None:
    inbox = Inbox()
    assert not select.select([inbox.socket], [], [], 0)[0]
    inbox.put(LeaseLost())
    inbox.put(Quit())
    assert select.select([inbox.socket], [], [], 5)[0]
    assert inbox.take() == [LeaseLost(), Quit()]
    assert not select.select([inbox.socket], [], [], 0)[0]
    assert inbox.take() == []
    inbox.close()


def test_replacements_are_delayed_where_workers_keep_dying() -> None:
    now = [0.0]
    deaths = Deaths(clock=lambda: now[0])
    delays = [deaths.delay("r1") for _ in range(10)]
    assert delays[:FORGIVEN] == [0.0] * FORGIVEN
    assert delays[FORGIVEN:] == sorted(delays[FORGIVEN:])
    assert delays[-1] == LONGEST_DELAY
    assert deaths.delay("r2") == 0.0
    now[0] += CALM + 1
    deaths.forget_old()
    assert deaths.delay("r1") == 0.0


def test_silence_is_what_was_listened_to() -> None:
    now = [100.0]
    silence = Silence(clock=lambda: now[0])
    for _ in range(20):
        now[0] += 0.25
        heard = silence.after_a_look()
    assert heard == 5.0
    # Held up by something else for a long time: one look is no proof of a long silence.
    now[0] += 3600.0
    assert silence.after_a_look() == 5.0 + LONGEST_LOOK
    silence.broken()
    assert silence.after_a_look() == 0.0
    now[0] += 0.5
    assert silence.after_a_look() == 0.5


def test_a_node_stalls_when_it_has_something_to_do_and_nothing_comes_of_it() -> None:
    now = [0.0]
    progress = Progress(clock=lambda: now[0])

    def turns(seconds: int, *, ordered: int, making: bool = False) -> None:
        for _ in range(seconds):
            now[0] += 1.0
            progress.turn(ordered=ordered, made=int(now[0]) if making else 0)

    turns(60, ordered=0)
    assert progress.stalled() == 0.0
    turns(60, ordered=400, making=True)
    assert progress.stalled() == 0.0
    turns(60, ordered=400)
    assert progress.stalled() >= 59.0
    turns(1, ordered=0)
    assert progress.stalled() == 0.0
    now[0] += NO_STALL + 1  # the loop itself hangs
    assert progress.stalled() == NO_STALL + 1


def test_losses_of_fork_servers_are_forgotten() -> None:
    now = [0.0]
    progress = Progress(clock=lambda: now[0])
    progress.lost_fork_server()
    progress.lost_fork_server()
    assert progress.losses() == 2
    now[0] += OF_LATE + 1
    assert progress.losses() == 0


def test_a_node_is_unfit_when_fork_servers_fail_in_a_row_or_none_becomes_ready() -> None:
    now = [0.0]
    progress = Progress(clock=lambda: now[0])
    told: list[bool] = []
    progress.on_ready = lambda: told.append(progress.loading)
    progress.turn(ordered=0, made=0, ready=False)
    assert progress.loading
    assert told == []
    for _ in range(MOST_FAILURES):
        assert progress.unfit() == ""
        progress.lost_fork_server()
    assert "does not start" in progress.unfit()
    progress.turn(ordered=0, made=0, ready=True)
    assert (progress.unfit(), progress.loading, told) == ("", False, [False])
    progress.turn(ordered=0, made=0, ready=False)
    assert (progress.unfit(), told) == ("", [False, True])
    now[0] += UNREADY + 1
    assert "does not start" in progress.unfit()
