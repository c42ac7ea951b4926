"""What the driver must know about a platform beyond netmiko: how prompts look, how modes are entered and left.

Data, not classes. A platform that is not listed gets ``GENERIC``: queries still run event-driven against the prompt
learnt at login, modes are entered and left by netmiko's own methods.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field, replace
from typing import Literal

from netpulse_drivers.terminal.refusal_texts import FAMILY_OF, UNKNOWN

# Prompt expressions match a whole line, without trailing blanks. Groups: host (what stays the same between modes),
# context (where on the device: virtual system, VRF, logical system, shell, directory), mode (present in configuration
# mode), end (tells privilege). What stands outside of groups (counters, marks of unsaved changes, the state of a
# cluster) makes no difference.
_NAME = r"[\w.\-+:/@~]{1,100}"
_STACK = r"(?:\((?:s\d|admin|standby)\))?"
_MAINTENANCE = r"(?:\(maint(?:-mode)?\))?"
_CISCO_MODE = (
    r"(?P<mode>\((?:conf|config|cfg|vlan|admin-config)[^()\n]{0,100}\)"
    r"|\((?!s\d|admin\)|standby|maint|vrf:|nxos\)|fxos\)|local-mgmt)[a-z][^()\n]{0,60}\))?"
)
_CISCO_CONTEXT = r"(?P<context>%[\w.\-]{1,64}|\((?:vrf:[^()\n]{1,60}|nxos|fxos|local-mgmt[^()\n]{0,20})\))?"
_CISCO_PROMPT = (
    rf"(?P<host>(?:RP/\d+/\S+?/CPU\d+:)?{_NAME}{_STACK}){_MAINTENANCE}"
    rf"{_CISCO_CONTEXT}{_CISCO_MODE}(?P<end>[>#])"
)
_ASA_PROMPT = rf"(?P<host>[\w.\-+:@~]{{1,100}})(?P<context>(?:/[\w.\-]{{1,64}}){{0,4}}){_CISCO_MODE}(?P<end>[>#])"
_NXOS_PROMPT = rf"(?P<host>{_NAME}){_MAINTENANCE}{_CISCO_CONTEXT}{_CISCO_MODE}(?P<end>[>#])"
_HUAWEI_PROMPT = (
    r"(?:HRP_[MSAB]|RBM_[PSB])?"
    r"(?:<(?P<host>[^<>\n]{1,120})(?P<end>>)|\[[~*]?(?P<mode>[^\[\]\n]{1,160})\])"
)
_JUNOS_PROMPT = (
    r"(?:\{\S+\}\s*)?(?P<host>[\w.\-]+(?:@[\w.\-]*)?)(?P<context>:[\w.\-]{1,64}(?:/[\w.\-]{1,64})?)?"
    r"(?:(?P<end>>)|(?P<mode>#))"
)
_PANOS_PROMPT = (
    r"(?P<host>[\w.\-\\]+@[\w.\-]+)(?:\([\w \-]{1,40}\))?(?P<context> [\w.\-]{1,64})?(?:(?P<end>>)|(?P<mode>#))"
)
_VYOS_PROMPT = r"(?P<host>[\w.\-]+@[\w.\-]+)(?::(?P<context>[^\n$#]{0,200})(?P<end>[$#>])|(?P<mode>#))"
_SHELL_PROMPT = r"\[?(?P<host>[\w.\-]+@[\w.\-]+)(?P<context>[: ][^\n]{0,300}?)?\]?(?P<end> ?[$#%>])"
_EXOS_PROMPT = (
    r"(?:[*!] ?)?(?:Slot-\d+ )?(?P<context>\([^()\n]{1,60}\) ?)?(?:[*!] ?)?"
    r"(?P<host>[^\n]{1,100}?)(?:\.\d+) ?(?P<end>[>#])"
)
_F5_PROMPT = (
    r"(?P<host>[\w.\-]+@\([\w.\-]+\))\(cfg-sync [^()\n]{0,60}\)\([^()\n]{0,60}\)"
    r"(?P<context>\(/[^()\n]{0,100}\)\(tmos[^()\n]{0,100}\))(?P<end>#)"
)
_WLC_PROMPT = r"(?P<host>\([^()\n]{1,100}\)) ?(?P<mode>[\w\- ]{1,60})?(?P<end>[>#])"
_ARUBA_OS_PROMPT = (
    r"(?P<host>\([^()\n]{1,100}\)) ?[*^]*(?P<context>\[[^\[\]\n]{1,100}\])? ?"
    r"(?P<mode>\([^()\n]{1,60}\))? ?(?P<end>[>#])"
)
_SROS_PROMPT = r"\*?(?P<host>[A-D]:[\w.\-@]{1,100})(?P<mode>>[^#$\n]{1,200})?(?P<end>[#$])"
_GAIA_PROMPT = r"(?P<host>[\w.\-]{1,100})(?P<context>:[\w\-]{1,20})?(?P<end>[>#])"
_GENERIC_PROMPT = (
    r"(?:[*!+~^]{1,2} ?)?(?P<host>[^\n]{1,300}?)\*?(?P<mode>(?: ?[(\[<][^()\[\]<>\n]{0,120}[)\]>])*?)"
    r"(?P<end> ?[>#$%\]\)])"
)

WIDE = frozenset({_SHELL_PROMPT, _GENERIC_PROMPT})
"""Expressions that would match almost any line: a line that only has this form is no prompt."""

MOVES = re.compile(
    r"\s*(?:do |sudo |exec |request |execute |run (?=util|cli|ssh))?(?:"
    # to another device, line card or member
    r"ssh2?|slogin|telnet|stelnet|rlogin|rsh|connect|attach|session|slot|remote|rcommand|console|routing-engine login"
    r"|node|member|hw-module|fhexec"
    # to another context
    r"|switchto|switchback|changeto|switch (?:vsys|vd|context|virtual|mdc)|routing-context|context|vrf|chvrf|vdom|vsys"
    r"|set (?:cli|virtual-system|system setting)|clear cli|cli|logical-system|virtual-router|virtual"
    r"|config (?:vdom|global)|edit|setcontext|foscontext|sysadmin"
    # to another shell, user or privilege
    r"|start shell|shell|bash|sh|zsh|csh|su|sudo|expert|clish|python\d?|vtysh|guestshell|ip netns exec|docker|kubectl"
    r"|run(?= bash|\s*$)|util bash|tmsh|system (?:shell|support)|system-shell|debug shell"
    r"|platform software system shell|diag|diagnose|enable|disable|super|admin"
    # to another place, and back
    r"|scope|top|up|cd|login|logout|exit|quit|end|return"
    r")(?!\w)",
    re.IGNORECASE,
)
"""Commands that may lead to another device, another context or another shell, and back."""

LEADS_AWAY = re.compile(
    r"\s*(?:do |execute |run |exec )?(?:ssh2?|slogin|telnet|stelnet|rlogin|rsh|switchto|changeto|connect|attach"
    r"|session|slot|rcommand|remote (?:command|login)|routing-context)(?!\w)",
    re.IGNORECASE,
)
"""Of these the ones that lead to where the prompt may look the same."""

RENAMES = re.compile(
    r"\s*(?:set (?:system )?|system |no )?(?:host-?name|sysname|switchname|prompt)\b"
    r"|\s*(?:/?configure system name|set deviceconfig system hostname|system identity set|configure snmp sysname"
    r"|set / system name|system set name)\b",
    re.IGNORECASE,
)
"""Lines that give the device another name."""


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
        refusals: key of ``refusal_texts.FAMILIES``.
        reader: ``event`` reads by the learnt prompt; ``netmiko`` leaves commands to netmiko's own methods, for
            devices that repaint their prompt line.
        enable: command that raises privilege; "" when there is none or netmiko must do it.
        disable: command that gives it back.
        privileged: ``end`` of a privileged prompt.
        config_enter, config_leave: commands; "" leaves it to netmiko.
        modeless: no configuration mode: lines are typed where the session stands. ``config_leave`` then closes one
            block that they left open, shown by the prompt's group ``mode``.
        to_top: typed in configuration mode before it is left or committed, to return to its top; "" needs none.
        mode_line: what stands above the prompt (or the prompt itself) and tells the mode, where the prompt's own line
            does not: groups ``config`` (present in configuration mode) and ``dirty`` (something is not committed).
        change_enables: whether a change that says nothing about privilege raises it.
        left_out: lines of a change that are not typed: comments, and what would leave configuration mode.
        abort: commands that leave configuration mode and throw a candidate away; () where lines take effect at once.
        abort_answers: questions that ``abort`` is known to ask.
        commit: command that makes a candidate effective; "" where there is none.
        commit_answers: questions that ``commit`` is known to ask.
        commit_at_top: whether ``commit`` is typed in configuration mode; False: after it was left.
        commit_then: command that makes the commit final; "" where it is.
        commit_reason: command that tells, in configuration mode, why a commit failed; "" where its answer does.
        commit_persists: whether a commit is in the start-up configuration as well.
        dirty: what the answer to ``config_enter`` says when the candidate holds somebody's edits.
        dirty_check: command that asks before configuration mode is entered; ``dirty`` is looked for in its answer.
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
        save_in_config: whether ``save`` is typed in configuration mode.
        save_done: what must stand in the answer to a successful ``save``; "" when only refusals tell.
        save_answers: questions that ``save`` is known to ask.
        running, startup: commands that print the configurations; "" when there is none.
        indented: whether the running configuration shows its hierarchy by indentation.
        multiline: (first line, delimiter group) of commands that swallow lines until a delimiter.
        whole: (first line, last line) of sections that the device replaces as a whole when they are entered.
        comparable: whether a configuration can be compared line by line; False: its blocks have closing lines.
        context_moves: whether the context is one in which any command may move (a directory).
        variants: (expression for the prompt after the login, platform) of command lines that share a device type.
    """

    prompt: str = _GENERIC_PROMPT
    refusals: str = "generic"
    reader: Literal["event", "netmiko"] = "event"
    enable: str = ""
    disable: str = ""
    privileged: str = ""
    config_enter: str = ""
    config_leave: str = ""
    modeless: bool = False
    to_top: str = ""
    mode_line: str = ""
    change_enables: bool = True
    left_out: str = ""
    abort: tuple[str, ...] = ()
    abort_answers: tuple[Answer, ...] = ()
    commit: str = ""
    commit_answers: tuple[Answer, ...] = ()
    commit_at_top: bool = True
    commit_then: str = ""
    commit_reason: str = ""
    commit_persists: bool = True
    dirty: str = ""
    dirty_check: str = ""
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
    save_in_config: bool = False
    save_done: str = ""
    running: str = ""
    startup: str = ""
    indented: bool = True
    multiline: tuple[str, ...] = ()
    whole: tuple[tuple[str, str], ...] = ()
    comparable: bool = True
    variants: tuple[tuple[str, Platform], ...] = ()
    context_moves: bool = False
    expression: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", re.compile(self.prompt))

    @property
    def telling(self) -> bool:
        """Whether ``prompt`` is the platform's own, not one that fits almost any line."""
        return self.prompt not in WIDE


