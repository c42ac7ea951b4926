"""The scripts and the enums say the same words."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from netpulse_broker.states import EventKind, InteractiveState, JobStatus, Outcome, ResultType, WorkerState

LUA = "\n".join(
    script.read_text() for script in sorted((files("netpulse_broker.queueing.redis") / "lua").iterdir(), key=str)
)


def test_scripts_end_jobs_with_the_words_of_the_enums() -> None:
    ends = re.findall(r"end_job\([^,]+, '(\w+)', '(\w+)'", LUA)
    assert len(ends) >= 4
    for status, outcome in ends:
        assert JobStatus(status).final
        assert Outcome(outcome)


def test_scripts_write_and_compare_statuses_of_the_enum() -> None:
    words = set(re.findall(r"'HSET'[^\n]*?'status', '(\w+)'", LUA)) | set(
        re.findall(r"job(?:\[1\]|\.status) [=~]= '(\w+)'", LUA)
    )
    assert {"queued", "started", "scheduled"} <= words <= {status.value for status in JobStatus}


def test_scripts_give_each_final_status_the_number_of_the_enum() -> None:
    (table,) = re.findall(r"RESULT_TYPE = \{([^}]*)\}", LUA)
    numbers = {JobStatus(word): int(number) for word, number in re.findall(r"(\w+) = '(\d)'", table)}
    assert numbers == {status: ResultType.of(status) for status in JobStatus if status.final}


def test_scripts_tell_events_of_the_enum_s_kinds() -> None:
    assert set(re.findall(r"tell\('(\w+)'", LUA)) == {kind.value for kind in EventKind}


@pytest.mark.parametrize("states", [WorkerState, InteractiveState])
def test_scripts_write_each_state_that_the_enum_has(states: type[WorkerState | InteractiveState]) -> None:
    written = set(re.findall(r"'state', (?:[^,)]* and )?'(\w+)'", LUA)) | set(re.findall(r"or '(\w+)'", LUA))
    assert {state.value for state in states} <= written
