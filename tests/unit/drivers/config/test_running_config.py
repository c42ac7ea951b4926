"""Comparison of wanted lines with a running configuration: ios_config's results, case by case."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable

import pytest

from netpulse_drivers import CommandTimeout, Deadline, EnsurePolicy, InvalidArguments
from netpulse_drivers.config import ignored_lines
from netpulse_drivers.config.ignored_lines import IgnoredLines
from netpulse_drivers.config.running_config import (
    DEEPEST,
    Match,
    Replace,
    describe_difference,
    difference,
    join_blocks,
    parse_configuration,
    wanted_configuration,
    with_headers,
)
from netpulse_drivers.config.set_commands import missing_set_commands

RUNNING = """Building configuration...

Current configuration : 1417 bytes
!
hostname r1
no ip http server
!
interface GigabitEthernet0/1
 description old
 no shutdown
!
interface GigabitEthernet0/2
 description other
 shutdown
!
router bgp 65001
 neighbor 192.0.2.1 remote-as 65002
 address-family ipv4
  network 10.0.0.0
  neighbor 192.0.2.1 activate
 exit-address-family
!
ip access-list extended edge
 permit ip host 192.0.2.1 any
 permit ip host 192.0.2.2 any
 deny ip any any
!
banner motd ^C
Welcome
 to r1#
