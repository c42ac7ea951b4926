"""Settings for people: the effective ones with secrets masked, and the reference page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from netpulse_broker.settings import Settings, variable_name

_INTRODUCTION = """\
# Settings

<!-- Made by `netpulse settings --reference`; change broker/netpulse_broker/settings.py instead. -->

A setting comes from the command line, else from the environment, else from a file, else it has its default.

* **Environment**: `NETPULSE_<SECTION>__<KEY>`, two underscores between section and key:
  `NETPULSE_REDIS__URL=redis://redis.example.net:6379/0`. `NETPULSE_API_KEY` is short for `NETPULSE_SECURITY__API_KEY`.
* **File**: TOML, named by `--config` or `NETPULSE_CONFIG`:

      [redis]
      url = "redis://redis.example.net:6379/0"

      [jobs]
      timeout = 120

Unknown keys and mistyped variables are refused, with the nearest known name. Secrets have no default and are never
shown: `netpulse settings` prints what is in force with secrets masked. `netpulse secret` prints a new master key.

What needs which secret: `netpulse up` makes an API key and a master key on its first start and keeps them in the state
directory (mode 0600), and it starts its own Redis. With `redis.url` set it uses that one and wants
`security.master_key`. `netpulse controller`, `netpulse node` and `netpulse fifo` run alone want `redis.url` and
`security.master_key`, the controller `security.api_key` as well.
"""


def effective(settings: Settings) -> str:
    """What is in force, as TOML; secrets are masked, and what is not set stands in a comment."""
    top = [_assignment(name, getattr(settings, name)) for name in _plain(Settings)]
    blocks = ["\n".join(top)]
    for name, section in _sections():
        values = getattr(settings, name)
        lines = [_assignment(key, getattr(values, key)) for key in section.model_fields]
        blocks.append("\n".join([f"[{name}]", *lines]))
    return "\n\n".join(blocks)


def reference() -> str:
    """The page docs/settings.md."""
    blocks = [_INTRODUCTION, "## Top level\n", _table(Settings, _plain(Settings), ())]
    for name, section in _sections():
        blocks += [f"## [{name}]\n", f"{section.__doc__}\n", _table(section, list(section.model_fields), (name,))]
    return "\n".join(blocks)


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield name, field.annotation


def _plain(model: type[BaseModel]) -> list[str]:
    sections = {name for name, _ in _sections()}
    return [name for name in model.model_fields if name not in sections]


def _assignment(name: str, value: Any) -> str:
    if value is None:
        return f"# {name} is not set"
    if isinstance(value, SecretStr):
        return f'{name} = "********"'
    return f"{name} = {_toml(value)}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    # A JSON string without escaped non-ASCII is a TOML basic string.
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def _table(model: type[BaseModel], names: list[str], path: tuple[str, ...]) -> str:
    lines = ["| key | variable | default | meaning |", "|---|---|---|---|"]
    for name in names:
        field = model.model_fields[name]
        if field.description is None:
            raise AssertionError(f"{'.'.join((*path, name))} has no description")
        variable = variable_name(*path, name)
        lines.append(f"| `{name}` | `{variable}` | {_default(field)} | {field.description} |")
    return "\n".join([*lines, ""])


def _default(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and isinstance(extra.get("default_text"), str):
        return str(extra["default_text"])
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None or default is PydanticUndefined or default == []:
        return "not set"
    return f"`{_toml(default)}`"
