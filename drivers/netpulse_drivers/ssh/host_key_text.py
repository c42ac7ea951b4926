"""A host's public key as a request brings it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_PUBLIC_KEY = re.compile(r"[a-z][a-z0-9@.-]{2,63} +[A-Za-z0-9+/]{40,4096}={0,2}( .*)?")


def _is_public_key(value: str) -> str:
    if _PUBLIC_KEY.fullmatch(value.strip()) is None:
        raise ValueError("is no public key: expected a line like 'ssh-ed25519 AAAA...'")
    return value.strip()


HostKey = Annotated[str, Field(max_length=8192), AfterValidator(_is_public_key)]
