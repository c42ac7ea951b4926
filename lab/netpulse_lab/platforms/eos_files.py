"""What Arista EOS does with files: copy, dir, more, delete, configure replace. It asks nothing."""

from __future__ import annotations

import time

from netpulse_lab.device import load
from netpulse_lab.file_store import FileSystem
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.platform import Command

FLASH = FileSystem(
    name="flash:",
    aliases=("flash:",),
    root="/mnt/flash",
    size=3_519_041_536,
    free=2_521_870_336,
    image="vEOS-lab.swi",
    image_size=489_375_284,
)
_DONE = "Copy completed successfully.\n"
_CONFIGURATIONS = ("running-config", "startup-config")


def _missing(name: str) -> str:
    return f"% Error copying {name} (No such file or directory)\n"


def copy(shell: Interpreter, found: Match[Command]) -> str:
    """``copy SOURCE DESTINATION``; into the running configuration it merges."""
    source, target = found.words[1:3]
    device = shell.device
    if source in _CONFIGURATIONS:
        text = device.running_text() if source == "running-config" else device.startup_text()
        data = text.encode()
    else:
        stored = device.files.read(source)
        if stored is None:
            return _missing(source)
        data = stored.data
    try:
        _put(shell, target, data)
    except ValueError as error:
        return f"% Error: {error}\n"
    return _DONE


def _put(shell: Interpreter, target: str, data: bytes) -> None:
    device = shell.device
    if target == "running-config":
        Interpreter(device=device, username=shell.username, privilege=15, session=shell.session).load(data.decode())
    elif target == "startup-config":
        device.startup = load(device, data.decode())
        device.journal.event("saved", session=shell.session)
    else:
        device.files.write(target, data)
        device.journal.event("file copied", session=shell.session, name=target, size=len(data))


def replace(shell: Interpreter, found: Match[Command]) -> str:
    """``configure replace FILE [force]``"""
    stored = shell.device.files.read(found.arguments[0])
    if stored is None:
        return _missing(found.arguments[0])
    try:
        tree = load(shell.device, stored.text())
    except ValueError as error:
        return f"% Error: {error}\n"
    shell.device.replace_running(tree, shell.username)
    shell.device.journal.event("configuration replaced", session=shell.session, name=found.arguments[0])
    return ""


def delete(shell: Interpreter, found: Match[Command]) -> str:
    name = found.arguments[0]
    if not shell.device.files.delete(name):
        return f"% Error deleting {name} (No such file or directory)\n"
    shell.device.journal.event("file deleted", session=shell.session, name=name)
    return ""


def more(shell: Interpreter, found: Match[Command]) -> str:
    stored = shell.device.files.read(found.arguments[0])
    return _missing(found.arguments[0]) if stored is None else stored.text()


def directory(shell: Interpreter, found: Match[Command]) -> str:
    store = shell.device.files
    rows = [f"       -rw-  {FLASH.image_size:>10}            Feb 23 15:59  {FLASH.image}"]
    rows.append("       -rw-          29            Feb 23 16:00  boot-config")
    for name, stored in store:
        when = time.strftime("%b %d %H:%M", time.gmtime(stored.written))
        rows.append(f"       -rw-  {len(stored.data):>10}            {when}  {name}")
    body = "\n".join(rows)
    return f"Directory of flash:/\n\n{body}\n\n{FLASH.size} bytes total ({store.free} bytes free) on flash:\n"


FILE_COMMANDS = (
    Command(syntax="copy {running-config|startup-config} <path>", run=copy, level=15),
    Command(syntax="copy startup-config running-config", run=copy, level=15),
    Command(syntax="copy <path> {running-config|startup-config}", run=copy, level=15),
    Command(syntax="copy <path> <path>", run=copy, level=15),
    Command(syntax="configure replace <path> [force]", run=replace, level=15),
    Command(syntax="delete <path>", run=delete, level=15),
    Command(syntax="more <path>", run=more, level=15),
    Command(syntax="dir [<word>]", run=directory, level=15),
)
