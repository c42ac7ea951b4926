"""The short way through FastAPI, and everything that must not take it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from netpulse_broker.api.application import Application
from netpulse_broker.api.fast_route import BodyRoute


class Asked(BaseModel):
    number: int
    word: str = ""


async def made_of_the_request(request: Request) -> str:
    return request.headers["x-name"]


Name = Annotated[str, Depends(made_of_the_request)]


class Refused(Exception):
    pass


def application(kind: type[FastAPI] = FastAPI) -> FastAPI:
    router = APIRouter(route_class=BodyRoute)

    @router.post("/{where}/ask", status_code=201)
    async def ask(request: Request, where: str, body: Asked, name: Name) -> Response:
        seen = {"where": where, "number": body.number, "word": body.word, "name": name, "path": request.url.path}
        return JSONResponse(seen, status_code=201)

    @router.post("/plain")
    async def plain(body: Asked) -> Response:
        if body.number < 0:
            raise Refused
        return JSONResponse({"number": 1 // body.number})

    app = kind()
    app.router.routes.extend(router.routes)

    @app.exception_handler(Refused)
    async def refused(_request: Request, _error: Exception) -> Response:
        return JSONResponse({"refused": True}, status_code=409)

    return app


@pytest.fixture(params=[FastAPI, Application], ids=["through the framework", "past it"])
async def client(request: pytest.FixtureRequest) -> Any:
    transport = httpx.ASGITransport(application(request.param))
    async with httpx.AsyncClient(transport=transport, base_url="http://broker", headers={"x-name": "me"}) as client:
        yield client


async def test_the_endpoint_gets_what_it_names(client: httpx.AsyncClient) -> None:
    answer = await client.post("/here/ask", json={"number": 3, "word": "ü"})
    assert answer.status_code == 201
    assert answer.json() == {"where": "here", "number": 3, "word": "ü", "name": "me", "path": "/here/ask"}


async def test_a_body_in_pieces(client: httpx.AsyncClient) -> None:
    async def pieces() -> Any:
        for piece in (b'{"num', b'ber": ', b"4}"):
            yield piece

    answer = await client.post("/here/ask", content=pieces(), headers={"content-type": "application/json"})
    assert answer.json()["number"] == 4


@pytest.mark.parametrize(
    ("content", "content_type", "problem"),
    [
        (b'{"number": "x"}', "application/json", "int_parsing"),
        (b'{"number": ', "application/json", "json_invalid"),
        (b"", "application/json", "missing"),
        (b"[]", "application/json", "model_attributes_type"),
        (b'{"number": 1}', "text/plain", "model_attributes_type"),
    ],
)
async def test_what_is_wrong_is_told_as_fastapi_tells_it(
    client: httpx.AsyncClient, content: bytes, content_type: str, problem: str
) -> None:
    answer = await client.post("/here/ask", content=content, headers={"content-type": content_type})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == problem


async def test_other_forms_of_json_are_served_too(client: httpx.AsyncClient) -> None:
    for content_type in ("application/json; charset=utf-8", "application/vnd.np+json"):
        answer = await client.post("/here/ask", content=b'{"number": 5}', headers={"content-type": content_type})
        assert (answer.status_code, answer.json()["number"]) == (201, 5)


async def test_a_text_that_json_can_hold_and_utf_8_cannot_goes_the_long_way(client: httpx.AsyncClient) -> None:
    """Python's parser takes a lone surrogate, pydantic's does not: what comes of it is decided where it always was."""
    content = b'{"number": 1, "\\ud800": 2, "word": "x"}'
    answer = await client.post("/here/ask", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["word"]) == (201, "x")


async def test_what_an_endpoint_raises_is_answered_by_its_handler(client: httpx.AsyncClient) -> None:
    answer = await client.post("/plain", json={"number": -1})
    assert (answer.status_code, answer.json()) == (409, {"refused": True})
    with pytest.raises(ZeroDivisionError):
        await client.post("/plain", json={"number": 0})


async def test_other_methods_and_paths_are_the_framework_s(client: httpx.AsyncClient) -> None:
    assert (await client.get("/plain")).status_code == 405
    assert (await client.post("/plain/", json={"number": 1}, follow_redirects=False)).status_code == 307
    assert (await client.post("/here/there/ask", json={"number": 1})).status_code == 404


async def test_layers_in_front_see_every_request_and_the_framework_only_what_is_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def layer(name: str) -> Callable[[ASGIApp], ASGIApp]:
        def made(inner: ASGIApp) -> ASGIApp:
            async def noted(scope: Scope, receive: Receive, send: Send) -> None:
                seen.append(name)
                await inner(scope, receive, send)

            return noted

        return made

    app = application(Application)
    assert isinstance(app, Application)
    app.stand_behind(layer("outer"), layer("inner"))
    whole = FastAPI.__call__

    async def counted(self: FastAPI, *args: Any) -> None:
        seen.append("framework")
        await whole(self, *args)

    monkeypatch.setattr(FastAPI, "__call__", counted)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://broker") as client:
        assert (await client.post("/plain", json={"number": 1})).status_code == 200
        assert seen == ["outer", "inner"]
        assert (await client.post("/plain", json={"number": "x"})).status_code == 422
        assert seen == ["outer", "inner"] * 2 + ["framework"]


@pytest.mark.parametrize("kind", [FastAPI, Application])
async def test_a_caller_who_leaves_in_the_middle_of_the_body_makes_nothing(kind: type[FastAPI]) -> None:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/here/ask",
        "raw_path": b"/here/ask",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"x-name", b"me")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("broker", 80),
        "client": ("127.0.0.1", 1),
    }
    incoming: list[Message] = [
        {"type": "http.request", "body": b'{"number": 1}', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0) if incoming else await asyncio.Future()

    async def send(message: Message) -> None:
        sent.append(message)

    await application(kind)(scope, receive, send)
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] != [201]


def test_it_is_documented_as_any_other_route() -> None:
    described = json.dumps(application().openapi()["paths"]["/{where}/ask"]["post"])
    assert "Asked" in described
    assert '"where"' in described


def test_an_endpoint_that_takes_something_else_is_refused() -> None:
    router = APIRouter(route_class=BodyRoute)

    async def with_query(body: Asked, page: Annotated[int, Query()]) -> Response:
        raise NotImplementedError

    async def without_body(request: Request) -> Response:
        raise NotImplementedError

    for endpoint, said in ((with_query, "page"), (without_body, "takes no body")):
        with pytest.raises(TypeError, match=said):
            router.add_api_route("/x", endpoint, methods=["POST"])
