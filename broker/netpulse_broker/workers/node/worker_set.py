"""Which worker should be there: one per assigned device (pinned), or a fixed number (FIFO)."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from netpulse_broker.queueing.nodes.node_lease import NodeLease
from netpulse_broker.queueing.nodes.orders import Order
from netpulse_broker.queueing.nodes.ownership import Held, NodeOwnership
from netpulse_broker.states import WorkerState
from netpulse_broker.workers.node.children import Child, Children, Stage
from netpulse_broker.workers.node.process_identity import ProcessIdentity

log = structlog.get_logger(__name__)

FORGIVEN = 2
"""Workers of one device that may die one after the other, without ending a job, before the next one is delayed."""

FIRST_DELAY, LONGEST_DELAY = 0.5, 10.0
"""Seconds before the next worker after more deaths than that: doubled each time, at most."""

CALM = 60.0
"""Seconds without a death after which earlier ones are forgotten."""


class WorkerSet(Protocol):
    """What a kind of node does about its workers. Methods that speak to Redis raise redis errors; repeat them."""

    def begin(self) -> None:
        """The lease is held: account for what earlier processes of this node left behind, start what is due."""
        ...

    def obey(self, order: Order) -> None:
        """Carry out a ``start`` or ``stop_worker`` or ``stop_job`` order."""
        ...

    def born(self, child: Child) -> None:
        """A process is there: record it, and let it work."""
        ...

    def died(self, child: Child, *, replace: bool) -> None:
        """A process has ended: account for it, and replace it where that is due."""
        ...

    def tick(self) -> float:
        """Do what is due; seconds until something is due again."""
        ...

    def restore(self) -> None:
        """Redis may have lost records: write those of the living again."""
        ...

    def give_back_unborn(self) -> None:
        """No process can be made: let devices that wait for one be placed elsewhere."""
        ...


class Deaths:
    """Delays replacements where workers die again and again: a deadly job or plug-in must not heat the machine."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[str, tuple[int, float]] = {}

    def delay(self, name: str) -> float:
        """Count one more death; seconds before the replacement."""
        count, last = self._counts.get(name, (0, -math.inf))
        now = self._clock()
        count = 1 if now - last > CALM else count + 1
        self._counts[name] = (count, now)
        if count <= FORGIVEN:
            return 0.0
        return float(min(FIRST_DELAY * 2 ** (count - FORGIVEN - 1), LONGEST_DELAY))

    def forget_old(self) -> None:
        """Drop the counts of what has been calm."""
        now = self._clock()
        self._counts = {name: entry for name, entry in self._counts.items() if now - entry[1] <= CALM}


