"""A change: in a configuration session of the switch, so that it is made as a whole or not at all.

``configure session NAME``, the lines, ``show session-config named NAME diffs``, ``commit`` or ``abort`` (Arista, "EOS
configuration sessions"). The difference is the device's own, so an idempotent change is one whose difference is empty.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

from pyeapi.eapilib import CommandError

from netpulse_drivers.base import Call, ChangeRequest, EnsurePolicy
from netpulse_drivers.config.running_config import join_blocks
from netpulse_drivers.errors import CommandRefused, DriverError, SessionLost, UnsupportedOperation
from netpulse_drivers.pyeapi.arguments import LONGEST_TIMER, PyeapiChangeArgs, refuse_without_session
from netpulse_drivers.pyeapi.refusals import failed_position
from netpulse_drivers.pyeapi.session import Command, EapiSession
from netpulse_drivers.pyeapi.timed_commit import SESSION_PREFIX
from netpulse_drivers.results import ChangeResult, Output, PendingCommit

_MULTILINE = (r"banner\s+\S+$", r"comment$")


def apply_change(session: EapiSession, change: ChangeRequest, args: PyeapiChangeArgs, call: Call) -> ChangeResult:
    """Carry out a change.

    Raises:
        UnsupportedOperation: eAPI or this driver has no such thing; nothing was sent.
        CommandRefused: the device refused a line; the running configuration is as it was (with ``session``).
        PrivilegeRefused, and what the connection raises.
    """
    _refuse_unsupported(change, args)
    editor = _Editor(session, change, args, call)
    return editor.in_session() if args.session else editor.line_by_line()


def _refuse_unsupported(change: ChangeRequest, args: PyeapiChangeArgs) -> None:
    if change.message is not None:
        raise UnsupportedOperation("EOS has no commit comment (message)")
    if change.revert_in is not None and change.revert_in > LONGEST_TIMER:
        raise UnsupportedOperation(f"EOS takes a revert_in of at most {LONGEST_TIMER} seconds")
    if change.revert_in is not None and (change.save or args.autosave):
        raise UnsupportedOperation("save and revert_in exclude each other: confirming saves")
    refuse_without_session(change, args)
    policy = change.ensure
    if policy is None:
        return
    for name, neutral in (("match", ("line", "none")), ("replace", ("line",))):
        if getattr(policy, name) not in neutral:
            raise UnsupportedOperation(
                f"ensure.{name} '{getattr(policy, name)}': driver pyeapi lets the device compare, which knows only "
                f"{' and '.join(neutral)}; driver netmiko compares by itself"
            )
    if policy.running_config is not None or policy.diff_ignore_lines:
        raise UnsupportedOperation(
            "ensure.running_config and diff_ignore_lines: driver pyeapi lets the device compare; driver netmiko "
            "compares by itself"
        )


class _Editor:
    """One change under way."""

    def __init__(self, session: EapiSession, change: ChangeRequest, args: PyeapiChangeArgs, call: Call) -> None:
        self._session = session
        self._change = change
        self._options = args.request_options()
        self._call = call
        self._policy = change.ensure or EnsurePolicy()
        self._replace = change.replace
        self._save = change.save or args.autosave or self._policy.save_when == "always"
        self._outputs: list[Output] = []
        self._backup: str | None = None
        self._timed: PendingCommit | None = None

    def in_session(self) -> ChangeResult:
        if self._policy.backup:
            self._backup = self._text("show running-config")
        wanted = [*self._policy.parents, *self._change.lines]
        diff = ""
        name = ""
        if wanted or self._replace:
            name, diff = self._stage(wanted)
            if diff and (self._policy.before or self._policy.after):
                self._abort(name)
                wanted = [*self._policy.before, *wanted, *self._policy.after]
                name, diff = self._stage(wanted)
        settled = False
        try:
            if diff and not self._change.dry_run:
                self._commit(name)
                settled = True
        finally:
            # An abort that fails must not hide what went wrong before; it is a pending session at most.
            if name and not settled:
                self._abort(name)
        return self._result(changed=bool(diff), diff=diff, applied=wanted if diff else [])

    def line_by_line(self) -> ChangeResult:
        """Without a session: into the running configuration, as pyeapi's own ``config`` does."""
        lines = list(self._change.lines)
        if lines:
            self._type(["configure terminal"], lines, fate="had been applied")
        return self._result(changed=bool(lines), diff="", applied=lines)

    # -- steps ------------------------------------------------------------------------------------------------------

    def _stage(self, lines: Sequence[str]) -> tuple[str, str]:
        """Type the lines into a new session: its name, and how it differs from the running configuration."""
        name = SESSION_PREFIX + secrets.token_hex(4)
        self._outputs.clear()
        opening = [f"configure session {name}"]
        if self._replace:
            opening.append("rollback clean-config")
        try:
            self._type(opening, lines, fate="were not committed")
            answer = self._text(f"show session-config named {name} diffs")
        except (DriverError, CommandError):
            self._abort(name)
            raise
        # the session's random name stands in the head of the difference; two equal changes shall read equal
        return name, answer.replace(name, SESSION_PREFIX.rstrip("-")) if answer.strip() else ""

    def _type(self, opening: list[str], lines: Sequence[str], *, fate: str) -> None:
        commands = [*opening, *_commands(lines)]
        started = time.monotonic()
        try:
            answers = self._session.run(commands, call=self._call, **self._options)
        except CommandError as error:
            raise self._refused(error, commands, len(opening), fate, time.monotonic() - started) from error
        except SessionLost as error:
            if fate == "were not committed":
                error.message += "; the configuration session was not committed"
            raise
        each = (time.monotonic() - started) / len(commands)
        for command, answer in zip(commands[len(opening) :], answers[len(opening) :], strict=True):
            self._outputs.append(Output(_line(command), answer, each, changed=True))

    def _refused(
        self, error: CommandError, commands: list[Command], opening: int, fate: str, elapsed: float
    ) -> DriverError:
        position = failed_position(error) - 1  # enable came first
        refused = self._session.refused(error, commands)
        taken = [_line(command) for command in commands[opening:position]] if position >= opening else []
        said = refused.device_output
        outputs = [Output(line, {}, changed=fate == "had been applied") for line in taken]
        if position < opening or not isinstance(refused, CommandRefused):
            refused.outputs = outputs
            return refused
        line = _line(commands[position])
        outputs.append(Output(line, said, elapsed, failed=True))
        total = len(commands) - opening
        return CommandRefused(
            f"the device refused line {position - opening + 1} of {total}, '{line}': {said.splitlines()[0]}; "
            f"{len(taken)} lines before it {fate}",
            device_output=said,
            details=[
                {
                    **refused.details[0],
                    "line": line,
                    "number": position - opening + 1,
                    "applied": taken if fate == "had been applied" else [],
                }
            ],
            outputs=outputs,
        )

    def _commit(self, name: str) -> None:
        timer = ""
        seconds = 0
        if self._change.revert_in is not None:
            seconds = max(1, round(self._change.revert_in))
            timer = f" timer {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        command = f"configure session {name} commit{timer}"
        started, since = time.monotonic(), time.time()
        try:
            answer = self._session.ask([command], call=self._call)[0]
        except DriverError as error:
            error.outputs = [*self._outputs, *error.outputs]
            raise
        if timer:
            self._timed = PendingCommit(name=name, seconds=seconds, since=since)
        extra = {"confirm_within": self._change.revert_in} if timer else {}
        self._outputs.append(Output(command, answer, time.monotonic() - started, extra=extra))

    def _abort(self, name: str) -> None:
        """Throw a session away. EOS keeps five pending ones at most, so none may be left behind."""
        try:
            self._session.ask([f"configure session {name} abort"], call=self._call)
        except DriverError as error:
            self._outputs.append(Output(f"configure session {name} abort", error.message, failed=True))

    def _result(self, *, changed: bool, diff: str, applied: list[str]) -> ChangeResult:
        saved = False
        if not self._change.dry_run and self._wants_saving(changed=changed):
            started = time.monotonic()
            answer = self._session.ask(["write memory"], call=self._call)[0]
            self._outputs.append(Output("write memory", answer, time.monotonic() - started))
            saved = True
        return ChangeResult(
            outputs=list(self._outputs),
            changed=changed,
            diff=diff,
            applied=applied,
            saved=saved,
            backup=self._backup,
            pending=self._timed,
        )

    def _wants_saving(self, *, changed: bool) -> bool:
        if self._save or (self._policy.save_when == "changed" and changed):
            return True
        if self._policy.save_when != "modified":
            return False
        return _bare(self._text("show running-config")) != _bare(self._text("show startup-config"))

    def _text(self, command: str) -> str:
        return str(self._session.ask([command], call=self._call, encoding="text")[0]["output"])


def _commands(lines: Sequence[str]) -> list[Command]:
    """Lines as eAPI takes them: a banner's text goes beside its command, comments and empty lines are left out."""
    commands: list[Command] = []
    physical = [part for line in lines for part in line.split("\n")]
    for block in join_blocks(physical, _MULTILINE):
        first, newline, rest = block.partition("\n")
        text = first.strip()
        if not text or (text.startswith("!") and not text.startswith("!!")):
            continue
        if not newline:
            commands.append(text)
            continue
        body = rest.split("\n")
        if body and body[-1].strip() == "EOF":
            body.pop()
        commands.append({"cmd": text, "input": "\n".join(body)})
    return commands


def _line(command: Command) -> str:
    return command if isinstance(command, str) else f"{command['cmd']}\n{command['input']}"


def _bare(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("!")]
