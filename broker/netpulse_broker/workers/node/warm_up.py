"""Makes a process ready to be forked: everything that the first SSH session would import or compute is there before.

A worker forked from such a process shares those pages with all others; without it each would import and allocate them
for itself.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from pathlib import Path

import paramiko
import structlog
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from netpulse_broker.queueing.jobs.worker_queue import Fenced, LeaseAbsent, WorkerQueue
from netpulse_broker.queueing.redis.connection import connect
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.settings import Settings
from netpulse_drivers import BaseDriver, Call, Deadline

log = structlog.get_logger(__name__)

_PROMPT = b"warm-up#"


def thread_count() -> int:
    """Threads of this process as the kernel counts them, so that those of C libraries count too."""
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def await_single_thread(deadline: Deadline) -> bool:
    """Wait until this process has one thread; False when it still has more at the deadline."""
    while thread_count() != 1:
        if deadline.passed:
            return False
        time.sleep(0.005)
    return True


def rehearse(driver: type[BaseDriver]) -> None:
    """Run one throw-away SSH session of the netmiko driver against a server in this process.

    Raises:
        Exception: whatever the driver raises; the caller decides that a cold start is better than none.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        listener.settimeout(10)
        server = threading.Thread(target=_serve_once, args=(listener,), name="warm-up")
        server.start()
        try:
            session_driver = driver.from_request(
                {
                    "device_type": "cisco_ios",
                    "host": "127.0.0.1",
                    "port": listener.getsockname()[1],
                    "username": "warm-up",
                    "password": "warm-up",
                    "host_key_policy": "off",
                }
            )
            session_driver.call = Call(deadline=Deadline.after(10), args=driver.query_args())
            session = session_driver.connect()
            try:
                session_driver.send(session, "show version")
                session_driver.keepalive(session)
            finally:
                session_driver.disconnect(session)
        finally:
            server.join(15)


def rehearse_queue(settings: Settings) -> None:
    """Ask Redis for work under a token that nobody ever had: nothing is changed, and every code path has run.

    Raises:
        redis.RedisError: Redis is not there.
    """
    client = connect(settings.redis)
    try:
        source = WorkerQueue(
            client,
            Sealer.from_text(settings.require_master_keys()),
            queue="device:warm-up",
            token="warm-up|0|0|0",  # noqa: S106 - no secret
            worker="warm-up",
            node="warm-up",
        )
        with contextlib.suppress(LeaseAbsent, Fenced):
            source.claim()
        source.wait(0.01)
    finally:
        client.close()
        client.connection_pool.disconnect()


def name_process(name: str) -> None:
    """Name this process in ps and top (prctl(2), PR_SET_NAME: 15 bytes)."""
    try:
        Path("/proc/self/comm").write_text(name[:15])
    except OSError as error:
        log.debug("process_not_named", error=str(error))


class _Server(paramiko.ServerInterface):
    def __init__(self) -> None:
        self.shell = threading.Event()

    def check_auth_password(self, username: str, password: str) -> int:  # noqa: ARG002
        return AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        return OPEN_SUCCEEDED

    def check_channel_pty_request(self, *args: object) -> bool:  # noqa: ARG002
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:  # noqa: ARG002
        self.shell.set()
        return True


def _serve_once(listener: socket.socket) -> None:
    """One session: every line is answered by its echo and a prompt, until the client leaves."""
    try:
        peer, _ = listener.accept()
    except TimeoutError:
        return
    transport = paramiko.Transport(peer)
    try:
        transport.add_server_key(paramiko.ECDSAKey.generate())
        server = _Server()
        transport.start_server(server=server)
        channel = transport.accept(10)
        if channel is None or not server.shell.wait(10):
            return
        channel.settimeout(10)
        channel.sendall(b"\r\n" + _PROMPT)
        while line := channel.recv(4096):
            channel.sendall(line.replace(b"\n", b"\r\n") + b"\r\n" + _PROMPT)
    except (OSError, EOFError, paramiko.SSHException) as error:
        log.debug("warm_up_server_ended", error=str(error), pid=os.getpid())
    finally:
        transport.close()
        transport.join(5)
