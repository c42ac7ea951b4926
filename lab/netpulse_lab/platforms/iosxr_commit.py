"""The two stages of Cisco IOS-XR: lines go to a candidate, ``commit`` puts them in force."""

from __future__ import annotations

from netpulse_lab.candidate import apply, pending, unified
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Ask, Outcome, Say
from netpulse_lab.platform import Command, ConfigRule, RankedRule

RELEASE = "7.3.2"
_HEAD = f"Building configuration...\n!! IOS XR Configuration {RELEASE}\n"
_UNCOMMITTED = "Uncommitted changes found, commit them before exiting(yes/no/cancel)? [cancel]:"
_OVERTAKEN = (
    "One or more commits have occurred from other\n"
    "configuration sessions since this session started\n"
    "or since the last commit was made from this session.\n"
    "You can use the 'show configuration commit changes since' command to browse the changes.\n"
)


def configure(shell: Interpreter, found: Match[Command]) -> str:
    shell.enter_config(shell.device.running.copy())
    return ""


def _commit(shell: Interpreter) -> str:
    """Put the candidate in force; the session goes on from there."""
    device = shell.device
    lines = pending(shell)
    if not lines:
        return "% No configuration changes to commit.\n"
    overtaken = shell.base != device.running.version
    try:
        tree = apply(device, lines, username=shell.username)
    except ValueError as error:
        return f"% Failed to commit one or more configuration items: {error}\n"
    device.replace_running(tree, shell.username)
    # XR keeps what is committed over a reload; it knows no startup configuration.
    device.startup = device.running.copy()
    device.journal.event("commit", session=shell.session, lines=lines)
    if overtaken:
        shell.enter_config(device.running.copy())
    else:
        shell.base, shell.origin = device.running.version, device.running.copy()
    return ""


def commit_confirmed(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    """``commit confirmed [SECONDS]``: goes back unless a ``commit`` comes in time, from whatever session."""
    device = shell.device
    before = device.running.copy()
    seconds = int(found.arguments[0]) if found.arguments else 600
    done = _commit(shell)
    if done:
        return done

    def revert() -> None:
        device.candidates.confirm()
        device.replace_running(before, "commit-timer")
        device.startup = device.running.copy()
        device.journal.event("commit reverted")

    device.candidates.confirm()
    device.candidates.start(seconds, revert, before=before)
    return ""


def commit(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    """``commit``; asks when somebody else has committed in between. It confirms a trial commit, with or without changes
    of its own."""
    if shell.device.candidates.before is not None:
        shell.device.candidates.confirm()
        shell.device.journal.event("commit confirmed", session=shell.session)
    if shell.base == shell.device.running.version:
        return _commit(shell)

    def answered(answer: str) -> Outcome:
        return Say(_commit(shell) if answer.strip().lower() in ("y", "yes") else "")

    question = "Do you wish to proceed with this commit anyway? [no]:"
    return Ask(text=_OVERTAKEN, question=question, then=answered)


def commit_replace(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    """``commit replace``: the candidate's changes alone become the configuration, after a question."""

    def answered(answer: str) -> Outcome:
        if answer.strip().lower() not in ("y", "yes"):
            return Say()
        assert shell.tree is not None, "commit stands in configuration mode"
        shell.device.replace_running(shell.tree.copy(), shell.username)
        shell.device.startup = shell.device.running.copy()
        shell.device.journal.event("commit", session=shell.session, replace=True)
        shell.base, shell.origin = shell.device.running.version, shell.device.running.copy()
        return Say()

    text = (
        "This commit will replace or remove the entire running configuration. This\n"
        "operation can be service affecting.\n"
    )
    return Ask(text=text, question="Do you wish to proceed? [no]: ", then=answered)


def _leave(shell: Interpreter) -> Outcome | str:
    if not pending(shell):
        shell.leave_config()
        return ""

    def answered(answer: str) -> Outcome:
        match answer.strip().lower():
            case "yes" | "y":
                said = _commit(shell)
                if not said:
                    shell.leave_config()
                return Say(said)
            case "no" | "n":
                shell.device.journal.event("abort", session=shell.session)
                shell.leave_config()
                return Say()
            case _:
                return Say()

    return Ask(question=_UNCOMMITTED, then=answered)


def end(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    return _leave(shell)


def step_out(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    """``exit``: one level up, out of configuration mode at the top."""
    if len(shell.contexts) > 1:
        shell.contexts.pop()
        return ""
    return _leave(shell)


def abort(shell: Interpreter, found: Match[RankedRule], negative: bool) -> str:
    if pending(shell):
        shell.device.journal.event("abort", session=shell.session)
    shell.leave_config()
    return ""


def clear(shell: Interpreter, found: Match[RankedRule], negative: bool) -> str:
    shell.enter_config(shell.device.running.copy())
    return ""


def root(shell: Interpreter, found: Match[RankedRule], negative: bool) -> str:
    del shell.contexts[1:]
    return ""


def show_changes(shell: Interpreter, found: Match[RankedRule], negative: bool) -> str:
    return _HEAD + "".join(f"{line}\n" for line in pending(shell)) + "end\n\n"


def show_diff(shell: Interpreter, found: Match[RankedRule], negative: bool) -> str:
    return _HEAD + "".join(f"{line[0]}  {line[1:]}\n" for line in unified(shell)) + "end\n\n"


def show(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    """XR knows show commands in every configuration mode, without ``do``."""
    return shell.execute(f"show {found.arguments[0]}")


COMMIT_LINES = (
    ConfigRule(syntax="commit replace", instead=commit_replace),
    ConfigRule(syntax="commit confirmed [<30-65535>]", instead=commit_confirmed),
    ConfigRule(syntax="commit [show-error] [label <word>] [comment <line>]", instead=commit),
    ConfigRule(syntax="abort", instead=abort),
    ConfigRule(syntax="clear", instead=clear),
    ConfigRule(syntax="root", instead=root),
    ConfigRule(syntax="end", instead=end),
    ConfigRule(syntax="exit", instead=step_out),
    ConfigRule(syntax="show configuration [merge]", instead=show_changes),
    ConfigRule(syntax="show commit changes diff", instead=show_diff),
    ConfigRule(syntax="show <line>", instead=show),
)
