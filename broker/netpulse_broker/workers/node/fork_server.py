"""The fork server: a single-threaded process that has everything loaded and forks workers on order.

Started by the node with exec, so nothing of the node's threads or descriptors is in it. It checks that it has exactly
one thread before each fork (a lock held by another thread would stay locked for ever in the child), reaps its children
and reports how they ended. End of file from the node: no more forks; it ends when its last child has.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import unquote, urlsplit

import structlog

from netpulse_broker.gc_tuning import FEW, freeze
from netpulse_broker.queueing.nodes.lease_clock import LeaseClock
from netpulse_broker.telemetry.logging import configure_logging
from netpulse_broker.templating.client import parser_from_environment
from netpulse_broker.workers.execution.login_limits import LoginSlots
from netpulse_broker.workers.node import ipc, warm_up
from netpulse_broker.workers.node.process_identity import ProcessIdentity
from netpulse_broker.workers.node.worker_process import run_child
from netpulse_broker.workers.node.worker_spec import Birth, Boot
from netpulse_drivers import Deadline
from netpulse_drivers.registry import DriverRegistry

log = structlog.get_logger(__name__)

KNOWN_HOSTS_VARIABLE = "NETPULSE_KNOWN_HOSTS"
"""Where the netmiko driver finds the worker's known_hosts file."""

JUMP_DIRECTORY_VARIABLE = "NETPULSE_JUMP_DIR"
"""Where workers meet the process that holds the SSH sessions to jump hosts: the same for all nodes of a machine."""

EXIT_UNFIT = 3
"""Exit code of a fork server that cannot get rid of its threads."""


class ForkServer:
    """Serves one node over one socket.

    Args:
        node: socket to the node.
        boot: settings.
        clock: the node's lease.
        drivers: loaded.
    """

    def __init__(self, node: socket.socket, *, boot: Boot, clock: LeaseClock, drivers: DriverRegistry) -> None:
        self._node: socket.socket | None = node
        self._boot = boot
        self._clock = clock
        self._drivers = drivers
        self._login_slots = LoginSlots.create()
        self._children: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._selector.register(node, selectors.EVENT_READ)
        self._signals, writer = socket.socketpair()
        self._signals.setblocking(False)
        writer.setblocking(False)
        self._writer = writer
        self._selector.register(self._signals, selectors.EVENT_READ)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Until the node is gone and the last child has ended."""
        while self._node is not None or self._children:
            ready = {key.fileobj for key, _ in self._selector.select()}
            if self._signals in ready:
                with contextlib.suppress(BlockingIOError):
                    self._signals.recv(4096)
                self._reap()
            if self._node is not None and self._node in ready:
                self._take_order()

    def _take_order(self) -> None:
        assert self._node is not None  # noqa: S101 - the caller has looked
        received = ipc.receive(self._node)
        if received is None:
            log.debug("node_gone", children=len(self._children))
            self._selector.unregister(self._node)
            self._node.close()
            self._node = None
            return
        order, fds = received
        with socket.socket(fileno=fds[0]) as peer:
            self._fork(int(order["seq"]), str(order["device"]), peer)

    def _fork(self, seq: int, device: str, peer: socket.socket) -> None:
        threads = warm_up.thread_count()
        if threads != 1:
            names = [thread.name for thread in threading.enumerate()]
            log.critical("fork_refused", threads=threads, names=names)
            self._tell({"op": "refused", "seq": seq, "reason": f"{threads} threads: {', '.join(names)}"})
            return
        pid = os.fork()
        if pid == 0:
            self._become_child(device, peer)
        self._children.add(pid)
        # Opened before anything is reaped: it cannot mean another process.
        pidfd = os.pidfd_open(pid)
        identity = ProcessIdentity.of(pid)
        self._tell(
            {"op": "forked", "seq": seq, "pid": pid, "started": identity.started if identity else 0}, fds=(pidfd,)
        )
        os.close(pidfd)

    def _become_child(self, device: str, peer: socket.socket) -> NoReturn:
        code = 70
        try:
            birth = Birth(
                device=device,
                boot=self._boot,
                drivers=self._drivers,
                clock=self._clock,
                parse=parser_from_environment(self._boot.settings.templates),
                login_slots=self._login_slots,
            )
            code = run_child(peer, birth, close_inherited=self._close_own)
        finally:
            # Neither atexit handlers nor this frame's callers may run twice.
            os._exit(code)

    def _close_own(self) -> None:
        self._selector.close()
        self._signals.close()
        self._writer.close()
        if self._node is not None:
            self._node.close()

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._children.discard(pid)
            self._tell({"op": "exited", "pid": pid, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: ipc.Message, *, fds: tuple[int, ...] = ()) -> None:
        if self._node is None:
            return
        try:
            ipc.send(self._node, message, fds=fds)
        except OSError as error:
            log.debug("node_not_told", error=str(error))  # gone: the next look at the socket says so


def main(fd: int) -> int:
    """Entry point of the process; ``fd`` is the socket to the node."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the node decides; without it, end of file does
    node = socket.socket(fileno=fd)
    node.set_inheritable(False)
    first, fds = ipc.receive_bytes(node)
    if not first:
        return 0
    # From our own parent over an anonymous socket, as multiprocessing does it; nobody else can write here.
    boot: Boot = pickle.loads(first)  # noqa: S301
    began = time.monotonic()
    configure_logging(boot.settings.log, role=boot.kind, secrets=_own_secrets(boot))
    # netmiko's debug log holds what is typed, secrets included.
    logging.getLogger("netmiko").setLevel(logging.WARNING)
    os.environ.setdefault(KNOWN_HOSTS_VARIABLE, str(boot.settings.known_hosts_file))
    os.environ.setdefault(JUMP_DIRECTORY_VARIABLE, str(boot.settings.state_dir / "jump"))
    warm_up.name_process("np-forkserver")
    settings = boot.settings.drivers
    plugins = settings.plugin_dirs if boot.preload_plugins else ()
    drivers = DriverRegistry(plugins, platform_dirs=settings.platform_dirs)
    clock = LeaseClock(fds[0])
    _warm_up(drivers, boot)
    if not warm_up.await_single_thread(Deadline.after(5)):
        names = [thread.name for thread in threading.enumerate()]
        ipc.send(node, {"op": "unfit", "threads": names})
        return EXIT_UNFIT
    freeze(FEW)
    failures = [f"{failure.source}: {failure.message}" for failure in drivers.failures]
    ipc.send(node, {"op": "ready", "seconds": round(time.monotonic() - began, 3), "failures": failures})
    ForkServer(node, boot=boot, clock=clock, drivers=drivers).serve()
    return 0


def _own_secrets(boot: Boot) -> list[str]:
    url = boot.settings.require_redis_url()
    return [*boot.settings.require_master_keys(), url, unquote(urlsplit(url).password or "")]


def _warm_up(drivers: DriverRegistry, boot: Boot) -> None:
    drivers.load_all()
    rehearsals: list[Callable[[], None]] = [
        lambda: warm_up.rehearse(drivers.get("netmiko")),
        lambda: warm_up.rehearse_queue(boot.settings),
    ]
    for rehearsal in rehearsals:
        try:
            rehearsal()
        except Exception as error:  # noqa: BLE001 - a cold start is slower and larger, not wrong
            log.warning("warm_up_failed", error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
