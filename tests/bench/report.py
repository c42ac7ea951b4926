"""What a run prints."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.figures import Samples, Target, ms, table
from tests.bench.many_devices import ManyDevices
from tests.bench.node_loss import NodeLoss
from tests.bench.one_device import COMMAND, OneDevice

MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All that was measured."""

    single: Sequence[OneDevice]
    many: ManyDevices
    worker_loss: Samples
    node_loss: NodeLoss


def report(run: Run) -> str:
    """All tables."""
    parts = [targets(run)]
    parts += [f"{one_device(one)}\n\n{stages(one)}" for one in run.single]
    parts += [closed_loop(run.many), memory(run.many), losses(run), redis_commands(run.node_loss)]
    return "\n\n".join(parts)


def targets(run: Run) -> str:
    """The aims and floors, and what came of them."""
    rows: list[Target] = []
    for one in run.single:
        rows += [
            Target(
                what=f"{one.name}: warm REST command, p50, minus the device's own time",
                value=one.broker_own * 1000,
                aim=1.2,
                floor=1.5,
                unit=" ms",
            ),
            Target(
                what=f"{one.name}: warm REST command / stock send_command on an open session",
                value=one.rest.p50 / one.stock.p50,
                aim=0.03,
                floor=0.05,
                digits=4,
            ),
            Target(
                what=f"{one.name}: connect per call / warm REST command",
                value=one.connect.p50 / one.rest.p50,
                aim=200,
                floor=100,
                unit="x",
                more_is_better=True,
                digits=0,
            ),
        ]
    many, nodes = run.many, run.node_loss
    rows += [
        Target(
            what=f"{many.devices} devices closed loop / {many.devices} threads of stock netmiko",
            value=many.ratio,
            aim=5,
            floor=3,
            unit="x",
            more_is_better=True,
        ),
        Target(
            what=f"memory per pinned worker, USS, mean of {len(many.uss)}",
            value=statistics.mean(many.uss) / MB,
            aim=9,
            floor=12,
            unit=" MB",
        ),
        Target(
            what="killed worker: its caller knows, p50",
            value=run.worker_loss.p50 * 1000,
            aim=10,
            floor=50,
            unit=" ms",
            digits=1,
        ),
        Target(
            what="killed node: first idle device served elsewhere, longest",
            value=max(nodes.first),
            aim=nodes.lease_ttl + 1,
            floor=None,
            unit=" s",
        ),
    ]
    return "### Aims\n\n" + table(["what", "measured", "aim", "floor", "verdict"], [target.cells() for target in rows])


def one_device(one: OneDevice) -> str:
    """The contestants on one device."""
    contestants = {
        "device's own time: blocking read on an open channel": one.raw,
        "HTTP request that asks for nothing (GET /health/live)": one.nothing,
        "REST, warm session": one.rest,
        "stock netmiko send_command, open session": one.stock,
        "stock netmiko connect, command, disconnect": one.connect,
    }
    rows = [
        [
            what,
            ms(samples.p10),
            ms(samples.p50),
            ms(samples.p95),
            f"{samples.p50 / one.rest.p50:.2f}",
            str(len(samples)),
        ]
        for what, samples in contestants.items()
    ]
    head = f"### One caller, one device: {one.name}, `{COMMAND}`, milliseconds"
    note = f"Logins that the measured REST calls needed: {one.logins}."
    return f"{head}\n\n{table(['what', 'p10', 'p50', 'p95', 'p50 / REST', 'samples'], rows)}\n\n{note}"


def stages(one: OneDevice) -> str:
    """Where a warm REST command spends its time."""
    rows = [_percentiles(stage, samples) for stage, samples in one.stages.items()]
    rows.append(_percentiles("  of the driver's: the device's own (blocking read)", one.raw))
    rows.append(_percentiles("whole, as the caller sees it", one.rest))
    return f"#### Its stages: {one.name}, milliseconds\n\n{table(['stage', 'p10', 'p50', 'p95'], rows)}"


def _percentiles(what: str, samples: Samples) -> list[str]:
    return [what, ms(samples.p10), ms(samples.p50), ms(samples.p95)]


def closed_loop(many: ManyDevices) -> str:
    """Rates, and the CPU time behind them."""
    rows = [
        [what, f"{statistics.median(rates):.0f}", f"{min(rates):.0f}", f"{max(rates):.0f}", ms(sum(cpu.values()))]
        for what, rates, cpu in (
            ("REST, warm sessions", many.broker, many.cpu),
            ("stock netmiko, threads on open sessions", many.stock, many.stock_cpu),
        )
    ]
    head = ["what", "median", "lowest", "highest", "CPU ms a command"]
    parts = sorted(many.cpu.items(), key=lambda item: -item[1])
    spent = table(["process", "CPU ms a command"], [[name, ms(seconds)] for name, seconds in parts])
    return (
        f"### {many.devices} devices, closed loop, commands a second ({len(many.broker)} slices each)\n\n"
        f"{table(head, rows)}\n\n#### CPU time behind a REST command in that loop\n\n{spent}"
    )


def memory(many: ManyDevices) -> str:
    """What the workers weigh."""
    rows = [
        [what, f"{statistics.mean(sizes) / MB:.2f}", f"{min(sizes) / MB:.2f}", f"{max(sizes) / MB:.2f}"]
        for what, sizes in (("USS (its own)", many.uss), ("RSS (shared pages counted in each)", many.rss))
    ]
    head = f"### Memory of {len(many.uss)} pinned workers, MB"
    return f"{head}\n\n{table(['what', 'mean', 'lowest', 'highest'], rows)}"


def losses(run: Run) -> str:
    """Killed workers and nodes."""
    worker, nodes = run.worker_loss, run.node_loss
    workers = table(
        ["worker killed while its job runs", "p50", "longest", "tries"],
        [["until the caller holds the failed job, ms", ms(worker.p50), ms(worker.longest), str(len(worker))]],
    )
    beyond = [first - left for first, left in zip(nodes.first, nodes.lease_left, strict=True)]
    rows = [
        [what, f"{statistics.median(times):.2f}", f"{max(times):.2f}", str(len(times))]
        for what, times in (
            ("first answer, s", nodes.first),
            (f"all {nodes.devices} devices, s", nodes.last),
            ("first answer after the lease has passed, s", beyond),
        )
    ]
    head = [f"node killed, its devices idle, lease {nodes.lease_ttl:g} s", "median", "longest", "tries"]
    return f"### Losses\n\n{workers}\n\n{table(head, rows)}"


def redis_commands(nodes: NodeLoss) -> str:
    """What a job costs Redis."""
    rows = [[name, f"{each:.1f}"] for name, each in nodes.redis_commands.items()]
    total = sum(nodes.redis_commands.values())
    head = f"### Redis commands a job, those inside scripts included: {total:.0f}"
    return f"{head}\n\n{table(['command', 'a job'], rows)}"