^C
!
end
"""
BANNER = (r"banner (?:motd|login)\s+(?P<delimiter>\^?\S)",)


def sent(
    *lines: str,
    parents: tuple[str, ...] = (),
    match: Match = "line",
    replace: Replace = "line",
    running: str = RUNNING,
    ignore: tuple[str, ...] = (),
) -> list[str]:
    have = parse_configuration(running, multiline=BANNER, ignore=IgnoredLines(ignore))
    want = wanted_configuration(lines, parents, multiline=BANNER, ignore=IgnoredLines(ignore))
    missing = difference(want, have, path=parents, match=match, replace=replace)
    return [line.text for line in with_headers(missing)]


GI1 = ("interface GigabitEthernet0/1",)
EDGE = ("ip access-list extended edge",)
PERMITS = ("permit ip host 192.0.2.1 any", "permit ip host 192.0.2.2 any", "deny ip any any")


def test_lines_that_stand_are_not_sent() -> None:
    assert sent("hostname r1") == []
    assert sent("description old", parents=GI1) == []
    assert sent("interface GigabitEthernet0/1", " description old", "hostname r1") == []


def test_missing_line_is_preceded_by_its_section() -> None:
    assert sent("description new", parents=GI1) == [*GI1, "description new"]
    assert sent("description old", "mtu 9000", parents=GI1) == [*GI1, "mtu 9000"]


def test_a_line_counts_only_in_its_own_section() -> None:
    assert sent("shutdown", parents=GI1) == [*GI1, "shutdown"]
    assert sent("description other", parents=GI1) == [*GI1, "description other"]


def test_negations_are_compared_as_text() -> None:
    assert sent("no ip http server") == []
    assert sent("no shutdown", parents=GI1) == []
    assert sent("no cdp enable", parents=GI1) == [*GI1, "no cdp enable"]
    assert sent("no shutdown", parents=("interface GigabitEthernet0/2",)) == [
        "interface GigabitEthernet0/2",
        "no shutdown",
    ]


def test_indented_lines_form_sections_of_their_own() -> None:
    lines = ["interface GigabitEthernet0/1", " mtu 9000", "interface GigabitEthernet0/2", " mtu 9000"]
    assert sent(*lines) == [line.strip() for line in lines]


def test_nested_sections() -> None:
    parents = ("router bgp 65001", "address-family ipv4")
    assert sent("network 10.0.0.0", parents=parents) == []
    assert sent("network 10.1.0.0", parents=parents) == [*parents, "network 10.1.0.0"]


def test_going_back_to_an_outer_section_types_its_header_again() -> None:
    lines = ["router bgp 65001", " address-family ipv4", "  network 10.1.0.0", " neighbor 192.0.2.9 remote-as 3"]
    assert sent(*lines) == [
        "router bgp 65001",
        "address-family ipv4",
        "network 10.1.0.0",
        "router bgp 65001",
        "neighbor 192.0.2.9 remote-as 3",
    ]


def test_a_new_section_is_sent_once_with_its_lines() -> None:
    assert sent("a", "b", parents=("vlan 7",)) == ["vlan 7", "a", "b"]
    assert sent("vlan 7", " name x", "vlan 8", " name y") == ["vlan 7", "name x", "vlan 8", "name y"]


def test_match_none_sends_everything() -> None:
    assert sent("description old", parents=GI1, match="none") == [*GI1, "description old"]


def test_match_strict_wants_positions() -> None:
    assert sent(*PERMITS, parents=EDGE, match="strict") == []
    assert sent(*PERMITS[:2], parents=EDGE, match="strict") == []
    swapped = (PERMITS[1], PERMITS[0], PERMITS[2])
    assert sent(*swapped, parents=EDGE, match="strict") == [*EDGE, *swapped[:2]]


def test_match_exact_wants_nothing_else() -> None:
    assert sent(*PERMITS, parents=EDGE, match="exact") == []
    assert sent(*PERMITS[:2], parents=EDGE, match="exact") == [*EDGE, *PERMITS[:2]]
    assert sent(*PERMITS, parents=("ip access-list extended none",), match="exact") == [
        "ip access-list extended none",
        *PERMITS,
    ]


def test_strict_and_exact_in_deep_sections() -> None:
    parents = ("router bgp 65001", "address-family ipv4")
    lines = ("network 10.0.0.0", "neighbor 192.0.2.1 activate")
    assert sent(*lines, parents=parents, match="exact") == []
    assert sent(*lines, parents=parents, match="strict") == []
    assert sent(*reversed(lines), parents=parents, match="strict") == [*parents, *reversed(lines)]


def test_replace_block_sends_the_whole_section() -> None:
    lines = ("description old", "mtu 9000", "no shutdown")
    assert sent(*lines, parents=GI1, replace="block") == [*GI1, *lines]
    assert sent("description old", "no shutdown", parents=GI1, replace="block") == []
    both = ["interface GigabitEthernet0/1", " description old", "interface GigabitEthernet0/2", " mtu 1", " shutdown"]
    assert sent(*both, replace="block") == ["interface GigabitEthernet0/2", "mtu 1", "shutdown"]


def test_ignored_lines_are_left_out_on_both_sides() -> None:
    running = "ntp clock-period 17179\nhostname r1\n"
    assert sent("ntp clock-period 1", running=running, ignore=("ntp clock-period .*",)) == []


def test_banner_is_one_line() -> None:
    assert sent("banner motd ^C", "Welcome", " to r1#", "^C") == []
    assert sent("banner motd ^C\nWelcome\n to r1#\n^C") == []
    assert sent("banner motd ^C", "Other", "^C", "hostname r1") == ["banner motd ^C\nOther\n^C"]


def test_comments_end_and_duplicates_are_not_sent() -> None:
    assert sent("! comment", "hostname x", "hostname x", "end", "") == ["hostname x"]


def test_empty_running_config() -> None:
    assert sent("hostname r1", running="") == ["hostname r1"]


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["banner motd @one line@", "x"], ["banner motd @one line@", "x"]),
        (["banner motd @", "a", "b@", "x"], ["banner motd @\na\nb@", "x"]),
        (["x", "y"], ["x", "y"]),
    ],
)
def test_blocks(lines: list[str], joined: list[str]) -> None:
    assert join_blocks(lines, BANNER) == joined


def test_block_up_to_eof() -> None:
    assert join_blocks(["banner motd", "a", "EOF", "x"], [r"banner motd\s*$"]) == ["banner motd\na\nEOF", "x"]


def test_difference_as_text() -> None:
    running = parse_configuration(RUNNING)
    wanted = wanted_configuration(["description new", "no shutdown", "no description old"], list(GI1))
    text = describe_difference(with_headers(difference(wanted, running, path=GI1)), running)
    assert text == " interface GigabitEthernet0/1\n+ description new\n- description old\n"


def test_flat_configurations_have_no_sections() -> None:
    running = parse_configuration("set system host-name r1\nset interfaces eth0 mtu 9000\n", indented=False)
    wanted = wanted_configuration(["set system host-name r1", "set system host-name r2"], [])
    assert [line.text for line in difference(wanted, running)] == ["set system host-name r2"]


# -- large configurations and careless expressions --------------------------------------------------------------------


def calls_made(work: Callable[[], object]) -> int:
    """Python functions that it calls."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


