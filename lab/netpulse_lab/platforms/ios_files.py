"""What Cisco IOS does with files: copy, dir, more, delete, verify, configure replace."""

from __future__ import annotations

import time

from netpulse_lab.config_store import ConfigTree
from netpulse_lab.device import load
from netpulse_lab.file_store import FileSystem
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Ask, Outcome, Say
from netpulse_lab.platform import Command

from .ios_archive import NOT_ENABLED, arm, enabled, type_in

FLASH = FileSystem(
    name="flash0:",
    aliases=("flash:", "flash0:", "disk0:", "bootflash:"),
    image="vios_l2-adventerprisek9-m",
    image_size=92_513_420,
)
_CONFIGURATIONS = ("running-config", "startup-config")


def _read(shell: Interpreter, source: str) -> bytes | None:
    device = shell.device
    if source == "running-config":
        return device.running_text().partition(" bytes\n")[2].encode()
    if source == "startup-config":
        return device.startup_text().partition(" bytes\n")[2].encode()
    found = device.files.read(source)
    return None if found is None else found.data


def _copied(size: int) -> str:
    return f"{size} bytes copied in 0.050 secs ({size * 20} bytes/sec)\n"


def _no_such_file(shell: Interpreter, name: str) -> str:
    relative = shell.device.files.system.relative(name)
    if relative is None:
        return f"%Error opening {name} (No such device)\n"
    return f"%Error opening {FLASH.name}/{relative} (No such file or directory)\n"


def copy(shell: Interpreter, found: Match[Command]) -> Outcome | str:
    """``copy SOURCE DESTINATION``: asks for the name at the destination, and before it overwrites a file."""
    source, target = found.words[1:3]
    device = shell.device
    data = _read(shell, source)
    if data is None:
        return _no_such_file(shell, source)
    quiet = device.running.root.find("file", "prompt", "quiet") is not None
    if target.endswith((":", ":/")):
        base = source if source in _CONFIGURATIONS else device.files.system.relative(source)
        proposed = str(base)
    else:
        proposed = target if target in _CONFIGURATIONS else str(device.files.system.relative(target))

    def named(answer: str) -> Outcome:
        name = answer.strip() or proposed
        if target in _CONFIGURATIONS and name != target:
            return Say(f"%Error opening {name} (No such device)\n")
        if name in _CONFIGURATIONS and target in _CONFIGURATIONS:
            return Say(_into_configuration(shell, name, data))
        if device.files.system.relative(target) is None:
            return Say(_no_such_file(shell, target))
        if quiet or device.files.read(name) is None:
            return write()
        return Ask(
            text="%Warning:There is a file already existing with this name \n",
            question="Do you want to over write? [confirm]",
            then=confirmed,
            single_key=True,
        )

    def confirmed(answer: str) -> Outcome:
        return write() if answer.lower() in ("", "y") else Say()

    def write(name: str = proposed) -> Outcome:
        device.files.write(name, data)
        device.journal.event("file copied", session=shell.session, name=name, size=len(data))
        return Say("!\n" + _copied(len(data)))

    if quiet:
        return named("")
    return Ask(question=f"Destination filename [{proposed}]? ", then=named)


def _into_configuration(shell: Interpreter, name: str, data: bytes) -> str:
    device = shell.device
    if name == "startup-config":
        if data == _read(shell, "running-config"):
            device.save(session=shell.session)
            return "Building configuration...\n[OK]\n"
        device.startup = load(device, data.decode())
        device.journal.event("saved", session=shell.session)
        return "[OK]\n" + _copied(len(data))
    return type_in(shell, data.decode()) + _copied(len(data))


def replace(shell: Interpreter, found: Match[Command]) -> Outcome | str:
    """``configure replace FILE [force]``: what is in force becomes what the file holds."""
    stored = shell.device.files.read(found.arguments[0])
    if stored is None:
        return _no_such_file(shell, found.arguments[0])
    if "revert" in found.words and not enabled(shell.device):
        return NOT_ENABLED

    def act(answer: str = "y") -> Outcome:
        if answer.strip().lower() not in ("y", "yes"):
            return Say()
        try:
            tree: ConfigTree = load(shell.device, stored.text())
        except ValueError as error:
            return Say(f"\n%Error: Rollback failed: {error}\n")
        if "timer" in found.words:
            arm(shell, int(found.arguments[-1]))
        shell.device.replace_running(tree, shell.username)
        shell.device.journal.event("configuration replaced", session=shell.session, name=found.arguments[0])
        return Say("Total number of passes: 1\nRollback Done\n\n")

    if "force" in found.words:
        return act()
    return Ask(
        text="This will apply all necessary additions and deletions\n"
        "to replace the current running configuration with the\n"
        "contents of the specified configuration file, which is\n"
        "assumed to be a complete configuration, not a partial\n"
        "configuration. Enter Y if you are sure you want to proceed. ",
        question="? [no]: ",
        then=act,
    )


