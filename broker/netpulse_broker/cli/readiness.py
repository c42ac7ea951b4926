"""Whether a role does its work, seen from outside: the controller answers, a node holds its lease."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable

from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import Lost, connect
from netpulse_broker.settings import ControllerSettings, RedisSettings

_ANSWERS_WITHIN = 1.0


def local_address(host: str) -> str:
    """The address to reach a listener on this machine: the loopback one when it listens on all."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # nothing is bound


def base_url(settings: ControllerSettings) -> str:
    """The controller's URL as a person on this machine would write it."""
    host = local_address(settings.host)
    scheme = "http" if settings.tls_cert is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


def controller_is_ready(settings: ControllerSettings) -> Callable[[int], bool]:
    """A probe: ``GET /health/ready`` answers 200."""
    host = local_address(settings.host)

    def is_ready(_pid: int) -> bool:
        if settings.tls_cert is None:
            connection = http.client.HTTPConnection(host, settings.port, timeout=_ANSWERS_WITHIN)
        else:
            # The probe asks its own child on this machine; the certificate names another address.
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection = http.client.HTTPSConnection(host, settings.port, timeout=_ANSWERS_WITHIN, context=context)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return is_ready


def node_is_ready(redis_settings: RedisSettings, *, name: str) -> Callable[[int], bool]:
    """A probe: the lease of the node is held by the process that is asked about, not by an earlier one."""

    def is_ready(pid: int) -> bool:
        client = connect(redis_settings)
        try:
            lease = client.get(keys.lease(name))
        except Lost:
            return False
        finally:
            client.close()
        # node|pid|epoch
        return isinstance(lease, bytes) and lease.decode().split("|")[-2:-1] == [str(pid)]

    return is_ready