def compare(size: int, match: Match, replace: Replace) -> None:
    running = parse_configuration("\n".join(f"interface Eth{n}\n description old {n}" for n in range(size)))
    lines = [line for n in range(size) for line in (f"interface Eth{n}", f" description new {n}")]
    typed = with_headers(difference(wanted_configuration(lines, []), running, match=match, replace=replace))
    assert len(typed) == 2 * size
    describe_difference(typed, running)


def delete(size: int) -> None:
    running = parse_configuration(
        "\n".join(f"set interfaces ge-{n} {what} 1" for n in range(size) for what in ("mtu", "unit")), indented=False
    )
    wanted = wanted_configuration([f"delete interfaces ge-{n}" for n in range(size)], [])
    assert len(missing_set_commands(wanted, running, EnsurePolicy())) == size


def unclosed(size: int) -> None:
    joined = join_blocks(["banner motd ^", *["line"] * size], (BANNER[0],))
    assert joined == ["\n".join(["banner motd ^", *["line"] * size])]


@pytest.mark.parametrize(
    "work",
    [
        *(
            pytest.param(functools.partial(compare, match=match, replace=replace), id=f"{match}-{replace}")
            for match in ("line", "strict", "exact", "none")
            for replace in ("line", "block")
        ),
        pytest.param(delete, id="delete"),
        pytest.param(unclosed, id="unclosed banner"),
    ],
)
def test_a_comparison_takes_steps_in_proportion_to_its_lines(work: Callable[[int], None]) -> None:
    one, two = calls_made(lambda: work(300)), calls_made(lambda: work(600))
    assert two < 2.2 * one


def test_deleted_set_commands_are_found_below_their_path_only() -> None:
    running = parse_configuration("set a b c\nset a b\nset a bc d\nset a  b e\n", indented=False)

    def sent(*lines: str) -> list[str]:
        wanted = wanted_configuration(list(lines), [])
        return [line.text for line in missing_set_commands(wanted, running, EnsurePolicy())]

    assert sent("delete a b", "set a b c", "set a bc d") == ["delete a b", "set a b c"]
    assert sent("delete a b x") == []
    assert sent("delete a b", "delete a b") == ["delete a b"]
    assert sent("delete a", "set a bc d") == ["delete a", "set a bc d"]


@pytest.mark.parametrize("expression", ["^(a|aa)+$", "^(.*?,){25}P"])
def test_an_expression_that_takes_too_long_costs_an_error(monkeypatch: pytest.MonkeyPatch, expression: str) -> None:
    monkeypatch.setattr(ignored_lines, "MAX_SECONDS", 0.01)
    with pytest.raises(InvalidArguments, match="diff_ignore_lines take too long"):
        parse_configuration("a" * 60 + "b\n" + "a," * 60, ignore=IgnoredLines([expression]))


def test_an_expression_that_kills_the_standard_library_does_no_harm() -> None:
    parsed = parse_configuration("a" * 60 + "b\n" + "a" * 60, ignore=IgnoredLines(["^(a+)+$"]))
    assert [line.text for line in parsed.lines] == ["a" * 60 + "b"]


def test_all_lines_together_have_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ignored_lines, "MAX_TOTAL_SECONDS", 0.0)
    with pytest.raises(InvalidArguments, match="take too long"):
        parse_configuration("a" * 4000 + "b", ignore=IgnoredLines(["^(a|aa)+$"]))


@pytest.mark.parametrize("expression", ["(", "a" * 501])
def test_expressions_that_cannot_be_used(expression: str) -> None:
    with pytest.raises(InvalidArguments, match="diff_ignore_lines"):
        IgnoredLines([expression])


def test_a_comparison_ends_with_its_job() -> None:
    with pytest.raises(CommandTimeout, match="nothing of them was sent") as caught:
        parse_configuration("line\n" * 5000, ignore=IgnoredLines(deadline=Deadline.after(0.0)))
    assert caught.value.session_usable


def test_sections_without_end_are_told_apart_to_a_depth() -> None:
    parsed = parse_configuration("\n".join(" " * depth + f"l{depth}" for depth in range(DEEPEST * 2)))
    assert max(len(line.parents) for line in parsed.lines) == DEEPEST
