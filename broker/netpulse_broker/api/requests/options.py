"""Options wherever a request may write them: in ``options``, at the top level, or, as v0.2 clients do, among the
arguments.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel

from netpulse_broker.api.error_responses import invalid
from netpulse_broker.errors import BadRequest
from netpulse_broker.models.options import CHANGE_ONLY, JobOptions, TurnOptions
from netpulse_drivers import BaseDriver, QueueStrategy

_FLAT = frozenset(JobOptions.model_fields)

_Options = TypeVar("_Options", bound=TurnOptions)


def merged_options(request: _Options) -> _Options:
    """The options of a request: those in ``options`` and those at the top level, as v0.2 clients write them.

    Null says nothing, wherever it stands: clients that write all of their fields contradict nobody.

    Raises:
        BadRequest: one stands in both places with different values.
    """
    nested: _Options = request.options  # type: ignore[attr-defined]
    flat = request.model_fields_set & _FLAT
    options = nested
    if flat:
        values = {name: value for name in nested.model_fields_set if (value := getattr(nested, name)) is not None}
        for name in sorted(flat):
            value = getattr(request, name)
            if value is None:
                continue
            if values.get(name, value) != value:
                raise BadRequest(f"{name} stands at the top level and in options with different values; give it once")
            values[name] = value
        options = nested.model_copy(update=values)
    return options


def without_enable(
    values: dict[str, Any], model: type[BaseModel], *, prefix: str
) -> tuple[dict[str, Any], bool | None]:
    """Arguments without ``enable_mode``."""
    return without("enable_mode", values, model, prefix=prefix)


def without(
    name: str, values: dict[str, Any], model: type[BaseModel], *, prefix: str
) -> tuple[dict[str, Any], bool | None]:
    """Arguments without one that is an option of the job wherever it is written, as v0.2 clients write it.

    A driver whose own model has a field of that name keeps it.
    """
    if name not in values or name in model.model_fields:
        return values, None
    rest = dict(values)
    asked = rest.pop(name)
    if asked is not None and not isinstance(asked, bool):
        raise invalid([{"loc": f"{prefix}.{name}", "msg": "must be true or false", "type": "bool_type"}])
    return rest, asked


def agreed(name: str, *asked: bool | None) -> bool | None:
    """What all places say that say something; raises ``BadRequest`` when they contradict each other."""
    given = {value for value in asked if value is not None}
    if len(given) > 1:
        raise BadRequest(f"{name} stands in several places with different values; give it once")
    return given.pop() if given else None


def refuse_change_options(options: JobOptions) -> None:
    """Of a query; raises ``BadRequest``."""
    for name in CHANGE_ONLY:
        if getattr(options, name) not in (None, False):
            raise BadRequest(f"{name} is only valid with config (a change), not with command")


def strategy(options: JobOptions, kind: type[BaseDriver], operation: str) -> QueueStrategy:
    """Where the job runs."""
    if operation == "change":
        return "pinned"  # a change takes its turn in the device's order, whatever was asked for
    return options.queue_strategy or kind.query_strategy
