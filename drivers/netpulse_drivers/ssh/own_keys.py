"""The keys, the SSH agent and the OpenSSH configuration of the user that the broker runs as: nobody logs in with them.

A caller who could ask for them would be, on every device and jump host, who the broker's user is. Keys for all callers
are offered by name (setting ``files.keys``).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

OWN_KEYS = ("use_keys", "look_for_keys", "allow_agent")
"""Options by which netmiko, paramiko and ncclient are told to look for them."""

_NEVER: dict[str, Any] = {"look_for_keys": False, "allow_agent": False}


def refuse_own_keys(options: Mapping[str, Any], *, has_key: bool) -> None:
    """Check what a request asks for.

    Args:
        has_key: it brings or names a key; then ``use_keys``, which netmiko wants beside one, asks for nothing more.

    Raises:
        ValueError: naming what to send instead.
    """
    for name in OWN_KEYS:
        if options.get(name) and not (has_key and name == "use_keys"):
            raise ValueError(
                f"{name}: keys and agent of the broker's own user are not used; send the key itself as pkey, or give "
                "key_file with the name of a key that the operator offers (setting files.keys)"
            )


def keep_libraries_from_own_keys() -> None:
    """From now on, no library of this process finds them, whatever it asks paramiko or ncclient for."""
    import paramiko  # noqa: PLC0415 - who only checks a request needs none of them
    from ncclient.transport.ssh import SSHSession  # noqa: PLC0415

    _forbid(paramiko.SSHClient)
    _forbid(SSHSession)


def _forbid(client: type[Any]) -> None:
    connect: Callable[..., Any] = client.connect
    if hasattr(connect, "__wrapped__"):
        return  # done before
    signature = inspect.signature(connect)

    @functools.wraps(connect)
    def without_own_keys(*args: Any, **how: Any) -> Any:
        bound = signature.bind(*args, **how)
        bound.arguments |= _NEVER
        return connect(*bound.args, **bound.kwargs)

    client.connect = without_own_keys
