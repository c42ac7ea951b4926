"""The node daemon: holds the lease of one node name, and the processes that work under it.

It never speaks to a device. Its threads (lease, orders, sweeper) put letters into an inbox; everything else happens in
one loop: processes are born and die, orders are carried out, the dead are accounted for, the end is brought about.
"""

from __future__ import annotations

import math
import signal
import time
from collections import deque
from collections.abc import Callable
from types import FrameType

import redis
import structlog

from netpulse_broker.queueing.nodes.lease_clock import LeaseClock
from netpulse_broker.queueing.nodes.node_lease import NodeLease, NodeNameTaken, NodeReport, boot_id
from netpulse_broker.queueing.nodes.ownership import NodeOwnership
from netpulse_broker.queueing.nodes.sweeper import Sweeper
from netpulse_broker.queueing.redis.clock import boottime, too_skewed
from netpulse_broker.queueing.redis.connection import Lost, check_server, connect
from netpulse_broker.settings import Settings
from netpulse_broker.workers.node.children import Child, Children, Event, Stage
from netpulse_broker.workers.node.file_limits import make_room
from netpulse_broker.workers.node.inbox import Inbox, LeaseLost, LeaseRetaken, Letter, Ordered, Quit, Withdrawn
from netpulse_broker.workers.node.process_identity import ProcessIdentity
from netpulse_broker.workers.node.progress import Progress
from netpulse_broker.workers.node.threads import NodeThread, lease_keeper, order_reader, sweeping
from netpulse_broker.workers.node.worker_set import FifoWorkerSet, PinnedWorkerSet, WorkerSet
from netpulse_broker.workers.node.worker_spec import Boot
from netpulse_drivers import QueueStrategy

log = structlog.get_logger(__name__)

EXIT_OK = 0
EXIT_NAME_TAKEN = 3

KILL_SHARE = 0.9
"""Share of the shutdown grace after which processes that are still there are killed."""

STOP_SHARE = 0.75
"""Share of the shutdown grace after which running jobs are stopped."""


