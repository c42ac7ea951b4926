"""The supervisor of ``netpulse up``: starts the roles, keeps them running, stops everything in order."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence

import structlog

from netpulse_broker.cli.errors import RoleFailed
from netpulse_broker.cli.process_signals import ProcessSignals
from netpulse_broker.cli.role_process import Role, RoleProcess, Surroundings
from netpulse_broker.embedded.errors import EmbeddedServerError
from netpulse_broker.embedded.process_death import adopt_orphans, descendants
from netpulse_broker.embedded.server import EmbeddedServer

log = structlog.get_logger(__name__)

NAME_TAKEN = 3
"""Exit status of a node or pool whose name another live process holds."""

_POLL = 0.05
_CONTROLLER_STOPS_WITHIN = 15.0
_KILLED_WITHIN = 10.0
_KEEPER_RETRY = 1.0
_NOTICE_AFTER = 1.0


class Supervisor:
    """Runs the roles until it is told to stop.

    Args:
        roles: started in this order. The first one is the controller: it is stopped last, so that callers who wait
            get the answers of jobs that end while the others stop.
        surroundings: what each role gets.
        server: the private server, whose keeper is replaced when it dies, or None when Redis runs elsewhere.
        grace: seconds that running jobs get to end.
        ready_within: seconds until all roles have to be ready.
        name_may_be_taken: a node of an earlier run may still hold the name while it ends; the role tries again then.
        on_ready: called once, when all are.
        on_waiting: called once when stopping takes longer, with the seconds that it may take.
    """

    def __init__(
        self,
        roles: Sequence[Role],
        *,
        surroundings: Surroundings,
        server: EmbeddedServer | None,
        grace: float,
        on_ready: Callable[[], None],
        on_waiting: Callable[[float], None],
        ready_within: float = 60.0,
        name_may_be_taken: bool = False,
    ) -> None:
        self._roles = [RoleProcess(role, surroundings) for role in roles]
        self._server = server
        self._grace = grace
        self._ready_within = ready_within
        self._name_may_be_taken = name_may_be_taken
        self._on_ready = on_ready
        self._on_waiting = on_waiting
        self._keeper_at: float | None = None

    def run(self, signals: ProcessSignals) -> None:
        """Until a signal asks to stop, and all roles and what they started have ended.

        Raises RoleFailed: a role did not come up; everything has been stopped then.
        """
        adopt_orphans()
        try:
            for process in self._roles:
                process.start()
            if self._wait_until_ready(signals):
                self._on_ready()
                log.info("ready")
                self._serve(signals)
        finally:
            self._stop(signals)

    def _wait_until_ready(self, signals: ProcessSignals) -> bool:
        """False: told to stop before."""
        deadline = time.monotonic() + self._ready_within
        waiting = list(self._roles)
        while waiting:
            if signals.stop_requests:
                return False
            self._reap()
            for process in self._roles:
                status = process.has_ended()
                if status == NAME_TAKEN and self._name_may_be_taken:
                    process.plan_restart(status)
                elif status is not None:
                    raise RoleFailed(
                        f"the {process.role.name} ended with status {status} while starting; {process.end_of_log()}"
                    )
            self._start_what_is_due()
            waiting = [process for process in waiting if not process.is_ready()]
            if waiting and time.monotonic() > deadline:
                names = ", ".join(process.role.name for process in waiting)
                raise RoleFailed(f"not ready within {self._ready_within:.0f} s: {names}; {waiting[0].end_of_log()}")
            if waiting:
                signals.wait(_POLL)
        return True

    def _serve(self, signals: ProcessSignals) -> None:
        while not signals.stop_requests:
            self._reap()
            self._watch_keeper()
            for process in self._roles:
                if (status := process.has_ended()) is not None:
                    process.plan_restart(status)
            self._start_what_is_due()
            due = [process.start_at for process in self._roles if process.start_at is not None]
            if self._keeper_at is not None:
                due.append(self._keeper_at)
            signals.wait(min(due) - time.monotonic() if due else None, *self._watched())

    def _start_what_is_due(self) -> None:
        now = time.monotonic()
        for process in self._roles:
            if process.start_at is not None and process.start_at <= now:
                process.start()

    def _watched(self) -> tuple[int, ...]:
        return () if self._server is None or self._keeper_at is not None else (self._server.keeper_exited,)

    def _watch_keeper(self) -> None:
        """Give the private server a new keeper when the keeper has been killed."""
        if self._server is None or not self._server.keeper_has_ended():
            return
        if self._keeper_at is not None and self._keeper_at > time.monotonic():
            return
        log.warning("keeper_died")
        try:
            self._server.start()
        except EmbeddedServerError as error:
            self._keeper_at = time.monotonic() + _KEEPER_RETRY
            log.error("keeper_not_started", reason=error.message, retry_in=_KEEPER_RETRY)  # noqa: TRY400  # expected
        else:
            self._keeper_at = None

    def _stop(self, signals: ProcessSignals) -> None:
        """Workers first, then the controller; what is left after their time is killed. The server stays."""
        log.info("stopping")
        asked = signals.stop_requests
        controller, *workers = self._roles
        for process in workers:
            process.signal(signal.SIGTERM)
        spared = [controller.pid]
        if not self._wait_for_end(self._grace, signals, asked=asked, besides=spared):
            log.warning("jobs_cut_short", processes=len(self._remaining(spared)))
            self._kill(spared)
        controller.signal(signal.SIGTERM)
        if not self._wait_for_end(_CONTROLLER_STOPS_WITHIN, signals, asked=asked, besides=[]):
            log.warning("killed", processes=len(self._remaining([])))
            self._kill([])
        log.info("stopped")

    def _wait_for_end(
        self, within: float, signals: ProcessSignals, *, asked: int, besides: Sequence[int | None]
    ) -> bool:
        """Until no process is left besides these and the keeper's. False: the time ran out, or a second signal came."""
        started = time.monotonic()
        told = False
        while True:
            self._reap()
            if not self._remaining(besides):
                return True
            passed = time.monotonic() - started
            # One signal asks to stop; one more, whenever it comes, says that running jobs do not matter.
            if passed > within or signals.stop_requests > max(asked, 1):
                return False
            if passed > _NOTICE_AFTER and not told:
                told = True
                self._on_waiting(within)
            signals.wait(_POLL)

    def _remaining(self, besides: Sequence[int | None]) -> list[int]:
        keeper = None if self._server is None else self._server.keeper_pid
        return descendants(besides=frozenset(pid for pid in (keeper, *besides) if pid is not None))

    def _kill(self, besides: Sequence[int | None]) -> None:
        deadline = time.monotonic() + _KILLED_WITHIN
        while remaining := self._remaining(besides):
            for pid in remaining:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                log.error("cannot_be_killed", processes=remaining)
                return
            time.sleep(_POLL)
            self._reap()

    def _reap(self) -> None:
        """Reap every dead child: the roles through their objects, adopted orphans here."""
        ours = {process.pid: process for process in self._roles}
        while True:
            try:
                dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if dead is None:
                return
            if dead.si_pid in ours:
                ours[dead.si_pid].reap()
            elif self._server is not None and dead.si_pid == self._server.keeper_pid:
                self._server.reap()
            else:
                os.waitpid(dead.si_pid, 0)
