from __future__ import annotations

from collections import Counter

import pytest

from netpulse_broker.dispatch.schedulers import SCHEDULERS, NodeLoad

NODES = [NodeLoad("b", 10, 2), NodeLoad("a", 10, 9), NodeLoad("c", 20, 2), NodeLoad("d", 20, 2)]


def test_greedy_takes_the_first_by_name() -> None:
    assert SCHEDULERS["greedy"](NODES).name == "a"


def test_least_load_prefers_room_then_name() -> None:
    assert SCHEDULERS["least_load"](NODES).name == "c"


def test_least_load_random_stays_among_the_best() -> None:
    picked = {SCHEDULERS["least_load_random"](NODES).name for _ in range(200)}
    assert picked == {"c", "d"}


def test_weights_are_free_places() -> None:
    picks = Counter(SCHEDULERS["load_weighted_random"](NODES).name for _ in range(4500))
    assert picks["a"] < picks["b"] < min(picks["c"], picks["d"])


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
def test_one_node_is_always_it(name: str) -> None:
    assert SCHEDULERS[name]([NodeLoad("x", 1, 0)]).name == "x"