_COMMENT_OR_END = r"!|end\s*$"

GENERIC = Platform(left_out=_COMMENT_OR_END)

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
    left_out=_COMMENT_OR_END,
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
    commit_reason="show configuration failed",
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
_NXOS = replace(
    _CISCO,
    prompt=_NXOS_PROMPT,
    enable="enable",
    save="copy running-config startup-config",
    multiline=(_BANNER_DELIMITED,),
)
_ASA = replace(_CISCO, prompt=_ASA_PROMPT, save_answers=(), multiline=())
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
_COMWARE = replace(_HUAWEI, refusals="comware", save="save force")
_HUAWEI_V8 = replace(
    _HUAWEI,
    mode_line=r"^\[(?P<dirty>\*)?[^\[\]\n]+\]\s*\Z",
    commit="commit",
    commit_check="",
    commit_persists=False,
    abort=("return",),
    abort_answers=(Answer(r"(?i)uncommitted configuration[^\n]*\[y[^\n]*\]\s*:?", "n"),),
    commit_failed=r"Error:",
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
    # "configure exclusive" refuses with the second text; "configure" enters and says the first
    dirty=r"configuration has been changed but not committed|configuration database modified",
    commit_done=r"commit complete|commit confirmed will be automatically rolled back",
    commit_failed=r"error: ",
    running="show configuration | display set",
    indented=False,
)
_VYOS = Platform(
    prompt=_VYOS_PROMPT,
    context_moves=True,
    refusals="vyos",
    config_enter="configure",
    config_leave="exit",
    abort=("exit discard",),
    commit="commit",
    commit_comment='commit comment "{comment}"',
    commit_unchanged=r"No configuration changes to commit",
    commit_failed=r"(?:Commit|commit) failed|Failed to generate committed config",
    commit_persists=False,
    save="save",
    save_in_config=True,
    save_done=r"Done|[Ss]aving configuration|already saved",
    running="show configuration commands",
    indented=False,
)
# Palo Alto Networks, "PAN-OS CLI quick start": one candidate for all administrators; a commit is a job.
_PANOS = Platform(
    prompt=_PANOS_PROMPT,
    refusals="panos",
    privileged=">",
    config_enter="configure",
    config_leave="exit",
    abort=("revert config", "exit"),
    commit="commit",
    commit_comment='commit description "{comment}"',
    commit_unchanged=r"(?i:no (?:pending )?changes to commit)",
    commit_done=r"(?i:configuration committed successfully)",
    commit_failed=r"(?i:commit failed|validation error|server error)",
    dirty=r"^[ \t]*yes\b|uncommitted changes",
    dirty_check="check pending-changes",
    indented=False,
)
# Nokia, "SR OS MD-CLI user guide": the line above the prompt tells mode and state, *(ex)[/configure]
_SROS_MD = Platform(
    prompt=_SROS_PROMPT,
    refusals="sros",
    reader="netmiko",
    config_enter="edit-config exclusive",
    config_leave="quit-config",
    to_top="exit all",
    mode_line=r"^!?(?P<dirty>\*)?(?P<config>\((?:ex|gl|pr)\))?(?:\(ro\))?\[[^\n]*\]\s*$",
    change_enables=False,
    abort=("discard", "quit-config"),
    commit="commit",
    commit_comment='commit comment "{comment}"',
    commit_failed=r"(?:MINOR|MAJOR|CRITICAL): ",
    commit_persists=False,
    save="admin save",
    indented=False,
)
_SROS = Platform(
    prompt=_SROS_PROMPT,
    refusals="sros",
    reader="netmiko",
    modeless=True,
    change_enables=False,
    save="admin save",
    variants=((r"[A-D]:\S+@\S+#", _SROS_MD),),
)
# Nokia, "SR Linux CLI guide": --{ * candidate private admin }--[ interface ethernet-1/1 ]--
_SRL = Platform(
    refusals="srl",
    config_enter="enter candidate private",
    config_leave="enter running",
    mode_line=r"^--\{ ?(?P<dirty>[!+]*\*[!+*]*)?[!+ ]*(?P<config>candidate)?[^\n{}]*\}--[^\n]*$",
    change_enables=False,
    abort=("discard stay", "enter running"),
    commit="commit stay",
    commit_comment='commit stay comment "{comment}"',
    commit_done=r"All changes have been committed|(?i:no changes)",
    commit_unchanged=r"(?i)no changes",
    commit_failed=r"(?m:^(?:Parsing )?[Ee]rror: )|(?i:commit failed|validation (?:failed|error))",
    commit_persists=False,
    save="save startup",
    running="info flat from running",
    indented=False,
)
# Tail-f's ConfD, as Cisco's vEdge has it
_VIPTELA = replace(
    _CISCO,
    refusals="confd",
    enable="",
    disable="",
    config_enter="config terminal",
    abort=("end",),
    abort_answers=(Answer(r"Uncommitted changes found, commit them\?[^\n]*", "no"),),
    commit="commit",
    commit_comment='commit comment "{comment}"',
    commit_done=r"Commit complete|No modifications to commit",
    commit_unchanged=r"No modifications to commit",
    commit_failed=r"Aborted: |Error: ",
    dirty=r"[Uu]ncommitted changes",
    save="",
    save_answers=(),
    startup="",
    multiline=(),
)
# Eltex, "ESR command reference": the commit is typed at the command line and rolled back unless it is confirmed
_ELTEX_ESR = replace(
    _CISCO,
    config_enter="configure",
    abort=("end", "rollback"),
    commit="commit",
    commit_at_top=False,
    commit_then="confirm",
    commit_unchanged=r"(?i)nothing to commit|no (?:configuration )?changes",
    commit_failed=r"(?i)can't commit|error|failed|Nothing to confirm",
    save="",
    save_answers=(),
    multiline=(),
)
# IP Infusion, "OcNOS system management guide": a transaction a session
_OCNOS = replace(
    _CISCO,
    abort=("abort transaction", "end"),
    commit="commit",
    commit_comment="commit description {comment}",
    commit_unchanged=r"(?i)no (?:configuration )?changes|nothing to commit|No transaction in progress",
    commit_failed=r"Failed to commit",
    commit_persists=False,
    save="write",
)
# FortiOS: "config" and "edit" open blocks; "next" and "end" write what was set in them, "abort" throws it away
_FORTIOS = Platform(
    prompt=r"(?P<host>[\w.\-]+)(?: \((?P<mode>[^()\n]{1,80})\))? ?(?P<end>[#$])",
    refusals="fortinet",
    modeless=True,
    config_leave="end",
    change_enables=False,
    abort=("abort",),
    comparable=False,
)
_GAIA = Platform(prompt=_GAIA_PROMPT, refusals="gaia", modeless=True, change_enables=False, save="save config")
_TMSH = Platform(
    prompt=_F5_PROMPT, refusals="tmsh", modeless=True, change_enables=False, save="save sys config", comparable=False
)
_WLC = Platform(prompt=_WLC_PROMPT, refusals="wlc", modeless=True, change_enables=False)
_SHELL = Platform(
    prompt=_SHELL_PROMPT, context_moves=True, refusals="shell", enable="sudo -s", disable="exit", privileged="#"
)
_REPAINTING = replace(GENERIC, reader="netmiko")

