"""Typing the lines of a change, one by one, up to the first that the device refuses."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from netpulse_drivers.bounded_regex import BoundedRegex
from netpulse_drivers.errors import CommandRefused
from netpulse_drivers.netmiko.config.change_modes import mode_after
from netpulse_drivers.netmiko.config.commit import judged, presented
from netpulse_drivers.netmiko.operation_args import DEFAULT_READ_TIMEOUT, NetmikoChangeArgs
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.results import Output
from netpulse_drivers.terminal.refusals import refused_line

_BANNER = BoundedRegex(r"^banner\s", name="bypass_commands")
_COMMITS = re.compile(r"\s*commit\b")


class LineSender:
    """Types the lines of one change.

    Attributes:
        dirty: whether the candidate differed from the running configuration after the last line; None: the platform's
            prompt does not tell.
        committed: whether one of the lines was a commit, and worked.
        in_config: whether the last line's prompt is one of configuration mode.
        refused: the lines that the device refused although nobody asked to stop there.
    """

    def __init__(self, session: NetmikoSession, args: NetmikoChangeArgs) -> None:
        self._session = session
        self._args = args
        self._bypass = BoundedRegex(args.bypass_commands, name="bypass_commands") if args.bypass_commands else _BANNER
        self._terminator = BoundedRegex(args.terminator, name="terminator") if args.terminator else None
        self._error_pattern = (
            BoundedRegex(args.error_pattern, name="error_pattern", multiline=True) if args.error_pattern else None
        )
        self.dirty: bool | None = None
        self.committed = False
        self.in_config = True
        self.refused: list[str] = []

    def send(self, lines: Sequence[str], *, in_config: bool) -> None:
        """Type them; each answer joins the session's progress.

        Args:
            in_config: the session was put into configuration mode, which the lines should not leave before the last.

        Raises:
            CommandRefused: at the first refused line; ``details`` hold what had been applied.
        """
        session = self._session
        for number, line in enumerate(lines):
            if in_config:
                self._refuse_leaving_inside(lines, number)
            started = time.monotonic()
            reply = session.ask(
                line,
                deadline=session.read_deadline(self._args.read_timeout, DEFAULT_READ_TIMEOUT),
                verify=self._args.cmd_verify and not self._bypass.search(line),
                also=self._terminator,
                any_name=session.platform.renames.match(line) is not None,
            )
            text = presented(session, reply, line, self._args)
            if "\n" in line:
                text = _between(reply.echo, text)
            refusal = self._refusal(line, _answers(text, line) if "\n" in line else text)
            session.progress.append(
                Output(
                    command=line,
                    output=text,
                    elapsed=time.monotonic() - started,
                    failed=bool(refusal),
                    changed=not refusal,
                )
            )
            if refusal and self._stops:
                raise _refused(session, lines, number, refusal, text)
            if refusal:
                self.refused.append(f"'{line}': {refusal}")
            mode = mode_after(session, reply.output)
            self.dirty, self.in_config = mode.dirty, mode.config
            if in_config and not mode.config and number + 1 < len(lines):
                raise _refused(
                    session, lines, number, "it left configuration mode before the last line", text, applied=1
                )

    def _refuse_leaving_inside(self, lines: Sequence[str], number: int) -> None:
        """An entry with line breaks is one input: what follows an ``end`` in it would be typed as commands.

        Raises:
            CommandRefused: nothing of the entry was typed.
        """
        first, *rest = re.split(r"[\r\n]+", lines[number])
        leaving = {"end", self._session.platform.config_leave, *self._session.platform.abort} - {""}
        left_by = [line.strip() for line in (first, *rest)[:-1] if line.strip().lower() in leaving]
        if not left_by or self._bypass.search(lines[number]) or not self._session.platform.comparable:
            return
        raise _refused(
            self._session,
            lines,
            number,
            f"'{left_by[0]}' inside of it leaves configuration mode, and what follows would be typed as commands; give "
            "each line an entry of its own",
            "",
        )

    @property
    def _stops(self) -> bool:
        return self._args.check_errors or self._error_pattern is not None

    def _refusal(self, line: str, text: str) -> str:
        if self._error_pattern is not None:
            found = self._error_pattern.search(text)
            return text[slice(*found)].strip() or "error_pattern matched" if found else ""
        platform = self._session.platform
        if platform.commit and _COMMITS.match(line):
            failed, unchanged = judged(platform, text)
            self.committed = self.committed or not (failed or unchanged)
            return (refused_line(text, platform.refusals) or text.strip()[:300] or "no commit") if failed else ""
        return refused_line(text, platform.refusals)


def _between(echo: str, text: str) -> str:
    """The answers to an input of several lines: those to its first lines stand among the echoes of the others."""
    _, _, rest = echo.partition("\n")
    return f"{rest}\n{text}" if rest and not text.startswith(echo) else text


def _answers(text: str, typed: str) -> str:
    """Without the lines that only repeat what was typed: a banner may say "% Authorised users only"."""
    given = {line.strip() for line in typed.split("\n")}
    return "\n".join(line for line in text.split("\n") if line.strip() not in given)


def _refused(
    session: NetmikoSession, lines: Sequence[str], number: int, reason: str, text: str, *, applied: int = 0
) -> CommandRefused:
    taken = list(lines[: number + applied])
    fate = "were not committed" if session.platform.commit else "had been applied"
    return CommandRefused(
        f"the device refused line {number + 1} of {len(lines)}, '{lines[number]}': {reason}; "
        f"{number} lines before it {fate}",
        device_output=text,
        details=[{"line": lines[number], "number": number + 1, "applied": [] if session.platform.commit else taken}],
        outputs=session.progress,
    )
