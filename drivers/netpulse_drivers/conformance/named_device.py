"""A device that a driver's author names: reached through a relay, put back as it was."""

from __future__ import annotations

import contextlib
import copy
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from netpulse_drivers.base import BaseDriver, Call, ChangeRequest
from netpulse_drivers.conformance.device import Device
from netpulse_drivers.conformance.profile import Profile
from netpulse_drivers.conformance.relay import Relay
from netpulse_drivers.conformance.verdicts import Broken, NotApplicable
from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import DriverError
from netpulse_drivers.results import Output

_REACHED_WITHIN = 10.0


class DeviceNotReached(Exception):
    """Nothing listens at the address that was named; the text says where and why."""


@dataclass(frozen=True, kw_only=True)
class NamedDevice:
    """How to reach it, and what may be done with it.

    Attributes:
        profile: what to ask of it.
        connection_args: as a request would have them.
        configuration_query: shows the configuration in force; "": changes cannot be looked at, and are not tried.
        enable_mode: whether that query and the undoing take raised privilege; None: as the driver sees fit.
        relay: whether to go through a relay. Without one nothing can be cut, silenced or counted.
        host_at, port_at: where address and port stand in connection_args, with dots between levels.
    """

    profile: Profile
    connection_args: Mapping[str, Any]
    configuration_query: str = ""
    enable_mode: bool | None = None
    relay: bool = True
    host_at: str = "host"
    port_at: str = "port"

    def address(self) -> tuple[str, int]:
        """Host and port.

        Raises:
            KeyError: the path that leads to nothing.
        """
        return str(_at(self.connection_args, self.host_at)), int(_at(self.connection_args, self.port_at))

    def nowhere(self) -> dict[str, Any]:
        """What to lay over connection_args to reach an address of this machine where nothing listens."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        moved = copy.deepcopy(dict(self.connection_args))
        _put(moved, self.host_at, "127.0.0.1")
        _put(moved, self.port_at, port)
        return {path.partition(".")[0]: moved[path.partition(".")[0]] for path in (self.host_at, self.port_at)}

    def check(self) -> None:
        """Dial it once, so that a wrong address is told once and not by every clause.

        Raises:
            DeviceNotReached
        """
        host, port = self.address()
        try:
            socket.create_connection((host, port), timeout=_REACHED_WITHIN).close()
        except OSError as error:
            raise DeviceNotReached(f"{host} port {port}: {error}") from error

    @contextlib.contextmanager
    def up(self) -> Iterator[Device]:
        """The device for one clause; a change that was made is taken back afterwards.

        Raises:
            Broken: it could not be taken back.
        """
        with contextlib.ExitStack() as stack:
            view = _Relayed(self, stack.enter_context(Relay(*self.address()))) if self.relay else _Unwatched(self)
            try:
                yield view
            except Exception as error:
                if view.looked_at and (trouble := self._put_back()):
                    raise Broken(f"{error}; and {trouble}") from error
                raise
        if view.looked_at and (trouble := self._put_back()):
            raise Broken(trouble)

    def configuration(self) -> str:
        """The answer to ``configuration_query`` on a session of its own.

        Raises:
            NotApplicable: there is no such query.
        """
        if not self.configuration_query:
            raise NotApplicable("the configuration cannot be looked at: give configuration_query")
        with self._logged_in("query") as (driver, session):
            answer = driver.send(session, self.configuration_query)
        return str(answer.output if isinstance(answer, Output) else answer)

    def _put_back(self) -> str:
        """Take back what a clause has changed: what is left of it, "" when nothing is."""
        shows, undo = self.profile.change_shows, self.profile.undo
        if not (shows and undo and self.configuration_query):
            return ""
        try:
            if shows not in self.configuration():
                return ""
            with self._logged_in("change") as (driver, session):
                driver.config(session, ChangeRequest(lines=list(undo)))
            if shows not in self.configuration():
                return ""
            reason = "it is still there after undo"
        except DriverError as error:
            reason = error.message
        return f"'{shows}' could not be taken back ({reason}): do it by hand"

    @contextlib.contextmanager
    def _logged_in(self, operation: Any) -> Iterator[tuple[BaseDriver, Any]]:
        """Past the relay, so that nothing that it does or counts matters."""
        driver = self.profile.driver.from_request(self.connection_args)
        deadline = Deadline.after(self.profile.seconds)
        driver.call = Call(deadline=deadline, args=driver.validate_operation_args("query", {}))
        session = driver.connect()
        args = driver.validate_operation_args(operation, {})
        driver.call = Call(deadline=deadline, args=args, enable=self.enable_mode)
        try:
            yield driver, session
        finally:
            driver.disconnect(session)


class _Relayed:
    def __init__(self, named: NamedDevice, relay: Relay) -> None:
        self._named = named
        self._relay = relay
        self.looked_at = False
        self.connection_args = copy.deepcopy(dict(named.connection_args))
        _put(self.connection_args, named.host_at, "127.0.0.1")
        _put(self.connection_args, named.port_at, relay.port)

    def logins(self) -> int:
        return self._relay.connections

    def received(self) -> list[str]:
        return [f"{self._relay.sent} bytes"]

    def configuration(self) -> str:
        self.looked_at = True
        return self._named.configuration()

    def drop(self) -> None:
        self._relay.drop()

    def freeze(self) -> None:
        self._relay.freeze()


class _Unwatched:
    def __init__(self, named: NamedDevice) -> None:
        self._named = named
        self.looked_at = False
        self.connection_args = dict(named.connection_args)

    def logins(self) -> int:
        raise NotApplicable(_NO_RELAY)

    def received(self) -> list[str]:
        raise NotApplicable(_NO_RELAY)

    def configuration(self) -> str:
        self.looked_at = True
        return self._named.configuration()

    def drop(self) -> None:
        raise NotApplicable(_NO_RELAY)

    def freeze(self) -> None:
        raise NotApplicable(_NO_RELAY)


_NO_RELAY = "nothing can be cut, silenced or counted without the relay (relay = false)"


def _at(values: Mapping[str, Any], path: str) -> Any:
    found: Any = values
    for key in path.split("."):
        if not isinstance(found, Mapping) or found.get(key) is None:
            raise KeyError(path)
        found = found[key]
    return found


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *sections, key = path.split(".")
    for section in sections:
        values = values[section]
    values[key] = value