_BY_DEVICE_TYPE: dict[str, Platform] = {
    "arista_eos": _EOS,
    "alcatel_sros": _SROS,
    "aruba_os": replace(GENERIC, prompt=_ARUBA_OS_PROMPT),
    "aruba_aoscx": replace(_CISCO, refusals="aoscx", save="write memory", multiline=()),
    "brocade_vyos": _VYOS,
    "checkpoint_gaia": _GAIA,
    "cisco_asa": _ASA,
    "cisco_ios": _CISCO,
    "cisco_nxos": _NXOS,
    "cisco_viptela": _VIPTELA,
    "cisco_wlc": _WLC,
    "cisco_xe": _CISCO,
    "cisco_xr": _CISCO_XR,
    "dell_os9": _CISCO,
    "dell_os10": _CISCO,
    "dell_force10": _CISCO,
    "dell_sonic": replace(_CISCO, enable="", disable=""),
    "edgecore_sonic": _SHELL,
    "eltex": _CISCO,
    "eltex_esr": _ELTEX_ESR,
    "extreme_exos": replace(GENERIC, prompt=_EXOS_PROMPT),
    "f5_ltm": _TMSH,
    "f5_tmsh": _TMSH,
    "fiberstore_networkos": _CISCO,
    "fortinet": _FORTIOS,
    "h3c_comware": _COMWARE,
    "hp_comware": _COMWARE,
    "huawei": _HUAWEI,
    "huawei_vrp": _HUAWEI,
    "huawei_vrpv8": _HUAWEI_V8,
    "ipinfusion_ocnos": _OCNOS,
    "juniper": _JUNOS,
    "juniper_junos": _JUNOS,
    "linux": _SHELL,
    "cumulus_linux": _SHELL,
    "maipu": _CISCO,
    "nokia_srl": _SRL,
    "nokia_sros": _SROS,
    "paloalto_panos": _PANOS,
    "ruckus_fastiron": replace(_CISCO, refusals="fastiron"),
    "brocade_fastiron": replace(_CISCO, refusals="fastiron"),
    "ruijie_os": _CISCO,
    "ubiquiti_edgerouter": _VYOS,
    "vyatta_vyos": _VYOS,
    "vyos": _VYOS,
    "zte_zxros": replace(_CISCO, save="write"),
    # These draw their prompt line again and again with cursor movements; netmiko knows how to read them.
    "mikrotik_routeros": _REPAINTING,
    "mikrotik_switchos": _REPAINTING,
    "generic_termserver": _REPAINTING,
}


@functools.cache
def platform_of(device_type: str) -> Platform:
    """The platform's data; transports (``_telnet``, ``_ssh``) make no difference."""
    name = device_type.removesuffix("_telnet").removesuffix("_ssh")
    platform = _BY_DEVICE_TYPE.get(name, GENERIC)
    if platform.refusals == UNKNOWN and name in FAMILY_OF:
        return replace(platform, refusals=FAMILY_OF[name])
    return platform


def variant_of(platform: Platform, prompt: str) -> Platform:
    """The platform that the prompt after the login shows, where one device type has several command lines."""
    return next((variant for shape, variant in platform.variants if re.fullmatch(shape, prompt)), platform)
