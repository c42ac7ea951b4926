"""The short way through FastAPI for requests that come by the thousand.

FastAPI's own handler reads a body, parses it to objects, solves the dependencies and validates, each in layers that
serve every kind of route: a quarter of the controller's time for a warm command. A ``BodyRoute`` is declared and
documented as any other route. What is well-formed goes straight from its bytes through pydantic to the endpoint;
whatever is not goes FastAPI's way, so that errors are found, worded and documented in one place.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, params
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.types import Message, Receive, Scope, Send

_JSON = b"application/json"

Given = Callable[[Request], Awaitable[Any]]


class BodyRoute(APIRoute):
    """For endpoints that take one JSON body (a pydantic model), and beside it only the request, texts out of the path,
    and dependencies that are made of the request alone.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """As FastAPI's.

        Raises:
            TypeError: the endpoint takes something else.
        """
        super().__init__(path, endpoint, **options)
        self._long_way = self.app
        self._body_name = ""
        self._request_names: list[str] = []
        self._path_names: list[str] = []
        self._dependencies: list[tuple[str, Given]] = []
        for name, kind in typing.get_type_hints(endpoint, include_extras=True).items():
            if name != "return":
                self._take(name, kind)
        if not self._body_name:
            raise TypeError(f"{endpoint.__name__} takes no body")
        self.app = self._short_way

    def _take(self, name: str, kind: Any) -> None:
        given = next((part for part in getattr(kind, "__metadata__", ()) if isinstance(part, params.Depends)), None)
        if given is not None:
            made_by = given.dependency
            if not inspect.iscoroutinefunction(made_by) or list(inspect.signature(made_by).parameters) != ["request"]:
                raise TypeError(f"{name} is not made of the request alone")
            self._dependencies.append((name, made_by))
        elif kind is Request:
            self._request_names.append(name)
        elif kind is str and f"{{{name}}}" in self.path:
            self._path_names.append(name)
        elif inspect.isclass(kind) and issubclass(kind, BaseModel) and not self._body_name:
            self._body_name, self._model = name, kind
        else:
            raise TypeError(f"{name} is none of what a BodyRoute hands over")

    async def _short_way(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_json(scope):
            await self._long_way(scope, receive, send)
            return
        chunks: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] != "http.request":
                await self._long_way(scope, _repeating([*_as_read(chunks), message], receive), send)
                return
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                break
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        try:
            model = self._model.model_validate_json(body)
        except ValidationError:
            whole: Message = {"type": "http.request", "body": body, "more_body": False}
            await self._long_way(scope, _repeating([whole], receive), send)
            return
        request = Request(scope, receive, send)
        values: dict[str, Any] = {self._body_name: model}
        for name in self._request_names:
            values[name] = request
        for name in self._path_names:
            values[name] = scope["path_params"][name]
        for name, made_by in self._dependencies:
            values[name] = await made_by(request)
        response = await self.endpoint(**values)
        await response(scope, receive, send)


def _is_json(scope: Scope) -> bool:
    """Whether the content type is JSON in its plain form; others are FastAPI's to judge."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            given: bytes = value
            return given == _JSON
    return False


def _as_read(chunks: list[bytes]) -> list[Message]:
    return [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]


def _repeating(messages: list[Message], receive: Receive) -> Receive:
    """A ``receive`` that gives these messages first: they have been read already."""
    left = iter(messages)

    async def repeated() -> Message:
        message = next(left, None)
        return message if message is not None else await receive()

    return repeated
