"""Calls to the template process, blocking (workers) and asynchronous (the controller)."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from typing import Any

from netpulse_broker.errors import BadRequest, TemplateFailed, TemplatesUnavailable
from netpulse_broker.settings import TemplateSettings
from netpulse_broker.templating.process_owner import VARIABLE
from netpulse_broker.templating.work import LARGEST_MESSAGE, TemplateWork, result
from netpulse_drivers import Deadline, NetPulseError, ParseFailed, TemplateRefused

START = 10.0
"""Seconds that a piece of work may wait, beside its own time, for the process to start and for its turn."""


class TemplateCalls:
    """Has work done by the template process.

    Args:
        name: of its socket.
    """

    def __init__(self, name: str) -> None:
        self._address = f"\0{name}"

    def run(self, work: TemplateWork) -> Any:
        """Do it, blocking.

        Raises:
            BadRequest, TemplateFailed, ParseFailed: what came of it, a passed time included.
            TemplatesUnavailable: the process cannot be reached.
        """
        deadline = Deadline.after(work.seconds + START)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(deadline.remaining())
                connection.connect(self._address)
                connection.sendall(_encoded(work))
                connection.shutdown(socket.SHUT_WR)
                parts: list[bytes] = []
                while True:
                    connection.settimeout(max(deadline.remaining(), 0.001))
                    part = connection.recv(1 << 20)
                    if not part:
                        break
                    parts.append(part)
        except TimeoutError:
            raise _overdue(work) from None
        except OSError as error:
            raise _unavailable(error) from None
        return _opened(work, b"".join(parts))

    async def run_async(self, work: TemplateWork) -> Any:
        """Do it; raises as ``run``."""
        loop = asyncio.get_running_loop()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(work.seconds + START):
                await loop.sock_connect(connection, self._address)
                await loop.sock_sendall(connection, _encoded(work))
                connection.shutdown(socket.SHUT_WR)
                while part := await loop.sock_recv(connection, 1 << 20):
                    parts.append(part)
                    size += len(part)
                    if size > LARGEST_MESSAGE:
                        raise TemplateFailed("the result is too large")
        except TimeoutError:
            raise _overdue(work) from None
        except OSError as error:
            raise _unavailable(error) from None
        finally:
            connection.close()
        return _opened(work, b"".join(parts))


class WorkerParser:
    """The parser of a worker (``OutputParser``): for ``options.parsing`` as the controller resolved it, and for what a
    driver asks for.

    Args:
        settings: limits where the request for parsing brings none.
    """

    def __init__(self, calls: TemplateCalls, settings: TemplateSettings) -> None:
        self._calls = calls
        self._limits = {"max_size": settings.max_size, "max_memory": settings.max_memory}

    def __call__(self, parsing: Mapping[str, Any], command: str, output: str, deadline: Deadline) -> Any:
        """The data.

        Args:
            parsing: ``engine``, ``template`` (or None), ``args``; with or without ``max_size``, ``max_memory``.

        Raises:
            ParseFailed: the output does not fit, or there is no template for this platform and command.
            TemplateRefused: the template is malformed or uses what is not allowed.
        """
        seconds = deadline.remaining()
        if seconds <= 0:
            raise ParseFailed("the job's time was over before the output was parsed")
        work = TemplateWork(
            do="parse",
            engine=str(parsing["engine"]),
            template=parsing.get("template"),
            text=output,
            args={"command": command} | dict(parsing.get("args") or {}),
            seconds=seconds,
            **{name: parsing.get(name, limit) for name, limit in self._limits.items()},
        )
        try:
            return self._calls.run(work)
        except ParseFailed:
            raise
        except (BadRequest, TemplateFailed) as error:
            raise TemplateRefused(error.message, details=error.details) from None
        except NetPulseError as error:
            raise ParseFailed(error.message, details=error.details) from None


def parser_from_environment(settings: TemplateSettings) -> WorkerParser | None:
    """The parser of a worker whose node has a template process; None: it has none."""
    name = os.environ.get(VARIABLE)
    return WorkerParser(TemplateCalls(name), settings) if name else None


def _encoded(work: TemplateWork) -> bytes:
    # Not by pydantic: it refuses nesting and text that the other side has a better answer for.
    return json.dumps(vars(work)).encode()


def _opened(work: TemplateWork, answer: bytes) -> Any:
    if not answer:
        # It ended without a word: its alarm went off, or it took down its process.
        raise _overdue(work)
    try:
        read = json.loads(answer)
    except ValueError:
        raise _overdue(work) from None  # ended in the middle of its answer
    return result(read)


def _overdue(work: TemplateWork) -> NetPulseError:
    message = f"{work.engine} did not come to an end within {work.seconds:.3g} s and was ended"
    return ParseFailed(message) if work.do == "parse" else TemplateFailed(message)


def _unavailable(error: OSError) -> TemplatesUnavailable:
    return TemplatesUnavailable(f"the template process cannot be reached: {error.strerror or error}")
