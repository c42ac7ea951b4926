"""What ``runCmds`` does: commands in order in a session of their own, stopped at the first that fails.

Error codes as Arista documents them: 1000 could not run the command, 1001 internal error, 1002 invalid command, 1003
no JSON form of this output, 1004 the command wants a terminal, 1005 not permitted. The error's data holds what the
commands before gave, and for the one that failed its ``errors``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import faults as switches
from .faults import CommandFault
from .grammar import Rejection
from .interpreter import Interpreter
from .outcome import Ask, Break, Collect, Leave, Outcome, Pause, Say

COULD_NOT_RUN, INTERNAL, INVALID, UNCONVERTED, INCOMPATIBLE, DENIED = range(1000, 1006)

_WORDS = {
    COULD_NOT_RUN: "could not run command",
    INTERNAL: "internal error",
    INVALID: "invalid command",
    UNCONVERTED: "unconverted command",
    INCOMPATIBLE: "incompatible command",
    DENIED: "permission to run command denied",
}
_INVALID = re.compile(r"% (Invalid|Incomplete|Ambiguous)")


class Cut(Exception):
    """A fault: the connection is to be cut instead of an answer."""

    def __init__(self, action: switches.Cut) -> None:
        super().__init__(action)
        self.action = action


class CommandFailed(Exception):
    """A command failed; the text is the message of the JSON-RPC error."""

    def __init__(self, code: int, message: str, data: list[Any]) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class _Refused(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def run_commands(shell: Interpreter, commands: Sequence[Any], *, text: bool) -> list[Any]:
    """The results of all commands.

    Raises:
        CommandFailed: at the first that fails; the others are not run.
        Cut: a fault struck.
    """
    results: list[Any] = []
    for number, item in enumerate(commands, start=1):
        line = str(item.get("cmd", "")) if isinstance(item, Mapping) else str(item)
        typed = str(item.get("input", "")) if isinstance(item, Mapping) else ""
        try:
            results.append(_run(shell, line, typed, text=text))
        except _Refused as refused:
            words = f"CLI command {number} of {len(commands)} '{line}' failed: {_WORDS[refused.code]}"
            raise CommandFailed(refused.code, words, [*results, {"errors": [str(refused)]}]) from None
    return results


def _run(shell: Interpreter, line: str, typed: str, *, text: bool) -> Any:
    device = shell.device
    device.journal.line(session=shell.session, mode=shell.mode, kind="command", text=line)
    faults = device.faults
    if any(re.search(one, line) for one in faults.deny_commands):
        raise _Refused(DENIED, f"Authorization denied for command '{line}'")
    fault = faults.command_fault(line) if faults.commands else None
    if fault is not None:
        return _forced(fault, text=text)
    if shell.contexts and any(re.search(one, line) for one in faults.refuse_config):
        raise _Refused(COULD_NOT_RUN, faults.refuse_config_text)
    if not text and (data := _data(shell, line)) is not None:
        return data
    said = _said(shell, line, typed)
    if said.startswith("% ") or "\n% " in said:
        raise _Refused(INVALID if _INVALID.search(said) else COULD_NOT_RUN, said.strip().removeprefix("% "))
    if text:
        return {"output": said}
    if _shows(line):
        raise _Refused(
            UNCONVERTED,
            "Command cannot be used over the API at this time. To see ASCII output, set format='text' in your request",
        )
    return {"messages": [said]} if said else {}


def _forced(fault: CommandFault, *, text: bool) -> Any:
    if fault.action == "refuse":
        raise _Refused(fault.code, fault.text.strip().removeprefix("% "))
    if fault.action == "question":
        raise _Refused(INCOMPATIBLE, "Command not permitted via API access")
    if fault.action == "replace":
        return {"output": fault.text} if text else {"messages": [fault.text]}
    raise Cut(fault.action)


def _shows(line: str) -> bool:
    return line.split(" ", 1)[0] in ("show", "dir", "ping", "more")


def _data(shell: Interpreter, line: str) -> Any:
    """The structured form of a command's output; None when the command has none, or does not exist."""
    if "|" in line:
        return None
    found = shell.platform.exec_grammar(shell.privilege).match(line)
    if isinstance(found, Rejection) or found.payload is None or found.payload.json is None:
        return None
    return found.payload.json(shell, found)


def _said(shell: Interpreter, line: str, typed: str) -> str:
    """Run a line; questions are answered with ``typed``."""
    outcome: Outcome = shell.run(line)
    rest = typed.split("\n") if typed else []
    shown = ""
    while True:
        match outcome:
            case Say():
                return shown + outcome.text
            case Collect():
                if not rest:
                    raise _Refused(INCOMPATIBLE, "Command not permitted via API access without its input")
                shown += outcome.text
                outcome = _collected(outcome, rest)
            case Ask() if not outcome.echo:
                # the secret of "enable": one attempt, an empty one when none was sent
                outcome = outcome.then(typed)
                if isinstance(outcome, Ask):
                    raise _Refused(DENIED, "Bad secret")
            case Pause():
                outcome = outcome.then()
            case Break():
                raise Cut(outcome.action)
            case Ask() | Leave():
                raise _Refused(INCOMPATIBLE, "Command not permitted via API access")


def _collected(asked: Collect, lines: list[str]) -> Outcome:
    for line in [*lines, "EOF"]:
        done = asked.take(line)
        if done is not None:
            return done
    return Say()
