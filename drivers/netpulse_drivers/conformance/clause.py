"""A clause of the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from netpulse_drivers.conformance.trial import Trial


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One sentence of the contract.

    Attributes:
        name: short, for a test's name.
        says: the sentence.
        check: raises Broken or NotApplicable; whatever else it raises is the driver's defect.
    """

    name: str
    says: str
    check: Callable[[Trial], None]