class PinnedWorkerSet:
    """One worker per device that is assigned to this node.

    Args:
        longest_job: seconds that a job may run at most; a left-over process that takes longer is ended.
    """

    def __init__(self, *, lease: NodeLease, ownership: NodeOwnership, children: Children, longest_job: float) -> None:
        self._lease = lease
        self._ownership = ownership
        self._children = children
        self._longest_job = longest_job
        self._incarnations = itertools.count(1)
        self._serving: dict[str, Child] = {}
        self._orphans: dict[Child, float] = {}
        self._deaths = Deaths()
        self._again: dict[str, float] = {}

    def begin(self) -> None:
        """See ``WorkerSet``. Devices whose process from before still lives are served again when it has ended."""
        for order in self._ownership.open_orders():
            self._ownership.order_done(order)  # of an earlier process; what it was about stands in the device records
        for held in self._ownership.abandoned():
            identity = ProcessIdentity(held.pid, held.started)
            if any(orphan.identity == identity for orphan in self._orphans):
                continue
            orphan = self._children.adopt_orphan(held.device, identity, token=held.token, worker=held.worker)
            if orphan is None:
                self._account(held.device, held.token, held.worker, replace=True)
                continue
            # It has read end of file: an idle one leaves at once, a busy one after its job.
            patience = self._longest_job + 30.0 if held.state == WorkerState.BUSY else 10.0
            log.info("orphan_found", device=held.device, pid=held.pid, state=held.state)
            self._orphans[orphan] = time.monotonic() + patience

    def obey(self, order: Order) -> None:
        """See ``WorkerSet``."""
        if order.operation == "start":
            self._start(order.device)
        elif order.operation in {"stop_worker", "stop_job"}:
            for child in self._matching(order):
                _stop(child, order)
        self._ownership.order_done(order)

    def _start(self, device: str) -> None:
        current = self._serving.get(device)
        if current is not None and current.stage is not Stage.DEAD:
            if current.stage is not Stage.SERVING or self._ownership.record(device).token == current.token:
                return  # the same order again
            # It has given the device back and is on its way out; the device was assigned anew.
            current.leaving = True
        self._serving[device] = self._children.order(device)

    def _matching(self, order: Order) -> list[Child]:
        if order.worker:  # more exact than the device, whose worker may be another one by now
            return [child for child in self._serving.values() if child.worker == order.worker]
        return [child for child in self._serving.values() if child.device == order.device]

    def born(self, child: Child) -> None:
        """See ``WorkerSet``."""
        if child.stage is not Stage.BORN or child.identity is None:
            return
        if not child.token:
            number = next(self._incarnations)
            child.token = self._lease.token(number)
            child.worker = f"{self._lease.node}.{child.device}.{self._lease.epoch}-{number}"
        if not _adopted(child, child.device, child.identity, self._ownership, self._children):
            log.warning("device_not_ours", device=child.device)

    def died(self, child: Child, *, replace: bool) -> None:
        """See ``WorkerSet``."""
        self._orphans.pop(child, None)
        if child.token and not self._account(child.device, child.token, child.worker, replace=replace):
            self._account_for_the_record(child, replace=replace)
        if self._serving.get(child.device) is child:
            if not child.recorded:
                # Perhaps never recorded as its device's worker: then the assignment itself has to be given back.
                self._account(child.device, self._lease.token(0), "", replace=replace)
            del self._serving[child.device]

    def _account_for_the_record(self, child: Child, *, replace: bool) -> None:
        """The device's record names another worker than the one that has ended.

        When Redis has come back with an older state, that is one of this lease that is long dead; nobody else would
        ever give the device back.
        """
        if self._serving.get(child.device) not in {None, child}:
            return  # the next worker is there, or about to be
        held = self._ownership.record(child.device)
        if held.token.startswith(self._lease.value + "|"):
            log.warning("record_outdated", device=held.device, worker=held.worker, ended=child.worker)
            self._account(held.device, held.token, held.worker, replace=replace)

    def _account(self, device: str, token: str, worker: str, *, replace: bool) -> bool:
        """End what the worker ran, and give the device back; False when it is not that worker's by now."""
        recovery = self._ownership.recover(device, token=token, worker=worker)
        if recovery is None:
            return False
        tell = log.warning if recovery.lost or recovery.requeued else log.info
        tell(
            "worker_ended",
            device=device,
            worker=worker,
            lost=recovery.lost,
            requeued=recovery.requeued,
            pending=recovery.pending,
        )
        if replace and recovery.pending:
            # A job that was lost is over: that is progress, however deadly. Without any, hurry would be a hot loop.
            self._again[device] = time.monotonic() + (0.0 if recovery.lost else self._deaths.delay(device))
        return True

    def tick(self) -> float:
        """See ``WorkerSet``: replacements that are due, left-over processes that take too long."""
        now = time.monotonic()
        for device, due in list(self._again.items()):
            if due <= now:
                if not self._ownership.place_again(device):
                    log.info("device_placed_elsewhere", device=device)
                del self._again[device]
        for orphan, until in list(self._orphans.items()):
            if until <= now:
                log.error("orphan_killed", device=orphan.device, pid=orphan.pid)
                orphan.kill()
                self._orphans[orphan] = math.inf
        self._deaths.forget_old()
        return max(min([*self._again.values(), *self._orphans.values()], default=math.inf) - now, 0.0)

    def give_back_unborn(self) -> None:
        """See ``WorkerSet``."""
        for device, child in list(self._serving.items()):
            if child.stage is Stage.ORDERED:
                self._account(device, self._lease.token(0), "", replace=False)
                del self._serving[device]
        self._children.forget_ordered()

    def restore(self) -> None:
        """See ``WorkerSet``."""
        recorded = {held.device: held.token for held in self._ownership.held()}
        for child in self._serving.values():
            if child.stage is Stage.SERVING and child.identity and not recorded.get(child.device):
                self._ownership.adopt(
                    child.device,
                    token=child.token,
                    pid=child.identity.pid,
                    started=child.identity.started,
                    worker=child.worker,
                )


