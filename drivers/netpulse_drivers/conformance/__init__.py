"""The driver contract, clause by clause, as checks that run against any driver and something real behind it.

``netpulse driver test NAME`` runs them for a driver's author; the project's own tests run them for its drivers.
"""

from __future__ import annotations

from netpulse_drivers.conformance.clause import Clause
from netpulse_drivers.conformance.clauses import CLAUSES
from netpulse_drivers.conformance.device import Device
from netpulse_drivers.conformance.named_device import DeviceNotReached, NamedDevice
from netpulse_drivers.conformance.profile import Profile
from netpulse_drivers.conformance.suite import Outcome, Verdict, run_suite, try_clause
from netpulse_drivers.conformance.trial import StoppedHere, Trial
from netpulse_drivers.conformance.verdicts import Broken, NotApplicable

__all__ = [
    "CLAUSES",
    "Broken",
    "Clause",
    "Device",
    "DeviceNotReached",
    "NamedDevice",
    "NotApplicable",
    "Outcome",
    "Profile",
    "StoppedHere",
    "Trial",
    "Verdict",
    "run_suite",
    "try_clause",
]
