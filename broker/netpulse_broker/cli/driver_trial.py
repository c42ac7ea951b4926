"""Trying a driver on a named device, and the tables that ``netpulse driver`` prints."""

from __future__ import annotations

import collections
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from netpulse_broker.cli.driver_profile import Given, named_device
from netpulse_broker.cli.errors import TrialNotPossible
from netpulse_broker.settings_source import load_settings
from netpulse_drivers import BaseDriver, DriverRegistry, UnknownDriver
from netpulse_drivers.conformance import CLAUSES, Clause, DeviceNotReached, Outcome, Verdict, run_suite
from netpulse_drivers.interactive import InteractiveDriver

_STYLES: dict[Outcome, str] = {"pass": "green", "FAIL": "bold red", "not applicable": "dim"}


def known_drivers(config: Path | None, plugins: Iterable[Path]) -> DriverRegistry:
    """Those of the installed packages, of the settings' plug-in directories and of further ones.

    Raises:
        SettingsError
    """
    settings = load_settings(config=config).drivers
    return DriverRegistry([*settings.plugin_dirs, *plugins], platform_dirs=settings.platform_dirs)


def verdicts_on(registry: DriverRegistry, name: str, given: Given, *, only: Sequence[str]) -> list[Verdict]:
    """What came of each clause.

    Args:
        only: names of the clauses to try; all when it is empty.

    Raises:
        TrialNotPossible: an unknown driver or clause, a wrong profile, a device that cannot be reached.
    """
    driver = _driver(registry, name)
    clauses = _chosen(only)
    device = named_device(driver, given)
    with tempfile.TemporaryDirectory(prefix="netpulse-driver-test-") as directory:
        # The relay's ports come round again: their host keys belong into no lasting file.
        os.environ["NETPULSE_KNOWN_HOSTS"] = str(Path(directory) / "known_hosts")
        try:
            if device.relay:
                device.check()
        except DeviceNotReached as error:
            raise TrialNotPossible(f"the device cannot be reached: {error}") from None
        return list(run_suite(device.profile, device.up, clauses=clauses))


def _driver(registry: DriverRegistry, name: str) -> type[BaseDriver]:
    try:
        return registry.get(name)
    except UnknownDriver as error:
        failed = "".join(f"\n  failed to load {one.source}: {one.message}" for one in registry.failures)
        raise TrialNotPossible(f"{error.message}{failed}") from None


def _chosen(names: Sequence[str]) -> list[Clause]:
    known = {clause.name: clause for clause in CLAUSES}
    if unknown := [name for name in names if name not in known]:
        raise TrialNotPossible(f"unknown clause '{unknown[0]}'; there are: {', '.join(known)}")
    return [known[name] for name in names] or list(CLAUSES)


def print_verdicts(name: str, verdicts: Sequence[Verdict]) -> None:
    """A clause a line, and how many of each kind."""
    table = Table("clause", "", "why", box=None, pad_edge=False)
    for verdict in verdicts:
        style = _STYLES[verdict.outcome]
        table.add_row(Text(verdict.clause.says), Text(verdict.outcome, style=style), Text(verdict.why))
    _console().print(table)
    counts = collections.Counter(verdict.outcome for verdict in verdicts)
    typer.echo(f"driver {name}: " + ", ".join(f"{counts[outcome]} {outcome}" for outcome in _STYLES))


def print_drivers(registry: DriverRegistry) -> None:
    """A driver a line; loads them all, so that ``registry.failures`` is complete afterwards."""
    table = Table("driver", "from", "queries", "session", "can", box=None, pad_edge=False)
    for name, driver in sorted(registry.load_all().items()):
        kept = "kept" if driver.keeps_session else "per job"
        table.add_row(name, Text(registry.source(name)), driver.query_strategy, kept, ", ".join(_abilities(driver)))
    _console().print(table)


def _abilities(driver: type[BaseDriver]) -> list[str]:
    own = [name for name in ("config", "confirm", "rollback") if getattr(driver, name) is not getattr(BaseDriver, name)]
    return ["query", *own, *(["lease"] if issubclass(driver, InteractiveDriver) else [])]


def _console() -> Console:
    """As wide as the terminal; a file or a pipe gets whole lines."""
    console = Console()
    return console if console.is_terminal else Console(width=200)
