"""API keys: who calls, and whether he may."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from netpulse_broker.api.responses import failure
from netpulse_broker.api.wrong_keys import WrongKeys
from netpulse_broker.errors import Forbidden, Unauthenticated

Role = Literal["viewer", "operator", "admin"]

KEY_NAME = "X-API-KEY"
"""Header, and (where the setting allows it) query parameter and cookie, as v0.2 named them."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls.

    Attributes:
        key_id: name of the API key, never a part of it; the owner of the jobs made with it.
        role: what it may do.
    """

    key_id: str
    role: Role


class KeyRing:
    """The accepted API keys. Only their SHA-256 digests are held: keys are long random texts, not chosen passwords."""

    def __init__(self, keys: Mapping[str, Principal]) -> None:
        self._digests = [(_digest(key.encode()), principal) for key, principal in keys.items()]

    @classmethod
    def single(cls, key: str) -> KeyRing:
        """The one key of the settings; it may do everything."""
        return cls({key: Principal("default", "admin")})

    def identify(self, presented: bytes) -> Principal | None:
        """Whose key this is, or None. Takes the same time wherever the difference is, and looks at every key."""
        digest = _digest(presented)
        found = None
        for known, principal in self._digests:
            if hmac.compare_digest(known, digest):
                found = principal
        return found


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


class Authentication:
    """ASGI middleware: everything but the open paths needs a key. Stands before routing and before the body is read.

    Args:
        open_paths: paths that need none.
        in_query: also look into the query string and the cookies.
    """

    def __init__(self, app: ASGIApp, *, keys: KeyRing, open_paths: Iterable[str], in_query: bool = False) -> None:
        self._app = app
        self._keys = keys
        self._open = frozenset(open_paths)
        self._in_query = in_query
        self._wrong = WrongKeys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._open:
            await self._app(scope, receive, send)
            return
        presented = _from_headers(scope)
        if self._in_query:
            # The key is taken out of the query string, so that nothing behind this point can log it.
            in_query = _take_from_query(scope)
            presented = presented or in_query or _from_cookie(scope)
        if not presented:
            error = Unauthenticated(f"no API key: send it in the header {KEY_NAME} or as Authorization: Bearer <key>")
            await failure(error, headers={"WWW-Authenticate": "Bearer"})(scope, receive, send)
            return
        principal = self._keys.identify(presented)
        if principal is None:
            address, *_ = scope.get("client") or ("unknown",)
            await self._wrong.presented(str(address))
            await failure(Forbidden("the API key is wrong"))(scope, receive, send)
            return
        scope.setdefault("state", {})["principal"] = principal
        await self._app(scope, receive, send)


def _from_headers(scope: Scope) -> bytes:
    bearer = b""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            key: bytes = value.strip()
            return key
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            bearer = value[7:].strip()
    return bearer


def _take_from_query(scope: Scope) -> bytes:
    query: bytes = scope["query_string"]
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    rest = [(name, value) for name, value in pairs if name != KEY_NAME]
    if len(rest) == len(pairs):
        return b""
    scope["query_string"] = urlencode(rest).encode("ascii")
    return dict(pairs)[KEY_NAME].encode()


def _from_cookie(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                morsel = SimpleCookie(value.decode("latin-1")).get(KEY_NAME)
            except CookieError:
                return b""
            key: str = morsel.value if morsel is not None else ""
            return key.encode()
    return b""


async def caller(request: Request) -> Principal:
    """Dependency: who calls."""
    principal: Principal = request.state.principal
    return principal


async def operator(request: Request) -> Principal:
    """Dependency: who calls, when he may do more than look.

    Raises:
        Forbidden: a viewer's key.
    """
    principal: Principal = request.state.principal
    if principal.role == "viewer":
        raise Forbidden("this key may look, not change: use one with the role operator or admin")
    return principal


async def admin(request: Request) -> Principal:
    """Dependency: who calls, when he may decide for others.

    Raises:
        Forbidden: another role's key.
    """
    principal: Principal = request.state.principal
    if principal.role != "admin":
        raise Forbidden("this takes a key with the role admin")
    return principal


Caller = Annotated[Principal, Depends(caller)]

Admin = Annotated[Principal, Depends(admin)]

Operator = Annotated[Principal, Depends(operator)]
"""A viewer's key may read what there is, and work on templates; what reaches a device or ends something takes more."""