def delete(shell: Interpreter, found: Match[Command]) -> Outcome | str:
    """``delete [/force] FILE``"""
    name = found.arguments[0]
    relative = shell.device.files.system.relative(name) or name

    def gone() -> str:
        if not shell.device.files.delete(name):
            return f"%Error deleting {FLASH.name}/{relative} (No such file or directory)\n"
        shell.device.journal.event("file deleted", session=shell.session, name=relative)
        return ""

    def confirmed(answer: str) -> Outcome:
        return Say(gone() if answer.lower() in ("", "y") else "Delete of file aborted\n")

    def named(answer: str) -> Outcome:
        return Ask(question=f"Delete {FLASH.name}/{relative}? [confirm]", then=confirmed, single_key=True)

    if "/force" in found.words:
        return gone()
    return Ask(question=f"Delete filename [{relative}]? ", then=named)


def more(shell: Interpreter, found: Match[Command]) -> str:
    stored = shell.device.files.read(found.arguments[0])
    return _no_such_file(shell, found.arguments[0]) if stored is None else stored.text()


def verify(shell: Interpreter, found: Match[Command]) -> str:
    """``verify /md5 FILE [HASH]``"""
    name = found.arguments[0]
    stored = shell.device.files.read(name)
    if stored is None:
        return _no_such_file(shell, name)
    where = f"{FLASH.name}/{shell.device.files.system.relative(name)}"
    if len(found.arguments) > 1 and found.arguments[1] != stored.md5:
        return f".Done!\n%Error verifying {where}\nComputed signature = {stored.md5}\n"
    if len(found.arguments) > 1:
        return f".Done!\nVerified ({where}) = {stored.md5}\n"
    return f".Done!\nverify /md5 ({where}) = {stored.md5}\n"


def directory(shell: Interpreter, found: Match[Command]) -> str:
    """``dir``: the whole of flash, or one file of it."""
    store = shell.device.files
    wanted = store.system.relative(found.arguments[0]) if found.arguments else ""
    if wanted is None:
        return _no_such_file(shell, found.arguments[0])
    rows = []
    if not wanted:
        rows.append(f"    1  -rw-  {FLASH.image_size:>10}  Sep 24 2020 22:34:00 +00:00  {FLASH.image}")
    for number, (name, stored) in enumerate(store, start=2):
        if wanted in ("", name):
            when = time.strftime("%b %d %Y %H:%M:%S +00:00", time.gmtime(stored.written))
            rows.append(f"{number:>5}  -rw-  {len(stored.data):>10}  {when}  {name}")
    if not rows:
        return _no_such_file(shell, found.arguments[0])
    body = "\n".join(rows)
    return f"Directory of {FLASH.name}/{wanted}\n\n{body}\n\n{FLASH.size} bytes total ({store.free} bytes free)\n"


FILE_COMMANDS = (
    Command(syntax="copy {running-config|startup-config} {running-config|startup-config}", run=copy, level=15),
    Command(syntax="copy {running-config|startup-config} <path>", run=copy, level=15),
    Command(syntax="copy <path> {running-config|startup-config}", run=copy, level=15),
    Command(syntax="copy <path> <path>", run=copy, level=15),
    Command(syntax="configure replace <path> [force]", run=replace, level=15),
    Command(syntax="configure replace <path> force revert trigger error", run=replace, level=15),
    Command(syntax="configure replace <path> force revert trigger error timer <1-120>", run=replace, level=15),
    Command(syntax="configure replace <path> force revert timer <1-120>", run=replace, level=15),
    Command(syntax="delete [{/force|/recursive /force}] <path>", run=delete, level=15),
    Command(syntax="more <path>", run=more, level=15),
    Command(syntax="verify /md5 <path> [<word>]", run=verify, level=15),
    Command(syntax="dir [<word>]", run=directory, level=15),
)
