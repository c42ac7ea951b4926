"""Prompts, refusals, pagers, messages: the data tables, tried on lines that devices print."""

from __future__ import annotations

import pytest

from netpulse_drivers import InvalidArguments
from netpulse_drivers.bounded_regex import BoundedRegex
from netpulse_drivers.platforms import PlatformBook, platform_of
from netpulse_drivers.terminal.prompt import Prompt
from netpulse_drivers.terminal.refusals import refused_line, refused_query
from netpulse_drivers.terminal.terminal_text import (
    TextDecoder,
    last_line,
    normal_line_ends,
    only_asynchronous,
    without_escapes,
)

GENERIC = platform_of("generic")


@pytest.mark.parametrize(
    ("device_type", "prompt", "accepted", "refused"),
    [
        (
            "cisco_ios",
            "r1>",
            ["r1>", "r1#", "r1(config)#", "r1(config-if)#"],
            ["r2>", "r1", "x r1>", "r1# show", "r1)#"],
        ),
        ("cisco_ios", "router-1#", ["router-1(config)#", "router-1>"], ["router-2#", "my-router-1#", "router #"]),
        ("cisco_xr", "RP/0/RP0/CPU0:xr1#", ["RP/0/RP0/CPU0:xr1(config-bgp)#"], ["xr1#", "RP/0/RP1/CPU0:xr1 #"]),
        ("arista_eos", "leaf(s1)#", ["leaf(s1)(config)#", "leaf(s1)(config-s-abc)#", "leaf(s1)>"], ["leaf2#"]),
        ("cisco_asa", "asa/ctx1#", ["asa/ctx1(config)#"], ["asb/ctx1#"]),
        ("juniper_junos", "admin@mx1>", ["admin@mx1#"], ["admin@mx2>", "admin@mx1$"]),
        ("huawei", "<HW>", ["[HW]", "[~HW]", "[*HW]", "[HW-GigabitEthernet0/0/1]"], ["<HX>", "HW>"]),
        ("linux", "admin@host:~$", ["admin@host:/tmp$"], ["root@host:~$", "$"]),
        ("vyos", "vyos@edge:~$", ["vyos@edge#"], ["vyos@core:~$"]),
        ("fortinet", "FGT #", ["FGT #"], ["FGU #"]),
    ],
)
def test_prompts_of_one_device(device_type: str, prompt: str, accepted: list[str], refused: list[str]) -> None:
    known = Prompt(prompt, platform_of(device_type))
    assert [line for line in accepted if not known.accepts(line)] == []
    assert [line for line in refused if known.accepts(line)] == []


@pytest.mark.parametrize(
    ("device_type", "line", "in_config", "privileged"),
    [
        ("cisco_ios", "r1>", False, False),
        ("cisco_ios", "r1#", False, True),
        ("cisco_ios", "r1(config-if)#", True, True),
        ("arista_eos", "leaf(s1)#", False, True),
        ("cisco_xr", "RP/0/RP0/CPU0:xr1(config)#", True, True),
        ("huawei", "<HW>", False, True),
        ("huawei", "[HW]", True, True),
        ("juniper_junos", "admin@mx1>", False, True),
        ("juniper_junos", "admin@mx1#", True, True),
        ("linux", "root@host:~#", False, True),
        ("linux", "admin@host:~$", False, False),
    ],
)
def test_modes(device_type: str, line: str, in_config: bool, privileged: bool) -> None:
    prompt = Prompt(line, platform_of(device_type))
    assert (prompt.in_config, prompt.privileged) == (in_config, privileged)


