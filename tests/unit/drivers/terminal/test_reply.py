"""Recorded terminal traffic replayed through the reader: whole, one byte at a time, and in random pieces.

The recordings hold what devices of these families put on the wire, line ends, pagers, repainting and all.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from netpulse_drivers import Deadline
from netpulse_drivers.bounded_regex import BoundedRegex
from netpulse_drivers.platforms import platform_of
from netpulse_drivers.terminal.byte_stream import StreamClosed
from netpulse_drivers.terminal.prompt import Prompt
from netpulse_drivers.terminal.received import LARGEST_ANSWER
from netpulse_drivers.terminal.reply import Question, Reply, ReplyEnd, ReplyReader, ReplyTimeout
from netpulse_drivers.terminal.terminal_text import TextDecoder


class Wire:
    """A device that has said everything already; pages wait for their key."""

    def __init__(self, pieces: list[bytes], *, pages: tuple[bytes, ...] = (), closed: bool = False) -> None:
        self.pieces = list(pieces)
        self.pages = list(pages)
        self.typed: list[str] = []
        self.closed = closed

    def receive(self, timeout: float) -> bytes:
        assert timeout >= 0
        if self.pieces:
            return self.pieces.pop(0)
        if self.closed:
            raise StreamClosed("closed")
        return b""

    def type(self, text: str) -> None:
        self.typed.append(text)
        if self.pages:
            self.pieces += [bytes([byte]) for byte in self.pages.pop(0)]


@dataclass(frozen=True)
class Recording:
    """One answer as it came, and what a reader must make of it."""

    device_type: str
    prompt: str
    command: str
    raw: bytes
    output: str
    ends_at: str = ""
    pages: tuple[bytes, ...] = ()


RECORDINGS = {
    "ios": Recording(
        "cisco_ios",
        "r1#",
        "show clock",
        b"show clock\r\n*19:11:25.000 UTC Sun Nov 22 2026\r\nr1#",
        "*19:11:25.000 UTC Sun Nov 22 2026\nr1#",
    ),
    "left-over prompts before the echo": Recording(
        "cisco_ios", "r1#", "show clock", b"\r\nr1#\r\nr1#show clock\r\n19:11\r\nr1#", "19:11\nr1#"
    ),
    "prompt in the output": Recording(
        "cisco_ios",
        "r1#",
        "show archive log",
        b"show archive log\r\nr1#show run\r\nr1#\r\n r1#\r\nlast r1#\r\nr1#",
        "r1#show run\nr1#\n r1#\nlast r1#\nr1#",
    ),
    "ios pager": Recording(
        "cisco_ios",
        "r1#",
        "show run",
        b"show run\r\nline 1\r\n --More-- ",
        "line 1\n indented\nline 3\nr1#",
        pages=(
            b"\x08\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08\x08\x08\x08\x08\x08\x08 indented\r\n --More-- ",
            b"\r         \rline 3\r\nr1#",
        ),
    ),
    "comware pager": Recording(
        "hp_comware",
        "<sw1>",
        "display version",
        b"display version\r\nH3C Comware\r\n  ---- More ----",
        "H3C Comware\nUptime\n<sw1>",
        pages=(b"\x1b[16D                \x1b[16DUptime\r\n<sw1>",),
    ),
    "junos": Recording(
        "juniper_junos",
        "admin@mx1>",
        "show version",
        b"show version \r\nHostname: mx1\r\nModel: mx240\r\n\r\n{master}\r\nadmin@mx1> ",
        "Hostname: mx1\nModel: mx240\n\n{master}\nadmin@mx1> ",
    ),
    "junos pager": Recording(
        "juniper_junos",
        "admin@mx1>",
        "show route",
        b"show route \r\na\r\n---(more 40%)---",
        "a\nb\nadmin@mx1> ",
        pages=(b"\r                                        \rb\r\nadmin@mx1> ",),
    ),
    "xr prints the time": Recording(
        "cisco_xr",
        "RP/0/RP0/CPU0:xr1#",
        "show version",
        b"show version\r\nSun Nov 22 19:11:25.000 UTC\r\nCisco IOS XR Software\r\nRP/0/RP0/CPU0:xr1#",
        "Sun Nov 22 19:11:25.000 UTC\nCisco IOS XR Software\nRP/0/RP0/CPU0:xr1#",
    ),
    "nxos repaints": Recording(
        "cisco_nxos",
        "n9k#",
        "show hostname",
        b"\x08\x08\x08\x08show hostname\r\r\nn9k.example \r\n\rn9k# ",
        "n9k.example \n\nn9k# ",
    ),
    "bash": Recording(
        "linux",
        "admin@host:~$",
        "ls",
        b"ls\r\n\x1b[?2004l\r\x1b[0m\x1b[01;34mdir\x1b[0m\r\n\x1b[?2004hadmin@host:~$ ",
        "dir\nadmin@host:~$ ",
    ),
    "bash with a title": Recording(
        "linux",
        "admin@host:~$",
        "cd /tmp",
        b"cd /tmp\r\n\x1b]0;admin@host: /tmp\x07admin@host:/tmp$ ",
        "admin@host:/tmp$ ",
        ends_at="admin@host:/tmp$",
    ),
    "utf-8": Recording(
        "linux", "admin@host:~$", "cat", "cat\r\nGrüße €𝄞\r\nadmin@host:~$ ".encode(), "Grüße €𝄞\nadmin@host:~$ "
    ),
    "garbage": Recording("cisco_ios", "r1#", "show x", b"show x\r\n\xff\xfe\x00ok\xc3\r\nr1#", "��ok�\nr1#"),
    "wrapped echo": Recording(
        "cisco_ios",
        "r1#",
        "show running-config | include description",
        b"show running-config | incl \x08\r\nude description\r\n description a\r\nr1#",
        " description a\nr1#",
    ),
    "mode change": Recording(
        "cisco_ios",
        "r1#",
        "configure terminal",
        b"configure terminal\r\nEnter configuration commands, one per line.  End with CNTL/Z.\r\nr1(config)#",
        "Enter configuration commands, one per line.  End with CNTL/Z.\nr1(config)#",
        ends_at="r1(config)#",
    ),
    "shortened name": Recording(
        "cisco_ios",
        "a-very-long-router-name#",
        "router bgp 1",
        b"router bgp 1\r\na-very-long-router-n(config-router)#",
        "a-very-long-router-n(config-router)#",
        ends_at="a-very-long-router-n(config-router)#",
    ),
    "no output": Recording("cisco_ios", "r1#", "terminal length 0", b"terminal length 0\r\nr1#", "r1#"),
    "trailing blanks": Recording(
        "cisco_asa", "asa>", "show mode", b"show mode\r\r\nsingle\r\n\rasa> ", "single\n\nasa> "
    ),
    "huawei": Recording("huawei", "<HW>", "display clock", b"display clock\r\n2026-11-22\r\n<HW>", "2026-11-22\n<HW>"),
    "huawei system view": Recording(
        "huawei",
        "<HW>",
        "system-view",
        b"system-view\r\nEnter system view, return user view with Ctrl+Z.\r\n[HW]",
        "Enter system view, return user view with Ctrl+Z.\n[HW]",
        ends_at="[HW]",
    ),
}


def whole(data: bytes) -> Iterator[list[bytes]]:
    yield [data]


def byte_by_byte(data: bytes) -> Iterator[list[bytes]]:
    yield [bytes([byte]) for byte in data]


def random_pieces(data: bytes) -> Iterator[list[bytes]]:
    for seed in range(40):
        generator = random.Random(seed)
        cuts = sorted(generator.sample(range(1, len(data)), min(len(data) - 1, generator.randint(1, 12))))
        yield [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def read(recording: Recording, wire: Wire, *, expect: str | None = None) -> Reply:
    prompt = Prompt(recording.prompt, platform_of(recording.device_type))
    reader = ReplyReader(wire.receive, TextDecoder("utf-8"), wire.type, platform=platform_of("generic"))
    end = ReplyEnd(
        prompt=prompt.accepts,
        foreign_prompt=prompt.resembles,
        expect=BoundedRegex(expect, name="expect_string") if expect else None,
    )
    return reader.read([recording.command], end, Deadline.after(5))


@pytest.mark.parametrize("cut", [whole, byte_by_byte, random_pieces])
@pytest.mark.parametrize("name", RECORDINGS)
def test_recording(name: str, cut: Callable[[bytes], Iterator[list[bytes]]]) -> None:
    recording = RECORDINGS[name]
    for pieces in cut(recording.raw):
        wire = Wire(pieces, pages=recording.pages)
        reply = read(recording, wire)
        assert reply.output == recording.output
        assert reply.last_line == (recording.ends_at or recording.prompt)
        assert reply.ended_by == "prompt"
        assert wire.typed == [" "] * len(recording.pages)
        assert wire.pieces == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"show x",
        b"show x\r\n",
        b"show x\r\noutput\r\n",
        b"show x\r\noutput r1#",
        b"show x\r\noutput\r\nr1#show y",
        b"r1#",
        b"\r\nr1#",
        b"other text\r\nr1#",
        b"show x\r\nProceed with reload? [confirm]",
        b"show x\r\nPassword: ",
        b"show x\r\nr2-not-this-one(config)",
    ],
)
def test_no_prompt_is_a_timeout_and_nothing_is_typed(raw: bytes) -> None:
    wire = Wire([bytes([byte]) for byte in raw])
    recording = Recording("cisco_ios", "r1#", "show x", raw, "")
    with pytest.raises(ReplyTimeout) as caught:
        read(recording, wire)
    assert wire.typed == []
    assert caught.value.received.replace("\n", "") == raw.decode().replace("\r\n", "")


def test_closed_stream_keeps_what_came() -> None:
    wire = Wire([b"show x\r\nhalf of the out"], closed=True)
    reader = ReplyReader(wire.receive, TextDecoder("utf-8"), wire.type, platform=platform_of("generic"))
    with pytest.raises(StreamClosed):
        reader.read(["show x"], ReplyEnd(prompt=lambda line: line == "r1#"), Deadline.after(5))
    assert reader.received == "show x\nhalf of the out"


def test_expect_string_ends_the_output_behind_the_echo_only() -> None:
    raw = b"reload confirm\r\nProceed with reload? [confirm]"
    wire = Wire([bytes([byte]) for byte in raw])
    reply = read(Recording("cisco_ios", "r1#", "reload confirm", raw, ""), wire, expect=r"confirm")
    assert reply.ended_by == "expected"
    assert reply.output == "Proceed with reload? [confirm]"


def test_renamed_device_is_believed_after_a_silence() -> None:
    raw = b"show x\r\nout\r\nother-name#"
    reply = read(Recording("cisco_ios", "r1#", "show x", raw, ""), Wire([raw]))
    assert (reply.ended_by, reply.last_line) == ("foreign_prompt", "other-name#")


def test_messages_behind_the_prompt() -> None:
    raw = b"show x\r\nout\r\nr1#\r\n*Mar  1 00:00:01.003: %SYS-5-CONFIG_I: Configured from console\r\n"
    reply = read(Recording("cisco_ios", "r1#", "show x", raw, ""), Wire([raw]))
    assert (reply.ended_by, reply.last_line, reply.output) == ("interrupted", "r1#", "out\nr1#")


def test_announced_questions_are_answered_in_order_and_once() -> None:
    class Asking(Wire):
        def type(self, text: str) -> None:
            super().type(text)
            self.pieces.append(b"y\r\nName [startup]?" if len(self.typed) == 1 else b"\r\n[OK]\r\nr1#")

    wire = Asking([b"save\r\nOverwrite? [y/n]:"])
    reader = ReplyReader(wire.receive, TextDecoder("utf-8"), wire.type, platform=platform_of("generic"))
    questions = [
        Question(BoundedRegex(r"Overwrite\?", name="q"), "y"),
        Question(BoundedRegex(r"Name \[", name="q"), ""),
    ]
    reply = reader.read(["save"], ReplyEnd(prompt=lambda line: line == "r1#", questions=questions), Deadline.after(5))
    assert wire.typed == ["y\n", "\n"]
    assert "[OK]" in reply.output


def test_unannounced_question_is_not_answered() -> None:
    wire = Wire([b"save\r\nErase everything? [y/n]:"])
    reader = ReplyReader(wire.receive, TextDecoder("utf-8"), wire.type, platform=platform_of("generic"))
    questions = [Question(BoundedRegex(r"Overwrite\?", name="q"), "y")]
    with pytest.raises(ReplyTimeout):
        reader.read(["save"], ReplyEnd(prompt=lambda line: line == "r1#", questions=questions), Deadline.after(5))
    assert wire.typed == []


def test_pause_after_a_look_alike_is_measured_against_the_pace() -> None:
    """A device that delivers slowly: the look-alike is followed by more, later than at once but at its usual pace."""

    class Slow(Wire):
        def receive(self, timeout: float) -> bytes:
            if self.pieces and timeout < 0.01:
                return b""
            if self.pieces:
                time.sleep(0.01)
            return super().receive(timeout)

    lines = [b"show x\r\n", b"1\r\n", b"2\r\n", b"3\r\nr1#", b"\r\nthe end\r\n", b"r1#"]
    reply = read(Recording("cisco_ios", "r1#", "show x", b"", ""), Slow(lines))
    assert reply.output == "1\n2\n3\nr1#\nthe end\nr1#"


def test_cost_grows_linearly_with_the_output() -> None:
    """Work is counted, not timed: characters that the prompt test is shown."""

    def looked_at(chunks: int) -> int:
        shown = 0

        def prompt(line: str) -> bool:
            nonlocal shown
            shown += len(line)
            return line == "r1#"

        wire = Wire([b"show x\r\n", *([b"a line of output, no end of line " * 30] * chunks), b"\r\nr1#"])
        ReplyReader(wire.receive, TextDecoder("utf-8"), wire.type, platform=platform_of("generic")).read(
            ["show x"], ReplyEnd(prompt=prompt), Deadline.after(60)
        )
        return shown

    assert looked_at(2_000) < 2.5 * looked_at(1_000)


@pytest.mark.parametrize("count", [600, 900])
def test_tens_of_megabytes(count: int) -> None:
    """An answer is kept up to its limit; a larger one is read to its prompt, and only its ends are kept."""
    chunk = b"interface statistics line with numbers 1234567890\r\n" * 1000
    wire = Wire([b"show tech\r\n", *([chunk] * count), b"r1#"])
    reply = read(Recording("cisco_ios", "r1#", "show tech", b"", ""), wire)
    came = count * (len(chunk) - 1000) + 3
    assert (reply.ended_by, reply.echo) == ("prompt", "show tech")
    assert wire.pieces == []
    assert reply.too_large == (len(chunk) * count > LARGEST_ANSWER)
    assert reply.too_large == (count == 900)
    assert len(reply.output) == came if not reply.too_large else len(reply.output) < 200_000
    assert reply.output.startswith("interface statistics")
    assert reply.output.endswith("1234567890\nr1#")


def test_an_answer_that_is_too_large_and_does_not_end_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netpulse_drivers.terminal.received.LARGEST_ANSWER", 1_000)
    wire = Wire([b"show x\r\n", *([b"line\r\n" * 100] * 10), b"Continue? [y/n]"])
    with pytest.raises(ReplyTimeout) as caught:
        read(Recording("cisco_ios", "r1#", "show x", b"", ""), wire)
    assert caught.value.received.endswith("Continue? [y/n]")
    assert wire.typed == []
