# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device that a task has to itself: taken from the broker, kept by a heartbeat, given back.

AnsibleError
├── AnsibleConnectionFailure
│   └── SessionNotOpened   the device could not be had; nothing was sent to it by this task
├── SessionBroken          the session is gone or in doubt while the task had it
└── FileNotCopied          the device refused a file; the session goes on

SessionBroken is no AnsibleConnectionFailure on purpose: platform plug-ins take that one for the device's answer to a
command (with ``check_rc: false`` they put its text into the output and go on).
"""

from __future__ import annotations

import base64
import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.netpulse.broker.plugins.module_utils._broker_client import (
    BrokerError,
    BrokerUnreachable,
    RequestInterrupted,
    RequestRefused,
)
from ansible_collections.netpulse.broker.plugins.plugin_utils._playbook_run import GONE, LOOK, PlaybookRun
from ansible_collections.netpulse.broker.plugins.plugin_utils.session_api import SessionApi, SessionRefused, may_pass

Answer = TypeVar("Answer")

# Seconds on top of what the broker was given for a request, before its answer is missed.
GRACE = 15.0

# Seconds for a login, on top of the wait for the device's turn.
LOGIN_TIME = 120.0

# Seconds for the small requests.
SHORT = 10.0


class SessionNotOpened(AnsibleConnectionFailure):
    """No session came about. ``phase`` is the broker's word for where it ended."""

    def __init__(self, message: str, *, phase: str) -> None:
        super().__init__(message)
        self.phase = phase


class SessionBroken(AnsibleError):
    """The session ended, or nobody knows what state it is in."""


class FileNotCopied(AnsibleError):
    """The device has not, or does not take, the file."""


class Target:
    """Which device, as whom, through which broker.

    Args:
        request: ``driver``, ``connection_args`` and, where given, ``device`` of the broker's requests.
        label: the device, for messages.
        broker: arguments of SessionApi by name.
        run: the playbook run that it is for; nothing is taken for one that is gone.
    """

    def __init__(
        self, request: Mapping[str, Any], *, label: str, broker: Mapping[str, Any], run: PlaybookRun | None = None
    ) -> None:
        self.request = request
        self.label = label
        self.run = run or PlaybookRun.of_this_process()
        self._broker = broker

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Target) and (self.request, self._broker) == (other.request, other._broker)

    __hash__ = None  # type: ignore[assignment]

    def api(self) -> SessionApi:
        """A new HTTP connection's client."""
        broker = dict(self._broker)
        return SessionApi(broker.pop("url"), **broker)

    def where(self, phase: str) -> str:
        """The tail of each message: phase, broker, device."""
        return f"(phase {phase}, broker {self._broker['url'].rstrip('/')}, device {self.label})"


