"""What runs in a forked child: the process around a worker object.

The main thread runs the worker. A second thread listens to the node: orders to stop a job or to leave, questions
whether this process still moves; end of file means that the node is gone, then the running job is let end and the
process after it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import threading
import traceback
from collections.abc import Callable
from typing import Protocol

import structlog

from netpulse_broker.queueing.jobs.worker_queue import WorkerQueue
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import connect
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.settings import Settings
from netpulse_broker.workers.execution.fifo import FifoWorker
from netpulse_broker.workers.execution.interactive import InteractiveJobs
from netpulse_broker.workers.execution.login_limits import LoginGate, LoginLimits, LoginSlots
from netpulse_broker.workers.execution.login_protection import LoginProtection
from netpulse_broker.workers.execution.loop import Exit
from netpulse_broker.workers.execution.pinned import PinnedWorker
from netpulse_broker.workers.execution.session_pool import SessionLimits
from netpulse_broker.workers.node import ipc
from netpulse_broker.workers.node.site import site_of
from netpulse_broker.workers.node.warm_up import name_process
from netpulse_broker.workers.node.worker_spec import Birth, lifeline
from netpulse_drivers.registry import DriverRegistry

log = structlog.get_logger(__name__)

OVERDUE = 5.0
"""Seconds after a job's deadline from which its driver's call is aborted if it has not returned."""

STUCK = 20.0
"""Seconds after a job's deadline or abort from which the process ends itself: the driver does not return."""

EXIT_CODES = {Exit.RELEASED: 0, Exit.REQUESTED: 0, Exit.FENCED: 3}
EXIT_DEFECT = 70
EXIT_STUCK = 71


class Worker(Protocol):
    """What both kinds of workers offer to their process."""

    def run(self) -> Exit:
        """Serve until there is a reason to end."""
        ...

    def request_exit(self, *, orphaned: bool = False) -> None:
        """Let the running job end, then leave."""
        ...

    def stop_job(self, job_id: str) -> bool:
        """Stop that job if it runs."""
        ...

    def stop_running(self) -> bool:
        """Stop whatever runs."""
        ...

    def expire_running(self, grace: float) -> float:
        """Abort an overdue job; seconds since the running job had to end."""
        ...


def run_child(peer: socket.socket, birth: Birth, *, close_inherited: Callable[[], None]) -> int:
    """The life of a child, from just after the fork; the exit code.

    Args:
        peer: this child's end of the socket pair to the node.
        close_inherited: closes what the fork server itself has open.
    """
    signal.set_wakeup_fd(-1)
    close_inherited()
    _silence_other_descriptors(peer.fileno(), birth.login_slots)
    alarm = _take_signals()
    name_process(f"np:{birth.device or 'fifo'}")
    try:
        received = ipc.receive(peer)
        if received is None or received[0].get("op") != "go":
            return 0  # the node is gone, or has no use for this process any more
        token, worker_name = str(received[0]["token"]), str(received[0]["worker"])
        worker = _build(birth, token=token, worker_name=worker_name)
        threading.Thread(target=_obey, args=(peer, alarm, worker), name="control", daemon=True).start()
        return EXIT_CODES[worker.run()]
    except Exception:  # noqa: BLE001 - the last frame of this process: nobody above could log it
        log.critical("worker_defect", device=birth.device, traceback=traceback.format_exc())
        return EXIT_DEFECT
    finally:
        logging.shutdown()


