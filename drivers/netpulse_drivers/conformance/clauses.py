"""All clauses, in the order in which they are tried."""

from __future__ import annotations

from netpulse_drivers.conformance.abort_clauses import ABORT_CLAUSES
from netpulse_drivers.conformance.change_clauses import CHANGE_CLAUSES
from netpulse_drivers.conformance.clause import Clause
from netpulse_drivers.conformance.request_clauses import REQUEST_CLAUSES
from netpulse_drivers.conformance.session_clauses import SESSION_CLAUSES

CLAUSES: tuple[Clause, ...] = (*REQUEST_CLAUSES, *SESSION_CLAUSES, *ABORT_CLAUSES, *CHANGE_CLAUSES)
