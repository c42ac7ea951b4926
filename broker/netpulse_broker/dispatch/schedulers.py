"""Which node gets a device that has none. A scheduler is a function from the nodes with room to one of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeLoad:
    """A node that takes devices.

    Attributes:
        load: devices assigned to it.
        capacity: devices that it takes at most.
    """

    name: str
    capacity: int
    load: int

    @property
    def free(self) -> int:
        return self.capacity - self.load


Scheduler = Callable[[Sequence[NodeLoad]], NodeLoad]
"""Picks one of at least one nodes, each with ``free`` > 0."""


def greedy(nodes: Sequence[NodeLoad]) -> NodeLoad:
    """The first node, by name, that has room."""
    return min(nodes, key=lambda node: node.name)


def least_load(nodes: Sequence[NodeLoad]) -> NodeLoad:
    """The node with the fewest workers, then with the most room, then by name."""
    return min(nodes, key=lambda node: (node.load, -node.free, node.name))


def least_load_random(nodes: Sequence[NodeLoad]) -> NodeLoad:
    """One of the nodes with the fewest workers and the most room, by chance."""
    best = min((node.load, -node.free) for node in nodes)
    return random.choice([node for node in nodes if (node.load, -node.free) == best])  # noqa: S311  # no secret


def load_weighted_random(nodes: Sequence[NodeLoad]) -> NodeLoad:
    """By chance, weighted by the nodes' free places."""
    return random.choices(nodes, weights=[node.free for node in nodes])[0]  # noqa: S311  # no secret


SCHEDULERS: Mapping[str, Scheduler] = {
    "greedy": greedy,
    "least_load": least_load,
    "least_load_random": least_load_random,
    "load_weighted_random": load_weighted_random,
}