class FifoWorkerSet:
    """A fixed number of workers of the FIFO queue.

    Args:
        processes: how many.
    """

    def __init__(self, *, lease: NodeLease, ownership: NodeOwnership, children: Children, processes: int) -> None:
        self._lease = lease
        self._ownership = ownership
        self._children = children
        self._processes = processes
        self._incarnations = itertools.count(1)
        self._orphans: set[Child] = set()
        self._deaths = Deaths()
        self._not_before = 0.0

    def begin(self) -> None:
        """See ``WorkerSet``. Left-over processes end by themselves; the full number is started beside them."""
        for order in self._ownership.open_orders():
            self._ownership.order_done(order)
        for held in self._ownership.held():
            identity = _identity_in(held)
            if any(orphan.identity == identity for orphan in self._orphans):
                continue
            orphan = self._children.adopt_orphan("", identity, token=held.token, worker=held.device)
            if orphan is None:
                self._account(held.device)
            else:
                self._orphans.add(orphan)
        self.tick()

    def obey(self, order: Order) -> None:
        """See ``WorkerSet``: a worker that is told to leave is replaced, so the number stays."""
        for child in self._children:
            if order.worker and child.worker == order.worker:
                _stop(child, order)
        self._ownership.order_done(order)

    def born(self, child: Child) -> None:
        """See ``WorkerSet``."""
        if child.stage is not Stage.BORN or child.identity is None:
            return
        if not child.token:
            child.token = self._lease.token(next(self._incarnations))
            # Pid and start time stand in the name: whoever finds it later can tell whether that process still lives.
            child.worker = f"{self._lease.node}.fifo.{child.identity.pid}-{child.identity.started}"
        _adopted(child, child.worker, child.identity, self._ownership, self._children)

    def died(self, child: Child, *, replace: bool) -> None:
        """See ``WorkerSet``."""
        if child.worker:
            self._account(child.worker)
        if child in self._orphans:
            self._orphans.discard(child)
            return
        if replace and not child.leaving:
            self._not_before = max(self._not_before, time.monotonic() + self._deaths.delay("fifo"))

    def _account(self, worker: str) -> None:
        recovery = self._ownership.recover(worker, token="", worker=worker)
        if recovery is not None and (recovery.lost or recovery.requeued):
            log.warning("worker_ended", worker=worker, lost=recovery.lost, requeued=recovery.requeued)

    def tick(self) -> float:
        """See ``WorkerSet``: keep the number full."""
        missing = self._processes - sum(1 for child in self._children if child not in self._orphans)
        if missing <= 0:
            return math.inf
        now = time.monotonic()
        if now < self._not_before:
            return self._not_before - now
        for _ in range(missing):
            self._children.order("")
        return math.inf

    def give_back_unborn(self) -> None:
        """See ``WorkerSet``. Its queue is everybody's: nothing waits for this pool."""

    def restore(self) -> None:
        """See ``WorkerSet``."""
        recorded = {held.device for held in self._ownership.held()}
        for child in self._children:
            if child.stage is Stage.SERVING and child.identity and child not in self._orphans:
                if child.worker in recorded:
                    continue
                self._ownership.adopt(
                    child.worker,
                    token=child.token,
                    pid=child.identity.pid,
                    started=child.identity.started,
                    worker=child.worker,
                )


def _stop(child: Child, order: Order) -> None:
    if order.operation == "stop_job":
        child.tell({"op": "stop_job", "job": order.job})
    else:
        child.leaving = True
        child.tell({"op": "exit"})


def _identity_in(held: Held) -> ProcessIdentity:
    """Pid and start time out of a FIFO worker's name; pid 0, which no process has, when they do not stand there."""
    pid, _, started = held.device.rpartition(".")[2].partition("-")
    known = pid.isdigit() and started.isdigit()
    return ProcessIdentity(int(pid), int(started)) if known else ProcessIdentity(0, 0)


def _adopted(child: Child, name: str, identity: ProcessIdentity, ownership: NodeOwnership, children: Children) -> bool:
    """Record a new process as the worker of that name and let it begin; False: another node has it, so it leaves."""
    if not ownership.adopt(name, token=child.token, pid=identity.pid, started=identity.started, worker=child.worker):
        children.abandon(child)
        return False
    child.recorded = True
    child.stage = Stage.SERVING
    child.tell({"op": "go", "token": child.token, "worker": child.worker})
    if child.leaving:
        child.tell({"op": "exit"})
    return True
