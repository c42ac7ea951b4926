"""Commands about the session itself, and the lines that every configuration mode knows."""

from __future__ import annotations

from .config_edit import remove_line
from .grammar import Match
from .interpreter import Interpreter
from .outcome import Ask, Leave, Outcome, Say
from .platform import Command, ConfigRule, RankedRule


def enable(shell: Interpreter, found: Match[Command]) -> Outcome | str:
    """Ask for the enable secret, again after a wrong one, up to the device's limit."""
    device = shell.device
    if shell.privilege >= 15:
        return ""
    if device.platform.check_secret(device, "") is None:
        if device.platform.no_secret:
            return device.platform.no_secret
        shell.privilege = 15
        return ""
    wrong = 0

    def judge(secret: str) -> Outcome:
        nonlocal wrong
        if device.platform.check_secret(device, secret):
            shell.privilege = 15
            return Say()
        wrong += 1
        device.journal.event("bad enable secret", session=shell.session)
        if wrong >= device.spec.enable_attempts:
            return Say(device.platform.bad_secret)
        return question

    question = Ask(question="Password: ", then=judge, echo=False)
    return question


def disable(shell: Interpreter, found: Match[Command]) -> str:
    shell.privilege = 1
    return ""


def leave(shell: Interpreter, found: Match[Command]) -> Outcome:
    return Leave()


def set_length(shell: Interpreter, found: Match[Command]) -> str:
    shell.length = int(found.arguments[0]) if found.arguments else shell.platform.pager.length
    return shell.platform.length_set if shell.length == 0 else ""


def set_width(shell: Interpreter, found: Match[Command]) -> str:
    shell.width = int(found.arguments[0]) if found.arguments else 80
    return shell.platform.width_set.format(shell.width)


def configure(shell: Interpreter, found: Match[Command]) -> str:
    shell.enter_config()
    return shell.platform.configured


def show_history(shell: Interpreter, found: Match[Command]) -> str:
    return "".join(f"  {line}\n" for line in shell.history)


def show_privilege(shell: Interpreter, found: Match[Command]) -> str:
    return f"Current privilege level is {shell.privilege}\n"


def _nothing(shell: Interpreter, found: Match[Command]) -> str:
    return ""


SESSION_COMMANDS = (
    Command(syntax="enable [<0-15>]", run=enable),
    Command(syntax="disable", run=disable),
    Command(syntax="exit", run=leave),
    Command(syntax="logout", run=leave),
    Command(syntax="quit", run=leave),
    Command(syntax="terminal length <0-512>", run=set_length),
    Command(syntax="terminal no length", run=set_length),
    Command(syntax="terminal width <0-32767>", run=set_width),
    Command(syntax="terminal no width", run=set_width),
    Command(syntax="terminal [no] monitor", run=_nothing),
    Command(syntax="show history", run=show_history),
    Command(syntax="show privilege", run=show_privilege),
)


def _exit(shell: Interpreter, found: Match[RankedRule], negative: bool) -> str:
    if len(shell.contexts) > 1:
        shell.contexts.pop()
    else:
        shell.leave_config()
    return ""


def _end(shell: Interpreter, found: Match[RankedRule], negative: bool) -> str:
    shell.leave_config()
    return ""


def _no(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    return remove_line(shell, found.arguments[0], behind="no ")


def _default(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    return remove_line(shell, found.arguments[0], behind="default ")


def _do(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    return shell.execute(found.arguments[0], behind="do ")


CONFIG_CONTROLS = (
    ConfigRule(syntax="exit", instead=_exit),
    ConfigRule(syntax="end", instead=_end),
    ConfigRule(syntax="no <line>", instead=_no),
    ConfigRule(syntax="default <line>", instead=_default),
    ConfigRule(syntax="do <line>", instead=_do),
)
