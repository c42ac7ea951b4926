"""A device for each of netmiko's types, derived from netmiko's class and the platform book.

What a class types by default (to raise privilege, to enter and leave configuration mode, to save), and what the book
has for that, is what the device understands; its prompts and words are those of the commonest command line of that
kind. It shows how a client gets on with prompts, modes and refusals of that shape, not that a vendor's device behaves
so: that is what dialogues and real parts are for.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

from netmiko.base_connection import BaseConnection
from netmiko.ssh_dispatcher import CLASS_MAPPER

from netpulse_drivers.platforms import platform_of

SHOW, SHOWN = "show version", "Frobnicator OS, Version 1.2"
LINE, WRONG = "vlan 10", "frobnicate now"

_REFUSALS = (
    (r"^(?:huawei|hp_comware|h3c_comware)", "            ^\nError: Unrecognized command found at '^' position.\n"),
    (r"^(?:linux|cumulus|f5_linux|nokia_srl|ovs|cloudgenix)", "-bash: frobnicate: command not found\n"),
    (r"^(?:juniper|vyos|vyatta|ubiquiti_edgerouter|sixwind)", "                  ^\nunknown command.\n"),
    (r"^(?:paloalto)", "Unknown command: frobnicate\nInvalid syntax.\n"),
    (r"^(?:fortinet)", "Unknown action 0\nCommand fail. Return code -61\n"),
    (r"^(?:mikrotik)", "bad command name frobnicate (line 1 column 1)\n"),
    (r"^(?:alcatel_sros|nokia_sros)", "Error: Bad command.\n"),
    (r"", "           ^\n% Invalid input detected at '^' marker.\n\n"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One type's device and what is typed to it.

    Attributes:
        dialogue: content of the derived dialogue.
        show, shown: a query and what its answer holds.
        saves: whether netmiko's class says how to save.
        privileged: whether there is a mode to be raised to.
    """

    device_type: str
    dialogue: dict[str, Any]
    show: str
    shown: str
    saves: bool
    privileged: bool

    @property
    def changed_in(self) -> set[str]:
        """The states in which a change is taken."""
        states = self.dialogue["states"]
        return {"config", "changed"} & set(states) or {"exec"}

    @property
    def telnet(self) -> bool:
        return self.device_type.endswith("_telnet")


def swept_types() -> list[str]:
    """All SSH and Telnet types that name a platform."""
    left_out = {"autodetect", "terminal_server", "generic_termserver", "generic_termserver_telnet"}
    names = {name.removesuffix("_ssh") for name in CLASS_MAPPER if not name.endswith("_serial")}
    return sorted(names - left_out)


def swept(device_type: str) -> Swept:
    """The device of a type."""
    return _derived(device_type, CLASS_MAPPER[device_type])


def _default(method: Any, name: str) -> str:
    parameter = inspect.signature(method).parameters.get(name)
    return str(parameter.default) if parameter is not None and isinstance(parameter.default, str) else ""


def _named(device_type: str, platforms: str) -> bool:
    return re.match(rf"(?:{platforms})", device_type) is not None


_PROMPTS = (
    ("huawei_ont", ("WAP>", "WAP>", "SU_WAP>", False)),
    ("huawei|hp_comware|h3c_comware|zte_zxros_x", ("<lab1>", "<lab1>", "[lab1]", False)),
    ("vyos|vyatta|ubiquiti_edgerouter", ("admin@lab1:~$ ", "admin@lab1:~$ ", "[edit]\nadmin@lab1# ", False)),
    ("juniper|paloalto|sixwind|flexvnf", ("admin@lab1> ", "admin@lab1> ", "admin@lab1# ", False)),
    ("linux|cumulus|f5_linux|nokia_srl|ovs|vmware", ("admin@lab1:~$ ", "admin@lab1:~$ ", "root@lab1:~# ", False)),
    ("mikrotik", ("[admin@lab1] > ", "[admin@lab1] > ", "[admin@lab1] > ", False)),
    ("", ("lab1>", "lab1#", "lab1(config)#", True)),
)
"""By names of types: the prompt of a user, of one with all rights, in configuration mode; and whether there is a mode
to be raised to."""


