"""A killed worker: how long its caller is left in the dark."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.bench.figures import Samples
from tests.bench.many_devices import identity
from tests.bench.rest_client import Answered, RestClient, request_body
from tests.bench.sizes import Sizes
from tests.lab.running_broker import RunningBroker

HANGS = "show clock"
"""A command that the devices are made not to answer."""


def measure(broker: RunningBroker, lab: SimulatorLab, sizes: Sizes) -> Samples:
    """Kill a worker while its device does not answer; seconds until the caller holds the failed job.

    The devices must have been used before, so that they have workers.
    """
    until_known = Samples()
    for device in lab.devices[: sizes.worker_kills]:
        lab.set_faults(device, commands=[{"match": HANGS, "action": "hang"}])
        pid = broker.worker_pid(identity(device))
        seen = lab.log(device)[-1].seq
        with RestClient(broker) as client, ThreadPoolExecutor(1) as pool:
            asking = pool.submit(_ask, client, request_body(device.netmiko(), HANGS))
            _await_command(lab, device, since=seen)
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            answered, known = asking.result()
        assert (answered.job["status"], answered.job["outcome"]) == ("failed", "unknown"), answered.job
        until_known.add(known - killed)
        lab.clear_faults(device)
    return until_known


def _ask(client: RestClient, body: bytes) -> tuple[Answered, float]:
    return client.execute(body), time.monotonic()


def _await_command(lab: SimulatorLab, device: SimulatedDevice, *, since: int) -> None:
    end = time.monotonic() + 20
    while HANGS not in lab.commands(device, since=since):
        assert time.monotonic() < end, f"{device.name} never got the command"
        time.sleep(0.001)
