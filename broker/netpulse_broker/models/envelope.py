"""What every answer is wrapped into."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from netpulse_drivers.errors import Phase

Data = TypeVar("Data")


class Answer(BaseModel, Generic[Data]):
    """A request that was carried out. Whether a job succeeded stands in the job."""

    code: Literal[200]
    message: str
    data: Data


class Page(Answer[list[Data]], Generic[Data]):
    """Part of a list."""

    next_cursor: str | None = Field(description="Give it as `cursor` to go on; null at the end.")


class Problem(BaseModel):
    """What went wrong, for programs."""

    error: str = Field(description="Stable code, e.g. `unknown_job`.")
    phase: Phase
    retryable: bool = Field(description="The same request may succeed later.")
    details: list[dict[str, Any]] = Field(
        description="Validation: one object with `loc`, `msg` and `type` per problem, never the input."
    )


class Failure(BaseModel):
    """A request that was not carried out."""

    code: Literal[-1]
    message: str = Field(description="What went wrong, in one line.")
    data: Problem
