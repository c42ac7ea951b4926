"""The control socket: one JSON object a line, `{"id": 1, "op": "counters", "device": "ios-001"}`.

The answer is `{"id": 1, "ok": true, "result": ...}` or `{"id": 1, "ok": false, "error": "what was wrong"}`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, get_args

from .device_spec import DeviceSpec, SpecError
from .faults import Cut, FaultError
from .simulator import Simulator, UnknownDeviceError, describe

_LINE_LIMIT = 64 * 1024 * 1024


class ControlServer:
    """Answers control requests. `stop` is called when one asks for the end of the process."""

    def __init__(self, simulator: Simulator, *, stop: Callable[[], None]) -> None:
        self._simulator = simulator
        self._stop = stop
        self._operations: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
            "devices": self._devices,
            "counters": self._counters,
            "log": self._log,
            "events": self._events,
            "received": self._received,
            "running": self._running,
            "startup": self._startup,
            "faults": self._faults,
            "reset": self._reset,
            "restore": self._restore,
            "drop": self._drop,
            "announce": self._announce,
            "configure": self._configure,
            "add": self._add,
            "remove": self._remove,
            "time_is_up": self._time_is_up,
            "stop": self._end,
        }

    async def listen(self, path: str) -> asyncio.Server:
        """Serve on the unix socket `path`."""
        return await asyncio.start_unix_server(self._serve, path, limit=_LINE_LIMIT)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            # Whoever asked is gone; there is nobody to tell.
            return
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        number: object = None
        try:
            request = dict(json.loads(line))
            number = request.pop("id", None)
            result = await self._operation(request.pop("op", None))(request)
        except KeyError as error:
            return {"id": number, "ok": False, "error": f"the request lacks {error}"}
        except (TypeError, ValueError, SpecError, FaultError, UnknownDeviceError, OSError) as error:
            return {"id": number, "ok": False, "error": str(error)}
        return {"id": number, "ok": True, "result": result}

    def _operation(self, name: object) -> Callable[[dict[str, Any]], Awaitable[Any]]:
        if not isinstance(name, str) or name not in self._operations:
            raise ValueError(f"unknown operation {name!r}; known: {', '.join(self._operations)}")
        return self._operations[name]

    async def _devices(self, request: dict[str, Any]) -> object:
        return [describe(device) for device in self._simulator.devices]

    async def _counters(self, request: dict[str, Any]) -> object:
        if "device" in request:
            return self._simulator.device(request["device"]).journal.numbers()
        return {device.spec.name: device.journal.numbers() for device in self._simulator.devices}

    async def _log(self, request: dict[str, Any]) -> object:
        return self._simulator.device(request["device"]).journal.lines(since=int(request.get("since", 0)))

    async def _events(self, request: dict[str, Any]) -> object:
        return self._simulator.device(request["device"]).journal.events(since=int(request.get("since", 0)))

    async def _received(self, request: dict[str, Any]) -> object:
        return [stream.hex() for stream in self._simulator.device(request["device"]).journal.streams()]

    async def _running(self, request: dict[str, Any]) -> object:
        return self._simulator.device(request["device"]).running_text()

    async def _startup(self, request: dict[str, Any]) -> object:
        return self._simulator.device(request["device"]).startup_text()

    async def _faults(self, request: dict[str, Any]) -> object:
        device = self._simulator.device(request["device"])
        device.set_faults(request.get("set", {}), reset=bool(request.get("reset", False)))
        return None

    async def _reset(self, request: dict[str, Any]) -> object:
        chosen = [self._simulator.device(request["device"])] if "device" in request else self._simulator.devices
        for device in chosen:
            device.journal.reset()
        return None

    async def _restore(self, request: dict[str, Any]) -> object:
        self._simulator.device(request["device"]).restore()
        return None

    async def _drop(self, request: dict[str, Any]) -> object:
        action = request.get("action", "close")
        if action not in get_args(Cut):
            raise ValueError(f"'action' takes one of {', '.join(get_args(Cut))}, not {action!r}")
        count = self._simulator.drop(request["device"], action)
        # The answer means that the connections are cut. FIN and RST go out by a timer of 2 ms (Gate.cut); this one is
        # set behind it and so fires behind it.
        await asyncio.sleep(0.01)
        return count

    async def _announce(self, request: dict[str, Any]) -> object:
        for connection in list(self._simulator.device(request["device"]).connections):
            connection.announce(str(request["text"]))
        return None

    async def _configure(self, request: dict[str, Any]) -> object:
        self._simulator.configure(request["device"], str(request["lines"]))
        return None

    async def _add(self, request: dict[str, Any]) -> object:
        return describe(await self._simulator.add(DeviceSpec.from_mapping(request["spec"])))

    async def _remove(self, request: dict[str, Any]) -> object:
        self._simulator.remove(request["device"])
        return None

    async def _time_is_up(self, request: dict[str, Any]) -> object:
        self._simulator.device(request["device"]).candidates.time_is_up()
        return None

    async def _end(self, request: dict[str, Any]) -> object:
        self._stop()
        return None
