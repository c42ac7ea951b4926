from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from netpulse_broker.templating.client import TemplateCalls
from netpulse_broker.templating.process_owner import TemplateProcessOwner
from netpulse_broker.templating.work import TemplateWork

Run = Callable[..., Any]


@pytest.fixture(scope="package")
def service() -> Iterator[TemplateProcessOwner]:
    with TemplateProcessOwner() as running:
        yield running


@pytest.fixture
def calls(service: TemplateProcessOwner) -> TemplateCalls:
    return TemplateCalls(service.name)


@pytest.fixture
def render(calls: TemplateCalls) -> Run:
    """``render(template, more=..., **context)``."""

    def run(template: str, more: dict[str, Any] | None = None, **context: Any) -> Any:
        return calls.run(TemplateWork(do="render", engine="jinja2", template=template, context=context, **(more or {})))

    return run


@pytest.fixture
def parse(calls: TemplateCalls) -> Run:
    """``parse(engine, template, text, **more)``."""

    def run(engine: str, template: str | None, text: str, **more: Any) -> Any:
        return calls.run(TemplateWork(do="parse", engine=engine, template=template, text=text, **more))

    return run