@pytest.mark.parametrize(
    ("device_type", "answer"),
    [
        ("cisco_ios", "        ^\n% Invalid input detected at '^' marker.\n"),
        ("cisco_ios", "% Incomplete command."),
        ("cisco_ios", '% Ambiguous command:  "sh"'),
        ("cisco_ios", "% Unknown command: show nonsense"),
        ("cisco_ios", "% Command incomplete: show"),
        ("cisco_ios", "% There is no matched command."),
        ("cisco_ios", "% Invalid input (at token 1: 'foo')"),
        ("cisco_ios", "                           ^\nInvalid interface format at '^' marker."),
        ("cisco_ios", "                   ^\nInvalid range at '^' marker."),
        ("cisco_ios", "Command authorization failed."),
        ("cisco_ios", "ERROR: % Invalid input detected at '^' marker."),
        ("cisco_ios", "%Error opening tftp://192.0.2.1/x (Timed out)"),
        ("huawei", "              ^\nError: Unrecognized command found at '^' position."),
        ("juniper_junos", "                ^\nsyntax error, expecting <command>."),
        ("juniper_junos", "unknown command."),
        ("juniper_junos", "error: syntax error: nonsense"),
        ("linux", "-bash: nonsense: command not found"),
        ("linux", "sh: 1: nonsense: not found"),
        ("vyos", "\n  Invalid command: show [nonsense]\n"),
        ("generic", "% Invalid input detected"),
    ],
)
def test_refusals(device_type: str, answer: str) -> None:
    assert refused_query(answer, platform_of(device_type).refusals)
    assert refused_line(answer, platform_of(device_type).refusals)


@pytest.mark.parametrize("name", PlatformBook().names())
@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Cisco IOS Software\nuptime is 1 week",
        "  % Invalid input detected at '^' marker.\n",
        "last error: % Incomplete command.",
        "CPU utilization: 5%\n% of memory used: 10",
        "Error counters: 0\n0 input errors",
        "*Mar  1 00:00:01.003: %SYS-5-CONFIG_I: Configured from console",
        "%LINK-3-UPDOWN: Interface Gi0/1, changed state to up",
        "line\n" * 30 + "% Invalid input detected at '^' marker.\n",
    ],
)
def test_no_refusals(name: str, answer: str) -> None:
    assert not refused_query(answer, platform_of(name).refusals)


@pytest.mark.parametrize(
    "answer",
    [
        "% BGP is already running; AS is 65001",
        "% 10.0.0.0 overlaps with GigabitEthernet0/1",
        "% Configuration failed.\n\nError type: validation",
        "%% Create the peer-group first",
        "Bad mask /24 for address 10.0.0.0",
        "%Inconsistent address and mask",
        "%Pool inside in use, cannot destroy",
        "Error: Interface Ethernet1/1 is a port-channel member",
        "Duplicate sequence number",
    ],
)
def test_lines_that_only_configuration_refuses(answer: str) -> None:
    assert refused_line(answer, platform_of("cisco_ios").refusals)


@pytest.mark.parametrize(
    "answer",
    [
        "startup-config file open failed (Device or resource busy)",
        "[#########                               ]  22%\nConfiguration update aborted: request was aborted",
    ],
)
def test_saving_that_did_not_happen(answer: str) -> None:
    assert refused_line(answer, platform_of("cisco_ios").refusals)


@pytest.mark.parametrize(
    "answer",
    [
        "% Interface GigabitEthernet0/1 IPv4 disabled and address(es) removed due to enabling VRF x",
        "%Warning: portfast should only be enabled on ports connected to a single host.",
        "% Warning: this may break things",
        "%SYS-5-CONFIG_I: Configured from console by admin",
        "% Generating 2048 bit RSA keys, keys will be non-exportable...[OK]",
        "% The new setting will take effect after the next reload",
        "Enter TEXT message.  End with the character '^'.",
        "% Access VLAN does not exist. Creating vlan 10",
        "% Login disabled on line 2, until 'password' is set\n% Login disabled on line 3, until 'password' is set",
        "% Not all config may be removed and may reappear after reactivating the sub-interface",
        "% OSPF: Reference bandwidth is changed.\n        Please ensure reference bandwidth is consistent.",
        "% Deleted all L3 config on interface Ethernet1/45",
        "%Portfast has been configured on GigabitEthernet0/1 but will only have effect when not trunking.",
    ],
)
def test_lines_that_only_inform(answer: str) -> None:
    assert not refused_line(answer, platform_of("cisco_ios").refusals)


