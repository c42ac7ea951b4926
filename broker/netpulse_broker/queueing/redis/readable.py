"""Records out of Redis, without those that nobody of ours wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import redis
import structlog

log = structlog.get_logger(__name__)

Name = TypeVar("Name")
Stored = TypeVar("Stored")
Record = TypeVar("Record")


def readable(
    what: str, stored: Iterable[tuple[Name, Stored]], read: Callable[[Name, Stored], Record]
) -> Iterator[Record]:
    """What ``read`` makes of each; one that it cannot read is left out and told in the log, so that it hides no other.

    Args:
        what: kind of record, for the log.
        stored: name and content, or redis' error when the key is of another type (``raise_on_error=False``).
    """
    for name, content in stored:
        if isinstance(content, Exception) and not isinstance(content, redis.ResponseError):
            raise content
        try:
            if isinstance(content, Exception):
                raise TypeError(content)  # noqa: TRY301 - as the other ways in which it is none
            record = read(name, content)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            log.warning("record_malformed", kind=what, name=str(name), reason=f"{type(error).__name__}: {error}")
            continue
        yield record