class NodeDaemon:
    """One node: ``run()`` blocks until it has ended.

    Args:
        kind: pinned (a worker per device) or fifo (a pool).
        ping_every, silent_after: see ``Children``.
    """

    def __init__(
        self, settings: Settings, *, kind: QueueStrategy, ping_every: float = 5.0, silent_after: int = 6
    ) -> None:
        self._settings = settings
        self._kind = kind
        self._ping_every = ping_every
        self._silent_after = silent_after
        fifo = kind == "fifo"
        self._name = settings.fifo.name if fifo else settings.node.name
        self._client = connect(settings.redis)
        self._lease = NodeLease(
            connect(settings.redis),
            node=self._name,
            kind=kind,
            capacity=settings.fifo.processes if fifo else settings.node.capacity,
            ttl=settings.node.lease_ttl,
            make_room_after=0.0 if fifo else settings.node.make_room_after,
        )
        self._ownership = NodeOwnership(self._client, self._lease)
        self._clock = LeaseClock.create()
        self._inbox = Inbox()
        self._progress = Progress()
        self._quits = 0

    def run(self) -> int:
        """Acquire the lease and serve until a signal asks for the end.

        Returns:
            0 after an orderly end, 3 when another live process has this node's name.

        Raises:
            QueueUnavailable: Redis is too old, or holds another version's data.
        """
        make_room(self._lease.capacity)
        restore = self._take_signals()
        try:
            if not self._reach_redis():
                return EXIT_OK
            return self._work()
        finally:
            restore()
            self._inbox.close()

    def _reach_redis(self) -> bool:
        """Wait for Redis, however long that takes; False when a signal asked for the end before."""
        said = False
        while not self._quits:
            try:
                check_server(self._client)
            except Lost as error:
                if not said:
                    log.warning("redis_awaited", node=self._name, error=f"{type(error).__name__}: {error}")
                said = True
                time.sleep(0.25)
            else:
                return True
        return False

    def _work(self) -> int:
        boot = Boot(settings=self._settings, kind=self._kind, node=self._name)
        children = Children(
            boot,
            self._clock,
            ping_every=self._ping_every,
            silent_after=self._silent_after,
            progress=self._progress,
        )
        children.listen(self._inbox.socket)
        children.warm_up()  # while the lease is being taken
        try:
            return self._serve(children)
        finally:
            children.close(patience=5.0)

    def _serve(self, children: Children) -> int:
        while True:
            try:
                self._acquire()
            except NodeNameTaken as error:
                log.critical("node_name_taken", error=str(error))
                return EXIT_NAME_TAKEN
            except Lost:
                if self._reach_redis():
                    continue
                return EXIT_OK
            if self._hold(children):
                return EXIT_OK

    # -- the lease --------------------------------------------------------------------------------------------------

    def _acquire(self) -> None:
        """Take the lease; that of a process of this machine that is proven dead at once, another's when it has passed.

        Raises:
            NodeNameTaken: somebody goes on holding it.
        """
        give_up = time.monotonic() + self._settings.node.lease_ttl + 1.0
        dead = ""
        while True:
            skew = self._lease.measure_clock()
            state = NodeReport(
                clock_skew=round(skew, 1),
                unfit=too_skewed(skew, self._settings.redis.max_clock_skew),
                loading=int(self._progress.loading),
            )
            sent = boottime()
            try:
                epoch = self._lease.acquire(state, dead_lease=dead)
            except NodeNameTaken as taken:
                if taken.boot_id == boot_id() and ProcessIdentity.of(taken.pid) is None and taken.lease != dead:
                    dead = taken.lease
                    continue
                if time.monotonic() > give_up or self._quits:
                    raise
                time.sleep(0.2)
            else:
                self._clock.extend(sent + self._lease.ttl)
                log.info("node_ready", node=self._name, kind=self._kind, epoch=epoch)
                return

    def _hold(self, children: Children) -> bool:
        """Work under the lease. True: ended in good order. False: the lease was lost and no worker lives any more."""
        tenure = _Tenure(
            lease=self._lease,
            ownership=self._ownership,
            children=children,
            roster=self._make_roster(children),
            inbox=self._inbox,
            grace=self._settings.shutdown_grace,
        )
        threads = [
            lease_keeper(
                self._lease,
                self._clock,
                self._inbox,
                every=self._settings.node.lease_renew,
                progress=self._progress,
                max_clock_skew=self._settings.redis.max_clock_skew,
            ),
            order_reader(NodeOwnership(connect(self._settings.redis), self._lease), self._inbox),
            sweeping(Sweeper(connect(self._settings.redis), lease_ttl=self._settings.node.lease_ttl)),
        ]
        for thread in threads:
            thread.start()
        try:
            orderly = tenure.serve(lambda: self._quits)
        finally:
            _end(threads)
        if orderly:
            self._release()
        return orderly

    def _release(self) -> None:
        try:
            self._lease.release()
        except redis.RedisError as error:
            log.warning("lease_not_released", error=str(error))  # it passes by itself

    def _make_roster(self, children: Children) -> WorkerSet:
        if self._kind == "fifo":
            return FifoWorkerSet(
                lease=self._lease, ownership=self._ownership, children=children, processes=self._settings.fifo.processes
            )
        return PinnedWorkerSet(
            lease=self._lease, ownership=self._ownership, children=children, longest_job=self._settings.jobs.max_timeout
        )

    def _take_signals(self) -> Callable[[], None]:
        def quit_requested(_number: int, _frame: FrameType | None) -> None:
            self._quits += 1
            self._inbox.put(Quit())

        before = {number: signal.signal(number, quit_requested) for number in (signal.SIGTERM, signal.SIGINT)}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        return restore


