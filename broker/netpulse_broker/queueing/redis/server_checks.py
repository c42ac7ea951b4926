"""What a role looks at in its Redis server before it relies on it: settings by which accepted work would be lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

MINIMUM_VERSION = (7, 0)
"""Scripts read the clock and write afterwards, and blocking moves take fractions of a second."""

REPLAYS_ALL_VALKEY = (9, 1)
"""From here on Valkey replays transactions of its append-only file whatever the default user may (tried with 9.1.2)."""

REPLAYS_ALL_REDIS = (8, 0)
"""Below this Redis does not. It was mended later; which release is the first was not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProblem:
    """A setting by which work would be lost. ``fatal``: a role must not use the server."""

    text: str
    fatal: bool


def server_problems(client: redis.Redis) -> list[ServerProblem]:
    """What is wrong with the server.

    Raises:
        redis.ConnectionError, redis.TimeoutError
    """
    return judge_server(client.info(), default_user_off=_default_user_off(client))


def judge_server(info: Mapping[str, Any], *, default_user_off: bool | None) -> list[ServerProblem]:
    """The same, of what the server says of itself.

    Args:
        info: the answer to INFO.
        default_user_off: ACL's user ``default`` is off; None: this role's user may not see that.
    """
    shown = str(info["redis_version"])
    if _version(shown) < MINIMUM_VERSION:
        text = f"Redis {shown} is too old: NetPulse needs Redis 7.0 or Valkey 7.2, or newer"
        return [ServerProblem(text=text, fatal=True)]
    found = []
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if int(info.get("maxmemory", 0)) and policy != "noeviction":
        text = f"this Redis drops keys when its memory is full (maxmemory-policy {policy}), accepted jobs among them: "
        found.append(ServerProblem(text=f"{text}set maxmemory-policy noeviction", fatal=True))
    if not int(info.get("aof_enabled", 1)):
        text = "this Redis keeps no append-only file: accepted jobs are gone when it restarts; set appendonly yes"
        found.append(ServerProblem(text=text, fatal=False))
    elif default_user_off is not False:
        found += _replay_problem(info, known=default_user_off is True)
    return found


def _replay_problem(info: Mapping[str, Any], *, known: bool) -> list[ServerProblem]:
    """Servers that replay a script's writes as the default user, and drop them when that may not write."""
    valkey = str(info.get("valkey_version", ""))
    if valkey and _version(valkey) >= REPLAYS_ALL_VALKEY:
        return []
    sure = bool(valkey) or _version(str(info["redis_version"])) < REPLAYS_ALL_REDIS
    name = f"Valkey {valkey}" if valkey else f"Redis {info['redis_version']}"
    remedy = "leave the user 'default' on, with a password and all rights, or use Valkey 9.1 or newer"
    if known and sure:
        text = f"{name} drops what scripts wrote when it replays its append-only file while its user 'default' is off"
        return [ServerProblem(text=f"{text}: {remedy}", fatal=True)]
    doubt = "is off" if known else "is off, which cannot be seen from here"
    text = f"{name} may drop what scripts wrote when it replays its append-only file if its user 'default' {doubt}"
    return [ServerProblem(text=f"{text}: {remedy}", fatal=False)]


def _default_user_off(client: redis.Redis) -> bool | None:
    try:
        user: Any = client.acl_getuser("default")
    except redis.ResponseError:
        return None  # not permitted
    return "off" in (user or {}).get("flags", [])


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])
