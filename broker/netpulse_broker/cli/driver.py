"""``netpulse driver``: which drivers there are, and whether one keeps the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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


@driver_commands.command("list")
def list_drivers(config: Config = None, plugins: Plugins = None) -> None:
    """Print all drivers, where they come from and what they can do; exit status 1 if one failed to load."""
    # Imported by the command alone: the roles, which this program starts too, need neither rich nor the suite.
    from netpulse_broker.cli.driver_trial import known_drivers, print_drivers  # noqa: PLC0415

    registry = known_drivers(config, plugins or ())
    print_drivers(registry)
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
    from netpulse_broker.cli.driver_profile import Given  # noqa: PLC0415 - as above
    from netpulse_broker.cli.driver_trial import known_drivers, print_verdicts, verdicts_on  # noqa: PLC0415

    given = Given(
        file=profile,
        arguments=argument or [],
        from_environment=environment or [],
        asked=ask or [],
        query=query,
        shows=shows,
    )
    verdicts = verdicts_on(known_drivers(config, plugins or ()), name, given, only=only or [])
    print_verdicts(name, verdicts)
    if any(verdict.outcome == "FAIL" for verdict in verdicts):
        raise typer.Exit(1)