def _build(birth: Birth, *, token: str, worker_name: str) -> Worker:
    settings = birth.boot.settings
    client = connect(settings.redis)
    drivers = birth.drivers
    if not birth.boot.preload_plugins:
        drivers = DriverRegistry(settings.drivers.plugin_dirs)
    queue = keys.FIFO if birth.boot.kind == "fifo" else f"device:{birth.device}"
    sealer = Sealer.from_text(settings.require_master_keys())
    source = WorkerQueue(
        client,
        sealer,
        queue=queue,
        token=token,
        worker=worker_name,
        node=birth.boot.node,
    )

    def interrupt_wait() -> None:
        # A spare wake-up: whoever takes it finds no work. A connection of its own, for the other one is blocked.
        client.rpush(keys.wake(queue), "1")

    site = site_of(settings)
    logins = LoginGate(
        birth.device,
        records=source,
        limits=LoginLimits(per_minute=settings.worker.logins_per_minute, burst=settings.worker.login_burst),
        slots=None if birth.login_slots is None else LoginSlots(birth.login_slots, settings.node.max_logins),
        protection=_protection(settings, source),
    )
    if birth.boot.kind == "fifo":
        from netpulse_broker.webhooks.deliverer import WebhookDeliverer  # noqa: PLC0415  # only FIFO workers make calls

        return FifoWorker(
            source=source,
            drivers=drivers,
            clock=birth.clock,
            parse=birth.parse,
            site=site,
            max_output=settings.jobs.max_output,
            interrupt_wait=interrupt_wait,
            webhooks=WebhookDeliverer(client, sealer, settings.webhooks),
            logins=logins,
        )
    limits = SessionLimits(
        max_sessions=settings.worker.max_sessions,
        idle_limit=settings.worker.idle_limit,
        age_limit=settings.worker.age_limit,
    )
    return PinnedWorker(
        device=birth.device,
        source=source,
        drivers=drivers,
        clock=birth.clock,
        limits=limits,
        parse=birth.parse,
        site=site,
        max_output=settings.jobs.max_output,
        interrupt_wait=interrupt_wait,
        interactive=InteractiveJobs(client, sealer, worker=worker_name, node=birth.boot.node),
        logins=logins,
    )


def _protection(settings: Settings, source: WorkerQueue) -> LoginProtection | None:
    wanted = settings.logins
    if not wanted.protect:
        return None
    return LoginProtection(source.logins, first=wanted.first_suspension, longest=wanted.longest_suspension)


def _take_signals() -> socket.socket:
    """SIGTERM and SIGHUP mean: leave after the running job. SIGINT is the terminal's, the node decides what it means.

    The handlers do nothing: Python's wake-up descriptor tells the control thread, where nothing is interrupted halfway.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    return reader


def _obey(peer: socket.socket, alarm: socket.socket, worker: Worker) -> None:
    """The control thread: the node's orders, signals, and the watch over overdue jobs (on each of the node's pings)."""
    poll = select.poll()
    poll.register(peer, select.POLLIN)
    poll.register(alarm, select.POLLIN)
    timeout: int | None = None
    while True:
        ready = dict(poll.poll(timeout))
        if alarm.fileno() in ready:
            alarm.recv(64)
            worker.request_exit()
        if peer.fileno() in ready:
            received = ipc.receive(peer)
            if received is None:
                log.info("node_gone")
                poll.unregister(peer)
                timeout = 2000  # ms; nobody pings any more
                worker.request_exit(orphaned=True)
            else:
                _carry_out(received[0], peer, worker)
        over = worker.expire_running(OVERDUE)
        if over >= STUCK:
            log.critical("worker_stuck", over=round(over, 1))
            logging.shutdown()
            os._exit(EXIT_STUCK)


def _carry_out(order: ipc.Message, peer: socket.socket, worker: Worker) -> None:
    match order.get("op"):
        case "ping":
            with contextlib.suppress(OSError):  # the node is gone: the next poll says so
                ipc.send(peer, {"op": "pong"})
        case "stop_job":
            worker.stop_job(str(order.get("job")))
        case "stop_running":
            worker.stop_running()
        case "exit":
            worker.request_exit()
        case unknown:
            log.error("order_unknown", op=unknown)


def _silence_other_descriptors(*needed: int | None) -> None:
    """Let go of every descriptor that this child did not ask for.

    They are pointed at /dev/null rather than closed: an object that still holds such a number (a plug-in's log file)
    must not find another connection under it later.
    """
    keep = {0, 1, 2, lifeline(), *needed}
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - Path objects for numbers
        fd = int(name)
        if fd in keep or fd == null:
            continue
        try:
            os.fstat(fd)
        except OSError:
            continue  # the descriptor of the listing itself
        os.dup2(null, fd, inheritable=False)
    os.close(null)
