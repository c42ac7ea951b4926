"""TTP: a template of the request's own (guarded), or one of the package ttp_templates."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import ttp

from netpulse_broker.errors import TemplateFailed
from netpulse_broker.templating import ttp_guard
from netpulse_drivers import ParseFailed

_Ttp: Any = ttp.ttp


class _Said(logging.Handler):
    """TTP says in its log what was wrong, and then raises SystemExit."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().strip().splitlines()[0][:300])


class TtpParser:
    """TTP's result: a list per template, of a list per input, of what the groups found."""

    def __init__(self) -> None:
        self._parser: Any = None

    def prepare(self, template: str | None, args: Mapping[str, Any]) -> None:
        """Compile the template."""
        if template is None:
            template = _collected(str(args.get("platform") or ""), str(args.get("command") or ""))
        else:
            ttp_guard.check(template)
        self._parser = self._guarded(lambda: _Ttp(template=template, log_level="ERROR"), TemplateFailed)

    def parse(self, text: str) -> Any:
        """What the groups found."""

        def run() -> Any:
            self._parser.add_input(text)
            self._parser.parse(one=True)
            return self._parser.result()

        return self._guarded(run, ParseFailed)

    @staticmethod
    def _guarded(step: Any, kind: type[TemplateFailed | ParseFailed]) -> Any:
        said = _Said()
        log = logging.getLogger("ttp")
        log.addHandler(said)
        log.propagate = False
        try:
            return step()
        except (TemplateFailed, MemoryError):
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - TTP raises whatever happens to it
            reason = said.lines[0] if said.lines else f"{type(error).__name__}: {error}"
            raise kind(f"TTP: {reason}") from None
        finally:
            log.removeHandler(said)


def _collected(platform: str, command: str) -> str:
    """A template of ttp_templates."""
    try:
        from ttp_templates.ttp_templates import get_template  # noqa: PLC0415  # needed for this alone
    except ImportError:
        raise ParseFailed("use_ttp_template needs the package ttp-templates on the broker; send a template") from None
    if not platform or not command:
        raise ParseFailed("ttp-templates are found by platform and command: give both")
    try:
        found = get_template(platform=platform, command=command)
    except (OSError, ValueError):
        found = None
    if not found:
        raise ParseFailed(
            f"ttp-templates has no template for '{command}' on platform '{platform}'; send a template of your own"
        )
    return str(found)
