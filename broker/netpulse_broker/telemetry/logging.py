"""Logging of a process: one line per event on standard error, JSON or for people, and never a secret.

Everything goes through the same handler, structlog's loggers and the standard library's (uvicorn, paramiko, redis).
Secrets are kept out twice: by type (``SecretStr`` renders as stars) and by value, where the finished line leaves the
process: there no traceback, URL or library's message can slip past.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterable, MutableMapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

import structlog

from netpulse_broker.telemetry.redaction import Redactor

if TYPE_CHECKING:
    from structlog.typing import Processor

    from netpulse_broker.settings import LogSettings

# These tell in `info` what is of use to their developers only; uvicorn's access log would double our own events.
_QUIET = {"paramiko": logging.WARNING, "uvicorn.access": logging.WARNING, "asyncio": logging.WARNING}


class KnownSecrets:
    """The secret values of this process. ``mask`` is thread-safe, and so is adding to them."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._redactor = Redactor(())
        self.add(*values)

    def add(self, *values: str) -> None:
        """Mask these from now on; short ones are left alone, see ``redaction.SHORTEST``."""
        with self._lock:
            for value in values:
                # A quote or a backslash in a password is escaped by repr (in many libraries' messages) and in JSON.
                for written in (value, repr(value)[1:-1]):
                    self._values |= {written, json.dumps(written)[1:-1]}
            self._redactor = Redactor(self._values)

    def mask(self, text: str) -> str:
        """The text with every known secret replaced by stars."""
        return self._redactor.text(text)


class _MaskingFormatter(structlog.stdlib.ProcessorFormatter):
    def __init__(self, *, secrets: KnownSecrets, processors: list[Processor], foreign: list[Processor]) -> None:
        super().__init__(processors=processors, foreign_pre_chain=foreign)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.mask(super().format(record))


def configure_logging(
    settings: LogSettings, *, role: str, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> KnownSecrets:
    """Set up logging of this process; call it once, early. ``role`` stands in every line.

    Returns the secrets that are masked, so that more can be added when they become known.
    """
    known = KnownSecrets(secrets)
    target = stream if stream is not None else sys.stderr
    level = logging.getLevelNamesMapping()[settings.level.upper()]

    def add_role(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("role", role)
        return event

    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        add_role,
        # Plain tracebacks: the rich ones show local variables, and those hold passwords.
        structlog.processors.format_exc_info,
    ]
    renderer: Processor
    if settings.format == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=target.isatty())
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        _MaskingFormatter(
            secrets=known,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign=[*common, structlog.stdlib.ExtraAdder()],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, least))
    structlog.configure(
        processors=[
            *common[:1],
            structlog.stdlib.PositionalArgumentsFormatter(),
            *common[1:],
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    logging.captureWarnings(capture=True)
    _log_what_nobody_caught()
    return known


def _log_what_nobody_caught() -> None:
    """An exception that ends the process or a thread is logged like everything else, with its secrets masked."""
    log = structlog.get_logger("netpulse")

    def of_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.critical("uncaught_exception", exc_info=(kind, error, trace))

    def of_thread(failure: threading.ExceptHookArgs) -> None:
        if failure.exc_type is not SystemExit and failure.exc_value is not None:
            name = failure.thread.name if failure.thread is not None else "?"
            trace = (failure.exc_type, failure.exc_value, failure.exc_traceback)
            log.critical("uncaught_exception", thread=name, exc_info=trace)

    sys.excepthook = of_process
    threading.excepthook = of_thread
