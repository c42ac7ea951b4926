"""``python -m tests.bench``: measure, print the tables. Exit status 0 whatever the figures are: the reader judges."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

from netpulse_lab import SimulatorLab
from tests.bench import many_devices, node_loss, one_device, vendor_path, worker_loss
from tests.bench.conditions import conditions
from tests.bench.peers import comparison
from tests.bench.report import Run, report
from tests.bench.sizes import FULL, TINY, Sizes
from tests.lab.real import FrrLab
from tests.lab.running_broker import RunningBroker
from tests.parity.vendor_ansible import VendorAnsible

T = TypeVar("T")


def measure(sizes: Sizes, *, frr: bool) -> Run:
    """One run of everything.

    Args:
        frr: also on an FRR router.
    """
    most = max(sizes.devices, sizes.worker_kills, sizes.node_devices + 1)
    with ExitStack() as stack:
        lab = stack.enter_context(SimulatorLab(count=most))
        with RunningBroker() as broker:
            single = [
                _told(
                    "one simulated device",
                    lambda: one_device.measure(broker, "simulated device", lab.devices[0].netmiko(), sizes),
                )
            ]
            if frr:
                with FrrLab() as routers:
                    args = routers.routers[0].netmiko()
                    single.append(
                        _told("one FRR router", lambda: one_device.measure(broker, "FRR router", args, sizes))
                    )
            many = _told(f"{sizes.devices} devices", lambda: many_devices.measure(broker, lab, sizes))
            lost_workers = _told("killed workers", lambda: worker_loss.measure(broker, lab, sizes))
        lost_nodes = _told("killed nodes", lambda: node_loss.measure(lab, sizes))
    return Run(single=single, many=many, worker_loss=lost_workers, node_loss=lost_nodes)


def _told(what: str, work: Callable[[], T]) -> T:
    """Do it, and tell on standard error how long it took: the tables on standard output come at the end."""
    began = time.monotonic()
    done = work()
    print(f"bench: {what}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return done


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--size",
        choices=["full", "tiny"],
        default="full",
        help="tiny only shows that it runs; its figures mean nothing",
    )
    parser.add_argument("--no-frr", action="store_true", help="leave the FRR router out")
    parser.add_argument(
        "--part",
        choices=["all", "broker", "peers", "vendor"],
        default="all",
        help="broker: REST beside netmiko; peers: beside nornir, scrapli and threads of netmiko (extra 'peers'); "
        "vendor: a vendor's Ansible module beside stock network_cli",
    )
    options = parser.parse_args()
    sizes = FULL if options.size == "full" else TINY
    load = os.getloadavg()
    if options.size == "tiny":
        print("Too little was measured for the figures to mean anything.\n")
    if options.part in {"all", "broker"}:
        possible, reason = FrrLab.available()
        if options.no_frr:
            possible, reason = False, "asked for by --no-frr"
        print(report(measure(sizes, frr=possible)))
        if not possible:
            print(f"\nFRR router: left out ({reason}).")
        print()
    if options.part in {"all", "peers"}:
        print(peers(sizes) + "\n")
    if options.part in {"all", "vendor"}:
        print(vendor(sizes))
    print(f"\n### Conditions\n\n{conditions(load)}")


def peers(sizes: Sizes) -> str:
    """The tables beside other tools, or why there are none; in CI they have to be possible."""
    if absent := comparison.missing():
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            sys.exit(f"bench: CI has to compare with other tools, but these are not installed: {absent}")
        return f"Other tools: left out (not installed: {absent}; they come with the extra 'peers')."
    runs = [
        _told(f"{devices} devices beside other tools", partial(comparison.measure, devices, sizes))
        for devices in sizes.peer_devices
    ]
    return comparison.report(runs)


def vendor(sizes: Sizes) -> str:
    """The vendor part's tables, or why there are none; in CI it has to be possible."""
    environment = VendorAnsible.environment()
    if environment is None:
        missing = "no Ansible with the vendors' collections; see tests/parity/vendor_ansible.py"
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            sys.exit(f"bench: CI has to measure vendor modules, but there is {missing}")
        return f"Vendor modules: left out ({missing})."
    return vendor_path.report(_told("vendor modules", lambda: vendor_path.measure(environment, sizes)))


if __name__ == "__main__":
    main()
