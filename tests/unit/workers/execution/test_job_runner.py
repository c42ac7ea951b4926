from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.workers.execution.job_result import JobEnd
from netpulse_broker.workers.execution.job_runner import JobRunner
from netpulse_broker.workers.execution.running_job import RunningJob
from netpulse_broker.workers.execution.session_pool import FreshSessions, SessionLimits, SessionPool
from netpulse_drivers import (
    ChangeResult,
    CommandRefused,
    CommandTimeout,
    Deadline,
    Output,
    ParseFailed,
    SessionLost,
    SessionStale,
    UnknownDriver,
)
from netpulse_drivers.base import BaseDriver
from tests.unit.workers.scripted_driver import GOOD, Device, arguments, scripted


class Lease:
    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds

    def valid_for(self) -> float:
        return self.seconds

    def wait_valid(self, deadline: Deadline) -> bool:
        return self.seconds > 0


class Bench:
    """A task runner with its surroundings."""

    def __init__(self, parse: Any = None, fresh: bool = False, max_output: int = 1_000_000, **attributes: Any) -> None:
        self.device = Device()
        self.kind = scripted(self.device, **attributes)
        self.table = SessionPool(SessionLimits())
        sessions = FreshSessions() if fresh else self.table
        self.runner = JobRunner(drivers=self, sessions=sessions, parse=parse, max_output=max_output)
        self.lease = Lease()
        self.running: RunningJob | None = None

    def get(self, name: str) -> type[BaseDriver]:
        if name != "scripted":
            raise UnknownDriver(f"unknown driver '{name}'", known=["scripted"])
        return self.kind

    def run(self, *commands: str, timeout: float = 5.0, orphaned: bool = False, **payload: Any) -> JobEnd:
        self.running = RunningJob(
            id="j",
            deadline=Deadline.after(timeout),
            clock=self.lease,
            orphaned=lambda: orphaned,
        )
        return self.runner.run(job(*commands, **payload), self.running)


def job(*commands: str, **payload: Any) -> JobPayload:
    values = {"operation": "query", "driver": "scripted", "connection_args": arguments(), "commands": commands}
    return JobPayload.model_validate(values | payload)


@pytest.mark.parametrize("made", [lambda text: text, lambda text: {"data": [text]}])
def test_outputs_that_are_too_large_together(made: Any) -> None:
    bench = Bench(send=lambda self, session, command: made(command * 100), max_output=250)
    end = bench.run("a", "b", "c", "d")
    assert (end.status, end.error_code) == ("failed", "output_too_large")
    assert list(end.result["retval"]) == ["a", "b"]
    message = end.result["error"]["message"]
    assert "'c'" in message
    assert "2 before it are kept whole" in message
    assert "jobs.max_output" in message
    if made("") == "":
        assert "its first 50 characters" in message
        last = end.result["outputs"][-1]
        assert (last["command"], last["output"], last["failed"], last["complete"]) == ("c", "c" * 50, True, False)
    assert bench.run("a").result["session_reused"], "the session is kept"


def test_bytes_are_counted() -> None:
    bench = Bench(send=lambda self, session, command: "\u00fc" * 100, max_output=151)
    last = bench.run("a").result["outputs"][-1]
    assert last["output"] == "\u00fc" * 75, "no half of a character"


def test_an_answer_that_fails_is_cut_to_the_same_size() -> None:
    def refuse(self: Any, session: Any, command: str) -> Any:
        raise CommandRefused("no", device_output="x" * 1000)

    end = Bench(send=refuse, max_output=100).run("a")
    assert end.result["outputs"][0]["output"] == "x" * 100
    assert len(end.result["error"]["device_output"]) == 100


def test_a_query() -> None:
    bench = Bench()
    end = bench.run("a", "b")
    assert (end.status, end.outcome, end.error_code) == ("finished", "ok", "")
    assert end.result["type"] == 1
    assert end.result["retval"] == {"a": "a on 1", "b": "b on 1"}
    assert [entry["command"] for entry in end.result["outputs"]] == ["a", "b"]
    assert end.result["error"] is None
    assert set(end.result["stages"]) == {"connect", "execute"}
    assert bench.run("a").result["session_reused"] is True


def test_a_fifo_job_keeps_nothing() -> None:
    bench = Bench(fresh=True)
    bench.run("a")
    bench.run("a")
    assert bench.device.logins == 2
    assert bench.device.closed == [1, 2]


def test_a_refused_command_keeps_what_was_complete_and_the_session() -> None:
    bench = Bench()
    bench.device.answers["bad"] = CommandRefused("the device refused 'bad'", device_output="% Invalid")
    end = bench.run("a", "bad", "c")
    assert (end.status, end.outcome, end.error_code) == ("failed", "failed", "command_refused")
    assert end.result["retval"] == {"a": "a on 1"}
    assert end.result["outputs"][1]["output"] == "% Invalid"
    assert end.result["outputs"][1]["failed"] is True
    assert len(end.result["outputs"]) == 2
    assert len(bench.table) == 1


