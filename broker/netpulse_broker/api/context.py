"""What the routes share, made once by the application factory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from netpulse_broker.api.ports import Dispatch, Drivers
from netpulse_broker.api.requests.jobs import JobFactory
from netpulse_broker.api.requests.templates import RequestTemplates
from netpulse_broker.api.waiting import WaitingRoom
from netpulse_broker.templating.template_service import TemplateService


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The parts of the broker that answer requests."""

    dispatch: Dispatch
    drivers: Drivers
    job_factory: JobFactory
    templates: TemplateService
    request_templates: RequestTemplates
    waiting: WaitingRoom = field(default_factory=WaitingRoom)


async def context(request: Request) -> Context:
    """Dependency: the application's context."""
    found: Context = request.app.state.context
    return found


Shared = Annotated[Context, Depends(context)]
