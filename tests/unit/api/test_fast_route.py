"""The short way through FastAPI, and everything that must not take it."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response
from starlette.types import Message

from netpulse_broker.api.fast_route import BodyRoute


class Asked(BaseModel):
    number: int
    word: str = ""


async def made_of_the_request(request: Request) -> str:
    return request.headers["x-name"]


Name = Annotated[str, Depends(made_of_the_request)]


def application() -> FastAPI:
    router = APIRouter(route_class=BodyRoute)

    @router.post("/{where}/ask", status_code=201)
    async def ask(request: Request, where: str, body: Asked, name: Name) -> Response:
        seen = {"where": where, "number": body.number, "word": body.word, "name": name, "path": request.url.path}
        return JSONResponse(seen, status_code=201)

    app = FastAPI()
    app.router.routes.extend(router.routes)
    return app


@pytest.fixture
async def client() -> Any:
    transport = httpx.ASGITransport(application())
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


async def test_a_caller_who_leaves_in_the_middle_of_the_body_makes_nothing() -> None:
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

    await application()(scope, receive, send)
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