def test_an_output_that_says_it_failed_fails_the_job() -> None:
    bench = Bench()
    bench.device.answers["bad"] = Output("bad", "% Invalid", failed=True)
    end = bench.run("bad")
    assert end.error_code == "command_refused"
    assert end.result["error"]["device_output"] == "% Invalid"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandTimeout("late"), "command_timeout"),
        (SessionLost("gone"), "session_lost"),
        (ConnectionResetError("reset"), "session_lost"),
        (EOFError(), "session_lost"),
        (OSError("Socket is closed"), "session_lost"),
        (TimeoutError("timed out"), "command_timeout"),
        (FileNotFoundError(2, "no such file"), "internal_error"),
        (ValueError("odd"), "internal_error"),
    ],
)
def test_what_breaks_the_session_closes_it(error: Exception, code: str) -> None:
    bench = Bench()
    bench.device.answers["x"] = error
    end = bench.run("x")
    assert end.error_code == code
    assert bench.device.closed == [1]
    assert len(bench.table) == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError("refused"), "device_unreachable"),
        (TimeoutError(), "connect_timeout"),
        (OSError(113, "No route to host"), "device_unreachable"),
        (EOFError(), "device_unreachable"),
        (KeyError("odd"), "internal_error"),
    ],
)
def test_what_fails_while_connecting(error: Exception, code: str) -> None:
    bench = Bench()

    def fail() -> None:
        raise error

    bench.device.on_connect = fail
    assert bench.run("x").error_code == code


def test_a_defect_names_its_class_and_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench()
    bench.device.answers["x"] = ZeroDivisionError(f"with {GOOD}")
    end = bench.run("x")
    assert "ZeroDivisionError" in end.result["error"]["message"]
    logged = capsys.readouterr().out
    assert "ZeroDivisionError" in logged
    assert GOOD not in logged + json.dumps(end.result)


def test_a_stale_session_costs_one_reconnect() -> None:
    bench = Bench()
    bench.run("a")

    def stale_once(driver: BaseDriver, session: int) -> str:
        if session == 1:
            raise SessionStale("found dead")
        driver.call.before_write()
        return "fine"

    bench.device.answers["x"] = stale_once
    end = bench.run("x")
    assert (end.status, end.result["session_reused"]) == ("finished", False)
    assert bench.device.logins == 2
    assert bench.device.closed == [1]


def test_stale_after_something_was_written_is_an_error() -> None:
    bench = Bench()
    bench.run("a")

    def write_then_stale(driver: BaseDriver, session: int) -> str:
        driver.call.before_write()
        raise SessionStale("too late")

    bench.device.answers["x"] = write_then_stale
    end = bench.run("x")
    assert end.error_code == "session_stale"
    assert bench.device.logins == 1


def test_stale_on_a_new_session_does_not_loop() -> None:
    bench = Bench()
    bench.device.answers["x"] = SessionStale("always")
    assert bench.run("x").error_code == "session_stale"
    assert bench.device.logins == 1


def test_unknown_driver_and_bad_arguments() -> None:
    bench = Bench()
    assert bench.run("x", driver="other").error_code == "unknown_driver"
    assert bench.run("x", connection_args={"host": ""}).error_code == "invalid_arguments"
    assert bench.run("x", operation="change", change={"odd": 1}).error_code == "invalid_arguments"
    assert bench.run("x", operation="change", change={"ensure": {"odd": 1}}).error_code == "invalid_arguments"
    assert bench.device.answers == {}


def test_a_change() -> None:
    bench = Bench()
    end = bench.run("l1", "l2", operation="change", change={"save": True, "ensure": {"match": "line"}})
    assert end.result["retval"] == ["l1 on 1", "l2 on 1"]
    assert {key: end.result[key] for key in ("changed", "applied", "saved", "diff", "backup")} == {
        "changed": True,
        "applied": ["l1", "l2"],
        "saved": True,
        "diff": "+ x",
        "backup": "old",
    }


def test_a_probe_proves_a_kept_session_and_replaces_a_dead_one() -> None:
    bench = Bench()
    assert bench.run(operation="probe").result["retval"]["success"] is True
    assert bench.device.keepalives == 0
    assert bench.run(operation="probe").result["session_reused"] is True
    assert bench.device.keepalives == 1


def test_parsing() -> None:
    def parse(how: Any, command: str, output: str, deadline: Deadline) -> Any:
        assert 0 < deadline.remaining() <= 5
        if how["name"] == "broken":
            raise ParseFailed("no match")
        return {"by": how["name"], "of": command, "when": dt.date(2026, 1, 2)}

    bench = Bench(parse=parse)
    end = bench.run("a", "b", parsing=[{"name": "ttp"}, None])
    assert end.result["retval"] == {"a": {"by": "ttp", "of": "a", "when": "2026-01-02"}, "b": "b on 1"}
    end = bench.run("a", parsing={"name": "broken"})
    assert end.error_code == "parse_failed"
    assert end.result["outputs"][0]["output"] == "a on 1"
    assert Bench().run("a", parsing={"name": "ttp"}).error_code == "unsupported_operation"


