"""A worker's side of the record of refused credentials. Blocking.

The rules (docs/login-protection.md), kept by the scripts ``login_try`` and ``login_told``:

- A device that refuses a credential is not shown it again for a time that doubles with each refusal.
- A credential that nothing has proved for a minute, or that was refused since its last success, is tried by a few
  logins at a time on all nodes together; refusals take up their number.
- Refusals by several devices that never took it suspend it at all such devices. Only refusals by devices that did take
  it before suspend it everywhere: who runs devices of his own cannot keep others from theirs.
- When a suspension is over, one login tries; its end decides for the others.

Redis holds a keyed digest of the credential, and addresses: nothing that a credential could be tried out on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.scripts import text
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.queueing.redis.worker_connection import LineScripts

TRIES = 5
"""Tries of an unproven credential that are under way at a time, refusals counted in."""

REFUSING_DEVICES = 3
"""Devices whose refusals suspend a credential elsewhere too; fewer than TRIES, else nobody could be the third."""

PROVEN_FOR = 60_000
"""Milliseconds for which a success lets any number of logins try."""

COUNTED_FOR = 15 * 60_000
"""Milliseconds for which a refusal counts: the span in which AAA servers usually count to their lock-out."""

Where = Literal["device", "new", "all"]
Outcome = Literal["accepted", "refused", "neither"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """Why a credential may not be tried.

    Attributes:
        until: epoch seconds by Redis' clock.
        where: at this device, at all that never took the credential, or everywhere.
        refusals: of this device, or devices that refused it.
    """

    until: float
    where: Where
    refusals: int


class LoginLedger:
    """What all workers know of credentials.

    Args:
        scripts: on the worker's connection.
    """

    def __init__(self, scripts: LineScripts, sealer: Sealer) -> None:
        self._scripts = scripts
        self._sealer = sealer

    def digest(self, proof: Mapping[str, Any]) -> str:
        """The name under which a credential is known: 96 bits of a keyed digest."""
        told = json.dumps(proof, sort_keys=True).encode("utf-8", "surrogatepass")
        return self._sealer.mark(b"login\0" + told)[:24]

    def begin(self, digest: str, place: str, attempt: str, *, lasts: float) -> Suspension | bool:
        """Whether the credential may be shown now: True, or False when others are to be waited for.

        Args:
            attempt: a name of this try, used once.
            lasts: seconds after which the try counts as ended, whatever became of it.
        """
        answer = self._scripts(
            "login_try",
            keys=keys.credential(digest),
            args=[attempt, place, round(lasts * 1000), TRIES, PROVEN_FOR, COUNTED_FOR],
        )
        verdict = text(answer[0])
        if verdict != "suspended":
            return verdict == "go"
        where: Any = text(answer[2])
        return Suspension(until=int(answer[1]) / 1000, where=where, refusals=int(answer[3]))

    def end(self, digest: str, place: str, attempt: str, outcome: Outcome, *, first: float, longest: float) -> None:
        """What came of a try.

        Args:
            first, longest: seconds of the first and of the longest suspension.
        """
        self._scripts(
            "login_told",
            keys=[*keys.credential(digest), keys.SUSPENDED],
            args=[
                attempt,
                place,
                outcome,
                round(first * 1000),
                round(longest * 1000),
                REFUSING_DEVICES,
                digest,
                COUNTED_FOR,
            ],
        )
