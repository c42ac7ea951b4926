"""Random jobs on devices with contexts and hops: each begins at home, and no answer belongs to another command.

A failure prints the seed and the shortest row of steps found that fails. NETPULSE_SEED plays one seed again.
"""

from __future__ import annotations

import os
import random
import secrets

import pytest

from netpulse_lab import SimulatorLab
from tests.evidence.conftest import LONG
from tests.evidence.home.devices import KINDS, Kind
from tests.evidence.home.jobs import Player, Step, steps
from tests.lab.running_broker import RunningBroker

STEPS = (2000 if LONG else 200) // len(KINDS) + 1
"""Steps on each device."""

REPLAYS = 40
"""Most rows that are played to find a shorter one that fails."""


@pytest.mark.timeout(1800 if LONG else 240)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.platform)
def test_every_job_begins_at_home(kind: Kind, broker: RunningBroker, lab: SimulatorLab) -> None:
    seed = os.environ.get("NETPULSE_SEED") or secrets.token_hex(4)
    row = steps(random.Random(f"{seed} {kind.platform}"), STEPS)
    player = Player(kind, broker, lab)
    first = _failure(player, row)
    if first is None:
        print(f"\n{kind.platform}: {len(row)} steps, {player.answers} answers, {player.logins} logins; seed {seed}")
        return
    shortest, why = _shortest(kind, broker, lab, row, first)
    shown = "\n".join(f"  {name} {choices}" for name, choices in shortest)
    pytest.fail(f"{why}\nNETPULSE_SEED={seed}; shortest row that fails:\n{shown}", pytrace=False)


def _shortest(
    kind: Kind, broker: RunningBroker, lab: SimulatorLab, row: list[Step], why: AssertionError
) -> tuple[list[Step], AssertionError]:
    """Leave out more and more steps while what is left still fails."""
    size, replays = len(row) // 2, 0
    while size and replays < REPLAYS:
        start = 0
        while start < len(row) and replays < REPLAYS:
            less = row[:start] + row[start + size :]
            replays += 1
            failure = _failure(Player(kind, broker, lab), less)
            if failure is None:
                start += size
            else:
                row, why = less, failure
        size //= 2
    return row, why


def _failure(player: Player, row: list[Step]) -> AssertionError | None:
    with player.on_a_device():
        try:
            player.play(row)
        except AssertionError as violated:
            return violated
    return None
