"""Clauses about what the controller uses: the class and its models, before any device is dialled."""

from __future__ import annotations

import json

from pydantic import BaseModel, ValidationError

from netpulse_drivers.base import OpenArgs
from netpulse_drivers.conformance.clause import Clause
from netpulse_drivers.conformance.trial import Trial
from netpulse_drivers.conformance.verdicts import NotApplicable, raises, require
from netpulse_drivers.errors import InvalidArguments


def _class_says_what_it_is(trial: Trial) -> None:
    driver = trial.driver_class
    require(driver.driver_name == driver.driver_name.lower(), f"driver_name '{driver.driver_name}' is not lower case")
    require(
        driver.query_strategy in {"pinned", "fifo"},
        f"query_strategy is '{driver.query_strategy}': pinned and fifo are the ones there are",
    )
    for name in ("connection_args_model", "query_args", "change_args"):
        model = getattr(driver, name)
        require(isinstance(model, type) and issubclass(model, BaseModel), f"{name} is no pydantic model")
        require(json.dumps(model.model_json_schema()), f"{name} has no JSON schema: the API's documentation holds it")


def _host_is_required(trial: Trial) -> None:
    values = {key: value for key, value in trial.with_secret().items() if key not in {"host", "hostname"}}
    with raises(ValidationError, "connection_args without a host") as caught:
        trial.driver_class.validate_connection_args(values)
    require(trial.secret() not in str(caught.value), "the error of validation shows the password: hide_input_in_errors")
    with raises(InvalidArguments, "from_request without a host"):
        trial.driver_class.from_request(values)


def _arguments_hide_the_password(trial: Trial) -> None:
    args = trial.driver_class.validate_connection_args(trial.with_secret())
    shown = f"{args} {args!r} {args.model_dump()}"
    require(trial.secret() not in shown, "the validated connection arguments show the password: declare it SecretStr")


def _misspelt_argument(trial: Trial) -> None:
    if issubclass(trial.driver_class.query_args, OpenArgs):
        raise NotApplicable("the driver declares no query_args, so any driver_args go")
    with raises(ValidationError, "driver_args {'no_such_option_anywhere': 1}"):
        trial.driver_class.validate_operation_args("query", {"no_such_option_anywhere": 1})


REQUEST_CLAUSES = (
    Clause(
        name="class_says_what_it_is",
        says="The class names itself, its strategy and its models.",
        check=_class_says_what_it_is,
    ),
    Clause(
        name="arguments_without_a_host_are_refused_without_echoing_them",
        says="connection_args without a host are refused, and the error shows no password.",
        check=_host_is_required,
    ),
    Clause(
        name="arguments_do_not_show_the_password",
        says="Validated arguments do not show the password.",
        check=_arguments_hide_the_password,
    ),
    Clause(
        name="misspelt_driver_argument_is_refused",
        says="A misspelt driver argument is refused, not ignored.",
        check=_misspelt_argument,
    ),
)