def _derived(device_type: str, kind: type[BaseConnection]) -> Swept:
    enter, leave = _default(kind.config_mode, "config_command"), _default(kind.exit_config_mode, "exit_config")
    save = _default(kind.save_config, "cmd") if kind.save_config is not BaseConnection.save_config else ""
    enable = _default(kind.enable, "cmd")
    privileged = bool(enable) and "NoEnable" not in {one.__name__ for one in kind.__mro__} and enable == "enable"
    user, exec_, config, raises = next(prompts for names, prompts in _PROMPTS if _named(device_type, names))
    privileged = privileged and raises
    known_commit = "Commit complete.\nTransaction committed\n"
    show = [{"line": SHOW, "reply": f"{SHOWN}\nuptime is 3 days\n"}]
    width = {"line": r"terminal width \d+", "reply": "Width set to 511 columns.\n"}
    screen = {
        "line": r"set cli screen-(width|length) (\d+)",
        "reply": ["Screen ", {"group": 1}, " set to ", {"group": 2}, "\n"],
    }
    settings = {
        "line": r"(?:(?:no )?(?:terminal|page|paging|pager|length|width|more|cli|console|session|stty|screen"
        r"|environment|set (?!subnet)|config(?:ure)? (?:paging|system console|cli)|disable|skip-page|term|vt100|vty"
        r"|mmi|sc |undo "
        r"|scroll|logging|exec|clear|system|show (?:curpriv|run)|display|get |dis |user|lines|unsetenv|run |option|ter"
        r"|host|editing|alias|prompt|idle|pageoff|fixed|swap|tmsh|export|options|raw|enter|toggle|output).*|en|)"
    }
    known = platform_of(device_type)
    saved = "Building configuration...\n[OK]\n"
    confirms = bool(save) and inspect.signature(kind.save_config).parameters["confirm"].default is True
    saving: list[dict[str, Any]] = [{"line": re.escape(known.save), "reply": saved}] if known.save else []
    if save and save != known.save:
        saving.append(
            {"line": re.escape(save), "go": "sure"} if confirms else {"line": re.escape(save), "reply": saved}
        )
    leaving = sorted({leave, known.config_leave, "end", "exit", "quit", "return"} - {""})
    entering = sorted({enter, known.config_enter} - {""})
    committing = sorted({known.commit, known.commit_then, "commit"} - {""})
    states: dict[str, Any] = {}
    first = "exec"
    exec_rules = [*show, *saving]
    if privileged:
        first = "user"
        states["user"] = {
            "prompt": user,
            "rules": [*show, {"line": "enable|enable \\d+", "go": "secret"}, width, screen, settings],
        }
        states["secret"] = {
            "prompt": "Password: ",
            "hidden": True,
            "rules": [{"account": "secret", "go": "exec"}, {"line": ".*", "reply": "% Bad secrets\n", "go": "user"}],
        }
        exec_rules.append({"line": "enable"})
        exec_rules.append({"line": "disable", "go": "user"})
    if entering:
        exec_rules.append({"line": "|".join(map(re.escape, entering)), "go": "config"})
        states["config"] = {
            "prompt": config,
            "rules": [
                {"line": LINE},
                {"line": "(?:" + "|".join(map(re.escape, committing)) + ").*", "reply": known_commit},
                {"line": "|".join(map(re.escape, leaving)), "go": "exec"},
                *saving,
            ],
        }
    else:
        exec_rules.append({"line": LINE})
    exec_rules.append({"line": "(?:" + "|".join(map(re.escape, committing)) + ").*", "reply": known_commit})
    if device_type == "huawei_ont":  # it changes in a mode that "su" leads to
        exec_rules.append({"line": "su", "go": "su"})
        states["su"] = {"prompt": "Password:", "hidden": True, "rules": [{"line": ".*", "go": "config"}]}
        states["config"] = {
            "prompt": "SU_WAP>",
            "rules": [*show, {"line": LINE}, {"line": "exit|quit", "go": "exec"}, *saving],
        }
    states["exec"] = {"prompt": exec_, "rules": [*exec_rules, width, screen, settings]}
    if any(rule.get("go") == "sure" for rule in saving):
        states["sure"] = {"prompt": "Are you sure (y/n)? ", "rules": [{"line": ".*", "reply": saved, "go": "exec"}]}
    if device_type == "huawei_vrpv8":  # the prompt shows whether something waits for a commit
        changed = {"line": LINE, "go": "changed"}
        states["config"] |= {"prompt": "[~lab1]", "rules": [changed, *states["config"]["rules"]]}
        commit = {"line": "commit", "go": "config"}
        states["changed"] = {"prompt": "[*lab1]", "rules": [commit, *states["config"]["rules"]]}
    telnet: dict[str, Any] = {}
    if device_type.endswith("_telnet"):
        telnet = {"telnet": "name"}
        states["name"] = {"prompt": "Username: ", "rules": [{"account": "username", "go": "login password"}]}
        states["login password"] = {
            "prompt": "Password: ",
            "hidden": True,
            "rules": [{"account": "password", "go": first}, {"line": ".*", "reply": "Login failed\n", "go": "name"}],
        }
    refusal = next(text for shape, text in _REFUSALS if re.match(shape, device_type))
    return Swept(
        device_type=device_type,
        dialogue={
            "platform": device_type.removesuffix("_telnet"),
            "about": "derived from netmiko's class",
            "unknown": refusal,
            "states": states,
            "start": first,
        }
        | telnet,
        show=SHOW,
        shown=SHOWN,
        saves=bool(save),
        privileged=privileged,
    )
