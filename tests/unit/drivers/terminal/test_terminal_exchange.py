"""One exchange on a terminal, fed with streams as devices send them, however the network cuts them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from netpulse_drivers.interactive import Exchange
from netpulse_drivers.terminal.received import LARGEST_ANSWER
from netpulse_drivers.terminal.terminal_exchange import ExchangeEnd, TerminalExchange

# As cisco.ios has them.
PROMPT = rb"[\r\n]?[\w\+\-\.:\/\[\]]+(?:\([^\)]+\)){0,3}(?:[>#]) ?$"
STDERR = [(rb"% ?Error", 0), (rb"% Invalid", int(re.IGNORECASE)), (rb"[\r\n%] Bad passwords", 0)]
ANSI = [(rb"\x1b\[\?1h\x1b=", 0), (rb"\x08.", 0), (rb"\x1b\[m", 0)]
QUIET: None = None


class Script:
    """A device that answers each thing that is typed with the next part of its script.

    Time stands still: a wait for data that does not come is over at once and noted with its length.
    """

    def __init__(self, *answers: Sequence[bytes | None]) -> None:
        self._answers = [list(answer) for answer in answers]
        self._coming: list[bytes | None] = []
        self.typed: list[bytes] = []
        self.silences: list[float] = []

    def write(self, data: bytes) -> None:
        self.typed.append(data)
        self._coming += self._answers.pop(0) if self._answers else []

    def receive(self, timeout: float) -> bytes:
        data = self._coming.pop(0) if self._coming else QUIET
        if data is QUIET:
            self.silences.append(timeout)
            return b""
        return data


def own_prompt(line: bytes) -> bool:
    return re.fullmatch(rb"R1(\([^)]*\))?[>#]", line) is not None


def run(script: Script, command: bytes | None = b"show clock", *, already: bytes = b"", **fields: Any) -> ExchangeEnd:
    values: dict[str, Any] = {
        "seq": 1, "stdout_re": [(PROMPT, 0)], "stderr_re": STDERR, "ansi_re": ANSI, "timeout": 0.05
    }  # fmt: skip
    exchange = Exchange(command=command, **(values | fields))
    return TerminalExchange(exchange, receive=script.receive, write=script.write, own_prompt=own_prompt).run(
        already=already
    )


def whole(data: bytes) -> list[bytes | None]:
    return [data]


def bytewise(data: bytes) -> list[bytes | None]:
    return [data[place : place + 1] for place in range(len(data))]


def after_each_line(data: bytes) -> list[bytes | None]:
    return list(data.splitlines(keepends=True))


CUTS = [whole, bytewise, after_each_line]
Cut = Callable[[bytes], list[bytes | None]]


@pytest.mark.parametrize("cut", CUTS)
def test_answer_is_the_same_however_it_is_cut(cut: Cut) -> None:
    stream = b"show clock\r\n*10:00:00.000 UTC\r\n\r\nR1#"
    end = run(Script(cut(stream)))
    assert end.result.error is None
    assert end.result.response == stream
    assert end.result.matched_prompt == b"\nR1#"
    assert (end.at_prompt, end.last_line, end.ended) == (True, b"R1#", True)


@pytest.mark.parametrize("cut", CUTS)
def test_ansi_codes_are_taken_out_even_when_they_are_cut(cut: Cut) -> None:
    stream = b"show clock\r\n\x1b[m10:\x1b[m00\r\n\x1b[?1h\x1b=R1#"
    assert run(Script(cut(stream))).result.response == b"show clock\r\n10:00\r\nR1#"


@pytest.mark.parametrize("cut", CUTS)
def test_what_matches_stderr_is_an_error_with_the_whole_answer(cut: Cut) -> None:
    filler = b"line of output\r\n" * 100
    stream = b"show nix\r\n   ^\r\n% Invalid input detected\r\n" + filler + b"R1#"
    end = run(Script(cut(stream)), b"show nix")
    assert end.result.error is not None
    assert (end.result.error.code, end.result.error.response) == ("stderr_match", stream)
    assert end.at_prompt


@pytest.mark.parametrize("cut", CUTS)
def test_question_gets_its_answer_once(cut: Cut) -> None:
    script = Script(
        cut(b"copy running-config startup-config\r\nDestination filename [startup-config]? "),
        cut(b"\r\nBuilding configuration...\r\n[OK]\r\nR1#"),
    )
    end = run(script, b"copy running-config startup-config", prompt=[rb"startup-config\]\?"], answer=[b""])
    assert script.typed == [b"copy running-config startup-config\r", b"\r"]
    assert end.result.matched_cmd_prompt == b"startup-config]?"
    assert end.result.matched_prompt == b"\nR1#"


@pytest.mark.parametrize("cut", CUTS)
def test_echo_of_the_command_is_no_question(cut: Cut) -> None:
    script = Script(cut(b"copy a startup-config\r\nR1#"))
    run(script, b"copy a startup-config", prompt=[rb"startup-config"], answer=[b"yes"])
    assert script.typed == [b"copy a startup-config\r"]


def test_question_is_case_insensitive_and_newline_can_be_left_out() -> None:
    script = Script([b"reload\r\nProceed? [CONFIRM]"], [b"y\r\nR1#"])
    run(script, b"reload", prompt=[rb"\[confirm\]"], answer=[b"y"], newline=False)
    assert script.typed == [b"reload\r", b"y"]


def test_answer_is_the_one_at_the_place_of_its_question_else_the_first() -> None:
    for asked, answer in ((b"one?", b"1"), (b"two?", b"2"), (b"three?", b"1")):
        script = Script([b"ask\r\n" + asked], [b"\r\nR1#"])
        run(script, b"ask", prompt=[rb"one\?", rb"two\?", rb"three\?"], answer=[b"1", b"2"])
        assert script.typed[1] == answer + b"\r"


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("order", [(b"user: ", b"pass: "), (b"pass: ", b"user: ")])
def test_check_all_gives_each_question_its_own_answer(cut: Cut, order: tuple[bytes, bytes]) -> None:
    script = Script(cut(b"login\r\n" + order[0]), cut(b"\r\n" + order[1]), cut(b"\r\nR1#"))
    end = run(script, b"login", prompt=[rb"user: ?$", rb"pass: ?$"], answer=[b"u", b"p"], check_all=True)
    assert script.typed[1:] == [order[0][:1] + b"\r", order[1][:1] + b"\r"]
    assert end.result.error is None


def test_the_same_question_twice_gets_two_answers_only_when_it_is_asked_twice() -> None:
    script = Script([b"passwd\r\nPassword: "], [b"\r\n", b"Password: "], [b"\r\nR1#"])
    run(script, b"passwd", prompt=[rb"Password: ?$", rb"Password: ?$"], answer=[b"new", b"again"], check_all=True)
    assert script.typed == [b"passwd\r", b"new\r", b"again\r"]


@pytest.mark.parametrize("cut", CUTS)
def test_question_that_comes_again_means_a_wrong_answer(cut: Cut) -> None:
    script = Script(cut(b"enable\r\nPassword: "), cut(b"\r\nPassword: "))
    end = run(script, b"enable", prompt=[rb"[\r\n]?(?:.*)?[Pp]assword: ?$"], answer=[b"bad"], prompt_retry_check=True)
    assert end.result.error is not None
    assert end.result.error.code == "prompt_retry"
    assert script.typed == [b"enable\r", b"bad\r"]
    assert not end.at_prompt
    assert not end.ended


def test_sendonly_reads_nothing() -> None:
    script = Script([b"never read"])
    end = run(script, b"write", sendonly=True, stdout_re=[])
    assert (script.typed, end.result.response, end.at_prompt) == ([b"write\r"], b"", False)


def test_reading_alone_finds_the_prompt_that_stands_there() -> None:
    script = Script()
    end = run(script, None, already=b"Welcome\r\nR1>")
    assert (script.typed, end.result.response) == ([], b"Welcome\r\nR1>")


# -- the end of an answer ---------------------------------------------------------------------------------------------


def test_own_prompt_is_believed_at_once() -> None:
    script = Script([b"show clock\r\nnow\r\nR1#"])
    run(script, settle=0.1)
    assert script.silences == [0.0]


def test_window_title_before_the_own_prompt_does_not_hide_it() -> None:
    script = Script([b"show clock\r\nnow\r\n\x1b]0;R1: ~\x07\x1b[32mR1#"])
    end = run(script, stdout_re=[(rb"R1#$", 0)], settle=0.1)
    assert (end.at_prompt, end.last_line) == (True, b"R1#")
    assert script.silences == [0.0]


def test_prompt_of_another_name_must_be_followed_by_a_short_silence() -> None:
    script = Script([b"hostname R2\r\nR2(config)#"])
    run(script, b"hostname R2", settle=0.1)
    (silence,) = script.silences
    assert 0 < silence < 0.02


def test_silence_grows_when_data_follows_and_ends_at_settle() -> None:
    chunks: list[bytes | None] = [b"show x\r\n"]
    for _ in range(6):
        chunks += [b"looks-like#"]
        chunks += [b" but goes on\r\n"]
    script = Script([*chunks, b"R1#"])
    end = run(script, b"show x", settle=0.06, timeout=5)
    assert end.result.response.endswith(b"goes on\r\nR1#")
    assert script.silences[-1] == pytest.approx(0.06)


def test_no_silence_is_waited_for_when_settle_is_zero() -> None:
    script = Script([b"hostname R2\r\nR2(config)#"])
    run(script, b"hostname R2", settle=0)
    assert script.silences == [0.0]


def test_prompt_before_the_echo_is_not_trusted_soon() -> None:
    script = Script([b"\r\nR1#", b"show clock\r\nnow\r\nR1#"])
    end = run(script, settle=0.1)
    assert end.result.response.endswith(b"now\r\nR1#")


def test_echo_that_looks_like_a_prompt_does_not_end_the_answer() -> None:
    script = Script([b"hostname R2#", QUIET, b"\r\nR1#"])
    end = run(script, b"hostname R2#", timeout=5)
    assert end.result.matched_prompt == b"\nR1#"


@pytest.mark.parametrize("cut", CUTS)
def test_wrapped_echo_is_found(cut: Cut) -> None:
    command = b"snmp-server community " + b"x" * 60
    stream = command[:40] + b" \r\r\n" + command[40:] + b"\r\nR1#"
    script = Script(cut(stream))
    end = run(script, command)
    assert end.at_prompt
    assert script.silences[-1] < 0.05


def test_window_begins_with_a_whole_line() -> None:
    long_name = b"R1" + b"x" * 300
    stream = b"show\r\n" + b"y" * 500 + b"\r\n" + long_name + b"#"
    end = run(Script([stream]), b"show")
    assert end.result.matched_prompt == b"\n" + long_name + b"#"


# -- bounds -----------------------------------------------------------------------------------------------------------


def test_timeout_keeps_what_came_and_says_where_the_device_stands() -> None:
    script = Script([b"reload\r\nProceed with reload? [confirm]"])
    end = run(script, b"reload", timeout=0.01)
    assert end.result.error is not None
    assert end.result.error.code == "command_timeout"
    assert "[confirm]" in end.result.error.message
    assert end.result.response == b"reload\r\nProceed with reload? [confirm]"
    assert (end.at_prompt, end.ended) == (False, False)
    assert script.typed == [b"reload\r"]


def test_timeout_at_the_sessions_own_prompt_leaves_it_usable() -> None:
    end = run(Script([b"show clock\r\nnow\r\nR1#"]), stdout_re=[(b"never this", 0)], timeout=0.01)
    assert end.result.error is not None
    assert end.result.error.code == "command_timeout"
    assert end.at_prompt


def test_pattern_that_explodes_costs_its_own_exchange_an_error() -> None:
    end = run(Script([b"show clock\r\n" + b"a" * 200 + b"!"]), stdout_re=[(rb"(a|aa)+$", 0)], timeout=30)
    assert end.result.error is not None
    assert end.result.error.code == "regex_timeout"


def test_endless_answer_is_given_up() -> None:
    chunk = (b"x" * 62 + b"\r\n") * 1024
    end = run(Script([b"show\r\n", *[chunk] * (LARGEST_ANSWER // len(chunk) + 1)]), b"show", timeout=60)
    assert end.result.error is not None
    assert end.result.error.code == "response_too_large"


def test_watch_is_asked_while_waiting_and_can_end_it() -> None:
    class Gone(Exception):
        pass

    def watch() -> None:
        raise Gone

    script = Script([b"show clock\r\n"])
    exchange = Exchange(seq=1, command=b"show clock", stdout_re=[(PROMPT, 0)], timeout=30)
    with pytest.raises(Gone):
        TerminalExchange(exchange, receive=script.receive, write=script.write, own_prompt=own_prompt, watch=watch).run()


@pytest.mark.parametrize("command", [b"show clock", b"hostname R2"])
def test_quiet_is_waited_for_behind_the_session_s_own_prompt_as_well(command: bytes) -> None:
    prompt = b"R2#" if b"R2" in command else b"R1#"
    script = Script(whole(command + b"\r\n" + prompt))
    run(script, command, settle=0.01, quiet=0.5, timeout=5)
    assert script.silences == [pytest.approx(0.5)]
