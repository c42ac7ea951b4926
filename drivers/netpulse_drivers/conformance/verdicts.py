"""What can come of trying a clause, and how a clause says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

Error = TypeVar("Error", bound=BaseException)


class Broken(AssertionError):
    """The driver does not keep the clause; the text says what it did instead."""


class NotApplicable(Exception):
    """The clause cannot be tried; the text says why, and what would make it possible."""


def require(kept: object, otherwise: str) -> None:
    """Raises Broken with the text unless `kept` is true."""
    if not kept:
        raise Broken(otherwise)


@dataclass
class Caught(Generic[Error]):
    """The error that was expected, once it came."""

    error: Error | None = None

    @property
    def value(self) -> Error:
        if self.error is None:
            raise RuntimeError("there is no error before the block has ended")
        return self.error


@contextmanager
def raises(expected: type[Error], when: str) -> Iterator[Caught[Error]]:
    """The block must raise `expected`.

    Args:
        when: the occasion, for the text of Broken.
    """
    caught: Caught[Error] = Caught()
    try:
        yield caught
    except expected as error:
        caught.error = error
        return
    except (Broken, NotApplicable):
        raise
    except Exception as error:
        raise Broken(f"{when}: {expected.__name__} has to be raised, but it was {_shown(error)}") from error
    raise Broken(f"{when}: {expected.__name__} has to be raised, but nothing was")


def _shown(error: Exception) -> str:
    return f"{type(error).__name__} ({error})" if str(error) else type(error).__name__
