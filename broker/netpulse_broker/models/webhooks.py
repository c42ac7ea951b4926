"""Webhooks: what a request may ask for, and what is told about those that were not delivered."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

Method = Literal["POST", "PUT", "PATCH", "GET", "DELETE"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_OURS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    }
)


class WebhookAuth(BaseModel):
    """Basic authentication, or a bearer token."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    username: str | None = Field(default=None, max_length=255)
    password: SecretStr | None = None
    token: SecretStr | None = None

    @field_validator("token")
    @classmethod
    def _check_token(cls, token: SecretStr | None) -> SecretStr | None:
        # What stands in a file often ends in a line break, and no header can hold one.
        if token is not None and re.fullmatch(r"[!-~]{1,8192}", token.get_secret_value()) is None:
            raise ValueError("must be printable ASCII without spaces and line breaks")
        return token

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.token is None) == (self.username is None or self.password is None):
            raise ValueError("give username and password, or token")
        return self


def _pair(value: Any) -> Any:
    """``[username, password]``, as v0.2 clients write it."""
    if isinstance(value, list | tuple) and len(value) == 2:
        return {"username": value[0], "password": value[1]}
    return value


class WebhookOptions(BaseModel):
    """A call when the job has ended, whatever its end; its body is the job object."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str = Field(
        default="basic", min_length=1, max_length=64, description="Who calls: `basic` (HTTP), or a plug-in's name."
    )
    url: str = Field(min_length=1, max_length=2048, repr=False, description="http:// or https://; no user or password.")
    method: Method = "POST"
    headers: dict[str, str] = Field(default_factory=dict, max_length=32, repr=False)
    cookies: dict[str, str] = Field(default_factory=dict, max_length=32, repr=False)
    auth: Annotated[WebhookAuth | None, BeforeValidator(_pair)] = Field(
        default=None, repr=False, description="Also `[username, password]`."
    )
    timeout: float | None = Field(default=None, ge=0.5, le=120, description="Seconds for one attempt. Default 10.")
    secret: SecretStr | None = Field(
        default=None,
        description="Signs each call: header `webhook-signature`. With the prefix `whsec_`, the rest is the key in "
        "base64.",
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("is no URL") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise ValueError("write http://host[:port]/path or https://host[:port]/path")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must hold no user or password: they belong into auth")
        if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
            raise ValueError("must be ASCII without spaces and backslashes; percent-encode the rest")
        return url

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        given = {name: value.strip(" \t") for name, value in headers.items()}  # no part of a value (RFC 9110, 5.5)
        for name, value in given.items():
            if _TOKEN.fullmatch(name) is None:
                raise ValueError("a header's name is made of letters, digits and -_.~!#$%&'*+^`|")
            if name.lower() in _OURS:
                raise ValueError(f"the header {name.lower()} is set by the broker")
            if len(value) > 8192 or not all(char == "\t" or " " <= char <= "~" for char in value):
                raise ValueError(f"the value of the header {name.lower()} must be printable ASCII on one line")
        return given

    @field_validator("cookies")
    @classmethod
    def _check_cookies(cls, cookies: dict[str, str]) -> dict[str, str]:
        for name, value in cookies.items():
            if _TOKEN.fullmatch(name) is None or re.fullmatch(r"[!#-+\--:<-\[\]-~]{0,4096}", value) is None:
                raise ValueError("a cookie's name and value are ASCII without spaces, quotes, commas and semicolons")
        return cookies


class WebhookDelivery(BaseModel):
    """A webhook that could not be delivered."""

    id: str = Field(description="The delivery: the header `webhook-id` of all its attempts.")
    job: str = Field(description="The job whose end it tells.")
    target: str = Field(description="Scheme, host and port; a path may hold a secret.")
    attempts: int
    error: str = Field(description="Why the last attempt failed.")
    failed_at: datetime
