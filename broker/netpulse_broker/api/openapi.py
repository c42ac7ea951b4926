"""The OpenAPI document and the page that shows it. The page is whole without the internet."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from netpulse_broker import __version__
from netpulse_broker.models.envelope import Failure

OPENAPI_PATH = "/openapi.json"
PAGE_PATH = "/docs"

ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
"""Files of Swagger UI (Apache-2.0), as the package ``fastapi-swagger`` carries them."""

OPEN_PATHS = frozenset({OPENAPI_PATH, PAGE_PATH, f"{PAGE_PATH}/start.js", *(f"{PAGE_PATH}/{name}" for name in ASSETS)})
"""Paths of the documentation; they need no key."""

DESCRIPTION = """\
One kept-alive, strictly ordered session per network device, offered over REST.

Every answer has the same envelope: `code` (200, or -1 for a failure), `message` and `data`. That a request was carried
out does not mean that its job succeeded: look at the job's `status` and `result`.

Compatible with the NetPulse API v0.2, not affiliated with it.
"""

_MEANINGS = {
    400: "The request validates, but cannot be carried out.",
    401: "No API key.",
    403: "A wrong API key, or one that may not do this.",
    404: "No such thing.",
    409: "The thing is in a state that does not allow this, or an idempotency key was used for another request.",
    413: "The body is larger than the controller accepts.",
    422: "The request does not validate; `details` lists where and why.",
    429: "Too many requests at a time.",
    500: "A defect of the broker; the message has the reference under which the log explains it.",
    502: "The device could not be reached, refused the login, or refused the file; the answer has its error.",
    503: "No worker can take it now, or Redis cannot be reached; the message says what is known of the job.",
    504: "The time to wait ran out.",
}

_RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}

# Scripts and connections to this origin alone; styles inline, because Swagger UI sets them on its elements.
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# Relative addresses, so that the page also works behind a proxy that adds a prefix.
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>NetPulse broker API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

_START = (
    "SwaggerUIBundle("
    + json.dumps(
        {
            "url": OPENAPI_PATH.removeprefix("/"),
            "dom_id": "#swagger-ui",
            "deepLinking": True,
            "tryItOutEnabled": True,
            "validatorUrl": None,  # otherwise the page would send the document to an outside service
        }
    )
    + ");\n"
)


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route that can fail in these ways."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        described[status] = {"model": Failure, "description": _MEANINGS[status]}
        if status in {429, 503}:
            described[status]["headers"] = _RETRY_AFTER
    return described


def still_running(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route whose ``wait`` may run out."""
    return {202: {"model": model, "description": "`wait` ran out: the state as it is now; what runs goes on."}}


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title="NetPulse broker",
            version=__version__,
            description=DESCRIPTION,
            routes=app.routes,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        _describe_security(made)
        _drop_frameworks_errors(made)
        app.openapi_schema = made
    return app.openapi_schema


def install(app: FastAPI, *, page: bool) -> None:
    """Serve the document, and the page if wanted."""
    app.openapi = lambda: document(app)  # type: ignore[method-assign]

    async def serve_document(_request: Request) -> Response:
        return Response(json.dumps(document(app)), media_type="application/json")

    app.router.routes.append(Route(OPENAPI_PATH, serve_document, methods=["GET"], include_in_schema=False))
    if not page:
        return

    async def serve_page(_request: Request) -> Response:
        head = {"Content-Security-Policy": _CONTENT_POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(_PAGE, media_type="text/html", headers=head)

    async def serve_start(_request: Request) -> Response:
        return Response(_START, media_type="text/javascript")

    async def serve_asset(request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        body = resources.files("fastapi_swagger.resources").joinpath(name).read_bytes()
        return Response(body, media_type=ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})

    served: dict[str, Callable[[Request], Awaitable[Response]]] = {
        PAGE_PATH: serve_page,
        f"{PAGE_PATH}/start.js": serve_start,
    }
    served |= {f"{PAGE_PATH}/{name}": serve_asset for name in ASSETS}
    for path, endpoint in served.items():
        app.router.routes.append(Route(path, endpoint, methods=["GET"], include_in_schema=False))


def _describe_security(made: dict[str, Any]) -> None:
    """Either scheme will do, everywhere but on the paths that are open."""
    made.setdefault("components", {})["securitySchemes"] = {
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-KEY"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    for operations in made["paths"].values():
        for operation in operations.values():
            answers = operation["responses"]
            if str(HTTPStatus.UNAUTHORIZED.value) in answers:
                operation["security"] = [{"apiKey": []}, {"bearer": []}]


def _drop_frameworks_errors(made: dict[str, Any]) -> None:
    """FastAPI describes its own validation error where a route names none; ours has the envelope."""
    for operations in made["paths"].values():
        for operation in operations.values():
            answers = operation["responses"]
            if "HTTPValidationError" in json.dumps(answers.get("422", {})):
                del answers["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        made["components"]["schemas"].pop(name, None)
