"""The commands and their options. Each one reads the settings and hands them to the part that does the work."""

from __future__ import annotations

import os
import platform
import secrets
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import netpulse_broker
from netpulse_broker.cli.driver import driver_commands
from netpulse_broker.cli.errors import AddressInUse, TrialNotPossible
from netpulse_broker.cli.login import login_commands
from netpulse_broker.cli.roles import run_controller_role, run_fifo_role, run_node_role
from netpulse_broker.cli.settings_view import effective, reference
from netpulse_broker.cli.status import status as ask_status
from netpulse_broker.cli.up import run_up
from netpulse_broker.embedded.errors import StateDirectoryError
from netpulse_broker.settings import Settings, SettingsError
from netpulse_broker.settings_source import load_settings, take_over
from netpulse_drivers.errors import NetPulseError

USAGE = 2
"""Exit status: something that the operator has to change; nothing has been started."""

_OPERATORS = (SettingsError, StateDirectoryError, AddressInUse, TrialNotPossible)

app = typer.Typer(
    name="netpulse",
    help="One kept-alive, strictly ordered session per network device, offered over REST.\n\n"
    "Begin with [bold]netpulse up[/bold]: it needs no other service. See docs/install.md and docs/settings.md.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    # Tracebacks of ours are logged with secrets masked; the pretty ones show local variables.
    pretty_exceptions_enable=False,
)

app.add_typer(driver_commands, name="driver")
app.add_typer(login_commands, name="login")

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file with settings; NETPULSE_CONFIG names one as well."),
]
StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", metavar="DIR", help="Where keys, logs and the private server's data are kept."),
]
Host = Annotated[str | None, typer.Option("--host", help="Address that the controller listens on.")]
Port = Annotated[int | None, typer.Option("--port", help="Port that the controller listens on; 0 takes a free one.")]
Name = Annotated[str | None, typer.Option("--name", help="Name of this node; default: the host name.")]
SettingsFd = Annotated[int | None, typer.Option("--settings-fd", hidden=True)]


def _overrides(**values: Any) -> dict[str, Any]:
    """``controller__port=1`` -> ``{"controller": {"port": 1}}``; what is None was not given."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        if value is not None:
            *sections, key = name.split("__")
            target = nested
            for section in sections:
                target = target.setdefault(section, {})
            target[key] = value
    return nested


def _role_settings(config: Path | None, settings_fd: int | None, **options: Any) -> Settings:
    if settings_fd is None:
        return load_settings(config=config, overrides=_overrides(**options))
    # From the supervisor. Read by position: every role reads the same open file.
    text = os.pread(settings_fd, os.fstat(settings_fd).st_size, 0).decode()
    os.close(settings_fd)
    return take_over(text)


@app.command()
def up(
    config: Config = None,
    host: Host = None,
    port: Port = None,
    state_dir: StateDir = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log to standard error instead of DIR/log/*.log.")
    ] = False,
) -> None:
    """Run everything on this machine: a private Valkey/Redis, the controller, a node and a FIFO pool.

    Prints one line with the URL and where the API key lies when it is ready. Ctrl-C or SIGTERM stops everything once
    running jobs have ended; a second Ctrl-C does not wait for them.
    """
    overrides = _overrides(controller__host=host, controller__port=port, state_dir=state_dir)
    run_up(load_settings(config=config, overrides=overrides), verbose=verbose)


@app.command()
def controller(config: Config = None, host: Host = None, port: Port = None, settings_fd: SettingsFd = None) -> None:
    """Run a controller (the REST API) alone, against the Redis of NETPULSE_REDIS__URL."""
    raise typer.Exit(
        run_controller_role(_role_settings(config, settings_fd, controller__host=host, controller__port=port))
    )


@app.command()
def node(config: Config = None, name: Name = None, settings_fd: SettingsFd = None) -> None:
    """Run a node worker (it owns this machine's pinned workers) alone, against the Redis of NETPULSE_REDIS__URL."""
    raise typer.Exit(run_node_role(_role_settings(config, settings_fd, node__name=name)))


@app.command()
def fifo(
    config: Config = None,
    name: Name = None,
    processes: Annotated[int | None, typer.Option("--processes", help="Jobs that run at the same time.")] = None,
    settings_fd: SettingsFd = None,
) -> None:
    """Run a FIFO pool alone, against the Redis of NETPULSE_REDIS__URL."""
    raise typer.Exit(run_fifo_role(_role_settings(config, settings_fd, fifo__name=name, fifo__processes=processes)))


@app.command()
def status(config: Config = None, state_dir: StateDir = None) -> None:
    """Tell whether `netpulse up` serves the state directory and what its controller says; exit status 1 if not."""
    found = ask_status(load_settings(config=config, overrides=_overrides(state_dir=state_dir)).state_dir)
    typer.echo(found.text)
    if not found.running:
        raise typer.Exit(1)


@app.command()
def settings(
    config: Config = None,
    show_reference: Annotated[
        bool, typer.Option("--reference", help="Print the reference of all settings (docs/settings.md) instead.")
    ] = False,
) -> None:
    """Print the settings in force as TOML, secrets masked."""
    typer.echo(reference() if show_reference else effective(load_settings(config=config)), nl=not show_reference)


@app.command()
def secret() -> None:
    """Print a new master key: 32 random bytes in URL-safe base64."""
    typer.echo(secrets.token_urlsafe(32))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"netpulse-broker {netpulse_broker.__version__} (Python {platform.python_version()})")


def main() -> None:
    """The console script. An error of ours ends it with one clear message, never with a traceback."""
    try:
        app()
    except NetPulseError as error:
        typer.echo(f"netpulse: {error.message}", err=True)
        sys.exit(USAGE if isinstance(error, _OPERATORS) else 1)