def test_whatever_a_driver_returns_can_be_stored() -> None:
    bench = Bench()
    bench.device.answers["x"] = {
        "t": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "s": {1},
        "b": b"\xff",
        "o": bench,
    }
    end = bench.run("x")
    assert end.status == "finished"
    json.dumps(end.result, allow_nan=False)


@pytest.mark.parametrize("password", ["admin", "cisco", "Ethernet", "up", GOOD])
def test_what_the_device_says_is_the_callers_byte_for_byte(password: str) -> None:
    said = f"Gi0/1 admin down\nEthernet0 is up, line protocol is up\ncisco x{password}y {password}\r\n"
    rows = [{"interface": "Ethernet0", "status": "up", "vendor": "cisco", "user": password}]
    bench = Bench(parse=lambda parsing, command, output, deadline: rows)
    bench.device.password = password
    bench.device.answers["x"] = said
    login = arguments() | {"password": password}
    end = bench.run("x", connection_args=login)
    assert end.result["retval"] == {"x": said}, end.result["error"]
    assert end.result["outputs"][0]["output"] == said
    end = bench.run("x", connection_args=login, parsing={"name": "textfsm"})
    assert end.result["retval"] == {"x": rows}
    assert end.result["outputs"][0]["parsed"] == rows


@pytest.mark.parametrize("password", ["admin", "cisco", "Ethernet", "up"])
def test_a_change_too_and_only_messages_are_masked(password: str) -> None:
    lines = [f"username {password} privilege 15", "interface Ethernet0"]
    made = ChangeResult(
        outputs=[Output(lines[0], f"user {password} is up")],
        changed=True,
        diff=f"+{lines[0]}\n",
        applied=lines,
        left_out=[f"! {password}"],
        backup=f"hostname {password}\n",
        warnings=[f"the line {password} is odd"],
    )
    bench = Bench(config=lambda self, session, change: made)
    bench.device.password = password
    login = arguments() | {"password": password}
    result = bench.run(*lines, operation="change", change={}, connection_args=login).result
    assert (result["diff"], result["applied"], result["backup"]) == (made.diff, lines, made.backup)
    assert (result["retval"], result["left_out"]) == ([f"user {password} is up"], made.left_out)
    assert result["warnings"] == ["the line ******** is odd"]

    def refuse(self: Any, session: Any, command: str) -> str:
        said = f"% no {password} here"
        raise CommandRefused(f"refused: {password}", device_output=said, details=[{"line": password}])

    bench = Bench(send=refuse)
    bench.device.password = password
    end = bench.run("x", connection_args=login)
    assert end.result["outputs"][0]["output"] == f"% no {password} here"
    error = end.result["error"]
    assert password not in json.dumps([error["message"], error["device_output"], error["details"]])


def test_nothing_is_sent_after_the_deadline() -> None:
    bench = Bench()
    end = bench.run("x", timeout=0.0)
    assert end.error_code == "command_timeout"
    assert len(bench.table) == 1


def test_the_lease_is_asked_before_each_write() -> None:
    bench = Bench()
    bench.run("x")
    bench.lease.seconds = -1.0
    end = bench.run("x", timeout=0.3)
    assert (end.status, end.error_code) == ("failed", "lease_lost")
    assert bench.device.closed == [1]
    end = bench.run("x", timeout=60, orphaned=True)
    assert end.error_code == "lease_lost"
    assert bench.device.logins == 1, "a login is a write too"


def test_a_stop_between_two_commands() -> None:
    bench = Bench()

    def stop_now(driver: BaseDriver, session: int) -> str:
        assert bench.running is not None
        bench.running.stopped = True
        return "last"

    bench.device.answers["x"] = stop_now
    end = bench.run("x", "never")
    assert end.status == "stopped"
    assert end.result["retval"] == {"x": "last"}
    assert bench.device.closed == [1]


def test_announced_answers_reach_the_driver_and_secret_ones_no_message() -> None:
    answers = [
        {"question": "assword", "answer": "open-sesame", "secret": True},
        {"question": "confirm", "answer": "plain-yes"},
    ]

    def refuse(self: Any, session: Any, command: str) -> str:
        typed = [one.answer.get_secret_value() for one in self.call.answers]
        raise CommandRefused(f"typed {typed}", device_output=f"typed {typed}")

    bench = Bench(send=refuse)
    error = bench.run("x", answers=answers).result["error"]
    assert error["message"] == error["device_output"] == "typed ['********', 'plain-yes']"
    assert "plain-yes" in bench.run("x", answers=answers[1:]).result["error"]["message"]


def test_answers_that_do_not_validate() -> None:
    end = Bench().run("x", answers=[{"question": "(", "answer": "open-sesame"}])
    assert end.error_code == "invalid_arguments"
    assert "open-sesame" not in json.dumps(end.result)
