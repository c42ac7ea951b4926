"""Options of a job: how it is queued, run and answered, and what else a change may ask for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from netpulse_broker.models.templates import ParsingOptions, RenderingOptions
from netpulse_broker.models.webhooks import WebhookOptions
from netpulse_drivers import EnsurePolicy, QuestionAnswer, QueueStrategy
from netpulse_drivers.base import MOST_ANSWERS

Priority = Literal["interactive", "normal", "batch"]

LONGEST_WAIT = 600.0
"""Seconds that an answer may be held open."""


def _ensure(value: Any) -> Any:
    """``true`` is a policy that leaves everything at its default; ``false`` is none."""
    if value is True:
        return {}
    return None if value is False else value


Ensure = Annotated[EnsurePolicy | None, BeforeValidator(_ensure, json_schema_input_type=bool | EnsurePolicy | None)]


class TurnOptions(BaseModel):
    """How a job is queued, run and answered. Everything is optional."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    queue_strategy: QueueStrategy | None = Field(
        default=None,
        description="`pinned`: on the device's worker, in its order, over its kept session. `fifo`: on any FIFO "
        "worker, with a connection of its own. Default: changes pinned, queries what the driver declares. A change "
        "keeps the device's order whatever stands here, and so do confirm and rollback.",
    )
    ttl: int | None = Field(
        default=None, ge=1, le=3600, description="Seconds the job may wait in its queue. Default 300, in bulk 600."
    )
    timeout: float | None = Field(
        default=None, gt=0, le=86400, description="Seconds the job may run, login included. Default 60."
    )
    wait: float | None = Field(
        default=None,
        ge=0,
        le=LONGEST_WAIT,
        description="Seconds to hold the answer until the job has ended: 201 with the ended job, or 202 with the job "
        "as it stands when the time runs out (it goes on). 0, the default: answer at once.",
    )
    result_ttl: int | None = Field(
        default=None, ge=1, le=30 * 86400, description="Seconds the ended job and its result are kept. Default 3600."
    )
    priority: Priority | None = Field(
        default=None, description="Lane in the device's queue; in order within a lane. Default `normal`."
    )
    idempotency_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="The same key with the same request within a day gives the same job again and never another one: a "
        "409 once its result has expired, and for another request.",
    )
    webhook: WebhookOptions | None = Field(default=None, description="A call when the job has ended.")


class JobOptions(TurnOptions):
    """Everything is optional; what is left out (or null) is decided by the driver and the broker's settings."""

    idempotent: bool | None = Field(
        default=None,
        description="The job may be run again by itself when its worker is lost while it runs. Default false: it then "
        "ends as failed with outcome `unknown`.",
    )
    parsing: ParsingOptions | list[ParsingOptions | None] | None = Field(
        default=None,
        description="Command only: how outputs become data (`parsed`), for all commands or, as a list, for each. An "
        "output that does not parse fails the job; its text is kept.",
    )
    rendering: RenderingOptions | None = Field(
        default=None,
        description="A template that makes the commands or the configuration, rendered before the job is queued. "
        "Without one, the texts of `command` or `config` are templates; with one, `command` or `config` is an object "
        "that is laid over its `context` (`{}` if there is nothing to add).",
    )
    max_age: float | None = Field(
        default=None,
        ge=0,
        le=3600,
        description="Command only: take the answer of the same query (same key, device, login, commands) if it is "
        "being made, or was begun at most so many seconds ago and nothing was changed through the broker since. The "
        "result says `cached` and `age`. 0: join one that is being made. Default: always ask the device.",
    )
    answers: list[QuestionAnswer] | None = Field(
        default=None,
        max_length=MOST_ANSWERS,
        repr=False,
        description="Questions that the commands or lines may ask, and what is typed then. A question that nobody "
        "announced fails the job and closes the session.",
    )
    enable_mode: bool | None = Field(
        default=None, description="Raise the privilege (enable) first. Default: as the driver sees fit."
    )
    save: bool | None = Field(
        default=None, description="Config only: write the running configuration to the start-up configuration."
    )
    dry_run: bool | None = Field(default=None, description="Config only: report what would change, change nothing.")
    replace: bool | None = Field(
        default=None,
        description="Config only: the lines are the whole configuration, not an addition to it, where the driver can.",
    )
    revert_in: float | None = Field(
        default=None,
        gt=0,
        le=86400,
        description="Config only: seconds after which the device goes back by itself unless the change is confirmed "
        "(`POST /device/confirm`), where the driver can.",
    )
    message: str | None = Field(
        default=None, max_length=255, description="Config only: commit comment, where the platform has one."
    )
    ensure: Ensure = Field(
        default=None,
        description="Config only: compare with the running configuration and send only what is missing, in one job. "
        "`true` for the defaults, or an object that says how to compare.",
    )


CHANGE_ONLY = ("save", "dry_run", "replace", "revert_in", "message", "ensure")
"""Options that say nothing about a query."""