class _Tenure:
    """The time between acquiring and giving back (or losing) the lease."""

    def __init__(
        self,
        *,
        lease: NodeLease,
        ownership: NodeOwnership,
        children: Children,
        roster: WorkerSet,
        inbox: Inbox,
        grace: float,
    ) -> None:
        self._lease = lease
        self._ownership = ownership
        self._children = children
        self._roster = roster
        self._inbox = inbox
        self._grace = grace
        self._todo: deque[Callable[[], None]] = deque([roster.begin])
        self._lost = False
        self._end_since = math.inf
        self._stopped_jobs = False

    @property
    def _ending(self) -> bool:
        return self._end_since < math.inf

    def serve(self, quits: Callable[[], int]) -> bool:
        """The loop. True: ended in good order; False: the lease was lost, all workers have been ended."""
        timeout = 0.0
        while True:
            for event in self._children.poll(timeout):
                self._todo.append(self._reaction(event))
            for letter in self._inbox.take():
                self._read(letter)
            if self._lost:
                self._end_all()
                return False
            if quits():
                self._begin_end()
            reached = self._work_off()
            timeout = min(self._next_due(), 1.0) if reached else 0.25
            if self._ending:
                self._push_end(now=quits() > 1)
                if not len(self._children) and not self._todo:
                    self._leave_nothing()
                    return True

    def _reaction(self, event: Event) -> Callable[[], None]:
        if event.kind == "born":
            return lambda: self._roster.born(event.child)
        return lambda: self._roster.died(event.child, replace=not self._ending)

    def _read(self, letter: Letter) -> None:
        match letter:
            case LeaseLost():
                self._lost = True
            case LeaseRetaken():
                log.warning("lease_retaken")
                self._todo.append(self._roster.restore)
            case Ordered(order):
                if order.operation == "drain":
                    self._todo.append(lambda: self._ownership.order_done(order))
                    self._begin_end()
                elif self._ending and order.operation == "start":
                    pass  # the device is given back at the end
                else:
                    self._todo.append(lambda: self._roster.obey(order))
            case Withdrawn():
                self._todo.append(self._roster.give_back_unborn)
            case Quit():
                pass

    def _work_off(self) -> bool:
        """Do what has come up, in order; False when Redis is away and the rest has to wait."""
        while self._todo:
            try:
                self._todo[0]()
            except redis.RedisError as error:
                log.debug("node_waits", error=str(error))
                return False
            self._todo.popleft()
        return True

    def _next_due(self) -> float:
        if self._ending:
            return 0.2
        try:
            return self._roster.tick()
        except redis.RedisError as error:
            log.debug("node_waits", error=str(error))
            return 0.25

    # -- the end ----------------------------------------------------------------------------------------------------

    def _begin_end(self) -> None:
        if self._ending:
            return
        self._end_since = time.monotonic()
        log.info("node_ends", children=len(self._children))
        self._todo.append(self._lease.drain)
        self._children.forget_ordered()
        for child in self._children:
            child.leaving = True
            child.tell({"op": "exit"})

    def _push_end(self, *, now: bool) -> None:
        """Give running jobs their time, then stop them, then end what is still there."""
        spent = math.inf if now else time.monotonic() - self._end_since
        if spent >= self._grace * STOP_SHARE and not self._stopped_jobs:
            self._stopped_jobs = True
            for child in self._children:
                child.tell({"op": "stop_running"})
        if spent >= self._grace * KILL_SHARE:
            for child in self._children:
                child.kill()

    def _leave_nothing(self) -> None:
        """Devices that were assigned and never started: give them back, so that their work is placed elsewhere."""
        try:
            for held in self._ownership.held():
                self._ownership.recover(held.device, token=held.token, worker=held.worker)
        except redis.RedisError as error:
            log.warning("devices_not_given_back", error=str(error))  # a sweeper does it when the lease has passed

    def _end_all(self) -> None:
        """The lease is lost: end all workers before anything else, and see them gone."""
        log.error("lease_lost", children=len(self._children))
        self._children.forget_ordered()
        doomed: list[Child] = [child for child in self._children if not child.orphan]
        for child in doomed:
            child.kill()
        while any(child.stage is not Stage.DEAD for child in doomed):
            self._children.poll(1.0)
        self._children.forget_orphans()  # whoever holds the lease next looks for them anew


def _end(threads: list[NodeThread]) -> None:
    for thread in threads:
        thread.stop()
    for thread in threads:
        thread.join(10.0)


def run_node(settings: Settings) -> int:
    """Run a node worker in this process's main thread until SIGTERM or SIGINT; the exit code."""
    return NodeDaemon(settings, kind="pinned").run()


def run_fifo(settings: Settings) -> int:
    """Run a FIFO pool in this process's main thread until SIGTERM or SIGINT; the exit code."""
    return NodeDaemon(settings, kind="fifo").run()
