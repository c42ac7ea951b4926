"""The child processes of a node: ordered from the fork server, watched by pidfd, spoken to over a socket each."""

from __future__ import annotations

import itertools
import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

import structlog

from netpulse_broker.queueing.nodes.lease_clock import LeaseClock
from netpulse_broker.workers.node import ipc
from netpulse_broker.workers.node.fork_client import ForkClient, ForkServerGone, drop_descriptors
from netpulse_broker.workers.node.process_identity import ProcessIdentity
from netpulse_broker.workers.node.progress import Progress
from netpulse_broker.workers.node.worker_spec import Boot

log = structlog.get_logger(__name__)

FIRST_BACKOFF, LONGEST_BACKOFF = 0.1, 5.0
"""Seconds before a fork server that died is started again: the first time, and at most."""


class Stage(Enum):
    """Where a child is in its life."""

    ORDERED = "ordered"
    BORN = "born"
    SERVING = "serving"
    DEAD = "dead"


@dataclass(slots=True, eq=False)
class Child:
    """A process that serves, or is about to serve, one device or the FIFO queue.

    Attributes:
        seq: number of the order.
        device: the device, "" for FIFO.
        peer: the node's end of the socket pair; None before the fork server has the order, and once it is closed.
        token, worker: given when it is born.
        identity, pidfd: known when it is born.
        recorded: Redis names it as its device's worker.
        leaving: it was told to leave.
        orphan: it was left over by an earlier node process; its socket is closed.
        unanswered: pings it has not answered.
    """

    seq: int
    device: str
    peer: socket.socket | None = None
    stage: Stage = Stage.ORDERED
    token: str = ""
    worker: str = ""
    identity: ProcessIdentity | None = None
    pidfd: int = -1
    recorded: bool = False
    leaving: bool = False
    orphan: bool = False
    unanswered: int = 0

    @property
    def pid(self) -> int:
        return self.identity.pid if self.identity else 0

    def tell(self, message: ipc.Message) -> None:
        """Send an order. A child that takes none is seen as dead, or as silent, soon enough."""
        if self.peer is None or self.stage is Stage.DEAD:
            return
        with suppress(OSError):
            ipc.send(self.peer, message)

    def kill(self) -> None:
        """SIGKILL, to this very process."""
        if self.pidfd >= 0 and self.stage is not Stage.DEAD:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a child: it was born, it ended, or no process could be had for it."""

    kind: str
    child: Child


class Children:
    """All child processes of a node, and the fork server that makes them. One thread uses it.

    Args:
        ping_every: seconds between two looks whether the children still move.
        silent_after: pings without an answer after which a child is ended; its job's outcome is unknown then. A fork
            server that has orders and says nothing for as long is replaced.
        progress: told about each poll, and about fork servers that are lost.
    """

    def __init__(
        self,
        boot: Boot,
        clock: LeaseClock,
        *,
        ping_every: float = 5.0,
        silent_after: int = 6,
        progress: Progress | None = None,
    ) -> None:
        self._boot = boot
        self._clock = clock
        self._progress = progress or Progress()
        self._made = 0
        self._ping_every = ping_every
        self._silent_after = silent_after
        self._numbers = itertools.count(1)
        self._selector = selectors.DefaultSelector()
        self._server: ForkClient | None = None
        self._backoff = FIRST_BACKOFF
        self._server_at = 0.0
        self._ping_at = time.monotonic() + ping_every
        self._waiting: deque[Child] = deque()
        self._under_way: dict[int, tuple[Child, socket.socket]] = {}
        self._living: set[Child] = set()

    def __iter__(self) -> Iterator[Child]:
        return iter([*self._waiting, *(child for child, _ in self._under_way.values()), *self._living])

    def __len__(self) -> int:
        return len(self._waiting) + len(self._under_way) + len(self._living)

    # -- orders -----------------------------------------------------------------------------------------------------

    def order(self, device: str) -> Child:
        """A new child; ``born`` follows, or it is tried again as long as the node lives."""
        child = Child(next(self._numbers), device)
        self._waiting.append(child)
        self._pass_orders()
        return child

    def adopt_orphan(self, device: str, identity: ProcessIdentity, *, token: str, worker: str) -> Child | None:
        """Watch a process left over from an earlier node process; None when it has ended already."""
        pidfd = identity.watch()
        if pidfd is None:
            return None
        child = Child(
            next(self._numbers),
            device,
            stage=Stage.SERVING,
            token=token,
            worker=worker,
            identity=identity,
            pidfd=pidfd,
            recorded=True,
            leaving=True,
            orphan=True,
        )
        self._watch(child)
        return child

    def abandon(self, child: Child) -> None:
        """Close the socket to a child: it reads end of file, ends its job and leaves."""
        child.leaving = True
        self._hang_up(child)

    def _hang_up(self, child: Child) -> None:
        """Close the socket to a child, if it is open."""
        if child.peer is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(child.peer)
            child.peer.close()
            child.peer = None

    def warm_up(self) -> None:
        """Start the fork server now rather than with the first ``poll``."""
        self._keep_server()

    def forget_orphans(self) -> None:
        """Stop watching processes of earlier node processes."""
        for child in list(self._living):
            if child.orphan:
                self._ended(child)

    def forget_ordered(self) -> None:
        """Drop the orders that no process has been made for."""
        self._recall_orders()
        self._waiting.clear()

    # -- events -----------------------------------------------------------------------------------------------------

    def listen(self, wakeup: socket.socket) -> None:
        """Let ``poll`` return when this socket is readable."""
        self._selector.register(wakeup, selectors.EVENT_READ, wakeup)

    def poll(self, timeout: float) -> list[Event]:
        """Wait for events, at most ``timeout`` seconds; keeps a fork server running."""
        self._keep_server()
        self._ping()
        events: list[Event] = []
        looked_at = self._server
        heard = False
        for key, _ in self._selector.select(timeout):
            source = key.data
            if isinstance(source, Child):
                if key.fileobj == source.pidfd:
                    self._ended(source)
                    events.append(Event("died", source))
                else:
                    self._hear(source)
            elif source is self._server and self._server is not None:
                heard = True
                events += self._hear_server(self._server)
        if self._server is not None and self._server is looked_at and not heard and self._server.silent():
            self._lost_server("silent")
        self._progress.turn(
            ordered=len(self._waiting) + len(self._under_way),
            made=self._made,
            ready=self._server is not None and self._server.ready,
        )
        return events

    def close(self, *, patience: float) -> None:
        """End the fork server (its children should be gone) and all watching."""
        self.forget_ordered()
        if self._server is not None:
            self._selector.unregister(self._server.peer)
            self._server.dismiss(patience=patience)
            self._server = None
        for child in list(self._living):
            self._ended(child)
        self._selector.close()

    # -- inside -----------------------------------------------------------------------------------------------------

    def _pass_orders(self) -> None:
        """Give the fork server as many of the waiting orders as it takes."""
        while self._waiting and self._server is not None and self._server.has_room:
            child = self._waiting[0]
            ours, theirs = ipc.pair()
            ours.setblocking(False)
            try:
                taken = self._server.order(child.seq, child.device, theirs)
            except ForkServerGone as error:
                taken = False
                self._lost_server(str(error))
            if not taken:
                ours.close()
                theirs.close()
                return
            child.peer = ours
            self._under_way[child.seq] = (self._waiting.popleft(), theirs)

    def _keep_server(self) -> None:
        if self._server is not None or time.monotonic() < self._server_at:
            return
        try:
            self._server = ForkClient(self._boot, self._clock, patience=self._ping_every * self._silent_after)
        except (ForkServerGone, OSError) as error:
            self._lost_server(str(error))
            return
        self._selector.register(self._server.peer, selectors.EVENT_READ, self._server)

    def _lost_server(self, reason: str) -> None:
        """The fork server is gone: its children live on, a new one takes the open orders."""
        server, self._server = self._server, None
        code = None
        if server is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(server.peer)
            code = server.bury()
        self._progress.lost_fork_server()
        log.warning("fork_server_lost", reason=reason, code=code, children=len(self._living))
        self._waiting.extendleft(reversed(self._recall_orders()))
        self._server_at = time.monotonic() + self._backoff
        self._backoff = min(self._backoff * 2, LONGEST_BACKOFF)

    def _recall_orders(self) -> list[Child]:
        """The children of orders under way, which are no longer: a process made for one of them reads end of file."""
        recalled = []
        for child, theirs in self._under_way.values():
            theirs.close()
            if child.peer is not None:
                child.peer.close()
                child.peer = None
            recalled.append(child)
        self._under_way.clear()
        return recalled

    def _hear_server(self, server: ForkClient) -> list[Event]:
        events: list[Event] = []
        try:
            for message, fds in server.receive():
                events += self._take_message(server, message, fds)
                if self._server is not server:
                    break
        except ForkServerGone as error:
            self._lost_server(str(error))
        self._pass_orders()
        return events

    def _take_message(self, server: ForkClient, message: ipc.Message, fds: list[int]) -> list[Event]:
        match message["op"]:
            case "ready":
                self._backoff = FIRST_BACKOFF
                log.info("fork_server_ready", pid=server.pid, seconds=message["seconds"])
                for failure in message["failures"]:
                    log.warning("plugin_failed", plugin=failure)
            case "unfit":
                log.error("plugin_threads", threads=message["threads"], consequence="plug-ins load in each worker")
                self._boot = Boot(
                    settings=self._boot.settings, kind=self._boot.kind, node=self._boot.node, preload_plugins=False
                )
            case "forked":
                return self._born(message, fds)
            case "refused":
                log.error("fork_refused", reason=message["reason"])
                self._lost_server("refused to fork")
            case "exited":
                log.debug("child_exited", pid=message["pid"], status=message["status"])
        drop_descriptors(fds)
        return []

    def _born(self, message: ipc.Message, fds: list[int]) -> list[Event]:
        child, theirs = self._under_way.pop(int(message["seq"]), (None, None))
        if child is None or theirs is None:
            drop_descriptors(fds)  # the order was dropped meanwhile; the child reads end of file
            return []
        theirs.close()
        child.identity = ProcessIdentity(int(message["pid"]), int(message["started"]))
        child.pidfd = fds[0]
        child.stage = Stage.BORN
        self._made += 1
        self._watch(child)
        return [Event("born", child)]

    def _watch(self, child: Child) -> None:
        self._living.add(child)
        self._selector.register(child.pidfd, selectors.EVENT_READ, child)
        if child.peer is not None:
            self._selector.register(child.peer, selectors.EVENT_READ, child)

    def _hear(self, child: Child) -> None:
        if child.peer is None:
            return
        try:
            received = ipc.receive(child.peer)
        except BlockingIOError:
            return
        if received is None:
            # It has closed its end; that it has ended is said by its pidfd.
            self._selector.unregister(child.peer)
            child.peer.close()
            child.peer = None
            return
        child.unanswered = 0

    def _ended(self, child: Child) -> None:
        child.stage = Stage.DEAD
        self._living.discard(child)
        with suppress(KeyError, ValueError):
            self._selector.unregister(child.pidfd)
        os.close(child.pidfd)
        child.pidfd = -1
        self._hang_up(child)

    def _ping(self) -> None:
        """Ask every child whether it still moves; end one that has not for too long (stopped, or deadlocked)."""
        now = time.monotonic()
        if now < self._ping_at:
            return
        self._ping_at = now + self._ping_every
        for child in list(self._living):
            if child.stage is not Stage.SERVING or child.peer is None:
                continue
            if child.unanswered >= self._silent_after:
                log.error("child_silent", device=child.device, worker=child.worker, pid=child.pid)
                child.kill()
                continue
            child.unanswered += 1
            child.tell({"op": "ping"})
