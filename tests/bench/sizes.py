"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VendorCase:
    """One playbook of the vendor part.

    Attributes:
        hosts: in the inventory.
        tasks: in the play.
        rounds: of all contestants.
        unwaiting: stock network_cli takes part also without its wait for more output behind a prompt.
    """

    hosts: int
    tasks: int
    rounds: int
    unwaiting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Counts and lengths of one run. Times are seconds.

    Attributes:
        rounds: of all contestants on one device, each with one small batch.
        fast_batch: calls a round of what takes about a millisecond.
        stock_batch: calls a round of stock ``send_command``.
        connect_batch: calls a round of connect, command, disconnect.
        devices: of the closed loop, and workers whose memory is measured.
        slices: of the closed loop, for each of the two contestants in turn.
        slice_seconds: length of each.
        commands_before_memory: that each worker has run before its memory is read.
        worker_kills: at most one for each device of the closed loop.
        node_kills: each waits for a lease to pass.
        node_devices: idle devices of a killed node.
        lease_ttl: of the nodes.
        counted_jobs: over which Redis' commands are counted.
        peer_devices: of each comparison with other tools.
        peer_rounds: turns that broker and other tools take.
        vendor_cases: playbooks of a vendor's module.
        vendor_seconds: after which no case gets a further round. Each gets its first; what is left out is named.
        playbook_seconds: after which a playbook has hung; that is named, and the rest goes on.
    """

    rounds: int = 40
    fast_batch: int = 10
    stock_batch: int = 4
    connect_batch: int = 1
    devices: int = 20
    slices: int = 5
    slice_seconds: float = 2.0
    commands_before_memory: int = 100
    worker_kills: int = 20
    node_kills: int = 3
    node_devices: int = 10
    lease_ttl: float = 10.0
    counted_jobs: int = 200
    peer_devices: tuple[int, ...] = (20, 100, 200)
    peer_rounds: int = 3
    vendor_cases: tuple[VendorCase, ...] = (
        VendorCase(10, 1, rounds=3),
        VendorCase(1, 10, rounds=3, unwaiting=True),
        VendorCase(1, 1, rounds=3),
        VendorCase(50, 1, rounds=2),
        VendorCase(10, 10, rounds=1),
        VendorCase(50, 10, rounds=1),
    )
    vendor_seconds: float = 900.0
    playbook_seconds: float = 900.0


FULL = Sizes()
"""On two cores and alone there: the broker's part some seven minutes, the vendor part some twenty."""

TINY = Sizes(
    rounds=2,
    fast_batch=2,
    stock_batch=1,
    devices=2,
    slices=1,
    slice_seconds=0.3,
    commands_before_memory=5,
    worker_kills=2,
    node_kills=1,
    node_devices=2,
    lease_ttl=3.0,
    counted_jobs=5,
    peer_devices=(2,),
    peer_rounds=1,
    vendor_cases=(VendorCase(2, 1, rounds=1), VendorCase(1, 2, rounds=1, unwaiting=True)),
)
"""Shows that everything runs; its figures mean nothing."""
