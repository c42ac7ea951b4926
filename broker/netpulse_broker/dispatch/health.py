"""State of what a controller depends on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """State of what a controller depends on."""

    redis: bool
    detail: str
    pinned_nodes: int
    fifo_nodes: int
    devices: int
    capacity: int
    waiting: int

    @property
    def ready(self) -> bool:
        """Whether work can be accepted: Redis answers and at least one node serves devices."""
        return self.redis and self.pinned_nodes > 0
