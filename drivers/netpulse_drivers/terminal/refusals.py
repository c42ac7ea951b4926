"""How platforms say no. Data: one list of expressions a family, matched at the start of a line.

A device that refuses a command answers with a handful of lines; an output that quotes such a text (a log, a stored
session) is longer or has it in mid-line. Hence two rules for queries: the expression must match at the line's start,
and the whole answer must be short. An answer to a configuration line is short by nature and is searched completely.

Sources of the wordings: the terminal plug-ins of the Ansible collections cisco.ios, cisco.nxos, cisco.iosxr,
arista.eos, junipernetworks.junos, vyos.vyos and community.network, and FRRouting's lib/vty.c and vtysh.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_REFUSAL_LINES = 12
"""Non-blank lines of an answer that may still be a refused query."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Expressions of one family.

    Attributes:
        query: an answer to a query that means no.
        change: an answer to a configuration line that means no, beyond ``query``.
        harmless: lines that ``change`` would match but that only inform.
    """

    query: re.Pattern[str]
    change: re.Pattern[str]
    harmless: re.Pattern[str]


def _any_of(*expressions: str) -> re.Pattern[str]:
    return re.compile("^(?:" + "|".join(expressions) + ")", re.MULTILINE) if expressions else re.compile(r"(?!)")


_CISCO_QUERY = (
    r"(?:ERROR: )?% ?(?:Invalid|Incomplete|Ambiguous|Unknown|Unrecognized|Unavailable|Bad|Command incomplete)\b",
    r"% ?There is no matched command",
    r"(?:Invalid|Incomplete|Ambiguous|Configuration not allowed)\b[^\n]* at '\^' marker",  # NX-OS, without the sign
    r"% ?(?:Error|Permission denied|Authorization failed|Access denied|This command is not authorized)\b",
    r"%? ?Command authorization failed",
    r"% (?:Type|Please) ",
    r"%? ?(?:Command )?[Rr]ejected: ",
    r"Command rejected: ",
    r"Line has invalid autocommand",
    r"Cmd exec error",
    r"Syntax error(?: while parsing|:)",
    r"ERROR: ",
    r"Error: (?:Unrecognized|Ambiguous|Incomplete|Wrong|Invalid|Too many|Bad)",
    r"%Error\b",
)

_HUAWEI = (
    r"Error: ?",
    r"% ?(?:Unrecognized|Incomplete|Ambiguous|Wrong|Too many|Invalid)\b",
)

_JUNOS = (
    r"syntax error[.,]",
    r"unknown command\.",
    r"error: ",
    r"invalid value",
    r"missing argument",
    r"missing mandatory argument",
    r"'[^'\n]*' is ambiguous\.",
)

_SHELL = (
    r"-?[\w./-]*sh: (?:line )?[^\n]*(?:command not found|not found|[Pp]ermission denied|[Ss]yntax error)",
    r"[\w./-]+: command not found",
)

_VYOS = (
    r"[ \t]*Invalid command: ",
    r"[ \t]*Ambiguous command: ",
    r"[ \t]*Incomplete command: ",
    r"[ \t]*Configuration path: .* is not valid",
    r"[ \t]*Set failed",
    r"[ \t]*Delete failed",
    r"[ \t]*Commit failed",
    r"-?[\w./-]*sh: ",
)

# A line of "% text" is an error in configuration mode, unless it only informs. Syslog lines (%FACILITY-3-NAME:) have
# no blank after the sign and do not match; nor do a few errors, which are listed.
_CISCO_CHANGE = (
    r"% (?=\S)",
    r"%% ",
    r"\^\s*$(?=\n%)",
    r"(?i:error: )",
    r"Cannot apply ",
    r"Duplicate sequence number",
    r"Bad mask ",
    r"%Inconsistent address and mask",
    r"%[^\n]* in use, cannot ",
    r"%SNMP agent not enabled",
    r"%You must disable ",
    r"startup-config file open failed",  # IOS, saving while somebody else saves
    r"Configuration update aborted",  # NX-OS, saving
)
_CISCO_HARMLESS = (
    r"% ?(?:Warning|Note|Info(?:rmational)?|NOTE|WARNING|INFO)\b",
    r"% [^\n]*(?:has been|have been|were|was) (?:removed|disabled|enabled|changed|updated)",
    r"% [^\n]*disabled and address(?:\(es\))? removed",
    r"% [^\n]*addresses? from all interfaces in VRF [^\n]* (?:has|have) been removed",
    r"% [^\n]*does not exist[.,] [Cc]reating\b",  # the VLAN of an access port
    r"% Login disabled on line \d+, until 'password' is set",
    r"% Not all config may be removed and may reappear",  # a removed subinterface
    r"% OSPF: Reference bandwidth is changed",
    r"% Deleted all L3 config on interface",
    r"% (?:Generating|The key modulus|The name for the keys|Applying|Saving|Done|OK\b|Updated?)",
    r"% [^\n]*(?:will take effect|takes effect|after (?:the )?(?:next )?re(?:load|boot))",
)

FAMILIES: dict[str, Refusals] = {
    "cisco": Refusals(query=_any_of(*_CISCO_QUERY), change=_any_of(*_CISCO_CHANGE), harmless=_any_of(*_CISCO_HARMLESS)),
    "huawei": Refusals(query=_any_of(*_HUAWEI), change=_any_of(), harmless=_any_of()),
    "junos": Refusals(query=_any_of(*_JUNOS), change=_any_of(r"error:", r"warning: .* failed"), harmless=_any_of()),
    "shell": Refusals(query=_any_of(*_SHELL), change=_any_of(), harmless=_any_of()),
    "vyos": Refusals(query=_any_of(*_VYOS), change=_any_of(), harmless=_any_of()),
    "generic": Refusals(
        query=_any_of(*_CISCO_QUERY, *_HUAWEI[1:], r"Error: ", r"error: syntax"),
        change=_any_of(*_CISCO_CHANGE),
        harmless=_any_of(*_CISCO_HARMLESS),
    ),
}


def refused_query(output: str, family: str) -> str:
    """The line with which the device refused a query, or "" if the output is no refusal."""
    head = output[: MAX_REFUSAL_LINES * 600]
    if len(head) < len(output) or sum(1 for line in head.splitlines() if line.strip()) > MAX_REFUSAL_LINES:
        return ""
    return _line_at(output, FAMILIES[family].query)


def refused_line(answer: str, family: str) -> str:
    """The line with which the device refused a configuration line, or ""."""
    refusals = FAMILIES[family]
    found = _line_at(answer, refusals.query)
    if found:
        return found
    return next(
        (
            _whole_line(answer, match.start())
            for match in refusals.change.finditer(answer)
            if not refusals.harmless.match(answer, match.start())
        ),
        "",
    )


def _line_at(text: str, pattern: re.Pattern[str]) -> str:
    found = pattern.search(text)
    return _whole_line(text, found.start()) if found else ""


def _whole_line(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)].strip()
