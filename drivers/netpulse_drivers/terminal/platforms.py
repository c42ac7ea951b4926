"""What the driver must know about a platform beyond netmiko: how prompts look, how modes are entered and left.

Data, not classes. A platform that is not listed gets ``GENERIC``: queries still run event-driven against the prompt
learnt at login, modes are entered and left by netmiko's own methods.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

# Prompt expressions match a whole line, without trailing blanks. Groups: host (what stays the same between modes),
# mode (present in configuration mode), end (tells privilege).
_CISCO_PROMPT = (
    r"(?P<host>(?:RP/\d+/\S+?/CPU\d+:)?[\w.\-+:/@~]{1,100}(?:\((?:s\d|s[12]|admin|standby)\))?)"
    r"(?P<mode>\((?:conf|config|cfg|vlan|admin-config)[^()\n]{0,100}\)|\((?!s\d|admin\)|standby)[a-z][^()\n]{0,60}\))?"
    r"(?P<end>[>#])"
)
_HUAWEI_PROMPT = r"(?:HRP_[MS])?(?:<(?P<host>[^<>\n]{1,120})(?P<end>>)|\[(?P<mode>[~*]?[^\[\]\n]{1,160})\])"
_JUNOS_PROMPT = r"(?:\{\S+\}\s*)?(?P<host>[\w.\-]+@[\w.\-]+)(?P<end>>)|(?P<mode>[\w.\-]+@[\w.\-]+#)"
_VYOS_PROMPT = r"(?P<host>[\w.\-]+@[\w.\-]+)(?::[^\n$#]{0,200}(?P<end>[$#>])|(?P<mode>#))"
_SHELL_PROMPT = r"(?P<host>[^\n]{0,400}?)(?P<end>[$#%>])"
_GENERIC_PROMPT = r"(?P<host>[^\n]{1,300}?)(?P<end>[>#$%\]\)])"


@dataclass(frozen=True, slots=True)
class Answer:
    """A question that a command is known to ask, and what to type."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One platform's ways.

    Attributes:
        prompt: any prompt of it, a whole line.
        refusals: key of ``refusals.FAMILIES``.
        reader: ``event`` reads by the learnt prompt; ``netmiko`` leaves commands to netmiko's own methods, for
            devices that repaint their prompt line.
        enable: command that raises privilege; "" when there is none or netmiko must do it.
        disable: command that gives it back.
        privileged: ``end`` of a privileged prompt.
        config_enter, config_leave: commands; "" leaves it to netmiko.
        abort: commands that leave configuration mode and throw a candidate away; () where lines take effect at once.
        abort_answers: questions that ``abort`` is known to ask.
        commit: command that makes a candidate effective; "" where there is none.
        commit_answers: questions that ``commit`` is known to ask.
        commit_check: command that validates a candidate without effect.
        commit_comment: how a comment is appended to ``commit``.
        commit_confirmed: command for a commit that is rolled back unless confirmed; ``{seconds}`` or ``{minutes}``.
        commit_waits: operational command that tells whether a confirmed commit waits; "" where the platform does not
            tell.
        commit_waiting: what stands in its answer while one does.
        commit_back: configuration line that brings the configuration before the last commit into the candidate; "" when
            a confirmed commit can only be left to its timer.
        commit_unchanged: what the device says to a commit of lines that changed nothing; "" when it does not tell.
        commit_done: what must stand in the answer of a successful commit; "" when only refusals tell.
        commit_failed: what tells a failed commit.
        save: command that writes the start-up configuration; "" leaves it to netmiko.
        save_answers: questions that ``save`` is known to ask.
        running, startup: commands that print the configurations; "" when there is none.
        indented: whether the running configuration shows its hierarchy by indentation.
        multiline: (first line, delimiter group) of commands that swallow lines until a delimiter.
        whole: (first line, last line) of sections that the device replaces as a whole when they are entered.
    """

    prompt: str = _GENERIC_PROMPT
    refusals: str = "generic"
    reader: Literal["event", "netmiko"] = "event"
    enable: str = ""
    disable: str = ""
    privileged: str = ""
    config_enter: str = ""
    config_leave: str = ""
    abort: tuple[str, ...] = ()
    abort_answers: tuple[Answer, ...] = ()
    commit: str = ""
    commit_answers: tuple[Answer, ...] = ()
    commit_check: str = ""
    commit_comment: str = ""
    commit_confirmed: str = ""
    commit_waits: str = ""
    commit_waiting: str = ""
    commit_back: str = ""
    commit_unchanged: str = ""
    commit_done: str = ""
    commit_failed: str = ""
    save: str = ""
    save_answers: tuple[Answer, ...] = ()
    running: str = ""
    startup: str = ""
    indented: bool = True
    multiline: tuple[str, ...] = ()
    whole: tuple[tuple[str, str], ...] = ()
    expression: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", re.compile(self.prompt))


GENERIC = Platform()

_BANNER_DELIMITED = r"banner (?:motd|login|exec|incoming|prompt-timeout|slip-ppp|config-save)\s+(?P<delimiter>\^?\S)"
_BANNER_EOF = r"banner (?:motd|login|exec)\s*$"

_CISCO = Platform(
    prompt=_CISCO_PROMPT,
    refusals="cisco",
    enable="enable",
    disable="disable",
    privileged="#",
    config_enter="configure terminal",
    config_leave="end",
    save="write memory",
    save_answers=(
        Answer(r"Overwrite the previous NVRAM configuration\?\s*\[confirm\]", ""),
        Answer(r"Destination filename \[startup-config\]\?", ""),
        Answer(r"(?:Are you sure you want to|Do you want to) save[^\n]*(?:\(y/n\)|\[y/n\])[:?]?", "y"),
    ),
    running="show running-config",
    startup="show startup-config",
    multiline=(_BANNER_DELIMITED,),
)
_CISCO_XR = replace(
    _CISCO,
    enable="",
    disable="",
    abort=("abort",),
    commit="commit",
    commit_comment="commit comment {comment}",
    commit_confirmed="commit confirmed {seconds}",
    commit_unchanged=r"% ?No configuration changes to commit",
    # Somebody else committed meanwhile: answering "no" leaves their work alone and fails this job.
    commit_answers=(Answer(r"Do you wish to proceed with this commit anyway\?[^\n]*", "no"),),
    commit_failed=r"% ?Failed to commit|One or more commits have occurred from other",
    save="",
    save_answers=(),
    startup="",
    whole=(
        (r"route-policy [^\s(]+(?:\([^)\n]*\))?\s*(?:$|\n)", "end-policy"),
        (r"(?:prefix|as-path|community|extcommunity|large-community|rd|tag|ospf-area|etag|mac)-set \S", "end-set"),
        (r"policy-global\s*(?:$|\n)", "end-global"),
    ),
)
_EOS = replace(_CISCO, multiline=(_BANNER_EOF,))
_NXOS = replace(_CISCO, enable="enable", save="copy running-config startup-config", multiline=(_BANNER_DELIMITED,))
_ASA = replace(_CISCO, save_answers=(), multiline=())
_HUAWEI = Platform(
    prompt=_HUAWEI_PROMPT,
    refusals="huawei",
    privileged=">",
    config_enter="system-view",
    config_leave="return",
    save="save",
    save_answers=(
        Answer(r"(?i)(?:continue|sure)[^\n]*\[y/n\]\s*:?", "y"),
        Answer(r"(?i)file ?name[^\n]*\[[^\n]*\]\s*:?", ""),
        Answer(r"(?i)overwrite[^\n]*\[y/n\]\s*:?", "y"),
    ),
    running="display current-configuration",
    startup="display saved-configuration",
)
_HUAWEI_V8 = replace(
    _HUAWEI,
    commit="commit",
    commit_check="",
    abort=("return",),
    abort_answers=(Answer(r"(?i)uncommitted configuration[^\n]*\[y[^\n]*\]\s*:?", "n"),),
    commit_failed=r"Error:",
    save="",
    save_answers=(),
    startup="",
)
_JUNOS = Platform(
    prompt=_JUNOS_PROMPT,
    refusals="junos",
    privileged=">",
    config_enter="configure exclusive",
    config_leave="exit configuration-mode",
    abort=("rollback 0", "exit configuration-mode"),
    commit="commit",
    commit_check="commit check",
    commit_comment='commit comment "{comment}"',
    commit_confirmed="commit confirmed {minutes}",
    commit_waits="show system commit",
    # The newest commit stands first: "0   2026-01-02 03:04:05 UTC by admin via cli commit confirmed, rollback in 5mins"
    commit_waiting=r"\A\s*0\s[^\n]*commit confirmed, rollback in \d+\s*mins?",
    commit_back="rollback 1",
    commit_done=r"commit complete|commit confirmed will be automatically rolled back",
    commit_failed=r"error: ",
    running="show configuration | display set",
    indented=False,
)
_VYOS = Platform(
    prompt=_VYOS_PROMPT,
    refusals="vyos",
    config_enter="configure",
    config_leave="exit",
    abort=("exit discard",),
    commit="commit",
    commit_comment='commit comment "{comment}"',
    commit_unchanged=r"No configuration changes to commit",
    commit_failed=r"(?:Commit|commit) failed",
    save="",
    running="show configuration commands",
    indented=False,
)
_SHELL = Platform(prompt=_SHELL_PROMPT, refusals="shell", enable="sudo -s", disable="exit", privileged="#")
_REPAINTING = replace(GENERIC, reader="netmiko")

_BY_DEVICE_TYPE: dict[str, Platform] = {
    "arista_eos": _EOS,
    "aruba_aoscx": replace(_CISCO, save="write memory", multiline=()),
    "cisco_asa": _ASA,
    "cisco_ios": _CISCO,
    "cisco_nxos": _NXOS,
    "cisco_xe": _CISCO,
    "cisco_xr": _CISCO_XR,
    "dell_os9": _CISCO,
    "dell_os10": _CISCO,
    "dell_force10": _CISCO,
    "dell_sonic": replace(_CISCO, enable="", disable=""),
    "edgecore_sonic": _SHELL,
    "eltex": _CISCO,
    "fiberstore_networkos": _CISCO,
    "h3c_comware": replace(_HUAWEI, save="save force"),
    "hp_comware": replace(_HUAWEI, save="save force"),
    "huawei": _HUAWEI,
    "huawei_vrp": _HUAWEI,
    "huawei_vrpv8": _HUAWEI_V8,
    "ipinfusion_ocnos": _CISCO,
    "juniper": _JUNOS,
    "juniper_junos": _JUNOS,
    "linux": _SHELL,
    "cumulus_linux": _SHELL,
    "maipu": _CISCO,
    "ruckus_fastiron": _CISCO,
    "brocade_fastiron": _CISCO,
    "ruijie_os": _CISCO,
    "vyatta_vyos": _VYOS,
    "vyos": _VYOS,
    "zte_zxros": replace(_CISCO, save="write"),
    # These draw their prompt line again and again with cursor movements; netmiko knows how to read them.
    "aruba_osswitch": _REPAINTING,
    "aruba_procurve": _REPAINTING,
    "hp_procurve": _REPAINTING,
    "mikrotik_routeros": _REPAINTING,
    "mikrotik_switchos": _REPAINTING,
    "generic_termserver": _REPAINTING,
    "nokia_sros": _REPAINTING,
}


def platform_of(device_type: str) -> Platform:
    """The platform's data; transports (``_telnet``, ``_ssh``) make no difference."""
    name = device_type.removesuffix("_telnet").removesuffix("_ssh")
    return _BY_DEVICE_TYPE.get(name, GENERIC)
