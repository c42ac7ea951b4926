"""Two drivers that reach nothing: the API only validates with them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from netpulse_drivers import (
    BaseDriver,
    ChangeRequest,
    ChangeResult,
    ConnectionArgs,
    InvalidArguments,
    Operation,
    OperationArgs,
    QueueStrategy,
    UnknownDriver,
    UnsupportedOperation,
)
from netpulse_drivers.registry import PluginFailure


class LabConnectionArgs(ConnectionArgs):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    device_type: Literal["lab", "rack"] = "lab"
    secret: SecretStr | None = None
    keepalive: float = Field(default=60, ge=0)

    @field_validator("username")
    @classmethod
    def _no_spaces(cls, value: str | None) -> str | None:
        if value is not None and " " in value:
            raise ValueError("must not hold spaces")
        return value


class LabQueryArgs(OperationArgs):
    read_timeout: float = Field(default=10, gt=0)


class LabChangeArgs(OperationArgs):
    commit: bool = True


class LabDriver(BaseDriver):
    driver_name = "lab"
    connection_args_model = LabConnectionArgs
    query_args = LabQueryArgs
    change_args = LabChangeArgs

    @classmethod
    def validate_request(cls, commands: list[str], args: Any) -> None:  # noqa: ARG003
        if "get_nothing" in commands:
            raise InvalidArguments("unknown getter; see the driver's page")

    def connect(self) -> Any: ...
    def send(self, session: Any, command: str) -> str:
        return ""

    def disconnect(self, session: Any) -> None: ...

    @classmethod
    def check_operation(
        cls,
        operation: Operation,
        connection_args: ConnectionArgs,
        change: ChangeRequest | None = None,
        args: BaseModel | None = None,
    ) -> None:
        super().check_operation(operation, connection_args, change, args)
        if change is not None and change.replace and cls is LabDriver:
            raise UnsupportedOperation("the lab replaces nothing")


class OpenDriver(LabDriver):
    """Takes anything and keeps no order: the smallest plug-in."""

    driver_name = "open"
    connection_args_model = ConnectionArgs  # type: ignore[assignment]  # it takes more than its base
    query_args = BaseDriver.query_args  # type: ignore[assignment]  # it takes more than its base
    change_args = BaseDriver.change_args  # type: ignore[assignment]  # it takes more than its base
    answers_questions = True
    query_strategy: ClassVar[QueueStrategy] = "fifo"

    def confirm(self, session: Any) -> ChangeResult:
        return ChangeResult(outputs=[], changed=False)

    def rollback(self, session: Any) -> ChangeResult:
        return ChangeResult(outputs=[], changed=True)


class SampleDrivers:
    """The part of ``DriverRegistry`` that the API uses."""

    def __init__(self) -> None:
        self.failures: list[PluginFailure] = []

    def names(self) -> list[str]:
        return ["lab", "open"]

    def get(self, name: str) -> type[BaseDriver]:
        for driver in (LabDriver, OpenDriver):
            if driver.driver_name == name:
                return driver
        raise UnknownDriver(f"unknown driver '{name}'; known drivers: lab, open", known=self.names())
