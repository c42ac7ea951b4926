"""SSH negotiation whose failure can be explained: both sides' algorithms, by kind."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import paramiko

PreferHostKeys = Callable[[tuple[str, ...]], tuple[str, ...]]
"""Puts host key algorithms into the order to offer them in."""

_KINDS = (
    # (name for people, our preference, key in the device's offer)
    ("key exchange", "kex", "kex_algo_list"),
    ("host key", "keys", "server_key_algo_list"),
    ("cipher", "ciphers", "client_encrypt_algo_list"),
    ("MAC", "macs", "client_mac_algo_list"),
    ("compression", "compression", "client_compress_algo_list"),
)


class ExplainedTransport(paramiko.Transport):
    """A transport that keeps the device's offer, and offers host key algorithms in a given order.

    paramiko 4 still has everything that old devices need (diffie-hellman-group14-sha1 and group1-sha1, ssh-rsa,
    aes-cbc, 3des-cbc, hmac-sha1 and hmac-md5), each behind the newer ones; nothing must be switched on.
    """

    offer: dict[str, list[str]] | None = None

    def __init__(self, sock: socket.socket, *, prefer_host_keys: PreferHostKeys | None = None, **options: Any) -> None:
        super().__init__(sock, **options)
        if prefer_host_keys is not None:
            options_of = self.get_security_options()
            options_of.key_types = prefer_host_keys(tuple(options_of.key_types))

    def _really_parse_kex_init(self, m: paramiko.Message, ignore_first_byte: bool = False) -> dict[str, Any]:
        parsed: dict[str, Any] = super()._really_parse_kex_init(m, ignore_first_byte)  # type: ignore[misc]
        self.offer = {key: list(parsed[key]) for _, _, key in _KINDS}
        return parsed

    def explain(self) -> tuple[str, list[dict[str, Any]]]:
        """What does not match: one line for people, and both sides' lists of each kind without a common algorithm."""
        if self.offer is None:
            return "", []
        details = []
        for name, ours_by, theirs_by in _KINDS:
            ours = list(getattr(self, f"preferred_{ours_by}"))
            theirs = [algorithm for algorithm in self.offer[theirs_by] if not _is_flag(algorithm)]
            if not set(ours) & set(theirs):
                details.append({"kind": name, "device": theirs, "broker": ours})
        text = "; ".join(
            f"no common {entry['kind']}: the device offers {', '.join(entry['device']) or 'none'}, "
            f"we offer {', '.join(entry['broker']) or 'none'}"
            for entry in details
        )
        return text, details

    def agreed(self) -> dict[str, str]:
        """The algorithms in use, for a connection test."""
        theirs = self.offer["kex_algo_list"] if self.offer is not None else []
        return {
            "ssh_version": self.remote_version,
            "host_key": self.host_key_type or "",
            "cipher": getattr(self, "remote_cipher", ""),
            "mac": getattr(self, "remote_mac", ""),
            "kex": next((algorithm for algorithm in self.preferred_kex if algorithm in theirs), ""),
        }


def _is_flag(algorithm: str) -> bool:
    """Entries in the list that are no algorithms (RFC 8308; OpenSSH's strict key exchange)."""
    return algorithm.startswith(("ext-info-", "kex-strict-"))
