"""``netpulse driver``: which drivers there are, and whether one keeps the contract."""

from __future__ import annotations

import collections
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

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

driver_commands = typer.Typer(
    help="List drivers, and try one against the driver contract. See docs/write-a-driver.md.",
    no_args_is_help=True,
    add_completion=False,
)

Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file with settings; for drivers.plugin_dirs.")
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugins", metavar="DIR", help="Also load the packages of this directory; may be repeated."),
]
_STYLES: dict[Outcome, str] = {"pass": "green", "FAIL": "bold red", "not applicable": "dim"}


@driver_commands.command("list")
def list_drivers(config: Config = None, plugins: Plugins = None) -> None:
    """Print all drivers, where they come from and what they can do; exit status 1 if one failed to load."""
    registry = _registry(config, plugins)
    table = Table("driver", "from", "queries", "session", "can", box=None, pad_edge=False)
    for name, driver in sorted(registry.load_all().items()):
        kept = "kept" if driver.keeps_session else "per job"
        table.add_row(name, Text(registry.source(name)), driver.query_strategy, kept, ", ".join(_abilities(driver)))
    _console().print(table)
    for failure in registry.failures:
        typer.echo(f"failed to load {failure.source}: {failure.message}", err=True)
    if registry.failures:
        raise typer.Exit(1)


@driver_commands.command("test")
def try_driver(  # noqa: PLR0917 - the options of a command; nobody calls it by position
    name: Annotated[str, typer.Argument(help="The driver's name, as requests say it.")],
    profile: Annotated[
        Path | None,
        typer.Option("--profile", metavar="FILE", help="TOML or JSON: connection_args and what may be tried."),
    ] = None,
    argument: Annotated[
        list[str] | None, typer.Option("--arg", metavar="KEY=VALUE", help="A connection argument; never a secret.")
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option("--env", metavar="KEY=VARIABLE", help="A connection argument from an environment variable."),
    ] = None,
    ask: Annotated[
        list[str] | None, typer.Option("--ask", metavar="KEY", help="Ask for a connection argument, without echo.")
    ] = None,
    query: Annotated[str | None, typer.Option("--query", help="A harmless query.")] = None,
    shows: Annotated[str | None, typer.Option("--shows", metavar="TEXT", help="A text in its answer.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="CLAUSE", help="Only this clause.")] = None,
    config: Config = None,
    plugins: Plugins = None,
) -> None:
    """Try a driver against the contract, clause by clause, on a device that you name.

    Exit status 0: no clause is broken; 1: one is; 2: it could not be tried. The device is reached through a relay on
    this machine, which cuts and silences connections when a clause wants it. Changes are made only if the profile has
    some.
    """
    registry = _registry(config, plugins)
    try:
        driver = registry.get(name)
    except UnknownDriver as error:
        failed = "".join(f"\n  failed to load {one.source}: {one.message}" for one in registry.failures)
        raise TrialNotPossible(f"{error.message}{failed}") from None
    clauses = _chosen(only or [])
    given = Given(
        file=profile,
        arguments=argument or [],
        from_environment=environment or [],
        asked=ask or [],
        query=query,
        shows=shows,
    )
    device = named_device(driver, given)
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="netpulse-driver-test-") as directory:
        # The relay's ports come round again: their host keys belong into no lasting file.
        os.environ["NETPULSE_KNOWN_HOSTS"] = str(Path(directory) / "known_hosts")
        try:
            if device.relay:
                device.check()
        except DeviceNotReached as error:
            raise TrialNotPossible(f"the device cannot be reached: {error}") from None
        verdicts.extend(run_suite(device.profile, device.up, clauses=clauses))
    _console().print(_table(verdicts))
    counts = collections.Counter(verdict.outcome for verdict in verdicts)
    typer.echo(f"driver {name}: " + ", ".join(f"{counts[outcome]} {outcome}" for outcome in _STYLES))
    if counts["FAIL"]:
        raise typer.Exit(1)


def _registry(config: Path | None, plugins: Iterable[Path] | None) -> DriverRegistry:
    return DriverRegistry([*load_settings(config=config).drivers.plugin_dirs, *(plugins or ())])


def _chosen(names: list[str]) -> list[Clause]:
    known = {clause.name: clause for clause in CLAUSES}
    if unknown := [name for name in names if name not in known]:
        raise TrialNotPossible(f"unknown clause '{unknown[0]}'; there are: {', '.join(known)}")
    return [known[name] for name in names] or list(CLAUSES)


def _abilities(driver: type[BaseDriver]) -> list[str]:
    own = [name for name in ("config", "confirm", "rollback") if getattr(driver, name) is not getattr(BaseDriver, name)]
    return ["query", *own, *(["lease"] if issubclass(driver, InteractiveDriver) else [])]


def _table(verdicts: Iterable[Verdict]) -> Table:
    table = Table("clause", "", "why", box=None, pad_edge=False)
    for verdict in verdicts:
        style = _STYLES[verdict.outcome]
        table.add_row(Text(verdict.clause.says), Text(verdict.outcome, style=style), Text(verdict.why))
    return table


def _console() -> Console:
    """As wide as the terminal; a file or a pipe gets whole lines."""
    console = Console()
    return console if console.is_terminal else Console(width=200)
