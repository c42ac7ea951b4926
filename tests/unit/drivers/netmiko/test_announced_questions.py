"""Questions that a request announces, and questions that stay open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from netpulse_drivers import (
    Call,
    ChangeRequest,
    ChangeResult,
    CommandRefused,
    CommandTimeout,
    Deadline,
    Output,
    QuestionAnswer,
    SessionStale,
)
from netpulse_drivers.netmiko.config.change import apply_change
from netpulse_drivers.netmiko.operation_args import NetmikoChangeArgs, NetmikoQueryArgs
from netpulse_drivers.netmiko.query import run_query
from netpulse_drivers.netmiko.session import NetmikoSession
from tests.unit.drivers.scripted_cli import Script, ScriptedCli, session_with

R1, R1C = "r1#", "r1(config)#"
DELETE, CONFIRM = "Delete filename [x]? ", "Delete flash:/x? [confirm]"
PASSWORD = "Password: "
SURE = "Do you want to continue? [confirm]"
IOS: Script = {
    (R1, "delete flash:x"): ("", DELETE),
    (DELETE, ""): ("", CONFIRM),
    (CONFIRM, ""): ("", R1),
    (CONFIRM, "n"): ("", R1),
    (R1, "login"): ("", PASSWORD),
    (PASSWORD, "open-sesame"): ("welcome\n", R1),
    (R1, "configure terminal"): ("", R1C),
    (R1C, "no username bob"): ("This operation will remove all username related configurations.\n", SURE),
    (SURE, ""): ("", R1C),
    (R1C, "end"): ("", R1),
}
TWO = [{"question": r"filename \[", "answer": ""}, {"question": r"\[confirm\]"}]

Start = Callable[..., tuple[NetmikoSession, ScriptedCli]]


@pytest.fixture
def start() -> Iterator[Start]:
    sessions = []

    def begin(device_type: str = "cisco_ios", prompt: str = R1, script: Script = IOS) -> Any:
        session, cli = session_with(device_type, prompt, script)
        sessions.append(session)
        return session, cli

    yield begin
    for session in sessions:
        session.close()


def call(*answers: dict[str, Any], seconds: float = 5.0) -> Call:
    return Call(
        deadline=Deadline.after(seconds), answers=tuple(QuestionAnswer.model_validate(answer) for answer in answers)
    )


def ask(session: NetmikoSession, command: str, job: Call, **args: Any) -> Output:
    with session.operation(job):
        return run_query(session, command, NetmikoQueryArgs(read_timeout=0.2, **args), call=job, secret=None)


def change(session: NetmikoSession, *lines: str, job: Call, **args: Any) -> ChangeResult:
    with session.operation(job):
        return apply_change(
            session, ChangeRequest(lines=list(lines)), NetmikoChangeArgs(read_timeout=0.2, **args), secret=None
        )


def test_a_query_is_led_through_its_questions(start: Start) -> None:
    session, cli = start()
    output = ask(session, "delete flash:x", call(*TWO))
    assert cli.typed == ["delete flash:x", "", ""]
    assert DELETE.strip() in output.output
    assert session.at_prompt
    assert not session.unusable_reason


def test_a_change_is_led_through_its_questions(start: Start) -> None:
    session, cli = start()
    result = change(session, "no username bob", job=call(TWO[1]))
    assert cli.typed == ["configure terminal", "no username bob", "", "end"]
    assert result.changed


def test_a_question_that_nobody_announced_stays_open_and_ends_the_session(start: Start) -> None:
    session, cli = start()
    with pytest.raises(CommandTimeout, match="Delete flash:/x") as caught:
        ask(session, "delete flash:x", call(TWO[0]))
    assert cli.typed == ["delete flash:x", ""]
    assert not caught.value.session_usable


def test_the_answers_of_one_job_are_not_typed_for_the_next(start: Start) -> None:
    session, cli = start()
    ask(session, "delete flash:x", call(*TWO))
    cli.typed.clear()
    with pytest.raises(CommandTimeout):
        ask(session, "delete flash:x", call())
    assert cli.typed == ["delete flash:x"]


def test_a_wrong_secret_is_typed_once(start: Start) -> None:
    session, cli = start()
    with pytest.raises(CommandTimeout, match="Password:"):
        ask(session, "login", call({"question": "assword", "answer": "wrong", "secret": True}))
    assert cli.typed == ["login", "wrong"]


def test_a_secret_may_be_asked_for_by_each_command(start: Start) -> None:
    session, cli = start()
    job = call({"question": "assword", "answer": "open-sesame", "secret": True})
    assert "welcome" in ask(session, "login", job).output
    assert "welcome" in ask(session, "login", job).output
    assert cli.typed == ["login", "open-sesame"] * 2


def test_what_is_answered_once_is_not_answered_again_in_the_job(start: Start) -> None:
    session, cli = start()
    job = call(TWO[0], TWO[1] | {"once": True})
    ask(session, "delete flash:x", job)
    with pytest.raises(CommandTimeout, match=r"\[confirm\]"):
        ask(session, "delete flash:x", job)
    assert cli.typed == ["delete flash:x", "", "", "delete flash:x", ""]


def test_a_device_that_asks_without_end_is_not_answered_without_end(start: Start) -> None:
    session, cli = start(script={(R1, "loop"): ("", "Again? "), ("Again? ", "y"): ("", "Again? ")})
    with pytest.raises(CommandTimeout):
        ask(session, "loop", call({"question": r"Again\?", "answer": "y"}))
    assert cli.typed.count("y") == 50


def test_the_echo_of_the_command_is_no_question(start: Start) -> None:
    session, cli = start(script={(R1, "show confirm"): ("confirm: yes\n", R1)})
    ask(session, "show confirm", call({"question": "confirm", "answer": "n"}))
    assert cli.typed == ["show confirm"]


def test_an_announced_question_goes_before_a_pager(start: Start) -> None:
    more = "Press any key to continue (Q to quit)"
    session, cli = start(script={(R1, "show log"): ("one\n", more), (more, "Q"): ("", R1)})
    assert "one" in ask(session, "show log", call({"question": "Press any key", "answer": "Q"})).output
    assert cli.typed == ["show log", "Q"]


def test_platforms_that_repaint_their_prompt_are_led_as_well(start: Start) -> None:
    asks = "Continue (y/n)? "
    session, cli = start("generic_termserver", "ts>", {("ts>", "boot"): ("", asks), (asks, "n"): ("", "ts>")})
    ask(session, "boot", call({"question": r"\(y/n\)\?", "answer": "n"}))
    assert cli.typed == ["boot", "n"]


@pytest.mark.parametrize(
    "wrong",
    [{"question": "("}, {"question": ""}, {"question": "x" * 501}, {"question": "x", "answer": "a\nb"}, {"answer": "x"},
     {"question": "x", "answr": "y"}],
)  # fmt: skip
def test_what_cannot_be_announced(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        QuestionAnswer.model_validate(wrong)


def test_an_answer_is_never_shown() -> None:
    assert "open-sesame" not in repr(QuestionAnswer.model_validate({"question": "x", "answer": "open-sesame"}))


# -- questions that the client's own end of an answer leaves open -----------------------------------------------------


def test_a_terminator_that_ends_at_a_question_ends_the_session(start: Start) -> None:
    session, cli = start()
    result = change(session, "no username bob", job=call(), terminator=r"\[confirm\]")
    assert cli.typed == ["configure terminal", "no username bob"]
    assert result.changed is None
    assert "[confirm]" in result.warnings[0]
    assert session.unusable_reason


def test_the_lines_of_the_same_change_may_answer_it(start: Start) -> None:
    session, cli = start(script={**IOS, (SURE, "y"): ("", R1C)})
    result = change(session, "no username bob", "y", job=call(), terminator=r"\[confirm\]", cmd_verify=False)
    assert cli.typed == ["configure terminal", "no username bob", "y", "end"]
    assert result.changed
    assert not session.unusable_reason


def test_no_commit_is_typed_into_an_open_question(start: Start) -> None:
    operational, config, asks = "admin@mx1>", "admin@mx1#", "Delete everything under this level? [yes,no] (no) "
    script: Script = {
        (operational, "configure exclusive"): ("Entering configuration mode\n\n[edit]\n", config),
        (config, "delete"): ("", asks),
    }
    session, cli = start("juniper_junos", operational, script)
    with pytest.raises(CommandRefused, match=r"left a question open, 'Delete everything.*answers") as caught:
        change(session, "delete", job=call(), terminator=r"\[yes,no\]")
    assert cli.typed == ["configure exclusive", "delete"]
    assert not caught.value.session_usable


def test_an_answer_that_was_meant_for_a_line_commits_nothing_that_is_thrown_away(start: Start) -> None:
    user, view, dirty = "<HW>", "[~HW]", "[*HW]"
    asks = "Warning: Uncommitted configurations found. Are you sure to commit them? [Y(yes)/N(no)/C(cancel)]:"
    script: Script = {
        (user, "system-view"): ("", view),
        (view, "one"): ("", dirty),
        (dirty, "bad"): ("Error: Unrecognized command found at '^' position.\n", dirty),
        (dirty, "return"): ("", asks),
        (asks, "n"): ("", user),
    }
    session, cli = start("huawei_vrpv8", user, script)
    with pytest.raises(CommandRefused):
        change(session, "one", "bad", job=call({"question": r"\[Y", "answer": "y"}))
    assert cli.typed[-2:] == ["return", "n"]
    operational, config, leaving = "vedge1#", "vedge1(config)#", "Leave now? (yes/no) "
    script = {
        (operational, "config terminal"): ("", config),
        (config, "bad"): ("syntax error: unknown command\n", config),
        (config, "end"): ("", leaving),
    }
    session, cli = start("cisco_viptela", operational, script)
    with pytest.raises(CommandRefused) as caught:
        change(session, "bad", job=call({"question": r"\(yes/no\)", "answer": "yes"}, seconds=1.0))
    assert cli.typed[-1] == "end"
    assert not caught.value.session_usable


@pytest.mark.parametrize("save", [True, False])
def test_nothing_is_saved_behind_an_open_question(start: Start, save: bool) -> None:
    session, cli = start()
    job = call()
    with session.operation(job):
        apply_change(
            session,
            ChangeRequest(lines=["no username bob"], save=save),
            NetmikoChangeArgs(read_timeout=0.2, terminator=r"\[confirm\]"),
            secret=None,
        )
    assert cli.typed == ["configure terminal", "no username bob"]


def test_an_expect_string_that_ends_at_a_question_ends_the_session_with_the_job(start: Start) -> None:
    session, cli = start()
    job = call()
    ask(session, "delete flash:x", job, expect_string=r"filename \[")
    ask(session, "", job, expect_string=r"\[confirm\]", cmd_verify=False)  # the same job goes on
    assert cli.typed == ["delete flash:x", ""]
    other = call()
    with pytest.raises(SessionStale):
        ask(session, "show clock", other)
    assert cli.typed == ["delete flash:x", ""]
