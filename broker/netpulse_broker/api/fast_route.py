"""The short way through FastAPI for requests that come by the thousand.

FastAPI's own handler reads a body, parses it to objects, solves the dependencies and validates, each in layers that
serve every kind of route: a quarter of the controller's time for a warm command. A ``BodyRoute`` is declared and
documented as any other route. What is well-formed goes straight from its bytes through pydantic to the endpoint;
whatever is not goes FastAPI's way, so that errors are found, worded and documented in one place.

``FastRoutes`` stands in front of the framework and hands such requests to their route directly: the framework's own
layers (and its router) cost another eighth, and serve what these routes do not have.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response, params
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_JSON = b"application/json"

Given = Callable[[Request], Awaitable[Any]]


class LongWay(Exception):
    """The request is FastAPI's to judge. ``receive`` gives the body anew."""

    def __init__(self, receive: Receive) -> None:
        super().__init__()
        self.receive = receive


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
        try:
            response = await self.answer(scope, receive, send)
        except LongWay as way:
            await self._long_way(scope, way.receive, send)
            return
        await response(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> Response:
        """What the endpoint says; the scope holds the path's texts.

        Raises:
            LongWay: the body is not what it should be.
            Exception: what the endpoint raises.
        """
        if not _is_json(scope):
            raise LongWay(receive)
        chunks: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise LongWay(_repeating([*_as_read(chunks), message], receive))
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                break
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        try:
            model = self._model.model_validate_json(body)
        except ValidationError:
            whole: Message = {"type": "http.request", "body": body, "more_body": False}
            raise LongWay(_repeating([whole], receive)) from None
        request = Request(scope, receive, send)
        values: dict[str, Any] = {self._body_name: model}
        for name in self._request_names:
            values[name] = request
        for name in self._path_names:
            values[name] = scope["path_params"][name]
        for name, made_by in self._dependencies:
            values[name] = await made_by(request)
        response: Response = await self.endpoint(**values)
        return response


class FastRoutes:
    """ASGI: requests for a ``BodyRoute`` go there, all others through the whole framework.

    Args:
        api: the application; its routes and exception handlers as they are when this is made.
    """

    def __init__(self, api: FastAPI, whole: ASGIApp) -> None:
        self._api = api
        self._whole = whole
        self._handlers = dict(api.exception_handlers)
        self._plain: dict[tuple[str, str], BodyRoute] = {}
        self._with_texts: list[BodyRoute] = []
        for route in api.router.routes:
            if not isinstance(route, BodyRoute):
                continue
            if "{" in route.path:
                self._with_texts.append(route)
                continue
            for method in route.methods or ():
                self._plain.setdefault((method, route.path), route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope) if scope["type"] == "http" and not scope.get("root_path") else None
        if found is None:
            await self._whole(scope, receive, send)
            return
        route, texts = found
        scope["app"], scope["route"], scope["endpoint"] = self._api, route, route.endpoint
        scope["path_params"] = texts
        try:
            response = await route.answer(scope, receive, send)
        except LongWay as way:
            await self._whole(scope, way.receive, send)
            return
        except Exception as error:
            handler = next((self._handlers[kind] for kind in type(error).__mro__ if kind in self._handlers), None)
            if handler is None:
                raise
            response = await handler(Request(scope, receive, send), error)
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[BodyRoute, dict[str, str]] | None:
        method, path = scope["method"], scope["path"]
        route = self._plain.get((method, path))
        if route is not None:
            return route, {}
        for route in self._with_texts:
            if method in (route.methods or ()) and (match := route.path_regex.match(path)):
                return route, match.groupdict()
        return None


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
