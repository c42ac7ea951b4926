"""Connection arguments that were found valid before: callers send the same ones with every request.

Checking them takes a third of the time that a request needs to become a job. What was checked is known again by a
digest under a random key of this process, so that no password is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from netpulse_broker.api.error_responses import from_validation
from netpulse_broker.dispatch.device_identity import device_identity
from netpulse_drivers import BaseDriver, ConnectionArgs

REMEMBERED = 10_000
"""Logins that are remembered, about 200 bytes each."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Which device valid arguments lead to.

    Attributes:
        host: as the driver's model has it.
        port: likewise.
        identity: name under which the device's work is ordered, unless the request gives one.
    """

    host: str
    port: int | None
    identity: str

    def device(self, explicit: str | None) -> str:
        """Name under which the device's work is ordered.

        Raises:
            BadRequest: an explicit name that cannot stand in a queue name.
        """
        return self.identity if explicit is None else device_identity(self.host, self.port, explicit=explicit)


class CheckedConnections:
    """Checks connection arguments, those that it knows by a look."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._key = secrets.token_bytes(32)
        self._most = remembered
        self._known: OrderedDict[bytes, Destination] = OrderedDict()

    def check(self, kind: type[BaseDriver], arguments: Mapping[str, Any], *, named: bool) -> Destination:
        """Where the arguments lead to.

        Args:
            named: the request names the device, so the host need not make a name.

        Raises:
            InvalidRequest: they do not validate.
            BadRequest: the host can stand in no queue name, and the request names no device.
        """
        try:
            content = to_json([kind.__module__, kind.driver_name, named, arguments])
        except (PydanticSerializationError, UnicodeEncodeError):
            return self.validate(kind, arguments, named=named)[1]
        mark = hashlib.blake2b(content, key=self._key, digest_size=16).digest()
        known = self._known.get(mark)
        if known is None:
            known = self._known[mark] = self.validate(kind, arguments, named=named)[1]
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(mark)
        return known

    @staticmethod
    def validate(
        kind: type[BaseDriver], arguments: Mapping[str, Any], *, named: bool
    ) -> tuple[ConnectionArgs, Destination]:
        """As ``check``, for a request that needs the driver's model itself: it holds passwords, so none is kept."""
        try:
            valid = kind.validate_connection_args(arguments)
        except ValidationError as error:
            raise from_validation(error, prefix="connection_args") from None
        identity = "" if named else device_identity(valid.host, valid.port, explicit=None)
        return valid, Destination(valid.host, valid.port, identity)
