"""What a line leads to. The interpreter decides, the terminal carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .faults import Cut


@dataclass(frozen=True, slots=True)
class Say:
    """Print `text`, then the prompt."""

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Print `text` and `question`, wait for an answer and go on with what `then` makes of it."""

    question: str
    then: Callable[[str], Outcome]
    text: str = ""
    echo: bool = True
    single_key: bool = False
    """One key is the answer, as at ``[confirm]``; RETURN is the empty answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Take lines without a prompt until `take` returns an outcome."""

    take: Callable[[str], Outcome | None]
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Say nothing for `seconds`, then go on."""

    seconds: float
    then: Callable[[], Outcome]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """Print `text` and close the session in good order."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Break:
    """Cut the session."""

    action: Cut


Outcome = Say | Ask | Collect | Pause | Leave | Break
