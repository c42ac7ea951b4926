"""Who may be called: host names, networks, and the addresses that a name leads to."""

from __future__ import annotations

import fnmatch
import ipaddress
import queue
import socket
import threading
from urllib.parse import urlsplit

from netpulse_broker.errors import BadRequest, WebhookFailed, WebhookRefused
from netpulse_broker.settings import WebhookSettings
from netpulse_drivers import Deadline
from netpulse_drivers.networks import Address, literal_address, meant_by, within


class Targets:
    """The rules of the settings."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._hosts = [pattern.lower().rstrip(".") for pattern in settings.hosts]
        self._denied = [ipaddress.ip_network(network) for network in settings.denied_networks]
        self._allowed = [ipaddress.ip_network(network) for network in settings.allowed_networks]
        self._https_only = settings.https_only

    def check_request(self, url: str) -> None:
        """What can be said without asking the name service.

        Raises:
            BadRequest
        """
        parts = urlsplit(url)
        try:
            self._check_host(parts.hostname or "")
            self.check_scheme(url)
            literal = literal_address(parts.hostname or "")
            if literal is not None:
                self.check_address(literal)
        except WebhookRefused as error:
            raise BadRequest(f"webhook: {error.message}") from None

    def addresses(self, host: str, port: int, deadline: Deadline) -> list[str]:
        """Addresses of the host that may be connected to, in the resolver's order.

        The name is looked up once, here; whoever connects uses these and looks nothing up again, so that a name that
        answers differently the next time leads nowhere else.

        Raises:
            WebhookFailed: the name does not resolve.
            WebhookRefused: one of its addresses is denied. All of them are then: such a name is no honest one.
        """
        self._check_host(host)
        found = [ipaddress.ip_address(text) for text in _resolved(host, port, deadline)]
        for address in found:
            self.check_address(address)
        return [str(address) for address in found]

    def check_address(self, address: Address) -> None:
        """Raise ``WebhookRefused`` unless it may be connected to."""
        for meant in meant_by(address):
            if within(meant, self._allowed):
                continue
            if within(meant, self._denied):
                raise WebhookRefused("the target's address is in a denied network (setting webhooks.denied_networks)")

    def check_scheme(self, url: str) -> None:
        """Raise ``WebhookRefused`` for a URL without TLS where the settings want it."""
        if self._https_only and urlsplit(url).scheme != "https":
            raise WebhookRefused("webhooks go to https:// only (setting webhooks.https_only)")

    def _check_host(self, host: str) -> None:
        name = host.lower().rstrip(".")
        if self._hosts and not any(fnmatch.fnmatchcase(name, pattern) for pattern in self._hosts):
            raise WebhookRefused("the target's host is not one of those allowed (setting webhooks.hosts)")


def _resolved(host: str, port: int, deadline: Deadline) -> list[str]:
    """``getaddrinfo`` with a deadline, which it does not have: a thread that is left behind if it takes longer."""
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)))
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=ask, name="webhook name lookup", daemon=True).start()
    try:
        answer = answers.get(timeout=max(deadline.remaining(), 0.001))
    except queue.Empty:
        raise WebhookFailed("the target's name was not resolved in time") from None
    if isinstance(answer, OSError):
        raise WebhookFailed(f"the target's name does not resolve: {answer.strerror or answer}")
    return answer
