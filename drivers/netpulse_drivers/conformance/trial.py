"""A driver, its profile and a device, with the calls that a worker makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from netpulse_drivers.base import BaseDriver, Call, ChangeRequest
from netpulse_drivers.conformance.device import Device
from netpulse_drivers.conformance.profile import Profile
from netpulse_drivers.conformance.verdicts import NotApplicable, require
from netpulse_drivers.deadline import Deadline
from netpulse_drivers.results import ChangeResult, Output

CANARY = "conformance-password-canary"
"""Stands for the password where the device wants none: it must not show either."""


class StoppedHere(Exception):
    """What a worker raises when it may not write any more."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One clause's try; the device is fresh, or as fresh as a device that somebody else uses can be."""

    profile: Profile
    device: Device

    @property
    def driver_class(self) -> type[BaseDriver]:
        return self.profile.driver

    @property
    def read_only(self) -> bool:
        """Whether the driver leaves out config()."""
        return self.driver_class.config is BaseDriver.config

    def driver(self, **connection_args: Any) -> BaseDriver:
        """An instance, ready to log in.

        Args:
            connection_args: laid over the device's.
        """
        driver = self.driver_class.from_request(self.device.connection_args | connection_args)
        self.called(driver, "query")
        return driver

    def called(
        self,
        driver: BaseDriver,
        operation: Literal["query", "change"],
        *,
        seconds: float | None = None,
        before_write: Callable[[], None] | None = None,
    ) -> None:
        """Tell the driver about the call that comes next."""
        args = type(driver).validate_operation_args(operation, {})
        driver.call = Call(deadline=Deadline.after(seconds or self.profile.seconds), args=args)
        if before_write is not None:
            driver.call.before_write = before_write

    @contextmanager
    def session(self, driver: BaseDriver) -> Iterator[Any]:
        """A session that is closed afterwards."""
        self.called(driver, "query")
        session = driver.connect()
        try:
            yield session
        finally:
            driver.disconnect(session)

    def answered(self, driver: BaseDriver, session: Any) -> str:
        """Ask the profile's query and see that the answer is its.

        Raises:
            Broken
        """
        self.called(driver, "query")
        answer = driver.send(session, self.profile.query)
        text = str(answer.output if isinstance(answer, Output) else answer)
        require(
            self.profile.query_shows in text,
            f"the answer to '{self.profile.query}' does not hold '{self.profile.query_shows}': {text[:200]!r}",
        )
        return text

    def changed(self, driver: BaseDriver, session: Any, *lines: str, **request: Any) -> ChangeResult:
        """Make a change."""
        self.called(driver, "change")
        return driver.config(session, ChangeRequest(lines=list(lines), **request))

    def needs_change(self) -> None:
        """Raises NotApplicable where the driver changes nothing, or the profile has no change."""
        if self.read_only:
            raise NotApplicable("the driver has no config()")
        if not self.profile.change:
            raise NotApplicable("the profile has no change: give change and change_shows")

    def secret(self) -> str:
        """A password that may be shown nowhere."""
        return str(self.device.connection_args.get("password") or CANARY)

    def with_secret(self) -> dict[str, Any]:
        """Good connection arguments that have a password."""
        return self.device.connection_args | {"password": self.secret()}
