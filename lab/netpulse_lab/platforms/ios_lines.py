"""What configuration lines of Cisco IOS do beyond being stored: secrets, banners, interfaces, VLANs."""

from __future__ import annotations

from collections.abc import Sequence

from netpulse_lab.config_edit import entry_order
from netpulse_lab.config_store import Entry, natural
from netpulse_lab.device import secret_hash
from netpulse_lab.grammar import Match, Rejection
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Ask, Collect, Outcome, Say
from netpulse_lab.platform import RankedRule

from .parameters import InterfaceNames, compact_vlans, expand_vlans

Words = tuple[str, ...]

INTERFACES = InterfaceNames(
    types=("Loopback", "Tunnel", "Port-channel", "GigabitEthernet", "TenGigabitEthernet", "Vlan"),
    physical=tuple(f"GigabitEthernet{slot}/{port}" for slot in (0, 1) for port in range(4)),
)


# -- secrets ---------------------------------------------------------------------------------------------------------


def _hashed(words: Words) -> Words:
    """``... secret [0] clear`` becomes ``... secret 9 hash``; what is hashed already stays."""
    at = len(words) - 1
    kind = words[at - 1]
    if kind in ("5", "8", "9"):
        return words
    head = words[: at - 1] if kind == "0" else words[:at]
    return (*head, "9", f"$9${secret_hash(words[at])}")


def hash_secret(shell: Interpreter, found: Match[RankedRule]) -> Words:
    return _hashed(found.words)


def user_line(shell: Interpreter, found: Match[RankedRule]) -> Words:
    """One line holds all about a user: what a new line does not name stays as it was."""
    words = found.words
    if "secret" in words:
        words = _hashed(words)
    elif "password" in words and words[-2] == "password":
        words = (*words[:-1], "0", words[-1])
    present = shell.contexts[0].sections[0].find(*words[:2])
    before = present.words if present is not None and "nopassword" not in present.words else ()
    level = _from(words, "privilege", 2) or _from(before, "privilege", 2)
    proof = _from(words, "secret", 3) or _from(words, "password", 3)
    proof = proof or _from(before, "secret", 3) or _from(before, "password", 3)
    return (*words[:2], *level, *proof)


def _from(words: Words, keyword: str, size: int) -> Words:
    """`keyword` and what belongs to it, () when the line does not have it."""
    if keyword not in words[2:]:
        return ()
    at = words.index(keyword, 2)
    return words[at : at + size]


