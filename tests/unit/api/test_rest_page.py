"""docs/rest.md names every option. Its requests and answers are tried in tests/documentation."""

from __future__ import annotations

import re
from pathlib import Path

from netpulse_broker.models.job import Job
from netpulse_broker.models.options import JobOptions

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "rest.md").read_text()


def test_every_option_is_described() -> None:
    assert set(JobOptions.model_fields) <= set(re.findall(r"`(\w+)`", PAGE))


def test_every_field_of_a_job_is_shown() -> None:
    assert [name for name in Job.model_fields if f'"{name}": ' not in PAGE] == []
