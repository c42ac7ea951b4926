"""Refused credentials on the wire."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SuspendedDevice(BaseModel):
    """A device at which a credential is not tried."""

    device: str = Field(description="Its address, with the port, and the jump host that it is behind.")
    until: str
    refusals: int = Field(description="In a row.")


class SuspendedCredential(BaseModel):
    """A credential that devices refused."""

    credential: str = Field(description="A keyed digest: nobody can try passwords out on it.")
    everywhere: str | None = Field(description="Until when it is tried nowhere.")
    new_devices: str | None = Field(description="Until when it is tried at no device that never took it.")
    devices: list[SuspendedDevice]


class LoginReset(BaseModel):
    """Which refused credentials may be tried again."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    credential: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{24}$", description="As a failed job and `GET /login` name it."
    )
    device: str | None = Field(
        default=None, min_length=1, max_length=600, description="Only at this address, with any port or the one given."
    )
    all: bool = Field(default=False, description="All credentials, if none is named.")

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not (self.credential or self.device or self.all):
            raise ValueError("name credential, device, or all: true")
        return self


class LoginResetAnswer(BaseModel):
    """What has been reset."""

    reset: int = Field(description="Suspensions that have ended.")
