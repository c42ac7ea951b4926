"""Devices with places: each says in every answer where it stands, so that a command in the wrong place is seen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Rule = dict[str, Any]

SETUP = re.compile(
    r"(?:terminal|no terminal|screen-length|set cli|skip-page|set terminal|stty|no page|undo terminal|"
    r"show curpriv|config system console|get system (?:status|console)|show full-configuration system console|"
    r"export PAGER|PS1=|unset|alias|set length|set output|end)\b.*"
)
"""What a login sets up: terminal width and length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of device.

    Attributes:
        platform: netmiko's device type.
        home: the prompt of the login.
        away: the prompt of another context or device.
        hop: the line that leads there.
        back: the line that leads back.
        refusal: what it says to ``wrong ...``.
        raised: the prompt of raised privilege, "" where the login has it.
        lift, lower: the lines that raise it and give it back; a hidden question stands between where `secret`.
        config: the prompt of configuration mode, "" for none.
        enter: expression for the line that leads there.
        leave: expression for lines that leave it.
        commit: what it answers to ``commit``.
    """

    platform: str
    home: str
    away: str
    hop: str
    back: str
    refusal: str
    raised: str = ""
    lift: str = "enable"
    lower: str = "disable"
    secret: bool = True
    config: str = ""
    enter: str = "conf.*"
    leave: str = "end"
    commit: str = "commit complete\n"

    @property
    def typed_to_enter(self) -> str:
        """The line that leads a caller of an interactive session into configuration mode."""
        return {"conf.*": "configure terminal"}.get(self.enter, self.enter.replace(".*", ""))

    def dialogue(self) -> dict[str, Any]:
        """The device as data."""
        lift = {"line": self.lift, "go": "password" if self.secret else "raised"}
        states: dict[str, Any] = {}
        into_config = [{"line": self.enter, "go": "config"}] if self.config else []
        hop = [{"line": self.hop, "go": "away"}]
        home = [*hop, *([lift] if self.raised else into_config)]
        if not self.config:
            home.append({"line": "set tag .*"})
        self._place(states, "home", self.home, home)
        self._place(states, "away", self.away, [{"line": self.back, "go": "home"}])
        if self.raised:
            raised = [*into_config, {"line": self.lower, "go": "home"}, {"line": self.lift}]
            if not self.config:
                raised.append({"line": "set tag .*"})
            self._place(states, "raised", self.raised, raised)
            states["password"] = {
                "prompt": "Password: ",
                "hidden": True,
                "rules": [{"account": "secret", "go": "raised"}, {"line": ".*", "reply": "% Denied\n", "go": "home"}],
            }
        if self.config:
            rules = [
                {"line": "set tag .*"},
                {"line": "commit.*", "reply": self.commit},
                {"line": "rollback 0", "reply": "load complete\n"},
                {"line": self.leave, "go": "raised" if self.raised else "home"},
            ]
            self._place(states, "config", self.config, rules)
        return {
            "platform": self.platform,
            "about": "a device with places",
            "unknown": self.refusal,
            "start": "home",
            "states": states,
        }

    def _place(self, states: dict[str, Any], name: str, prompt: str, rules: list[Rule]) -> None:
        """A place, and the question that `ask` leads to from there."""
        there = f" at {name}\n"
        states[name] = {
            "prompt": prompt,
            "rules": [
                *rules,
                {"line": "get system status.*", "reply": "Version: FortiGate-VM64 v7.4.1\n"},
                {"line": "get system console", "reply": "output              : standard\n"},
                {"line": "show tag (.+)", "reply": ["tag ", {"group": "1"}, there]},
                {"line": "slow (.+)", "reply": ["begin\n", {"pause": "1.0"}, "tag ", {"group": "1"}, there]},
                {"line": "ask (.+)", "reply": ["about ", {"group": "1"}, there], "go": f"asked {name}"},
                # EOS and Junos say that it is done, and their clients wait for it.
                {
                    "line": "(?:terminal|set cli screen-)width.*",
                    "reply": "Screen width set to 511\nWidth set to 511 columns\n",
                },
                {"line": "terminal length 0", "reply": "Pagination disabled.\n"},
                {"line": SETUP.pattern},
            ],
        }
        answers = [
            {"line": "y", "reply": "done\n", "go": name},
            {"line": ".*", "reply": "something else was typed\n", "go": name},
        ]
        states[f"asked {name}"] = {"prompt": "Really? [y/n]: ", "rules": answers}


_IOS = "                ^\n% Invalid input detected at '^' marker.\n\n"

KINDS = (
    Kind(
        platform="cisco_ios", home="r1>", raised="r1#", config="r1(config)#", away="r2>", hop="ssh r2", back="exit",
        refusal=_IOS,
    ),
    Kind(
        platform="cisco_xe", home="Router#", config="Router(config)#", away="Router#", hop="telnet 192.0.2.2",
        back="exit", refusal=_IOS,
    ),
    Kind(
        platform="cisco_asa", home="fw1/admin# ", config="fw1/admin(config)# ", away="fw1/dmz# ",
        hop="changeto context dmz", back="changeto context admin", refusal=_IOS.replace("% I", "ERROR: % I"),
    ),
    Kind(
        platform="cisco_nxos", home="n7k# ", config="n7k(config)# ", away="n7k-red# ", hop="switchto vdc red",
        back="switchback", refusal="                ^\n% Invalid command at '^' marker.\n",
    ),
    Kind(
        platform="arista_eos", home="leaf1>", raised="leaf1#", config="leaf1(config)#", away="leaf1(vrf:mgmt)>",
        hop="cli vrf mgmt", back="cli vrf default", refusal="% Invalid input\n",
    ),
    Kind(
        platform="juniper_junos", home="ops@mx1> ", config="[edit]\nops@mx1# ", away="ops@mx1:LS1> ",
        hop="set cli logical-system LS1", back="clear cli logical-system",
        refusal="error: syntax error, expecting <x>.\n",
        enter="configure.*", leave="exit configuration-mode|exit",
    ),
    Kind(
        platform="fortinet", home="FGT1 # ", away="FGT1 (vdom) # ", hop="config vdom", back="end",
        refusal="command parse error before 'wrong'\nCommand fail. Return code -61\n",
    ),
    Kind(
        platform="huawei", home="<hw1>", config="[hw1]", away="<hw1-red>", hop="switch virtual-system red", back="quit",
        refusal="      ^\nError: Unrecognized command found at '^' position.\n", enter="system-view.*", leave="return",
    ),
    Kind(
        platform="hp_comware", home="<sw1>", config="[sw1]", away="<mdc-red>", hop="switchto mdc red",
        back="switchback", refusal="      ^\n % Unrecognized command found at '^' position.\n",
        enter="system-view.*", leave="return",
    ),
    Kind(
        platform="vyos", home="ops@vy1:~$ ", config="[edit]\nops@vy1# ", away="ops@vy2:~$ ", hop="ssh vy2", back="exit",
        refusal="  Invalid command: [wrong]\n", enter="configure", leave="exit( discard)?", commit="",
    ),
    Kind(
        platform="linux", home="ops@s1:~$ ", raised="root@s1:/home/ops# ", lift="sudo -s", lower="exit", secret=False,
        away="ops@s2:~$ ", hop="ssh s2", back="exit", refusal="-bash: wrong: command not found\n",
    ),
)  # fmt: skip
"""At least one of each way to be elsewhere: another device (also of the same name), context, VDC, VRF, logical system,
vdom, virtual system, MDC, shell."""
