"""Changes with a timer: confirmed, confirmed after the broker was restarted, and left alone while it was away."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from netpulse_lab import SimulatorLab
from tests.lab.timed_changes import WAYS, error_of, restarted, stage_of


def test_the_outcome_is_known_and_shown_across_a_restart(tmp_path: Path, lab: SimulatorLab) -> None:
    with restarted(tmp_path) as start, ExitStack() as devices:
        broker = start()
        rows = [
            [devices.enter_context(stage_of(broker, lab, way, name=f"{way.name}-{number}")) for number in range(3)]
            for way in WAYS
        ]
        jobs = {stage: stage.change_for()["id"] for row in rows for stage in row}
        for early, _, _ in rows:
            assert early.settle("confirm")["status"] == "finished"
        broker = start(while_away=lambda: [lab.time_is_up(alone.device) for _, _, alone in rows])
        table = []
        for row in rows:
            for stage in row:
                stage.broker = broker
                assert [one["job"] for one in stage.commits] == [jobs[stage]]
            early, late, alone = row
            assert late.commits[0]["state"] == "pending"
            assert late.settle("confirm")["status"] == "finished"
            error = error_of(alone.settle("confirm"), "nothing_pending")
            assert f"the commit of job {jobs[alone]} has ended as 'reverted'" in error["message"]
            shown = [stage.commits[0]["state"] for stage in row]
            assert shown == ["confirmed", "confirmed", "reverted"]
            assert [stage.changed for stage in row] == [True, True, False]
            assert not early.timer_runs()
            assert not late.timer_runs()
            table.append((row[0].way.name, *shown))
        print("\nchange with a timer   confirmed    confirmed after a restart   not confirmed, broker away")
        for name, *shown in table:
            print(f"{name:<21} {shown[0]:<12} {shown[1]:<27} {shown[2]}")
