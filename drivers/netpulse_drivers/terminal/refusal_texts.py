"""The texts with which platforms refuse a command, one family of command lines each.

Expressions match at the start of a line. ``query`` is what an answer to a query means no with; ``change`` adds what
only the answer to a configuration line does; ``harmless`` are lines that begin like a refusal and only inform.

Sources of the wordings, unless a family names its own: the terminal plug-ins of the Ansible collections cisco.ios,
cisco.nxos, cisco.iosxr, arista.eos, junipernetworks.junos, vyos.vyos, community.routeros, f5networks.f5_modules,
dellemc.enterprise_sonic and community.network; FRRouting's lib/vty.c and vtysh.c; the vendors' command references.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusals:
    """Expressions of one family.

    Attributes:
        query: an answer to a query that means no.
        change: an answer to a configuration line that means no, beyond ``query``.
        harmless: lines that ``query`` or ``change`` would match but that only inform.
    """

    query: re.Pattern[str]
    change: re.Pattern[str]
    harmless: re.Pattern[str]


def _any_of(*expressions: str) -> re.Pattern[str]:
    return re.compile("^(?:" + "|".join(expressions) + ")", re.MULTILINE) if expressions else re.compile(r"(?!)")


def _family(query: tuple[str, ...], change: tuple[str, ...] = (), harmless: tuple[str, ...] = ()) -> Refusals:
    return Refusals(_any_of(*query), _any_of(*change), _any_of(*harmless))


_CISCO_QUERY = (
    r"(?:ERROR: )?%% ?(?:Invalid|Incomplete|Ambiguous|Unrecognized)\b",  # EXOS and others double the sign
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

_NO_COMPLAINT = (
    r"(?![^\n]*\b(?:[Ff]ail(?:s|ed|ure)?|FAILED|[Ee]rror|ERROR|[Cc]annot|[Cc]an't|[Aa]lready|[Ee]xceed(?:s|ed)?|[Rr]eached"
    r"|[Nn]ot (?:allowed|permitted|supported)|[Dd]enied|[Rr]ejected|[Ii]nvalid|[Ii]gnored|[Aa]bort(?:ed|ing)?"
    r"|[Uu]nable)\b)"
)
"""What an information does not say."""

_CISCO_HARMLESS = (
    r"%%? ?(?:Warning|Note|Info(?:rmational)?|NOTE|WARNING|INFO)\b",
    # what was done, is being done or will be done of its own accord
    (
        r"% " + _NO_COMPLAINT + r"[^\n]*\b(?:has been|have been|were|was|is being|are being|will be) (?:removed|deleted"
        r"|cleared|disabled|enabled|changed|updated|created|added|reset|applied|saved|imported|installed|generated"
        r"|modified|replaced|converted|moved|restarted|overwritten|lost)\b"
    ),
    r"% [^\n]*disabled and address(?:\(es\)|es)? removed",
    # "% Interface Gi0/1 IP address 10.1.1.1 removed due to enabling VRF RED", and its likes when a VRF is left
    r"% " + _NO_COMPLAINT + r"[^\n]*\b(?:removed|disabled|cleared|deleted|reset|unconfigured)\b[^\n]* due to ",
    r"% [^\n]*addresses? from all interfaces in VRF [^\n]* (?:has|have) been removed",
    r"% [^\n]*does not exist[.,] [Cc]reating\b",  # the VLAN of an access port
    r"% Login disabled on line \d+, until 'password' is set",
    r"% Not all config may be removed and may reappear",  # a removed subinterface
    r"% OSPF: Reference bandwidth is changed",
    r"% Deleted all L3 config on interface",
    r"% (?:The key modulus|The name for the keys|Done|OK\b|Updated?)",
    # "% Importing pkcs12...", "% Generating 2048 bit RSA keys", "% Applying ...": what is being done
    r"% " + _NO_COMPLAINT + r"(?:Import|Export|Generat|Apply|Sav|Creat|Remov|Add|Updat|Delet|Load|Copy|Writ|Convert"
    r"|Clear|Enabl|Disabl|Build|Process|Verify|Install|Synchroniz)ing\b",
    # a certificate or a key pair that was imported
    r"% " + _NO_COMPLAINT + r"[^\n]*\b(?:successful(?:ly)?|succeeded)\b",
    # what the dialogue of crypto pki authenticate, enroll and import says on its way (Cisco, PKI configuration guide)
    (
        r"% (?:Do you accept this certificate|Start certificate enrollment|Create a challenge password"
        r"|The (?:subject name|fully-qualified domain name|serial number|IP address) in the certificate"
        r"|Include (?:the|an) [^\n]* in the (?:subject name|certificate)|Certificate request sent"
        r"|The '?show crypto|You already have [^\n]*keys? defined|They will be replaced|CA certificate)"
    ),
    r"% [^\n]*(?:will take effect|takes effect|after (?:the )?(?:next )?re(?:load|boot))",
    r"% Please (?:wait|note|be patient|remember|save)\b",
)

_HUAWEI = (
    r"Error: ?",
    r" ?% ?(?:Unrecognized|Incomplete|Ambiguous|Wrong|Too many|Invalid|Unknown)\b",
)

# H3C and HPE, "Fundamentals configuration guide": the messages stand behind a blank.
_COMWARE = (
    *_HUAWEI,
    r" ?Permission denied\.",
)
_COMWARE_CHANGE = (
    r" ?% (?=\S)",  # log lines have no blank: %Nov 30 12:00:00:000 2026 H3C ...
    r"[ \t]*(?:The )?[Oo]peration (?:failed|is not (?:allowed|supported))",
    r"[ \t]*(?:Can(?:no|')t|Failed to|Invalid|Unable to) ",
    r"[ \t]*The (?:\S+ ){1,8}(?:does not exist|already exists|doesn't exist|is not (?:supported|allowed|permitted))",
    r"[ \t]*(?:VLAN|Interface|Port|ACL|User|Index) [^\n]{0,60}(?:does not exist|doesn't exist|already exists)",
)

_JUNOS = (
    r"syntax error[.,]",
    r"unknown command\.",
    r"error: ",
    r"invalid (?:[\w-]+ ){0,4}value\b",
    r"missing argument",
    r"missing mandatory argument",
    r"'[^'\n]*' is ambiguous\.",
    r"permission denied\.?",
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
# Vyatta's configuration tools, from which both come
_VYOS_CHANGE = (
    r"[ \t]*The specified configuration node is not valid",
    r"[ \t]*(?:Value|Path) validation failed",
    r"[ \t]*Invalid (?:value|path)",
    r"[ \t]*Cannot (?:delete|set|exit|rename|copy)",
    r"[ \t]*\[\[?[^\n\]]+\]\]? failed",
)

# FortiOS CLI reference; every refused line ends with the return code
_FORTINET = (
    r"command parse error before ",
    r"Command fail\. Return code ",
    r"Unknown action \d",
    r"[Ii]ncomplete command",
    r"[Aa]mbiguous command",
    r"[Pp]ermission denied|[Ii]nsufficient permission",
)
_FORTINET_CHANGE = (
    r"node_check_object fail",
    r"value parse error before ",
    r"entry not found in datasource",
    r"object (?:set|check|unset) operator error",
    r"unset oper(?:ator)? error",
    r"token line: ",
    r"Attribute '[^'\n]*' MUST be set",
    r"[Mm]ust (?:set|specify) ",
    r"[^\n]{0,60}\bentry is (?:used|already)",
    r"attribute set operator error",
    r"failed command: ",
)

# Check Point, "Gaia administration guide" and support articles: a code of six letters and four digits, two blanks, the
# text. The owner of the configuration lock is told at read-only commands as well, which are answered all the same.
_GAIA = (
    r"CLINFR0(?!771)\d{3}[ \t]",
    r"[ \t]*Bad parameter starting at ",  # Gaia Embedded
    r"Incomplete command",
    *_SHELL,
)
_GAIA_CHANGE = (r"[A-Z]{6}\d{4}[ \t]{1,4}\S",)
_GAIA_HARMLESS = (r"CLINFR0699[ \t]",)

# F5, "tmsh reference guide"; mcpd's messages are <message id>:<severity>: <text>
_TMSH = (
    r"(?i:syntax error: )",
    r"Data Input Error: ",
    r"Unexpected Error: ",
    r"[0-9a-f]{8}:[0-4]: ",
    r"(?:Validation|Configuration|Loading) [Ee]rror",
    *_SHELL,
)
_TMSH_CHANGE = (r"(?i:error: )", r"[0-9a-f]{8}:\d: ")

# Cisco, "Wireless controller command reference"
_WLC = (
    r"[ \t]*Incorrect (?:usage|input)\b",
    r"[ \t]*(?:Invalid|Ambiguous|Unknown) (?:input|command|parameter|argument)\b",
    r"% ?Error",
)
_WLC_CHANGE = (
    r"[ \t]*HELP:\s*$",
    r"[ \t]*(?:Invalid|Cannot|Can't|Unable to|Request failed|Error)\b",
    r"[ \t]*[^\n]{0,80}\b(?:does not exist|already exists|not found|is (?:invalid|not (?:valid|supported|allowed)))\b",
    r"[ \t]*[^\n]{0,80}\bmust be (?:disabled|enabled|configured|created)\b",
)

# Nokia, "SR OS MD-CLI user guide", "classic CLI user guide", and nokia.sros' terminal plug-in
_SROS = (
    r"Error: ",
    r"(?:MINOR|MAJOR|CRITICAL): ",
)

# Nokia, "SR Linux CLI plug-in guide"
_SRL = (
    r"(?:Parsing )?[Ee]rror: ",
    r"(?:Unknown|Ambiguous|Incomplete|Invalid) (?:token|command|path|value)\b",
)
_SRL_CHANGE = (r"Failed to ", r"(?:Commit|Validation) (?:failed|error)")

# Palo Alto Networks, "PAN-OS CLI quick start"
_PANOS = (
    r"Unknown command: ",
    r"Invalid syntax\.",
    r"Server error ?: ",
    r"(?:Incomplete|Ambiguous) command",
    r"Not authorized",
)
_PANOS_CHANGE = (
    r"[ \t]*Validation Error",
    (
        r"[ \t]*[^\n]{1,200}\b(?:is invalid|is not a valid reference|constraints failed|is already in use"
        r"|unexpected here|is missing)\b"
    ),
    r"[ \t]*(?:Commit|Validation) failed",
    r"(?i:error: )",
    r"Object doesn't exist|No object to (?:edit|delete)",
)

# Extreme, "ExtremeXOS command reference"
_EXOS = (
    r"%% ?(?:Invalid|Incomplete|Ambiguous|Unrecognized|Permission)",
    r"Error: ",
)
_EXOS_CHANGE = (
    r"%% ",
    r"(?:Invalid|Cannot|Can't|Unable to|Failed to) ",
    r"(?:ERROR|Error)\b",
)

# HPE and Aruba, "ArubaOS-Switch basic operation guide"
_PROCURVE = (
    r"(?:Invalid|Incomplete|Ambiguous) input: ",
    r"Module not present for port or invalid port: ",
    r"Error: ",
)
_PROCURVE_CHANGE = (
    r"(?:Error|Unable to|Cannot|Can't|Failed to|Failure|Inconsistent value|Resource unavailable)\b",
    r"(?:Invalid|Bad) ",
    r"Value [^\n]{0,80}(?:is invalid|out of range)",
    r"(?:The )?[^\n]{0,80}\b(?:does not exist|already exists|not allowed|is not (?:supported|valid|allowed))\b",
    r"Command (?:not|failed)",
)
_AOSCX = (*_CISCO_QUERY, r"(?:Invalid|Incomplete|Ambiguous) input: ")
_AOSCX_CHANGE = (
    *_CISCO_CHANGE,
    r"(?:Cannot|Can't|Failed|Failure|Unable to|Overlapping|Operation not allowed|Command not allowed)\b",
)

# Ruckus, "FastIron command reference"
_FASTIRON = (
    r"(?:Invalid|Incomplete|Ambiguous|Unrecognized) (?:input|command)\b",
    r"Not authorized to execute this command",
    r"Error(?: -|:) ",
)
_FASTIRON_CHANGE = (
    r"(?i:error\b)",
    r"(?:Cannot|Can't|Unable to|Failed to|Invalid|Command rejected) ?",
    r"%[^\n]*\b(?:Error|Invalid|cannot)\b",
)

# MikroTik, RouterOS documentation ("Scripting", "Command line interface")
_ROUTEROS = (
    r"bad command name ",
    r"(?:syntax error|expected (?:end of )?[^\n]{1,60}) \(line \d+",
    r"expected end of command",
    r"no such item",
    r"invalid value (?:for|of) ",
    r"input does not match any value of ",
    r"ambiguous (?:value|command)",
    r"not enough permissions",
)
_ROUTEROS_CHANGE = (
    r"failure: ",
    r"missing value\(s\) of argument",
    r"value of [^\n]{1,80} (?:expects|out of range|must|contains|should)",
    r"(?:error: |action failed|invalid )",
    r"already have ",
    r"can(?:no|')t ",
)

# Ciena, "SAOS command reference"
_SAOS = (
    r"(?:SHELL|CLI) PARSER FAILURE",
    r"ERROR: ",
    r"Error: ",
)

# ConfD's command line (Viptela, Versa FlexVNF, Aviat, CROS, SAOS 10, SLX): Tail-f, "ConfD user guide"
_CONFD = (
    r"(?:-+\^\n)?syntax error: ",
    r"(?:syntax error|unknown (?:command|element|argument)|missing element)\b",
    r"Error: ",
    r"Aborted: ",
    r"%% ?Error",
    r"% ?(?:Error|No entries found|Invalid|Incomplete|Ambiguous|Unknown)\b",
)
_CONFD_HARMLESS = (r"% No entries found",)

# FASTPATH (Broadcom ICOS, Dell OS6, Netgear, EdgeSwitch)
_FASTPATH = (
    *_CISCO_QUERY,
    r"Command not found / Incomplete command",
    r"Unrecognized command ?:",
    r"(?:ERROR|Error)[!:]",
)
_FASTPATH_CHANGE = (
    *_CISCO_CHANGE,
    r"(?:An invalid|Invalid|Failure|Unable to|Cannot|Could not|Failed to)\b",
    r"(?:The specified|VLAN) [^\n]{0,80}\b(?:does not exist|is not|already exists)\b",
)

# Juniper, "ScreenOS CLI reference"; Hillstone's StoneOS marks the same way
_MARKED = (
    r"[ \t]*\^-+ ?(?:unknown|unrecognized|invalid|ambiguous|incomplete)",
    r"(?:unknown|ambiguous) (?:keyword|command)\b",
    r"(?i:error: )",
)

# D-Link, "xStack CLI reference": a refused line is answered with what could follow
_DLINK = (
    r"(?:Next possible completions|Available commands):",
    r"(?:Ambiguous|Invalid|Illegal|Too many) (?:token|parameter|command|input|value)",
    r"%? ?Invalid ",
)
_DLINK_CHANGE = (r"Fail(?:ure|ed)?\b[!.]?", r"(?:Error|ERROR)\b", r"The [^\n]{0,60}(?:does not exist|already exists)")

# Huawei, "SmartAX command reference"
_SMARTAX = (
    r"[ \t]*% ?[^\n]{1,60} the error locates at ",
    r"% ?(?:Unknown|Incomplete|Ambiguous|Parameter|Too many|Invalid|Wrong|Unrecognized)\b",
    r"[ \t]*(?:Failure|Error): ",
)

# TP-Link, "JetStream CLI reference"
_JETSTREAM = (*_CISCO_QUERY, r"Error: ", r"Bad command")

FAMILIES: dict[str, Refusals] = {
    "cisco": _family(_CISCO_QUERY, _CISCO_CHANGE, _CISCO_HARMLESS),
    "aoscx": _family(_AOSCX, _AOSCX_CHANGE, _CISCO_HARMLESS),
    "comware": _family(_COMWARE, _COMWARE_CHANGE),
    "confd": _family(_CONFD, (r"(?i:error: )",), _CONFD_HARMLESS),
    "dlink": _family(_DLINK, _DLINK_CHANGE),
    "exos": _family(_EXOS, _EXOS_CHANGE),
    "fastiron": _family((*_FASTIRON, *_CISCO_QUERY), _FASTIRON_CHANGE),
    "fastpath": _family(_FASTPATH, _FASTPATH_CHANGE, _CISCO_HARMLESS),
    "fortinet": _family(_FORTINET, _FORTINET_CHANGE),
    "gaia": _family(_GAIA, _GAIA_CHANGE, _GAIA_HARMLESS),
    "huawei": _family(_HUAWEI),
    "jetstream": _family(_JETSTREAM, _CISCO_CHANGE, _CISCO_HARMLESS),
    "junos": _family(_JUNOS, (r"error:", r"warning: .* failed")),
    "marked": _family(_MARKED),
    "netscaler": _family((r"ERROR: ",), (r"(?:Error|Invalid)\b",)),
    "panos": _family(_PANOS, _PANOS_CHANGE),
    "procurve": _family((*_PROCURVE, *_CISCO_QUERY), _PROCURVE_CHANGE),
    "routeros": _family(_ROUTEROS, _ROUTEROS_CHANGE),
    "saos": _family(_SAOS),
    "shell": _family(_SHELL),
    "smartax": _family(_SMARTAX),
    "srl": _family(_SRL, _SRL_CHANGE),
    "sros": _family(_SROS),
    "tmsh": _family(_TMSH, _TMSH_CHANGE),
    "vyos": _family(_VYOS, _VYOS_CHANGE),
    "wlc": _family(_WLC, _WLC_CHANGE),
    "generic": _family((*_CISCO_QUERY, *_HUAWEI[1:], r"Error: ", r"error: syntax"), _CISCO_CHANGE, _CISCO_HARMLESS),
}

UNKNOWN = "generic"
"""The family of platforms whose texts nobody has looked up: the commonest wordings are tried."""

_BY_FAMILY = {
    "aoscx": ("aruba_aoscx",),
    "cisco": (
        "a10",
        "alaxala_ax26s",
        "alaxala_ax36s",
        "allied_telesis_awplus",
        "apresia_aeos",
        "arris_cer",
        "aruba_os",
        "avaya_ers",
        "avaya_vsp",
        "brocade_netiron",
        "centec_os",
        "cisco_ap",
        "cisco_apic",
        "cisco_ioswlc",
        "cisco_s200",
        "cisco_s300",
        "cisco_s500",
        "dell_dnos9",
        "eltex_esr",
        "extreme_ers",
        "extreme_netiron",
        "extreme_vsp",
        "extreme_wing",
        "fiberstore_fsos",
        "fiberstore_fsosv2",
        "mellanox",
        "mellanox_mlnxos",
        "quanta_mesh",
        "raisecom_roap",
        "raisecom_ros",
    ),
    "confd": (
        "aviat_wtm",
        "brocade_nos",
        "brocade_vdx",
        "cdot_cros",
        "ciena_saos10",
        "cisco_viptela",
        "extreme_nos",
        "extreme_slx",
        "extreme_vdx",
        "flexvnf",
        "infinera_packet",
    ),
    "dlink": ("dlink_ds",),
    "exos": ("extreme", "extreme_exos"),
    "fastpath": (
        "broadcom_icos",
        "dell_os6",
        "dell_powerconnect",
        "netgear_prosafe",
        "ubiquiti_edge",
        "ubiquiti_edgeswitch",
        "ubiquiti_unifiswitch",
    ),
    "fortinet": ("fortinet",),
    "gaia": ("checkpoint_gaia",),
    "jetstream": ("tplink_jetstream",),
    "marked": ("hillstone_stoneos", "juniper_screenos"),
    "netscaler": ("netscaler",),
    "panos": ("paloalto_panos",),
    "procurve": ("aruba_osswitch", "aruba_procurve", "hp_procurve"),
    "routeros": ("mikrotik_routeros",),
    "saos": ("ciena_saos", "ciena_waveserver"),
    "shell": ("brocade_fos", "corelight_linux", "f5_linux", "opengear_linux", "ovs_linux"),
    "smartax": ("huawei_olt", "huawei_smartax", "huawei_smartaxmmi"),
    "srl": ("nokia_srl",),
    "sros": ("alcatel_sros", "nokia_sros"),
    "tmsh": ("f5_ltm", "f5_tmsh"),
    "vyos": ("brocade_vyos", "ubiquiti_edgerouter"),
    "wlc": ("cisco_wlc",),
}

FAMILY_OF = {name: family for family, names in _BY_FAMILY.items() for name in names}
"""Family by netmiko's device type, for the types whose platform data do not name one."""
