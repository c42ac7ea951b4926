"""How a change with a timer is shown."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from netpulse_broker.states import CommitStatus


class Commit(BaseModel):
    """A change with a timer, as far as the broker knows."""

    job: str = Field(description="Id of the job that made it.")
    state: CommitStatus = Field(
        description="committing: the job runs. pending: the device waits. confirmed, rolled_back: through the broker. "
        "expired: the timer is over, and the device has not been asked since. reverted, kept, unclear: it was asked, "
        "and nothing waits; its configuration is the one from before, is not, or cannot be compared. unknown: the "
        "worker or its session was lost while it committed."
    )
    name: str | None = Field(description="What the device calls it, where it has a name for it.")
    driver: str
    by: str = Field(description="Id of the API key.")
    revert_in: float = Field(description="Seconds that the device waits.")
    committed_at: datetime | None
    pending_until: datetime | None = Field(
        description="When the device may go back at the earliest, by the broker's clock."
    )
    asked_at: datetime | None = Field(description="When the device was last asked what became of it.")
    settled_by: str | None = Field(description="Id of the job that confirmed it or took it back.")
    settled_at: datetime | None
    message: str = Field(description="The state in words.")