def remove_user(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    if not negative:
        return None
    prefix = found.words[:2]

    def confirmed(answer: str) -> Outcome:
        if answer.lower() in ("", "y"):
            for section in shell.contexts[-1].sections:
                if section.discard(prefix):
                    shell.note_change()
        return Say()

    question = (
        "This operation will remove all username related configurations with same name."
        "Do you want to continue? [confirm]"
    )
    return Ask(question=question, then=confirmed, single_key=True)


# -- banners ---------------------------------------------------------------------------------------------------------


def banner(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    kind = found.words[1]
    root = shell.contexts[0].sections[0]
    key = ("banner", kind)
    if negative:
        if root.discard(key):
            shell.note_change()
        return ""
    given = found.arguments[0] if found.arguments else ""
    if not given:
        return shell.refuse(Rejection("incomplete", "", 0, 2, ""))
    # "^C" typed as two characters is how the running configuration prints the delimiter.
    delimiter = "^C" if given.startswith("^C") else given[0]
    assert found.payload is not None, "a complete match carries its rule"
    order = entry_order(found.payload, found.words)
    lines: list[str] = []

    def take(text: str) -> Outcome | None:
        before, end, _ = text.partition(delimiter)
        if not end:
            lines.append(text)
            return None
        if before:
            lines.append(before)
        banner = "\n".join(lines)
        entry = Entry((*key, banner), text=f"banner {kind} ^C\n{banner}\n^C", order=order)
        present = root.find(*key)
        if present is None or present.text != entry.text:
            root.put(key, entry)
            shell.note_change()
        return Say()

    rest = given[len(delimiter) :]
    if rest and (done := take(rest)) is not None:
        return done
    return Collect(take=take, text=f"Enter TEXT message.  End with the character '{delimiter}'.\n")


# -- interfaces ------------------------------------------------------------------------------------------------------


def interface_line(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    name = found.arguments[0]
    nature = INTERFACES.exists_by_nature(name)
    if nature is False:
        typed = f"interface {name}"
        return shell.refuse(Rejection("invalid", typed, len("interface "), 1, name))
    if negative and nature:
        return "% Removal of physical interfaces is not permitted\n"
    return None


def new_interface(shell: Interpreter, entry: Entry) -> None:
    """What a fresh interface holds by itself."""
    grammar = shell.platform.config_grammar("config-if")
    found = grammar.match("ip address")
    if isinstance(found, Match) and found.payload is not None:
        order = entry_order(found.payload, found.words)
        entry.put(("ip", "address"), Entry(("no", "ip", "address"), order=order))


def bare_address(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    """``no ip address`` takes all addresses away; without ``no`` the line wants an address."""
    return None if negative else shell.refuse(Rejection("incomplete", "ip address", 10, 2, ""))


def address_line(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    """An address goes only by its own value, and not before the secondary ones."""
    if not negative:
        return None
    for section in shell.contexts[-1].sections:
        present = list(section.find_all("ip", "address"))
        if all(entry.words != found.words for entry in present):
            return "% Invalid address\n"
        if len(present) > 1:
            return "Must delete secondary before deleting primary\n"
    return None


def interface_order(words: Words) -> tuple[object, ...]:
    return INTERFACES.order(words[1])


def interface_range(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    """``interface range GigabitEthernet0/1 - 3 , Vlan10``: the following lines go to all of them."""
    names: list[str] = []
    text = found.arguments[0]
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if part.lower().startswith("port-"):
            first, last = part, ""
        name = INTERFACES.parse(first)
        if name is None or INTERFACES.exists_by_nature(name) is False:
            return shell.refuse(Rejection("invalid", f"interface range {text}", len("interface range "), 2, text))
        stem, slash, number = name.rpartition("/")
        if not slash:
            number = name[len(name.rstrip("0123456789")) :]
            stem = name[: -len(number)]
        end = int(last.rpartition("/")[2]) if last else int(number)
        names += [f"{stem}{slash}{one}" for one in range(int(number), end + 1)]
    sections: list[Entry] = []
    for name in names:
        one = shell.find_rule(f"interface {name}")
        if isinstance(one, Rejection) or one.payload is None:
            return shell.refuse(Rejection("invalid", text, 0, 2, name))
        shell.configure(f"interface {name}")
        sections += shell.contexts.pop().sections
    shell.enter_section("config-if-range", sections)
    return ""


def allowed_vlans(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    """``switchport trunk allowed vlan add|remove``: edits the list that stands there."""
    if negative:
        return None
    verb, change = found.words[4], set(expand_vlans(found.arguments[0]))
    for section in shell.contexts[-1].sections:
        present = section.argument("switchport", "trunk", "allowed", "vlan")
        numbers = set(range(1, 4095)) if present in (None, "all") else set()
        if present not in (None, "all", "none"):
            numbers = set(expand_vlans(present))
        numbers = numbers | change if verb == "add" else numbers - change
        value = compact_vlans(sorted(numbers)) if numbers else "none"
        words = ("switchport", "trunk", "allowed", "vlan", value)
        assert found.payload is not None, "a complete match carries its rule"
        section.put(words[:4], Entry(words, order=entry_order(found.payload, words)))
        shell.note_change()
    return ""


def each_vlan(words: Words) -> Sequence[Words]:
    return [("vlan", str(number)) for number in expand_vlans(words[1])]


def by_number(words: Words) -> tuple[object, ...]:
    return natural(words[-1])


def vlan_line(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    if negative and 1 in expand_vlans(found.arguments[0]):
        return "%Default VLAN 1 may not be deleted.\n"
    return None


def leave_family(shell: Interpreter, found: Match[RankedRule], negative: bool) -> str:
    shell.contexts.pop()
    return ""
