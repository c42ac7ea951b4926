"""What vendors put around an answer: pagers and how they are wiped, messages, redrawn echoes, prompts.

Each stream is read whole, a byte at a time and in random pieces; the output must be the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from netpulse_drivers import Deadline
from netpulse_drivers.platforms import platform_of
from netpulse_drivers.terminal.prompt import Prompt, counts
from netpulse_drivers.terminal.reply import Reply, ReplyEnd, ReplyReader
from netpulse_drivers.terminal.terminal_text import TextDecoder, last_line, on_screen
from tests.unit.drivers.terminal.test_reply import Wire, byte_by_byte, random_pieces, whole


def read(wire: Wire, command: str, prompt: Prompt) -> Reply:
    reader = ReplyReader(wire.receive, TextDecoder("utf-8"), wire.type, platform=platform_of("generic"))
    end = ReplyEnd(prompt=prompt.accepts, text=prompt.text)
    return reader.read([command], end, Deadline.after(5))


def each_cut(data: bytes) -> Iterator[list[bytes]]:
    yield from whole(data)
    yield from byte_by_byte(data)
    yield from itertools.islice(random_pieces(data), 5)


# -- pagers -----------------------------------------------------------------------------------------------------------

PAGERS = {
    "--More--": " ",
    " --More-- ": " ",
    "--More--(15%)": " ",
    "--More-- or (q)uit": " ",
    "<--- More --->": " ",
    "---- More ----": " ",
    "---(more 100%)---": " ",
    "(END)": "q",
    "lines 1-23/80 (END)": "q",
    "lines 24-47": " ",
    "More: <space>,  Quit: q or CTRL+Z, One line: <return> ": " ",
    "Press <SPACE> to continue or <Q> to quit:": " ",
    "----More (q=Quit, space/return=Continue)----": " ",
    "CTRL+C ESC q Quit SPACE n Next Page ENTER Next Entry a All": " ",
    "More? [next screen <sp>, next line <cr>, filter pattern </>, quit </q>]": " ",
    "Press Enter to continue or <ctrl-z> to abort": "\n",
    "Press Enter to continue...": "\n",
    "Would you like to display the next 15 entries? (y/n) ": "y",
    "--More--, next page: Space, next line: Return key, quit: Control-c": " ",
    "-- more --, next page: Space, continue: c, quit: ESC": " ",
    "-- MORE --, next page: Space, next line: Enter, quit: Control-C": " ",
    "Press any key to continue (Q to quit)": " ",
    "Press any key to continue (q to quit)": " ",
    "-- Press any key to continue": " ",
}

WIPED = {
    "carriage returns": lambda pager: "\r" + " " * len(pager) + "\r",
    "backspaces": lambda pager: "\x08" * len(pager) + " " * len(pager) + "\x08" * len(pager),
    "each by itself": lambda pager: "\x08 \x08" * len(pager),
    "erased to the end": lambda pager: "\r\x1b[K",
    "erased line": lambda pager: "\x1b[2K\r",
    "cursor to the left": lambda pager: f"\x1b[{len(pager)}D{' ' * len(pager)}\x1b[{len(pager)}D",
    "left standing": lambda pager: "\r\n",
    "nothing": lambda pager: "\r",
}


@pytest.mark.parametrize("pager", PAGERS)
def test_no_line_is_lost_at_a_pager_and_nothing_of_it_stays(pager: str) -> None:
    prompt = Prompt("sw1#", platform_of("cisco_ios"))
    for wipe in WIPED.values():
        pages = tuple(
            (wipe(pager) + text).encode() for text in (f"  indented 3\r\n\r\nline 5\r\n{pager}", "line 6\r\nsw1#")
        )
        for pieces in each_cut(f"show log\r\nline 1\r\nline 2\r\n{pager}".encode()):
            wire = Wire(pieces, pages=pages)
            reply = read(wire, "show log", prompt)
            assert reply.output == "line 1\nline 2\n  indented 3\n\nline 5\nline 6\nsw1#"
            assert wire.typed == [PAGERS[pager]] * 2


# -- messages ---------------------------------------------------------------------------------------------------------

MESSAGES = {
    "cisco_ios": ("r1#", "*Mar  1 00:00:01.003: %SYS-5-CONFIG_I: Configured from console by admin"),
    "cisco_xe": ("r1#", "000123: Nov 22 2026 19:11:25.000 UTC: %LINEPROTO-5-UPDOWN: Line protocol on Gi1, state up"),
    "cisco_nxos": ("n9k#", "2024 Mar  1 12:00:00 n9k %ETHPORT-5-IF_UP: Interface Ethernet1/1 is up"),
    "cisco_nxos_ssh": ("n9k#", "2024 Mar  1 12:00:00 n9k %$ VDC-1 %$ %ETHPORT-5-IF_UP: Interface Ethernet1/1 is up"),
    "cisco_xr": (
        "RP/0/RP0/CPU0:xr1#",
        "RP/0/RP0/CPU0:Nov 22 19:11:25.000 UTC: ifmgr[1]: %PKT_INFRA-LINK-3-UPDOWN : Interface Gi0 is Down",
    ),
    "cisco_asa": ("fw1#", "%ASA-5-111008: User 'admin' executed the 'enable' command."),
    "arista_eos": ("leaf1#", "Nov 22 19:11:25 leaf1 Ebra: %LINEPROTO-5-UPDOWN: Line protocol on Ethernet1 is up"),
    "juniper_junos": ("admin@mx1>", "Nov 22 19:11:25  mx1 mgd[1234]: UI_COMMIT: User 'admin' requested 'commit'"),
    "huawei": ("<HW>", "Nov 22 2026 19:11:25+00:00 HW %%01IFNET/4/LINK_STATE(l)[0]:The line protocol IP is UP."),
    "hp_comware": ("<H3C>", "%Nov 22 19:11:25:123 2026 H3C IFNET/3/PHY_UPDOWN: Physical state changed to up."),
    "h3c_comware": ("<H3C>", "%Nov 22 19:11:25:123 2026 H3C SHELL/5/SHELL_LOGIN: admin logged in from 192.0.2.1."),
}


@pytest.mark.parametrize("device_type", MESSAGES)
@pytest.mark.parametrize(
    "place", ["\r\n{message}\r\n", "{message}\r\n", "\r\n{message}\r\n\r\n{message}\r\n", "{message}"]
)
def test_messages_behind_a_prompt_do_not_hide_it(device_type: str, place: str) -> None:
    text, message = MESSAGES[device_type]
    stream = f"show x\r\nout\r\n{text}{place.format(message=message)}".encode()
    prompt = Prompt(text, platform_of(device_type))
    for pieces in ([stream], [stream[:20], stream[20:]]):
        reply = read(Wire(list(pieces)), "show x", prompt)
        assert (reply.output, reply.last_line, reply.ended_by) == (f"out\n{text}", text, "interrupted")


# -- echoes -----------------------------------------------------------------------------------------------------------


def scrolled(line: str, prompt: str, mark: str = "$", step: int = 20) -> str:
    room = 79 - len(prompt)
    out, shown = line[:room], room
    while shown < len(line):
        tail = line[: shown + step][-(room - 1) :]
        out += "\x08" * room + mark + tail
        shown += step
    return out + "\r\n"


def wrapped(line: str, prompt: str) -> str:
    first = 80 - len(prompt)
    parts = [line[:first], *(line[at : at + 80] for at in range(first, len(line), 80))]
    return " \r\r\n".join(parts) + "\r\n"


def redrawn(line: str, prompt: str) -> str:
    return line[: len(line) // 2] + f"\r\x1b[K{prompt}{line}\r\n"


def drawn(line: str, prompt: str) -> str:
    left = len(prompt) + 1
    shown = "".join(
        f"\x1b[24;{left + at}H{character}\x1b[24;{left + at}H\x1b[?25h\x1b[24;{left + at + 1}H"
        for at, character in enumerate(line)
    )
    return shown + "\x1b[1;0H\x1b[1M\x1b[24;1H\x1b[1L\x1b[24;1H\x1b[2K"


ECHOES = {"scrolled": scrolled, "wrapped": wrapped, "redrawn": redrawn, "drawn": drawn}


@pytest.mark.parametrize("length", [8, 60, 75, 81, 120, 199, 201, 420, 900])
@pytest.mark.parametrize("name", ECHOES)
def test_echoes_of_any_length(name: str, length: int) -> None:
    words = " ".join(f"object{number}" for number in range(200))
    command = ("acl " + words)[: length - 1].rstrip() + "z"
    prompt = Prompt("fw1(config)#", platform_of("cisco_asa"))
    stream = f"{ECHOES[name](command, 'fw1(config)# ')}out\r\nfw1(config)# ".encode()
    for pieces in ([stream], [stream[at : at + 7] for at in range(0, len(stream), 7)]):
        reply = read(Wire(list(pieces)), command, prompt)
        assert (reply.output.strip(), reply.last_line) == ("out\nfw1(config)#", "fw1(config)#")


@pytest.mark.parametrize("drawn", ["drawn", "wrapped", "plain"])
@pytest.mark.parametrize("cut", [None, 1, 7])
def test_an_answer_that_quotes_the_line_is_no_echo(drawn: str, cut: int | None) -> None:
    prompt = Prompt("SW1(config)#", platform_of("hp_procurve"))
    for command in ("nonsense", "frobnicate everything"):
        echo = {
            "drawn": "".join(f"\x1b[24;{14 + at}H{one}\x1b[?25h" for at, one in enumerate(command))
            + "\x1b[24;1H\x1b[1L",
            "wrapped": f"{command[:5]}\r\n{command[5:]}\r\n",
            "plain": f"{command}\r\n",
        }[drawn]
        stream = f"{echo}\x1b[2KInvalid input: {command}\r\n\x1b[24;1HSW1(config)# ".encode()
        pieces = [stream] if cut is None else [stream[at : at + cut] for at in range(0, len(stream), cut)]
        reply = read(Wire(pieces), command, prompt)
        assert reply.output.startswith(f"Invalid input: {command}\n"), reply


def test_procurve_draws_its_prompt() -> None:
    prompt = "SW1# "
    line = f"\x1b[1;24r\x1b[24;1H\x1b[2K\x1b[24;1H\x1b[?25h\x1b[24;1H{prompt}\x1b[24;1H\x1b[24;6H\x1b[?25h\x1b[24;6H"
    assert last_line(line) == "SW1#"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abc\x1b[2D*", "a*c"),
        ("abc\x1b[1GX", "Xbc"),
        ("abc\x1b[3;1Hd\x1b[4;1He", "e"),
        ("abc\r\x1b[Kd", "d"),
        ("abcdef\x1b[3D\x1b[2P", "abcf"),
        ("ab\x1b[1D\x1b[1@X", "aXb"),
        ("one\x1b[2Ktwo", "   two"),
        ("a\x08b", "b"),
        ("--More--\r        \rr1#", "r1#"),
        ("\x1b]0;title\x07r1#", "r1#"),
        ("\x1b[999;999Hx", " " * 998 + "x"),
    ],
)
def test_what_a_terminal_shows(text: str, shown: str) -> None:
    assert on_screen(text) == shown


# -- prompts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device_type", "login", "own", "others"),
    [
        ("cisco_nxos", "n9k#", ["n9k(maint-mode)#", "n9k(maint-mode)(config)#"], ["n9k-red#", "n9k%RED#"]),
        ("cisco_nxos", "FI-A#", ["FI-A(config-if)#"], ["FI-A(nxos)#", "FI-A(local-mgmt)#"]),
        ("cisco_xr", "RP/0/RP0/CPU0:xr1#", ["RP/0/RP0/CPU0:xr1(config)#"], ["RP/0/RP0/CPU0:xr1(admin)#", "[xr1:~]$"]),
        ("arista_eos", "leaf#", ["leaf(config)#"], ["leaf(vrf:mgmt)#", "leaf2#"]),
        ("cisco_asa", "fw1/admin#", ["fw1/admin(config)#", "fw1/admin>"], ["fw1/dmz#", "fw1/dmz(config)#"]),
        ("juniper_junos", "admin@mx1:LS1>", ["admin@mx1:LS1#"], ["admin@mx1>", "admin@mx1:LS2>"]),
        ("juniper_junos", "root>", ["root#"], ["root%", "root@mx1:~ #"]),
        ("hp_comware", "RBM_P<H3C>", ["RBM_P[H3C]", "RBM_S<H3C>", "<H3C>", "RBM_P[H3C-vlan10]"], ["<disk>", "<MDCA>"]),
        ("huawei", "HRP_M<FW>", ["HRP_M[FW]", "HRP_S[~FW-policy]"], ["HRP_M<FW-vsysa>", "<disk>"]),
        ("ruckus_fastiron", "SSH@ICX Router#", ["SSH@ICX Router(config)#", "SSH@ICX Router>"], ["SSH@other Router#"]),
        ("extreme_exos", "X440.1 #", ["X440.2 #", "* X440.4 #", "*X440.17 >"], ["X450.1 #", "(vr RED) X440.3 #"]),
        ("ciena_saos", "SAOS1>", ["SAOS1*>"], ["SAOS2>", "<SAOS1>"]),
        ("nokia_sros", "A:pe1#", ["*A:pe1#", "*A:pe1>config>router#"], ["A:pe2#"]),
        ("extreme_vsp", "VSP1:1>", ["VSP1:1#", "VSP1:1(config)#"], ["VSP2:1>"]),
        ("fortinet", "FGT60F #", ["FGT60F (address) #", "FGT60F (h1) #", "FGT60F $"], ["FGU #", "FGT60F is (nice)"]),
        ("checkpoint_gaia", "gw1>", [], ["[Expert@gw1:0]#", "gw1:1>"]),
        (
            "f5_tmsh",
            "root@(b1)(cfg-sync Standalone)(Active)(/Common)(tmos)#",
            ["root@(b1)(cfg-sync Changes Pending)(Standby)(/Common)(tmos)#"],
            ["root@(b1)(cfg-sync Standalone)(Active)(/P2)(tmos)#", "root@(b2)(cfg-sync x)(Active)(/Common)(tmos)#"],
        ),
        ("paloalto_panos", "admin@PA1>", ["admin@PA1#", "admin@PA1(active)>"], ["admin@PA2>", "admin@PA1 vsys2>"]),
        ("cisco_wlc", "(Cisco Controller) >", ["(Cisco Controller) config>"], ["(Other) >"]),
        ("aruba_os", "(lab) [mynode] #", ["(lab) ^[mynode] #", "(lab) *[mynode] (config) #"], ["(lab) [mm] #"]),
        ("cisco_ftd", ">", [], ["admin@ftd:~$", "#", "<disk>", ""]),
        ("linux", "/ #", [], ["/tmp #", "#"]),
        ("linux", "[root@h ~]#", ["[root@h tmp]#"], ["[root@j ~]#", "<disk>"]),
        ("cisco_ios", "name (lab)#", ["name (lab)(config)#"], ["name2#"]),
        ("cisco_ios", "SW%1#", ["SW%1(config)#"], ["SW%2#"]),
        ("cisco_ios", "a-very-long-router-name#", ["a-very-long-router-n(config)#"], ["a-very-long-router-other#"]),
    ],
)
def test_parts_of_a_prompt(device_type: str, login: str, own: list[str], others: list[str]) -> None:
    prompt = Prompt(login, platform_of(device_type))
    assert [line for line in own if not prompt.accepts(line)] == []
    assert [line for line in others if prompt.accepts(line)] == []
    assert not prompt.in_config
    for line in own:  # and from each of them back
        assert prompt.moved_to(line).accepts(login)


@pytest.mark.parametrize(
    ("first", "second", "later"),
    [("sw [3] #", "sw [4] #", "sw [17] #"), ("19:11:25 r1#", "19:11:25 r1#", "20:01:02 r1#")],
)
def test_prompts_that_count_or_show_the_time(first: str, second: str, later: str) -> None:
    assert counts(first, second)
    prompt = Prompt(second, platform_of("generic"), volatile=True)
    assert prompt.accepts(later)
    assert prompt.moved_to(later).same_place(prompt)
    assert not prompt.accepts(later.replace("sw", "rt").replace("r1", "r_"))


@pytest.mark.parametrize(("first", "second"), [("r1#", "r1#"), ("r1#", "r2(config)#"), ("VSP1:1>", "VSP1:1>")])
def test_other_prompts_do_not_count(first: str, second: str) -> None:
    assert not counts(first, second)


@pytest.mark.parametrize(
    ("device_type", "login", "elsewhere"),
    [
        ("cisco_nxos", "FI-A#", ["FI-A(nxos)#", "bash-4.3$"]),
        ("cisco_xr", "RP/0/RP0/CPU0:xr1#", ["[xr-vm_node0_RP0_CPU0:~]$", "sysadmin-vm:0_RP0#"]),
        ("cisco_xe", "r1#", ["[r1:/]$", "[guestshell@guestshell ~]$", "admin@linux:~$", "<HW>"]),
        ("juniper_junos", "admin@mx1>", ["%", "root@mx1:RE:0%", "admin@mx2>"]),
        ("checkpoint_gaia", "gw1>", ["[Expert@gw1:0]#", "gw1:1>"]),
    ],
)
def test_where_a_hop_may_lead(device_type: str, login: str, elsewhere: list[str]) -> None:
    prompt = Prompt(login, platform_of(device_type))
    assert [line for line in elsewhere if prompt.accepts(line) or not prompt.resembles(line)] == []


@pytest.mark.parametrize(
    "command",
    [
        "ssh -l admin 192.0.2.1", "telnet r2", "changeto context dmz", "switchto vdc red", "config vdom",
        "cli vrf mgmt",
        "connect nxos", "expert", "exit", "run bash", "set cli logical-system LS1", "start shell", "ssh2 192.0.2.2",
        "set virtual-system 1", "switch vsys a", "do ssh r2", "sudo su -", "cd /tmp", "setcontext 128", "run",
    ],
)  # fmt: skip
def test_commands_that_may_lead_elsewhere(command: str) -> None:
    assert platform_of("generic").moves.match(command)


@pytest.mark.parametrize(
    "command",
    ["show version", "display ssh server", "show run", "run show version", "virsh dumpxml vm1", "ping 192.0.2.1", ""],
)
def test_commands_that_stay(command: str) -> None:
    assert not platform_of("generic").moves.match(command)
