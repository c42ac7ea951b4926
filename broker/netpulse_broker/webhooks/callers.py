"""Who makes the call: HTTP, or a caller published by an installed package.

A package publishes a caller under the entry point group ``netpulse.webhooks``, as a class that is made without
arguments; a request chooses it by ``webhook.name``.
"""

from __future__ import annotations

import logging
import ssl
import time
from typing import Protocol

import httpcore
import httpx

from netpulse_broker import __version__
from netpulse_broker.errors import WebhookFailed, WebhookRefused
from netpulse_broker.settings import WebhookSettings
from netpulse_broker.webhooks.delivery import Delivery
from netpulse_broker.webhooks.signature import signature
from netpulse_broker.webhooks.targets import Targets
from netpulse_broker.webhooks.transport import CheckedTransport
from netpulse_drivers import Deadline
from netpulse_drivers.entry_point_group import EntryPointGroup, PluginNotLoaded, UnknownPlugin

CALLERS = "netpulse.webhooks"
HTTP = "basic"

_GONE = 410


class Caller(Protocol):
    """Makes one attempt."""

    def call(self, delivery: Delivery, body: bytes, deadline: Deadline) -> None:
        """Return when the receiver has taken it.

        Raises:
            WebhookFailed: it has not.
            WebhookRefused: it has not, and another attempt would be in vain.
        """
        ...


def caller(name: str, settings: WebhookSettings) -> Caller:
    """The caller of that name.

    Raises:
        WebhookRefused: there is none.
        WebhookFailed: it cannot be loaded.
    """
    if name == HTTP:
        return HttpCaller(settings)
    try:
        made: Caller = callers().load(name)()
    except UnknownPlugin as error:
        raise WebhookRefused(str(error)) from None
    except PluginNotLoaded as error:
        raise WebhookFailed(str(error)) from error
    except (Exception, SystemExit) as error:
        raise WebhookFailed(f"the webhook caller '{name}' cannot be made: {type(error).__name__}: {error}") from error
    return made


def callers() -> EntryPointGroup:
    """All callers by name."""
    return EntryPointGroup(CALLERS, what="webhook caller", built_in={HTTP: f"{__name__}:HttpCaller"})


class HttpCaller:
    """One HTTP request per attempt; redirects are not followed, proxies of the environment not used.

    Raises:
        WebhookFailed: ``webhooks.ca_file`` cannot be used.
    """

    def __init__(self, settings: WebhookSettings) -> None:
        self._targets = Targets(settings)
        try:
            self._context = ssl.create_default_context(cafile=settings.ca_file)
        except OSError as error:  # what OpenSSL says of a file without certificates is one as well
            raise WebhookFailed(
                f"webhooks.ca_file ({settings.ca_file}) cannot be used: {error.strerror or error}"
            ) from None
        # Both log whole URLs, and a URL may be a secret.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("httpcore").setLevel(logging.WARNING)

    def call(self, delivery: Delivery, body: bytes, deadline: Deadline) -> None:
        """Send it; taken means any answer of 200 to 299.

        Raises:
            WebhookFailed, WebhookRefused
        """
        options = delivery.options
        self._targets.check_scheme(options["url"])
        transport = CheckedTransport(self._targets, deadline=deadline, context=self._context)
        auth = options.get("auth") or {}
        basic = httpx.BasicAuth(auth["username"], auth["password"]) if "username" in auth else None
        try:
            with httpx.Client(transport=transport, trust_env=False, follow_redirects=False) as client:
                answer = client.request(
                    options["method"], options["url"], content=body, headers=_headers(delivery, body), auth=basic
                )
        except WebhookFailed:
            raise
        except (httpcore.TimeoutException, httpx.TimeoutException):
            raise WebhookFailed(f"no answer within {delivery.timeout:g} s") from None
        except (httpcore.LocalProtocolError, httpx.LocalProtocolError) as error:
            # Its text repeats the header that it does not like, and that may be a secret.
            raise WebhookFailed(f"{type(error).__name__}: the call cannot be written as HTTP") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, OSError) as error:
            raise WebhookFailed(f"{type(error).__name__}: {error}") from None
        if not answer.is_success:
            kind = WebhookRefused if answer.status_code == _GONE else WebhookFailed
            raise kind(f"the receiver answered {answer.status_code}")


def _headers(delivery: Delivery, body: bytes) -> list[tuple[str, str]]:
    options = delivery.options
    timestamp = int(time.time())
    given = {name.lower(): value for name, value in options.get("headers", {}).items()}
    headers = {"content-type": "application/json", "user-agent": f"netpulse-broker/{__version__}"} | given
    headers |= {"webhook-id": delivery.id, "webhook-timestamp": str(timestamp)}
    if options.get("secret"):
        headers["webhook-signature"] = signature(
            options["secret"], delivery=delivery.id, timestamp=timestamp, body=body
        )
    token = (options.get("auth") or {}).get("token")
    if token:
        headers["authorization"] = f"Bearer {token}"
    if options.get("cookies"):
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in options["cookies"].items())
    return list(headers.items())
