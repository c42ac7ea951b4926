"""``netpulse login``: credentials that devices refused, listed and reset by asking a controller."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer

from netpulse_broker.cli.errors import RoleFailed
from netpulse_broker.cli.up import API_KEY_FILE, URL_FILE
from netpulse_broker.settings import Settings
from netpulse_broker.settings_source import load_settings

login_commands = typer.Typer(
    help="List suspended credentials, and reset them. See docs/login-protection.md.",
    no_args_is_help=True,
    add_completion=False,
)

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="TOML file with settings.")]
StateDir = Annotated[Path | None, typer.Option("--state-dir", metavar="DIR", help="Of the `netpulse up` to ask.")]
Url = Annotated[
    str | None, typer.Option("--url", help="Of a controller; default: the one that `netpulse up` runs on this machine.")
]

_ANSWERS_WITHIN = 30.0


@login_commands.command("list")
def list_suspended(config: Config = None, state_dir: StateDir = None, url: Url = None) -> None:
    """Print the credentials that are not tried at the moment, as JSON."""
    typer.echo(json.dumps(_ask(_settings(config, state_dir), url, "GET", "/login"), indent=2))


@login_commands.command("reset")
def reset(  # noqa: PLR0917 - the options of a command; nobody calls it by position
    credential: Annotated[
        str | None, typer.Option("--credential", help="As the failed job and `netpulse login list` name it.")
    ] = None,
    device: Annotated[str | None, typer.Option("--device", help="Only at this address.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All credentials.")] = False,
    config: Config = None,
    state_dir: StateDir = None,
    url: Url = None,
) -> None:
    """Let refused credentials be tried again."""
    if not (credential or device or every):
        raise typer.BadParameter("name --credential, --device, or --all")
    body = {"credential": credential, "device": device, "all": every}
    answer = _ask(_settings(config, state_dir), url, "POST", "/login/reset", body)
    typer.echo(f"{answer['reset']} suspensions have ended")


def _settings(config: Path | None, state_dir: Path | None) -> Settings:
    return load_settings(config=config, overrides={} if state_dir is None else {"state_dir": state_dir})


def _ask(settings: Settings, url: str | None, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The data of a controller's answer.

    Raises:
        RoleFailed: no controller, no key, or it refuses.
    """
    context = ssl.create_default_context()
    if url is None:
        url = _read(settings.state_dir / URL_FILE, "give --url: no `netpulse up` runs here")
        # Our own controller on this machine, whose certificate names another address.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    key = settings.security.api_key
    shown = _read(settings.state_dir / API_KEY_FILE, "set NETPULSE_API_KEY") if key is None else key.get_secret_value()
    if not url.startswith(("http://", "https://")):
        raise RoleFailed("--url begins with http:// or https://")
    request = urllib.request.Request(  # noqa: S310 - checked above
        url.rstrip("/") + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-API-KEY": shown, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_ANSWERS_WITHIN, context=context) as answer:  # noqa: S310
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise RoleFailed(f"{url} refuses: {_reason(error)}") from None
    except (OSError, ValueError) as error:
        raise RoleFailed(f"{url} does not answer: {error}") from None


def _reason(error: urllib.error.HTTPError) -> str:
    with error:
        try:
            return str(json.load(error)["message"])
        except (ValueError, KeyError, TypeError):
            return f"status {error.code}"


def _read(path: Path, otherwise: str) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise RoleFailed(f"{otherwise} ({path}: {error.strerror})") from None
