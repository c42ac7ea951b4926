"""What jobs and interactive sessions do to such a device, and what must hold after each.

A step is (name, choices): everything about it is in there, so that a row of steps can be played again without some of
them, on another device of the kind.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from netpulse_drivers.platforms import platform_of
from netpulse_lab import LogLine, SimulatedDevice, SimulatorLab
from tests.evidence.home.devices import SETUP, Kind
from tests.integration.session_caller import b64, exchange, unb64, wait_until
from tests.lab.running_broker import RunningBroker

Step = tuple[str, tuple[int, ...]]

_TAG = re.compile(r"\bt(\d+)x\b")
_SHORT = {"read_timeout": 0.3}
_QUESTION = r"Really\? \[y/n\]: ?"


class Violated(AssertionError):
    """An invariant does not hold; the text says which."""


def steps(chance: random.Random, number: int) -> list[Step]:
    """A random row of steps; those that may leave something behind come more often."""
    names = [name.removeprefix("do_") for name in vars(Player) if name.startswith("do_")]
    names += 2 * ["stay_there", "session", "query"]
    return [(chance.choice(names), tuple(chance.randrange(1000) for _ in range(6))) for _ in range(number)]


class Player:
    """Plays steps on one new device of a kind, and looks at every line that the device got.

    Attributes:
        answers: command lines whose answers were seen to be theirs.
        logins: of the device.
    """

    _numbers = itertools.count(1)
    _tags = itertools.count(1001)

    def __init__(self, kind: Kind, broker: RunningBroker, lab: SimulatorLab) -> None:
        self._kind = kind
        self._broker = broker
        self._lab = lab
        self._device: SimulatedDevice
        self._own: deque[str] = deque()
        """Lines of the job under way that the device has not got yet."""
        self._mine: set[str] = set()
        """Tags of the job under way."""
        self._first = ""
        """State in which the job's first line must come; "" once it has."""
        self._seen = 0
        self.answers = self.logins = 0
        platform = platform_of(kind.platform)
        known = (
            *(platform.enable, platform.disable, platform.config_enter, platform.config_leave, platform.to_top),
            *(platform.commit, platform.dirty_check, *platform.abort),
            *(kind.lift, kind.lower, "enable", "exit", "end", "configure terminal", "config term"),
        )
        self._housekeeping = {line for line in known if line}

    @contextmanager
    def on_a_device(self) -> Iterator[None]:
        """A new device, which goes afterwards."""
        kind = self._kind
        self._device = self._lab.add(
            name=f"home-{kind.platform.replace('_', '-')}-{next(self._numbers)}", dialogue=kind.dialogue()
        )
        try:
            yield
        finally:
            self.logins = self._lab.counters(self._device).logins
            self._lab.remove(self._device)

    def play(self, row: list[Step]) -> None:
        """Each step, and after each the invariants.

        Raises:
            Violated
        """
        for name, choices in row:
            getattr(self, f"do_{name}")(*choices)
            self._look()

    # -- steps --------------------------------------------------------------------------------------------------------

    def do_query(self, *_: int) -> None:
        self._finished(self._query([self._show("home")]))

    def do_list(self, some: int, *_: int) -> None:
        self._finished(self._query([self._show("home") for _ in range(2 + some % 3)]))

    def do_there_and_back(self, *_: int) -> None:
        kind = self._kind
        there = self._show("away")
        self._finished(self._query([(kind.hop, None), there, (kind.back, None), self._show("home")]))

    def do_stay_there(self, ends_with_question: int, *_: int) -> None:
        kind, more = self._kind, []
        if ends_with_question % 3 == 0:
            more = [(f"ask {self._tag()}", None)]
        self._query([(kind.hop, None), self._show("away"), *more], driver_args=_SHORT)

    def do_refused(self, behind: int, *_: int) -> None:
        lines = [self._show("home"), (f"wrong {self._tag()}", None), *([self._show("home")] * (behind % 2))]
        job = self._query(lines)
        if job["status"] != "failed" or job["result"]["error"]["code"] != "command_refused":
            raise Violated(f"a refused line is no failure: {job}")

    def do_change(self, some: int, refused: int, away: int, *_: int) -> None:
        lines = [f"set tag {self._tag()}" for _ in range(1 + some % 3)]
        if refused % 4 == 0:
            lines.insert(refused % len(lines), f"wrong {self._tag()}")
        elif away % 8 == 0 and self._kind.config:  # FortiGate closes a block that the lines left open, as announced
            lines.append(self._kind.hop)
        job = self._job(lines, config=lines)
        if refused % 4 == 0 and job["status"] != "failed":
            raise Violated(f"a change with a refused line is no failure: {job}")
        if refused % 4 and away % 8 and job["result"].get("applied") != lines:
            raise Violated(f"not what was applied: {job}")

    def do_open_question(self, expected: int, *_: int) -> None:
        args = {"expect_string": _QUESTION} if expected % 2 else _SHORT
        job = self._query([(f"ask {self._tag()}", None)], driver_args=args)
        if (job["status"] == "finished") != bool(expected % 2):
            raise Violated(f"a question without an answer: {job}")

    def do_answered_question(self, *_: int) -> None:
        line = f"ask {self._tag()}"
        answers = [{"question": _QUESTION, "answer": "y"}]
        job = self._job([line, "y"], command=line, options={"answers": answers})
        if job["status"] != "finished" or "done" not in job["result"]["retval"][line]:
            raise Violated(f"an announced answer was not given: {job}")

    def do_time_out(self, *_: int) -> None:
        job = self._query([(f"slow {self._tag()}", None)], driver_args=_SHORT)
        if job["result"]["error"]["code"] != "command_timeout":
            raise Violated(f"no time-out: {job}")

    def do_cancel(self, *_: int) -> None:
        line = f"slow {self._tag()}"
        job = self._job([line], command=line, wait=0)
        self._arrived(line)
        self._broker.client.delete("/job", params={"id": job["id"]})
        self._check(self._ended(job["id"]))

    def do_kill(self, at_work: int, *_: int) -> None:
        self.do_query()
        self._look()
        line, job = f"slow {self._tag()}", None
        if at_work % 2:
            job = self._job([line], command=line, wait=0)
            self._arrived(line)
        where = f"{self._device.host}:{self._device.port}"
        os.kill(self._broker.worker_pid(where), signal.SIGKILL)
        if job is not None:
            self._check(self._ended(job["id"]))

    def do_three_at_once(self, *_: int) -> None:
        shown = [self._show("home") for _ in range(3)]
        self._expect([line for line, _ in shown])
        jobs = [self._send(command=line, wait=0) for line, _ in shown]
        for (line, answer), job in zip(shown, jobs, strict=True):
            ended = self._ended(job["id"])
            self._check(ended)
            self._answered(ended, line, answer)

    def do_session(self, *choices: int) -> None:
        """An interactive session that ends somewhere."""
        kind = self._kind
        state = "home"
        self._expect([])
        body = {"connection_args": self._login(), "options": {}}
        opened = self._broker.post("/session", body)["id"]
        for number, choice in enumerate(choices[:5], start=1):
            line, after, more = self._next_line(state, choice)
            self._own.append(line)
            if line != kind.lift or not kind.secret:
                more |= {"sendonly": line.startswith("ask")}
            asked = exchange(number, line.encode(), stdout_re=[[b64(rb"[>#$\]] ?$"), 0]], stderr_re=[], **more)
            answer = self._broker.client.post(f"/session/{opened}/exchange", json=asked)
            if answer.status_code != 200 or answer.json()["data"]["error"]:
                raise Violated(f"{line!r} at {state}: {answer.text}")
            said = unb64(answer.json()["data"]["response"]).decode()
            if line.startswith("show") and f"{line.removeprefix('show ')} at {state}" not in said:
                raise Violated(f"{line!r} at {state} was answered {said!r}")
            state = after
            if state == "asked":
                break
        self._broker.client.delete(f"/session/{opened}")

    def _next_line(self, state: str, choice: int) -> tuple[str, str, dict[str, Any]]:
        """What is typed, the state after it, more of the exchange."""
        kind = self._kind
        moves: list[tuple[str, str]] = [(f"show tag {self._tag()}", state), (f"ask {self._tag()}", "asked")]
        if state == "home":
            moves += [(kind.hop, "away")] + [(kind.lift, "raised")] * 2 * bool(kind.raised)
        if state == "away":
            moves += [(kind.back, "home")]
        if state == "raised" or (state == "home" and not kind.raised):
            moves += [(kind.typed_to_enter, "config")] * 2 * bool(kind.config)
        line, after = moves[choice % len(moves)]
        secret = line == kind.lift and kind.secret
        more = {"prompt": [rb"[Pp]assword: ?$"], "answer": [self._device.secret.encode()]} if secret else {}
        return line, after, more

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def _tag(self) -> str:
        tag = f"t{next(self._tags)}x"
        self._mine.add(tag)
        return tag

    def _show(self, state: str) -> tuple[str, str]:
        tag = self._tag()
        return f"show tag {tag}", f"tag {tag} at {state}"

    def _login(self) -> dict[str, Any]:
        return self._device.netmiko()

    def _expect(self, lines: list[str], first: str = "home") -> None:
        self._own, self._first = deque(lines), first

    def _send(self, *, wait: float = 60, **fields: Any) -> Any:
        return self._broker.execute(self._login(), wait=wait, **fields)

    def _job(self, lines: list[str], **fields: Any) -> Any:
        kind = self._kind
        changing = "config" if kind.config else "raised" if kind.raised else "home"
        self._expect(lines, changing if "config" in fields else "home")
        job = self._send(**fields)
        if fields.get("wait") != 0:
            self._check(job)
        return job

    def _query(self, lines: list[tuple[str, str | None]], **fields: Any) -> Any:
        typed = [line for line, _ in lines]
        job = self._job(typed, command=typed if len(typed) > 1 else typed[0], **fields)
        given = {one["command"]: one["output"] for one in job["result"]["outputs"]} if job["result"] else {}
        for line, answer in lines:
            if answer is not None and line in given:
                self._answered(job, line, answer)
        return job

    def _ended(self, job: str) -> Any:
        wait_until(lambda: self._broker.get(f"/job/{job}")["ended_at"], why="the job has ended")
        return self._broker.get(f"/job/{job}")

    def _arrived(self, line: str) -> None:
        wait_until(lambda: line in self._lab.commands(self._device), why=f"{line!r} has arrived")

    # -- invariants ---------------------------------------------------------------------------------------------------

    def _finished(self, job: Any) -> None:
        if job["status"] != "finished":
            raise Violated(f"this should have worked: {job}")

    def _answered(self, job: Any, line: str, answer: str) -> None:
        given = [one["output"] for one in job["result"]["outputs"] if one["command"] == line]
        if given != [answer]:
            raise Violated(f"{line!r} should be answered with {answer!r}, not {given}: {job}")
        self.answers += 1

    def _check(self, job: Any) -> None:
        """No answer of another command."""
        others = {f"t{number}x" for number in _TAG.findall(json.dumps(job))} - self._mine
        if others:
            raise Violated(f"the answer holds {others}, which are of other jobs: {job}")

    def _look(self) -> None:
        """Every line that came since the last look: the job's own in their order, or announced house-keeping."""
        for entry in self._lab.log(self._device, since=self._seen):
            self._seen = entry.seq
            self._see(entry)
        for stream in self._lab.received(self._device):
            if not stream.endswith((b"\r", b"\n")) and stream:
                raise Violated(f"half a line was typed: {stream[-40:]!r}")
        self._mine.clear()

    def _see(self, entry: LogLine) -> None:
        line, state = entry.line.strip(), entry.mode
        if entry.kind == "secret" and state == "password":
            return
        if self._own and line == self._own[0]:
            if self._first and state != self._first:
                raise Violated(f"a job began at {state!r}, not at {self._first!r}: {entry}")
            self._own.popleft()
            self._first = ""
        elif state.startswith(("away", "asked")):
            raise Violated(f"nobody asked for this at {state!r}: {entry}")
        elif line and line not in self._housekeeping and not SETUP.fullmatch(line):
            raise Violated(f"nobody asked for this: {entry}; the job's own lines to come: {list(self._own)}")