@pytest.mark.parametrize(
    "line",
    [
        " --More-- ", "--More--", "<--- More --->", "---- More ----", "---(more)---",
        "--more--", "---(more 40%)---", "-- More --", "-- MORE --, next page: Space, next line: Enter, quit: Control-C",
        "lines 1-23", "  ---- More ----", "lines 1-23/80 (END)", "Press any key to continue (Q to quit)",
    ],
)  # fmt: skip
def test_pagers(line: str) -> None:
    assert GENERIC.pager_key(line)


@pytest.mark.parametrize(
    "line",
    [
        "more",
        "r1#",
        "show more",
        "--More-- than this",
        "Press any key to continue\nx",
        "-",
        "--",
        "r1--More--#",
        "1 more line",
    ],
)
def test_no_pagers(line: str) -> None:
    assert not GENERIC.pager_key(line)


@pytest.mark.parametrize(
    "line",
    [
        "*Mar  1 00:00:01.003: %SYS-5-CONFIG_I: Configured from console",
        "%LINK-3-UPDOWN: Interface Gi0/1, changed state to up",
        "000123: Nov 22 2026 19:11:25.000 UTC: %LINEPROTO-5-UPDOWN: Line protocol",
        ".Nov 22 19:11:25.000: %SYS-6-LOGGINGHOST_STARTSTOP: x",
        "2026 Nov 22 19:11:25 n9k %ETHPORT-5-IF_UP: Interface Ethernet1/1 is up",
        "RP/0/RP0/CPU0:Nov 22 19:11:25.000 UTC: ifmgr[1]: %PKT_INFRA-LINK-3-UPDOWN : Interface",
        "Nov 22 19:11:25 leaf1 Ebra: %LINEPROTO-5-UPDOWN: Line protocol",
        "2026/11/22 19:11:25 BGP: %ADJCHANGE: neighbor",
        "Nov 22 19:11:25 host kernel[1]: message",
        "*** System shutdown message from root ***",
    ],
)
def test_messages(line: str) -> None:
    assert GENERIC.logs.match(line), line
    assert only_asynchronous(f"\r\n{line}\r\n", GENERIC.logs)


@pytest.mark.parametrize(
    "line",
    [
        "r1#",
        "Proceed with reload? [confirm]",
        "Password:",
        "interface Gi0/1",
        "100% done",
        "Mar is a month",
        "* 10.0.0.0",
    ],
)
def test_no_messages(line: str) -> None:
    assert not GENERIC.logs.match(line), line


def test_characters_split_between_chunks() -> None:
    decoder = TextDecoder("utf-8")
    assert "".join(decoder.decode(bytes([byte])) for byte in "aß€𝄞".encode()) == "aß€𝄞"
    assert TextDecoder("gbk").decode("中文".encode("gbk")) == "中文"


def test_line_ends() -> None:
    assert normal_line_ends("a\r\nb\r\r\nc\n\rd\re") == "a\nb\nc\nd\ne"


def test_escapes() -> None:
    assert without_escapes("\x1b[?2004h\x1b[01;32mgreen\x1b[0m\x1b]0;title\x07\x1b(B\x1b[6n") == "green"


@pytest.mark.parametrize(
    ("tail", "line"),
    [
        ("x\r\nr1# ", "r1#"),
        ("x\rr1#", "r1#"),
        ("x\n --More-- \x08\x08\x08   \x08\x08\x08r1#", "r1#"),
        ("x\n", ""),
        ("", ""),
        ("\x1b[Kr1>", "r1>"),
    ],
)
def test_last_line(tail: str, line: str) -> None:
    assert last_line(tail) == line


def test_hostile_pattern_costs_an_error_not_a_worker() -> None:
    pattern = BoundedRegex(r"(a|aa)+$", name="expect_string")
    with pytest.raises(InvalidArguments, match="expect_string takes too long"):
        pattern.search("a" * 60 + "b")


def test_patterns_see_the_latest_text_only() -> None:
    pattern = BoundedRegex("needle", name="x")
    assert pattern.search("needle" + "." * 20_000) is None
    text = "." * 20_000 + "needle"
    assert pattern.search(text) == (20_000, 20_006)
