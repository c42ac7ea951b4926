"""The application factory: wires routes, middleware and the parts that answer, and holds no state of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.types import ASGIApp

from netpulse_broker import __version__
from netpulse_broker.api import error_responses, openapi
from netpulse_broker.api.application import Application
from netpulse_broker.api.auth import Authentication, KeyRing
from netpulse_broker.api.context import Context
from netpulse_broker.api.limits import BodyLimit, RequestLimit
from netpulse_broker.api.monitoring import MonitoringReaders
from netpulse_broker.api.ports import Dispatch, Drivers
from netpulse_broker.api.request_metrics import RequestMetrics
from netpulse_broker.api.requests.jobs import JobFactory
from netpulse_broker.api.requests.templates import RequestTemplates
from netpulse_broker.api.routes import (
    commit,
    device,
    health,
    job,
    login,
    monitoring,
    operations,
    session,
    template,
    webhook,
    worker,
)
from netpulse_broker.dispatch.interactive.sessions import InteractiveSessions
from netpulse_broker.dispatch.operations import DeviceOperations
from netpulse_broker.queueing.logins.suspensions import Suspensions
from netpulse_broker.settings import Settings
from netpulse_broker.templating.client import TemplateCalls
from netpulse_broker.templating.template_service import TemplateService
from netpulse_broker.webhooks.dead_letters import DeadLetters

PROBES = frozenset({"/health/live", "/health/ready"})


def create_app(
    settings: Settings,
    *,
    dispatch: Dispatch,
    drivers: Drivers,
    keys: KeyRing | None = None,
    sessions: InteractiveSessions | None = None,
    templates: TemplateCalls | None = None,
    dead_letters: DeadLetters | None = None,
    observation: MonitoringReaders | None = None,
    operators: DeviceOperations | None = None,
    suspensions: Suspensions | None = None,
) -> FastAPI:
    """The REST API.

    Args:
        dispatch: the way to the queue; started and stopped with the application.
        drivers: by name.
        keys: accepted API keys; None: the one key of the settings.
        sessions: interactive sessions; None: the application has none.
        dead_letters: webhooks that were not delivered; None: the application has none.
        observation: metrics and events; None: the application has none.
        operators: what operators may do to devices and nodes; None: the application has none of it.
        suspensions: refused credentials; None: the application shows none.
        templates: the process that works on templates; None: the application has none.

    Raises:
        SettingsError: no API key is set.
    """
    if keys is None:
        keys = KeyRing.single(settings.require_api_key())
    template_service = TemplateService(settings.templates, templates)
    context = Context(
        dispatch=dispatch,
        drivers=drivers,
        job_factory=JobFactory(drivers=drivers, jobs=settings.jobs, webhooks=settings.webhooks),
        templates=template_service,
        request_templates=RequestTemplates(template_service),
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await dispatch.start()
        try:
            yield
        finally:
            context.waiting.close()
            if sessions is not None:
                await sessions.stop()
            await dispatch.stop()

    app = Application(
        title="NetPulse broker",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = context
    for resource in (device, commit, job, worker, template, webhook, health):
        app.router.routes.extend(resource.router.routes)
    if sessions is not None:
        app.state.sessions = sessions
        app.router.routes.extend([*session.dialogue.routes, *session.router.routes])
    app.state.dead_letters = dead_letters
    if operators is not None:
        app.state.operators = operators
        app.router.routes.extend(operations.router.routes)
    if suspensions is not None:
        app.state.suspensions = suspensions
        app.router.routes.extend(login.router.routes)
    if observation is not None:
        app.state.observation = observation
        app.router.routes.extend(monitoring.router.routes)
    openapi.install(app, page=settings.controller.docs)
    error_responses.install(app)

    layers: list[Callable[[ASGIApp], ASGIApp]] = [
        error_responses.Guard,
        partial(RequestLimit, limit=settings.controller.max_requests, exempt=PROBES),
        partial(
            Authentication,
            keys=keys,
            open_paths=PROBES | openapi.OPEN_PATHS,
            in_query=settings.security.api_key_in_query,
        ),
        partial(BodyLimit, limit=settings.controller.max_body, streamed=session.FILE_PATH),
    ]
    if observation is not None:
        layers.insert(0, partial(RequestMetrics, figures=observation.requests))
    app.stand_behind(*layers)
    return app
