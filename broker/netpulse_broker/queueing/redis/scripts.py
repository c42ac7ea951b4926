"""The Lua scripts: each is one atomic state change that may be sent twice without doing anything twice."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import redis
import redis.asyncio
from redis.commands.core import AsyncScript, Script

ScriptName = Literal[
    "acquire",
    "adopt",
    "assign",
    "cancel",
    "claim",
    "condemn",
    "deregister",
    "expire",
    "finish",
    "forget_scheduled",
    "session_announce",
    "session_answer",
    "session_ask",
    "session_beat",
    "session_end",
    "session_grant",
    "login",
    "login_ended",
    "login_reset",
    "login_told",
    "login_try",
    "make_room",
    "nodes",
    "recover",
    "release",
    "pause",
    "renew",
    "resume",
    "submit",
    "totals",
    "webhook_again",
    "webhook_dead",
    "webhook_next",
]


@cache
def source(name: ScriptName) -> str:
    """Text of a script, the shared prelude in front."""
    folder = files("netpulse_broker.queueing.redis") / "lua"
    return (folder / "prelude.lua").read_text() + (folder / f"{name}.lua").read_text()


class Scripts:
    """Bound to a blocking client: ``scripts("claim", keys=..., args=...)``; with ``on`` a call joins a pipeline."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._bound: dict[ScriptName, Script] = {}

    def __call__(
        self,
        name: ScriptName,
        *,
        keys: list[str] | None = None,
        args: list[Any] | None = None,
        on: redis.client.Pipeline | None = None,
    ) -> Any:
        script = self._bound.get(name)
        if script is None:
            script = self._bound[name] = self._client.register_script(source(name))
        return script(keys=keys or [], args=args or [], client=on)


class AsyncScripts:
    """Scripts bound to an asyncio client; with ``on`` a call joins a pipeline."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._bound: dict[ScriptName, AsyncScript] = {}

    async def __call__(
        self,
        name: ScriptName,
        *,
        keys: list[str] | None = None,
        args: list[Any] | None = None,
        on: redis.asyncio.client.Pipeline | None = None,
    ) -> Any:
        script = self._bound.get(name)
        if script is None:
            script = self._bound[name] = self._client.register_script(source(name))
        return await script(keys=keys or [], args=args or [], client=on)


def text(value: Any) -> str:
    """A Redis answer as text. Bytes that are none (nobody of ours wrote them) get replacement characters."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace")


def pairs(flat: list[bytes]) -> dict[str, bytes]:
    """A flat HGETALL answer out of a script as a dict; values stay bytes, sealed ones are not text."""
    return {text(flat[i]): flat[i + 1] for i in range(0, len(flat), 2)}
