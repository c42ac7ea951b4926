"""One device, one caller: what a command costs by each way to it, in small batches that take turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from netmiko import ConnectHandler

from tests.bench.figures import Samples
from tests.bench.raw_exchange import RawExchange
from tests.bench.rest_client import RestClient, request_body
from tests.bench.sizes import Sizes
from tests.lab.running_broker import RunningBroker

COMMAND = "show version"
WARM_UP = 10


@dataclass(slots=True, kw_only=True)
class OneDevice:
    """What was measured."""

    name: str
    raw: Samples = field(default_factory=Samples)
    nothing: Samples = field(default_factory=Samples)
    rest: Samples = field(default_factory=Samples)
    stock: Samples = field(default_factory=Samples)
    connect: Samples = field(default_factory=Samples)
    stages: dict[str, Samples] = field(default_factory=dict)
    logins: int = 0
    """That the broker needed."""

    @property
    def broker_own(self) -> float:
        """Seconds (median) of a warm REST command without the device's own."""
        return self.rest.p50 - self.raw.p50


def measure(broker: RunningBroker, name: str, connection_args: dict[str, Any], sizes: Sizes) -> OneDevice:
    """Let the contestants take turns on one device."""
    measured = OneDevice(name=name)
    body = request_body(connection_args, COMMAND)
    with ExitStack() as stack:
        client = stack.enter_context(RestClient(broker))
        raw = RawExchange(connection_args)
        stack.callback(raw.close)
        stock = stack.enter_context(ConnectHandler(**connection_args))
        same = _first_line(client.finished(body).text)
        assert same == _first_line(stock.send_command(COMMAND)), "the broker's output is not netmiko's"

        def rest() -> None:
            answered = client.finished(body)
            measured.rest.add(answered.seconds)
            measured.logins += not answered.job["session_reused"]
            for stage, seconds in answered.stages().items():
                measured.stages.setdefault(stage, Samples()).add(seconds)

        def connect() -> None:
            with ConnectHandler(**connection_args) as connection:
                connection.send_command(COMMAND)

        contestants: list[tuple[Callable[[], object], int]] = [
            (lambda: measured.raw.add(raw.run(COMMAND)), sizes.fast_batch),
            (lambda: measured.nothing.add(client.nothing()), sizes.fast_batch),
            (rest, sizes.fast_batch),
            (_timed(lambda: stock.send_command(COMMAND), measured.stock), sizes.stock_batch),
            (_timed(connect, measured.connect), sizes.connect_batch),
        ]
        for _ in range(WARM_UP):
            raw.run(COMMAND)
            client.nothing()
            client.finished(body)
        for _ in range(sizes.rounds):
            for call, times in contestants:
                for _ in range(times):
                    call()
    return measured


def _timed(call: Callable[[], object], into: Samples) -> Callable[[], None]:
    def timed() -> None:
        began = time.perf_counter()
        call()
        into.add(time.perf_counter() - began)

    return timed


def _first_line(text: object) -> str:
    return str(text).strip().splitlines()[0]
