"""Signatures by which a receiver knows that a call is ours, unchanged and recent.

The scheme is that of Standard Webhooks 1.0 (standardwebhooks.com): HMAC-SHA256 over ``id.timestamp.body``, in base64,
with the version in front. Its libraries verify it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"


def signing_key(secret: str) -> bytes:
    """The key in a secret: what stands behind ``whsec_`` in base64, else the secret itself."""
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signature(secret: str, *, delivery: str, timestamp: int, body: bytes) -> str:
    """Value of the header ``webhook-signature``."""
    signed = f"{delivery}.{timestamp}.".encode() + body
    digest = hmac.new(signing_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