class InteractiveSession:
    """Use ``InteractiveSession.take`` to get one.

    Attributes:
        fresh: whether the broker logged in for this interactive session.
        prompt: bytes of the device's prompt.
        worker: the broker's worker that has the session.
    """

    def __init__(self, target: Target, api: SessionApi, granted: Mapping[str, Any]) -> None:
        self._target = target
        self._api = api
        self._busy = threading.Lock()
        self._sequence = 0
        self._released = threading.Event()
        self._ended: str | None = None
        self._ends_at = time.monotonic() + float(granted["max_hold"])
        self.id = str(granted["id"])
        self.fresh = bool(granted["fresh"])
        self.prompt = base64.b64decode(granted["prompt"])
        self.worker = str(granted.get("worker"))
        self._interval = float(granted["heartbeat"])
        self._keeper = threading.Thread(target=self._keep, name="netpulse-heartbeat", daemon=True)

    @classmethod
    def take(
        cls,
        target: Target,
        options: Mapping[str, Any],
        *,
        exchange: Mapping[str, Any] | None = None,
        retries: int,
        max_pause: float,
        note: Callable[[str], None],
    ) -> tuple[Self, dict[str, Any] | None]:
        """Take the device; returns the interactive session and the answer to ``exchange``.

        Args:
            target: which device.
            options: the broker's ``options`` of ``POST /session``.
            exchange: a first exchange, done only when the login is new.
            retries: how often to try again when the broker or a worker is missing; nothing was sent to the device then.
            max_pause: seconds after which no further attempt starts.
            note: called with a line for the log.

        Raises:
            SessionNotOpened: with phase, broker and device in the text.
        """
        try:
            api = target.api()
        except BrokerError as error:
            raise SessionNotOpened(f"{error.message} {target.where('broker')}", phase="broker") from None
        body = {**target.request, "options": options}
        if exchange is not None:
            body["exchange"] = exchange
        paused = 0
        for attempt in range(retries + 1):
            if target.run.gone:
                api.close()
                raise SessionNotOpened(f"{GONE} {target.where('broker')}", phase="broker")
            try:
                granted = api.open(body, timeout=float(options["wait"]) + LOGIN_TIME)
                break
            except BrokerError as error:
                api.close()
                if not may_pass(error) or attempt == retries or paused >= max_pause:
                    raise _not_opened(error, target) from None
                pause = 2 ** (attempt + 1)
                note(f"opening a session: {error.message}; trying again in {pause} s")
            time.sleep(pause)
            paused += pause
        try:
            session = cls(target, api, granted)
        except (KeyError, TypeError, ValueError) as error:
            api.close()
            raise SessionNotOpened(
                f"the broker's answer to POST /session is not understood ({error!r}) {target.where('broker')}",
                phase="broker",
            ) from None
        if exchange is not None:
            session._sequence = exchange["seq"]
        session._keeper.start()
        return session, granted.get("exchange")

    @property
    def usable(self) -> bool:
        """False when the interactive session is known to have ended; True may be out of date."""
        return self._ended is None and time.monotonic() < self._ends_at

    def exchange(self, exchange: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one exchange; returns the broker's ExchangeResult.

        Raises:
            SessionBroken: there was no result, so the command may or may not have been carried out.
        """
        with self._busy:
            result = self._requested(
                lambda: self._api.exchange(self.id, self._numbered(exchange), timeout=exchange["timeout"] + GRACE)
            )
        if not result.get("lease_open", True):
            self._end("the broker closed the session, its state being unknown")
        return result

    def put_file(self, source: str, destination: str, *, protocol: str, timeout: float) -> None:
        """Copy a local file to the device. ``timeout``: seconds without progress.

        Raises:
            FileNotCopied: the device or the transfer refused it.
            SessionBroken: as for ``exchange``.
        """
        with self._busy:
            copied = self._requested(
                lambda: self._api.put_file(
                    self.id, source, path=destination, protocol=protocol, seq=self._next(), timeout=timeout + GRACE
                )
            )
        if not copied.get("lease_open", True):
            self._end("the broker closed the session after a failed copy")
        if copied.get("error"):
            raise self._not_copied(copied["error"]["message"], copied["error"].get("phase") or "execute")

    def get_file(self, source: str, destination: str, *, protocol: str, timeout: float) -> None:
        """Copy a file of the device to a local one. ``timeout``: seconds without progress.

        Raises:
            FileNotCopied, SessionBroken: as for ``put_file``.
        """
        with self._busy:
            self._requested(
                lambda: self._api.get_file(
                    self.id, destination, path=source, protocol=protocol, seq=self._next(), timeout=timeout + GRACE
                )
            )

    def release(self) -> None:
        """Give the device back.

        Raises:
            BrokerError: the broker did not confirm it; it takes the device back by itself when heartbeats are missing.
        """
        self._released.set()
        if self._ended is not None:
            self._api.close()
            return
        self._end("released")
        # An exchange may be under way in another thread (the task ran into its time limit): go past it.
        idle = self._busy.acquire(blocking=False)
        api = self._api if idle else self._target.api()
        try:
            api.release(self.id, timeout=SHORT)
        except RequestRefused as error:
            if error.status != 404:
                raise
        finally:
            api.close()
            if idle:
                self._busy.release()

    def _requested(self, request: Callable[[], Answer]) -> Answer:
        if self._ended is not None:
            raise SessionBroken(f"the session has ended: {self._ended} {self._target.where('session')}")
        try:
            return request()
        except SessionRefused as error:
            if error.status == 404 and error.code == "unknown_session":
                self._end(error.reason)
                raise SessionBroken(
                    f"the session has ended: {error.reason} {self._target.where(error.phase)}"
                ) from None
            if error.status == 502:
                raise self._not_copied(_text(error), error.phase) from None
            raise SessionBroken(f"{_text(error)} {self._target.where(error.phase)}") from None
        except (BrokerUnreachable, RequestInterrupted) as error:
            # Whether the device got the command is unknown, and it is not sent again.
            self._end(error.message)
            raise SessionBroken(
                f"{error.message}; the device may have carried out what was sent {self._target.where('broker')}"
            ) from None
        except BrokerError as error:
            raise SessionBroken(f"{error.message} {self._target.where('broker')}") from None

    def _not_copied(self, message: str, phase: str) -> FileNotCopied:
        # The device's words stand last: netcommon's net_get looks for "No such file or directory" there.
        return FileNotCopied(f"{self._target.where(phase)} {message}")

    def _numbered(self, exchange: Mapping[str, Any]) -> dict[str, Any]:
        return {**exchange, "seq": self._next()}

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _end(self, reason: str) -> None:
        if self._ended is None:
            self._ended = reason

    def _keep(self) -> None:
        """The heartbeat: its own connection, so that a long command does not silence it.

        The connection is made for the first beat, which most tasks do not live to see; with TLS it is what costs most.
        When the playbook run is gone the device is given back: a worker may outlive it, in the middle of a command.
        """
        api: SessionApi | None = None
        beat_at = time.monotonic() + self._interval
        while not self._released.wait(min(LOOK, self._interval)):
            if self._target.run.gone:
                self._give_back_for_run()
                break
            if time.monotonic() < beat_at:
                continue
            beat_at = time.monotonic() + self._interval
            try:
                api = api or self._target.api()
                api.heartbeat(self.id, timeout=max(self._interval, 1.0))
            except SessionRefused as error:
                if error.status == 404:
                    self._end(error.reason)
                    break
                # Anything else (a restarting broker) may pass; the next beat tells.
            except BrokerError:
                if api is not None:
                    api.close()
        if api is not None:
            api.close()

    def _give_back_for_run(self) -> None:
        """Nobody waits for this task any more. When the broker does not confirm it, the missing heartbeats will do."""
        self._end(GONE)
        with contextlib.suppress(BrokerError), contextlib.closing(self._target.api()) as api:
            api.release(self.id, timeout=SHORT)


def reset(target: Target, *, wait: float) -> None:
    """Close the device's kept session of this user, whoever may want it next.

    Args:
        target: which device.
        wait: seconds to wait for the device's turn.

    Raises:
        SessionNotOpened: the broker could not be asked, or refused.
    """
    api = None
    try:
        api = target.api()
        api.reset({**target.request, "wait": wait}, timeout=wait + LOGIN_TIME)
    except BrokerError as error:
        raise _not_opened(error, target) from None
    finally:
        if api is not None:
            api.close()


def _not_opened(error: BrokerError, target: Target) -> SessionNotOpened:
    phase = error.phase if isinstance(error, RequestRefused) else "broker"
    return SessionNotOpened(f"{_text(error)} {target.where(phase)}", phase=phase)


def _text(error: BrokerError) -> str:
    """What went wrong, in the broker's own words where it is not about the broker."""
    if not isinstance(error, SessionRefused) or error.status in (401, 403, 422, 503):
        return error.message
    output = error.device_output.strip()
    return f"{error.reason}: {output}" if output and output not in error.reason else error.reason
