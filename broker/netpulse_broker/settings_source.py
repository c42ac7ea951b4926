"""Read settings from a TOML file, the environment and the command line, and explain what is wrong with them."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource
from pydantic_settings.exceptions import SettingsError as SourceError

from netpulse_broker.setting_values import split_master_keys
from netpulse_broker.settings import ENV_DELIMITER, ENV_PREFIX, Settings, SettingsError, variable_name

CONFIG_VARIABLE = "NETPULSE_CONFIG"
API_KEY_VARIABLE = "NETPULSE_API_KEY"
LIFELINE_VARIABLE = "NETPULSE_LIFELINE_FD"

# Variables that begin like ours and are no settings of the broker: read before the settings or handed from process to
# process; read by the Ansible collection, which may run in the same shell; read by the drivers.
_OTHER_VARIABLES = frozenset(
    {
        *(CONFIG_VARIABLE, API_KEY_VARIABLE, LIFELINE_VARIABLE),
        *("NETPULSE_URL", "NETPULSE_VALIDATE_CERTS", "NETPULSE_CA_PATH"),
        *("NETPULSE_KNOWN_HOSTS", "NETPULSE_HOST_KEY_POLICY", "NETPULSE_JUMP_DIR", "NETPULSE_JUMP_IDLE"),
    }
)


def load_settings(*, config: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings of this process: ``overrides`` over the environment over the file over the defaults.

    Args:
        config: the TOML file; without it ``NETPULSE_CONFIG`` names one, or there is none.
        overrides: nested mapping in the model's shape, from the command line.

    Raises SettingsError: a file that cannot be read, an unknown key or variable, a value that is not allowed. It lists
    everything that is wrong, one line each, and never shows a secret.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    path = config if config is not None else (Path(named) if named else None)
    in_file = {} if path is None else _read_file(path)
    _refuse_unknown_variables(os.environ)
    in_environment = _read_environment()
    merged = _merge(_merge(in_file, in_environment), overrides or {})
    try:
        return Settings(**merged)
    except ValidationError as error:
        # No chaining: a validation error carries its input, which may be a secret.
        problems = [
            _explain(problem, path=path, in_file=in_file, in_environment=in_environment)
            for problem in error.errors(include_url=False)
        ]
    raise SettingsError("\n".join(problems))


def hand_over(settings: Settings) -> str:
    """The settings with their secrets as JSON, for a child process; ``take_over`` is the other end."""

    def reveal(value: Any) -> Any:
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    return json.dumps(settings.model_dump(), default=reveal)


def take_over(text: str) -> Settings:
    """The settings that a parent process has written with ``hand_over``."""
    return Settings(**json.loads(text))


def fields(
    model: type[BaseModel] = Settings, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Path and definition of every single setting, sections walked in order."""
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from fields(section, (*path, name))
        else:
            yield (*path, name), field


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting's value must never be shown."""
    return "SecretStr" in str(field.annotation)


def secret_values(settings: Settings) -> Iterator[str]:
    """Every secret that the settings hold, and the password in a URL by itself, to be masked wherever it turns up."""
    for path, field in fields():
        if not is_secret(field):
            continue
        value: Any = settings
        for name in path:
            value = getattr(value, name)
        if isinstance(value, SecretStr):
            text = value.get_secret_value()
            yield text
            if path == ("security", "master_key"):
                yield from split_master_keys(text)
            password = urlsplit(text).password if "://" in text else None
            if password:
                yield password
                yield unquote(password)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # No chaining: the decoder's error may carry the file's text.
        raise SettingsError(f"{path} is no TOML file: {error}") from None


def _read_environment() -> dict[str, Any]:
    try:
        values = dict(EnvSettingsSource(Settings)())
    except SourceError as error:
        # No chaining: the decoder's error carries the variable's text.
        raise SettingsError(_not_json(error)) from None
    if API_KEY_VARIABLE in os.environ:
        security = dict(values.get("security") or {})
        api_key = os.environ[API_KEY_VARIABLE]
        if security.setdefault("api_key", api_key) != api_key:
            raise SettingsError(
                f"{API_KEY_VARIABLE} and {variable_name('security', 'api_key')} are both set and differ; set one"
            )
        values["security"] = security
    return values


