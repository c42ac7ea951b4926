"""One command that asks the device something."""

from __future__ import annotations

import re
import time

from netmiko.base_connection import BaseConnection

from netpulse_drivers.base import Call
from netpulse_drivers.bounded_regex import BoundedRegex
from netpulse_drivers.errors import CommandRefused, InvalidArguments
from netpulse_drivers.netmiko.config.privilege import raise_privilege
from netpulse_drivers.netmiko.operation_args import DEFAULT_READ_TIMEOUT, NetmikoQueryArgs
from netpulse_drivers.netmiko.parsing import check_parsers, parse
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.results import Output
from netpulse_drivers.terminal.refusals import refused_query
from netpulse_drivers.terminal.reply import Reply
from netpulse_drivers.terminal.terminal_text import last_line

_LINE_BREAK = re.compile(r"[\r\n]")


def run_query(
    session: NetmikoSession, command: str, args: NetmikoQueryArgs, *, call: Call, secret: str | None
) -> Output:
    """Run one query at the privilege that the request asks for, where the session stands.

    Raises:
        CommandRefused: the device answered with an error; ``outputs`` holds the answer.
        PrivilegeRefused, ParseFailed, InvalidArguments; the session's ``operation`` adds the rest.
    """
    check_parsers(args, call)
    if _LINE_BREAK.search(command.rstrip("\r\n")):
        raise InvalidArguments("a query must not hold a line break: send several commands as a list")
    if call.enable:
        raise_privilege(session, secret)
    started = time.monotonic()
    if session.platform.reader == "netmiko" and not call.answers:  # netmiko's own loop answers nothing
        text, refusable = _by_netmiko(session, command, args), True
    else:
        reply = _exchange(session, command, args)
        text, refusable = _presented(session, reply, command, args), reply.ended_by != "expected"
    elapsed = time.monotonic() - started
    refusal = _refusal(session, text, args) if refusable else ""
    if refusal:
        output = Output(command=command, output=text, elapsed=elapsed, failed=True)
        raise CommandRefused(f"the device refused '{command}': {refusal}", device_output=text, outputs=[output])
    parsed = parse(text, command, session.connection.device_type, args, call)
    return Output(command=command, output=text, elapsed=elapsed, parsed=parsed)


def _exchange(session: NetmikoSession, command: str, args: NetmikoQueryArgs) -> Reply:
    verify = args.cmd_verify if session.connection.global_cmd_verify is None else session.connection.global_cmd_verify
    return session.ask(
        command.rstrip() if args.normalize else command,
        deadline=session.read_deadline(args.read_timeout, DEFAULT_READ_TIMEOUT),
        verify=verify,
        expect=BoundedRegex(args.expect_string, name="expect_string") if args.expect_string else None,
    )


def _presented(session: NetmikoSession, reply: Reply, command: str, args: NetmikoQueryArgs) -> str:
    """The output with or without echo and prompt, by netmiko's rules and the platform's own."""
    text = reply.output
    if args.strip_prompt and reply.ended_by != "expected":
        if reply.ended_by == "unterminated":
            text = text.rstrip(" ").removesuffix(session.prompt.text)
        else:
            stripped = session.connection.strip_prompt(text)
            text = stripped if stripped != text else _without_last_line(text, reply.last_line)
    if not reply.echo:  # nobody looked for it
        return session.connection.strip_command(command, text) if args.strip_command else text
    return text if args.strip_command else f"{reply.echo}{session.connection.RESPONSE_RETURN}{text}"


def _without_last_line(text: str, line: str) -> str:
    head, newline, last = text.rpartition("\n")
    if last.strip() != line.strip():
        return text
    return head if newline else ""


def _refusal(session: NetmikoSession, text: str, args: NetmikoQueryArgs) -> str:
    if args.error_pattern:
        found = BoundedRegex(args.error_pattern, name="error_pattern", multiline=True).search(text)
        return text[slice(*found)].strip() or "error_pattern matched" if found else ""
    return refused_query(text, session.platform.refusals) if args.check_errors else ""


def _by_netmiko(session: NetmikoSession, command: str, args: NetmikoQueryArgs) -> str:
    """netmiko's own send_command, for platforms that repaint their prompt; its reads still block on the channel."""
    connection = session.connection
    session.at_prompt = False
    deadline = session.read_deadline(args.read_timeout, DEFAULT_READ_TIMEOUT)
    text = BaseConnection.send_command(
        connection,
        command,
        expect_string=args.expect_string,
        read_timeout=deadline.remaining(),
        strip_prompt=args.strip_prompt,
        strip_command=args.strip_command,
        normalize=args.normalize,
        cmd_verify=args.cmd_verify,
    )
    line = last_line(connection.transcript)
    if session.prompt.accepts(line) or session.prompt.resembles(line):
        session.arrived_at(line)
    else:
        session.at_prompt = args.expect_string is None
    return str(text)  # no converter was asked for
