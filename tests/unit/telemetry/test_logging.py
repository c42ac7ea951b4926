"""Logging: one line per event, and no secret in any of them."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
import structlog
from pydantic import SecretStr

from netpulse_broker.settings import LogSettings
from netpulse_broker.telemetry.logging import KnownSecrets, configure_logging

SECRET = 'pass"word\\1'


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_structlog_and_the_standard_library_write_the_same_lines(stream: io.StringIO) -> None:
    configure_logging(LogSettings(), role="node", stream=stream)

    structlog.get_logger("ours").info("job_done", device="r1")
    logging.getLogger("theirs").warning("lost %s", "r1", extra={"tries": 2})

    ours, theirs = lines(stream)
    assert ours["event"] == "job_done"
    assert ours["device"] == "r1"
    assert theirs["event"] == "lost r1"
    assert theirs["tries"] == 2
    for line, logger, level in ((ours, "ours", "info"), (theirs, "theirs", "warning")):
        assert (line["logger"], line["level"], line["role"]) == (logger, level, "node")
        assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize("output", ["json", "console"])
def test_secrets_are_masked_wherever_they_turn_up(stream: io.StringIO, output: str) -> None:
    configure_logging(LogSettings(format=output), role="node", secrets=[SECRET], stream=stream)  # type: ignore[arg-type]
    log = structlog.get_logger("ours")

    log.info("by_value", url=f"redis://:{SECRET}@host", nested={"list": [SECRET]})
    log.info("by_type", password=SecretStr(SECRET))
    logging.getLogger("theirs").warning("argument %s", SECRET)
    try:
        int(SECRET)
    except ValueError:
        log.exception("in_a_traceback")

    text = stream.getvalue()
    assert "ValueError" in text
    assert "word" not in text.replace("password", "")


def test_secret_that_becomes_known_later(stream: io.StringIO) -> None:
    known = configure_logging(LogSettings(), role="node", stream=stream)

    known.add("later-secret")
    structlog.get_logger("ours").info("told", text="a later-secret b")

    assert lines(stream)[0]["text"] == "a ******** b"


def test_short_values_are_masked_only_where_they_stand_by_themselves() -> None:
    assert (
        KnownSecrets(["", "x", "42", "up"]).mask("x 42: Ethernet0 is up, upper") == "x 42: Ethernet0 is ********, upper"
    )


def test_level_and_chatty_libraries(stream: io.StringIO) -> None:
    configure_logging(LogSettings(level="info"), role="node", stream=stream)

    structlog.get_logger("ours").debug("not_this")
    logging.getLogger("paramiko.transport").info("nor this")
    logging.getLogger("paramiko.transport").warning("but this")

    assert [line["event"] for line in lines(stream)] == ["but this"]


def test_what_nobody_caught_is_logged_masked(stream: io.StringIO) -> None:
    configure_logging(LogSettings(), role="node", secrets=[SECRET], stream=stream)

    def fails() -> None:
        raise ValueError(SECRET)

    thread = threading.Thread(target=fails, name="worker-thread")
    thread.start()
    thread.join()
    try:
        fails()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)

    of_thread, of_process = lines(stream)
    assert of_thread["thread"] == "worker-thread"
    assert of_thread["event"] == of_process["event"] == "uncaught_exception"
    assert "word" not in stream.getvalue()