def _not_json(error: SourceError) -> str:
    """Which variable that is read as JSON is none, and how to write it."""
    for path, field in fields():
        name = variable_name(*path)
        if "list" in str(field.annotation) and name in os.environ:
            try:
                json.loads(os.environ[name])
            except ValueError:
                return f'{name}: write a list in JSON, as in {name}=\'["first", "second"]\''
    return f"{error}: set its keys one by one, as in {variable_name('redis', 'url')}"


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    """A mistyped variable would silently leave a default in force.

    What has our nested form (a double underscore) or looks much like a setting is refused; anything else that begins
    with our prefix may belong to another program and is left alone.
    """
    known = {variable_name(*path) for path, _ in fields()} | {variable_name(name) for name in Settings.model_fields}
    for variable in sorted(environ):
        name = variable.upper()
        if not name.startswith(ENV_PREFIX) or name in known or variable in _OTHER_VARIABLES:
            continue
        near = _nearest(name.removeprefix(ENV_PREFIX), [each.removeprefix(ENV_PREFIX) for each in known])
        if near is not None:
            raise SettingsError(f"unknown variable {variable}: did you mean {ENV_PREFIX}{near}?")
        if ENV_DELIMITER in name.removeprefix(ENV_PREFIX):
            raise SettingsError(f"unknown variable {variable}: `netpulse settings` lists all settings")


def _nearest(name: str, known: list[str]) -> str | None:
    # Compared without underscores, so that one instead of two is the nearest mistake of all.
    plain = {each.replace("_", ""): each for each in sorted(known)}
    found = difflib.get_close_matches(name.replace("_", ""), plain, n=1, cutoff=0.8)
    return plain[found[0]] if found else None


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        merged[key] = _merge(lower, value) if isinstance(lower, Mapping) and isinstance(value, Mapping) else value
    return merged


def _explain(
    problem: ErrorDetails, *, path: Path | None, in_file: Mapping[str, Any], in_environment: Mapping[str, Any]
) -> str:
    """One line: where the value stands, what is wrong with it, what to write instead."""
    location = tuple(str(part) for part in problem["loc"])
    setting = location[:2] if location and _is_section(location[0]) else location[:1]
    dotted = ".".join(location)
    if _holds(in_environment, location):
        where = f"{dotted} (variable {_variable_set(setting)})"
    elif _holds(in_file, location):
        where = f"{dotted} (in {path})"
    else:
        where = f"{dotted} ({variable_name(*setting)})" if location else "settings"
    if problem["type"] == "extra_forbidden":
        siblings = [name for known, _ in fields() if known[:-1] == location[:-1] for name in known[-1:]]
        if len(location) == 1:
            siblings += list(Settings.model_fields)
        near = difflib.get_close_matches(location[-1], siblings, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(siblings)}"
        return f"{where}: unknown setting; {hint}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message[:1].lower()}{message[1:]}{_shown(setting, problem)}"


def _shown(setting: tuple[str, ...], problem: ErrorDetails) -> str:
    """The refused value, only where it is the plain value of a setting that is no secret."""
    field = dict(fields()).get(setting)
    if field is None or is_secret(field) or not isinstance(problem["input"], str | int | float | bool):
        return ""
    return f", not {str(problem['input'])[:80]!r}"


def _is_section(name: str) -> bool:
    field = Settings.model_fields.get(name)
    return field is not None and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _variable_set(setting: tuple[str, ...]) -> str:
    if setting == ("security", "api_key") and API_KEY_VARIABLE in os.environ:
        return API_KEY_VARIABLE
    return variable_name(*setting)


def _holds(values: Mapping[str, Any], location: tuple[str, ...]) -> bool:
    here: Any = values
    for name in location:
        if isinstance(here, Mapping) and name in here:
            here = cast("Mapping[str, Any]", here)[name]
        else:
            return here is not values and not isinstance(here, Mapping)
    return bool(location)
