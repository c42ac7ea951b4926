"""The profile of a driver's trial: a TOML or JSON file and options, checked before anything is dialled."""

from __future__ import annotations

import getpass
import json
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from netpulse_broker.cli.errors import TrialNotPossible
from netpulse_drivers import BaseDriver
from netpulse_drivers.conformance import NamedDevice, Profile

_SECRET_WORDS = ("password", "secret", "passphrase", "token", "pkey")


class ProfileFile(BaseModel):
    """What stands in the file. A value ``{env = "NAME"}`` is taken from the environment."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    connection_args: dict[str, Any] = Field(default_factory=dict)
    query: str = Field(min_length=1)
    query_shows: str = Field(min_length=1)
    refused_query: str = ""
    change: list[str] = Field(default_factory=list)
    change_shows: str = ""
    undo: list[str] = Field(default_factory=list)
    revert_in: float = Field(default=0.0, ge=0, le=86_400)
    refused_change: list[str] = Field(default_factory=list)
    configuration_query: str = ""
    enable_mode: bool | None = None
    wrong_credentials: dict[str, Any] = Field(default_factory=dict)
    unreachable: dict[str, Any] = Field(default_factory=dict)
    proves_life: bool = True
    seconds: float = Field(default=20.0, gt=0, le=600)
    relay: bool = True
    host_at: str = "host"
    port_at: str = "port"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.change and not (self.change_shows and self.undo and self.configuration_query):
            raise ValueError("change needs change_shows, undo and configuration_query, so that it can be taken back")
        if self.refused_change and (len(self.refused_change) != 3 or not self.configuration_query):
            raise ValueError("refused_change needs three lines, the second being refused, and configuration_query")
        return self


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the command line said.

    Attributes:
        file: the profile's file, or None.
        arguments: ``KEY=VALUE`` for connection_args.
        from_environment: ``KEY=VARIABLE``.
        asked: keys to ask for at the terminal, without an echo.
        query, shows: instead of the file's.
    """

    file: Path | None = None
    arguments: Sequence[str] = ()
    from_environment: Sequence[str] = ()
    asked: Sequence[str] = ()
    query: str | None = None
    shows: str | None = None


def named_device(driver: type[BaseDriver], given: Given) -> NamedDevice:
    """The device to try the driver on.

    Raises:
        TrialNotPossible: saying what is missing or wrong; never with a secret's value.
    """
    values = _read(given.file) if given.file is not None else {}
    if given.query is not None:
        values["query"] = given.query
    if given.shows is not None:
        values["query_shows"] = given.shows
    arguments = dict(values.get("connection_args") or {})
    arguments |= _typed(driver, given.arguments)
    arguments |= {key: _variable(name, key) for key, name in _pairs(given.from_environment, "--env")}
    arguments |= {key: _asked(key) for key in given.asked}
    values["connection_args"] = arguments
    try:
        checked = ProfileFile.model_validate(_resolved(values, "profile"))
    except ValidationError as error:
        raise TrialNotPossible(f"the profile does not validate: {_problems(error)}") from None
    return _device(driver, checked)


def _device(driver: type[BaseDriver], checked: ProfileFile) -> NamedDevice:
    profile = Profile(
        driver=driver,
        query=checked.query,
        query_shows=checked.query_shows,
        refused_query=checked.refused_query,
        change=tuple(checked.change),
        change_shows=checked.change_shows,
        undo=tuple(checked.undo),
        revert_in=checked.revert_in,
        refused_change=tuple(checked.refused_change),
        wrong_credentials=checked.wrong_credentials,
        unreachable=checked.unreachable,
        proves_life=checked.proves_life,
        seconds=checked.seconds,
    )
    named = NamedDevice(
        profile=profile,
        connection_args=checked.connection_args,
        configuration_query=checked.configuration_query,
        enable_mode=checked.enable_mode,
        relay=checked.relay,
        host_at=checked.host_at,
        port_at=checked.port_at,
    )
    try:
        driver.validate_connection_args(checked.connection_args)
    except ValidationError as error:
        raise TrialNotPossible(f"connection_args do not validate: {_problems(error)}") from None
    if checked.relay:
        try:
            named.address()
        except (KeyError, ValueError) as error:
            raise TrialNotPossible(
                f"connection_args has no usable {error}: the suite goes through a relay and must know address and "
                "port. Give them, say where they stand (host_at, port_at), or set relay = false"
            ) from None
        if not profile.unreachable:
            named = replace(named, profile=replace(profile, unreachable=named.nowhere()))
    return named


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        values = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise TrialNotPossible(f"{file} cannot be read: {error}") from None
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise TrialNotPossible(f"{file} is no valid {'JSON' if file.suffix == '.json' else 'TOML'}: {error}") from None
    if not isinstance(values, dict):
        raise TrialNotPossible(f"{file} holds no table of keys")
    return values


def _typed(driver: type[BaseDriver], pairs: Sequence[str]) -> dict[str, Any]:
    """What stands on the command line for everybody to see in the list of processes: no secrets."""
    found: dict[str, Any] = {}
    for key, value in _pairs(pairs, "--arg"):
        if _is_secret(driver, key):
            raise TrialNotPossible(
                f"--arg {key}=... would show a secret in the list of processes: use --env {key}=VARIABLE, --ask {key}, "
                f'or {key} = {{ env = "VARIABLE" }} in the profile'
            )
        found[key] = int(value) if value.isdigit() else {"true": True, "false": False}.get(value, value)
    return found


def _is_secret(driver: type[BaseDriver], key: str) -> bool:
    declared = driver.connection_args_model.model_fields.get(key)
    kinds = () if declared is None else (declared.annotation, *get_args(declared.annotation))
    return SecretStr in kinds or any(word in key.lower() for word in _SECRET_WORDS)


def _pairs(pairs: Sequence[str], option: str) -> list[tuple[str, str]]:
    found = []
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise TrialNotPossible(f"{option} takes KEY=VALUE, not '{key}'")
        found.append((key, value))
    return found


def _asked(key: str) -> str:
    if not sys.stdin.isatty():
        raise TrialNotPossible(f"--ask {key} needs a terminal; use --env {key}=VARIABLE instead")
    return getpass.getpass(f"connection_args.{key}: ")


def _variable(name: str, what: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise TrialNotPossible(f"{what} is to come from the environment, but {name} is not set")
    return value


def _content(path: str, what: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        raise TrialNotPossible(f"{what} is to come from the file {path}, which cannot be read: {error}") from None


def _resolved(value: Any, what: str) -> Any:
    """The value with ``{env = "NAME"}`` and ``{file = "PATH"}`` replaced, at every depth."""
    if isinstance(value, Mapping):
        if set(value) == {"env"} and isinstance(value["env"], str):
            return _variable(value["env"], what)
        if set(value) == {"file"} and isinstance(value["file"], str):
            return _content(value["file"], what)
        return {key: _resolved(one, str(key)) for key, one in value.items()}
    return [_resolved(one, what) for one in value] if isinstance(value, list) else value


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'profile'}: {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)
    )
