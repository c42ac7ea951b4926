"""Trying all clauses, one after the other, each with a device of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from netpulse_drivers.conformance.clause import Clause
from netpulse_drivers.conformance.clauses import CLAUSES
from netpulse_drivers.conformance.device import Device
from netpulse_drivers.conformance.profile import Profile
from netpulse_drivers.conformance.trial import Trial
from netpulse_drivers.conformance.verdicts import Broken, NotApplicable

Outcome = Literal["pass", "FAIL", "not applicable"]

_MASK = "********"
_OPEN = frozenset({"host", "hostname", "port", "username", "device_type", "transport"})
"""Connection arguments whose values may be shown."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of a clause; `why` is "" for a pass. It shows no value of the connection arguments that is a secret."""

    clause: Clause
    outcome: Outcome
    why: str = ""


def run_suite(
    profile: Profile, device: Callable[[], AbstractContextManager[Device]], *, clauses: Sequence[Clause] = CLAUSES
) -> Iterator[Verdict]:
    """Try the clauses one by one.

    Args:
        device: brings up the device for one clause and puts it back afterwards.
    """
    for clause in clauses:
        yield try_clause(clause, profile, device)


def try_clause(clause: Clause, profile: Profile, device: Callable[[], AbstractContextManager[Device]]) -> Verdict:
    """Try one. Whatever the driver raises becomes a verdict."""
    secrets: list[str] = []
    try:
        with device() as target:
            secrets += _secrets(target.connection_args)
            secrets += _secrets(profile.wrong_credentials)
            clause.check(Trial(profile=profile, device=target))
    except NotApplicable as reason:
        return Verdict(clause=clause, outcome="not applicable", why=_masked(str(reason), secrets))
    except Broken as defect:
        return Verdict(clause=clause, outcome="FAIL", why=_masked(str(defect), secrets))
    except Exception as error:  # noqa: BLE001 - a foreign driver may raise anything; it is the verdict
        return Verdict(clause=clause, outcome="FAIL", why=_masked(_unforeseen(error), secrets))
    return Verdict(clause=clause, outcome="pass")


def _unforeseen(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} ({Path(frame.filename).name}, line {frame.lineno})"


def _secrets(value: Any, name: str = "") -> list[str]:
    """All texts that may be secrets, at every depth."""
    if isinstance(value, Mapping):
        return [secret for key, one in value.items() for secret in _secrets(one, str(key))]
    return [value] if isinstance(value, str) and value and name not in _OPEN else []


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) > 3:
            text = text.replace(secret, _MASK)
    return text
